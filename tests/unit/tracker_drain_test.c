/* tracker/: what a drained peer does with pins that everybody is to hold. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_drain, .timeout = 60);

static void world_pin_everybody(struct world *w, uint32_t n)
{
    world_pin_mode(w, n, 0, PIN_DEPTH_RECURSIVE);
}

static void world_drain(struct world *w, bool is_draining)
{
    tracker_set_draining(w->tracker, is_draining);
    world_run(w);
}

/* Two pins of everybody's: 1 is held, 2 came when the peer was drained. */
static struct world *world_drained(void)
{
    struct world *w = world_new();
    world_pin_everybody(w, 1);
    world_run(w);
    world_drain(w, true);
    world_pin_everybody(w, 2);
    world_run(w);
    return w;
}

static void check_waits(struct world *w, uint32_t n)
{
    struct tracker_info info = world_info(w, n);
    cr_assert_str_eq(tracker_status_name(info.status), "pin_queued");
    cr_assert_not_null(strstr(info.error, "draining"), "%s", info.error);
    cr_assert_not_null(strstr(info.error, "peers undrain"), "%s", info.error);
    cr_assert(info.is_held_back && info.attempt_count == 0 && info.queue_position == 0);
    cr_assert_eq(info.next_try_s, 0);
    cr_assert_not(world_holds(w, n));
}

static size_t ops_count(const struct world *w)
{
    struct tracker_counts c = tracker_counts(w->tracker);
    return c.pin_queued + c.pinning + c.unpin_queued + c.unpinning + c.in_error;
}

Test(tracker_drain, nothing_new_is_taken_and_what_is_there_stays)
{
    struct world *w = world_drained();
    check_waits(w, 2);
    cr_assert_eq(ops_count(w), 0);
    cr_assert_eq(w->kubo.adds, 1);
    cr_assert(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert_not(world_info(w, 1).is_held_back);
    world_pin(w, 3); /* named: the allocator had a reason */
    world_run(w);
    cr_assert_str_eq(world_status(w, 3), "pinned");

    world_drain(w, false);
    cr_assert(world_holds(w, 2));
    cr_assert_str_eq(world_status(w, 2), "pinned");
    cr_assert_str_eq(world_info(w, 2).error, "");
    world_free(w);
}

Test(tracker_drain, it_is_counted_as_what_it_is)
{
    struct world *w = world_drained();
    struct tracker_summary s = tracker_summary(w->tracker);
    cr_assert(s.pinned == 1 && s.pin_queued == 1 && s.pin_error == 0 && s.is_complete);
    world_sync_disk(w);
    world_crash(w);
    world_drain(w, true);
    s = tracker_summary(w->tracker);
    cr_assert(s.pinned == 1 && s.pin_queued == 1 && s.pin_error == 0 && s.is_complete);
    world_drain(w, false);
    s = tracker_summary(w->tracker);
    cr_assert(s.pinned == 2 && s.pin_queued == 0);
    world_free(w);
}

Test(tracker_drain, it_outlives_a_restart_and_ends_after_one)
{
    struct world *w = world_drained();
    world_sync_disk(w);
    world_crash(w);
    world_drain(w, true);
    check_waits(w, 2);
    world_sync_disk(w);
    world_crash(w); /* and meanwhile somebody undrains it */
    world_run(w);
    cr_assert(world_holds(w, 1) && world_holds(w, 2));
    world_free(w);
}

Test(tracker_drain, neither_time_nor_sync_nor_recover_make_an_attempt_of_it)
{
    struct world *w = world_drained();
    struct cid cid = test_cid(2);
    size_t looks = w->kubo.looks;
    tracker_sync(w->tracker, &cid);
    tracker_recover(w->tracker, &cid);
    tracker_on_touched(w->tracker, &cid, true);
    world_run(w);
    tracker_sync_all(w->tracker);
    tracker_recover_all(w->tracker);
    world_pass(w, 4000 * (uint64_t)SECOND);
    check_waits(w, 2);
    cr_assert_eq(w->kubo.adds, 1);
    cr_assert_eq(w->kubo.looks, looks);
    world_free(w);
}

/* The daemon never heard of it from us: if it has such a pin, it is the operator's. */
Test(tracker_drain, an_unpin_of_what_waits_only_forgets_it)
{
    struct world *w = world_drained();
    struct cid cid = test_cid(2);
    fake_kubo_pin(&w->kubo, &cid, false);
    world_unpin(w, 2);
    world_unpin(w, 1);
    world_run(w);
    cr_assert_str_eq(world_status(w, 2), "unpinned");
    cr_assert(world_holds(w, 2));
    cr_assert_not(world_holds(w, 1)); /* unpins go on */
    cr_assert_eq(w->kubo.removes, 1);
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    world_free(w);
}

/* Many more than fit into the pool. */
Test(tracker_drain, the_waiting_hold_up_nothing)
{
    struct world *w = world_drained();
    for (uint32_t n = 100; n < 200; n++)
        world_pin_everybody(w, n);
    world_pin(w, 300);
    world_run(w);
    cr_assert_str_eq(world_status(w, 300), "pinned");
    cr_assert_eq(ops_count(w), 0);
    cr_assert_not(tracker_counts(w->tracker).is_walking);
    cr_assert_eq(tracker_summary(w->tracker).pin_queued, 101);
    cr_assert_eq(w->kubo.adds, 2);
    world_drain(w, false);
    cr_assert_eq(tracker_summary(w->tracker).pinned, 103);
    world_free(w);
}

/* What was queued, or had failed and waited, when the drain came. */
Test(tracker_drain, what_was_not_begun_is_not_begun)
{
    struct world *w = world_new();
    w->kubo.failing = test_cid(1);
    world_pin_everybody(w, 1);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    w->kubo.adds_hang = true;
    for (uint32_t n = 2; n < 10; n++)
        world_pin_everybody(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 5);
    size_t looks = w->kubo.looks;
    world_drain(w, true);
    check_waits(w, 1);
    cr_assert_str_eq(world_status(w, 2), "pinning"); /* may end as it likes */
    check_waits(w, 9);
    w->kubo.adds_hang = false;
    world_pass(w, 4000 * (uint64_t)SECOND);
    cr_assert(world_holds(w, 2));
    check_waits(w, 9);
    cr_assert_eq(w->kubo.looks, looks);
    cr_assert_eq(w->kubo.adds, 5);
    struct tracker_summary s = tracker_summary(w->tracker);
    cr_assert(s.pinned == 4 && s.pin_queued == 5 && s.pin_error == 0 && s.pinning == 0);
    w->kubo.failing = test_cid(999);
    world_drain(w, false);
    cr_assert_eq(tracker_summary(w->tracker).pinned, 9);
    world_free(w);
}

/* The slots fall free before a walk has come to those that are queued. */
Test(tracker_drain, a_slot_that_falls_free_takes_none_of_them)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    for (uint32_t n = 1; n < 10; n++)
        world_pin_everybody(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 4);
    w->kubo.adds_hang = false;
    (void)fake_kubo_run(&w->kubo);
    world_drain(w, true);
    cr_assert_eq(w->kubo.adds, 4);
    cr_assert_eq(w->kubo.looks, 4);
    cr_assert_eq(tracker_summary(w->tracker).pinned, 4);
    world_free(w);
}

Test(tracker_drain, an_attempt_that_fails_then_is_no_error)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    world_pin_everybody(w, 1);
    world_run(w);
    world_drain(w, true);
    cr_assert_str_eq(world_status(w, 1), "pinning");
    w->kubo.failing = test_cid(1);
    w->kubo.adds_hang = false;
    world_run(w);
    check_waits(w, 1);
    world_pass(w, 4000 * (uint64_t)SECOND);
    check_waits(w, 1);
    cr_assert_eq(w->kubo.adds, 1);
    world_free(w);
}

Test(tracker_drain, what_the_daemon_lost_is_seen_and_waits)
{
    struct world *w = world_drained();
    struct cid cid = test_cid(1);
    fake_kubo_unpin(&w->kubo, &cid);
    tracker_sync_all(w->tracker);
    world_pass(w, 4000 * (uint64_t)SECOND);
    struct tracker_info info = world_info(w, 1);
    cr_assert_str_eq(tracker_status_name(info.status), "unexpectedly_unpinned");
    cr_assert_not_null(strstr(info.error, "draining"));
    cr_assert(info.is_held_back);
    cr_assert_eq(w->kubo.adds, 1);
    cr_assert_eq(tracker_summary(w->tracker).unexpectedly_unpinned, 1);
    world_drain(w, false);
    cr_assert(world_holds(w, 1) && world_holds(w, 2));
    world_free(w);
}

/* The root alone is there; all below it would be new. */
Test(tracker_drain, more_of_what_is_there_waits_too)
{
    struct world *w = world_new();
    world_pin_mode(w, 1, 0, PIN_DEPTH_DIRECT);
    world_run(w);
    world_drain(w, true);
    world_pin_everybody(w, 1);
    world_run(w);
    struct cid cid = test_cid(1);
    cr_assert(fake_kubo_has_direct(&w->kubo, &cid));
    cr_assert_str_eq(world_status(w, 1), "pin_queued");
    cr_assert(world_info(w, 1).is_held_back);
    cr_assert_eq(tracker_summary(w->tracker).pin_queued, 1);
    world_unpin(w, 1);
    world_run(w);
    cr_assert_not(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "unpinned");
    world_free(w);
}

Test(tracker_drain, unpinned_and_pinned_again_it_waits)
{
    struct world *w = world_drained();
    world_unpin(w, 1);
    world_run(w);
    world_pin_everybody(w, 1);
    world_run(w);
    check_waits(w, 1);
    world_unpin(w, 2);
    world_pin_mode(w, 2, 0, PIN_DEPTH_DIRECT); /* in another mode than the row says */
    world_run(w);
    check_waits(w, 2);
    world_drain(w, false);
    struct cid cid = test_cid(2);
    cr_assert(world_holds(w, 1) && fake_kubo_has_direct(&w->kubo, &cid));
    world_free(w);
}

/* Removed while it is drained: what waits is nothing to give away. */
Test(tracker_drain, on_its_way_out_it_forgets_what_waits)
{
    struct world *w = world_drained();
    tracker_set_grip(w->tracker, GRIP_NAMED);
    world_run(w);
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    cr_assert_str_eq(world_status(w, 2), "remote");
    cr_assert_eq(w->kubo.removes, 1);
    world_free(w);
}
