/* Pins of everybody's, on a peer that an operator drains.
 *
 * Nobody chose this peer for them, so no allocator can pass it over, and nobody else can take one in its place. It passes
 * over them itself: what its daemon does not have yet waits, as a row and without an operation, so that it takes no place in
 * the pool and no walk stops at it. What the daemon has stays pinned, what is under way may end, and unpins go on.
 *
 *      no row ------------> NOT_YET    the daemon has not heard of it from us: when its pin goes, so does the row
 *      PIN, UNPIN --------> PIN        perhaps it has; what failed before is forgotten, it is no error to wait
 *      LOST --------------> LOST       was there once, and is to be seen as that
 *
 * By the state alone, and looked at anew each time: drained or not, after a restart, by an entry or by a snapshot. */
#include "tracker/tracker_int.h"

#include "util/err.h"

void tracker_set_draining(struct tracker *t, bool is_draining)
{
    if (is_draining == t->is_draining)
        return;
    t->is_draining = is_draining;
    tracker_walk_ask(t, true);
}

void tracker_hold_back(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                       const struct tracker_row *row, bool is_unsent)
{
    bool is_unheard = row == NULL || row->phase == TRACKER_ROW_NOT_YET || is_unsent;
    struct tracker_row waits = { .phase = is_unheard ? TRACKER_ROW_NOT_YET : TRACKER_ROW_PIN,
                                 .is_direct = wish->is_direct,
                                 .since_s = t->turn->wall_s };
    bool is_said = row != NULL && row->is_direct == wish->is_direct && row->attempts == 0 &&
                   (row->phase == waits.phase || row->phase == TRACKER_ROW_LOST);
    if (!is_said)
        tracker_put_row(t, cid, &waits);
}

bool tracker_op_is_held_back(const struct tracker *t, const struct tracker_op *op)
{
    struct tracker_wish wish;
    return op->kind == OP_PIN && t->is_draining &&
           tracker_wish_of(t, t->turn->state, &op->cid, &wish) == OK && wish.is_held_back;
}
