/* tracker/: which pins go first, by this peer's own time. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_young, .timeout = 60);

#define HOUR ((uint64_t)3600 * SECOND)

/* Every attempt fails at once, so that what is young or not can be seen. */
static struct world *world_of_failures(void)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.young_attempts_max = 1000;
    w->kubo.looks_fail = true;
    world_start(w);
    return w;
}

static bool is_first(struct world *w, uint32_t n)
{
    struct cid cid = test_cid(n);
    tracker_recover(w->tracker, &cid);
    world_run(w);
    return world_info(w, n).is_priority;
}

/* A pin whose time says what it likes; `by_user` false: a repair gave it to this peer. */
static void world_pin_dated(struct world *w, uint32_t n, int64_t created_s, bool by_user)
{
    struct cid cid = test_cid(n);
    struct peer_id id = test_peer(SELF);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    e.pin.replication_min = e.pin.replication_max = 1;
    e.pin.allocations = &id;
    e.pin.allocations_count = 1;
    e.pin.created_s = created_s;
    struct pinset_applied out = world_apply_unseen(w, &e);
    tracker_on_touched(w->tracker, &out.cid, by_user);
    world_run(w);
}

Test(tracker_young, what_a_pin_says_of_its_time_is_not_looked_at)
{
    struct world *w = world_of_failures();
    w->wall_s = 1000000;
    world_pin_dated(w, 1, w->wall_s - 365 * 86400, true);
    world_pin_dated(w, 2, w->wall_s + 365 * 86400, true);
    world_pin_dated(w, 3, 0, true);
    for (uint32_t n = 1; n <= 3; n++)
        cr_assert(world_info(w, n).is_priority, "%u", n);
    w->wall_s += 20 * 365 * 86400; /* our own is set */
    cr_assert(is_first(w, 1) && is_first(w, 2));
    w->now_us += 26 * HOUR;
    w->wall_s -= 40 * (int64_t)365 * 86400;
    cr_assert_not(is_first(w, 2));
    world_free(w);
}

Test(tracker_young, they_grow_old_by_our_own_time)
{
    struct world *w = world_of_failures();
    world_pin_dated(w, 1, 0, true);
    for (uint32_t hour = 1; hour <= 30; hour++) { /* turns in between, and other pins */
        w->now_us += HOUR;
        world_pin_dated(w, 100 + hour, 0, true);
        if (hour < 24)
            cr_assert(is_first(w, 1), "%u", hour);
    }
    cr_assert_not(is_first(w, 1));
    cr_assert_not(is_first(w, 104));
    cr_assert(is_first(w, 107) && is_first(w, 130));
    world_free(w);
}

/* A turn is all that says how far the state was; there may be none for days. */
Test(tracker_young, days_without_a_turn_count)
{
    struct world *w = world_of_failures();
    world_pin_dated(w, 1, 0, true);
    w->now_us += HOUR;
    world_pin_dated(w, 2, 0, true);
    w->now_us += 1000;
    world_pin_dated(w, 3, 0, true);
    w->now_us += 72 * HOUR;
    world_pin_dated(w, 4, 0, true);
    cr_assert(is_first(w, 4));
    for (uint32_t n = 1; n <= 3; n++)
        cr_assert_not(is_first(w, n), "%u", n);
    world_free(w);
}

Test(tracker_young, what_was_committed_before_this_process_is_old)
{
    struct world *w = world_of_failures();
    world_pin_dated(w, 1, 0, true);
    world_sync_disk(w);
    tracker_destroy(w->tracker);
    w->is_behind = true;
    world_start(w);
    world_pin_dated(w, 2, 0, true); /* it catches up */
    cr_assert_not(world_info(w, 2).is_priority);
    tracker_on_current(w->tracker, w->index);
    world_run(w);
    cr_assert(!is_first(w, 1) && !is_first(w, 2));
    world_pin_dated(w, 3, 0, true);
    cr_assert(world_info(w, 3).is_priority);
    world_pin_dated(w, 1, 0, true); /* asked for again */
    cr_assert(world_info(w, 1).is_priority);
    world_free(w);
}

/* A repair may move a million of them, and nobody waits for that. */
Test(tracker_young, what_a_repair_moved_here_is_not_young)
{
    struct world *w = world_of_failures();
    world_pin_dated(w, 1, w->wall_s, false);
    cr_assert_not(world_info(w, 1).is_priority);
    world_pin_dated(w, 1, w->wall_s, true);
    cr_assert(world_info(w, 1).is_priority);
    world_pin_dated(w, 1, w->wall_s, false); /* it stays what it was to its user */
    cr_assert(world_info(w, 1).is_priority);
    world_free(w);
}

/* The pin that replaces what was under way is for whoever asked. */
Test(tracker_young, an_overtaken_pin_is_young_by_who_overtook_it)
{
    for (int by_user = 0; by_user <= 1; by_user++) {
        struct world *w = world_new();
        w->kubo.adds_hang = true;
        world_pin_mode(w, 1, SELF, PIN_DEPTH_DIRECT);
        world_run(w);
        cr_assert_str_eq(world_status(w, 1), "pinning");
        world_pin_dated(w, 1, 0, by_user);
        w->kubo.looks_fail = true;
        world_pass(w, 60 * (uint64_t)SECOND);
        cr_assert_eq(world_info(w, 1).is_priority, by_user);
        world_free(w);
    }
}

Test(tracker_young, without_an_age_nobody_is)
{
    struct world *w = world_of_failures();
    tracker_destroy(w->tracker);
    w->options.young_us = 0;
    world_start(w);
    world_pin_dated(w, 1, w->wall_s, true);
    cr_assert_not(world_info(w, 1).is_priority);
    world_free(w);
}

/* One that was young when it failed goes among the old ones when its pause is over. */
Test(tracker_young, who_waits_grows_old_too)
{
    struct world *w = world_of_failures();
    world_pin_dated(w, 1, 0, true);
    world_pass(w, HOUR);
    cr_assert(world_info(w, 1).is_priority);
    world_pass(w, 27 * HOUR);
    cr_assert_not(world_info(w, 1).is_priority);
    world_free(w);
}
