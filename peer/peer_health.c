/* peer_health.c -- who is alive, who has room, and moving pins away from those who are gone (DESIGN 12).
 *
 *      informer, ping ---every TTL/2---> all voters' monitors
 *      monitor + configuration ---> candidates ---> allocate (writes), repair (peer_repair.c)
 *
 * Any voter may lead next, so all voters listen; the leader alone acts. What is pushed also says where the
 * sender listens, which is how addresses get corrected, and under which number it counts itself, which is
 * how a removed peer learns that it was removed. */
#include "peer_int.h"

#include <stdlib.h>
#include <string.h>

#include "peer_informer.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { METRICS_VERSION = 1, METRICS_MAX = LIMIT_METRICS_PER_PEER_COUNT };

/* ---- what is pushed ---- */

struct peer_push {
    uint64_t number;
    struct monitor_word word;
    size_t addrs_count;
    struct multiaddr addrs[RAFT_MEMBER_ADDRS_MAX];
    size_t metrics_count;
    struct metric metrics[METRICS_MAX];
};

static void peer_push_encode(const struct peer_push *push, struct buf *out)
{
    struct buf one = { 0 };
    buf_put_u8(out, METRICS_VERSION);
    buf_put_u64(out, push->number);
    buf_put_u64(out, (uint64_t)push->word.wall_us);
    buf_put_u32(out, push->word.level);
    buf_put_u8(out, (uint8_t)push->addrs_count);
    for (size_t i = 0; i < push->addrs_count; i++)
        buf_put_run(out, push->addrs[i].bytes, push->addrs[i].len);
    buf_put_u8(out, (uint8_t)push->metrics_count);
    for (size_t i = 0; i < push->metrics_count; i++) {
        buf_clear(&one);
        metric_encode(&push->metrics[i], &one);
        buf_put_run(out, one.data, one.len);
    }
    if (one.err != OK)
        out->err = one.err;
    buf_deinit(&one);
}

static int peer_push_decode(struct peer_push *out, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    uint8_t version = reader_u8(&r);
    out->number = reader_u64(&r);
    out->word.wall_us = (int64_t)reader_u64(&r);
    out->word.level = reader_u32(&r);
    out->addrs_count = reader_u8(&r);
    if (r.err != OK || version == 0 || out->addrs_count > RAFT_MEMBER_ADDRS_MAX)
        return ERR_CORRUPT;
    if (version != METRICS_VERSION)
        return ERR_VERSION;
    for (size_t i = 0; i < out->addrs_count; i++) {
        struct bytes addr = reader_run(&r, LIMIT_MULTIADDR_BYTES);
        if (r.err != OK || multiaddr_from_bytes(&out->addrs[i], addr.data, addr.len) != OK)
            return ERR_CORRUPT;
    }
    out->metrics_count = reader_u8(&r);
    if (r.err != OK || out->metrics_count > METRICS_MAX)
        return ERR_CORRUPT;
    for (size_t i = 0; i < out->metrics_count; i++) {
        struct bytes one = reader_run(&r, LIMIT_METRIC_NAME_BYTES + LIMIT_METRIC_VALUE_BYTES + 64);
        int err = r.err != OK ? ERR_CORRUPT : metric_decode(&out->metrics[i], one.data, one.len);
        if (err != OK)
            return err;
    }
    return reader_finish(&r);
}

static void peer_push_make(struct peer *p, struct peer_push *push)
{
    *push = (struct peer_push){ .number = raft_number(p->raft),
                                .word = { .wall_us = p->wall_us, .level = p->options.level } };
    push->addrs_count =
        transport_listen_addresses(&p->ports.transport, push->addrs, RAFT_MEMBER_ADDRS_MAX);
    push->metrics_count = peer_informer_metrics(p->informer, push->metrics, METRICS_MAX);
}

/* ---- sending ---- */

static void peer_push_done(void *owner, int err, struct bytes payload, const char *text)
{
    (void)payload;
    struct peer *p = owner;
    /* The only thing that anybody answers with that code: the number was given out, and taken away. */
    if (err == ERR_STALE && p->life == PEER_MEMBER) {
        peer_leave_cluster(p, "this peer was removed from the cluster", NULL, 0);
    } else if (err == ERR_FOREIGN) {
        peer_note_refusal(p, text);
    }
}

static void peer_push_to(struct peer *p, const struct peer_id *to)
{
    if (!peer_id_equal(to, &p->options.id))
        (void)rpc_call(&p->rpc, p->now_us, to, RPC_METRICS, buf_bytes(&p->push),
                       p->options.metric_ttl_us, peer_push_done, p);
}

/* Admitted, and told by no leader yet among whom: one that was removed before that would never hear of it. Those by whom it found
 * the cluster know. */
static void peer_push_as_a_stranger(struct peer *p)
{
    const struct peer_options *o = &p->options;
    for (size_t i = 0; i < o->cluster_peers_count; i++)
        peer_push_to(p, &o->cluster_peers[i].id);
    for (size_t i = 0; i < o->bootstrap_count; i++)
        peer_push_to(p, &o->bootstrap[i].id);
}

static void peer_push(struct peer *p)
{
    struct peer_push push;
    peer_push_make(p, &push);
    for (size_t i = 0; i < push.metrics_count; i++)
        (void)monitor_on_metric(p->monitor, p->now_us, &p->options.id, &push.metrics[i]);
    (void)monitor_on_word(p->monitor, p->now_us, &p->options.id, &push.word);
    buf_clear(&p->push);
    peer_push_encode(&push, &p->push);
    if (p->push.err != OK)
        return; /* again at the next half TTL */
    const struct raft_config *c = raft_config(p->raft);
    LOG_DEBUG(p->log, "monitor", "pushing %zu metrics to the voters", push.metrics_count);
    /* Who was away long may find that all the voters it knew are gone; a learner can tell it, too. */
    bool has_no_leader = raft_leader(p->raft) == RAFT_NOBODY;
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        bool is_told = m->role == RAFT_VOTER || has_no_leader;
        if (is_told && m->number != raft_number(p->raft))
            peer_push_to(p, &m->id);
    }
    if (c->count == 0)
        peer_push_as_a_stranger(p);
}

/* ---- receiving ---- */

void peer_on_metrics(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct peer_push push;
    int err = peer_push_decode(&push, payload);
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    if (p->raft == NULL) {
        rpc_refuse(&p->rpc, asker, ERR_BUSY, "not a member yet");
        return;
    }
    if (peer_was_removed(p, push.number)) {
        rpc_refuse(&p->rpc, asker, ERR_STALE, "removed from the cluster");
        return;
    }
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), &asker->from);
    if (m == NULL || m->number != push.number) {
        rpc_refuse(&p->rpc, asker, ERR_AUTH, "not a member that this peer knows");
        return;
    }
    for (size_t i = 0; i < push.metrics_count; i++)
        (void)monitor_on_metric(p->monitor, p->now_us, &asker->from, &push.metrics[i]);
    (void)monitor_on_word(p->monitor, p->now_us, &asker->from, &push.word);
    peer_note_addresses(p, &asker->from, push.addrs, push.addrs_count);
    rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
}

/* ---- candidates ---- */

static enum allocate_standing peer_standing(struct peer *p, const struct raft_member *m)
{
    enum liveness liveness = monitor_liveness(p->monitor, p->now_us, &m->id);
    peer_tell_liveness(p, m, liveness);
    if (raft_member_goes(m))
        return ALLOCATE_LEAVING;
    switch (liveness) {
    case LIVENESS_HEALTHY:
        return ALLOCATE_HEALTHY;
    case LIVENESS_SUSPECT:
        return ALLOCATE_SUSPECT;
    case LIVENESS_DOWN:
        return ALLOCATE_DOWN;
    }
    return ALLOCATE_DOWN;
}

/* Its daemon says that nothing is left of the room that it was given. */
static bool peer_is_full(struct peer *p, const struct peer_id *id)
{
    struct monitor_metric m;
    return monitor_get(p->monitor, p->now_us, id, METRIC_FREESPACE, &m) == OK &&
           m.metric.is_valid && !m.is_expired && m.metric.weight <= 0;
}

static void peer_candidate_metric(struct peer *p, struct allocate_candidate *candidate, size_t by)
{
    struct monitor_metric m;
    if (monitor_get(p->monitor, p->now_us, &candidate->id, p->options.allocate_by[by], &m) != OK)
        return;
    candidate->metrics[by] =
        (struct allocate_metric){ .is_present = m.metric.is_valid && !m.is_expired,
                                  .is_partitionable = m.metric.is_partitionable,
                                  .weight = m.metric.weight,
                                  .value = m.metric.value };
}

int peer_candidates(struct peer *p, struct peer_candidates *out)
{
    const struct raft_config *c = raft_config(p->raft);
    struct allocate_candidate *list = arena_array(&p->arena, c->count + 1, sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->count; i++) {
        list[i].id = c->members[i].id;
        list[i].standing = peer_standing(p, &c->members[i]);
        if (list[i].standing != ALLOCATE_DOWN && pinset_is_drained(p->pinset, &list[i].id))
            list[i].standing = ALLOCATE_LEAVING;
        list[i].is_excluded = peer_is_full(p, &list[i].id);
        for (size_t by = 0; by < p->options.allocate_by_count; by++)
            peer_candidate_metric(p, &list[i], by);
    }
    *out = (struct peer_candidates){ list, c->count };
    return OK;
}

/* What of a request is the same for every pin, and the pin's factors. */
static int peer_allocate_ask(struct peer *p, const struct pin *pin, struct allocate_request *out)
{
    struct peer_candidates candidates;
    int err = peer_candidates(p, &candidates);
    if (err != OK)
        return err;
    out->replication_min = pin->replication_min;
    out->replication_max = pin->replication_max;
    out->candidates = candidates.list;
    out->candidates_count = candidates.count;
    out->metrics_count = p->options.allocate_by_count;
    out->ranks = arena_array(&p->arena, candidates.count + 1, sizeof(*out->ranks));
    return out->ranks != NULL ? OK : ERR_NOMEM;
}

/* Who holds it so far. */
static int peer_allocate_look(struct peer *p, const struct cid *cid, struct allocate_request *out)
{
    struct view view;
    struct pin was;
    int err = peer_view(p, &view);
    if (err != OK)
        return err;
    err = pinset_get(&view, cid, &p->arena, &was);
    peer_view_end(p, &view);
    if (err == OK) {
        out->current = was.allocations;
        out->current_count = was.allocations_count;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

int peer_allocate(struct peer *p, struct pin *pin, struct allocate_request *request,
                  struct buf *why)
{
    struct allocate_result result;
    int err = peer_allocate_ask(p, pin, request);
    if (err == OK)
        err = peer_allocate_look(p, &pin->cid, request);
    if (err == OK)
        err = allocate(request, &p->arena, &result, why);
    if (err != OK)
        return err;
    pin->allocations = result.allocations;
    pin->allocations_count = result.allocations_count;
    return OK;
}

/* Everybody who takes new pins. */
static int peer_everybody(struct peer *p, const struct allocate_request *request,
                          const struct peer_id **out, size_t *count)
{
    struct peer_id *ids = arena_array(&p->arena, request->candidates_count + 1, sizeof(*ids));
    if (ids == NULL)
        return ERR_NOMEM;
    *out = ids;
    *count = 0;
    for (size_t i = 0; i < request->candidates_count; i++) {
        if (allocate_is_eligible(&request->candidates[i], request->metrics_count))
            ids[(*count)++] = request->candidates[i].id;
    }
    return *count > 0 ? OK : ERR_NOT_ENOUGH_PEERS;
}

int peer_allocate_new(struct peer *p, const struct pin *pin, struct allocate_request *request,
                      const struct peer_id **out, size_t *count, struct buf *why)
{
    struct allocate_result result;
    int err = peer_allocate_ask(p, pin, request);
    if (err != OK)
        return err;
    if (pin->replication_max < 0)
        return peer_everybody(p, request, out, count);
    err = allocate(request, &p->arena, &result, why);
    if (err != OK)
        return err;
    *out = result.allocations;
    *count = result.allocations_count;
    return OK;
}

/* ---- life ---- */

int peer_health_start(struct peer *p)
{
    struct monitor_options monitor = { .ttl_us = p->options.metric_ttl_us,
                                       .repin_after_us = p->options.repin_after_us };
    int err = monitor_create(&p->monitor, &monitor);
    if (err == OK)
        err = decisions_create(&p->decisions, p->options.allocate_by, p->options.allocate_by_count);
    if (err == OK)
        err = peer_repair_start(p);
    if (err == OK)
        err = peer_informer_create(&p->informer, p);
    return err;
}

void peer_health_end(struct peer *p)
{
    peer_informer_destroy(p->informer);
    peer_repair_end(p);
    decisions_destroy(p->decisions);
    if (p->monitor != NULL)
        monitor_destroy(p->monitor);
    buf_deinit(&p->push);
}

void peer_health_on_role(struct peer *p)
{
    monitor_listen_from(p->monitor, p->now_us);
    peer_tell_liveness_anew(p);
    peer_repair_restart(p);
    p->push_at_us = p->now_us; /* a new leader hears from everybody at once */
}

void peer_health_on_config(struct peer *p, const struct raft_config *c)
{
    struct peer_id *ids = arena_array(&p->arena, c->count + 1, sizeof(*ids));
    for (size_t i = 0; i < c->count && ids != NULL; i++)
        ids[i] = c->members[i].id;
    if (ids == NULL || monitor_set_members(p->monitor, p->now_us, ids, c->count) != OK) {
        /* Whoever is not noted would be down to this peer, for as long as nobody comes or goes. */
        peer_disk_failed(p, ERR_NOMEM, "noting who belongs to the cluster");
        return;
    }
    peer_tell_liveness_anew(p);
    peer_repair_restart(p);
    p->push_at_us = p->now_us;
}

void peer_health_on_deadline(struct peer *p)
{
    if (p->raft == NULL)
        return;
    if (monitor_on_time(p->monitor, p->now_us))
        LOG_WARN(p->log, "monitor",
                 "this peer stood still for a while: nobody is blamed for the silence");
    if (p->now_us >= p->push_at_us) {
        p->push_at_us = p->now_us + p->options.metric_ttl_us / 2;
        peer_push(p);
    }
    peer_informer_on_deadline(p->informer);
    peer_repair_on_deadline(p);
}

uint64_t peer_health_deadline_us(const struct peer *p)
{
    if (p->raft == NULL)
        return RAFT_NEVER;
    uint64_t due = p->push_at_us;
    uint64_t informer = peer_informer_deadline_us(p->informer);
    if (informer < due)
        due = informer;
    uint64_t repair = peer_repair_deadline_us(p);
    return repair < due ? repair : due;
}
