#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/fake_kubo.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "tracker/tracker.h"
#include "tracker/tracker_status.h"
#include "util/err.h"

TestSuite(tracker, .timeout = 30);

enum { SELF = 1, OTHER = 2, SECOND = 1000000 };

/* A peer: the state, its local rows, and its daemon. */
struct world {
    struct fake_map state;
    struct fake_map local;
    struct fake_map durable; /* local, as a crash would leave it */
    struct pinset *set;
    uint64_t index;
    struct fake_kubo kubo;
    struct tracker *tracker;
    struct tracker_options options;
    uint64_t now_us;
    uint64_t undurable; /* the turn whose rows are not on disk yet */
    bool disk_is_slow;
    size_t turns;
};

static void world_start(struct world *w)
{
    struct tracker_hooks hooks = { 0 };
    cr_assert_eq(tracker_create(&w->tracker, &w->options, &w->kubo.client, NULL, &hooks), OK);
    tracker_walk(w->tracker);
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    w->now_us = 5 * SECOND;
    w->options.self = test_peer(SELF);
    tracker_options_default(&w->options);
    w->options.concurrent_pins = 4;
    w->options.ops_max = 16;
    w->options.touched_max = 8;
    w->options.pin_timeout_us = 100 * SECOND;
    w->options.request_timeout_us = 30 * SECOND;
    w->options.unpin_timeout_us = 30 * SECOND;
    fake_kubo_init(&w->kubo);
    cr_assert_eq(pinset_create(&w->set), OK);
    world_start(w);
    return w;
}

static void world_free(struct world *w)
{
    tracker_destroy(w->tracker);
    pinset_destroy(w->set);
    fake_map_deinit(&w->state);
    fake_map_deinit(&w->local);
    fake_map_deinit(&w->durable);
    free(w);
}

static void world_sync_disk(struct world *w)
{
    if (w->undurable == 0)
        return;
    fake_map_copy(&w->durable, &w->local);
    tracker_on_durable(w->tracker, w->undurable);
    w->undurable = 0;
}

static bool world_turn(struct world *w)
{
    if (!tracker_wants_turn(w->tracker, w->now_us))
        return false;
    struct view state = fake_map_view(&w->state), local = fake_map_view(&w->local);
    struct row_sink sink = fake_map_sink(&w->local);
    struct tracker_turn turn = { w->now_us, 1000, w->turns, &state, &local, &sink };
    int err;
    uint64_t number = tracker_take_turn(w->tracker, &turn, &err);
    cr_assert_eq(err, OK);
    cr_assert_leq(state.steps, TRACKER_TURN_STEPS_MAX);
    cr_assert_leq(local.steps, TRACKER_TURN_STEPS_MAX);
    if (number != 0)
        w->undurable = number;
    w->turns += 1;
    return true;
}

/* Until nothing more happens at this moment. */
static void world_run(struct world *w)
{
    for (int i = 0; i < 100000; i++) {
        bool moved = world_turn(w);
        if (!w->disk_is_slow && w->undurable != 0) {
            world_sync_disk(w);
            moved = true;
        }
        moved |= fake_kubo_run(&w->kubo) > 0;
        if (!moved)
            return;
    }
    cr_assert_fail("the tracker does not come to rest");
}

/* Time passes, deadline by deadline. */
static void world_pass(struct world *w, uint64_t span_us)
{
    uint64_t end_us = w->now_us + span_us;
    world_run(w);
    for (int i = 0; i < 100000; i++) {
        uint64_t due_us = tracker_next_deadline_us(w->tracker);
        if (due_us > end_us) {
            w->now_us = end_us;
            return;
        }
        if (due_us > w->now_us)
            w->now_us = due_us;
        world_run(w);
    }
    cr_assert_fail("the tracker's deadlines do not move on");
}

static void world_apply(struct world *w, const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    struct pinset_applied out;
    struct view view = fake_map_view(&w->state);
    struct row_sink sink = fake_map_sink(&w->state);
    pin_entry_encode(e, &bytes);
    cr_assert_eq(pinset_apply(w->set, &view, &sink, ++w->index, 1, bytes.data, bytes.len, &out),
                 OK);
    if (out.touched)
        tracker_on_touched(w->tracker, &out.cid);
    buf_deinit(&bytes);
}

static void world_pin_mode(struct world *w, uint32_t n, uint32_t holder, int32_t depth)
{
    struct cid cid = test_cid(n);
    struct peer_id id = test_peer(holder);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    e.pin.max_depth = depth;
    e.pin.name = (struct bytes){ "a name", 6 };
    if (holder != 0) { /* 0: everybody */
        e.pin.replication_min = e.pin.replication_max = 1;
        e.pin.allocations = &id;
        e.pin.allocations_count = 1;
    }
    world_apply(w, &e);
}

static void world_pin(struct world *w, uint32_t n)
{
    world_pin_mode(w, n, SELF, PIN_DEPTH_RECURSIVE);
}

static void world_unpin(struct world *w, uint32_t n)
{
    struct pin_entry e = { .kind = PIN_ENTRY_UNPIN,
                           .expected = PIN_EXPECT_ANY,
                           .cid = test_cid(n) };
    world_apply(w, &e);
}

static struct tracker_info world_info(struct world *w, uint32_t n)
{
    struct cid cid = test_cid(n);
    struct tracker_info info;
    struct view state = fake_map_view(&w->state), local = fake_map_view(&w->local);
    cr_assert_eq(tracker_status_of(w->tracker, &state, &local, &cid, &info), OK);
    return info;
}

static const char *world_status(struct world *w, uint32_t n)
{
    return tracker_status_name(world_info(w, n).status);
}

static bool world_holds(struct world *w, uint32_t n)
{
    struct cid cid = test_cid(n);
    return fake_kubo_has(&w->kubo, &cid);
}

/* The process dies and comes back with what was on its disk. */
static void world_crash(struct world *w)
{
    tracker_destroy(w->tracker);
    fake_map_copy(&w->local, &w->durable);
    w->kubo.calls_count = 0;
    w->undurable = 0;
    world_start(w);
}

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
    world_pass(w, 800u * SECOND);
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

/* ---- sync ---- */

Test(tracker, sync_finds_what_was_lost_and_pins_it_again)
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

Test(tracker, a_listing_that_broke_off_proves_nothing)
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

Test(tracker, a_suspect_is_confirmed_before_it_is_believed)
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
Test(tracker, ends_with_the_daemon_holding_what_the_state_says)
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
