/* peer_tracker.c -- gives the tracker its turns: views in, rows out, durable back (DESIGN 13). */
#include "peer_int.h"

#include "util/err.h"

enum { PEER_LOCAL_BYTES_MAX = 4 * 1024 * 1024 };

static void peer_local_put(void *impl, unsigned table, struct bytes key, struct bytes value)
{
    struct peer *p = impl;
    int err = overlay_put(p->local, table, key, value);
    if (err != OK && p->local_sink_err == OK)
        p->local_sink_err = err;
}

static void peer_local_del(void *impl, unsigned table, struct bytes key)
{
    struct peer *p = impl;
    int err = overlay_delete(p->local, table, key);
    if (err != OK && p->local_sink_err == OK)
        p->local_sink_err = err;
}

static void peer_local_durable(void *owner, uint64_t tag)
{
    struct peer *p = owner;
    peer_enter(p);
    tracker_on_durable(p->tracker, tag);
    peer_leave(p);
}

static void peer_local_failed(void *owner, int err)
{
    struct peer *p = owner;
    peer_enter(p);
    if (err == ERR_FULL)
        peer_disk_full(p);
    else
        peer_disk_failed(p, err, "writing the local state");
    peer_leave(p);
}

/* An answer of the daemon came: the turn follows in an event of its own (the deadline is now). */
static void peer_tracker_wakes(void *owner)
{
    struct peer *p = owner;
    if (p->depth == 0 && p->hooks.on_wake != NULL)
        p->hooks.on_wake(p->hooks.owner);
}

int peer_tracker_start(struct peer *p)
{
    struct tracker_options options;
    tracker_options_default(&options);
    options.self = p->options.id;
    options.concurrent_pins = p->options.concurrent_pins;
    options.pin_timeout_us = p->options.pin_timeout_us;
    options.young_us = p->options.priority_pin_max_age_us;
    options.young_attempts_max = p->options.priority_pin_max_retries;
    options.unpin_timeout_us = p->options.unpin_timeout_us;
    options.request_timeout_us = p->options.ipfs_request_timeout_us;
    options.never_unpins = p->options.unpin_disabled;
    options.keeps_surplus = true;
    options.recover_us = p->options.pin_recover_us;
    options.sync_us = p->options.ipfs_sync_us;
    struct tracker_hooks hooks = { .on_wake = peer_tracker_wakes,
                                   .on_add = peer_connect_origins,
                                   .owner = p };
    struct overlay_hooks overlay = { .on_durable = peer_local_durable,
                                     .on_failed = peer_local_failed,
                                     .owner = p };
    int err = overlay_create(&p->local, &p->ports.store, MAP_LOCAL, PEER_LOCAL_BYTES_MAX, &overlay);
    if (err == OK)
        err = tracker_create(&p->tracker, &options, &p->ports.http_client, p->log, &hooks);
    if (err == OK)
        tracker_walk(p->tracker);
    return err;
}

void peer_tracker_end(struct peer *p)
{
    if (p->tracker != NULL)
        tracker_destroy(p->tracker);
    if (p->local != NULL)
        overlay_destroy(p->local);
}

int peer_local_view(struct peer *p, struct view *view)
{
    int err = overlay_view_open(p->local, &p->local_view);
    if (err == OK)
        sound_view_over(&p->local_sound, &p->local_view, view);
    return err;
}

/* A damaged local row says nothing any more. Of a pin that is wanted here a walk makes a new one; one that is not is from
 * now on the operator's, as all that has no row. */
void peer_local_view_end(struct peer *p, struct view *view)
{
    view->impl = NULL;
    overlay_view_close(p->local, &p->local_view);
    if (p->local_sound.damaged_count == 0 || p->local_was_damaged)
        return;
    p->local_was_damaged = true;
    LOG_ERROR(p->log, "store",
              "rows of this peer's own are damaged: what they speak of is looked at "
              "anew");
    tracker_walk(p->tracker);
}

/* The daemon hears of a pin only when its row is durable; rows that nothing waits for gather, as those of the state do. */
static void peer_local_flush(struct peer *p)
{
    if (tracker_waits_for_rows(p->tracker))
        overlay_flush(p->local);
    else if (p->local_flush_at_us == RAFT_NEVER && overlay_is_gathering(p->local))
        p->local_flush_at_us = p->now_us + PEER_STATE_PAUSE_US;
}

void peer_local_on_deadline(struct peer *p)
{
    if (p->now_us < p->local_flush_at_us)
        return;
    p->local_flush_at_us = RAFT_NEVER;
    overlay_flush(p->local);
}

static void peer_turn(struct peer *p, struct view *state, struct view *local)
{
    struct row_sink sink = { .put = peer_local_put, .del = peer_local_del, .impl = p };
    struct tracker_turn turn = { .now_us = p->now_us,
                                 .wall_s = p->wall_us / 1000000,
                                 .draw = rng_below(&p->ports.rng, RNG_BACKOFF, UINT32_MAX),
                                 .applied = p->applied,
                                 .state = state,
                                 .local = local,
                                 .sink = &sink };
    int err = OK;
    uint64_t number = tracker_take_turn(p->tracker, &turn, &err);
    int local_err = p->local_sink_err;
    peer_local_view_end(p, local);
    peer_view_end(p, state);
    if (local_err == OK && number != 0)
        local_err = overlay_submit(p->local, number);
    peer_local_flush(p);
    if (local_err == OK && err == ERR_CORRUPT)
        peer_state_damaged(p, "the tracker met a row that does not fit its checksum");
    else if (local_err != OK || err != OK)
        peer_disk_failed(p, local_err != OK ? local_err : err, "the tracker's turn");
}

/* By a state that is damaged, or not here yet, nothing is unpinned. */
static bool peer_tracker_rests(const struct peer *p)
{
    return p->raft == NULL || p->state_is_damaged || (p->is_newcomer && !p->is_ready) ||
           overlay_is_full(p->local);
}

void peer_tracker_settle(struct peer *p)
{
    if (peer_tracker_rests(p))
        return;
    peer_grip_settle(p);
    tracker_set_draining(p->tracker, pinset_is_drained(p->pinset, &p->options.id));
    if (!tracker_wants_turn(p->tracker, p->now_us))
        return;
    struct view state;
    struct view local;
    int err = peer_view(p, &state);
    if (err == OK) {
        err = peer_local_view(p, &local);
        if (err != OK)
            peer_view_end(p, &state);
    }
    if (err == OK) {
        peer_turn(p, &state, &local);
        peer_surplus_step(p);
    } else {
        peer_disk_failed(p, err, "reading the local state");
    }
}

uint64_t peer_tracker_deadline_us(const struct peer *p)
{
    if (peer_tracker_rests(p))
        return RAFT_NEVER;
    return tracker_wants_turn(p->tracker, p->now_us) ? p->now_us
                                                     : tracker_next_deadline_us(p->tracker);
}
