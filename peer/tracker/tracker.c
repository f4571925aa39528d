/* Making the daemon hold what the state says.
 *
 * Three descriptions of one thing have to agree, and none of them tells when it changes in a way that one may
 * rely on:
 *
 *      the state             this peer's rows              the daemon
 *      by-holder[me] and     LOCAL_TABLE_TRACKER           pin/ls
 *      by-holder[nobody]
 *          \_____ tracker_settle() ____/ \____ operations ____/
 *                 hints and walks              sync
 *
 * So nothing here is driven by events alone. A hint (a CID that changed) leads to a comparison of state and row
 * for that CID; a walk does the same for all; and whatever the comparison finds is settled by one function. A
 * hint that is lost costs time, never a pin (K34, K21).
 *
 * Rows are what we know, so they are written before we act: durable before the daemon hears of a CID, changed
 * when it has answered. What a crash leaves in between is found by the walk at start-up. */
#include "tracker/tracker_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { TRACKER_ROOM_STEPS = 16, TRACKER_ROOM_ROWS = 4 }; /* what one CID may take */

void tracker_options_default(struct tracker_options *o)
{
    const uint64_t second_us = 1000 * 1000;
    struct peer_id self = o->self;
    *o = (struct tracker_options){
        .self = self,
        .concurrent_pins = 10,
        .pin_timeout_us = 120 * second_us,
        .patience_us = 8 * second_us,
        .unpin_timeout_us = 3 * 3600 * second_us,
        .request_timeout_us = 300 * second_us,
        .retry_min_us = 1 * second_us,
        .retry_max_us = 600 * second_us,
        .young_us = 24 * 3600 * second_us,
        .young_attempts_max = 5,
        .surplus_pause_max_us = 60 * second_us,
        .surplus_pause_going_us = 4 * second_us,
        .recover_us = 720 * second_us,
        .sync_us = 0,
        .ops_max = 4096,
        .unpins_max = 4096,
        .touched_max = 1024,
    };
}

/* ---- life ---- */

static void tracker_init_pool(struct tracker *t)
{
    list_init(&t->free);
    for (size_t i = 0; i < LANES_COUNT; i++)
        list_init(&t->lanes[i]);
    for (size_t i = 0; i < SHARES_COUNT; i++)
        list_init(&t->rooms[i].waiting);
    t->rooms[SHARE_PINS].max = t->options.ops_max;
    t->rooms[SHARE_UNPINS].max = t->options.unpins_max;
    list_init(&t->asked);
    list_init(&t->answered);
    list_init(&t->ended);
}

int tracker_create(struct tracker **out, const struct tracker_options *options,
                   struct http_client *client, const struct log *log,
                   const struct tracker_hooks *hooks)
{
    ASSERT(options->concurrent_pins > 0 && options->retry_min_us > 0);
    ASSERT(options->ops_max > options->concurrent_pins); /* those that run, and one more */
    ASSERT(options->unpins_max > 1);
    struct tracker *t = mem_zalloc(sizeof(*t));
    if (t == NULL)
        return ERR_NOMEM;
    t->options = *options;
    t->client = client;
    t->log = log;
    t->hooks = *hooks;
    t->calls_count = options->concurrent_pins + 2;
    size_t ops_max = options->ops_max + options->unpins_max;
    ASSERT(ops_max <= SIZE_MAX / sizeof(*t->ops));
    t->ops = mem_alloc(ops_max * sizeof(*t->ops));
    t->calls = mem_array(t->calls_count, sizeof(*t->calls));
    int err = t->ops == NULL || t->calls == NULL ? ERR_NOMEM : OK;
    if (err == OK)
        err = map_reserve(&t->by_cid, ops_max);
    if (err == OK)
        err = ring_init(&t->hints, options->touched_max, sizeof(struct tracker_hint));
    if (err == OK && buf_reserve(&t->scratch, TRACKER_ROW_BYTES_MAX) == NULL)
        err = ERR_NOMEM;
    if (err != OK) {
        tracker_destroy(t);
        return err;
    }
    tracker_init_pool(t);
    *out = t;
    return OK;
}

void tracker_destroy(struct tracker *t)
{
    for (size_t i = 0; t->calls != NULL && i < t->calls_count; i++) {
        if (t->calls[i].is_busy)
            kubo_reply_deinit(&t->calls[i].reply);
        buf_deinit(&t->calls[i].target);
    }
    tracker_seen_deinit(&t->syncer.seen);
    ring_deinit(&t->hints);
    map_deinit(&t->by_cid);
    buf_deinit(&t->scratch);
    mem_free(t->calls);
    mem_free(t->ops);
    mem_free(t);
}

void tracker_stop(struct tracker *t)
{
    t->is_stopping = true;
    for (size_t i = 0; i < t->calls_count; i++)
        tracker_call_cancel(t, &t->calls[i]);
}

bool tracker_is_idle(const struct tracker *t)
{
    return t->calls_busy == 0;
}

/* ---- hints ---- */

static void tracker_hint(struct tracker *t, const struct cid *cid, enum tracker_reason reason)
{
    struct tracker_hint *hint = ring_push(&t->hints);
    if (hint != NULL) {
        *hint = (struct tracker_hint){ *cid, reason };
        return;
    }
    t->overflows += 1;
    tracker_walk_ask(t, reason == TRACKER_RECOVER);
}

void tracker_set_grip(struct tracker *t, enum tracker_grip grip)
{
    if (grip == t->grip)
        return;
    t->grip = grip;
    tracker_walk_ask(t, true);
}

void tracker_on_current(struct tracker *t, uint64_t applied)
{
    if (t->is_current)
        return;
    t->is_current = true;
    tracker_young_begin(t, applied);
    tracker_walk_ask(t, true);
}

void tracker_on_touched(struct tracker *t, const struct cid *cid, bool by_user)
{
    tracker_hint(t, cid, by_user ? TRACKER_TOUCHED : TRACKER_MOVED);
}

void tracker_recover(struct tracker *t, const struct cid *cid)
{
    tracker_hint(t, cid, TRACKER_RECOVER);
}

void tracker_sync(struct tracker *t, const struct cid *cid)
{
    tracker_hint(t, cid, TRACKER_SYNC);
}

void tracker_walk(struct tracker *t)
{
    tracker_walk_ask(t, true);
}

void tracker_recover_all(struct tracker *t)
{
    tracker_ops_wake_all(t);
    tracker_walk_ask(t, true);
}

void tracker_sync_all(struct tracker *t)
{
    t->syncer.is_wanted = true;
}

void tracker_on_durable(struct tracker *t, uint64_t turn_number)
{
    ASSERT(turn_number <= t->turn_number);
    if (turn_number > t->durable_turn)
        t->durable_turn = turn_number;
}

/* ---- rows and room ---- */

void tracker_put_row(struct tracker *t, const struct cid *cid, const struct tracker_row *row)
{
    tracker_tally_change(t, cid, row);
    buf_clear(&t->scratch);
    tracker_row_encode(row, &t->scratch);
    ASSERT(t->scratch.err ==
           OK); /* there is room for the longest row: a turn does not fail halfway */
    t->turn_number += t->turn_rows == 0;
    t->turn_rows += 1;
    row_sink_put(t->turn->sink, LOCAL_TABLE_TRACKER, (struct bytes){ cid->bytes, cid->len },
                 buf_bytes(&t->scratch));
}

void tracker_del_row(struct tracker *t, const struct cid *cid)
{
    tracker_tally_change(t, cid, NULL);
    t->turn_number += t->turn_rows == 0;
    t->turn_rows += 1;
    row_sink_del(t->turn->sink, LOCAL_TABLE_TRACKER, (struct bytes){ cid->bytes, cid->len });
}

bool tracker_turn_has_room(const struct tracker *t)
{
    uint32_t state_steps = t->turn->state->steps - t->turn_state_steps;
    uint32_t local_steps = t->turn->local->steps - t->turn_local_steps;
    return t->turn_rows + TRACKER_ROOM_ROWS <= TRACKER_TURN_ROWS_MAX &&
           state_steps + TRACKER_ROOM_STEPS <= TRACKER_TURN_STEPS_MAX &&
           local_steps + TRACKER_ROOM_STEPS <= TRACKER_TURN_STEPS_MAX;
}

/* ---- what a CID needs ---- */

struct tracker_wish tracker_wish_from(const struct tracker *t, const struct pin_hold *hold)
{
    enum tracker_grip grip_min = hold->is_everybodys ? GRIP_ALL : GRIP_NAMED;
    /* A meta pin only ties its shards together; nobody pins it. */
    bool is_wanted = hold->is_held && hold->type != PIN_TYPE_META && t->grip <= grip_min;
    return (struct tracker_wish){ .is_wanted = is_wanted,
                                  .is_direct = is_wanted && hold->max_depth == PIN_DEPTH_DIRECT,
                                  .is_held_back =
                                      is_wanted && hold->is_everybodys && t->is_draining,
                                  .changed_index = hold->modified_index };
}

int tracker_wish_of(const struct tracker *t, struct view *state, const struct cid *cid,
                    struct tracker_wish *out)
{
    struct pin_hold hold;
    int err = pinset_get_hold(state, cid, &t->options.self, &hold);
    if (err == OK)
        *out = tracker_wish_from(t, &hold);
    else if (err == ERR_NOT_FOUND)
        *out = (struct tracker_wish){ 0 };
    return err == ERR_NOT_FOUND ? OK : err;
}

enum tracker_need {
    NEED_NOTHING,
    NEED_PIN,
    NEED_WAIT, /* to be pinned, but not yet */
    NEED_KEEP, /* it is there, was to go, and stays: only the row changes */
    NEED_UNPIN,
    NEED_FORGET /* the daemon never heard of it: only the row goes */
};

static enum tracker_need tracker_need_of(const struct tracker_wish *wish,
                                         const struct tracker_row *row)
{
    bool is_heard_of = row != NULL && row->phase != TRACKER_ROW_NOT_YET;
    if (!wish->is_wanted)
        return is_heard_of ? NEED_UNPIN : row != NULL ? NEED_FORGET : NEED_NOTHING;
    if (is_heard_of && wish->is_direct && !row->is_direct)
        return NEED_UNPIN; /* the daemon makes no recursive pin direct; then it is pinned anew */
    if (is_heard_of && row->phase == TRACKER_ROW_PINNED && row->is_direct == wish->is_direct)
        return NEED_NOTHING;
    if (is_heard_of && row->phase == TRACKER_ROW_KEPT && row->is_direct == wish->is_direct)
        return NEED_KEEP;
    return wish->is_held_back ? NEED_WAIT : NEED_PIN;
}

bool tracker_is_to_go(const struct tracker_wish *wish, const struct tracker_row *row)
{
    enum tracker_need need = tracker_need_of(wish, row);
    return need == NEED_UNPIN || need == NEED_FORGET;
}

/* The row that must be durable before the daemon hears of it; false: the one that is there will do. */
static bool tracker_new_row(const struct tracker *t, const struct tracker_wish *wish,
                            const struct tracker_row *row, enum tracker_need need, bool is_surplus,
                            struct tracker_row *out)
{
    *out = (struct tracker_row){ .phase = TRACKER_ROW_PIN,
                                 .is_direct = wish->is_direct,
                                 .since_s = t->turn->wall_s };
    if (row == NULL)
        return true;
    if (need == NEED_UNPIN) {
        bool is_there = row->phase == TRACKER_ROW_PINNED || row->phase == TRACKER_ROW_KEPT;
        out->phase = is_surplus && is_there ? TRACKER_ROW_KEPT : TRACKER_ROW_UNPIN;
        out->is_direct = row->is_direct;
        return row->phase != out->phase;
    }
    bool is_pin = row->phase == TRACKER_ROW_PIN || row->phase == TRACKER_ROW_LOST;
    return !is_pin || row->is_direct != wish->is_direct;
}

static bool tracker_is_asked_for(enum tracker_reason reason)
{
    return reason == TRACKER_TOUCHED || reason == TRACKER_RECOVER;
}

static bool tracker_is_new_word(enum tracker_reason reason)
{
    return tracker_is_asked_for(reason) || reason == TRACKER_MOVED;
}

static bool tracker_is_walked(enum tracker_reason reason)
{
    return reason == TRACKER_WALKED || reason == TRACKER_WALKED_ERRORS;
}

/* By which entry a user asked for it. What a walk found may be a repair's. */
static uint64_t tracker_asked_index(const struct tracker_wish *wish, enum tracker_reason reason)
{
    return tracker_is_asked_for(reason) ? wish->changed_index : 0;
}

static enum tracker_claim tracker_claim_of(enum tracker_op_kind kind, bool is_surplus,
                                           const struct tracker_row *row,
                                           enum tracker_reason reason)
{
    if (tracker_is_new_word(reason))
        return CLAIM_ASKED;
    if (kind == OP_UNPIN)
        return is_surplus ? CLAIM_WALKED : CLAIM_ASKED;
    bool has_failed = kind == OP_PIN && row != NULL && row->attempts > 0;
    return has_failed && reason == TRACKER_WALKED_ERRORS ? CLAIM_RETRY : CLAIM_WALKED;
}

/* There is no room for it in memory. What has a row says there what it waits for; what has none is counted, as a row for each
 * would cost a burst of new pins a sixth of its rate. */
static void tracker_leave(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                          const struct tracker_row *row, enum tracker_need need, bool is_surplus,
                          enum tracker_reason reason)
{
    struct tracker_row fresh;
    if (row == NULL)
        tracker_walk_count(t, cid, tracker_is_walked(reason));
    tracker_walk_leave(t, need == NEED_UNPIN ? SHARE_UNPINS : SHARE_PINS, cid);
    bool is_heard_of = row != NULL && row->phase != TRACKER_ROW_NOT_YET;
    if (is_heard_of && tracker_new_row(t, wish, row, need, is_surplus, &fresh))
        tracker_put_row(t, cid, &fresh);
}

static int tracker_new_op(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                          const struct tracker_row *row, enum tracker_need need,
                          enum tracker_reason reason)
{
    enum tracker_op_kind kind = need == NEED_UNPIN ? OP_UNPIN : OP_PIN;
    if (need == NEED_NOTHING)
        kind = OP_CONFIRM;
    bool is_surplus = kind == OP_UNPIN && tracker_is_surplus(t, cid, wish);
    struct tracker_op *op =
        tracker_op_take(t, cid, kind, tracker_claim_of(kind, is_surplus, row, reason));
    if (op == NULL) {
        if (kind != OP_CONFIRM) /* which only the sync finds */
            tracker_leave(t, cid, wish, row, need, is_surplus, reason);
        return ERR_BUSY;
    }
    if (row == NULL && tracker_is_walked(reason) && t->unrecorded > 0)
        t->unrecorded -= 1; /* it gets a row now */
    op->asked_index = tracker_asked_index(wish, reason);
    op->is_direct = kind == OP_UNPIN ? row->is_direct : wish->is_direct;
    op->is_unsent = row == NULL || row->phase == TRACKER_ROW_NOT_YET;
    op->is_surplus = is_surplus;
    struct tracker_row fresh;
    if (kind != OP_CONFIRM && tracker_new_row(t, wish, row, need, is_surplus, &fresh)) {
        tracker_put_row(t, cid, &fresh);
        op->row_turn = t->turn_number;
    } else {
        op->attempts = row->attempts;
    }
    if (kind == OP_PIN && reason == TRACKER_RECOVER)
        tracker_op_put_first(t, op);
    else
        tracker_op_queue(t, op);
    return OK;
}

/* Is what it does what is needed? */
static bool tracker_op_fits(const struct tracker_op *op, const struct tracker_wish *wish,
                            enum tracker_need need, bool is_surplus)
{
    switch (op->kind) {
    case OP_PIN:
        return (need == NEED_PIN || (need == NEED_WAIT && op->phase == OP_RUNNING)) &&
               op->is_direct == wish->is_direct;
    case OP_UNPIN:
        /* Kept for the sake of others, and now nobody wants it any more: a new one goes at once. */
        return need == NEED_UNPIN && (!op->is_surplus || is_surplus);
    case OP_CONFIRM:
        return need == NEED_NOTHING;
    case OP_KINDS_COUNT:
        break;
    }
    return false;
}

/* True: all is said; false: the operation is gone, and the CID is to be settled without one. */
static bool tracker_settle_op(struct tracker *t, struct tracker_op *op,
                              const struct tracker_wish *wish, enum tracker_need need,
                              enum tracker_reason reason)
{
    bool is_new_word = tracker_is_new_word(reason);
    bool is_surplus = op->is_surplus && tracker_is_surplus(t, &op->cid, wish);
    if (tracker_op_fits(op, wish, need, is_surplus)) {
        if (tracker_is_asked_for(reason))
            op->asked_index = wish->changed_index;
        bool gets_young =
            op->kind == OP_PIN && !op->is_young && tracker_is_young(t, op->asked_index);
        if (is_new_word)
            op->refusals = 0; /* others should hold it than before, perhaps */
        if (op->kind == OP_PIN && op->phase != OP_RUNNING && reason == TRACKER_RECOVER)
            tracker_op_put_first(t, op);
        else if (op->phase != OP_RUNNING &&
                 (gets_young || (op->phase == OP_WAITING && is_new_word)))
            tracker_op_queue(t, op);
        return true;
    }
    if (op->phase == OP_RUNNING) {
        /* Cut off; when the daemon has let go of it, the CID is looked at again. */
        op->is_replaced = true;
        op->asked_index = tracker_asked_index(wish, reason);
        tracker_call_cancel(t, tracker_call_of(t, op));
        return true;
    }
    bool was_never_asked = op->kind == OP_PIN && op->is_unsent && need == NEED_UNPIN;
    if (was_never_asked && !wish->is_wanted) {
        /* The daemon did not hear of it from us: if it has such a pin, it is the operator's. */
        tracker_del_row(t, &op->cid);
        tracker_op_release(t, op);
        return true;
    }
    tracker_op_release(t, op);
    return false;
}

static void tracker_keep(struct tracker *t, const struct cid *cid, const struct tracker_row *kept)
{
    struct tracker_row row = { .phase = TRACKER_ROW_PINNED,
                               .is_direct = kept->is_direct,
                               .since_s = t->turn->wall_s };
    tracker_put_row(t, cid, &row);
}

int tracker_settle(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                   const struct tracker_row *row, enum tracker_reason reason)
{
    enum tracker_need need = tracker_need_of(wish, row);
    struct tracker_op *op = tracker_op_find(t, cid);
    bool is_unsent = op != NULL && op->is_unsent;
    if (op != NULL && tracker_settle_op(t, op, wish, need, reason))
        return OK;
    if (need == NEED_WAIT)
        tracker_hold_back(t, cid, wish, row, is_unsent);
    else if (need == NEED_FORGET)
        tracker_del_row(t, cid);
    else if (need == NEED_KEEP)
        tracker_keep(t, cid, row);
    if (need == NEED_WAIT || need == NEED_FORGET || need == NEED_KEEP)
        return OK;
    bool doubts = reason == TRACKER_SYNC && row != NULL && row->phase == TRACKER_ROW_PINNED;
    if (need == NEED_NOTHING && !doubts)
        return OK;
    if (need == NEED_UNPIN && !wish->is_wanted && !t->is_current)
        return OK; /* a walk will see */
    bool is_in_error = row != NULL && row->attempts > 0 &&
                       (row->phase == TRACKER_ROW_UNPIN) == (need == NEED_UNPIN);
    if (is_in_error && reason == TRACKER_WALKED)
        return OK; /* it has its pause */
    return tracker_new_op(t, cid, wish, row, need, reason);
}

int tracker_compare(struct tracker *t, const struct cid *cid, enum tracker_reason reason)
{
    struct tracker_wish wish;
    struct tracker_row row;
    int err = tracker_wish_of(t, t->turn->state, cid, &wish);
    if (err != OK)
        return err;
    err = tracker_row_get(t->turn->local, cid, &row);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    return tracker_settle(t, cid, &wish, err == OK ? &row : NULL, reason);
}

int tracker_reconcile(struct tracker *t, const struct cid *cid, enum tracker_reason reason)
{
    int err = tracker_compare(t, cid, reason);
    if (err == ERR_BUSY && reason == TRACKER_RECOVER)
        tracker_walk_ask(t, true); /* it is in error, which a walk over what was left passes over */
    return err == ERR_BUSY ? OK : err;
}

/* ---- turns ---- */

static void tracker_keep_first(int *first, int err)
{
    if (*first == OK)
        *first = err;
}

static void tracker_timers(struct tracker *t)
{
    uint64_t now_us = t->turn->now_us;
    const struct tracker_options *o = &t->options;
    bool recover_is_due = t->has_begun && now_us >= t->recover_at_us;
    bool sync_is_due = t->has_begun && now_us >= t->sync_at_us;
    if (recover_is_due)
        tracker_walk_ask(t, true);
    if (sync_is_due)
        t->syncer.is_wanted = true;
    if (!t->has_begun || recover_is_due)
        t->recover_at_us = o->recover_us > 0 ? now_us + o->recover_us : UINT64_MAX;
    if (!t->has_begun || sync_is_due)
        t->sync_at_us = o->sync_us > 0 ? now_us + o->sync_us : UINT64_MAX;
    t->has_begun = true;
}

static void tracker_take_ended(struct tracker *t, int *first)
{
    while (!list_is_empty(&t->ended) && tracker_turn_has_room(t)) {
        struct tracker_call *call =
            list_entry(list_pop_front(&t->ended), struct tracker_call, link);
        if (call->err == ERR_UNREACHABLE)
            tracker_daemon_failed(t);
        else if (call->reply.status != 0)
            tracker_daemon_answered(t);
        if (call->op != NULL)
            tracker_keep_first(first, tracker_op_on_call(t, call));
        else
            tracker_sync_on_call(t, call);
    }
}

static void tracker_take_hints(struct tracker *t, int *first)
{
    while (t->hints.count > 0 && tracker_turn_has_room(t)) {
        struct tracker_hint hint = *(struct tracker_hint *)ring_front(&t->hints);
        ring_pop(&t->hints);
        tracker_keep_first(first, tracker_reconcile(t, &hint.cid, hint.reason));
    }
}

uint64_t tracker_take_turn(struct tracker *t, const struct tracker_turn *turn, int *err)
{
    ASSERT(!t->is_stopping);
    t->turn = turn;
    t->wall_ahead_us = turn->wall_s * 1000000 - (int64_t)turn->now_us;
    t->turn_rows = 0;
    t->turn_state_steps = turn->state->steps;
    t->turn_local_steps = turn->local->steps;
    *err = OK;
    tracker_young_note(t);
    tracker_timers(t);
    tracker_calls_check(t);
    tracker_take_ended(t, err);
    tracker_take_answered(t);
    tracker_ops_wake(t);
    tracker_ops_start(t); /* before what may take all the room of every turn for seconds */
    tracker_take_hints(t, err);
    tracker_keep_first(err, tracker_walk_slice(t));
    tracker_keep_first(err, tracker_sync_slice(t));
    tracker_keep_first(err, tracker_tally_slice(t));
    tracker_sync_begin(t);
    t->turn = NULL;
    return t->turn_rows > 0 ? t->turn_number : 0;
}

bool tracker_wants_turn(const struct tracker *t, uint64_t now_us)
{
    return now_us >= tracker_next_deadline_us(t);
}

static uint64_t tracker_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Has a walk or a comparison more to look at? */
static bool tracker_goes_on(const struct tracker *t)
{
    return tracker_walk_goes_on(t, SHARE_PINS) || tracker_walk_goes_on(t, SHARE_UNPINS) ||
           (t->syncer.phase == SYNC_ROWS && !t->rooms[SHARE_PINS].is_full);
}

uint64_t tracker_next_deadline_us(const struct tracker *t)
{
    if (t->is_stopping)
        return UINT64_MAX;
    if (!t->has_begun || t->hints.count > 0 || !list_is_empty(&t->ended) ||
        !list_is_empty(&t->answered) || !t->tally.is_complete || tracker_goes_on(t))
        return 0;
    uint64_t due_us = tracker_earlier(t->recover_at_us, t->sync_at_us);
    due_us = tracker_earlier(due_us, tracker_calls_deadline_us(t));
    for (size_t i = 0; i < SHARES_COUNT; i++) {
        const struct list_link *waiting = &t->rooms[i].waiting;
        if (!list_is_empty(waiting))
            due_us =
                tracker_earlier(due_us, list_entry(waiting->next, struct tracker_op, link)->due_us);
    }
    if (tracker_op_startable(t) != NULL || tracker_sync_can_begin(t))
        due_us = tracker_earlier(due_us, t->start_at_us);
    return due_us;
}

/* ---- looking ---- */

/* Of a drained peer what is in memory: there wait those that an operator holds back, too, by their rows. */
static uint64_t tracker_untried(const struct tracker *t)
{
    uint64_t in_memory = tracker_lane_len(t, LANE_YOUNG) + tracker_lane_len(t, LANE_NEW);
    uint64_t by_rows = t->is_draining ? 0 : tracker_summary(t).pin_queued;
    return by_rows > in_memory ? by_rows : in_memory;
}

struct tracker_counts tracker_counts(const struct tracker *t)
{
    return (struct tracker_counts){
        .pin_queued = t->counts[OP_PIN][OP_QUEUED],
        .pin_untried = tracker_untried(t),
        .pinning = t->counts[OP_PIN][OP_RUNNING],
        .unpin_queued = t->counts[OP_UNPIN][OP_QUEUED],
        .unpinning = t->counts[OP_UNPIN][OP_RUNNING],
        .in_error = t->counts[OP_PIN][OP_WAITING] + t->counts[OP_UNPIN][OP_WAITING],
        .overflows = t->overflows,
        .adds_count = t->adds_count,
        .add_errors_count = t->add_errors_count,
        .is_walking = t->walkers[SHARE_PINS].is_walking || t->walkers[SHARE_UNPINS].is_walking,
        .daemon_is_down = t->daemon_is_down,
    };
}
