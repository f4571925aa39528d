/* raft_cluster_int.h -- between the files of the cluster: queue (chance, events), disk (what units leave on it), node (what
 * a raft wants done), events (what happens to one), raft_cluster.c (lives, requests), checks. */
#ifndef TESTS_LIB_RAFT_CLUSTER_INT_H
#define TESTS_LIB_RAFT_CLUSTER_INT_H

#include "tests/lib/raft_cluster.h"

enum cluster_event_kind {
    EVENT_MSG,
    EVENT_DEADLINE,
    EVENT_STORED,
    EVENT_APPLIED,
    EVENT_FETCHED,
    EVENT_SNAPSHOT,      /* arrives */
    EVENT_SNAPSHOT_SENT, /* the sender learns of it */
};

struct cluster_event {
    uint64_t time_us;
    uint64_t seq;
    enum cluster_event_kind kind;
    unsigned node;
    unsigned from;  /* a node */
    unsigned epoch; /* of `node`; 0: any */
    unsigned generation;
    uint64_t number; /* unit, first index, or member */
    uint64_t count;
    struct cluster_state state;
    struct buf bytes;
};

enum { FETCH_ENTRIES_MAX = 32, APPEND_ROOM = 256 };

/* raft_cluster_queue.c */
uint64_t cluster_random(struct raft_cluster *c);
/* Both ends included. */
uint64_t cluster_between(struct raft_cluster *c, uint64_t min, uint64_t max);
/* The queue takes the event's bytes; who pops it frees them. */
void cluster_push(struct raft_cluster *c, struct cluster_event e, uint64_t wait_us);
struct cluster_event cluster_pop(struct raft_cluster *c);

/* raft_cluster_disk.c */
void cluster_image_set(struct cluster_image *log, uint64_t index, uint64_t term);
void cluster_image_copy(struct cluster_image *to, const struct cluster_image *from);
void cluster_image_write(struct cluster_image *log, const struct cluster_unit *u);
/* 0 for what the image does not have; the term of its base at the base. */
uint64_t cluster_image_term(const struct cluster_image *log, uint64_t index);
void cluster_disk_write(struct cluster_disk *disk, const struct cluster_unit *u);

/* raft_cluster_node.c */
/* After each input: what the raft wants now is done. */
void cluster_node_input(struct raft_cluster *c, struct cluster_node *n,
                        const struct raft_ready *ready, const char *what);
void cluster_node_release_held(struct raft_cluster *c, struct cluster_node *n);
void cluster_node_find_config(struct raft_cluster *c, struct cluster_node *n);
void cluster_node_trace(const struct raft_cluster *c, const struct cluster_node *n,
                        const char *what);
void cluster_trace_msg(const struct raft_cluster *c, const struct raft_msg *m, const char *what);

/* raft_cluster_checks.c */
void cluster_fail(struct raft_cluster *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct cluster_checks *cluster_checks_create(void);
void cluster_checks_destroy(struct cluster_checks *k);
/* The same content at an index is one pointer, alive as long as the checks. */
const struct raft_config *cluster_intern_config(struct cluster_checks *k,
                                                const struct raft_config *config);
/* Each entry that goes into a unit. Its content is kept: see cluster_entry(). */
void cluster_check_entry(struct raft_cluster *c, const struct cluster_node *n,
                         const struct raft_entry *e, uint64_t prev_term);
void cluster_check_unit(struct raft_cluster *c, const struct cluster_node *n,
                        const struct cluster_unit *u);
void cluster_check_release(struct raft_cluster *c, const struct cluster_node *n,
                           const struct raft_msg *m);
/* After each input. */
void cluster_check_node(struct raft_cluster *c, struct cluster_node *n);
void cluster_check_applied(struct raft_cluster *c, const struct cluster_node *n);
void cluster_check_read(struct raft_cluster *c, struct cluster_node *n,
                        const struct raft_read_result *read);
/* What (index, term) says, anywhere. */
struct raft_entry cluster_entry(const struct raft_cluster *c, uint64_t index, uint64_t term);
uint64_t cluster_entry_hash(const struct raft_cluster *c, uint64_t index, uint64_t term);

#endif
