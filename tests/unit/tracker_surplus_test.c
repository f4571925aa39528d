/* tracker/: pins that moved to other peers, and what a peer on its way out holds. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_surplus, .timeout = 60);

static struct world *world_that_keeps(void)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.keeps_surplus = true;
    world_start(w);
    world_pin(w, 1);
    world_run(w);
    return w;
}

static void world_move_away(struct world *w)
{
    world_pin_mode(w, 1, OTHER, PIN_DEPTH_RECURSIVE);
    world_run(w);
}

Test(tracker_surplus, what_moved_away_stays_until_others_have_it)
{
    struct world *w = world_that_keeps();
    struct cid cid = test_cid(1), asked;
    world_move_away(w);
    cr_assert(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "unpin_queued");
    cr_assert_not_null(strstr(world_info(w, 1).error, "stays here"));
    cr_assert(tracker_next_surplus(w->tracker, &asked) && cid_equal(&asked, &cid));
    cr_assert_not(tracker_next_surplus(w->tracker, &asked)); /* once */
    tracker_on_surplus(w->tracker, &cid, false);
    world_run(w);
    cr_assert(world_holds(w, 1));
    cr_assert_not(tracker_next_surplus(w->tracker, &asked)); /* it has its pause */
    world_pass(w, 2 * SECOND);
    cr_assert(tracker_next_surplus(w->tracker, &asked));
    tracker_on_surplus(w->tracker, &cid, true);
    world_run(w);
    cr_assert_not(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "remote");
    world_free(w);
}

Test(tracker_surplus, what_comes_back_while_it_is_asked_about_stays)
{
    struct world *w = world_that_keeps();
    struct cid cid = test_cid(1), asked;
    world_move_away(w);
    cr_assert(tracker_next_surplus(w->tracker, &asked));
    world_pin(w, 1);
    world_run(w);
    tracker_on_surplus(w->tracker, &cid, true);
    world_run(w);
    cr_assert(world_holds(w, 1));
    cr_assert_eq(w->kubo.removes, 0);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_free(w);
}

Test(tracker_surplus, what_a_user_removes_waits_for_nobody)
{
    struct world *w = world_that_keeps();
    struct cid asked;
    world_move_away(w);
    cr_assert(tracker_next_surplus(w->tracker, &asked));
    world_unpin(w, 1);
    world_run(w);
    cr_assert_not(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "unpinned");
    world_free(w);
}

static uint64_t world_kept(struct world *w)
{
    uint64_t kept = 77;
    cr_assert(tracker_kept(w->tracker, &kept));
    return kept;
}

Test(tracker_surplus, what_is_kept_counts_until_it_may_go)
{
    struct world *w = world_that_keeps();
    struct cid cid = test_cid(1), asked;
    cr_assert_eq(world_kept(w), 1);
    world_move_away(w);
    cr_assert_eq(world_kept(w), 1);
    cr_assert_eq(tracker_summary(w->tracker).pinned, 0); /* as its status says */
    cr_assert_eq(tracker_summary(w->tracker).unpin_queued, 1);
    cr_assert(tracker_next_surplus(w->tracker, &asked));
    w->kubo.is_down = true; /* what the daemon says does not matter for that */
    tracker_on_surplus(w->tracker, &cid, true);
    world_run(w);
    cr_assert_eq(world_kept(w), 0);
    cr_assert_eq(tracker_summary(w->tracker).unpin_queued, 1);
    world_free(w);
}

Test(tracker_surplus, what_never_was_pinned_is_not_kept)
{
    struct world *w = world_that_keeps();
    w->kubo.is_down = true;
    world_pin(w, 2);
    world_run(w);
    world_pin_mode(w, 2, OTHER, PIN_DEPTH_RECURSIVE);
    world_run(w);
    cr_assert_eq(world_kept(w), 1); /* the other one */
    world_free(w);
}

Test(tracker_surplus, a_loose_grip_makes_copies_surplus)
{
    struct world *w = world_that_keeps();
    struct cid everybodys = test_cid(2), own = test_cid(1), asked;
    world_pin_mode(w, 2, 0, PIN_DEPTH_RECURSIVE);
    world_run(w);
    cr_assert_str_eq(world_status(w, 2), "pinned");
    tracker_set_grip(w->tracker, GRIP_NAMED);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert(tracker_next_surplus(w->tracker, &asked) && cid_equal(&asked, &everybodys));
    tracker_on_surplus(w->tracker, &everybodys, true);
    world_run(w);
    cr_assert_str_eq(world_status(w, 2), "remote");
    cr_assert_eq(world_kept(w), 1);
    tracker_set_grip(w->tracker, GRIP_NOTHING);
    world_run(w);
    cr_assert(tracker_next_surplus(w->tracker, &asked) && cid_equal(&asked, &own));
    cr_assert(world_holds(w, 1));
    tracker_set_grip(w->tracker, GRIP_ALL); /* it stays, after all */
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert(world_holds(w, 2));
    world_free(w);
}
