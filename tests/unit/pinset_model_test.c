/* Two pinsets and the simplest thing that could be one, under the same random entries. */
#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/replica.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(pinset_model, .timeout = 60);

enum { CIDS = 12, PEERS = 5, ORIGINS = 3, KEYS = 40 };

struct model_pin {
    bool is_there;
    bool is_unlisted;
    uint64_t modified_index;
    int64_t expire_s;
    size_t count; /* of allocations */
    struct peer_id allocations[PEERS];
};

struct model {
    struct model_pin pins[CIDS];
    int seen[ORIGINS][4096]; /* outcome by sequence */
    uint64_t floors[ORIGINS];
    uint64_t next[ORIGINS];
    int memos[KEYS]; /* outcome by a client's key */
    bool is_level_unlisted;
};

static size_t random_allocations(struct test_random *random, struct peer_id *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        if (test_random_below(random, 2) == 0)
            out[count++] = test_peer(i);
    }
    return count;
}

static void random_origin(struct test_random *random, struct model *m, struct pin_origin *out)
{
    uint64_t who = test_random_below(random, ORIGINS + 1);
    *out = (struct pin_origin){ 0 };
    if (who == ORIGINS)
        return;
    out->number = who + 1;
    bool repeats = m->next[who] > 3 && test_random_below(random, 3) == 0;
    out->sequence = repeats ? m->next[who] - test_random_below(random, 3) : ++m->next[who];
    uint64_t floor = out->sequence > 8 ? out->sequence - test_random_below(random, 8) : 0;
    out->floor = floor;
}

static struct pin_entry random_entry(struct test_random *random, struct model *m,
                                     struct peer_id *allocations)
{
    uint32_t n = (uint32_t)test_random_below(random, CIDS);
    struct pin_entry e = test_random_below(random, 3) == 0 ? unpin_entry_of(n) : pin_entry_of(n);
    random_origin(random, m, &e.origin);
    e.has_key = test_random_below(random, 3) == 0;
    e.key[0] = (uint8_t)test_random_below(random, KEYS);
    if (test_random_below(random, 3) == 0) {
        struct model_pin *pin = &m->pins[n];
        e.expected = (pin->is_there ? pin->modified_index : 0) + test_random_below(random, 2);
    }
    if (e.kind == PIN_ENTRY_PIN) {
        size_t count = random_allocations(random, allocations);
        if (count > 0) {
            e.pin.replication_min = 1;
            e.pin.replication_max = (int32_t)count;
        }
        e.pin.allocations = allocations;
        e.pin.allocations_count = count;
        e.pin.expire_s = (int64_t)test_random_below(random, 3) * 1000;
    }
    return e;
}

static uint32_t number_of(const struct pin_entry *e)
{
    const struct cid *cid = e->kind == PIN_ENTRY_PIN ? &e->pin.cid : &e->cid;
    return cid->bytes[7];
}

static int model_act(struct model *m, const struct pin_entry *e, uint64_t index)
{
    struct model_pin *pin = &m->pins[number_of(e)];
    uint64_t is = pin->is_there ? pin->modified_index : 0;
    if (e->kind == PIN_ENTRY_UNPIN && !pin->is_there)
        return PINSET_NOT_FOUND;
    if (e->expected != PIN_EXPECT_ANY && e->expected != is)
        return PINSET_STALE;
    pin->is_there = e->kind == PIN_ENTRY_PIN;
    if (!pin->is_there)
        return PINSET_DONE;
    pin->modified_index = index;
    pin->expire_s = e->pin.expire_s;
    pin->count = e->pin.allocations_count;
    pin->is_unlisted = m->is_level_unlisted && pin->count == 0;
    memcpy(pin->allocations, e->pin.allocations, pin->count * sizeof(struct peer_id));
    return PINSET_DONE;
}

static int model_apply(struct model *m, const struct pin_entry *e, uint64_t index,
                       bool *is_duplicate)
{
    *is_duplicate = false;
    if (e->origin.number == 0)
        return model_act(m, e, index);
    uint64_t who = e->origin.number - 1;
    int *seen = &m->seen[who][e->origin.sequence];
    int outcome = *seen;
    if (e->origin.sequence < m->floors[who])
        outcome = PINSET_STALE;
    *is_duplicate = outcome != 0;
    if (e->origin.floor > m->floors[who])
        m->floors[who] = e->origin.floor;
    if (*is_duplicate)
        return outcome;
    int *memo = &m->memos[e->key[0]];
    *is_duplicate = e->has_key && *memo != 0;
    outcome = *seen = *is_duplicate ? *memo : model_act(m, e, index);
    if (e->has_key)
        *memo = outcome;
    return outcome;
}

static size_t model_held_count(const struct model *m, const struct peer_id *holder)
{
    size_t count = 0;
    for (size_t i = 0; i < CIDS; i++) {
        const struct model_pin *pin = &m->pins[i];
        if (!pin->is_there)
            continue;
        if (pin->count == 0)
            count += peer_id_is_nobody(holder) && !pin->is_unlisted;
        for (size_t k = 0; k < pin->count; k++)
            count += peer_id_equal(&pin->allocations[k], holder);
    }
    return count;
}

static void check_held(struct replica *r, const struct model *m, const struct peer_id *holder)
{
    struct view view = fake_map_view(&r->map);
    struct cid start = { 0 };
    struct pinset_held_cursor c = pinset_held_after(&view, holder, &start);
    struct cid held;
    size_t count = 0;
    int err;
    while ((err = pinset_next_held(&c, &held)) == OK) {
        const struct model_pin *pin = &m->pins[held.bytes[7]];
        cr_assert(pin->is_there);
        count += 1;
        if (count % 3 == 0) { /* as a listing over several views goes on */
            view = fake_map_view(&r->map);
            c = pinset_held_after(&view, holder, &held);
        }
    }
    cr_assert_eq(err, ERR_NOT_FOUND);
    cr_assert_eq(count, model_held_count(m, holder));
}

/* What each pin means to a peer, one by one and in a walk. */
static void check_holds(struct replica *r, const struct model *m, const struct peer_id *peer)
{
    struct view view = fake_map_view(&r->map);
    struct cid start = { 0 };
    struct pinset_cursor c = pinset_cursor_after(&view, &start);
    struct pin_hold hold, again;
    for (uint32_t n = 0; n < CIDS; n++) {
        struct cid cid = test_cid(n);
        const struct model_pin *pin = &m->pins[n];
        cr_assert_eq(pinset_get_hold(&view, &cid, peer, &again),
                     pin->is_there ? OK : ERR_NOT_FOUND);
        if (!pin->is_there)
            continue;
        bool is_held = pin->count == 0;
        for (size_t k = 0; k < pin->count; k++)
            is_held |= peer_id_equal(&pin->allocations[k], peer);
        cr_assert_eq(pinset_next_hold(&c, peer, &hold), OK);
        cr_assert(cid_equal(&hold.cid, &cid) && cid_equal(&again.cid, &cid));
        cr_assert(hold.is_held == is_held && again.is_held == is_held);
        cr_assert(hold.is_everybodys == (pin->count == 0));
        cr_assert(hold.type == PIN_TYPE_DATA && hold.max_depth == PIN_DEPTH_RECURSIVE);
    }
    cr_assert_eq(pinset_next_hold(&c, peer, &hold), ERR_NOT_FOUND);
}

static void check_pins(struct replica *r, const struct model *m)
{
    struct arena arena = { 0 };
    struct view view = fake_map_view(&r->map);
    struct cid start = { 0 };
    struct pinset_cursor c = pinset_cursor_after(&view, &start);
    struct pin pin;
    uint64_t expiring = 0;
    for (uint32_t n = 0; n < CIDS; n++) {
        if (!m->pins[n].is_there)
            continue;
        struct cid cid = test_cid(n);
        cr_assert_eq(pinset_next(&c, &arena, &pin), OK);
        cr_assert(cid_equal(&pin.cid, &cid));
        cr_assert_eq(pin.modified_index, m->pins[n].modified_index);
        cr_assert_eq(pin.expire_s, m->pins[n].expire_s);
        cr_assert_eq(pin.allocations_count, m->pins[n].count);
        for (size_t i = 0; i < pin.allocations_count; i++)
            cr_assert(peer_id_equal(&pin.allocations[i], &m->pins[n].allocations[i]));
        expiring += pin.expire_s != 0;
    }
    cr_assert_eq(pinset_next(&c, &arena, &pin), ERR_NOT_FOUND);
    cr_assert_eq(fake_map_count(&r->map, STATE_TABLE_BY_EXPIRY), expiring);
    arena_deinit(&arena);
}

static void check_holders(struct replica *r, const struct model *m)
{
    struct peer_id nobody = { 0 };
    check_held(r, m, &nobody);
    struct view view = fake_map_view(&r->map);
    struct peer_id at = { 0 };
    for (uint32_t i = 0; i < PEERS; i++) {
        struct peer_id peer = test_peer(i);
        check_held(r, m, &peer);
        check_holds(r, m, &peer);
        if (model_held_count(m, &peer) == 0)
            continue;
        cr_assert_eq(pinset_next_holder(&view, &at, &at), OK);
        cr_assert(peer_id_equal(&at, &peer));
    }
    cr_assert_eq(pinset_next_holder(&view, &at, &at), ERR_NOT_FOUND);
}

/* Two replicas with other batches and other restarts agree with the model, and with one another in every byte. */
static void run_model(uint64_t seed)
{
    struct test_random random = { seed };
    static struct model m;
    m = (struct model){ 0 };
    struct replica one, two;
    replica_init(&one);
    replica_init(&two);
    for (int step = 0; step < 400; step++) {
        if (step % 40 == 0)
            check_holders(&one, &m);
        if (step == 200) {
            m.is_level_unlisted = true;
            replica_level(&one, PINSET_LEVEL_UNLISTED);
            replica_level(&two, PINSET_LEVEL_UNLISTED);
        }
        struct peer_id allocations[PEERS];
        struct pin_entry e = random_entry(&random, &m, allocations);
        bool is_duplicate;
        int outcome = model_apply(&m, &e, one.index + 1, &is_duplicate);
        struct pinset_applied first = replica_apply(&one, &e);
        struct pinset_applied second = replica_apply(&two, &e);
        cr_assert_eq((int)first.outcome, outcome);
        cr_assert_eq(first.is_duplicate, is_duplicate);
        cr_assert_eq(second.outcome, first.outcome);
        cr_assert(digest_equal(pinset_hash(one.set), pinset_hash(two.set)));
        if (test_random_below(&random, 4) == 0)
            replica_finish(&one);
        if (test_random_below(&random, 30) == 0) {
            replica_finish(&two);
            replica_restart(&two);
        }
    }
    replica_finish(&one);
    replica_finish(&two);
    check_pins(&one, &m);
    check_holders(&one, &m);
    cr_assert(fake_map_equal(&one.map, &two.map));
    cr_assert(digest_equal(pinset_rows_digest(one.set), replica_scrub(&one)));
    replica_deinit(&one);
    replica_deinit(&two);
}

Test(pinset_model, does_what_the_model_does)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_model(seed);
}
