/* peer_measures.c -- numbers of this peer, for Prometheus (docs/METRICS.md): ipfs-cluster's under their old names, then our
 * own. Nothing is counted for their sake alone; they are read when somebody asks. */
#include <stdlib.h>

#include "health/metric.h"
#include "peer_informer.h"
#include "peer_int.h"
#include "peer_measures.h"
#include "util/err.h"

enum { MEASURES_MAX = 128 };

struct measures {
    struct api_measure *at;
    size_t count;
};

static void measure(struct measures *m, const char *name, const char *help, uint64_t value)
{
    ASSERT(m->count < MEASURES_MAX);
    m->at[m->count++] = (struct api_measure){ .name = name, .help = help, .value = value };
}

static void measure_total(struct measures *m, const char *name, const char *help, uint64_t value)
{
    measure(m, name, help, value);
    m->at[m->count - 1].is_counter = true;
}

static void measure_of(struct measures *m, const char *name, const char *help, const char *label,
                       uint64_t value)
{
    measure(m, name, help, value);
    m->at[m->count - 1].label = label;
}

/* ---- ipfs-cluster's ---- */

/* What this peer last said of its repository, as far as its daemon told. */
static void measure_disk(struct peer *p, struct measures *m)
{
    struct monitor_metric disk;
    char text[24];
    struct buf value = buf_over(text, sizeof(text) - 1);
    if (monitor_get(p->monitor, p->now_us, &p->options.id, METRIC_FREESPACE, &disk) != OK ||
        !disk.metric.is_valid)
        return;
    buf_append(&value, disk.metric.value.data, disk.metric.value.len);
    if (value.err == OK)
        measure(m, "ipfscluster_informer_disk", "Bytes that the IPFS daemon has left.",
                strtoull(buf_text(&value), NULL, 10));
}

static void measure_v1(struct peer *p, struct measures *m)
{
    struct tracker_summary s = tracker_summary(p->tracker);
    struct tracker_counts c = tracker_counts(p->tracker);
    measure(m, "ipfscluster_pins", "Pins in the shared state.",
            pinset_facts(p->pinset)->pins_count);
    measure(m, "ipfscluster_pins_pin_queued", "Pins of this peer that wait for its daemon.",
            s.pin_queued);
    measure(m, "ipfscluster_pins_pinning", "Pins that its daemon works on.", s.pinning);
    measure(m, "ipfscluster_pins_pin_error", "Pins whose last attempt failed.", s.pin_error);
    measure(m, "ipfscluster_pins_ipfs_pins", "Pins of the cluster that its daemon has.", s.pinned);
    measure_total(m, "ipfscluster_pins_pin_add", "Pins that its daemon was asked for.",
                  c.adds_count);
    measure_total(m, "ipfscluster_pins_pin_add_errors", "Those that failed.", c.add_errors_count);
    measure_disk(p, m);
}

/* ---- Raft ---- */

static void measure_log(struct peer *p, struct measures *m)
{
    const struct raft *r = p->raft;
    measure(m, "holdfast_raft_term", "The term of this peer's log.", raft_term(r));
    measure(m, "holdfast_raft_is_leader", "1: it leads.", peer_leads(p));
    measure(m, "holdfast_raft_has_leader", "1: it knows who leads.", raft_leader(r) != 0);
    measure(m, "holdfast_raft_last_index", "The newest entry of its log.", raft_last(r).index);
    measure(m, "holdfast_raft_committed_index", "The newest entry that a majority has.",
            raft_committed(r));
    measure(m, "holdfast_raft_applied_index", "The newest entry that is in the state.", p->applied);
    measure(m, "holdfast_raft_log_entries", "Entries kept.",
            raft_last(r).index - raft_base(r).index);
    uint64_t contact_us = raft_last_contact_us(r);
    if (contact_us > 0 && contact_us <= p->now_us) {
        measure(m, "holdfast_raft_leader_contact_seconds",
                "Since it was last in touch with the leader, or as leader with a majority.",
                (p->now_us - contact_us) / 1000);
        m->at[m->count - 1].is_milli = true;
    }
}

static void measure_members(struct peer *p, struct measures *m)
{
    static const char help[] = "Members of the cluster.";
    const struct raft_config *c = raft_config(p->raft);
    uint64_t roles[3] = { 0 }, standing[3] = { 0 };
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *member = &c->members[i];
        roles[member->role == RAFT_VOTER ? 0 : member->role == RAFT_LEARNER ? 1 : 2] += 1;
        standing[monitor_liveness(p->monitor, p->now_us, &member->id)] += 1;
    }
    measure_of(m, "holdfast_members", help, "role=\"voter\"", roles[0]);
    measure_of(m, "holdfast_members", help, "role=\"learner\"", roles[1]);
    measure_of(m, "holdfast_members", help, "role=\"leaving\"", roles[2]);
    if (peer_own_role(p) != API_ROLE_VOTER)
        return; /* metrics are pushed to voters */
    static const char heard[] = "Members, as this peer hears them.";
    measure_of(m, "holdfast_members_heard", heard, "standing=\"healthy\"",
               standing[LIVENESS_HEALTHY]);
    measure_of(m, "holdfast_members_heard", heard, "standing=\"suspect\"",
               standing[LIVENESS_SUSPECT]);
    measure_of(m, "holdfast_members_heard", heard, "standing=\"down\"", standing[LIVENESS_DOWN]);
}

/* ---- queues, the daemon, repair ---- */

static void measure_queues(struct peer *p, struct measures *m)
{
    static const char help[] = "What is under way and not finished.";
    measure_of(m, "holdfast_in_flight", help, "what=\"proposals\"", p->proposals_count);
    measure_of(m, "holdfast_in_flight", help, "what=\"log units\"", p->units_in_flight);
    measure_of(m, "holdfast_in_flight", help, "what=\"state batches\"",
               overlay_batches_count(p->state));
    measure_of(m, "holdfast_in_flight", help, "what=\"local batches\"",
               overlay_batches_count(p->local));
    measure_of(m, "holdfast_in_flight", help, "what=\"calls\"", p->rpc.pending_count);
    measure_of(m, "holdfast_in_flight", help, "what=\"uploads\"", p->uploads.count);
}

static void measure_tracker(struct peer *p, struct measures *m)
{
    static const char help[] = "Pins of this peer, by status.";
    struct tracker_summary s = tracker_summary(p->tracker);
    struct tracker_counts c = tracker_counts(p->tracker);
    measure_of(m, "holdfast_pins", help, "status=\"pinned\"", s.pinned);
    measure_of(m, "holdfast_pins", help, "status=\"pinning\"", s.pinning);
    measure_of(m, "holdfast_pins", help, "status=\"pin_queued\"", s.pin_queued);
    measure_of(m, "holdfast_pins", help, "status=\"pin_error\"", s.pin_error);
    measure_of(m, "holdfast_pins", help, "status=\"unexpectedly_unpinned\"",
               s.unexpectedly_unpinned);
    measure_of(m, "holdfast_pins", help, "status=\"unpinning\"", s.unpinning);
    measure_of(m, "holdfast_pins", help, "status=\"unpin_queued\"", s.unpin_queued);
    measure_of(m, "holdfast_pins", help, "status=\"unpin_error\"", s.unpin_error);
    measure(m, "holdfast_ipfs_daemon_up", "0: the last call did not reach it.", !c.daemon_is_down);
    measure_total(m, "holdfast_tracker_hints_lost_total",
                  "Changes that did not fit into the tracker's ring, and were found by a walk.",
                  c.overflows);
}

static void measure_repair(struct peer *p, struct measures *m)
{
    struct repair_counts c = repair_counts(p->repair);
    measure_total(m, "holdfast_repair_proposed_total",
                  "Pins given to other peers by this one, while it led.", c.proposed);
    measure(m, "holdfast_repair_in_flight", "Of these, without an outcome yet.", c.in_flight);
    measure(m, "holdfast_repair_pin_bytes",
            "What a repair takes a pin for: the repositories' bytes by their pins.",
            peer_repair_pin_bytes(p));
    measure(m, "holdfast_repair_waiting",
            "Pins given to other peers that may still wait in front of their daemons.",
            peer_repair_waiting(p));
    measure(m, "holdfast_repair_lacking",
            "Pins without enough peers to hold them, in the last whole walk.", c.lacking);
}

static void measure_damage(struct peer *p, struct measures *m)
{
    measure(m, "holdfast_state_is_damaged", "1: a snapshot has to take the state's place.",
            p->state_is_damaged);
    measure(m, "holdfast_disk_hangs", "1: a write takes longer than any should.", p->disk_hangs);
    measure_total(m, "holdfast_audit_differences_total",
                  "Comparisons of the state with the leader's that found a difference.",
                  p->audit_differences);
    measure_total(m, "holdfast_bad_frames_total", "Messages of peers that were no messages.",
                  p->bad_frames_count + p->rpc.bad_frames_count);
}

static void measure_traffic(struct peer *p, struct measures *m)
{
    static const char *const labels[STREAM_COUNT][2] = {
        { "stream=\"control\",direction=\"in\"", "stream=\"control\",direction=\"out\"" },
        { "stream=\"calls\",direction=\"in\"", "stream=\"calls\",direction=\"out\"" },
        { "stream=\"bulk\",direction=\"in\"", "stream=\"bulk\",direction=\"out\"" },
        { "stream=\"uploads\",direction=\"in\"", "stream=\"uploads\",direction=\"out\"" },
    };
    for (int s = 0; s < STREAM_COUNT; s++) {
        for (int way = 0; way < 2; way++) {
            const struct peer_traffic_total *t = &p->traffic.total[s];
            measure_of(m, "holdfast_network_bytes_total", "Bytes from and to other peers.",
                       labels[s][way], way == 0 ? t->in : t->out);
            m->at[m->count - 1].is_counter = true;
        }
    }
}

int peer_measures(void *impl, struct arena *arena, const struct api_measure **out, size_t *count)
{
    struct peer *p = impl;
    struct measures m = { .at = arena_array(arena, MEASURES_MAX, sizeof(*m.at)) };
    if (m.at == NULL)
        return ERR_NOMEM;
    peer_enter(p);
    measure_v1(p, &m);
    measure(&m, "holdfast_ready", "1: the peer has caught up with its cluster.", p->is_ready);
    if (p->raft != NULL) {
        measure_log(p, &m);
        measure_members(p, &m);
    }
    measure_queues(p, &m);
    measure_tracker(p, &m);
    measure_repair(p, &m);
    measure_damage(p, &m);
    measure_traffic(p, &m);
    peer_leave(p);
    *out = m.at;
    *count = m.count;
    return OK;
}
