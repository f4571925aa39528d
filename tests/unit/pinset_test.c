#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/replica.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(pinset, .timeout = 60);

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
    replica_apply(&r, &user);                             /* index 1 */
    cr_assert_not(replica_apply(&r, &user).is_automatic); /* index 2: the user pinned it again */
    struct pin_entry repair = pin_entry_of(1);
    repair.expected = 1;
    cr_assert_eq(replica_apply(&r, &repair).outcome, PINSET_STALE);
    struct pin_entry expiry = unpin_entry_of(1);
    expiry.expected = 1;
    cr_assert_eq(replica_apply(&r, &expiry).outcome, PINSET_STALE);
    cr_assert(replica_has(&r, 1));
    repair.expected = 2;
    struct pinset_applied repaired = replica_apply(&r, &repair); /* index 5 */
    cr_assert(repaired.outcome == PINSET_DONE && repaired.is_automatic);
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
    struct cid held;
    cr_assert_eq(pinset_next_held(&c, &held), OK);
    cr_assert_eq(pinset_next_held(&c, &held), ERR_NOT_FOUND);
    replica_finish(&r);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    replica_deinit(&r);
}

Test(pinset, everybodys_pins_need_no_row_by_holder_once_all_members_know)
{
    struct replica r;
    replica_init(&r);
    struct hash128 empty = pinset_rows_digest(r.set);
    struct pin_entry old = pin_entry_of(1), young = pin_entry_of(2);
    replica_apply(&r, &old);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 1);
    replica_level(&r, PINSET_LEVEL_UNLISTED);
    replica_apply(&r, &young);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 1); /* the one from before stays */
    replica_apply(&r, &old);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 0); /* until its pin is written */

    struct peer_id a = test_peer(1);
    young.pin.replication_min = young.pin.replication_max = 1;
    young.pin.allocations = &a;
    young.pin.allocations_count = 1;
    replica_apply(&r, &young);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 1);
    struct pin_entry unpin = unpin_entry_of(1);
    replica_apply(&r, &unpin);
    replica_finish(&r);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    unpin = unpin_entry_of(2);
    replica_apply(&r, &unpin);
    cr_assert(digest_equal(pinset_rows_digest(r.set), empty));
    replica_deinit(&r);
}

Test(pinset, a_long_cid_has_rows_in_all_tables_and_asks_for_a_level)
{
    struct replica r;
    replica_init(&r);
    struct hash128 empty = pinset_rows_digest(r.set);
    struct pin_entry e = pin_entry_of(1), unpin = unpin_entry_of(1);
    cr_assert_eq(pinset_entry_level(&e), 1);
    cr_assert_eq(pinset_entry_level(&unpin), 1);
    e.pin.update_of = test_long_cid(2);
    cr_assert_eq(pinset_entry_level(&e), PINSET_LEVEL_LONG_CID);
    e.pin.update_of = (struct cid){ 0 };
    e.pin.cid = unpin.cid = test_long_cid(1);
    cr_assert_eq(pinset_entry_level(&e), PINSET_LEVEL_LONG_CID);
    cr_assert_eq(pinset_entry_level(&unpin), PINSET_LEVEL_LONG_CID);

    struct peer_id a = test_peer(1);
    e.pin.allocations = &a;
    e.pin.allocations_count = 1;
    e.pin.replication_min = e.pin.replication_max = 1;
    e.pin.expire_s = 9;
    cr_assert_eq(replica_apply(&r, &e).outcome, PINSET_DONE);
    replica_finish(&r);
    replica_restart(&r);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 1);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_EXPIRY), 1);
    cr_assert(digest_equal(pinset_rows_digest(r.set), replica_scrub(&r)));
    cr_assert_eq(replica_apply(&r, &unpin).outcome, PINSET_DONE);
    cr_assert(digest_equal(pinset_rows_digest(r.set), empty));
    replica_deinit(&r);
}

Test(pinset, an_entry_does_not_say_whether_its_row_is_unlisted)
{
    struct replica r;
    replica_init(&r);
    struct pin_entry e = pin_entry_of(1);
    e.pin.is_unlisted = true;
    replica_apply(&r, &e);
    cr_assert_eq(fake_map_count(&r.map, STATE_TABLE_BY_HOLDER), 1);
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
