/* The state against the rows, all of it, a slice a turn: the pins, for those that are to be held here, and then the
 * rows, for those whose pin is gone or is others'. It stops where the pool is full and goes on when an operation ended; but
 * what failed before is passed over there, and the next walk that takes up errors begins with it: so all get their turn,
 * and hold up nothing that is new. */
#include "tracker/tracker_int.h"

#include "util/err.h"

static void tracker_walk_begin(struct tracker *t, enum tracker_walk_phase phase)
{
    t->walker.phase = phase;
    t->walker.at = (struct cid){ 0 };
}

void tracker_walk_ask(struct tracker *t, bool takes_errors)
{
    struct tracker_walker *w = &t->walker;
    if (w->phase == WALK_IDLE) {
        w->takes_errors = takes_errors;
        tracker_walk_begin(t, WALK_PINS);
        return;
    }
    /* What the present one has passed may have changed. */
    w->again_takes_errors = takes_errors || (w->again && w->again_takes_errors);
    w->again = true;
}

static void tracker_walk_end_phase(struct tracker *t)
{
    struct tracker_walker *w = &t->walker;
    switch (w->phase) {
    case WALK_PINS:
        tracker_walk_begin(t, WALK_ROWS);
        return;
    case WALK_ROWS:
    case WALK_IDLE:
        break;
    }
    if (w->takes_errors) {
        if (w->errors_from.len > 0 || w->errors_left.len > 0)
            tracker_recover_soon(t);
        w->errors_from = w->errors_left;
        w->errors_left = (struct cid){ 0 };
    }
    w->phase = WALK_IDLE;
    if (w->again) {
        w->again = false;
        tracker_walk_ask(t, w->again_takes_errors);
    }
}

static enum tracker_reason tracker_walk_reason(const struct tracker *t)
{
    return t->walker.takes_errors ? TRACKER_WALKED_ERRORS : TRACKER_WALKED;
}

static int tracker_walk_visit(struct tracker *t, const struct cid *cid,
                              const struct tracker_wish *wish)
{
    struct tracker_walker *w = &t->walker;
    struct tracker_row row;
    int err = tracker_row_get(t->turn->local, cid, &row);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    bool has_failed = err == OK && row.attempts > 0;
    enum tracker_reason reason = tracker_walk_reason(t);
    if (has_failed && cid_compare(cid, &w->errors_from) < 0)
        reason = TRACKER_WALKED;
    err = tracker_settle(t, cid, wish, err == OK ? &row : NULL, reason);
    if (err != ERR_BUSY || !has_failed || reason != TRACKER_WALKED_ERRORS || t->is_pool_full)
        return err;
    if (w->errors_left.len == 0)
        w->errors_left = *cid;
    return OK;
}

static int tracker_walk_pins(struct tracker *t)
{
    struct pinset_cursor c = pinset_cursor_after(t->turn->state, &t->walker.at);
    while (tracker_turn_has_room(t)) {
        struct pin_hold hold;
        int err = pinset_next_hold(&c, &t->options.self, &hold);
        if (err == ERR_NOT_FOUND)
            tracker_walk_end_phase(t);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        struct tracker_wish wish = tracker_wish_from(t, &hold);
        if (hold.is_held)
            err = tracker_walk_visit(t, &hold.cid, &wish);
        if (err == ERR_BUSY)
            return OK; /* this one again, when there is room */
        t->walker.at = hold.cid;
        if (err != OK)
            return err;
    }
    return OK;
}

/* Rows of pins that are gone. The others were visited before. */
static int tracker_walk_rows(struct tracker *t)
{
    while (tracker_turn_has_room(t)) {
        struct cid cid;
        struct tracker_row row;
        struct tracker_wish wish;
        int err = tracker_row_next(t->turn->local, &t->walker.at, &cid, &row);
        if (err == ERR_NOT_FOUND)
            tracker_walk_end_phase(t);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        err = tracker_wish_of(t, t->turn->state, &cid, &wish);
        if (err == OK && !wish.is_wanted)
            err = tracker_settle(t, &cid, &wish, &row, tracker_walk_reason(t));
        if (err == ERR_BUSY)
            return OK;
        t->walker.at = cid;
        if (err != OK)
            return err;
    }
    return OK;
}

int tracker_walk_slice(struct tracker *t)
{
    int err = OK;
    while (err == OK && t->walker.phase != WALK_IDLE && !t->is_pool_full &&
           tracker_turn_has_room(t)) {
        switch (t->walker.phase) {
        case WALK_PINS:
            err = tracker_walk_pins(t);
            break;
        case WALK_ROWS:
            err = tracker_walk_rows(t);
            break;
        case WALK_IDLE:
            break;
        }
    }
    return err;
}
