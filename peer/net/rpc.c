#include "net/rpc.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* Bytes. Request: id u64 | method u16 | payload. Reply: id u64 | err u16, negated | text run | payload.
 * An id is unique among the calls of one life of the asker, who starts it at a drawn number, so that the answer to
 * a question of an earlier life finds nobody. */

struct rpc_pending {
    struct list_link link; /* in order of asking */
    struct peer_id to;
    uint64_t id;
    uint64_t deadline_us;
    rpc_done done;
    void *owner;
};

void rpc_init(struct rpc *rpc, struct transport *transport, const struct rpc_hooks *hooks,
              size_t pending_max, uint64_t first_id)
{
    *rpc = (struct rpc){
        .transport = transport, .hooks = *hooks, .pending_max = pending_max, .next_id = first_id
    };
    list_init(&rpc->pending);
    rpc->due_us = UINT64_MAX;
}

/* The one place where a pending call ends. */
static void rpc_finish(struct rpc *rpc, struct rpc_pending *call, int err, struct bytes payload,
                       const char *text)
{
    list_remove(&call->link);
    rpc->pending_count -= 1;
    rpc_done done = call->done;
    void *owner = call->owner;
    mem_free(call);
    done(owner, err, payload, text);
}

static void rpc_fail(struct rpc *rpc, struct rpc_pending *call, int err)
{
    rpc_finish(rpc, call, err, (struct bytes){ NULL, 0 }, err_text(err));
}

void rpc_deinit(struct rpc *rpc)
{
    while (!list_is_empty(&rpc->pending))
        rpc_fail(rpc, list_entry(rpc->pending.next, struct rpc_pending, link), ERR_CANCELED);
    buf_deinit(&rpc->scratch);
}

static int rpc_send(struct rpc *rpc, const struct peer_id *to)
{
    if (rpc->scratch.err != OK)
        return rpc->scratch.err;
    if (rpc->scratch.len > LIMIT_FRAME_BYTES)
        return ERR_TOO_BIG;
    return transport_send(rpc->transport, to, STREAM_CALLS, rpc->scratch.data, rpc->scratch.len);
}

/* Asked because a user asked, or because pins moved: there may be any number of them. */
static bool rpc_is_for_users(enum rpc_method method)
{
    switch (method) {
    case RPC_PROPOSE:
    case RPC_ID:
    case RPC_STATUS:
    case RPC_RECOVER:
    case RPC_SYNC:
    case RPC_READ:
    case RPC_ALLOCATE:
    case RPC_GARBAGE:
    case RPC_LINKS:
    case RPC_DECISION:
    case RPC_MONITOR:
    case RPC_HOLDS:
        return true;
    case RPC_FIND:
    case RPC_JOIN:
    case RPC_MEMBER_REMOVE:
    case RPC_METRICS:
    case RPC_INVITE:
    case RPC_RETIRE:
    case RPC_LEAVE:
    case RPC_DIVERGED:
    case RPC_AUDIT:
    case RPC_DISMISS:
    case RPC_KEEPS:
    case RPC_STAY:
        break;
    }
    return false;
}

/* A quarter is kept for what holds the cluster together: who has no room to say that it lives is taken for dead. */
static size_t rpc_room(const struct rpc *rpc, enum rpc_method method)
{
    return rpc_is_for_users(method) ? rpc->pending_max - rpc->pending_max / 4 : rpc->pending_max;
}

int rpc_call(struct rpc *rpc, uint64_t now_us, const struct peer_id *to, enum rpc_method method,
             struct bytes payload, uint64_t timeout_us, rpc_done done, void *owner)
{
    ASSERT(done != NULL);
    if (rpc->pending_count >= rpc_room(rpc, method))
        return ERR_BUSY;
    struct rpc_pending *call = mem_zalloc(sizeof(*call));
    if (call == NULL)
        return ERR_NOMEM;
    buf_clear(&rpc->scratch);
    frame_head_put(&rpc->scratch, FRAME_REQUEST, &rpc->cluster);
    buf_put_u64(&rpc->scratch, rpc->next_id);
    buf_put_u16(&rpc->scratch, (uint16_t)method);
    buf_append(&rpc->scratch, payload.data, payload.len);
    int err = rpc_send(rpc, to);
    if (err != OK) {
        mem_free(call);
        return err;
    }
    *call = (struct rpc_pending){ .to = *to,
                                  .id = rpc->next_id++,
                                  .deadline_us = now_us + timeout_us,
                                  .done = done,
                                  .owner = owner };
    list_push_back(&rpc->pending, &call->link);
    rpc->pending_count += 1;
    if (call->deadline_us < rpc->due_us)
        rpc->due_us = call->deadline_us;
    return OK;
}

void rpc_forget(struct rpc *rpc, const void *owner)
{
    list_for_each_safe (at, after, &rpc->pending) {
        struct rpc_pending *call = list_entry(at, struct rpc_pending, link);
        if (call->owner != owner)
            continue;
        list_remove(&call->link);
        rpc->pending_count -= 1;
        mem_free(call);
    }
}

static void rpc_answer(struct rpc *rpc, const struct rpc_asker *asker, int err, const char *text,
                       struct bytes payload)
{
    buf_clear(&rpc->scratch);
    frame_head_put(&rpc->scratch, FRAME_REPLY, &rpc->cluster);
    buf_put_u64(&rpc->scratch, asker->id);
    buf_put_u16(&rpc->scratch, (uint16_t)-err);
    size_t text_len = strnlen(text, RPC_TEXT_MAX);
    buf_put_run(&rpc->scratch, text, text_len);
    buf_append(&rpc->scratch, payload.data, payload.len);
    /* An answer that cannot leave is a lost one: the asker's deadline covers it. */
    (void)rpc_send(rpc, &asker->from);
}

void rpc_reply(struct rpc *rpc, const struct rpc_asker *asker, struct bytes payload)
{
    rpc_answer(rpc, asker, OK, "", payload);
}

void rpc_refuse(struct rpc *rpc, const struct rpc_asker *asker, int err, const char *text)
{
    ASSERT(err < 0);
    rpc_answer(rpc, asker, err, text, (struct bytes){ NULL, 0 });
}

/* ---- no question twice ---- */

static struct rpc_heard *rpc_heard_of(struct rpc *rpc, const struct peer_id *from)
{
    size_t count = rpc->heard_count < LIMIT_MEMBERS_COUNT ? rpc->heard_count : LIMIT_MEMBERS_COUNT;
    for (size_t i = 0; i < count; i++)
        if (peer_id_equal(&rpc->heard[i].from, from))
            return &rpc->heard[i];
    struct rpc_heard *h = &rpc->heard[rpc->heard_count++ % LIMIT_MEMBERS_COUNT];
    *h = (struct rpc_heard){ .from = *from };
    return h;
}

/* A window over the asker's numbers, as IPsec keeps one against replays (RFC 4303, 3.4.3), but with another end: what
 * lies before the window is no replay. It is the first question of a new life, which began at a lower number. */
static bool rpc_is_copy(struct rpc *rpc, const struct peer_id *from, uint64_t id)
{
    struct rpc_heard *h = rpc_heard_of(rpc, from);
    uint64_t behind = h->newest - id;
    if (id <= h->newest && behind < 64) {
        bool was_seen = (h->seen >> behind & 1) != 0;
        h->seen |= (uint64_t)1 << behind;
        return was_seen;
    }
    uint64_t ahead = id - h->newest;
    h->seen = id > h->newest && ahead < 64 ? h->seen << ahead | 1 : 1;
    h->newest = id;
    return false;
}

static void rpc_on_request(struct rpc *rpc, const struct peer_id *from, const struct frame *frame)
{
    struct reader r = reader_of(frame->body.data, frame->body.len);
    struct rpc_asker asker = { .from = *from, .cluster = frame->cluster };
    asker.id = reader_u64(&r);
    uint16_t method = reader_u16(&r);
    if (r.err != OK) {
        rpc->bad_frames_count += 1;
        return;
    }
    if (rpc_is_copy(rpc, from, asker.id))
        return;
    if (method < RPC_FIND || method > RPC_METHOD_LAST) {
        rpc_refuse(rpc, &asker, ERR_UNSUPPORTED, "this peer does not know that call: upgrade it");
        return;
    }
    rpc->hooks.on_request(rpc->hooks.owner, &asker, (enum rpc_method)method,
                          (struct bytes){ r.at, r.left });
}

static struct rpc_pending *rpc_find(struct rpc *rpc, const struct peer_id *from, uint64_t id)
{
    list_for_each (at, &rpc->pending) {
        struct rpc_pending *call = list_entry(at, struct rpc_pending, link);
        if (call->id == id && peer_id_equal(&call->to, from))
            return call;
    }
    return NULL;
}

static void rpc_on_reply(struct rpc *rpc, const struct peer_id *from, const struct frame *frame)
{
    struct reader r = reader_of(frame->body.data, frame->body.len);
    uint64_t id = reader_u64(&r);
    int err = -(int)reader_u16(&r);
    struct bytes text = reader_run(&r, RPC_TEXT_MAX);
    if (r.err != OK) {
        rpc->bad_frames_count += 1;
        return;
    }
    struct rpc_pending *call = rpc_find(rpc, from, id);
    if (call == NULL)
        return; /* too late: its deadline has passed, or it was asked in an earlier life */
    char words[RPC_TEXT_MAX + 1] = "";
    if (text.len > 0)
        memcpy(words, text.data, text.len);
    rpc_finish(rpc, call, err, (struct bytes){ r.at, r.left }, words);
}

void rpc_on_frame(struct rpc *rpc, const struct peer_id *from, const struct frame *frame)
{
    if (frame->kind == FRAME_REQUEST)
        rpc_on_request(rpc, from, frame);
    else if (frame->kind == FRAME_REPLY)
        rpc_on_reply(rpc, from, frame);
    else
        rpc->bad_frames_count += 1;
}

/* done() may ask anew, or end other calls: so each round looks at the list afresh. New calls go to its end and
 * do not match, since a peer that is down gets no more than an error. */
void rpc_on_link_down(struct rpc *rpc, const struct peer_id *peer)
{
    uint64_t asked_before = rpc->next_id;
    bool found = true;
    while (found) {
        found = false;
        list_for_each (at, &rpc->pending) {
            struct rpc_pending *call = list_entry(at, struct rpc_pending, link);
            if (call->id < asked_before && peer_id_equal(&call->to, peer)) {
                rpc_fail(rpc, call, ERR_UNREACHABLE);
                found = true;
                break;
            }
        }
    }
}

static void rpc_note_due(struct rpc *rpc)
{
    rpc->due_us = UINT64_MAX;
    list_for_each (at, &rpc->pending) {
        const struct rpc_pending *call = list_entry(at, struct rpc_pending, link);
        if (call->deadline_us < rpc->due_us)
            rpc->due_us = call->deadline_us;
    }
}

void rpc_on_deadline(struct rpc *rpc, uint64_t now_us)
{
    if (now_us < rpc->due_us)
        return;
    bool found = true;
    while (found) {
        found = false;
        list_for_each (at, &rpc->pending) {
            struct rpc_pending *call = list_entry(at, struct rpc_pending, link);
            if (call->deadline_us <= now_us) {
                rpc_fail(rpc, call, ERR_TIMEOUT);
                found = true;
                break;
            }
        }
    }
    rpc_note_due(rpc);
}

/* A call that ended may leave it too early by that: then nothing happens, and the next one is found. */
uint64_t rpc_next_deadline_us(const struct rpc *rpc)
{
    return rpc->pending_count > 0 ? rpc->due_us : UINT64_MAX;
}
