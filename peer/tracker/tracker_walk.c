/* The state against the rows, all of it, a slice a turn, in two walks side by side:
 *
 *      SHARE_PINS      over the pins: those that are to be held here
 *      SHARE_UNPINS    over the rows: those whose pin is gone, is others', or is of the other mode
 *
 * Each stops where its share of the pool is full and goes on when an operation ended, so that neither waits for the other;
 * but what failed before is passed over there, and the next walk that takes up errors begins with it: so all get their turn,
 * and hold up nothing that is new. */
#include "tracker/tracker_int.h"

#include "util/err.h"

void tracker_walk_ask_for(struct tracker *t, enum tracker_share share, bool takes_errors)
{
    struct tracker_walker *w = &t->walkers[share];
    if (!w->is_walking) {
        w->is_walking = true;
        w->takes_errors = takes_errors;
        w->at = (struct cid){ 0 };
        return;
    }
    /* What the present one has passed may have changed. */
    w->again_takes_errors = takes_errors || (w->again && w->again_takes_errors);
    w->again = true;
}

void tracker_walk_ask(struct tracker *t, bool takes_errors)
{
    tracker_walk_ask_for(t, SHARE_PINS, takes_errors);
    tracker_walk_ask_for(t, SHARE_UNPINS, takes_errors);
}

void tracker_walk_ask_where_full(struct tracker *t, bool takes_errors)
{
    for (unsigned share = 0; share < SHARES_COUNT; share++) {
        if (t->rooms[share].is_full)
            tracker_walk_ask_for(t, share, takes_errors);
    }
}

static void tracker_walk_end(struct tracker *t, enum tracker_share share)
{
    struct tracker_walker *w = &t->walkers[share];
    if (w->takes_errors) {
        if (w->errors_from.len > 0 || w->errors_left.len > 0)
            tracker_recover_soon(t);
        w->errors_from = w->errors_left;
        w->errors_left = (struct cid){ 0 };
    }
    w->is_walking = false;
    if (w->again) {
        w->again = false;
        tracker_walk_ask_for(t, share, w->again_takes_errors);
    }
}

static enum tracker_reason tracker_walk_reason(const struct tracker_walker *w)
{
    return w->takes_errors ? TRACKER_WALKED_ERRORS : TRACKER_WALKED;
}

static int tracker_walk_visit(struct tracker *t, const struct cid *cid,
                              const struct tracker_wish *wish)
{
    struct tracker_walker *w = &t->walkers[SHARE_PINS];
    struct tracker_row row;
    int err = tracker_row_get(t->turn->local, cid, &row);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    bool has_row = err == OK;
    if (tracker_is_to_go(wish, has_row ? &row : NULL))
        return OK; /* the other walk's */
    bool has_failed = has_row && row.attempts > 0;
    enum tracker_reason reason = tracker_walk_reason(w);
    if (has_failed && cid_compare(cid, &w->errors_from) < 0)
        reason = TRACKER_WALKED;
    err = tracker_settle(t, cid, wish, has_row ? &row : NULL, reason);
    if (err != ERR_BUSY || !has_failed || reason != TRACKER_WALKED_ERRORS ||
        t->rooms[SHARE_PINS].is_full)
        return err;
    if (w->errors_left.len == 0)
        w->errors_left = *cid;
    return OK;
}

static int tracker_walk_pins(struct tracker *t)
{
    struct tracker_walker *w = &t->walkers[SHARE_PINS];
    struct pinset_cursor c = pinset_cursor_after(t->turn->state, &w->at);
    while (tracker_turn_has_room(t)) {
        struct pin_hold hold;
        int err = pinset_next_hold(&c, &t->options.self, &hold);
        if (err == ERR_NOT_FOUND)
            tracker_walk_end(t, SHARE_PINS);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        struct tracker_wish wish = tracker_wish_from(t, &hold);
        if (wish.is_wanted)
            err = tracker_walk_visit(t, &hold.cid, &wish);
        if (err == ERR_BUSY)
            return OK; /* this one again, when there is room */
        w->at = hold.cid;
        if (err != OK)
            return err;
    }
    return OK;
}

static int tracker_walk_rows(struct tracker *t)
{
    struct tracker_walker *w = &t->walkers[SHARE_UNPINS];
    while (tracker_turn_has_room(t)) {
        struct cid cid;
        struct tracker_row row;
        struct tracker_wish wish;
        int err = tracker_row_next(t->turn->local, &w->at, &cid, &row);
        if (err == ERR_NOT_FOUND)
            tracker_walk_end(t, SHARE_UNPINS);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        err = tracker_wish_of(t, t->turn->state, &cid, &wish);
        if (err == OK && tracker_is_to_go(&wish, &row))
            err = tracker_settle(t, &cid, &wish, &row, tracker_walk_reason(w));
        if (err == ERR_BUSY)
            return OK;
        w->at = cid;
        if (err != OK)
            return err;
    }
    return OK;
}

int tracker_walk_slice(struct tracker *t)
{
    static int (*const walks[SHARES_COUNT])(struct tracker *) = {
        [SHARE_PINS] = tracker_walk_pins,
        [SHARE_UNPINS] = tracker_walk_rows,
    };
    for (unsigned share = 0; share < SHARES_COUNT; share++) {
        int err = OK;
        while (err == OK && t->walkers[share].is_walking && !t->rooms[share].is_full &&
               tracker_turn_has_room(t))
            err = walks[share](t);
        if (err != OK)
            return err;
    }
    return OK;
}
