#include "tracker_world.h"

#include <criterion/criterion.h>

#include "util/err.h"

void world_start(struct world *w)
{
    struct tracker_hooks hooks = { 0 };
    cr_assert_eq(tracker_create(&w->tracker, &w->options, &w->kubo.client, NULL, &hooks), OK);
    tracker_walk(w->tracker);
    if (!w->is_behind)
        tracker_on_current(w->tracker, w->index);
}

struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    w->now_us = 5 * SECOND;
    w->wall_s = 1000;
    w->options.self = test_peer(SELF);
    tracker_options_default(&w->options);
    w->options.concurrent_pins = 4;
    w->options.ops_max = 16;
    w->options.unpins_max = 16;
    w->options.touched_max = 8;
    w->options.pin_timeout_us = 100 * SECOND;
    w->options.request_timeout_us = 30 * SECOND;
    w->options.unpin_timeout_us = 30 * SECOND;
    fake_kubo_init(&w->kubo);
    cr_assert_eq(pinset_create(&w->set), OK);
    world_start(w);
    return w;
}

void world_free(struct world *w)
{
    tracker_destroy(w->tracker);
    pinset_destroy(w->set);
    fake_map_deinit(&w->state);
    fake_map_deinit(&w->local);
    fake_map_deinit(&w->durable);
    arena_deinit(&w->texts);
    free(w);
}

void world_sync_disk(struct world *w)
{
    if (w->undurable == 0)
        return;
    fake_map_copy(&w->durable, &w->local);
    tracker_on_durable(w->tracker, w->undurable);
    w->undurable = 0;
}

bool world_turn(struct world *w)
{
    if (!tracker_wants_turn(w->tracker, w->now_us))
        return false;
    struct view state = fake_map_view(&w->state), local = fake_map_view(&w->local);
    struct row_sink sink = fake_map_sink(&w->local);
    struct tracker_turn turn = { w->now_us, w->wall_s, w->turns, w->index, &state, &local, &sink };
    int err;
    uint64_t number = tracker_take_turn(w->tracker, &turn, &err);
    cr_assert_eq(err, OK);
    cr_assert_leq(state.steps, TRACKER_TURN_STEPS_MAX);
    cr_assert_leq(local.steps, TRACKER_TURN_STEPS_MAX);
    if (number != 0)
        w->undurable = number;
    w->turns += 1;
    w->steps += state.steps + local.steps;
    return true;
}

bool world_step(struct world *w)
{
    bool moved = world_turn(w);
    if (!w->disk_is_slow && w->undurable != 0 && tracker_waits_for_rows(w->tracker)) {
        world_sync_disk(w);
        moved = true;
    }
    return fake_kubo_run(&w->kubo) > 0 || moved;
}

void world_run(struct world *w)
{
    for (int i = 0; i < 100000; i++) {
        if (!world_step(w))
            return;
    }
    cr_assert_fail("the tracker does not come to rest");
}

void world_pass(struct world *w, uint64_t span_us)
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

struct pinset_applied world_apply_unseen(struct world *w, const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    struct pinset_applied out;
    struct view view = fake_map_view(&w->state);
    struct row_sink sink = fake_map_sink(&w->state);
    pin_entry_encode(e, &bytes);
    cr_assert_eq(pinset_apply(w->set, &view, &sink, ++w->index, 1, bytes.data, bytes.len, &out),
                 OK);
    buf_deinit(&bytes);
    return out;
}

void world_apply(struct world *w, const struct pin_entry *e)
{
    struct pinset_applied out = world_apply_unseen(w, e);
    if (out.touched)
        tracker_on_touched(w->tracker, &out.cid, true);
}

void world_overflow(struct world *w)
{
    struct cid nothing = test_cid(999);
    for (size_t i = 0; i <= w->options.touched_max; i++)
        tracker_on_touched(w->tracker, &nothing, true);
}

void world_pin_mode(struct world *w, uint32_t n, uint32_t holder, int32_t depth)
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

void world_pin(struct world *w, uint32_t n)
{
    world_pin_mode(w, n, SELF, PIN_DEPTH_RECURSIVE);
}

void world_unpin(struct world *w, uint32_t n)
{
    struct pin_entry e = { .kind = PIN_ENTRY_UNPIN,
                           .expected = PIN_EXPECT_ANY,
                           .cid = test_cid(n) };
    world_apply(w, &e);
}

struct tracker_info world_info(struct world *w, uint32_t n)
{
    struct cid cid = test_cid(n);
    struct tracker_info info;
    struct view state = fake_map_view(&w->state), local = fake_map_view(&w->local);
    cr_assert_eq(tracker_status_of(w->tracker, &state, &local, &cid, &w->texts, &info), OK);
    return info;
}

const char *world_status(struct world *w, uint32_t n)
{
    return tracker_status_name(world_info(w, n).status);
}

bool world_holds(struct world *w, uint32_t n)
{
    struct cid cid = test_cid(n);
    return fake_kubo_has(&w->kubo, &cid);
}

void world_crash(struct world *w)
{
    tracker_destroy(w->tracker);
    fake_map_copy(&w->local, &w->durable);
    w->kubo.calls_count = 0;
    w->undurable = 0;
    world_start(w);
}
