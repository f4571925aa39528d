/* Far more pins that nobody has than operations fit into memory, for hours: they hold nothing else up. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_pool, .timeout = 60);

enum { BAD = 60, GOOD = 200, GOOD_COUNT = 10, HOUR = 3600 };

/* They have all failed, and walks take up their errors again and again: the pool (16) is full of second attempts. */
static struct world *world_of_failures(struct cid *bad)
{
    struct world *w = world_new();
    for (uint32_t n = GOOD; n < GOOD + GOOD_COUNT; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = 0; n < BAD; n++)
        bad[n] = test_cid(n);
    w->kubo.hanging = bad;
    w->kubo.hanging_count = BAD;
    for (uint32_t n = 0; n < BAD; n++)
        world_pin(w, n);
    world_pass(w, 4 * HOUR * (uint64_t)SECOND);
    tracker_recover_all(w->tracker);
    world_run(w);
    return w;
}

/* What n bad ones may cost a good one: 10 s a slot. */
static void pass_their_time(struct world *w)
{
    world_pass(w, BAD * 10 / 4 * (uint64_t)SECOND);
}

Test(tracker_pool, what_failed_makes_room_for_a_new_pin)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    for (uint32_t n = 300; n < 320; n++) /* more than fit */
        world_pin(w, n);
    pass_their_time(w);
    for (uint32_t n = 300; n < 320; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

/* Also where nothing but a walk tells of it, which comes to those that failed first: the hint was lost. */
Test(tracker_pool, what_failed_holds_up_no_walk)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY };
    for (uint32_t n = 300; n < 320; n++) {
        struct cid cid = test_cid(n);
        e.pin = pin_of(&cid);
        world_apply_unseen(w, &e);
    }
    tracker_walk(w->tracker);
    world_run(w);
    for (uint32_t n = 300; n < 320; n++)
        cr_assert_eq(world_info(w, n).since_s, 1000, "%u", n); /* each has been looked at */
    pass_their_time(w);
    for (uint32_t n = 300; n < 320; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

Test(tracker_pool, what_failed_makes_room_for_unpins)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    for (uint32_t n = GOOD; n < GOOD + GOOD_COUNT; n++)
        world_unpin(w, n);
    pass_their_time(w);
    for (uint32_t n = GOOD; n < GOOD + GOOD_COUNT; n++)
        cr_assert(!world_holds(w, n), "%u", n);
    world_free(w);
}

Test(tracker_pool, what_failed_makes_room_for_what_the_daemon_lost)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    for (uint32_t n = GOOD; n < GOOD + GOOD_COUNT; n++) {
        struct cid cid = test_cid(n);
        fake_kubo_unpin(&w->kubo, &cid);
    }
    tracker_sync_all(w->tracker);
    pass_their_time(w);
    for (uint32_t n = GOOD; n < GOOD + GOOD_COUNT; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

/* The last of them is there now, and somebody says so. */
Test(tracker_pool, what_somebody_recovers_goes_before_all_others_that_failed)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    w->kubo.hanging_count = BAD - 1;
    tracker_recover(w->tracker, &bad[BAD - 1]);
    world_pass(w, 100u * SECOND); /* a slot is free then, whoever has it */
    world_run(w);
    cr_assert(world_holds(w, BAD - 1));
    world_free(w);
}

/* All of them are tried again, not only those that come first. */
Test(tracker_pool, what_failed_gets_its_turn_in_the_end)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    uint32_t attempts[BAD];
    for (uint32_t n = 0; n < BAD; n++)
        attempts[n] = world_info(w, n).attempt_count;
    world_pass(w, 6 * HOUR * (uint64_t)SECOND);
    for (uint32_t n = 0; n < BAD; n++)
        cr_assert_gt(world_info(w, n).attempt_count, attempts[n], "%u: %u", n, attempts[n]);
    world_free(w);
}

/* Also of what is not in memory it is said what it waits for. */
Test(tracker_pool, nothing_waits_without_a_reason)
{
    struct cid bad[BAD];
    struct world *w = world_of_failures(bad);
    for (uint32_t n = 0; n < BAD; n++) {
        struct tracker_info info = world_info(w, n);
        bool is_running = info.status == TRACKER_PINNING;
        cr_assert(is_running || info.queue_position > 0 || info.next_try_s > 0, "%u: %s", n,
                  tracker_status_name(info.status));
    }
    w->kubo.adds_hang = true;
    for (uint32_t n = 300; n < 340; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = 300; n < 340; n++) {
        struct tracker_info info = world_info(w, n);
        cr_assert(info.status == TRACKER_PINNING || info.queue_position > 0, "%u: %s", n,
                  tracker_status_name(info.status));
    }
    world_free(w);
}

/* ---- unpins beside pins ---- */

enum { GONE = 60, NEW = 300, NEW_COUNT = 40 };

static void pin_all(struct world *w, uint32_t from, uint32_t count)
{
    for (uint32_t n = from; n < from + count; n++)
        world_pin(w, n);
}

/* More unpins than fit into memory (16), and the first of them is not answered. */
static struct world *world_of_unpins(void)
{
    struct world *w = world_new();
    w->options.unpin_timeout_us = HOUR * (uint64_t)SECOND;
    tracker_destroy(w->tracker);
    world_start(w);
    pin_all(w, 0, GONE);
    world_run(w);
    w->kubo.removes_hang = true;
    for (uint32_t n = 0; n < GONE; n++) {
        world_unpin(w, n);
        world_run(w);
    }
    return w;
}

static void check_all_new_are_there(struct world *w)
{
    for (uint32_t n = NEW; n < NEW + NEW_COUNT; n++)
        cr_assert(world_holds(w, n), "%u: %s", n, world_status(w, n));
}

static void check_nothing_old_is_left(struct world *w)
{
    w->kubo.removes_hang = false;
    world_pass(w, 2 * HOUR * (uint64_t)SECOND);
    for (uint32_t n = 0; n < GONE; n++)
        cr_assert_not(world_holds(w, n), "%u: %s", n, world_status(w, n));
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), NEW_COUNT);
}

Test(tracker_pool, unpins_keep_no_pin_waiting)
{
    struct world *w = world_of_unpins();
    for (uint32_t n = NEW; n < NEW + NEW_COUNT; n++) { /* one by one: each is a hint that fits */
        world_pin(w, n);
        world_run(w);
    }
    check_all_new_are_there(w);
    check_nothing_old_is_left(w);
    world_free(w);
}

/* Nor those that only a walk finds: the hints of all of them did not fit, or the process was another one. */
Test(tracker_pool, unpins_keep_no_walk_for_pins_waiting)
{
    struct world *w = world_of_unpins();
    pin_all(w, NEW, NEW_COUNT);
    world_run(w);
    check_all_new_are_there(w);
    world_free(w);

    w = world_of_unpins();
    pin_all(w, NEW, NEW_COUNT);
    world_crash(w);
    world_pass(w, SECOND);
    check_all_new_are_there(w);
    check_nothing_old_is_left(w);
    world_free(w);
}

/* Nor the other way round. */
Test(tracker_pool, pins_keep_no_unpin_waiting)
{
    struct world *w = world_new();
    pin_all(w, 0, GONE);
    world_run(w);
    w->kubo.adds_hang = true;
    pin_all(w, NEW, NEW_COUNT);
    world_run(w);
    for (uint32_t n = 0; n < GONE; n++)
        world_unpin(w, n);
    world_run(w);
    for (uint32_t n = 0; n < GONE; n++)
        cr_assert_not(world_holds(w, n), "%u: %s", n, world_status(w, n));
    w->kubo.adds_hang = false;
    check_nothing_old_is_left(w);
    check_all_new_are_there(w);
    world_free(w);
}
