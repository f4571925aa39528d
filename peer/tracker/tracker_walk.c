/* The state against the rows, in two walks side by side, a slice a turn:
 *
 *      SHARE_PINS      over the pins: those that are to be held here
 *      SHARE_UNPINS    over the rows: those whose pin is gone, is others', or is of the other mode
 *
 * A walk sweeps over all, and stops nowhere: what finds no room in its share of the pool is counted, and left. Then it goes
 * over what was left, and stands where there is no room until an operation ended. What failed before is not waited for there:
 * the next sweep that takes up errors begins with the first of these that found no room, so that all get their turn, and hold
 * up nothing that is new. */
#include "tracker/tracker_int.h"

#include "util/err.h"

/* Behind it comes the CID, or what sorts before it and after what sorts before this. */
static struct cid tracker_walk_before(const struct cid *cid)
{
    struct cid at = *cid;
    if (at.bytes[at.len - 1] > 0)
        at.bytes[at.len - 1] -= 1;
    else
        at.len -= 1;
    return at;
}

static void tracker_walk_sweep(struct tracker_walker *w, bool takes_errors)
{
    w->is_walking = w->is_sweeping = true;
    w->takes_errors = takes_errors;
    w->at = (struct cid){ 0 };
    w->unrecorded = 0;
}

void tracker_walk_ask_for(struct tracker *t, enum tracker_share share, bool takes_errors)
{
    struct tracker_walker *w = &t->walkers[share];
    if (!w->is_walking || !w->is_sweeping) {
        tracker_walk_sweep(w, takes_errors);
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

/* Over what was left, if anything was. */
static void tracker_walk_go_back(struct tracker_walker *w)
{
    w->is_walking = w->left.len > 0;
    w->is_sweeping = w->takes_errors = false;
    if (w->is_walking)
        w->at = tracker_walk_before(&w->left);
    w->left = (struct cid){ 0 };
}

void tracker_walk_leave(struct tracker *t, enum tracker_share share, const struct cid *cid)
{
    struct tracker_walker *w = &t->walkers[share];
    bool is_ahead = w->is_walking && !w->is_sweeping && cid_compare(cid, &w->at) > 0;
    if (!is_ahead && (w->left.len == 0 || cid_compare(cid, &w->left) < 0))
        w->left = *cid;
    if (!w->is_walking)
        tracker_walk_go_back(w);
}

void tracker_walk_count(struct tracker *t, const struct cid *cid, bool is_walked)
{
    struct tracker_walker *w = &t->walkers[SHARE_PINS];
    bool sweeps = w->is_walking && w->is_sweeping;
    bool has_passed = is_walked || cid_compare(cid, &w->at) <= 0;
    w->unrecorded += sweeps && has_passed;
    t->unrecorded += !is_walked;
}

static void tracker_walk_end(struct tracker *t, enum tracker_share share)
{
    struct tracker_walker *w = &t->walkers[share];
    if (w->is_sweeping && w->takes_errors) {
        if (w->errors_from.len > 0 || w->errors_left.len > 0)
            tracker_recover_soon(t);
        w->errors_from = w->errors_left;
        w->errors_left = (struct cid){ 0 };
    }
    if (share == SHARE_PINS && w->is_sweeping)
        t->unrecorded = w->unrecorded;
    else if (share == SHARE_PINS && w->left.len == 0)
        t->unrecorded = 0; /* all that was left has found room */
    if (!w->again) {
        tracker_walk_go_back(w);
        return;
    }
    w->again = false;
    tracker_walk_sweep(w, w->again_takes_errors);
}

/* ERR_BUSY: it is to be waited for here. */
static int tracker_walk_visit(struct tracker *t, enum tracker_share share, const struct cid *cid,
                              const struct tracker_wish *wish, const struct tracker_row *row)
{
    struct tracker_walker *w = &t->walkers[share];
    bool is_others = tracker_is_to_go(wish, row) != (share == SHARE_UNPINS);
    if (is_others)
        return OK; /* the other walk's business */
    bool has_failed = row != NULL && row->attempts > 0;
    bool had_turn = has_failed && cid_compare(cid, &w->errors_from) < 0;
    int err = tracker_settle(t, cid, wish, row,
                             w->takes_errors && !had_turn ? TRACKER_WALKED_ERRORS : TRACKER_WALKED);
    if (err != ERR_BUSY || !w->is_sweeping)
        return err;
    if (has_failed && w->errors_left.len == 0)
        w->errors_left = *cid;
    return OK;
}

static int tracker_walk_pin(struct tracker *t, const struct pin_hold *hold)
{
    struct tracker_wish wish = tracker_wish_from(t, hold);
    struct tracker_row row;
    int err = wish.is_wanted ? tracker_row_get(t->turn->local, &hold->cid, &row) : OK;
    if (!wish.is_wanted || (err != OK && err != ERR_NOT_FOUND))
        return err;
    return tracker_walk_visit(t, SHARE_PINS, &hold->cid, &wish, err == OK ? &row : NULL);
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
        err = tracker_walk_pin(t, &hold);
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
        if (err == OK)
            err = tracker_walk_visit(t, SHARE_UNPINS, &cid, &wish, &row);
        if (err == ERR_BUSY)
            return OK;
        w->at = cid;
        if (err != OK)
            return err;
    }
    return OK;
}

bool tracker_walk_goes_on(const struct tracker *t, enum tracker_share share)
{
    const struct tracker_walker *w = &t->walkers[share];
    return w->is_walking && (w->is_sweeping || !t->rooms[share].is_full);
}

int tracker_walk_slice(struct tracker *t)
{
    static int (*const walks[SHARES_COUNT])(struct tracker *) = {
        [SHARE_PINS] = tracker_walk_pins,
        [SHARE_UNPINS] = tracker_walk_rows,
    };
    for (unsigned share = 0; share < SHARES_COUNT; share++) {
        int err = OK;
        while (err == OK && tracker_walk_goes_on(t, share) && tracker_turn_has_room(t))
            err = walks[share](t);
        if (err != OK)
            return err;
    }
    return OK;
}
