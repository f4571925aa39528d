/* The daemon's list against the rows: an operator may have unpinned something, a repository may have been put
 * back from a backup.
 *
 *      pin/ls recursive, pin/ls direct  --->  hashes of what is there
 *      rows, a slice a turn:  pinned, not named  --->  a suspect: asked about alone (OP_CONFIRM)
 *                             in error, named    --->  tried again at once: it may be done
 *
 * The listing is as old as its first line, and pins end while it goes on; so what it does not name is only a
 * suspicion. And what broke off proves nothing: then there is no second half, and the next sync tries anew. */
#include "tracker/tracker_int.h"

#include "util/err.h"

void tracker_sync_end(struct tracker *t)
{
    tracker_seen_deinit(&t->syncer.seen);
    t->syncer.phase = SYNC_IDLE;
    t->syncer.is_broken = false;
}

static bool tracker_sync_list(struct tracker *t, enum kubo_pin_type type)
{
    return tracker_call_start(t, NULL, STEP_LIST, type, (struct bytes){ "", 0 }) == OK;
}

bool tracker_sync_can_begin(const struct tracker *t)
{
    bool may_probe = !t->daemon_is_down || t->calls_busy == 0;
    return t->syncer.is_wanted && t->syncer.phase == SYNC_IDLE && may_probe;
}

void tracker_sync_begin(struct tracker *t)
{
    if (!tracker_sync_can_begin(t) || t->turn->now_us < t->start_at_us)
        return;
    if (tracker_seen_init(&t->syncer.seen, t->turn->draw) != OK) {
        t->syncer.is_wanted = false; /* no memory: the next one */
        return;
    }
    if (!tracker_sync_list(t, KUBO_PIN_RECURSIVE)) {
        tracker_sync_end(t);
        return; /* still wanted */
    }
    t->syncer.is_wanted = false;
    t->syncer.suspects = 0;
    t->syncer.began_s = t->turn->wall_s;
    t->syncer.phase = SYNC_RECURSIVE;
}

void tracker_sync_on_row(struct tracker *t, const struct kubo_row *row)
{
    if (row->kind != KUBO_ROW_PIN)
        return;
    bool is_direct = row->pin.type == KUBO_PIN_DIRECT;
    if (tracker_seen_add(&t->syncer.seen, &row->pin.cid, is_direct) != OK)
        t->syncer.is_broken = true;
}

void tracker_sync_on_call(struct tracker *t, struct tracker_call *call)
{
    int err = t->syncer.is_broken ? ERR_NOMEM : call->err;
    bool was_recursive = t->syncer.phase == SYNC_RECURSIVE;
    if (err != OK)
        LOG_INFO(t->log, TRACKER_FACILITY, "sync: the daemon's list broke off and is not used: %s",
                 err == call->err ? kubo_reply_text(&call->reply) : err_text(err));
    tracker_call_free(call);
    if (err == OK && was_recursive && tracker_sync_list(t, KUBO_PIN_DIRECT)) {
        t->syncer.phase = SYNC_DIRECT;
    } else if (err == OK && !was_recursive) {
        t->syncer.phase = SYNC_ROWS;
        t->syncer.at = (struct cid){ 0 };
    } else {
        tracker_sync_end(t);
    }
}

/* Should be there, and the list did not name it. What was pinned since the list began it cannot name; while a queue is worked off
 * these are many. (A time that is yet to come says nothing: the clock was set back.) */
static bool tracker_is_suspect(struct tracker *t, const struct cid *cid,
                               const struct tracker_row *row)
{
    struct tracker_syncer *s = &t->syncer;
    bool is_newer = row->since_s > s->began_s && row->since_s <= t->turn->wall_s;
    return row->phase == TRACKER_ROW_PINNED && !is_newer &&
           !tracker_seen_has(&s->seen, cid, row->is_direct);
}

/* ERR_BUSY: the pool is full. No walk has to find this one then: the sync stays where it is. */
static int tracker_sync_visit(struct tracker *t, const struct cid *cid,
                              const struct tracker_row *row)
{
    bool is_in_error = row->phase == TRACKER_ROW_PIN && row->attempts > 0;
    int err = OK;
    if (tracker_is_suspect(t, cid, row))
        err = tracker_compare(t, cid, TRACKER_SYNC);
    else if (is_in_error && tracker_seen_has(&t->syncer.seen, cid, row->is_direct))
        err = tracker_compare(t, cid, TRACKER_RECOVER);
    bool is_to_go = err == ERR_BUSY && !t->rooms[SHARE_PINS].is_full;
    return is_to_go ? OK : err; /* which is the business of a walk */
}

static void tracker_sync_done(struct tracker *t)
{
    if (t->syncer.suspects > 0)
        LOG_WARN(t->log, TRACKER_FACILITY,
                 "sync: the daemon's list lacks pins=%llu; each is asked about, and pinned again "
                 "if it is gone",
                 (unsigned long long)t->syncer.suspects);
    tracker_sync_end(t);
}

int tracker_sync_slice(struct tracker *t)
{
    struct tracker_syncer *s = &t->syncer;
    while (s->phase == SYNC_ROWS && tracker_turn_has_room(t)) {
        struct cid cid;
        struct tracker_row row;
        int err = tracker_row_next(t->turn->local, &s->at, &cid, &row);
        if (err == ERR_NOT_FOUND)
            tracker_sync_done(t);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        err = tracker_sync_visit(t, &cid, &row);
        if (err == ERR_BUSY)
            return OK; /* this one again, when there is room */
        s->at = cid;
        s->suspects += tracker_is_suspect(t, &cid, &row);
        if (err != OK)
            return err;
    }
    return OK;
}
