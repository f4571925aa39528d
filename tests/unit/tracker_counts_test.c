/* tracker/: how many pins are in which status, and since when. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_counts, .timeout = 60);

/* What the summary says, counted one by one. */
static void check_summary(struct world *w, uint32_t pins)
{
    struct tracker_summary s = tracker_summary(w->tracker), count = { .is_complete = true };
    for (uint32_t n = 0; n < pins; n++) {
        const char *status = world_status(w, n);
        count.pinned += strcmp(status, "pinned") == 0;
        count.pinning += strcmp(status, "pinning") == 0;
        count.pin_queued += strcmp(status, "pin_queued") == 0;
        count.pin_error += strcmp(status, "pin_error") == 0;
        count.unexpectedly_unpinned += strcmp(status, "unexpectedly_unpinned") == 0;
        count.unpinning += strcmp(status, "unpinning") == 0;
        count.unpin_queued += strcmp(status, "unpin_queued") == 0;
        count.unpin_error += strcmp(status, "unpin_error") == 0;
    }
    cr_assert(s.is_complete);
    cr_assert_arr_eq(&s, &count, offsetof(struct tracker_summary, is_complete),
                     "pinned %lu of %lu, pinning %lu, queued %lu, errors %lu", s.pinned,
                     count.pinned, s.pinning, s.pin_queued, s.pin_error);
}

Test(tracker_counts, the_summary_is_what_one_would_count)
{
    struct world *w = world_new();
    for (uint32_t n = 0; n < 6; n++)
        world_pin(w, n);
    w->kubo.failing = test_cid(3);
    world_run(w);
    check_summary(w, 12);
    w->kubo.adds_hang = true;
    for (uint32_t n = 6; n < 12; n++)
        world_pin(w, n);
    world_run(w);
    check_summary(w, 12);
    w->kubo.adds_hang = false;
    world_run(w);
    world_unpin(w, 1);
    world_unpin(w, 2);
    world_run(w);
    check_summary(w, 12);
    world_crash(w); /* and counted anew */
    world_pass(w, 2 * SECOND);
    check_summary(w, 12);
    cr_assert_eq(tracker_summary(w->tracker).pinned, 9);
    world_free(w);
}

/* Also of what finds no room in memory, and of since when it waits. */
Test(tracker_counts, what_has_no_room_in_memory_is_counted_and_has_a_time)
{
    enum { MANY = 60 };
    struct world *w = world_new();
    w->kubo.adds_hang = w->kubo.removes_hang = true;
    for (uint32_t n = 0; n < MANY; n++)
        world_pin(w, n);
    world_run(w);
    check_summary(w, MANY);
    cr_assert_lt(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), MANY); /* and nothing is written */
    int64_t since_s[MANY];
    for (uint32_t n = 0; n < MANY; n++)
        since_s[n] = world_info(w, n).since_s;
    w->wall_s += 500;
    for (uint32_t n = 0; n < MANY; n++)
        cr_assert_eq(world_info(w, n).since_s, since_s[n], "%u", n);
    world_unpin(w, MANY - 1); /* the daemon has not heard of it */
    world_unpin(w, MANY - 2);
    world_pin(w, MANY - 3); /* touched twice, it waits once */
    world_run(w);
    cr_assert_str_eq(world_status(w, MANY - 1), "unpinned");
    tracker_walk(w->tracker);
    world_run(w);
    check_summary(w, MANY);
    w->kubo.adds_hang = false;
    do
        check_summary(w, MANY); /* as they find room, one after the other */
    while (world_step(w));
    check_summary(w, MANY);
    cr_assert_eq(w->kubo.removes, 0);
    cr_assert_eq(tracker_summary(w->tracker).pinned, MANY - 2);
    for (uint32_t n = 0; n < MANY; n++)
        world_unpin(w, n);
    world_run(w);
    check_summary(w, MANY);
    cr_assert_eq(tracker_summary(w->tracker).unpin_queued, MANY - 3);
    for (uint32_t n = 0; n < MANY - 2; n++)
        cr_assert_eq(world_info(w, n).since_s, 1500, "%u", n);
    world_free(w);
}

/* Nor is what moved to other peers and finds no room among the unpins taken for pinned. */
Test(tracker_counts, what_moved_away_is_counted_as_it_is_shown)
{
    enum { MANY = 60 };
    struct world *w = world_new();
    uint64_t kept;
    tracker_destroy(w->tracker);
    w->options.keeps_surplus = true;
    world_start(w);
    for (uint32_t n = 0; n < MANY; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = 0; n < MANY; n++)
        world_pin_mode(w, n, OTHER, PIN_DEPTH_RECURSIVE);
    world_run(w);
    check_summary(w, MANY);
    cr_assert_eq(tracker_summary(w->tracker).unpin_queued, MANY);
    cr_assert(tracker_kept(w->tracker, &kept) && kept == MANY);
    for (uint32_t n = 0; n < MANY; n++)
        cr_assert_not_null(strstr(world_info(w, n).error, "stays here"), "%u", n);
    for (uint32_t n = 0; n < MANY / 2; n++) /* and comes back, without the daemon's help */
        world_pin(w, n);
    size_t adds = w->kubo.adds, looks = w->kubo.looks;
    world_run(w);
    check_summary(w, MANY);
    cr_assert_eq(tracker_summary(w->tracker).pinned, MANY / 2);
    cr_assert(w->kubo.adds == adds && w->kubo.looks == looks && w->kubo.removes == 0);
    world_free(w);
}

/* Before a turn has looked at it, it waits since it was asked for. */
Test(tracker_counts, what_nobody_looked_at_yet_has_the_time_of_its_pin)
{
    struct world *w = world_new();
    struct cid cid = test_cid(1);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    e.pin.created_s = 777;
    world_run(w);
    world_apply_unseen(w, &e);
    cr_assert_str_eq(world_status(w, 1), "pin_queued");
    cr_assert_eq(world_info(w, 1).since_s, 777);
    cr_assert_eq(world_info(w, 2).since_s, 0);
    world_free(w);
}

/* It is what the cluster's budgets go by: a queue that seems to have an end seems to move. */
Test(tracker_counts, what_waits_for_its_first_attempt_is_counted_without_end)
{
    enum { MANY = 60 };
    struct world *w = world_new();
    w->kubo.failing = test_cid(100);
    world_pin(w, 100);
    world_run(w);
    w->kubo.adds_hang = true;
    for (uint32_t n = 0; n < MANY; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert_eq(tracker_counts(w->tracker).pin_untried, MANY - tracker_counts(w->tracker).pinning);
    world_crash(w);
    world_pass(w, SECOND);
    cr_assert_eq(tracker_counts(w->tracker).pin_untried, MANY - tracker_counts(w->tracker).pinning);
    tracker_set_draining(w->tracker, true);
    world_pin_mode(w, 200, 0, PIN_DEPTH_RECURSIVE); /* everybody's: held back */
    w->kubo.adds_hang = false;
    world_pass(w, SECOND);
    cr_assert_str_eq(world_status(w, 200), "pin_queued");
    cr_assert_eq(tracker_counts(w->tracker).pin_untried, 0);
    world_free(w);
}
