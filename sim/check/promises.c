/* What clients were promised, against what the state says when all is quiet.
 *
 * Of one CID, any write may be the last that took effect, unless a later one certainly came after it:
 * a write that was answered is overruled by an acknowledged one that was called after that answer. One with an
 * unknown outcome may take effect late, so nothing overrules it; a refused one must not take effect at all.
 * So a pin that was acknowledged and that nobody may have unpinned since must be there (DESIGN 14, PA8),
 * and what is there, somebody must have asked for. */
#include "sim/check/check_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/list.h"
#include "util/mem.h"

#define PROMISE_NEVER UINT64_MAX

/* Calls and returns are numbered in one order: that is all the time that matters here. */
struct promise {
    struct list_link link;
    struct promised_cid *of;
    uint64_t number;
    enum promise_kind kind;
    enum promise_outcome outcome;
    uint64_t called;
    uint64_t returned;
};

struct promised_cid {
    struct list_link link;
    struct cid cid;
    struct list_link promises;
};

struct promise_book {
    struct map cids;
    struct list_link in_order;
    struct map_u64 running;
    uint64_t clock;
};

static struct promise_book *promise_book(struct checks *c)
{
    if (c->promises == NULL) {
        c->promises = mem_zalloc(sizeof(*c->promises));
        ASSERT(c->promises != NULL);
        list_init(&c->promises->in_order);
    }
    return c->promises;
}

static struct bytes promise_key(const struct cid *cid)
{
    return (struct bytes){ cid->bytes, cid->len };
}

static struct promised_cid *promised_cid(struct promise_book *book, const struct cid *cid)
{
    struct promised_cid *p = map_get(&book->cids, promise_key(cid));
    if (p != NULL)
        return p;
    p = mem_zalloc(sizeof(*p));
    ASSERT(p != NULL);
    p->cid = *cid;
    list_init(&p->promises);
    list_push_back(&book->in_order, &p->link);
    int err = map_put(&book->cids, promise_key(&p->cid), p);
    ASSERT(err == 0);
    return p;
}

enum promise_kind checks_kind_of_pin(struct checks *c, bool expires, const struct cid *updated)
{
    struct promise_book *book = promise_book(c);
    const struct promised_cid *from =
        updated == NULL ? NULL : map_get(&book->cids, promise_key(updated));
    if (from != NULL) {
        list_for_each (link, &from->promises)
            expires |= list_entry(link, struct promise, link)->kind == PROMISE_PIN_THAT_EXPIRES;
    }
    return expires ? PROMISE_PIN_THAT_EXPIRES : PROMISE_PIN;
}

uint64_t checks_on_call(struct checks *c, enum promise_kind kind, const struct cid *cid)
{
    struct promise_book *book = promise_book(c);
    struct promise *p = mem_zalloc(sizeof(*p));
    ASSERT(p != NULL);
    uint64_t now = ++book->clock;
    *p = (struct promise){ .of = promised_cid(book, cid),
                           .number = now,
                           .kind = kind,
                           .outcome = PROMISE_UNKNOWN,
                           .called = now,
                           .returned = PROMISE_NEVER };
    list_push_back(&p->of->promises, &p->link);
    int err = map_u64_put(&book->running, now, p);
    ASSERT(err == 0);
    return now;
}

static void promise_drop(struct promise *p)
{
    list_remove(&p->link);
    mem_free(p);
}

static bool promise_is_overruled(const struct promise *p)
{
    list_for_each (link, &p->of->promises) {
        const struct promise *later = list_entry(link, struct promise, link);
        if (later->outcome == PROMISE_KEPT && later->called > p->returned)
            return true;
    }
    return false;
}

/* Whatever can never again be the last need not be kept: so the list stays short. */
static void promise_tidy(struct promised_cid *of)
{
    list_for_each_safe (link, after, &of->promises) {
        struct promise *p = list_entry(link, struct promise, link);
        if (p->returned != PROMISE_NEVER && promise_is_overruled(p))
            promise_drop(p);
    }
}

void checks_on_return(struct checks *c, uint64_t call, enum promise_outcome outcome)
{
    struct promise_book *book = promise_book(c);
    struct promise *p = map_u64_remove(&book->running, call);
    ASSERT(p != NULL);
    struct promised_cid *of = p->of;
    uint64_t now = ++book->clock;
    p->outcome = outcome;
    switch (outcome) {
    case PROMISE_KEPT:
        c->counts.promises_kept += 1;
        p->returned = now;
        promise_tidy(of);
        break;
    case PROMISE_REFUSED:
        promise_drop(p);
        break;
    case PROMISE_UNKNOWN:
        c->counts.promises_unknown += 1;
        break;
    }
}

static bool promise_leads_to(const struct promise *p, bool is_pinned)
{
    return p->kind == PROMISE_PIN_THAT_EXPIRES || (p->kind == PROMISE_PIN) == is_pinned;
}

static bool promise_may_end_as(const struct promised_cid *of, bool is_pinned)
{
    bool any_kept = false;
    list_for_each (link, &of->promises) {
        const struct promise *p = list_entry(link, struct promise, link);
        any_kept |= p->outcome == PROMISE_KEPT;
        if (promise_leads_to(p, is_pinned) && !promise_is_overruled(p))
            return true;
    }
    return !is_pinned && !any_kept; /* as if nobody had asked for anything */
}

bool checks_audit(struct checks *c, const struct listing *state, struct buf *why)
{
    struct promise_book *book = promise_book(c);
    list_for_each (link, &book->in_order) {
        const struct promised_cid *of = list_entry(link, struct promised_cid, link);
        bool is_pinned = listing_find(state, &of->cid) != NULL;
        if (promise_may_end_as(of, is_pinned))
            continue;
        buf_printf(why, "%s %s", cid_print(&of->cid).text,
                   is_pinned ? "is in the state, and its unpinning was acknowledged"
                             : "is not in the state, and its pin was acknowledged");
        check_fail(c, "promises", "%s", buf_text(why));
        return false;
    }
    for (size_t i = 0; i < state->count; i++) {
        if (map_get(&book->cids, promise_key(&state->rows[i].cid)) != NULL)
            continue;
        buf_printf(why, "%s is in the state, and nobody asked for it",
                   cid_print(&state->rows[i].cid).text);
        check_fail(c, "promises", "%s", buf_text(why));
        return false;
    }
    return allocations_audit(c, state, why);
}

void promises_forgive(struct checks *c)
{
    struct promise_book *book = promise_book(c);
    list_for_each (at, &book->in_order) {
        struct promised_cid *of = list_entry(at, struct promised_cid, link);
        list_for_each (link, &of->promises) {
            struct promise *p = list_entry(link, struct promise, link);
            if (p->outcome == PROMISE_KEPT)
                p->outcome = PROMISE_UNKNOWN;
        }
    }
}

void promises_deinit(struct checks *c)
{
    struct promise_book *book = c->promises;
    if (book == NULL)
        return;
    for (struct list_link *link; (link = list_pop_front(&book->in_order)) != NULL;) {
        struct promised_cid *of = list_entry(link, struct promised_cid, link);
        while (!list_is_empty(&of->promises))
            promise_drop(list_entry(of->promises.next, struct promise, link));
        mem_free(of);
    }
    map_deinit(&book->cids);
    map_u64_deinit(&book->running);
    mem_free(book);
}
