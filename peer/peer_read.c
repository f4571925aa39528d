/* peer_read.c -- reads that see everything that was acknowledged before they were asked (?consistent=true; DESIGN 14).
 *
 * What is read is this peer's own state, but not before it has got to where the cluster was. How far that is, only a
 * leader can say, and only after a majority has confirmed that it still leads (raft_read.c). So the leader is asked:
 * our own raft if we lead, else by RPC_READ.
 *
 *      asked ---> waiting ---> put to the leader ---> index known ---> applied here: done
 *                    ^____ no answer, or no leader: after a pause ____/
 *
 * One question is under way at a time, for all who were waiting when it was put: an answer says nothing to those who came
 * later, who wait for the next one. So the cost of reading does not grow with the readers, as the cost of writing does
 * not with group commit. A read that cannot be served in time is refused; nothing of it is ever in doubt. */
#include "peer_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct peer_read {
    struct list_link link; /* in the order they were asked, so of their deadlines */
    bool is_put;
    uint64_t index; /* serve once applied; 0: not known */
    uint64_t deadline_us;
    peer_change_done done;
    void *owner;
};

/* At the leader: another peer's question. */
struct peer_read_asker {
    struct list_link link;
    uint64_t context;
    struct rpc_asker asker;
};

void peer_reads_start(struct peer *p)
{
    list_init(&p->reads.asked);
    list_init(&p->reads.askers);
    p->reads.peer = p;
}

int peer_catch_up(struct peer *p, peer_change_done done, void *owner)
{
    ASSERT(done != NULL);
    if (p->life != PEER_MEMBER || p->is_stopping)
        return ERR_NO_LEADER;
    if (p->reads.count >= p->options.reads_max)
        return ERR_BUSY;
    struct peer_read *read = mem_alloc(sizeof(*read));
    if (read == NULL)
        return ERR_NOMEM;
    *read = (struct peer_read){ .deadline_us = p->now_us + p->options.commit_timeout_us,
                                .done = done,
                                .owner = owner };
    list_push_back(&p->reads.asked, &read->link);
    p->reads.count += 1;
    return OK;
}

/* ---- the question ---- */

/* The answer to the question under way; 0: there is none, it has to be put again. */
static void peer_reads_answered(struct peer_reads *reads, uint64_t index)
{
    struct peer *p = reads->peer;
    reads->is_under_way = false;
    reads->retry_us = index > 0 ? p->now_us : p->now_us + PEER_READ_PAUSE_US;
    list_for_each (at, &reads->asked) {
        struct peer_read *read = list_entry(at, struct peer_read, link);
        if (read->is_put && read->index == 0) {
            read->index = index;
            read->is_put = index > 0;
        }
    }
}

static void peer_reads_on_reply(void *owner, int err, struct bytes payload, const char *text)
{
    (void)text;
    struct reader r = reader_of(payload.data, payload.len);
    uint64_t index = err == OK ? reader_u64(&r) : 0;
    peer_reads_answered(owner, err == OK && reader_finish(&r) == OK ? index : 0);
}

static int peer_reads_put(struct peer *p)
{
    struct peer_reads *reads = &p->reads;
    const struct raft_member *leader = peer_leader(p);
    if (peer_leads(p)) {
        reads->context = ++reads->contexts_count;
        return raft_read(p->raft, reads->context);
    }
    reads->context = 0;
    if (leader == NULL)
        return ERR_NO_LEADER;
    return rpc_call(&p->rpc, p->now_us, &leader->id, RPC_READ, (struct bytes){ NULL, 0 },
                    PEER_FIND_TIMEOUT_US, peer_reads_on_reply, reads);
}

static void peer_reads_ask(struct peer *p)
{
    struct peer_reads *reads = &p->reads;
    bool any = false;
    if (reads->is_under_way || p->now_us < reads->retry_us)
        return;
    list_for_each (at, &reads->asked)
        any |= list_entry(at, struct peer_read, link)->index == 0;
    if (!any)
        return;
    reads->is_under_way = peer_reads_put(p) == OK;
    if (!reads->is_under_way) {
        reads->retry_us = p->now_us + PEER_READ_PAUSE_US;
        return;
    }
    list_for_each (at, &reads->asked)
        list_entry(at, struct peer_read, link)->is_put = true;
}

/* Whom we asked leads no more. Our own raft says so by itself. */
void peer_reads_on_role(struct peer *p)
{
    struct peer_reads *reads = &p->reads;
    if (reads->is_under_way && reads->context == 0) {
        rpc_forget(&p->rpc, reads);
        peer_reads_answered(reads, 0);
    }
    reads->retry_us = p->now_us;
}

/* ---- the leader's side ---- */

void peer_on_read(struct peer *p, const struct rpc_asker *asker)
{
    struct peer_read_asker *a = mem_alloc(sizeof(*a));
    int err = a == NULL ? ERR_NOMEM : raft_read(p->raft, p->reads.contexts_count + 1);
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        mem_free(a);
        return;
    }
    p->reads.contexts_count += 1;
    *a = (struct peer_read_asker){ .context = p->reads.contexts_count, .asker = *asker };
    list_push_back(&p->reads.askers, &a->link);
}

static void peer_read_reply(struct peer *p, const struct rpc_asker *asker, uint64_t index)
{
    struct buf payload = { 0 };
    buf_put_u64(&payload, index);
    if (index > 0 && payload.err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&payload));
    else
        rpc_refuse(&p->rpc, asker, ERR_NOT_LEADER, err_text(ERR_NOT_LEADER));
    buf_deinit(&payload);
}

/* From inside a ready: nothing may be asked of the raft here. */
void peer_reads_on_result(struct peer *p, const struct raft_read_result *result)
{
    if (p->reads.is_under_way && p->reads.context == result->context) {
        peer_reads_answered(&p->reads, result->index);
        return;
    }
    list_for_each (at, &p->reads.askers) {
        struct peer_read_asker *a = list_entry(at, struct peer_read_asker, link);
        if (a->context != result->context)
            continue;
        peer_read_reply(p, &a->asker, result->index);
        list_remove(&a->link);
        mem_free(a);
        return;
    }
}

/* ---- the end of a read ---- */

static void peer_read_finish(struct peer *p, struct peer_read *read, int err)
{
    peer_change_done done = read->done;
    void *owner = read->owner;
    list_remove(&read->link);
    p->reads.count -= 1;
    mem_free(read);
    done(owner, err, err_text(err));
}

/* Before the raft's turn: what has waited too long, and the next question. */
void peer_reads_begin(struct peer *p)
{
    list_for_each_safe (at, after, &p->reads.asked) {
        struct peer_read *read = list_entry(at, struct peer_read, link);
        if (read->deadline_us > p->now_us)
            break;
        peer_read_finish(p, read, ERR_NO_LEADER);
    }
    peer_reads_ask(p);
}

/* Behind it: who waits for an index that is applied now. */
void peer_reads_settle(struct peer *p)
{
    list_for_each_safe (at, after, &p->reads.asked) {
        struct peer_read *read = list_entry(at, struct peer_read, link);
        if (read->index > 0 && read->index <= p->applied)
            peer_read_finish(p, read, OK);
    }
}

uint64_t peer_reads_deadline_us(const struct peer *p)
{
    if (list_is_empty(&p->reads.asked))
        return RAFT_NEVER;
    const struct peer_read *first = list_entry(p->reads.asked.next, struct peer_read, link);
    const struct peer_read *last = list_entry(p->reads.asked.prev, struct peer_read, link);
    bool waits = last->index == 0 && !p->reads.is_under_way;
    return waits && p->reads.retry_us < first->deadline_us ? p->reads.retry_us : first->deadline_us;
}

void peer_reads_end(struct peer *p, int err)
{
    while (!list_is_empty(&p->reads.asked))
        peer_read_finish(p, list_entry(p->reads.asked.next, struct peer_read, link), err);
    while (!list_is_empty(&p->reads.askers)) {
        struct peer_read_asker *a =
            list_entry(list_pop_front(&p->reads.askers), struct peer_read_asker, link);
        mem_free(a);
    }
}
