/* How many rows say what, kept as they change. After a start one walk counts them, a slice a turn, and a change counts
 * only where the walk has been: behind that, the walk will see what became of it. */
#include "tracker/tracker_int.h"

#include "util/err.h"

static enum tracker_tally_kind tracker_tally_kind_of(const struct tracker_row *row)
{
    switch (row->phase) {
    case TRACKER_ROW_PINNED:
        return TALLY_PINNED;
    case TRACKER_ROW_KEPT:
        return TALLY_KEPT;
    case TRACKER_ROW_LOST:
        return TALLY_LOST;
    case TRACKER_ROW_NOT_YET:
        return TALLY_PIN;
    case TRACKER_ROW_PIN:
        return row->attempts > 0 ? TALLY_PIN_FAILED : TALLY_PIN;
    case TRACKER_ROW_UNPIN:
        break;
    }
    return row->attempts > 0 ? TALLY_UNPIN_FAILED : TALLY_UNPIN;
}

void tracker_tally_change(struct tracker *t, const struct cid *cid, const struct tracker_row *row)
{
    struct tracker_tally *tally = &t->tally;
    if (!tally->is_complete && cid_compare(cid, &tally->counted) > 0)
        return;
    struct tracker_row was;
    if (tracker_row_get(t->turn->local, cid, &was) == OK)
        tally->rows[tracker_tally_kind_of(&was)] -= 1;
    if (row != NULL)
        tally->rows[tracker_tally_kind_of(row)] += 1;
}

int tracker_tally_slice(struct tracker *t)
{
    struct tracker_tally *tally = &t->tally;
    while (!tally->is_complete && tracker_turn_has_room(t)) {
        struct cid cid;
        struct tracker_row row;
        int err = tracker_row_next(t->turn->local, &tally->counted, &cid, &row);
        tally->is_complete = err == ERR_NOT_FOUND;
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        tally->rows[tracker_tally_kind_of(&row)] += 1;
        tally->counted = cid;
    }
    return OK;
}

static uint64_t tracker_without(uint64_t all, uint64_t some)
{
    return all > some ? all - some : 0;
}

struct tracker_summary tracker_summary(const struct tracker *t)
{
    const uint64_t *rows = t->tally.rows;
    uint64_t pinning = t->counts[OP_PIN][OP_RUNNING];
    uint64_t unpinning = t->counts[OP_UNPIN][OP_RUNNING];
    uint64_t again = t->retries_running < pinning ? t->retries_running : pinning;
    return (struct tracker_summary){
        .pinned = rows[TALLY_PINNED],
        .pinning = pinning,
        .pin_queued = tracker_without(rows[TALLY_PIN], pinning - again) + t->unrecorded,
        .pin_error = tracker_without(rows[TALLY_PIN_FAILED], again),
        .unexpectedly_unpinned = rows[TALLY_LOST],
        .unpinning = unpinning,
        .unpin_queued = tracker_without(rows[TALLY_UNPIN] + rows[TALLY_KEPT], unpinning),
        .unpin_error = rows[TALLY_UNPIN_FAILED],
        .is_complete = t->tally.is_complete,
    };
}

bool tracker_kept(const struct tracker *t, uint64_t *out)
{
    if (t->tally.is_complete)
        *out = t->tally.rows[TALLY_PINNED] + t->tally.rows[TALLY_KEPT];
    return t->tally.is_complete;
}
