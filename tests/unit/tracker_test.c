#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker, .timeout = 60);

/* ---- pinning ---- */

Test(tracker, pins_what_is_allocated_here_and_unpins_what_is_not_any_more)
{
    struct world *w = world_new();
    world_pin(w, 1);
    world_pin_mode(w, 2, 0, PIN_DEPTH_RECURSIVE);
    world_pin_mode(w, 3, OTHER, PIN_DEPTH_RECURSIVE);
    world_pin_mode(w, 4, SELF, PIN_DEPTH_DIRECT);
    world_run(w);
    cr_assert(world_holds(w, 1) && world_holds(w, 2) && !world_holds(w, 3) && world_holds(w, 4));
    struct cid direct = test_cid(4);
    cr_assert(fake_kubo_has_direct(&w->kubo, &direct));
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert_str_eq(world_status(w, 3), "remote");
    cr_assert_str_eq(world_status(w, 9), "unpinned");
    cr_assert_eq(world_info(w, 1).attempt_count, 0);

    world_unpin(w, 1);
    world_pin_mode(w, 2, OTHER, PIN_DEPTH_RECURSIVE); /* moved away */
    world_run(w);
    cr_assert(!world_holds(w, 1) && !world_holds(w, 2));
    cr_assert_str_eq(world_status(w, 1), "unpinned");
    cr_assert_str_eq(world_status(w, 2), "remote");
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 1);
    world_free(w);
}

Test(tracker, looks_before_it_pins_and_gives_the_name)
{
    struct world *w = world_new();
    struct cid cid = test_cid(1);
    fake_kubo_pin(&w->kubo, &cid, false);
    world_pin(w, 1);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 0);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_pin(w, 2);
    world_run(w);
    cr_assert(strstr(w->kubo.last_target, "name=a%20name") != NULL ||
                  strstr(w->kubo.last_target, "name=a+name") != NULL,
              "%s", w->kubo.last_target);
    world_free(w);
}

/* Kubo refuses names above 255 bytes, and half a character is none. */
Test(tracker, a_long_name_is_cut_where_a_character_ends)
{
    struct world *w = world_new();
    struct cid cid = test_cid(1);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    static char name[300];
    for (size_t i = 0; i < sizeof(name); i += 2)
        memcpy(name + i, "\xc3\xa4", 2);
    e.pin.name = (struct bytes){ name, sizeof(name) };
    world_apply(w, &e);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    const char *sent = strstr(w->kubo.last_target, "name=");
    cr_assert_not_null(sent);
    cr_assert_eq(strlen(sent + 5), 254 * 3);
    world_free(w);
}

Test(tracker, the_daemon_hears_of_nothing_before_its_row_is_durable)
{
    struct world *w = world_new();
    w->disk_is_slow = true;
    world_pin(w, 1);
    world_run(w);
    cr_assert_eq(w->kubo.looks, 0);
    cr_assert_str_eq(world_status(w, 1), "pin_queued");
    world_sync_disk(w);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 1);
    cr_assert(world_holds(w, 1));
    world_free(w);
}

/* What the daemon answered is found out again after a crash: its rows may be written later, with others. */
Test(tracker, nothing_waits_for_the_rows_of_what_is_done)
{
    struct world *w = world_new();
    w->disk_is_slow = true;
    world_pin(w, 1);
    world_run(w);
    cr_assert(tracker_waits_for_rows(w->tracker));
    world_sync_disk(w);
    world_run(w);
    cr_assert_neq(w->undurable, 0); /* that it is pinned */
    cr_assert_not(tracker_waits_for_rows(w->tracker));
    world_crash(w);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert_eq(w->kubo.adds, 1);
    world_unpin(w, 1);
    world_run(w);
    cr_assert(tracker_waits_for_rows(w->tracker));
    cr_assert(world_holds(w, 1));
    world_free(w);
}

/* Nor need whoever writes them hurry while every slot is taken. */
Test(tracker, rows_are_waited_for_while_a_slot_is_free)
{
    struct world *w = world_new();
    w->disk_is_slow = true;
    w->kubo.adds_hang = true;
    for (uint32_t n = 0; n < 4; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert(tracker_waits_for_rows(w->tracker));
    world_sync_disk(w);
    world_run(w);
    cr_assert_eq(tracker_counts(w->tracker).pinning, 4);
    world_pin(w, 4);
    world_run(w);
    cr_assert_not(tracker_waits_for_rows(w->tracker));
    world_unpin(w, 0); /* which has a slot of its own, and gives one back */
    world_run(w);
    cr_assert(tracker_waits_for_rows(w->tracker));
    world_sync_disk(w);
    w->kubo.adds_hang = false;
    world_run(w);
    cr_assert(world_holds(w, 4));
    world_free(w);
}

Test(tracker, nothing_is_unpinned_where_the_operator_forbids_it)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.never_unpins = true;
    world_start(w);
    for (uint32_t n = 1; n <= 40; n++) { /* more than operations in memory */
        world_pin(w, n);
        world_run(w);
    }
    for (uint32_t n = 1; n <= 39; n++)
        world_unpin(w, n);
    world_pass(w, 3600u * SECOND);
    cr_assert_eq(w->kubo.removes, 0);
    cr_assert_str_eq(world_status(w, 1), "unpin_error");
    cr_assert_str_eq(world_info(w, 1).error,
                     "unpinning from the daemon is disabled (unpin_disable)");
    cr_assert_str_eq(world_status(w, 40), "pinned");
    world_pin(w, 41);
    world_pass(w, 60u * SECOND);
    cr_assert_str_eq(world_status(w, 41), "pinned", "the others go on");
    world_pin(w, 1);
    world_pass(w, 60u * SECOND);
    cr_assert_str_eq(world_status(w, 1), "pinned", "it was never gone");
    world_free(w);
}

Test(tracker, an_operators_pin_is_never_touched)
{
    struct world *w = world_new();
    struct cid own = test_cid(7);
    fake_kubo_pin(&w->kubo, &own, false);
    world_pin_mode(w, 7, OTHER, PIN_DEPTH_RECURSIVE);
    world_unpin(w, 7);
    tracker_sync_all(w->tracker);
    world_pass(w, 3600u * SECOND);
    cr_assert_eq(w->kubo.removes, 0);
    cr_assert(world_holds(w, 7));

    /* Even if it was ours for a moment, as long as the daemon was not asked. */
    w->disk_is_slow = true;
    world_pin(w, 7);
    world_run(w);
    world_unpin(w, 7);
    world_run(w);
    w->disk_is_slow = false;
    world_run(w);
    cr_assert_eq(w->kubo.removes, 0);
    cr_assert(world_holds(w, 7));
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    world_free(w);
}

Test(tracker, no_more_than_so_many_at_once)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    for (uint32_t n = 0; n < 12; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.calls_high, 4);
    cr_assert_eq(tracker_counts(w->tracker).pinning, 4);
    cr_assert_str_eq(world_status(w, 0), "pinning");
    cr_assert_eq(world_info(w, 0).attempt_count, 1);
    cr_assert_str_eq(world_status(w, 11), "pin_queued");
    w->kubo.adds_hang = false;
    world_run(w);
    for (uint32_t n = 0; n < 12; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

/* ---- a fair share ---- */

enum { BAD = 30 };

/* A tracker with room for all of them, and a daemon that nobody gives the first BAD contents. */
static struct world *world_with_bad_ones(struct cid bad[BAD])
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.ops_max = w->options.touched_max = 64;
    world_start(w);
    for (uint32_t n = 0; n < BAD; n++)
        bad[n] = test_cid(n);
    w->kubo.hanging = bad;
    w->kubo.hanging_count = BAD;
    for (uint32_t n = 0; n < BAD; n++)
        world_pin(w, n);
    world_run(w);
    return w;
}

/* n bad ones keep a good one waiting for n x 10 s / slots at most; the limit of one alone would be 100 s. */
Test(tracker, unavailable_pins_give_way_to_those_that_had_no_attempt)
{
    struct cid bad[BAD];
    struct world *w = world_with_bad_ones(bad);
    world_pin(w, BAD);
    world_pass(w, BAD * 10 / 4 * (uint64_t)SECOND);
    cr_assert(world_holds(w, BAD));
    size_t gave_way = 0;
    for (uint32_t n = 0; n < BAD; n++)
        gave_way += strcmp(world_status(w, n), "pin_error") == 0 &&
                    strstr(world_info(w, n).error, "gave way") != NULL;
    cr_assert_geq(gave_way, BAD - 4); /* all but those that have a slot again */
    world_free(w);
}

/* Nor where there are far more of them than operations in memory: those that failed leave their room there, too. */
Test(tracker, unavailable_pins_give_way_in_memory)
{
    enum { MANY = 100, GOOD = 10 };
    struct cid bad[MANY];
    struct world *w = world_new();
    for (uint32_t n = 0; n < MANY; n++)
        bad[n] = test_cid(n);
    w->kubo.hanging = bad;
    w->kubo.hanging_count = MANY;
    for (uint32_t n = 0; n < MANY; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = MANY; n < MANY + GOOD; n++)
        world_pin(w, n);
    world_pass(w, MANY * 10 * (uint64_t)SECOND);
    for (uint32_t n = MANY; n < MANY + GOOD; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

/* A walk takes many turns where there are many pins; it has each of them to itself only once all slots are busy. */
Test(tracker, a_walk_holds_no_pin_up)
{
    enum { MANY = 4000 };
    struct world *w = world_new();
    for (uint32_t n = 0; n < MANY; n++)
        world_pin(w, n);
    world_pass(w, SECOND);
    cr_assert_eq(tracker_counts(w->tracker).pin_queued, 0);
    size_t adds = w->kubo.adds;
    world_pin(w, MANY);
    tracker_walk(w->tracker);
    for (int i = 0; i < 3; i++) { /* its row; the question whether it is there; the pin itself */
        cr_assert(world_turn(w));
        world_sync_disk(w);
        fake_kubo_run(&w->kubo);
    }
    cr_assert(tracker_counts(w->tracker).is_walking);
    cr_assert_eq(w->kubo.adds, adds + 1);
    world_free(w);
}

/* Nor do those that failed keep one another waiting: what turns up later is pinned while the rest hangs. */
Test(tracker, what_turns_up_is_pinned_while_the_rest_hangs)
{
    struct cid bad[BAD];
    struct world *w = world_with_bad_ones(bad);
    world_pass(w, 120 * (uint64_t)SECOND);
    w->kubo.hanging_count = BAD - 1;
    world_pass(w, BAD * 32 / 2 * (uint64_t)SECOND);
    cr_assert(world_holds(w, BAD - 1), "%s", world_info(w, BAD - 1).error);
    world_free(w);
}

/* Alone they have all their time. */
Test(tracker, an_attempt_has_its_whole_time_while_nobody_waits)
{
    struct cid bad[BAD];
    struct world *w = world_new();
    bad[0] = test_cid(0);
    w->kubo.hanging = bad;
    w->kubo.hanging_count = 1;
    world_pin(w, 0);
    world_pass(w, 90 * (uint64_t)SECOND);
    cr_assert_str_eq(world_status(w, 0), "pinning");
    cr_assert_eq(world_info(w, 0).attempt_count, 1);
    world_pass(w, 11 * (uint64_t)SECOND);
    cr_assert_eq(world_info(w, 0).attempt_count, 2);
    cr_assert_not_null(strstr(world_info(w, 0).error, "no progress"));
    world_free(w);
}

/* With five slots, one is theirs even while new pins never cease. */
Test(tracker, those_that_failed_are_not_starved_by_new_ones)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.concurrent_pins = 5;
    w->options.ops_max = w->options.touched_max = 64;
    world_start(w);
    w->kubo.failing = test_cid(1);
    world_pin(w, 1);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    cr_assert_geq(world_info(w, 1).next_try_s, 1000); /* now, there */
    w->kubo.failing = (struct cid){ 0 };
    w->kubo.adds_progress = true; /* slow, and alive: nobody has to give way */
    for (uint32_t n = 2; n < 32; n++)
        world_pin(w, n);
    world_run(w);
    tracker_recover_all(w->tracker);
    for (int i = 0; i < 3; i++) { /* as the slots come free */
        w->kubo.adds_progress = false;
        (void)fake_kubo_run(&w->kubo);
        w->kubo.adds_progress = true;
        world_run(w);
    }
    cr_assert(strcmp(world_status(w, 1), "pinning") == 0 || world_holds(w, 1), "%s",
              world_status(w, 1));
    world_free(w);
}

/* What a walk found waits behind what somebody has just asked for, and makes room for it. */
Test(tracker, what_a_user_asks_for_goes_first)
{
    struct world *w = world_new();
    w->kubo.adds_progress = true;
    w->kubo.is_down = true;
    for (uint32_t n = 0; n < 40; n++)
        world_pin(w, n);
    world_run(w);
    world_crash(w); /* now all are found by the walk */
    w->kubo.is_down = false;
    world_pass(w, SECOND);
    world_pin(w, 77);
    world_run(w);
    cr_assert_eq(world_info(w, 77).queue_position, 1);
    cr_assert(world_info(w, 77).is_priority);
    w->kubo.adds_progress = false;
    world_pass(w, 60 * (uint64_t)SECOND);
    for (uint32_t n = 0; n < 40; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

Test(tracker, status_says_how_far_a_pin_is_and_how_many_are_ahead)
{
    struct world *w = world_new();
    w->kubo.adds_progress = true;
    for (uint32_t n = 0; n < 7; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert_gt(world_info(w, 0).progress_nodes, 0);
    cr_assert_eq(world_info(w, 0).queue_position, 0);
    cr_assert_eq(world_info(w, 4).queue_position, 1);
    cr_assert_eq(world_info(w, 6).queue_position, 3);
    world_free(w);
}

/* After a crash the state may be older than the rows: what it does not name yet is not gone. */
Test(tracker, nothing_is_unpinned_before_the_state_has_caught_up)
{
    struct world *w = world_new();
    world_pin(w, 1);
    world_run(w);
    fake_map_deinit(&w->state);
    w->state = (struct fake_map){ 0 };
    tracker_destroy(w->tracker);
    w->is_behind = true;
    world_start(w);
    world_pass(w, 20 * (uint64_t)SECOND);
    cr_assert(world_holds(w, 1));
    tracker_on_current(w->tracker, w->index);
    world_run(w);
    cr_assert_not(world_holds(w, 1));
    world_free(w);
}

/* ---- opposites ---- */

Test(tracker, an_unpin_cuts_the_pin_off_and_removes_what_it_may_have_left)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    world_pin(w, 1);
    world_run(w);
    world_unpin(w, 1);
    cr_assert(world_turn(w)); /* canceled; the daemon may end it at this very moment */
    struct cid cid = test_cid(1);
    fake_kubo_run(&w->kubo);
    world_run(w); /* pin/rm: not pinned */
    cr_assert_eq(w->kubo.removes, 1);
    fake_kubo_pin(&w->kubo, &cid, false); /* the add won after all */
    world_pass(w, 60u * SECOND);
    cr_assert(!world_holds(w, 1));
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    world_free(w);
}

Test(tracker, a_pin_that_comes_back_while_it_is_cut_off_is_pinned)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    world_pin(w, 1);
    world_run(w);
    world_unpin(w, 1);
    world_turn(w);
    world_pin(w, 1);
    w->kubo.adds_hang = false;
    world_pass(w, 60u * SECOND);
    cr_assert(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_free(w);
}

Test(tracker, modes_change_by_way_of_an_unpin_where_they_must)
{
    struct world *w = world_new();
    struct cid cid = test_cid(1);
    world_pin_mode(w, 1, SELF, PIN_DEPTH_DIRECT);
    world_run(w);
    world_pin_mode(w, 1, SELF, PIN_DEPTH_RECURSIVE);
    world_run(w);
    cr_assert(world_holds(w, 1) && !fake_kubo_has_direct(&w->kubo, &cid));
    cr_assert_eq(w->kubo.removes, 0);
    world_unpin(w, 1);
    world_pin_mode(w, 1, SELF, PIN_DEPTH_DIRECT); /* before the tracker saw the unpin */
    world_run(w);
    cr_assert(fake_kubo_has_direct(&w->kubo, &cid));
    cr_assert_eq(w->kubo.removes, 1);
    world_free(w);
}

/* A direct pin beside it the daemon refuses, so that pin is none of ours. */
Test(tracker, a_recursive_pin_of_the_operator_outlives_a_direct_pin_of_the_cluster)
{
    struct world *w = world_new();
    struct cid cid = test_cid(1);
    fake_kubo_pin(&w->kubo, &cid, false);
    world_pin_mode(w, 1, SELF, PIN_DEPTH_DIRECT);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    world_unpin(w, 1);
    world_run(w);
    cr_assert_eq(w->kubo.removes, 1);
    cr_assert(world_holds(w, 1));
    cr_assert_str_eq(world_status(w, 1), "unpinned");
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    world_free(w);
}

/* ---- failures ---- */

Test(tracker, what_fails_is_tried_for_ever_with_growing_capped_pauses)
{
    struct world *w = world_new();
    w->options.recover_us = 0;
    tracker_destroy(w->tracker);
    w->options.retry_max_us = 60u * SECOND;
    world_start(w);
    w->kubo.failing = test_cid(1);
    world_pin(w, 1);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    cr_assert_eq(world_info(w, 1).attempt_count, 1);
    cr_assert(strstr(world_info(w, 1).error, "it does not work") != NULL);
    uint64_t last_us = w->now_us;
    for (uint32_t attempt = 1; attempt < 20; attempt++) {
        uint64_t due_us = tracker_next_deadline_us(w->tracker);
        uint64_t doubled_us = attempt < 7 ? (uint64_t)SECOND << (attempt - 1) : 60u * SECOND;
        uint64_t full_us = doubled_us < 60u * SECOND ? doubled_us : 60u * SECOND;
        cr_assert(due_us - last_us >= full_us / 2 && due_us - last_us <= full_us, "attempt %u: %lu",
                  attempt, (unsigned long)(due_us - last_us));
        w->now_us = last_us = due_us;
        world_run(w);
        cr_assert_eq(world_info(w, 1).attempt_count, attempt + 1);
    }
    w->kubo.failing = (struct cid){ 0 };
    world_pass(w, 61u * SECOND);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    cr_assert_eq(world_info(w, 1).attempt_count, 0);
    world_free(w);
}

Test(tracker, pinning_again_and_recover_do_not_wait_for_the_pause)
{
    struct world *w = world_new();
    w->kubo.failing = test_cid(1);
    world_pin(w, 1);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 1);
    world_pin(w, 1);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 2);
    struct cid cid = test_cid(1);
    tracker_recover(w->tracker, &cid);
    world_run(w);
    cr_assert_eq(w->kubo.adds, 3);
    w->kubo.failing = (struct cid){ 0 };
    tracker_recover_all(w->tracker);
    world_run(w);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_free(w);
}

Test(tracker, progress_that_stands_still_is_a_timeout_and_numbers_that_move_are_not)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.retry_min_us = 100u * SECOND; /* so that the error stands for a while */
    world_start(w);
    w->kubo.adds_progress = true;
    world_pin(w, 1);
    world_run(w);
    for (int i = 0; i < 40; i++) {
        world_pass(w, 20u * SECOND);
        cr_assert_str_eq(world_status(w, 1), "pinning", "after %d", i);
    }
    w->kubo.adds_progress = false;
    w->kubo.adds_hang = true; /* the same line, again and again */
    for (int i = 0; i < 7; i++)
        world_pass(w, 20u * SECOND);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    cr_assert_str_eq(world_info(w, 1).error, "no progress within the time limit");
    world_free(w);
}

Test(tracker, a_daemon_that_is_down_is_probed_not_stormed_and_healed_from)
{
    struct world *w = world_new();
    w->kubo.is_down = true;
    for (uint32_t n = 0; n < 7; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert(tracker_counts(w->tracker).daemon_is_down);
    cr_assert_str_eq(world_status(w, 5), "pin_queued");
    cr_assert_str_eq(world_info(w, 5).error, "the IPFS daemon is not reachable");
    size_t turns = w->turns;
    w->kubo.calls_high = 0;
    world_pass(w, 800u * SECOND);
    cr_assert_eq(w->kubo.calls_high, 1);
    cr_assert_lt(w->turns - turns, 1000u); /* a probe or so in 4 to 8 seconds */
    w->kubo.is_down = false;
    world_pass(w, 10u * SECOND);
    for (uint32_t n = 0; n < 7; n++)
        cr_assert_str_eq(world_status(w, n), "pinned");
    world_free(w);
}

Test(tracker, a_daemon_that_says_nothing_does_not_hold_for_ever)
{
    struct world *w = world_new();
    w->kubo.answers_nothing = true;
    world_pin(w, 1);
    world_pass(w, 40u * SECOND);
    cr_assert_eq(world_info(w, 1).attempt_count >= 1, 1);
    w->kubo.answers_nothing = false;
    world_pass(w, 40u * SECOND);
    cr_assert_str_eq(world_status(w, 1), "pinned");
    world_free(w);
}

Test(tracker, a_client_that_is_busy_is_asked_again)
{
    struct world *w = world_new();
    w->kubo.calls_max = 1;
    for (uint32_t n = 0; n < 6; n++)
        world_pin(w, n);
    world_pass(w, 60u * SECOND);
    for (uint32_t n = 0; n < 6; n++)
        cr_assert_str_eq(world_status(w, n), "pinned");
    world_free(w);
}

Test(tracker, good_pins_do_not_wait_behind_hopeless_ones)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    for (uint32_t n = 0; n < 8; n++)
        world_pin(w, n);
    for (int i = 0; i < 30; i++)
        world_pass(w, 20u * SECOND); /* all have failed by now, and hang again */
    cr_assert_leq(tracker_counts(w->tracker).pinning, 2u);
    struct cid good = test_cid(50);
    fake_kubo_pin(&w->kubo, &good, false);
    world_pin(w, 50);
    world_run(w);
    cr_assert_str_eq(world_status(w, 50), "pinned");
    world_free(w);
}

/* ---- hints that are lost, and restarts ---- */

Test(tracker, more_than_fits_is_found_by_walks)
{
    struct world *w = world_new();
    world_run(w);
    for (uint32_t n = 0; n < 300; n++)
        world_pin(w, n); /* 8 hints and 16 operations fit */
    cr_assert_gt(tracker_counts(w->tracker).overflows, 0);
    world_run(w);
    for (uint32_t n = 0; n < 300; n++)
        cr_assert(world_holds(w, n), "%u", n);
    for (uint32_t n = 0; n < 300; n++)
        world_unpin(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.pins_count, 0);
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 0);
    world_free(w);
}

Test(tracker, more_failures_than_fit_are_all_tried_again)
{
    struct world *w = world_new();
    tracker_destroy(w->tracker);
    w->options.recover_us = 0; /* also when nobody wants walks by the clock */
    world_start(w);
    w->kubo.adds_hang = true;
    for (uint32_t n = 0; n < 40; n++)
        world_pin(w, n);
    for (int i = 0; i < 100; i++)
        world_pass(w, 20u * SECOND);
    for (uint32_t n = 0; n < 40; n++)
        cr_assert_str_neq(world_status(w, n), "pinned");
    w->kubo.adds_hang = false;
    world_pass(w, 1500u * SECOND);
    for (uint32_t n = 0; n < 40; n++)
        cr_assert_str_eq(world_status(w, n), "pinned", "%u", n);
    world_free(w);
}

Test(tracker, a_walk_that_goes_on_is_followed_by_the_one_that_was_asked_for)
{
    struct world *w = world_new();
    struct cid early = test_cid(1);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN,
                           .expected = PIN_EXPECT_ANY,
                           .pin = pin_of(&early) };
    w->kubo.adds_hang = true;
    for (uint32_t n = 100; n < 140; n++)
        world_pin(w, n);
    world_run(w);
    cr_assert(tracker_counts(w->tracker).is_walking); /* it waits for room */
    struct peer_id self = test_peer(SELF);
    e.pin.replication_min = e.pin.replication_max = 1;
    e.pin.allocations = &self;
    e.pin.allocations_count = 1;
    world_apply_unseen(w, &e);
    tracker_walk(w->tracker);
    w->kubo.adds_hang = false;
    world_run(w);
    cr_assert(world_holds(w, 1) && world_holds(w, 139));
    world_free(w);
}

Test(tracker, a_walk_for_lost_hints_leaves_pauses_alone)
{
    struct world *w = world_new();
    w->kubo.failing = test_cid(1);
    world_pin(w, 1);
    world_run(w);
    world_crash(w);
    world_run(w); /* a start tries at once what was in error */
    cr_assert_eq(w->kubo.adds_failed, 2);
    w->kubo.adds_hang = true;
    for (uint32_t n = 2; n < 60; n++)
        world_pin(w, n); /* fills the pool: the one that waits is known by its row alone */
    world_run(w);
    w->kubo.adds_hang = false;
    world_overflow(w);
    world_run(w);
    cr_assert_eq(w->kubo.adds_failed, 2);
    cr_assert_str_eq(world_status(w, 1), "pin_error");
    tracker_recover_all(w->tracker);
    world_run(w);
    cr_assert_eq(w->kubo.adds_failed, 3);
    world_free(w);
}

Test(tracker, a_restart_finds_everything)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    world_pin(w, 1);
    world_run(w);
    world_unpin(w, 1);
    world_pin(w, 2);
    world_crash(w); /* no hint of these two got through */
    w->kubo.adds_hang = false;
    world_pass(w, 60u * SECOND);
    cr_assert(!world_holds(w, 1) && world_holds(w, 2));
    cr_assert_eq(fake_map_count(&w->local, LOCAL_TABLE_TRACKER), 1);
    world_free(w);
}

/* ---- stopping ---- */

Test(tracker, stopping_cuts_everything_off)
{
    struct world *w = world_new();
    w->kubo.adds_hang = true;
    world_pin(w, 1);
    world_run(w);
    cr_assert(!tracker_is_idle(w->tracker));
    tracker_stop(w->tracker);
    fake_kubo_run(&w->kubo);
    cr_assert(tracker_is_idle(w->tracker));
    cr_assert(!tracker_wants_turn(w->tracker, w->now_us));
    world_free(w);
}
