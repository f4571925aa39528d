/* A scenario's (or a background client's) question, as REST; and what it was promised, for the checkers.
 *
 * Of an upload more is promised than that it is pinned: when the answer is yes, as many daemons have all of it as the pin's
 * factor asks at least. And one that the client breaks off is never pinned. */
#include "sim/world/world_int.h"

#include "sim/script/answer.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/rfc3339.h"

#define WRITE_PATIENCE_US ((uint64_t)60 * 1000 * 1000)

struct write_call {
    struct world *world;
    unsigned who;               /* was asked */
    struct client_call *client; /* NULL once answered */
    bool is_promise;
    uint64_t promise;
    struct cid cid;
    bool is_upload;
    bool is_left;        /* by the client, in the middle of its upload */
    unsigned copies_min; /* of an upload that succeeds */
    uint64_t repos_lost; /* before it began */
    bool is_answered;
    struct stage_answer answer;
    struct buf body;
    void (*on_answer)(void *owner);
    void *owner;
    struct list_link sent; /* world->sent, while nobody waits for it */
};

/* A peer whose state lacks rows may take for wrong what is not. */
enum promise_outcome write_outcome(const struct write_call *c)
{
    if (c->is_left)
        return PROMISE_REFUSED; /* whatever became of the peer: it never had the rest */
    if (!c->is_answered)
        return PROMISE_UNKNOWN;
    enum promise_outcome outcome = answer_outcome(&c->answer);
    bool may_err = c->answer.err == OK && checks_lacks_rows(c->world->checks, c->who);
    return outcome == PROMISE_REFUSED && may_err ? PROMISE_UNKNOWN : outcome;
}

static void write_settle(struct write_call *c)
{
    if (!c->is_promise)
        return;
    c->is_promise = false;
    checks_on_return(c->world->checks, c->promise, write_outcome(c));
}

/* At the moment of the answer; a repository that was lost meanwhile may have been one of those that had it. */
static void write_check_copies(const struct write_call *c)
{
    struct world *w = c->world;
    unsigned copies = 0;
    if (!c->is_upload || write_outcome(c) != PROMISE_KEPT || w->repos_lost != c->repos_lost)
        return;
    struct cid key = standin_block_key(&c->cid);
    for (unsigned who = 1; who <= w->machines_count; who++)
        copies += standin_find(w->machines[who].ipfs, &key) != NULL;
    if (copies >= c->copies_min)
        return;
    struct buf text = { 0 };
    buf_printf(&text, "peer %u said that %s was added, and %u daemons have it, not %u", c->who,
               cid_print(&c->cid).text, copies, c->copies_min);
    world_fail(w, "upload", buf_text(&text));
    buf_deinit(&text);
}

static void write_done(void *owner, const struct client_answer *answer)
{
    struct write_call *c = owner;
    c->client = NULL;
    c->is_answered = true;
    buf_append(&c->body, answer->reply.body.data, answer->reply.body.len);
    c->answer = (struct stage_answer){ .err = answer->err,
                                       .status = answer->reply.status,
                                       .body = buf_bytes(&c->body) };
    if (answer->err == OK && http_reply_has_stream_error(&answer->reply))
        c->answer.err = ERR_CORRUPT;
    write_check_copies(c);
    write_settle(c);
    if (c->on_answer != NULL)
        c->on_answer(c->owner);
}

static void write_put_options(struct world *w, struct buf *target, const struct stage_question *q)
{
    buf_printf(target, "name=%.*s", (int)q->name.len, (const char *)q->name.data);
    if (q->factor_min != 0)
        buf_printf(target, "&replication-min=%d&replication-max=%d", q->factor_min, q->factor_max);
    if (q->is_direct)
        buf_append_text(target, "&mode=direct");
    if (q->expires_us != 0) {
        char at[RFC3339_TEXT_SIZE];
        rfc3339_print(at, SIM_CLOCK_WALL_START_US + (int64_t)(w->sim.now_us + q->expires_us));
        buf_printf(target, "&expire-at=%s", at);
    }
    if (q->updated.len > 0)
        buf_printf(target, "&pin-update=%s", cid_print(&world_content(w, q->updated)->cid).text);
}

static enum promise_kind write_promise(struct world *w, const struct stage_question *q)
{
    if (q->verb == VERB_UNPIN)
        return PROMISE_UNPIN;
    const struct cid *updated = q->updated.len > 0 ? &world_content(w, q->updated)->cid : NULL;
    return checks_kind_of_pin(w->checks, q->expires_us != 0, updated);
}

static const char *write_put(struct world *w, const struct stage_question *q, const struct cid *cid,
                             struct buf *target)
{
    switch (q->verb) {
    case VERB_PIN:
        buf_printf(target, "/pins/%s?", cid_print(cid).text);
        write_put_options(w, target, q);
        return "POST";
    case VERB_ADD:
        buf_append_text(target, "/add?cid-version=1&");
        write_put_options(w, target, q);
        return "POST";
    case VERB_UNPIN:
        buf_printf(target, "/pins/%s", cid_print(cid).text);
        return "DELETE";
    case VERB_RECOVER:
    case VERB_SYNC:
        buf_append_text(target, "/pins");
        if (q->content.len > 0)
            buf_printf(target, "/%s", cid_print(cid).text);
        buf_append_text(target, q->verb == VERB_RECOVER ? "/recover" : "/sync");
        return "POST";
    case VERB_REMOVE:
        buf_printf(target, "/peers/%s%s", peer_id_print(&world_machine(w, q->subject)->id).text,
                   q->is_forced ? "?force=true" : "");
        return "DELETE";
    case VERB_STAY:
        buf_printf(target, "/peers/%s/stay", peer_id_print(&world_machine(w, q->subject)->id).text);
        return "POST";
    case VERB_DRAIN:
    case VERB_UNDRAIN:
        buf_printf(target, "/peers/%s/drain",
                   peer_id_print(&world_machine(w, q->subject)->id).text);
        return q->verb == VERB_DRAIN ? "POST" : "DELETE";
    default:
        buf_append_text(target, "/allocations");
        return "GET";
    }
}

/* An upload's way: who breaks it off hangs up, or just stops. */
static void write_pace(struct write_call *c, const struct stage_question *q)
{
    struct world *w = c->world;
    struct client_pace pace = { .over_us = q->over_us, .aborts = q->aborts };
    int32_t least = q->factor_min != 0 ? q->factor_min : w->options.peer.replication_min;
    c->is_upload = true;
    c->is_left = q->aborts;
    c->copies_min = least > 0 ? (unsigned)least : 1;
    c->repos_lost = w->repos_lost;
    if (q->aborts)
        pace.is_silent = choose(&w->sim.choose, CHOICE_CLIENT, 0, 2) == 1;
    client_set_pace(c->client, &pace);
}

struct write_call *write_ask(struct world *w, unsigned who, const struct stage_question *q)
{
    struct write_call *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    list_init(&c->sent);
    c->world = w;
    c->who = who;
    if (q->content.len > 0) {
        struct content *content = world_content(w, q->content);
        if (q->verb == VERB_PIN)
            world_place(w, content);
        c->cid = content->cid;
    }
    bool is_write = q->verb == VERB_PIN || q->verb == VERB_ADD || q->verb == VERB_UNPIN;
    if (is_write && !q->is_one_of_several) {
        c->is_promise = true;
        c->promise = checks_on_call(w->checks, write_promise(w, q), &c->cid);
    }
    if (q->verb == VERB_DRAIN)
        checks_on_drain(w->checks, q->subject);
    struct buf target = { 0 };
    struct buf request = { 0 };
    const char *method = write_put(w, q, &c->cid, &target);
    trace_line(&w->sim.trace, w->sim.now_us, who, "a client asks: %s %.*s",
               script_verb_word(q->verb), (int)q->content.len, (const char *)q->content.data);
    if (q->verb == VERB_ADD)
        client_request_add(&request, buf_text(&target), q->content);
    else
        client_request_with_key(&request, method, buf_text(&target), q->key);
    struct client_hooks hooks = { write_done, c };
    c->client = client_ask(w, who, PEER_DOOR_API, buf_bytes(&request), WRITE_PATIENCE_US, &hooks);
    if (q->verb == VERB_ADD)
        write_pace(c, q);
    buf_deinit(&target);
    buf_deinit(&request);
    return c;
}

void write_on_answer(struct write_call *c, void (*on_answer)(void *owner), void *owner)
{
    c->on_answer = on_answer;
    c->owner = owner;
}

const struct stage_answer *write_answer(const struct write_call *c)
{
    return c->is_answered ? &c->answer : NULL;
}

void write_forget(struct write_call *c)
{
    if (c->client != NULL)
        client_forget(c->client);
    write_settle(c);
    list_remove(&c->sent);
    buf_deinit(&c->body);
    mem_free(c);
}

static void write_is_nobodys(void *owner)
{
    write_forget(owner);
}

void write_let_go(struct write_call *c)
{
    if (c->is_answered) {
        write_forget(c);
        return;
    }
    list_push_back(&c->world->sent, &c->sent);
    write_on_answer(c, write_is_nobodys, c);
}

void writes_forget(struct world *w)
{
    while (!list_is_empty(&w->sent))
        write_forget(list_entry(w->sent.next, struct write_call, sent));
}
