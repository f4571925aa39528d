/* One operation: a CID that the daemon has to pin, to unpin, or to be asked about.
 *
 *                    row durable, a slot free               verdict
 *      QUEUED ------------------------------> RUNNING ------------------> gone, the row says how it stands
 *        ^                                       |
 *        |  due_us                               | failed: one attempt more in the row
 *        +------------- WAITING <----------------+
 *
 * An operation ends in one place (tracker_op_on_call), and every ending has a name. What the state wants may
 * change while it runs: then it is cut off, and once the daemon let go, the CID is looked at anew.
 *
 * A thousand pins of which nobody has the content do not keep a good one waiting. New pins go before those that
 * failed, and those that somebody asked for lately before those that a walk found. While a new one waits, an attempt
 * without progress gives its slot up after `patience_us`. Those that failed never take more than half of the slots;
 * a fifth is theirs even while new ones keep coming, or a steady stream would starve them; and they give way to one
 * another, too, each time later. In memory they make room for all others, whichever way these came. With 10 slots and 8 s of
 * patience, n bad new ones thus keep a good one waiting for n x 8 s / 8 at most: 10 s a slot and round. */
#include "tracker/tracker_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

/* ---- the pool ---- */

static struct bytes tracker_op_key(const struct cid *cid)
{
    return (struct bytes){ cid->bytes, cid->len };
}

struct tracker_op *tracker_op_find(const struct tracker *t, const struct cid *cid)
{
    return map_get(&t->by_cid, tracker_op_key(cid));
}

static void tracker_op_set_phase(struct tracker *t, struct tracker_op *op,
                                 enum tracker_op_phase phase)
{
    t->counts[op->kind][op->phase] -= 1;
    op->phase = phase;
    t->counts[op->kind][op->phase] += 1;
}

static enum tracker_share tracker_share_of(enum tracker_op_kind kind)
{
    return kind == OP_UNPIN ? SHARE_UNPINS : SHARE_PINS;
}

void tracker_op_release(struct tracker *t, struct tracker_op *op)
{
    struct tracker_op *known = map_remove(&t->by_cid, tracker_op_key(&op->cid));
    ASSERT(known == op);
    t->counts[op->kind][op->phase] -= 1;
    list_remove(&op->link);
    list_push_front(&t->free, &op->link);
    struct tracker_room *room = &t->rooms[tracker_share_of(op->kind)];
    room->count -= 1;
    room->is_full = false;
}

static bool tracker_op_evict_last(struct tracker *t, const struct list_link *list)
{
    if (list_is_empty(list))
        return false;
    tracker_op_release(t, list_entry(list->prev, struct tracker_op, link));
    return true;
}

void tracker_recover_soon(struct tracker *t)
{
    uint64_t latest_us = t->turn->now_us + t->options.retry_max_us;
    if (t->recover_at_us > latest_us)
        t->recover_at_us = latest_us;
}

/* Whoever goes is not lost: its row says what it is for, and a walk finds it again. The one that would wait longest goes
 * first, then the last of those that failed before, or they would hold up all that is new; at last, for what somebody waits
 * for, what only a walk found. Pins and unpins leave one another alone. */
static bool tracker_op_make_room(struct tracker *t, enum tracker_share share,
                                 enum tracker_claim claim)
{
    bool is_pin = share == SHARE_PINS;
    bool is_retry_gone = tracker_op_evict_last(t, &t->rooms[share].waiting) ||
                         (is_pin && claim != CLAIM_RETRY &&
                          (tracker_op_evict_last(t, &t->lanes[LANE_AGAIN]) ||
                           tracker_op_evict_last(t, &t->lanes[LANE_YOUNG_AGAIN])));
    if (is_retry_gone) {
        tracker_recover_soon(t);
        return true;
    }
    const struct list_link *found = &t->lanes[is_pin ? LANE_NEW : LANE_SURPLUS];
    if (claim != CLAIM_ASKED || list_is_empty(found))
        return false;
    struct cid last = list_entry(found->prev, struct tracker_op, link)->cid;
    (void)tracker_op_evict_last(t, found);
    tracker_walk_leave(t, share, &last);
    return true;
}

static struct tracker_op *tracker_op_spare(struct tracker *t, enum tracker_share share)
{
    struct tracker_room *room = &t->rooms[share];
    if (room->count == room->max)
        return NULL;
    room->count += 1;
    struct list_link *link = list_pop_front(&t->free);
    return link != NULL ? list_entry(link, struct tracker_op, link) : &t->ops[t->ops_begun++];
}

struct tracker_op *tracker_op_take(struct tracker *t, const struct cid *cid,
                                   enum tracker_op_kind kind, enum tracker_claim claim)
{
    enum tracker_share share = tracker_share_of(kind);
    struct tracker_op *op = tracker_op_spare(t, share);
    if (op == NULL && tracker_op_make_room(t, share, claim))
        op = tracker_op_spare(t, share);
    if (op == NULL) {
        t->rooms[share].is_full |= claim != CLAIM_RETRY;
        return NULL;
    }
    *op = (struct tracker_op){ .cid = *cid, .kind = kind, .phase = OP_QUEUED };
    list_init(&op->link);
    int err = map_put(&t->by_cid, tracker_op_key(&op->cid), op);
    ASSERT(err == OK); /* reserved for all, and looked for before */
    t->counts[op->kind][op->phase] += 1;
    return op;
}

/* ---- queues ---- */

bool tracker_op_goes_first(const struct tracker *t, const struct tracker_op *op)
{
    return op->is_young && op->attempts <= t->options.young_attempts_max;
}

enum tracker_lane tracker_op_lane(const struct tracker *t, const struct tracker_op *op)
{
    if (op->kind == OP_UNPIN)
        return op->is_surplus && !op->may_go ? LANE_SURPLUS : LANE_UNPIN;
    bool is_young = tracker_op_goes_first(t, op);
    if (op->attempts > 0)
        return is_young ? LANE_YOUNG_AGAIN : LANE_AGAIN;
    return is_young ? LANE_YOUNG : LANE_NEW;
}

/* By tickets: those that left from the middle count until the front has passed their place. */
uint64_t tracker_lane_len(const struct tracker *t, enum tracker_lane lane)
{
    const struct list_link *head = &t->lanes[lane];
    if (list_is_empty(head))
        return 0;
    return t->tickets[lane] - list_entry(head->next, struct tracker_op, link)->ticket + 1;
}

void tracker_op_queue(struct tracker *t, struct tracker_op *op)
{
    op->is_young = tracker_is_young(t, op->asked_index);
    enum tracker_lane lane = tracker_op_lane(t, op);
    list_remove(&op->link);
    tracker_op_set_phase(t, op, OP_QUEUED);
    op->ticket = ++t->tickets[lane];
    list_push_back(&t->lanes[lane], &op->link);
}

/* It did not get its turn, or somebody asked for just this one: the first of its lane. */
void tracker_op_put_first(struct tracker *t, struct tracker_op *op)
{
    op->is_young = tracker_is_young(t, op->asked_index);
    enum tracker_lane lane = tracker_op_lane(t, op);
    list_remove(&op->link);
    tracker_op_set_phase(t, op, OP_QUEUED);
    op->ticket = list_is_empty(&t->lanes[lane])
                     ? ++t->tickets[lane]
                     : list_entry(t->lanes[lane].next, struct tracker_op, link)->ticket;
    list_push_front(&t->lanes[lane], &op->link);
}

void tracker_op_wait(struct tracker *t, struct tracker_op *op, uint64_t due_us)
{
    list_remove(&op->link);
    tracker_op_set_phase(t, op, OP_WAITING);
    op->due_us = due_us;
    struct tracker_room *room = &t->rooms[tracker_share_of(op->kind)];
    room->is_full = false; /* whoever waits may make room */
    struct list_link *behind = room->waiting.prev;
    while (behind != &room->waiting && list_entry(behind, struct tracker_op, link)->due_us > due_us)
        behind = behind->prev;
    list_push_front(behind, &op->link); /* after `behind` */
}

static void tracker_ops_wake_until(struct tracker *t, uint64_t until_us)
{
    for (size_t i = 0; i < SHARES_COUNT; i++) {
        list_for_each_safe (at, after, &t->rooms[i].waiting) {
            struct tracker_op *op = list_entry(at, struct tracker_op, link);
            if (op->due_us > until_us)
                break;
            tracker_op_queue(t, op);
        }
    }
}

void tracker_ops_wake(struct tracker *t)
{
    tracker_ops_wake_until(t, t->turn->now_us);
}

void tracker_ops_wake_all(struct tracker *t)
{
    tracker_ops_wake_until(t, UINT64_MAX);
}

/* ---- starting ---- */

/* The first of a lane, if its row is durable. */
static struct tracker_op *tracker_lane_first(const struct tracker *t, enum tracker_lane lane)
{
    const struct list_link *head = &t->lanes[lane];
    if (head->next == head)
        return NULL;
    struct tracker_op *op = list_entry(head->next, struct tracker_op, link);
    return op->row_turn <= t->durable_turn ? op : NULL;
}

static struct tracker_op *tracker_first_of(const struct tracker *t, enum tracker_lane a,
                                           enum tracker_lane b)
{
    struct tracker_op *first = tracker_lane_first(t, a);
    return first != NULL ? first : tracker_lane_first(t, b);
}

/* To others that failed before, it gives way later each time: whoever needs long to be found gets long, in the end. */
uint64_t tracker_op_patience_us(const struct tracker *t, const struct tracker_op *op)
{
    enum { DOUBLINGS_MAX = 16 };
    uint64_t patience_us = t->options.patience_us;
    if (tracker_first_of(t, LANE_YOUNG, LANE_NEW) != NULL)
        return patience_us;
    if (tracker_first_of(t, LANE_YOUNG_AGAIN, LANE_AGAIN) == NULL)
        return UINT64_MAX;
    return patience_us << (op->attempts < DOUBLINGS_MAX ? op->attempts + 1 : DOUBLINGS_MAX);
}

static struct tracker_op *tracker_pin_startable(const struct tracker *t)
{
    size_t slots = t->options.concurrent_pins;
    size_t running = t->counts[OP_PIN][OP_RUNNING] + t->counts[OP_CONFIRM][OP_RUNNING];
    if (running >= slots)
        return NULL;
    struct tracker_op *again = tracker_first_of(t, LANE_YOUNG_AGAIN, LANE_AGAIN);
    if (again != NULL && t->retries_running < slots / 5)
        return again;
    struct tracker_op *untried = tracker_first_of(t, LANE_YOUNG, LANE_NEW);
    if (untried != NULL)
        return untried;
    return t->retries_running < (slots + 1) / 2 ? again : NULL;
}

struct tracker_op *tracker_op_startable(const struct tracker *t)
{
    if (t->daemon_is_down && t->calls_busy > 0)
        return NULL; /* one probe is enough */
    struct tracker_op *unpin = NULL;
    if (t->counts[OP_UNPIN][OP_RUNNING] == 0)
        unpin = tracker_lane_first(t, LANE_UNPIN);
    return unpin != NULL ? unpin : tracker_pin_startable(t);
}

static bool tracker_lane_waits(const struct tracker *t, enum tracker_lane lane)
{
    return !list_is_empty(&t->lanes[lane]) && tracker_lane_first(t, lane) == NULL;
}

bool tracker_waits_for_rows(const struct tracker *t)
{
    if (t->daemon_is_down && t->calls_busy > 0)
        return false;
    if (t->counts[OP_UNPIN][OP_RUNNING] == 0 && tracker_lane_waits(t, LANE_UNPIN))
        return true;
    if (t->counts[OP_PIN][OP_RUNNING] + t->counts[OP_CONFIRM][OP_RUNNING] >=
        t->options.concurrent_pins)
        return false;
    return tracker_lane_waits(t, LANE_YOUNG) || tracker_lane_waits(t, LANE_NEW) ||
           tracker_lane_waits(t, LANE_YOUNG_AGAIN) || tracker_lane_waits(t, LANE_AGAIN);
}

static enum kubo_pin_type tracker_op_type(const struct tracker_op *op)
{
    return op->is_direct ? KUBO_PIN_DIRECT : KUBO_PIN_RECURSIVE;
}

static bool tracker_op_is_retry(const struct tracker_op *op)
{
    return op->kind != OP_UNPIN && op->attempts > 0;
}

static void tracker_op_failed(struct tracker *t, struct tracker_op *op, const char *text);

static int tracker_op_add(struct tracker *t, struct tracker_op *op);

/* The first request for it. */
static int tracker_op_ask(struct tracker *t, struct tracker_op *op)
{
    if (op->kind == OP_PIN && !tracker_look_is_due(t, op)) {
        int err = tracker_op_add(t, op);
        if (err == OK || err == ERR_BUSY)
            return err; /* else the state does not name it, or cannot be read: found out behind the look */
    }
    enum tracker_step step = op->kind == OP_UNPIN ? STEP_REMOVE : STEP_LOOK;
    return tracker_call_start(t, op, step, tracker_op_type(op), (struct bytes){ "", 0 });
}

static int tracker_op_begin(struct tracker *t, struct tracker_op *op)
{
    if (tracker_op_is_held_back(t, op)) {
        struct cid cid = op->cid;
        return tracker_reconcile(t, &cid, TRACKER_WALKED); /* queued before this peer was drained */
    }
    if (op->kind == OP_UNPIN && t->options.never_unpins) {
        tracker_op_failed(t, op, "unpinning from the daemon is disabled (unpin_disable)");
        return OK;
    }
    int err = tracker_op_ask(t, op);
    if (err != OK)
        return err;
    static const char *const names[OP_KINDS_COUNT] = { "pin", "unpin", "confirm" };
    LOG_DEBUG(t->log, TRACKER_FACILITY, "cid=%s %s, attempt %u", cid_print(&op->cid).text,
              names[op->kind], op->attempts + 1);
    list_remove(&op->link);
    tracker_op_set_phase(t, op, OP_RUNNING);
    op->is_unsent = false;
    t->retries_running += tracker_op_is_retry(op);
    return OK;
}

void tracker_ops_start(struct tracker *t)
{
    while (t->turn->now_us >= t->start_at_us && tracker_turn_has_room(t)) {
        struct tracker_op *op = tracker_op_startable(t);
        if (op == NULL || tracker_op_begin(t, op) != OK)
            return;
    }
}

/* ---- ending ---- */

static struct tracker_row tracker_op_row(const struct tracker *t, const struct tracker_op *op,
                                         enum tracker_row_phase phase)
{
    return (struct tracker_row){ .phase = phase,
                                 .is_direct = op->is_direct,
                                 .attempts = op->attempts,
                                 .since_s = t->turn->wall_s };
}

void tracker_op_let_go(struct tracker *t, struct tracker_op *op)
{
    struct tracker_row row = tracker_op_row(t, op, TRACKER_ROW_UNPIN);
    tracker_put_row(t, &op->cid, &row);
    op->row_turn = t->turn_number;
    tracker_op_queue(t, op);
}

static void tracker_op_pinned(struct tracker *t, struct tracker_op *op)
{
    op->attempts = 0;
    struct tracker_row row = tracker_op_row(t, op, TRACKER_ROW_PINNED);
    tracker_put_row(t, &op->cid, &row);
    tracker_op_release(t, op);
}

/* What is to be done next is for the sake of whoever asked for this. */
static enum tracker_reason tracker_op_reason(const struct tracker_op *op)
{
    return op->asked_index > 0 ? TRACKER_TOUCHED : TRACKER_MOVED;
}

/* The pin whose call was cut off may have ended at the same moment, and the daemon may learn of the cut only
 * now. So a "not pinned" right behind it is asked for once more. */
static int tracker_op_unpinned(struct tracker *t, struct tracker_op *op, int verdict)
{
    if (op->rechecks && verdict == ERR_NOT_FOUND) {
        op->rechecks = false;
        tracker_op_wait(t, op, t->turn->now_us + t->options.retry_min_us);
        return OK;
    }
    struct cid cid = op->cid;
    enum tracker_reason reason = tracker_op_reason(op);
    tracker_del_row(t, &cid);
    tracker_op_release(t, op);
    return tracker_reconcile(t, &cid, reason); /* perhaps to be pinned in the other mode */
}

/* Not pinned, says the daemon, though the row says so: shown as it is, and pinned again. */
static void tracker_op_lost(struct tracker *t, struct tracker_op *op)
{
    struct tracker_row row = tracker_op_row(t, op, TRACKER_ROW_LOST);
    tracker_put_row(t, &op->cid, &row);
    LOG_DEBUG(t->log, TRACKER_FACILITY, "cid=%s should be pinned but it is not: pinned again",
              cid_print(&op->cid).text);
    t->counts[op->kind][op->phase] -= 1;
    op->kind = OP_PIN;
    t->counts[op->kind][op->phase] += 1;
    op->row_turn = t->turn_number;
    tracker_op_queue(t, op);
}

static void tracker_op_failed(struct tracker *t, struct tracker_op *op, const char *text)
{
    op->attempts += op->attempts < UINT32_MAX;
    t->add_errors_count += op->kind == OP_PIN;
    struct tracker_row row =
        tracker_op_row(t, op, op->kind == OP_UNPIN ? TRACKER_ROW_UNPIN : TRACKER_ROW_PIN);
    size_t len = strlen(text);
    memcpy(row.error, text, len < sizeof(row.error) ? len : sizeof(row.error) - 1);
    tracker_put_row(t, &op->cid, &row);
    LOG_DEBUG(t->log, TRACKER_FACILITY, "cid=%s attempt=%u: %s", cid_print(&op->cid).text,
              op->attempts, text);
    tracker_op_wait(t, op,
                    t->turn->now_us +
                        tracker_pause_us(t, op->attempts, t->options.retry_max_us, &op->cid));
}

/* Something else is wanted by now; the daemon has let go of this. */
static int tracker_op_replaced(struct tracker *t, struct tracker_op *op, bool was_adding)
{
    struct cid cid = op->cid;
    enum tracker_reason reason = tracker_op_reason(op);
    tracker_op_release(t, op);
    int err = tracker_reconcile(t, &cid, reason);
    struct tracker_op *next = tracker_op_find(t, &cid);
    if (next != NULL && next->kind == OP_UNPIN)
        next->rechecks = was_adding;
    return err;
}

/* As much of it as the daemon takes, and no half character. */
static struct bytes tracker_pin_name(struct bytes name)
{
    const uint8_t *text = name.data;
    if (name.len <= KUBO_PIN_NAME_BYTES_MAX)
        return name;
    name.len = KUBO_PIN_NAME_BYTES_MAX;
    while (name.len > 0 && (text[name.len] & 0xc0) == 0x80)
        name.len -= 1;
    return name;
}

/* The pin itself, under the name that the state gives it. */
static int tracker_op_add(struct tracker *t, struct tracker_op *op)
{
    struct arena arena = { 0 };
    struct pin pin = { 0 };
    int err = pinset_get(t->turn->state, &op->cid, &arena, &pin);
    if (err == OK)
        err = tracker_call_start(t, op, STEP_ADD, tracker_op_type(op), tracker_pin_name(pin.name));
    if (err == OK && t->hooks.on_add != NULL)
        t->hooks.on_add(t->hooks.owner, &pin);
    arena_deinit(&arena);
    t->adds_count += err == OK;
    return err;
}

static int tracker_op_looked(struct tracker *t, struct tracker_op *op)
{
    int err = tracker_op_add(t, op);
    if (err == OK) {
        tracker_op_set_phase(t, op, OP_RUNNING);
        t->retries_running += tracker_op_is_retry(op);
        return OK;
    }
    if (err == ERR_NOT_FOUND) /* unpinned meanwhile */
        return tracker_op_replaced(t, op, false);
    tracker_op_put_first(t, op);
    return err == ERR_BUSY ? OK : err;
}

static int tracker_op_verdict(struct tracker *t, struct tracker_op *op, enum tracker_step step,
                              int verdict, const char *text)
{
    if (step == STEP_LOOK)
        tracker_look_learn(t, op, verdict);
    if (op->is_replaced)
        return tracker_op_replaced(t, op, step == STEP_ADD);
    if (verdict == ERR_UNREACHABLE) {
        tracker_op_put_first(t, op); /* the daemon's failure, not the pin's */
        return OK;
    }
    /* ERR_EXISTS: a direct pin was to go, and there is a recursive one, which we never made. */
    if (op->kind == OP_UNPIN &&
        (verdict == OK || verdict == ERR_NOT_FOUND || verdict == ERR_EXISTS))
        return tracker_op_unpinned(t, op, verdict);
    if (op->kind == OP_CONFIRM && verdict != ERR_NOT_FOUND)
        tracker_op_release(t, op); /* it is there; or the answer broke off, which proves nothing */
    else if (op->kind == OP_CONFIRM)
        tracker_op_lost(t, op);
    else if (verdict == OK)
        tracker_op_pinned(t, op);
    else if (verdict == ERR_NOT_FOUND && step == STEP_LOOK)
        return tracker_op_looked(t, op);
    else
        tracker_op_failed(t, op, text);
    return OK;
}

int tracker_op_on_call(struct tracker *t, struct tracker_call *call)
{
    struct tracker_op *op = call->op;
    ASSERT(op->phase == OP_RUNNING);
    t->retries_running -= tracker_op_is_retry(op);
    const char *said = kubo_reply_text(&call->reply);
    if (call->gave_way)
        said = "no progress yet; it gave way to others that waited";
    else if (call->has_timed_out && call->step == STEP_ADD)
        said = "no progress within the time limit";
    char text[TRACKER_ERROR_TEXT_SIZE] = { 0 };
    size_t len = strlen(said) < sizeof(text) ? strlen(said) : sizeof(text) - 1;
    memcpy(text, said, len);
    int verdict = call->err;
    enum tracker_step step = call->step;
    struct cid cid = op->cid;
    tracker_call_free(call);
    int err = tracker_op_verdict(t, op, step, verdict, text);
    if (err == OK && t->is_draining)
        err = tracker_reconcile(t, &cid, TRACKER_WALKED); /* it may have to wait now */
    return err;
}
