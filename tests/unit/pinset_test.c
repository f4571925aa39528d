#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(pinset, .timeout = 60);

/* A pinset on rows of its own. */
struct replica {
    struct fake_map map;
    struct pinset *set;
    uint64_t index;
};

static void replica_init(struct replica *r)
{
    *r = (struct replica){ 0 };
    cr_assert_eq(pinset_create(&r->set), OK);
}

static void replica_deinit(struct replica *r)
{
    pinset_destroy(r->set);
    fake_map_deinit(&r->map);
}

static int replica_try(struct replica *r, const void *bytes, size_t len, struct pinset_applied *out)
{
    struct view view = fake_map_view(&r->map);
    struct row_sink sink = fake_map_sink(&r->map);
    int err = pinset_apply(r->set, &view, &sink, r->index + 1, 1, bytes, len, out);
    cr_assert_leq(view.steps, PINSET_APPLY_STEPS_MAX);
    if (err == OK)
        r->index += 1;
    return err;
}

static struct pinset_applied replica_apply(struct replica *r, const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    struct pinset_applied out;
    pin_entry_encode(e, &bytes);
    cr_assert_eq(replica_try(r, bytes.data, bytes.len, &out), OK);
    buf_deinit(&bytes);
    return out;
}

static void replica_finish(struct replica *r)
{
    struct row_sink sink = fake_map_sink(&r->map);
    cr_assert_eq(pinset_finish(r->set, &sink), OK);
}

static void replica_restart(struct replica *r)
{
    pinset_destroy(r->set);
    cr_assert_eq(pinset_create(&r->set), OK);
    struct view view = fake_map_view(&r->map);
    cr_assert_eq(pinset_open(r->set, &view), OK);
    r->index = pinset_facts(r->set)->applied_index;
}

static struct hash128 replica_scrub(struct replica *r)
{
    struct digest_scrub scrub;
    digest_scrub_init(&scrub);
    int err = ERR_MORE;
    while (err == ERR_MORE) {
        struct view view = fake_map_view(&r->map);
        err = digest_scrub_step(&scrub, &view, 100);
    }
    cr_assert_eq(err, OK);
    digest_scrub_deinit(&scrub);
    return scrub.sum;
}

static struct pin_entry pin_entry_of(uint32_t cid_number)
{
    struct cid cid = test_cid(cid_number);
    return (
        struct pin_entry){ .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
}

static struct pin_entry unpin_entry_of(uint32_t cid_number)
{
    return (struct pin_entry){ .kind = PIN_ENTRY_UNPIN,
                               .expected = PIN_EXPECT_ANY,
                               .cid = test_cid(cid_number) };
}

static bool replica_has(struct replica *r, uint32_t cid_number)
{
    struct arena arena = { 0 };
    struct view view = fake_map_view(&r->map);
    struct cid cid = test_cid(cid_number);
    struct pin pin;
    int err = pinset_get(&view, &cid, &arena, &pin);
    arena_deinit(&arena);
    return err == OK;
}

Test(pinset, a_pin_is_put_found_listed_and_removed)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(3);
    struct peer_id holders[] = { test_peer(1), test_peer(2) };
    e.pin.replication_min = e.pin.replication_max = 2;
    e.pin.allocations = holders;
    e.pin.allocations_count = 2;
    e.pin.expire_s = 500;
    struct pinset_applied done = replica_apply(&r, &e);
    cr_assert(done.touched && !done.is_removed);
    cr_assert_eq(done.outcome, PINSET_DONE);
    cr_assert(cid_equal(&done.cid, &e.pin.cid));
    cr_assert_eq(pinset_facts(r.set)->pins_count, 1);

    struct arena arena = { 0 };
    struct pin pin;
    struct view view = fake_map_view(&r.map);
    cr_assert_eq(pinset_get(&view, &e.pin.cid, &arena, &pin), OK);
    cr_assert(pin_equal(&pin, &e.pin));
    cr_assert_eq(pin.modified_index, 1);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 2);
    struct pinset_expiry start = { 0 }, expiry;
    cr_assert_eq(pinset_next_expiry(&view, &start, 499, &expiry), ERR_NOT_FOUND);
    cr_assert_eq(pinset_next_expiry(&view, &start, 500, &expiry), OK);
    cr_assert(cid_equal(&expiry.cid, &e.pin.cid));
    cr_assert_eq(pinset_next_expiry(&view, &expiry, 500, &expiry), ERR_NOT_FOUND);

    struct pin_entry unpin = unpin_entry_of(3);
    done = replica_apply(&r, &unpin);
    cr_assert(done.touched && done.is_removed);
    cr_assert_eq(pinset_facts(r.set)->pins_count, 0);
    for (unsigned table = STATE_TABLE_PINS; table < STATE_TABLES_COUNT; table++)
        cr_assert_eq(fake_map_count(&r.map, table), 0);
    cr_assert(digest_equal(pinset_rows_digest(r.set), (struct hash128){ 0 }));
    done = replica_apply(&r, &unpin);
    cr_assert_eq(done.outcome, PINSET_NOT_FOUND);
    cr_assert(!done.touched);
    arena_deinit(&arena);
    replica_deinit(&r);
}

Test(pinset, automation_does_not_touch_a_row_that_moved)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry user = pin_entry_of(1);
    replica_apply(&r, &user); /* index 1 */
    replica_apply(&r, &user); /* index 2: the user pinned it again */
    struct pin_entry repair = pin_entry_of(1);
    repair.expected = 1;
    cr_assert_eq(replica_apply(&r, &repair).outcome, PINSET_STALE);
    struct pin_entry expiry = unpin_entry_of(1);
    expiry.expected = 1;
    cr_assert_eq(replica_apply(&r, &expiry).outcome, PINSET_STALE);
    cr_assert(replica_has(&r, 1));
    repair.expected = 2;
    cr_assert_eq(replica_apply(&r, &repair).outcome, PINSET_DONE); /* index 5 */
    struct pin_entry unpin = unpin_entry_of(1);
    replica_apply(&r, &unpin);
    repair.expected = 5;
    cr_assert_eq(replica_apply(&r, &repair).outcome, PINSET_STALE); /* K31: a dead pin stays dead */
    cr_assert(!replica_has(&r, 1));
    struct pin_entry first = pin_entry_of(1);
    first.expected = 0;
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_DONE);
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_STALE);
    replica_deinit(&r);
}

Test(pinset, a_copy_works_once_and_tells_what_the_first_did)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry pin = pin_entry_of(1), unpin = unpin_entry_of(1), missing = unpin_entry_of(2);
    pin.origin = (struct pin_origin){ 4, 10, 10 };
    unpin.origin = (struct pin_origin){ 4, 11, 10 };
    missing.origin = (struct pin_origin){ 4, 12, 10 };
    replica_apply(&r, &pin);
    replica_apply(&r, &unpin);
    cr_assert_eq(replica_apply(&r, &missing).outcome, PINSET_NOT_FOUND);

    struct pinset_applied again = replica_apply(&r, &pin); /* would bring it back to life */
    cr_assert(again.is_duplicate && !again.touched);
    cr_assert_eq(again.outcome, PINSET_DONE);
    cr_assert_eq(again.origin.sequence, 10);
    cr_assert(!replica_has(&r, 1));
    replica_finish(&r);
    replica_restart(&r); /* the memory is in the rows */
    again = replica_apply(&r, &missing);
    cr_assert(again.is_duplicate);
    cr_assert_eq(again.outcome, PINSET_NOT_FOUND);

    /* Another member's 10 is another proposal; so is one without origin. */
    pin.origin.number = 5;
    cr_assert(!replica_apply(&r, &pin).is_duplicate);
    pin.origin = (struct pin_origin){ 0, 10, 10 };
    cr_assert(!replica_apply(&r, &pin).is_duplicate);
    cr_assert(!replica_apply(&r, &pin).is_duplicate);
    cr_assert_eq(pinset_facts(r.set)->duplicates_count, 2);
    replica_deinit(&r);
}

Test(pinset, below_the_floor_everything_is_old)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    e.origin = (struct pin_origin){ 4, 10, 5 };
    replica_apply(&r, &e);
    e.origin = (struct pin_origin){ 4, 20, 15 };
    replica_apply(&r, &e);
    e.origin = (struct pin_origin){ 4, 7, 5 }; /* given up by its origin, committed late */
    struct pinset_applied late = replica_apply(&r, &e);
    cr_assert(late.is_duplicate);
    cr_assert_eq(late.outcome, PINSET_STALE);
    e.origin = (struct pin_origin){ 4, 16, 5 }; /* late, but still awaited */
    cr_assert(!replica_apply(&r, &e).is_duplicate);
    e.origin = (struct pin_origin){ 4, PIN_SEQUENCE(1), PIN_SEQUENCE(1) }; /* a new life */
    cr_assert(!replica_apply(&r, &e).is_duplicate);
    e.origin = (struct pin_origin){ 4, 21, 15 };
    cr_assert(replica_apply(&r, &e).is_duplicate);
    replica_deinit(&r);
}

Test(pinset, a_member_that_outruns_its_window_is_refused)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    e.origin = (struct pin_origin){ 4, LIMIT_ORIGIN_WINDOW_COUNT - 1, 0 };
    cr_assert_eq(replica_apply(&r, &e).outcome, PINSET_DONE);
    e.origin.sequence = LIMIT_ORIGIN_WINDOW_COUNT;
    cr_assert_eq(replica_apply(&r, &e).outcome, PINSET_REFUSED);
    e.origin.floor = 1;
    cr_assert_eq(replica_apply(&r, &e).outcome, PINSET_DONE);
    replica_finish(&r);
    replica_restart(&r);
    cr_assert(replica_apply(&r, &e).is_duplicate);
    replica_deinit(&r);
}

Test(pinset, the_longest_silent_member_is_forgotten_first)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    for (uint64_t number = 1; number <= LIMIT_ORIGINS_COUNT; number++) {
        e.origin = (struct pin_origin){ number, 1, 1 };
        replica_apply(&r, &e);
    }
    e.origin = (struct pin_origin){ 1, 2, 1 }; /* member 1 speaks again, so 2 is the oldest */
    replica_apply(&r, &e);
    replica_finish(&r);
    e.origin = (struct pin_origin){ 1000, 1, 1 };
    replica_apply(&r, &e);
    replica_finish(&r);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_ORIGINS), LIMIT_ORIGINS_COUNT);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    replica_restart(&r);
    e.origin = (struct pin_origin){ 1, 1, 1 };
    cr_assert(replica_apply(&r, &e).is_duplicate);
    e.origin = (struct pin_origin){ 2, 1, 1 };
    cr_assert(!replica_apply(&r, &e).is_duplicate);
    replica_deinit(&r);
}

/* The n-th write with a key, proposed by a member of its own. */
static struct pinset_applied apply_with_key(struct replica *r, struct pin_entry e, uint64_t member,
                                            uint32_t key)
{
    e.origin = (struct pin_origin){ member, r->index + 1, r->index + 1 };
    e.has_key = true;
    memcpy(e.key, &key, sizeof(key));
    return replica_apply(r, &e);
}

Test(pinset, a_write_with_a_clients_key_works_once_whoever_proposes_it)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry pin = pin_entry_of(1), unpin = unpin_entry_of(1);
    cr_assert(apply_with_key(&r, pin, 1, 77).touched);
    cr_assert(apply_with_key(&r, unpin, 2, 78).touched);
    struct pinset_applied again = apply_with_key(&r, pin, 3, 77);
    cr_assert(again.is_duplicate && !again.touched);
    cr_assert_eq(again.outcome, PINSET_DONE, "what the first one was told");
    cr_assert_eq(again.origin.number, 3, "for whoever asks now");
    cr_assert(!replica_has(&r, 1));
    cr_assert_eq(apply_with_key(&r, unpin, 1, 79).outcome, PINSET_NOT_FOUND);
    replica_finish(&r);
    replica_restart(&r);
    cr_assert_eq(apply_with_key(&r, pin, 1, 77).outcome, PINSET_DONE);
    cr_assert_eq(apply_with_key(&r, pin, 1, 79).outcome, PINSET_NOT_FOUND,
                 "the memory is in the rows");
    cr_assert(apply_with_key(&r, pin, 1, 80).touched);
    /* And a copy of the repeated proposal itself is a copy of that. */
    pin.origin = (struct pin_origin){ 5, 1, 1 };
    pin.has_key = true;
    pin.key[0] = 77;
    cr_assert(replica_apply(&r, &pin).is_duplicate);
    pin.key[0] = 99;
    cr_assert_eq(replica_apply(&r, &pin).outcome, PINSET_DONE);
    cr_assert(digest_equal(pinset_rows_digest(r.set), (replica_finish(&r), replica_scrub(&r))));
    replica_deinit(&r);
}

Test(pinset, the_oldest_key_is_forgotten_first)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry pin = pin_entry_of(1);
    enum { MORE = 5 };
    for (uint32_t key = 1; key <= LIMIT_MEMOS_COUNT + MORE; key++) {
        apply_with_key(&r, pin, 1, key);
        if (key % 1000 == 0)
            replica_finish(&r);
    }
    replica_finish(&r);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_MEMOS), LIMIT_MEMOS_COUNT / 8);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    replica_restart(&r);
    cr_assert(!apply_with_key(&r, pin, 1, MORE).is_duplicate, "gone, and so the newest now");
    cr_assert(!apply_with_key(&r, pin, 1, MORE + 1).is_duplicate, "it took the place of that one");
    cr_assert(apply_with_key(&r, pin, 1, MORE + 3).is_duplicate);
    cr_assert(apply_with_key(&r, pin, 1, LIMIT_MEMOS_COUNT + MORE).is_duplicate);
    replica_finish(&r);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    replica_deinit(&r);
}

Test(pinset, what_is_no_entry_is_counted_and_passed)
{
    struct replica r;
    replica_init(&r);
    struct pinset_applied out;
    cr_assert_eq(replica_try(&r, "\x01", 1, &out), OK);
    cr_assert_eq(out.outcome, PINSET_REFUSED);
    cr_assert_eq(out.origin.number, 0);

    struct pin_entry e = pin_entry_of(1);
    e.origin = (struct pin_origin){ 6, 1, 1 };
    struct buf bytes = { 0 };
    pin_entry_encode(&e, &bytes);
    cr_assert_eq(replica_try(&r, bytes.data, bytes.len - 1, &out), OK);
    cr_assert_eq(out.outcome, PINSET_REFUSED);
    cr_assert_eq(out.origin.number, 6); /* somebody waits for the answer */
    e.pin.replication_max = 0;          /* against the rules */
    e.origin.sequence = 2;
    cr_assert_eq(replica_apply(&r, &e).outcome, PINSET_REFUSED);
    cr_assert_eq(pinset_facts(r.set)->outcome_counts[PINSET_REFUSED], 3);
    cr_assert_eq(pinset_facts(r.set)->applied_index, 3);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_PINS), 0);
    buf_deinit(&bytes);
    replica_deinit(&r);
}

Test(pinset, the_future_stops_applying_and_changes_nothing)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = { .kind = PIN_ENTRY_LEVEL,
                           .level = PINSET_LEVEL_MAX + 1,
                           .origin = { 3, 1, 1 } };
    struct buf bytes = { 0 };
    struct pinset_applied out;
    pin_entry_encode(&e, &bytes);
    struct hash128 before = pinset_hash(r.set);
    cr_assert_eq(replica_try(&r, bytes.data, bytes.len, &out), ERR_VERSION);
    bytes.data[0] = 77;
    cr_assert_eq(replica_try(&r, bytes.data, bytes.len, &out), ERR_VERSION);
    cr_assert(digest_equal(before, pinset_hash(r.set)));
    cr_assert_eq(pinset_facts(r.set)->applied_index, 0);
    cr_assert_eq(r.map.changes_count, 0);
    buf_deinit(&bytes);
    replica_deinit(&r);
}

Test(pinset, a_damaged_row_stops_applying_and_is_never_served)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    replica_apply(&r, &e);
    struct cid cid = test_cid(1);
    r.map.corrupt = (struct bytes){ cid.bytes, cid.len };
    struct buf bytes = { 0 };
    struct pinset_applied out;
    pin_entry_encode(&e, &bytes);
    size_t changes = r.map.changes_count;
    cr_assert_eq(replica_try(&r, bytes.data, bytes.len, &out), ERR_CORRUPT);
    cr_assert_eq(r.map.changes_count, changes);
    struct arena arena = { 0 };
    struct pin pin;
    struct view view = fake_map_view(&r.map);
    cr_assert_eq(pinset_get(&view, &cid, &arena, &pin), ERR_CORRUPT);
    arena_deinit(&arena);
    buf_deinit(&bytes);
    replica_deinit(&r);
}

Test(pinset, a_row_under_another_name_is_damage)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    struct buf row = { 0 };
    pin_encode(&e.pin, &row);
    struct cid other = test_cid(2);
    struct row_sink sink = fake_map_sink(&r.map);
    row_sink_put(&sink, STATE_TABLE_PINS, (struct bytes){ other.bytes, other.len },
                 buf_bytes(&row));
    struct arena arena = { 0 };
    struct pin pin;
    struct view view = fake_map_view(&r.map);
    cr_assert_eq(pinset_get(&view, &other, &arena, &pin), ERR_CORRUPT);
    arena_deinit(&arena);
    buf_deinit(&row);
    replica_deinit(&r);
}

Test(pinset, the_first_cluster_id_stays)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry first = { .kind = PIN_ENTRY_CLUSTER_ID, .cluster_id = { 1 } };
    struct pin_entry second = { .kind = PIN_ENTRY_CLUSTER_ID, .cluster_id = { 2 } };
    cr_assert(!pinset_facts(r.set)->has_cluster_id);
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_DONE);
    cr_assert_eq(replica_apply(&r, &second).outcome, PINSET_STALE);
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_DONE);
    cr_assert_eq(pinset_facts(r.set)->cluster_id[0], 1);
    replica_deinit(&r);
}

Test(pinset, a_successor_renames_its_own_cluster_only)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry first = { .kind = PIN_ENTRY_CLUSTER_ID, .cluster_id = { 1 } };
    struct pin_entry next = { .kind = PIN_ENTRY_SUCCESSOR,
                              .predecessor = { 1 },
                              .cluster_id = { 2 } };
    cr_assert_eq(replica_apply(&r, &next).outcome, PINSET_STALE);
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_DONE);
    cr_assert_eq(replica_apply(&r, &next).outcome, PINSET_DONE);
    cr_assert_eq(pinset_facts(r.set)->cluster_id[0], 2);
    cr_assert_eq(replica_apply(&r, &next).outcome, PINSET_STALE);
    cr_assert_eq(replica_apply(&r, &first).outcome, PINSET_STALE);
    cr_assert_eq(pinset_facts(r.set)->cluster_id[0], 2);
    replica_deinit(&r);
}

Test(pinset, index_rows_follow_a_change_of_type_free_fields)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    e.pin.max_depth = PIN_DEPTH_DIRECT;
    replica_apply(&r, &e);
    e.pin.max_depth = PIN_DEPTH_RECURSIVE;
    replica_apply(&r, &e);
    struct view view = fake_map_view(&r.map);
    struct peer_id nobody = { 0 };
    struct cid start = { 0 };
    struct pinset_held_cursor c = pinset_held_after(&view, &nobody, &start);
    struct pinset_held held;
    cr_assert_eq(pinset_next_held(&c, &held), OK);
    cr_assert_eq(held.max_depth, PIN_DEPTH_RECURSIVE);
    cr_assert_eq(pinset_next_held(&c, &held), ERR_NOT_FOUND);
    replica_finish(&r);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    replica_deinit(&r);
}

Test(pinset, who_is_drained_stays_so_until_it_is_undone)
{
    struct replica r;
    replica_init(&r);
    struct hash128 empty = pinset_rows_digest(r.set);
    struct peer_id a = test_peer(1), b = test_peer(2);
    struct pin_entry drain = { .kind = PIN_ENTRY_DRAIN, .peer = a, .is_drained = true };
    for (int twice = 0; twice < 2; twice++)
        cr_assert_eq(replica_apply(&r, &drain).outcome, PINSET_DONE);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_DRAINED), 1);
    cr_assert(pinset_is_drained(r.set, &a) && !pinset_is_drained(r.set, &b));
    replica_finish(&r);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));

    struct view view = fake_map_view(&r.map); /* as after a restart */
    cr_assert_eq(pinset_open(r.set, &view), OK);
    cr_assert(pinset_is_drained(r.set, &a) && !pinset_is_drained(r.set, &b));

    drain.is_drained = false;
    for (int twice = 0; twice < 2; twice++)
        cr_assert_eq(replica_apply(&r, &drain).outcome, PINSET_DONE);
    cr_assert_not(pinset_is_drained(r.set, &a));
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_DRAINED), 0);
    cr_assert(digest_equal(pinset_rows_digest(r.set), empty));
    replica_deinit(&r);
}

/* ---- against a model ---- */

enum { CIDS = 12, PEERS = 5, ORIGINS = 3, KEYS = 40 };

struct model_pin {
    bool is_there;
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
            count += peer_id_is_nobody(holder);
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
    struct pinset_held held;
    size_t count = 0;
    int err;
    while ((err = pinset_next_held(&c, &held)) == OK) {
        const struct model_pin *pin = &m->pins[held.cid.bytes[7]];
        cr_assert(pin->is_there);
        count += 1;
        if (count % 3 == 0) { /* as a listing over several views goes on */
            view = fake_map_view(&r->map);
            c = pinset_held_after(&view, holder, &held.cid);
        }
    }
    cr_assert_eq(err, ERR_NOT_FOUND);
    cr_assert_eq(count, model_held_count(m, holder));
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

Test(pinset, does_what_the_model_does)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_model(seed);
}

Test(pinset, rows_without_their_meta_row_are_no_empty_state)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    replica_apply(&r, &e);
    replica_finish(&r);
    struct pinset *other;
    cr_assert_eq(pinset_create(&other), OK);
    r.map.tables[STATE_TABLE_META].count = 0;
    struct view view = fake_map_view(&r.map);
    cr_assert_eq(pinset_open(other, &view), ERR_CORRUPT);
    r.map.tables[STATE_TABLE_META].count = 1;
    view = fake_map_view(&r.map);
    cr_assert_eq(pinset_open(other, &view), OK);
    pinset_destroy(other);
    replica_deinit(&r);
}
