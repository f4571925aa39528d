/* peer_api.c -- what the doors ask of the peer: struct api_ops.
 *
 * A request is an event: the door's on_request opens it, so that whatever a handler starts settles after the handler
 * has returned. What comes later (a drained buffer, a client that left) reaches the peer through the ops below,
 * each of which is an event of its own then. */
#include "peer_int.h"

#include <string.h>

#include "http/api/api.h"
#include "http/gate/access_line.h"
#include "http/wire/json_reply.h"
#include "peer_census.h"
#include "peer_doors.h"
#include "peer_decisions.h"
#include "peer_export.h"
#include "peer_plan.h"
#include "peer_measures.h"
#include "peer_resolve.h"
#include "peer_survey.h"
#include "util/err.h"
#include "util/mem.h"

enum { PEER_HTTP_HIGH_BYTES = 64 * 1024, PEER_HTTP_LOW_BYTES = 32 * 1024 };

/* ---- reads ---- */

static int peer_api_describe(void *impl, struct arena *arena, struct api_id *out)
{
    peer_enter(impl);
    int err = peer_describe(impl, arena, out);
    peer_leave(impl);
    return err;
}

static int64_t peer_api_wall_us(void *impl)
{
    return ((struct peer *)impl)->wall_us;
}

static struct api_freshness peer_api_freshness(void *impl)
{
    const struct peer *p = impl;
    struct api_freshness f = { .applied = p->applied };
    uint64_t contact_us = p->raft != NULL ? raft_last_contact_us(p->raft) : 0;
    f.has_contact = contact_us > 0 && contact_us <= p->now_us;
    f.age_us = f.has_contact ? p->now_us - contact_us : 0;
    return f;
}

/* What a reader met. */
static int peer_read_end(struct peer *p, struct view *view, int err)
{
    peer_view_end(p, view);
    if (err == ERR_CORRUPT)
        peer_state_damaged(p, "a reader met a row that does not fit its checksum");
    return err;
}

int peer_pin_get(void *impl, const struct cid *cid, struct arena *arena, struct pin *out)
{
    struct peer *p = impl;
    struct view view;
    int err = peer_view(p, &view);
    return err == OK ? peer_read_end(p, &view, pinset_get(&view, cid, arena, out)) : err;
}

int peer_pins_after(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                    size_t count_max, size_t *count)
{
    struct peer *p = impl;
    struct view view;
    *count = 0;
    int err = peer_view(p, &view);
    if (err != OK)
        return err;
    struct pinset_cursor cursor = pinset_cursor_after(&view, after);
    while (err == OK && *count < count_max && arena->used < PIN_LIST_BYTES) {
        err = pinset_next(&cursor, arena, &out[*count]);
        *count += err == OK;
    }
    err = peer_read_end(p, &view, err);
    return *count > 0 ? OK : err; /* a later call meets the error */
}

/* ---- writes ---- */

struct peer_write {
    struct api_call *call; /* NULL: the client is gone; first, for peer_write_forget() */
    struct peer *peer;
    struct arena arena; /* of the pin that an unpin answers with: as it was */
};

static void peer_write_free(struct peer_write *w)
{
    arena_deinit(&w->arena);
    mem_free(w);
}

static void peer_write_done(void *owner, int err, const struct pinset_applied *applied,
                            const char *why)
{
    struct peer_write *w = owner;
    struct api_call *call = w->call;
    if (err == OK) {
        err = pinset_outcome_err(applied->outcome);
        why = err == ERR_NOT_FOUND ? "pin is not part of the pinset" : err_text(err);
    }
    if (call != NULL) {
        int found = OK;
        if (err == OK && !applied->is_removed) /* what was written, with its holders */
            found = peer_pin_get(w->peer, &call->pin.cid, &w->arena, &call->pin);
        /* A second copy may be applied when somebody has long removed what the first one wrote. Of all else only this is
         * sure: "no" would be a lie. */
        if (found != OK && found != ERR_NOT_FOUND) {
            err = ERR_OUTCOME_UNKNOWN;
            why = "written, and cannot be read back; safe to repeat";
        }
        call->done(call, err, why);
    }
    peer_write_free(w);
}

static struct peer_write *peer_write_new(struct peer *p, struct api_call *call)
{
    struct peer_write *w = mem_zalloc(sizeof(*w));
    if (w != NULL) {
        w->peer = p;
        w->call = call;
    }
    return w;
}

/* Can every member read it, who joined long ago and was not upgraded, too? */
static int peer_check_level(const struct peer *p, const struct pin_entry *entry, struct buf *why)
{
    if (p->raft == NULL || pinset_entry_level(entry) <= pinset_facts(p->pinset)->level)
        return OK;
    buf_printf(why,
               "a CID of more than %d bytes cannot be pinned before every peer is upgraded: some "
               "version here does not know such (the cluster is at level %u of the formats)",
               PINSET_SHORT_CID_BYTES, pinset_facts(p->pinset)->level);
    return ERR_INVALID;
}

/* Takes `w`. */
static int peer_write_start(struct peer_write *w, struct pin_entry *entry, struct buf *why)
{
    struct api_call *call = w->call;
    entry->has_key = call->has_key;
    memcpy(entry->key, call->key, sizeof(entry->key));
    int err = peer_check_level(w->peer, entry, why);
    if (err == OK)
        err =
            peer_propose(w->peer, entry, call->priority, call->priority_count, peer_write_done, w);
    if (err == OK) {
        call->pending = &w->call;
        return OK;
    }
    if (why->len == 0)
        buf_append_text(why, err_text(err));
    peer_write_free(w);
    return err;
}

/* A pin-update takes over what the old pin says, save what is said anew (SPEC 7.8). Who holds the old one is only preferred:
 * a holder may be full, draining or gone by now, and gets nothing new. */
static int peer_pin_update(struct peer *p, struct api_call *call, struct buf *why)
{
    struct pin *pin = &call->pin;
    struct pin old;
    int err = peer_pin_get(p, &pin->update_of, &p->arena, &old);
    if (err != OK) {
        buf_append_text(why,
                        err == ERR_NOT_FOUND ? "pin is not part of the pinset" : err_text(err));
        return err;
    }
    if (old.type != PIN_TYPE_DATA) {
        buf_append_text(why, "this pin type cannot be updated");
        return ERR_INVALID;
    }
    struct pin asked = *pin;
    *pin = old;
    pin->cid = asked.cid;
    pin->update_of = asked.update_of;
    pin->created_s = asked.created_s;
    pin->allocations = NULL;
    pin->allocations_count = 0;
    if (call->priority_count == 0) {
        call->priority = old.allocations;
        call->priority_count = old.allocations_count;
    }
    if (asked.name.len > 0)
        pin->name = asked.name;
    if (asked.expire_s > 0)
        pin->expire_s = asked.expire_s;
    return OK;
}

int peer_check_options(struct peer *p, struct pin *pin, struct buf *why)
{
    const char *words = NULL;
    int err =
        pin_resolve_factors(pin, p->options.replication_min, p->options.replication_max, &words);
    if (err == OK)
        err = pin_check_expiry(pin, p->wall_us / 1000000, &words);
    if (words != NULL && err != OK)
        buf_append_text(why, words);
    return err == ERR_INVALID ? ERR_CORRUPT : err; /* V1 answers 500 to these */
}

/* What V1 refuses, with its words and its 500. */
static int peer_check_as_v1(struct peer *p, struct api_call *call, struct buf *why)
{
    struct pin *pin = &call->pin;
    const char *words = NULL;
    int err = OK;
    if (!call->is_restored && !cid_is_undefined(&pin->update_of) &&
        !cid_equal(&pin->update_of, &pin->cid))
        err = peer_pin_update(p, call, why);
    if (err == OK)
        err = pin_resolve_factors(pin, p->options.replication_min, p->options.replication_max,
                                  &words);
    if (err == OK && !call->is_restored)
        err = pin_check_expiry(pin, p->wall_us / 1000000, &words);
    struct pin was;
    if (err == OK && peer_pin_get(p, &pin->cid, &p->arena, &was) == OK)
        err = pin_check_replaces(&was, pin, why);
    if (err != OK && words != NULL)
        buf_append_text(why, words);
    return err == ERR_INVALID ? ERR_CORRUPT : err;
}

int peer_write_pin(struct peer *p, struct api_call *call, struct buf *why)
{
    struct pin *pin = &call->pin;
    const char *words = NULL;
    int err = peer_check_as_v1(p, call, why);
    if (err != OK)
        return err;
    err = pin_check_asked(pin, &words); /* limits of our own: the client's mistake */
    if (err != OK) {
        buf_append_text(why, words);
        return err;
    }
    struct pin_entry entry = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = *pin };
    struct peer_write *w = peer_write_new(p, call);
    return w == NULL ? ERR_NOMEM : peer_write_start(w, &entry, why);
}

int peer_write_unpin(struct peer *p, struct api_call *call, struct buf *why)
{
    struct cid cid = call->pin.cid;
    const char *words = NULL;
    struct peer_write *w = peer_write_new(p, call);
    int err = w == NULL ? ERR_NOMEM : peer_pin_get(p, &cid, &w->arena, &call->pin);
    if (err == OK)
        err = pin_check_unpin(&call->pin, &words);
    if (err == ERR_NOT_FOUND && call->has_key)
        err = OK; /* perhaps by this very request, when it was made first: the log knows */
    if (err != OK) {
        buf_append_text(why, err == ERR_NOT_FOUND ? "pin is not part of the pinset"
                             : words != NULL      ? words
                                                  : err_text(err));
        if (w != NULL)
            peer_write_free(w);
        return err;
    }
    struct pin_entry entry = { .kind = PIN_ENTRY_UNPIN, .expected = PIN_EXPECT_ANY, .cid = cid };
    return peer_write_start(w, &entry, why);
}

int peer_check_named(const struct peer *p, const struct peer_id *ids, size_t count, struct buf *why)
{
    for (size_t i = 0; i < count && p->raft != NULL; i++) {
        if (raft_config_member_by_id(raft_config(p->raft), &ids[i]) != NULL)
            continue;
        buf_printf(why, "user-allocations: this peer knows of no member %s (GET /peers lists them)",
                   peer_id_print(&ids[i]).text);
        return ERR_INVALID;
    }
    return OK;
}

static int peer_api_pin(void *impl, struct api_call *call, struct buf *why)
{
    int err = call->is_restored ? OK /* from a cluster that may have had others */
                                : peer_check_named(impl, call->priority, call->priority_count, why);
    return err == OK ? peer_write_pin(impl, call, why) : err;
}

static int peer_api_unpin(void *impl, struct api_call *call, struct buf *why)
{
    return peer_write_unpin(impl, call, why);
}

/* ---- members ---- */

struct peer_order {
    struct api_call *call; /* NULL: the client is gone; first, for peer_write_forget() */
    struct peer *peer;
};

static void peer_order_done(void *owner, int err, const char *why)
{
    struct peer_order *order = owner;
    if (order->call != NULL)
        order->call->done(order->call, err, why);
    mem_free(order);
}

static struct peer_order *peer_order_new(struct peer *p, struct api_call *call)
{
    struct peer_order *order = mem_alloc(sizeof(*order));
    if (order != NULL)
        *order = (struct peer_order){ .peer = p, .call = call };
    return order;
}

static int peer_order_started(struct peer_order *order, struct api_call *call, int err,
                              struct buf *why)
{
    if (err == OK) {
        call->pending = &order->call;
        return OK;
    }
    mem_free(order);
    if (why->len == 0)
        buf_append_text(why, err == ERR_INVALID ? "cannot remove ourselves from a 1-peer cluster"
                                                : err_text(err));
    return err;
}

static int peer_api_peer_add(void *impl, struct api_call *call, struct buf *why)
{
    struct peer *p = impl;
    if (p->raft != NULL && raft_config_member_by_id(raft_config(p->raft), &call->peer) != NULL)
        return ERR_EXISTS; /* where it listens it says itself: a client's word changes nothing */
    struct peer_order *order = peer_order_new(impl, call);
    if (order == NULL)
        return ERR_NOMEM;
    struct peer_address address = { .id = call->peer, .addr = call->addr };
    int err = peer_member_invite(p, &address, peer_order_done, order);
    if (err == ERR_NOT_FOUND) {
        err = ERR_INVALID;
        buf_append_text(why, "where it listens is not known here: say it, as peer_multiaddress");
    }
    return peer_order_started(order, call, err, why);
}

static void peer_removal_ordered(void *owner, int err, bool is_gone, const char *why)
{
    struct peer_order *order = owner;
    if (order->call != NULL)
        order->call->is_under_way = !is_gone && !order->call->is_undone;
    peer_order_done(order, err, why);
}

static int peer_api_peer_remove(void *impl, struct api_call *call, struct buf *why)
{
    struct peer_order *order = peer_order_new(impl, call);
    if (order == NULL)
        return ERR_NOMEM;
    enum peer_removal_kind kind = call->is_undone   ? PEER_REMOVAL_UNDO
                                  : call->is_forced ? PEER_REMOVAL_FORCED
                                                    : PEER_REMOVAL_GENTLE;
    int err = peer_member_remove(impl, &call->peer, kind, peer_removal_ordered, order);
    return peer_order_started(order, call, err, why);
}

static void peer_drain_done(void *owner, int err, const struct pinset_applied *applied,
                            const char *why)
{
    if (err == OK)
        err = pinset_outcome_err(applied->outcome);
    peer_order_done(owner, err, why);
}

static int peer_api_peer_drain(void *impl, struct api_call *call, struct buf *why)
{
    struct peer *p = impl;
    struct peer_order *order = peer_order_new(impl, call);
    if (order == NULL)
        return ERR_NOMEM;
    struct pin_entry entry = { .kind = PIN_ENTRY_DRAIN,
                               .peer = call->peer,
                               .is_drained = !call->is_undone };
    return peer_order_started(order, call, peer_propose(p, &entry, NULL, 0, peer_drain_done, order),
                              why);
}

static int peer_api_catch_up(void *impl, struct api_call *call, struct buf *why)
{
    struct peer_order *order = peer_order_new(impl, call);
    if (order == NULL)
        return ERR_NOMEM;
    return peer_order_started(order, call, peer_catch_up(impl, peer_order_done, order), why);
}

static bool peer_api_hears(void *impl)
{
    struct peer *p = impl;
    peer_enter(p);
    bool hears = peer_is_informed(p);
    peer_leave(p);
    return hears;
}

static int peer_api_hear(void *impl, struct api_call *call, struct buf *why)
{
    struct peer *p = impl;
    struct peer_order *order = peer_order_new(p, call);
    if (order == NULL)
        return ERR_NOMEM;
    return peer_order_started(order, call, peer_hear(p, peer_order_done, order), why);
}

void peer_write_forget(struct peer *p, struct api_call *call)
{
    (void)p;
    struct api_call **waiting = call->pending;
    if (waiting != NULL)
        *waiting = NULL;
}

static void peer_api_forget(void *impl, struct api_call *call)
{
    peer_write_forget(impl, call);
}

/* ---- metrics ---- */

static int peer_api_metric_next(void *impl, const char *name, const struct peer_id *after,
                                struct api_metric *out)
{
    struct peer *p = impl;
    peer_enter(p);
    struct monitor_metric m;
    int err = monitor_next(p->monitor, p->now_us, name, after, &m);
    while (err == OK && (m.is_expired || !m.metric.is_valid)) {
        struct peer_id passed = m.peer;
        err = monitor_next(p->monitor, p->now_us, name, &passed, &m);
    }
    if (err == OK) {
        int64_t received_us = p->wall_us - (int64_t)(p->now_us - m.arrived_us);
        *out = (struct api_metric){ .peer = m.peer,
                                    .name = m.metric.name,
                                    .value = m.metric.value,
                                    .expire_us = received_us + (int64_t)m.metric.ttl_us,
                                    .received_us = received_us,
                                    .weight = m.metric.weight,
                                    .is_partitionable = m.metric.is_partitionable };
    }
    peer_leave(p);
    return err;
}

/* The member behind `after` by peer id; their list is in the order in which they came. */
static const struct raft_member *peer_member_behind(const struct peer *p,
                                                    const struct peer_id *after)
{
    const struct raft_config *c = raft_config(p->raft);
    const struct raft_member *next = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        bool is_behind = after == NULL || peer_id_compare(&m->id, after) > 0;
        if (is_behind && (next == NULL || peer_id_compare(&m->id, &next->id) < 0))
            next = m;
    }
    return next;
}

static int peer_api_counts_next(void *impl, const struct peer_id *after, struct arena *arena,
                                struct api_counts *out)
{
    struct peer *p = impl;
    const struct raft_member *member = p->raft != NULL ? peer_member_behind(p, after) : NULL;
    if (member == NULL)
        return ERR_NOT_FOUND;
    peer_enter(p);
    struct monitor_metric m;
    struct buf name = { 0 };
    peer_last_name(p, &member->id, &name);
    *out = (struct api_counts){ .peer = member->id,
                                .standing = peer_standing_of(p, &member->id),
                                .name = { arena_copy(arena, buf_bytes(&name)), name.len } };
    if (monitor_get(p->monitor, p->now_us, &member->id, METRIC_PINSTATUS, &m) == OK &&
        m.metric.is_valid) {
        out->counts = m.metric.value;
        out->told_us = p->wall_us - (int64_t)(p->now_us - m.arrived_us);
    }
    int err = name.err != OK || out->name.data == NULL ? ERR_NOMEM : OK;
    buf_deinit(&name);
    peer_leave(p);
    return err;
}

static size_t peer_api_metric_names(void *impl, struct bytes *out, size_t max)
{
    return monitor_names(((struct peer *)impl)->monitor, out, max);
}

static bool peer_api_bandwidth(void *impl, size_t nth, struct api_bandwidth *out)
{
    const struct peer *p = impl;
    if (nth >= STREAM_COUNT)
        return false;
    enum stream stream = (enum stream)nth;
    struct peer_traffic_total rate = peer_traffic_rate(p, stream);
    *out = (struct api_bandwidth){ .name = peer_traffic_name(stream),
                                   .total_in = p->traffic.total[stream].in,
                                   .total_out = p->traffic.total[stream].out,
                                   .rate_in = rate.in,
                                   .rate_out = rate.out };
    return true;
}

/* ---- listings ---- */

static enum api_next peer_api_status_next(struct api_listing *l, struct arena *arena,
                                          struct api_status *out)
{
    struct peer *p = peer_survey_peer(l);
    peer_enter(p);
    enum api_next next = peer_survey_next_status(l, arena, out);
    peer_leave(p);
    return next;
}

static const struct api_ops peer_api_ops = {
    .describe = peer_api_describe,
    .wall_us = peer_api_wall_us,
    .freshness = peer_api_freshness,
    .catch_up = peer_api_catch_up,
    .hears = peer_api_hears,
    .hear = peer_api_hear,
    .pin_get = peer_pin_get,
    .pins_after = peer_pins_after,
    .pin = peer_api_pin,
    .unpin = peer_api_unpin,
    .peer_add = peer_api_peer_add,
    .peer_remove = peer_api_peer_remove,
    .peer_drain = peer_api_peer_drain,
    .forget = peer_api_forget,
    .add_open = peer_add_open,
    .add_write = peer_add_write,
    .add_end = peer_add_end,
    .add_resume = peer_add_resume,
    .add_close = peer_add_close,
    .ids_open = peer_survey_ids,
    .ids_next = peer_survey_next_id,
    .status_open = peer_survey_status,
    .status_next = peer_api_status_next,
    .close = peer_survey_close,
    .census_open = peer_census_open,
    .census_next = peer_census_next,
    .census_close = peer_census_close,
    .decision_ask = peer_decision_ask,
    .decision_forget = peer_decision_forget,
    .resolve = peer_resolve,
    .resolve_forget = peer_resolve_forget,
    .export_open = peer_export_open,
    .export_next = peer_export_next,
    .export_close = peer_export_close,
    .metric_next = peer_api_metric_next,
    .metric_names = peer_api_metric_names,
    .counts_next = peer_api_counts_next,
    .bandwidth = peer_api_bandwidth,
    .measures = peer_measures,
    .alerts = peer_alerts,
    .plan_open = peer_plan_open,
    .plan_next = peer_plan_next,
    .plan_close = peer_plan_close,
};

/* ---- the doors ---- */

int peer_doors_start(struct peer *p)
{
    p->doors = mem_zalloc(sizeof(*p->doors));
    if (p->doors == NULL)
        return ERR_NOMEM;
    int err = api_create(&p->doors->api, &peer_api_ops, p);
    if (err != OK)
        return err;
    api_set_gate(p->doors->api, p->options.api_gate);
    return peer_proxy_create(p, &p->doors->proxy);
}

void peer_doors_end(struct peer *p)
{
    if (p->doors == NULL)
        return;
    if (p->doors->api != NULL)
        api_destroy(p->doors->api);
    if (p->doors->proxy != NULL)
        proxy_destroy(p->doors->proxy);
    mem_free(p->doors);
}

static void peer_api_hand_on(struct peer *p, struct http_exchange *x,
                             void (*on_request)(void *owner, struct http_exchange *x))
{
    if (p->life == PEER_STOPPED) {
        http_reply_error(x, 503, "this peer is stopping", NULL, 0);
        return;
    }
    peer_enter(p);
    on_request(p->doors->api, x);
    peer_leave(p);
}

static void peer_api_request(void *owner, struct http_exchange *x)
{
    peer_api_hand_on(owner, x, api_on_request);
}

static void peer_metrics_request(void *owner, struct http_exchange *x)
{
    peer_api_hand_on(owner, x, api_on_metrics_request);
}

static void (*peer_door_handler(enum peer_door door))(void *owner, struct http_exchange *x)
{
    switch (door) {
    case PEER_DOOR_API:
        return peer_api_request;
    case PEER_DOOR_PROXY:
        return peer_proxy_request;
    case PEER_DOOR_METRICS:
        return peer_metrics_request;
    }
    return NULL;
}

static void peer_proxy_put_fields(void *owner, const struct http_exchange *x, int status,
                                  struct buf *out)
{
    const struct peer *p = owner;
    proxy_put_fields(p->doors->proxy, x, status, out);
}

static void peer_api_put_fields(void *owner, const struct http_exchange *x, int status,
                                struct buf *out)
{
    const struct peer *p = owner;
    gate_put_fields(p->options.api_gate, x, status, out);
}

static void peer_log_request(struct peer *p, const struct request_log *log,
                             const struct http_record *record)
{
    struct buf line = { 0 };
    access_line_put(&line, record, clock_wall(&p->ports.clock).us);
    if (line.err == OK)
        request_log_append(log, buf_bytes(&line));
    buf_deinit(&line);
}

static void peer_api_on_record(void *owner, const struct http_record *record)
{
    struct peer *p = owner;
    peer_log_request(p, &p->ports.api_log, record);
}

static void peer_proxy_on_record(void *owner, const struct http_record *record)
{
    struct peer *p = owner;
    peer_log_request(p, &p->ports.proxy_log, record);
}

int peer_http_open(struct peer *p, enum peer_door door, void (*on_progress)(void *owner),
                   void *owner, struct http_conn **out)
{
    bool is_api = door == PEER_DOOR_API;
    struct http_conn_options options = { .head_bytes_max = is_api ? p->options.api_head_bytes_max
                                                                  : p->options.proxy_head_bytes_max,
                                         .output_high_bytes = PEER_HTTP_HIGH_BYTES,
                                         .output_low_bytes = PEER_HTTP_LOW_BYTES,
                                         .is_kubo_like = door == PEER_DOOR_PROXY };
    if (is_api && p->options.api_gate != NULL)
        options.put_fields = peer_api_put_fields;
    if (door == PEER_DOOR_PROXY)
        options.put_fields = peer_proxy_put_fields;
    if (is_api && request_log_is_kept(&p->ports.api_log))
        options.on_record = peer_api_on_record;
    if (door == PEER_DOOR_PROXY && request_log_is_kept(&p->ports.proxy_log))
        options.on_record = peer_proxy_on_record;
    struct http_conn_hooks hooks = { .on_request = peer_door_handler(door),
                                     .owner = p,
                                     .on_progress = on_progress,
                                     .progress_owner = owner };
    return http_conn_create(out, &options, &hooks);
}
