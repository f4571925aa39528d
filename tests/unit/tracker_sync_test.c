#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_sync, .timeout = 60);

/* ---- sync ---- */

Test(tracker_sync, sync_finds_what_was_lost_and_pins_it_again)
{
    struct world *w = world_new();
    for (uint32_t n = 0; n < 20; n++)
        world_pin_mode(w, n, SELF, n % 2 ? PIN_DEPTH_DIRECT : PIN_DEPTH_RECURSIVE);
    world_run(w);
    size_t looks = w->kubo.looks;
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert_eq(w->kubo.lists, 2);
    cr_assert_eq(w->kubo.looks, looks); /* nobody is under suspicion */
    struct cid lost = test_cid(4), lost_direct = test_cid(5);
    fake_kubo_unpin(&w->kubo, &lost);
    fake_kubo_unpin(&w->kubo, &lost_direct);
    cr_assert_str_eq(world_status(w, 4), "pinned"); /* who could know */
    tracker_sync_all(w->tracker);
    w->disk_is_slow = true;
    world_run(w);
    cr_assert_str_eq(world_status(w, 4), "unexpectedly_unpinned");
    cr_assert_str_eq(world_info(w, 4).error, "the item should be pinned but it is not");
    w->disk_is_slow = false;
    world_run(w);
    cr_assert(world_holds(w, 4) && fake_kubo_has_direct(&w->kubo, &lost_direct));
    cr_assert_str_eq(world_status(w, 4), "pinned");
    world_free(w);
}

/* 16 operations fit: the rest is found by going on where there was no room, and not by comparing all anew each time. */
Test(tracker_sync, more_is_lost_than_fits_and_all_of_it_is_looked_at_a_few_times)
{
    enum { LOST = 1000, STEPS_A_PIN = 40 };
    struct world *w = world_new();
    for (uint32_t n = 0; n < LOST; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = 0; n < LOST; n++) {
        struct cid lost = test_cid(n);
        fake_kubo_unpin(&w->kubo, &lost);
    }
    uint64_t before = w->steps;
    tracker_sync_all(w->tracker);
    world_run(w);
    for (uint32_t n = 0; n < LOST; n++)
        cr_assert(world_holds(w, n), "%u", n);
    cr_assert_lt(w->steps - before, (uint64_t)LOST * STEPS_A_PIN, "%llu steps",
                 (unsigned long long)(w->steps - before));
    world_free(w);
}

/* However long the list, and however many of it are suspects: rows are compared a bounded number at a time. */
Test(tracker_sync, a_long_list_is_compared_a_piece_a_turn)
{
    enum { ROWS = 3 * TRACKER_TURN_STEPS_MAX };
    struct world *w = world_new();
    for (uint32_t n = 0; n < ROWS; n++)
        world_pin(w, n);
    world_run(w);
    tracker_sync_all(w->tracker);
    while (w->kubo.lists < 2) {
        world_turn(w);
        fake_kubo_run(&w->kubo);
    }
    size_t turns = 0;
    uint64_t before = w->steps;
    while (world_turn(w)) {
        cr_assert_leq(w->steps - before, TRACKER_TURN_STEPS_MAX, "turn %zu", turns);
        turns += w->steps > before;
        before = w->steps;
    }
    cr_assert_geq(turns, ROWS / TRACKER_TURN_STEPS_MAX, "%zu turns", turns);
    world_free(w);
}

/* A queue is worked off while the daemon's list is compared: what was pinned meanwhile is not asked about once more. */
Test(tracker_sync, what_was_pinned_since_the_list_began_is_no_suspect)
{
    enum {
        BEFORE = 2 * TRACKER_TURN_STEPS_MAX,
        MEANWHILE = 16
    }; /* they are compared in several turns */
    struct world *w = world_new();
    for (uint32_t n = 0; n < BEFORE; n++)
        world_pin(w, n);
    world_run(w);
    tracker_sync_all(w->tracker);
    world_turn(w);
    fake_kubo_run(&w->kubo); /* the list of recursive pins is there */
    w->wall_s += 1;
    size_t looks = w->kubo.looks;
    for (uint32_t n = BEFORE; n < BEFORE + MEANWHILE; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.lists, 2);
    cr_assert_eq(w->kubo.looks, looks + 1); /* of 16 new pins one, before it is pinned */
    w->wall_s -=
        100; /* the clock is set back: whatever is said to be newer is looked at like the rest */
    struct cid lost = test_cid(BEFORE);
    fake_kubo_unpin(&w->kubo, &lost);
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert(world_holds(w, BEFORE));
    world_free(w);
}

Test(tracker_sync, a_full_pool_does_not_hold_a_sync_up)
{
    struct world *w = world_new();
    for (uint32_t n = 0; n < 100; n++)
        world_pin(w, n);
    world_run(w);
    w->kubo.adds_hang = true;
    for (uint32_t n = 100; n < 200; n++)
        world_pin(w, n); /* 16 fit */
    world_run(w);
    tracker_sync_all(w->tracker);
    world_pass(w, 1u * SECOND);
    cr_assert_eq(w->kubo.lists, 2);
    w->kubo.lists = 0;
    tracker_sync_all(w->tracker); /* another one begins only when the first is over */
    world_pass(w, 1u * SECOND);
    cr_assert_eq(w->kubo.lists, 2);
    world_free(w);
}

Test(tracker_sync, a_listing_that_broke_off_proves_nothing)
{
    struct world *w = world_new();
    for (uint32_t n = 0; n < 10; n++)
        world_pin(w, n);
    world_run(w);
    size_t looks = w->kubo.looks;
    w->kubo.breaks_listings = true;
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert_eq(w->kubo.lists, 1);
    cr_assert_eq(w->kubo.looks, looks);
    w->kubo.breaks_listings = false;
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert_eq(w->kubo.lists, 3);
    world_free(w);
}

Test(tracker_sync, a_suspect_is_confirmed_before_it_is_believed)
{
    struct world *w = world_new();
    world_pin(w, 1);
    world_run(w);
    struct cid cid = test_cid(1);
    fake_kubo_unpin(&w->kubo, &cid);
    tracker_sync_all(w->tracker);
    world_turn(w);
    fake_kubo_run(&w->kubo); /* the recursive list does not name it */
    fake_kubo_pin(&w->kubo, &cid, false);
    size_t adds = w->kubo.adds;
    world_run(w);
    cr_assert_eq(w->kubo.adds, adds);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    fake_kubo_unpin(&w->kubo, &cid);
    tracker_sync(w->tracker, &cid); /* and one alone */
    world_run(w);
    cr_assert(world_holds(w, 1));
    world_free(w);
}

Test(tracker_sync, sync_sees_that_a_pin_in_error_is_there_by_now)
{
    struct world *w = world_new();
    w->kubo.failing = test_cid(1);
    world_pin(w, 1);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    struct cid cid = test_cid(1);
    fake_kubo_pin(&w->kubo, &cid, false); /* by hand */
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_free(w);
}

Test(tracker_sync, a_doubt_that_the_daemon_does_not_answer_changes_nothing)
{
    struct world *w = world_new();
    world_pin(w, 1);
    world_run(w);
    w->kubo.looks_fail = true;
    struct cid cid = test_cid(1);
    tracker_sync(w->tracker, &cid);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert_eq(w->kubo.adds, 1);
    world_free(w);
}

/* ---- property ---- */

enum { CIDS = 24, OWN = 3, CHAOS_STEPS = 300 };

static void chaos_user(struct world *w, struct test_random *random, bool *wanted)
{
    uint32_t n = (uint32_t)test_random_below(random, CIDS);
    uint64_t what = test_random_below(random, 5);
    if (what < 3) {
        world_pin_mode(w, n, test_random_below(random, 4) ? SELF : 0, PIN_DEPTH_RECURSIVE);
        wanted[n] = true;
    } else if (what == 3) {
        world_unpin(w, n);
        wanted[n] = false;
    } else if (wanted[n]) {
        world_pin_mode(w, n, OTHER, PIN_DEPTH_RECURSIVE);
        wanted[n] = false;
    }
}

static void chaos_fault(struct world *w, struct test_random *random)
{
    struct cid cid = test_cid((uint32_t)test_random_below(random, CIDS));
    switch (test_random_below(random, 6)) {
    case 0:
        w->kubo.adds_hang = test_random_below(random, 3) == 0;
        return;
    case 1:
        w->kubo.is_down = test_random_below(random, 4) == 0;
        return;
    case 2:
        w->disk_is_slow = test_random_below(random, 3) == 0;
        return;
    case 3:
        if (test_random_below(random, 4) == 0)
            world_crash(w);
        return;
    case 4:
        fake_kubo_unpin(&w->kubo, &cid); /* behind our back */
        return;
    default:
        w->kubo.failing = cid;
    }
}

static void chaos_step(struct world *w, struct test_random *random, bool *wanted)
{
    switch (test_random_below(random, 5)) {
    case 0:
    case 1:
        chaos_user(w, random, wanted);
        return;
    case 2:
        chaos_fault(w, random);
        return;
    case 3:
        if (test_random_below(random, 3) == 0)
            tracker_sync_all(w->tracker);
        else
            world_pass(w, test_random_below(random, 50) * SECOND);
        return;
    default:
        world_turn(w);
        world_sync_disk(w);
        fake_kubo_run(&w->kubo);
    }
}

static void chaos_end(struct world *w)
{
    w->kubo.adds_hang = w->kubo.is_down = w->disk_is_slow = false;
    w->kubo.failing = (struct cid){ 0 };
    world_sync_disk(w);
    world_pass(w, 1500u * SECOND);
    tracker_sync_all(w->tracker);
    world_pass(w, 100u * SECOND);
}

static void chaos_check(struct world *w, const bool *wanted, unsigned long seed)
{
    size_t count = 0;
    for (uint32_t n = 0; n < CIDS; n++) {
        count += wanted[n];
        cr_assert_eq(world_holds(w, n), wanted[n], "seed %lu cid %u", seed, n);
        cr_assert_eq(world_info(w, n).status == TRACKER_PINNED, wanted[n], "seed %lu cid %u", seed,
                     n);
    }
    for (uint32_t n = 0; n < OWN; n++)
        cr_assert(world_holds(w, 100 + n));
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), count);
}

/* PA7: whatever happens on the way, in the end the daemon holds what the state says, and the operator's own. */
Test(tracker_sync, ends_with_the_daemon_holding_what_the_state_says)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world *w = world_new();
        struct test_random random = { seed };
        bool wanted[CIDS] = { false };
        for (uint32_t n = 0; n < OWN; n++) {
            struct cid own = test_cid(100 + n);
            fake_kubo_pin(&w->kubo, &own, false);
        }
        for (int step = 0; step < CHAOS_STEPS; step++)
            chaos_step(w, &random, wanted);
        chaos_end(w);
        chaos_check(w, wanted, (unsigned long)seed);
        world_free(w);
    }
}
