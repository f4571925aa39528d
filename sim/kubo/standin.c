/* The stand-in's life: requests become operations, operations take steps until none can go on. All is
 * done from inside the calls that bring news (a request, the time, a block), never from inside one
 * another: whoever makes an operation ready only puts it into the list that standin_run() empties. */
#include "sim/kubo/standin_int.h"

#include <string.h>

#include "port/clock.h"
#include "sim/kubo/content.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- memory ---- */

static void *standin_must(void *memory)
{
    if (memory == NULL)
        fatal("the stand-in IPFS daemon is out of memory");
    return memory;
}

void *standin_alloc(size_t size)
{
    return standin_must(mem_zalloc(size));
}

void *op_alloc(struct standin_op *op, size_t size)
{
    return standin_must(arena_zalloc(&op->arena, size));
}

char *op_copy(struct standin_op *op, struct bytes text)
{
    return standin_must(arena_copy(&op->arena, text));
}

struct bytes standin_bytes(const struct buf *b)
{
    if (b->err != OK)
        fatal("the stand-in IPFS daemon is out of memory");
    return b->data != NULL ? buf_bytes(b) : (struct bytes){ "", 0 };
}

/* ---- life ---- */

struct standin *standin_create(const struct standin_options *options,
                               const struct standin_hooks *hooks, const struct standin_net *net)
{
    struct standin *s = standin_alloc(sizeof *s);
    s->options = *options;
    s->hooks = *hooks;
    if (net != NULL)
        s->net = *net;
    if (s->options.storage_max == 0)
        s->options.storage_max = 10ull * 1000 * 1000 * 1000;
    repo_init(&s->repo);
    list_init(&s->ops);
    list_init(&s->ready);
    list_init(&s->wants);
    list_init(&s->links);
    list_init(&s->dials);
    list_init(&s->lock_queue);
    s->wake_asked_us = MONO_NEVER;
    return s;
}

static void op_free(struct standin_op *op)
{
    struct standin *s = op->s;
    op_unwant_all(op);
    op_unlock(op);
    list_for_each_safe (at, after, &s->dials) {
        struct standin_dial *dial = list_entry(at, struct standin_dial, link);
        if (dial->op == op) {
            list_remove(at);
            mem_free(dial);
        }
    }
    if (op->release != NULL)
        op->release(op);
    list_remove(&op->ready);
    list_remove(&op->link);
    arena_deinit(&op->arena);
    mem_free(op);
}

static void standin_break_all(struct standin *s)
{
    while (!list_is_empty(&s->ops)) {
        struct standin_op *op = list_entry(s->ops.next, struct standin_op, link);
        if (op->x != NULL)
            http_reply_kill(op->x);
        op_free(op);
    }
    while (!list_is_empty(&s->links)) {
        struct standin_link *l = list_entry(list_pop_front(&s->links), struct standin_link, link);
        if (s->net.ops != NULL)
            s->net.ops->hang_up(s->net.impl, &l->peer);
        mem_free(l);
    }
}

void standin_destroy(struct standin *s)
{
    ASSERT(!s->is_running);
    standin_break_all(s);
    standin_wants_deinit(s);
    repo_deinit(&s->repo);
    mem_free(s);
}

void standin_restart(struct standin *s)
{
    ASSERT(!s->is_running);
    standin_break_all(s);
    s->faults = (struct standin_faults){ 0 };
}

void standin_wipe(struct standin *s)
{
    standin_restart(s);
    repo_deinit(&s->repo);
    repo_init(&s->repo);
}

uint64_t standin_now(struct standin *s)
{
    return s->hooks.now_us(s->hooks.owner);
}

/* ---- steps ---- */

void op_ready(struct standin_op *op)
{
    if (op->ready.next == &op->ready)
        list_push_back(&op->s->ready, &op->ready);
}

void op_wake_at(struct standin_op *op, uint64_t at_us)
{
    op->wake_at_us = at_us;
}

/* One call to the hook each time the earliest time of all operations changes. */
static void standin_ask_for_wake(struct standin *s)
{
    uint64_t first_us = MONO_NEVER;
    list_for_each (at, &s->ops) {
        const struct standin_op *op = list_entry(at, struct standin_op, link);
        if (op->wake_at_us < first_us)
            first_us = op->wake_at_us;
        if (op->deadline_us < first_us)
            first_us = op->deadline_us;
    }
    if (first_us == s->wake_asked_us)
        return;
    s->wake_asked_us = first_us;
    s->hooks.wake_at(s->hooks.owner, first_us);
}

void standin_run(struct standin *s)
{
    if (s->is_running)
        return;
    s->is_running = true;
    struct list_link *at;
    while ((at = list_pop_front(&s->ready)) != NULL) {
        struct standin_op *op = list_entry(at, struct standin_op, ready);
        if (op->x != NULL)
            op->step(op);
        if (op->x == NULL)
            op_free(op);
    }
    s->is_running = false;
    standin_ask_for_wake(s);
}

static void op_expire(struct standin_op *op)
{
    op->deadline_us = MONO_NEVER;
    if (op->expire != NULL)
        op->expire(op);
    else
        answer_fail(op, "%scontext deadline exceeded", op->error_prefix);
    op_ready(op); /* at least to be freed */
}

/* What is due by its own time goes first: a line of progress, then the timeout of the same moment. */
void standin_on_wake(struct standin *s)
{
    uint64_t now_us = standin_now(s);
    s->wake_asked_us = MONO_NEVER;
    list_for_each (at, &s->ops) {
        struct standin_op *op = list_entry(at, struct standin_op, link);
        if (op->wake_at_us <= now_us) {
            op->wake_at_us = MONO_NEVER;
            op_ready(op);
        }
    }
    standin_run(s);
    list_for_each (at, &s->ops) {
        struct standin_op *op = list_entry(at, struct standin_op, link);
        if (op->deadline_us <= now_us)
            op_expire(op);
    }
    standin_run(s);
}

/* ---- requests ---- */

static void op_on_abort(struct http_exchange *x)
{
    struct standin_op *op = x->owner;
    struct standin *s = op->s;
    op->x = NULL;
    op_ready(op);
    standin_run(s);
}

static void op_on_drain(struct http_exchange *x)
{
    struct standin_op *op = x->owner;
    op_ready(op);
    standin_run(op->s);
}

static void op_step_never(struct standin_op *op)
{
    (void)op;
}

static void op_begin(struct standin_op *op)
{
    op->step = op_step_never;
    op->command->start(op);
    if (op->x != NULL)
        op->step(op);
}

/* A request that met faults: what they make of it, after the delay that they may order. */
static void op_suffer(struct standin_op *op)
{
    const struct standin_faults *f = op->faults;
    op->breaks_off = f->half_answer || f->stall;
    op->stalls = f->stall;
    if (f->hang)
        op->step = op_step_never;
    else if (f->error_status != 0)
        answer_status(op, f->error_status, f->error_text);
    else if (f->garbage)
        answer_garbage(op);
    else
        op_begin(op);
}

static void op_meet_faults(struct standin_op *op)
{
    struct standin_faults *f = &op->s->faults;
    struct standin_faults *copy = op_alloc(op, sizeof *copy);
    *copy = *f;
    op->faults = copy;
    op->step = op_suffer;
    if (f->slow_us > 0)
        op_wake_at(op, standin_now(op->s) + f->slow_us);
    else
        op_ready(op);
    if (f->requests_left > 0 && --f->requests_left == 0)
        *f = (struct standin_faults){ .refuse_until_us = f->refuse_until_us };
}

void standin_on_request(struct standin *s, struct http_exchange *x)
{
    struct standin_op *op = standin_alloc(sizeof *op);
    *op = (struct standin_op){ .s = s,
                               .x = x,
                               .step = op_begin,
                               .error_prefix = "",
                               .wake_at_us = MONO_NEVER,
                               .deadline_us = MONO_NEVER };
    list_init(&op->ready);
    list_init(&op->waiters);
    list_init(&op->lock_link);
    list_push_back(&s->ops, &op->link);
    x->owner = op;
    x->on_abort = op_on_abort;
    x->on_drain = op_on_drain;
    s->counts.requests += 1;
    op->command = request_read(op);
    if (op->command != NULL && !op->is_spared && fault_wants(s, op))
        op_meet_faults(op);
    else
        op_ready(op); /* to begin, or to be freed: it is answered already */
    standin_run(s);
}

/* ---- the store ---- */

const struct peer_id *standin_id(const struct standin *s)
{
    return &s->options.id;
}

struct cid standin_block_key(const struct cid *cid)
{
    return content_key(cid);
}

const struct standin_block *standin_find(const struct standin *s, const struct cid *key)
{
    const struct repo_block *b = repo_block_find(&s->repo, key);
    return b != NULL ? &b->block : NULL;
}

void standin_store(struct standin *s, const struct cid *cid, struct bytes data)
{
    ASSERT(data.data != NULL);
    standin_on_block(s, &(struct standin_block){ content_key(cid), data, 1, data.len });
}

void standin_hold(struct standin *s, const struct cid *cid, uint64_t nodes_count,
                  uint64_t bytes_count)
{
    standin_on_block(
        s, &(struct standin_block){ content_key(cid), { NULL, 0 }, nodes_count, bytes_count });
}

void standin_pin(struct standin *s, const struct cid *cid, bool direct, const char *name)
{
    repo_pin_put(&s->repo, &(struct standin_pin){ *cid, direct, name });
}

size_t standin_pins_count(const struct standin *s)
{
    return s->repo.pins_by_cid.count;
}

void standin_pins_visit(const struct standin *s,
                        void (*visit)(void *owner, const struct standin_pin *pin), void *owner)
{
    list_for_each (at, &s->repo.pins)
        visit(owner, &list_entry(at, struct repo_pin, link)->pin);
}

int standin_pin_find(const struct standin *s, const struct cid *cid, struct standin_pin *out)
{
    const struct repo_pin *p = repo_pin_find(&s->repo, cid);
    if (p == NULL)
        return ERR_NOT_FOUND;
    *out = p->pin;
    return OK;
}

bool standin_lose_pin(struct standin *s, const struct cid *cid)
{
    return repo_pin_remove(&s->repo, cid);
}

void standin_lose_repo(struct standin *s)
{
    repo_clear(&s->repo);
}

bool standin_lose_block(struct standin *s, const struct cid *cid)
{
    struct cid key = content_key(cid);
    return repo_block_remove(&s->repo, &key);
}

/* ---- connections ---- */

static struct standin_link *standin_link_find(struct standin *s, const struct peer_id *peer)
{
    list_for_each (at, &s->links) {
        struct standin_link *l = list_entry(at, struct standin_link, link);
        if (peer_id_equal(&l->peer, peer))
            return l;
    }
    return NULL;
}

void standin_on_connected(struct standin *s, const struct peer_id *peer,
                          const struct multiaddr *addr)
{
    struct standin_link *l = standin_link_find(s, peer);
    if (l == NULL) {
        l = standin_alloc(sizeof *l);
        list_push_back(&s->links, &l->link);
    }
    l->peer = *peer;
    l->addr = *addr;
    multiaddr_strip_peer(&l->addr);
    standin_wants_repeat(s);
}

void standin_on_disconnected(struct standin *s, const struct peer_id *peer)
{
    struct standin_link *l = standin_link_find(s, peer);
    if (l == NULL)
        return;
    list_remove(&l->link);
    mem_free(l);
}

void standin_on_dialed(struct standin *s, uint64_t number, int err, const char *text)
{
    list_for_each (at, &s->dials) {
        struct standin_dial *dial = list_entry(at, struct standin_dial, link);
        if (dial->number != number)
            continue;
        struct standin_op *op = dial->op;
        list_remove(&dial->link);
        mem_free(dial);
        if (op->x != NULL)
            cmd_swarm_connect_dialed(op, err, text);
        op_ready(op);
        standin_run(s);
        return;
    }
}

/* ---- faults, counts ---- */

bool standin_refuses(const struct standin *s)
{
    return s->faults.refuse_until_us > s->hooks.now_us(s->hooks.owner);
}

void standin_set_faults(struct standin *s, const struct standin_faults *faults)
{
    s->faults = *faults;
}

const struct standin_faults *standin_faults(const struct standin *s)
{
    return &s->faults;
}

struct standin_counts standin_counts(const struct standin *s)
{
    struct standin_counts counts = s->counts;
    list_for_each (at, &s->ops)
        counts.requests_running += 1;
    counts.blocks = s->repo.blocks_by_key.count;
    counts.bytes = s->repo.bytes_count;
    return counts;
}
