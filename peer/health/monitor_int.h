/* monitor_int.h -- the inside of struct monitor, for monitor.c and monitor_hearsay.c only. */
#ifndef HEALTH_MONITOR_INT_H
#define HEALTH_MONITOR_INT_H

#include "health/monitor.h"

struct monitor_slot {
    struct buf name;
    struct buf value;
    struct metric metric; /* name and value point into the two */
    uint64_t arrived_us;
    uint64_t changed_us; /* valid, or not any more, since then */
};

struct monitor_peer {
    struct peer_id id;
    uint64_t silent_since_us; /* last arrival, or when it became a member */
    bool was_down;            /* before it spoke again */
    uint64_t down_us;         /* its silence until then */
    uint64_t back_at_us;
    bool has_word;
    uint64_t word_at_us;
    int64_t wall_ahead_us; /* how far its wall clock was ahead of our monotonic one */
    uint32_t level;
    size_t slots_count;
    struct monitor_slot *slots; /* LIMIT_METRICS_PER_PEER_COUNT of them */
};

struct monitor {
    struct monitor_options options;
    uint64_t listening_since_us;
    uint64_t last_time_us;
    struct monitor_peer *peers; /* sorted by id */
    size_t peers_count;
};

void monitor_free_peers(struct monitor_peer *peers, size_t count);
/* Sorted in, once each; with room for metrics. */
int monitor_insert(struct monitor_peer *peers, size_t *count, const struct peer_id *id,
                   uint64_t now_us);
struct monitor_peer *monitor_find(const struct monitor *m, const struct peer_id *id);  /* or NULL */
struct monitor_slot *monitor_slot(const struct monitor_peer *peer, struct bytes name); /* or NULL */
/* ERR_TOO_BIG: no more metrics of one peer. */
int monitor_new_slot(struct monitor_peer *peer, struct bytes name, struct monitor_slot **out);
int monitor_slot_set(struct monitor_slot *slot, const struct metric *metric);

#endif
