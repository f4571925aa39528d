/* One request to the daemon. Hooks only note what they heard; what follows from it is decided in the next
 * turn, where views and time are at hand.
 *
 * Time limits are about silence, not about length: a pin may take days while its numbers move. Kubo's progress
 * lines go on for ever when its source is silent, so a line is a sign of life only if it says another number
 * than the one before. Hooks have no clock; so the flag they set is looked at four times in the span, which
 * makes a limit at most a quarter too long. */
#include "tracker/tracker_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"

enum { CHECKS_IN_SPAN = 4, BUSY_PAUSE_US = 100 * 1000, PROBE_PAUSES_MAX = 8 };

/* ---- hooks ---- */

static void tracker_on_row(void *owner, const struct kubo_row *row)
{
    struct tracker_call *call = owner;
    if (row->kind == KUBO_ROW_PROGRESS) {
        call->moved |= row->progress.nodes != call->nodes || row->progress.bytes != call->bytes;
        call->nodes = row->progress.nodes;
        call->bytes = row->progress.bytes;
        return;
    }
    call->moved = true;
    if (call->step == STEP_LIST)
        tracker_sync_on_row(call->tracker, row);
}

static void tracker_on_head(struct http_call *http, int status, const struct http_field *fields,
                            size_t count)
{
    (void)fields;
    (void)count;
    struct tracker_call *call = http->owner;
    kubo_reply_on_head(&call->reply, status);
}

static void tracker_on_body(struct http_call *http, const void *bytes, size_t len)
{
    struct tracker_call *call = http->owner;
    kubo_reply_on_body(&call->reply, bytes, len);
}

static void tracker_on_trailer(struct http_call *http, const struct http_field *fields,
                               size_t count)
{
    struct tracker_call *call = http->owner;
    kubo_reply_on_trailer(&call->reply, fields, count);
}

static void tracker_on_done(struct http_call *http, int err)
{
    struct tracker_call *call = http->owner;
    struct tracker *t = call->tracker;
    if (err == ERR_CANCELED && call->has_timed_out)
        err = ERR_TIMEOUT;
    call->err = kubo_reply_end(&call->reply, err);
    call->is_ended = true;
    list_push_back(&t->ended, &call->link);
    t->calls_busy -= 1;
    if (t->hooks.on_wake != NULL)
        t->hooks.on_wake(t->hooks.owner);
}

/* ---- starting ---- */

static enum kubo_command tracker_command(enum tracker_step step)
{
    switch (step) {
    case STEP_LOOK:
        return KUBO_PIN_LS_ONE;
    case STEP_ADD:
        return KUBO_PIN_ADD;
    case STEP_REMOVE:
        return KUBO_PIN_RM;
    case STEP_LIST:
        return KUBO_PIN_LS;
    }
    ASSERT(step == STEP_LOOK);
    return KUBO_PIN_LS_ONE;
}

static void tracker_call_target(struct tracker_call *call, enum kubo_pin_type type,
                                struct bytes name)
{
    const struct cid *cid = call->op != NULL ? &call->op->cid : NULL;
    struct kubo_pin_add add = { .cid = cid, .direct = type == KUBO_PIN_DIRECT, .name = name };
    buf_clear(&call->target);
    switch (call->step) {
    case STEP_LOOK:
        kubo_request_pin_ls_one(&call->target, cid, type);
        return;
    case STEP_ADD:
        kubo_request_pin_add(&call->target, &add);
        return;
    case STEP_REMOVE:
        kubo_request_pin_rm(&call->target, cid, type == KUBO_PIN_DIRECT);
        return;
    case STEP_LIST:
        kubo_request_pin_ls(&call->target, type);
        return;
    }
}

static uint64_t tracker_idle_max_us(const struct tracker *t, enum tracker_step step)
{
    switch (step) {
    case STEP_ADD:
        return t->options.pin_timeout_us;
    case STEP_REMOVE:
        return t->options.unpin_timeout_us;
    case STEP_LOOK:
    case STEP_LIST:
        return t->options.request_timeout_us;
    }
    return t->options.request_timeout_us;
}

static void tracker_call_plan_check(struct tracker_call *call, uint64_t now_us)
{
    uint64_t limit_us = call->moved_us + call->idle_max_us;
    uint64_t patience_us = call->tracker->options.patience_us;
    bool may_give_way = call->step == STEP_ADD && patience_us < call->idle_max_us;
    uint64_t span_us = may_give_way ? patience_us : call->idle_max_us;
    uint64_t check_us = now_us + span_us / CHECKS_IN_SPAN + 1;
    call->check_us = check_us < limit_us ? check_us : limit_us;
}

static struct tracker_call *tracker_call_take(struct tracker *t)
{
    for (size_t i = 0; i < t->calls_count; i++) {
        if (!t->calls[i].is_busy)
            return &t->calls[i];
    }
    return NULL;
}

int tracker_call_start(struct tracker *t, struct tracker_op *op, enum tracker_step step,
                       enum kubo_pin_type type, struct bytes name)
{
    struct tracker_call *call = tracker_call_take(t);
    ASSERT(call != NULL); /* as many as may run */
    struct buf target = call->target;
    *call = (struct tracker_call){ .tracker = t, .op = op, .step = step, .target = target };
    list_init(&call->link);
    tracker_call_target(call, type, name);
    call->idle_max_us = tracker_idle_max_us(t, step);
    call->moved_us = t->turn->now_us;
    tracker_call_plan_check(call, t->turn->now_us);
    call->http = (struct http_call){
        .method = KUBO_METHOD,
        .target = buf_text(&call->target),
        .head_timeout_us = step == STEP_ADD ? 0 : call->idle_max_us,
        .on_head = tracker_on_head,
        .on_body = tracker_on_body,
        .on_trailer = tracker_on_trailer,
        .done = tracker_on_done,
        .owner = call,
    };
    kubo_reply_init(&call->reply, tracker_command(step), tracker_on_row, call);
    int err = call->target.err;
    if (err == OK)
        err = http_client_start(t->client, &call->http);
    if (err != OK) {
        kubo_reply_deinit(&call->reply);
        t->start_at_us = t->turn->now_us + BUSY_PAUSE_US;
        return ERR_BUSY;
    }
    call->is_busy = true;
    t->calls_busy += 1;
    return OK;
}

void tracker_call_cancel(struct tracker *t, struct tracker_call *call)
{
    if (call->is_busy && !call->is_ended)
        http_client_cancel(t->client, &call->http);
}

void tracker_call_free(struct tracker_call *call)
{
    kubo_reply_deinit(&call->reply);
    call->is_busy = false;
    call->op = NULL;
}

struct tracker_call *tracker_call_of(const struct tracker *t, const struct tracker_op *op)
{
    for (size_t i = 0; i < t->calls_count; i++) {
        if (t->calls[i].is_busy && t->calls[i].op == op)
            return &t->calls[i];
    }
    return NULL;
}

/* ---- time limits ---- */

static bool tracker_call_is_watched(const struct tracker_call *call)
{
    return call->is_busy && !call->is_ended && !call->has_timed_out;
}

void tracker_calls_check(struct tracker *t)
{
    uint64_t now_us = t->turn->now_us;
    for (size_t i = 0; i < t->calls_count; i++) {
        struct tracker_call *call = &t->calls[i];
        if (!tracker_call_is_watched(call) || now_us < call->check_us)
            continue;
        if (call->moved)
            call->moved_us = now_us;
        call->moved = false;
        uint64_t idle_us = now_us - call->moved_us;
        call->gave_way = call->step == STEP_ADD && idle_us >= tracker_op_patience_us(t, call->op);
        if (idle_us >= call->idle_max_us || call->gave_way) {
            call->has_timed_out = true;
            http_client_cancel(t->client, &call->http);
        } else {
            tracker_call_plan_check(call, now_us);
        }
    }
}

uint64_t tracker_calls_deadline_us(const struct tracker *t)
{
    uint64_t due_us = UINT64_MAX;
    for (size_t i = 0; i < t->calls_count; i++) {
        const struct tracker_call *call = &t->calls[i];
        if (tracker_call_is_watched(call) && call->check_us < due_us)
            due_us = call->check_us;
    }
    return due_us;
}

/* ---- the way to the daemon ---- */

uint64_t tracker_pause_us(const struct tracker *t, uint32_t failures, uint64_t cap_us,
                          const struct cid *cid)
{
    uint64_t pause_us = t->options.retry_min_us;
    for (uint32_t i = 1; i < failures && pause_us < cap_us; i++)
        pause_us *= 2;
    if (pause_us > cap_us)
        pause_us = cap_us;
    /* Half of it is spread, so that what failed together does not come back together. */
    return pause_us - pause_us / 2 +
           hash64(t->turn->draw, cid->bytes, cid->len) % (pause_us / 2 + 1);
}

/* One probe at a time then, instead of every operation failing for itself. */
void tracker_daemon_failed(struct tracker *t)
{
    if (t->daemon_is_down && t->turn->now_us < t->start_at_us)
        return; /* one of several that ended together */
    if (!t->daemon_is_down)
        LOG_WARN(t->log, "ipfshttp", "the IPFS daemon is not reachable; pins wait for it");
    t->daemon_is_down = true;
    t->daemon_failures += 1;
    struct cid nothing = { 0 };
    uint64_t cap_us = t->options.retry_min_us * PROBE_PAUSES_MAX;
    t->start_at_us = t->turn->now_us + tracker_pause_us(t, t->daemon_failures, cap_us, &nothing);
}

void tracker_daemon_answered(struct tracker *t)
{
    if (t->daemon_is_down) {
        LOG_INFO(t->log, "ipfshttp", "the IPFS daemon is back");
        t->start_at_us = 0;
    }
    t->daemon_is_down = false;
    t->daemon_failures = 0;
}
