/* What clients saw while it ran, one register a CID (register.h): a pin writes a value of its own (its name says
 * which), an unpin writes 0, and a read with ?consistent=true must see what was acknowledged before it was asked, and
 * never an older value than somebody saw before it. That is also how a proposal that was applied twice shows: what it
 * wrote comes back after it was overwritten.
 *
 * A read without it may be old, but one peer must not go back: of two reads at one peer, the later one is not of an
 * earlier state. (A restart may: what was applied and not yet durable is applied again.) */
#include "sim/check/check_int.h"

#include "sim/check/register.h"
#include "util/assert.h"
#include "util/mem.h"

struct seen_cid {
    struct list_link link;
    struct cid cid;
    struct register_history history;
    bool is_unjudged; /* and counted */
};

struct seen_call {
    enum seen_kind kind;
    unsigned who;
    uint64_t life;
    uint64_t index; /* reads at this peer had got to, when it was called */
    struct seen_cid *of;
    struct register_op *op; /* NULL for a local read */
};

struct seen_book {
    struct map cids;
    struct list_link in_order;
    struct map_u64 running;
    uint64_t calls_count;
    uint64_t index[CHECK_MACHINES_MAX]; /* of the latest state that was read there in its life */
    uint64_t life[CHECK_MACHINES_MAX];
};

static struct seen_book *seen_book(struct checks *c)
{
    if (c->seen == NULL) {
        c->seen = mem_zalloc(sizeof(*c->seen));
        ASSERT(c->seen != NULL);
        list_init(&c->seen->in_order);
    }
    return c->seen;
}

static struct seen_cid *seen_cid(struct seen_book *book, const struct cid *cid)
{
    struct seen_cid *s = map_get(&book->cids, (struct bytes){ cid->bytes, cid->len });
    if (s != NULL)
        return s;
    s = mem_zalloc(sizeof(*s));
    ASSERT(s != NULL);
    s->cid = *cid;
    register_init(&s->history);
    list_push_back(&book->in_order, &s->link);
    int err = map_put(&book->cids, (struct bytes){ s->cid.bytes, s->cid.len }, s);
    ASSERT(err == 0);
    return s;
}

uint64_t checks_on_ask(struct checks *c, enum seen_kind kind, unsigned who, const struct cid *cid,
                       uint64_t value)
{
    struct seen_book *book = seen_book(c);
    struct seen_call *call = mem_zalloc(sizeof(*call));
    ASSERT(call != NULL);
    if (book->life[who] != c->machines[who].life) {
        book->life[who] = c->machines[who].life;
        book->index[who] = 0;
    }
    *call = (struct seen_call){ .kind = kind,
                                .who = who,
                                .life = book->life[who],
                                .index = book->index[who],
                                .of = seen_cid(book, cid) };
    if (kind != SEEN_LOCAL_READ)
        call->op = register_call(&call->of->history, kind == SEEN_WRITE, value);
    int err = map_u64_put(&book->running, ++book->calls_count, call);
    ASSERT(err == 0);
    return book->calls_count;
}

static void seen_index(struct checks *c, const struct seen_call *call, uint64_t index)
{
    uint64_t *known = &c->seen->index[call->who];
    if (call->life != c->machines[call->who].life || call->life != c->seen->life[call->who])
        return;
    if (index < call->index)
        check_fail(c, "monotone reads", "machine %u shows state %llu, and has shown %llu before",
                   call->who, (unsigned long long)index, (unsigned long long)call->index);
    if (index > *known)
        *known = index;
}

void checks_on_answer(struct checks *c, uint64_t number, enum promise_outcome outcome,
                      uint64_t value, uint64_t index)
{
    struct seen_call *call = map_u64_remove(&c->seen->running, number);
    ASSERT(call != NULL);
    struct register_history *h = &call->of->history;
    bool fine = true;
    if (checks_lacks_rows(c, call->who) && outcome == PROMISE_KEPT && call->kind != SEEN_WRITE)
        outcome = PROMISE_REFUSED; /* it says what it has, and that is not all */
    if (outcome == PROMISE_KEPT && call->kind != SEEN_WRITE)
        seen_index(c, call, index);
    if (call->op != NULL && outcome == PROMISE_KEPT)
        fine = register_return(h, call->op, value);
    else if (call->op != NULL && outcome == PROMISE_UNKNOWN)
        fine = register_unknown(h, call->op);
    else if (call->op != NULL)
        fine = register_drop(h, call->op);
    if (h->has_given_up && !call->of->is_unjudged) {
        call->of->is_unjudged = true;
        c->counts.unjudged += 1;
    }
    if (!fine)
        check_fail(c, "linearizable",
                   "no order of what clients did to %s explains what they saw; the last one: "
                   "%s %llu at machine %u",
                   cid_print(&call->of->cid).text, call->kind == SEEN_WRITE ? "wrote" : "read",
                   (unsigned long long)value, call->who);
    if (call->op != NULL && outcome == PROMISE_KEPT)
        c->counts.seen += 1;
    mem_free(call);
}

void linearizable_deinit(struct checks *c)
{
    struct seen_book *book = c->seen;
    if (book == NULL)
        return;
    for (uint64_t i = 1; i <= book->calls_count; i++)
        mem_free(map_u64_remove(&book->running, i));
    for (struct list_link *link; (link = list_pop_front(&book->in_order)) != NULL;) {
        struct seen_cid *s = list_entry(link, struct seen_cid, link);
        register_deinit(&s->history);
        mem_free(s);
    }
    map_deinit(&book->cids);
    map_u64_deinit(&book->running);
    mem_free(book);
}
