/* What an operation can wait for besides time: a block, and the collector's lock. */
#include "sim/kubo/standin_int.h"

#include <string.h>

#include "sim/kubo/content.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- blocks ---- */

/* One block that somebody waits for. */
struct want {
    struct list_link link; /* in s->wants */
    struct cid key;
    struct list_link waiters;
    uint64_t nodes_count; /* of a virtual block: this much has come */
    uint64_t bytes_count;
};

/* One operation that waits for it. */
struct waiter {
    struct want *want;
    struct standin_op *op;
    struct list_link of_want;
    struct list_link of_op;
};

static struct bytes want_map_key(const struct cid *key)
{
    return (struct bytes){ key->bytes, key->len };
}

const struct standin_block *standin_look(struct standin *s, const struct cid *cid)
{
    struct cid key = content_key(cid);
    const struct standin_block *block = standin_find(s, &key);
    if (block != NULL || s->options.everything_bytes == 0)
        return block;
    repo_block_put(&s->repo,
                   &(struct standin_block){ key, { NULL, 0 }, 1, s->options.everything_bytes });
    return standin_find(s, &key);
}

static struct want *want_create(struct standin *s, const struct cid *key)
{
    struct want *want = standin_alloc(sizeof *want);
    want->key = *key;
    list_init(&want->waiters);
    list_push_back(&s->wants, &want->link);
    if (map_put(&s->wants_by_key, want_map_key(&want->key), want) != OK)
        fatal("the stand-in IPFS daemon is out of memory");
    return want;
}

static void want_destroy(struct standin *s, struct want *want)
{
    map_remove(&s->wants_by_key, want_map_key(&want->key));
    list_remove(&want->link);
    mem_free(want);
}

static bool op_waits_for(const struct standin_op *op, const struct want *want)
{
    list_for_each (at, &op->waiters) {
        if (list_entry(at, struct waiter, of_op)->want == want)
            return true;
    }
    return false;
}

bool op_want(struct standin_op *op, const struct cid *cid)
{
    struct standin *s = op->s;
    struct cid key = content_key(cid);
    if (s->options.offline || op_flag(op, "offline", false)) {
        answer_fail(op, "%sblock was not found locally (offline): ipld: could not find %s",
                    op->error_prefix, cid_print(cid).text);
        return false;
    }
    struct want *want = map_get(&s->wants_by_key, want_map_key(&key));
    bool is_new = want == NULL;
    if (is_new)
        want = want_create(s, &key);
    if (op_waits_for(op, want))
        return true;
    struct waiter *waiter = standin_alloc(sizeof *waiter);
    waiter->want = want;
    waiter->op = op;
    list_push_back(&want->waiters, &waiter->of_want);
    list_push_back(&op->waiters, &waiter->of_op);
    if (is_new && s->net.ops != NULL)
        s->net.ops->want(s->net.impl, &key);
    return true;
}

static void waiter_free(struct waiter *waiter)
{
    list_remove(&waiter->of_want);
    list_remove(&waiter->of_op);
    mem_free(waiter);
}

void op_unwant_all(struct standin_op *op)
{
    struct standin *s = op->s;
    list_for_each_safe (at, after, &op->waiters) {
        struct waiter *waiter = list_entry(at, struct waiter, of_op);
        struct want *want = waiter->want;
        waiter_free(waiter);
        if (!list_is_empty(&want->waiters))
            continue;
        if (s->net.ops != NULL)
            s->net.ops->unwant(s->net.impl, &want->key);
        want_destroy(s, want);
    }
}

void standin_on_block(struct standin *s, const struct standin_block *block)
{
    struct cid key = block->key; /* the caller's may lie in what is freed below */
    if (block->data.data != NULL && !content_has_hash(&key, block->data))
        return;
    bool is_new = repo_block_put(&s->repo, block);
    struct want *want = map_get(&s->wants_by_key, want_map_key(&key));
    if (want != NULL) {
        while (!list_is_empty(&want->waiters)) {
            struct waiter *waiter = list_entry(want->waiters.next, struct waiter, of_want);
            op_ready(waiter->op);
            waiter_free(waiter);
        }
        if (s->net.ops != NULL)
            s->net.ops->unwant(s->net.impl, &key);
        want_destroy(s, want);
    }
    if (is_new && s->net.ops != NULL)
        s->net.ops->have(s->net.impl, &key);
    standin_run(s);
}

void standin_on_block_progress(struct standin *s, const struct cid *key, uint64_t nodes_count,
                               uint64_t bytes_count)
{
    struct want *want = map_get(&s->wants_by_key, want_map_key(key));
    if (want == NULL)
        return;
    want->nodes_count = nodes_count;
    want->bytes_count = bytes_count;
}

void op_wanted_progress(const struct standin_op *op, uint64_t *nodes, uint64_t *bytes)
{
    list_for_each (at, &op->waiters) {
        const struct want *want = list_entry(at, struct waiter, of_op)->want;
        *nodes += want->nodes_count;
        *bytes += want->bytes_count;
    }
}

void standin_wants_repeat(struct standin *s)
{
    list_for_each_safe (at, after, &s->wants) {
        if (s->net.ops != NULL)
            s->net.ops->want(s->net.impl, &list_entry(at, struct want, link)->key);
    }
}

void standin_wants_deinit(struct standin *s)
{
    ASSERT(list_is_empty(&s->wants)); /* every operation took its own back */
    map_deinit(&s->wants_by_key);
}

/* ---- the collector's lock ---- */

/* Kubo's pin lock: pinners share it, the collector has it alone, and while a collector waits nobody
 * new gets it. So one pin/add with a silent source and one repo/gc stop all pinning. */

static bool lock_wait(struct standin_op *op)
{
    if (op->lock != LOCK_WAITS)
        list_push_back(&op->s->lock_queue, &op->lock_link);
    op->lock = LOCK_WAITS;
    return false;
}

static bool lock_take(struct standin_op *op)
{
    list_remove(&op->lock_link);
    op->lock = LOCK_HELD;
    op->s->lock_holders += 1;
    return true;
}

bool op_lock(struct standin_op *op)
{
    if (op->lock == LOCK_HELD)
        return true;
    return op->s->collector != NULL ? lock_wait(op) : lock_take(op);
}

bool op_lock_alone(struct standin_op *op)
{
    struct standin *s = op->s;
    if (op->lock == LOCK_HELD)
        return true;
    if (s->collector == NULL)
        s->collector = op;
    return s->collector != op || s->lock_holders > 0 ? lock_wait(op) : lock_take(op);
}

/* Everyone in the queue tries again, in the order in which they came. */
static void lock_retry(struct standin *s)
{
    list_for_each (at, &s->lock_queue)
        op_ready(list_entry(at, struct standin_op, lock_link));
}

void op_unlock(struct standin_op *op)
{
    struct standin *s = op->s;
    if (op->lock == LOCK_HELD)
        s->lock_holders -= 1;
    if (s->collector == op)
        s->collector = NULL;
    list_remove(&op->lock_link);
    op->lock = LOCK_FREE;
    lock_retry(s);
}
