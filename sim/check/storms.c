/* Repair comes to an end: one pin is not moved over and over (PA4). How often it may be depends on how often peers come and
 * go, so the bound is generous; who proposes without end passes it in seconds.
 * Source: SIMULATION.md 4 (K02, K13: order 10^6 pins moved by peers that flapped). */
#include "sim/check/check_int.h"

#include "util/assert.h"
#include "util/list.h"
#include "util/mem.h"

static const char name[] = "storms";

#define STORM_WINDOW_US ((uint64_t)20 * 1000 * 1000)

enum { STORM_PROPOSALS_MAX = 40 };

struct storm_cid {
    struct list_link link;
    struct cid cid;
    uint64_t since_us;
    unsigned count; /* of proposals to move it since then */
};

struct storm_book {
    struct map cids;
    struct list_link in_order;
};

static struct storm_cid *storm_cid(struct checks *c, const struct cid *cid)
{
    struct bytes key = { cid->bytes, cid->len };
    if (c->storms == NULL) {
        c->storms = mem_zalloc(sizeof(*c->storms));
        ASSERT(c->storms != NULL);
        list_init(&c->storms->in_order);
    }
    struct storm_cid *s = map_get(&c->storms->cids, key);
    if (s != NULL)
        return s;
    s = mem_zalloc(sizeof(*s));
    ASSERT(s != NULL);
    s->cid = *cid;
    list_push_back(&c->storms->in_order, &s->link);
    int err = map_put(&c->storms->cids, (struct bytes){ s->cid.bytes, s->cid.len }, s);
    ASSERT(err == 0);
    return s;
}

void storms_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->kind != PEER_FACT_PROPOSE_REPIN)
        return;
    struct storm_cid *s = storm_cid(c, &fact->cid);
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    if (s->count == 0 || now_us - s->since_us > STORM_WINDOW_US) {
        s->since_us = now_us;
        s->count = 0;
    }
    s->count += 1;
    if (s->count > STORM_PROPOSALS_MAX)
        check_fail(c, name, "peer %u proposed to move %s %u times within %llu ms", who,
                   cid_print(&s->cid).text, s->count,
                   (unsigned long long)((now_us - s->since_us) / 1000));
}

void storms_deinit(struct checks *c)
{
    struct storm_book *book = c->storms;
    if (book == NULL)
        return;
    for (struct list_link *link; (link = list_pop_front(&book->in_order)) != NULL;)
        mem_free(list_entry(link, struct storm_cid, link));
    map_deinit(&book->cids);
    mem_free(book);
}
