/* raft_cluster.h -- a whole cluster of rafts in one process, for tests: its network, disks, clocks and faults come
 * from one seed; watched from outside by checks (raft_cluster_checks.c).
 *
 * Shape    One heap of events in virtual time. Node i (from 0) is a machine; the number it has in the cluster is
 *          its member's. Founders are nodes 0..founders-1 with the numbers 1..founders; the others are spares.
 * Owner    raft_cluster_create() makes all, raft_cluster_destroy() frees all.
 * Errors   The first check that fails writes into `failure` ("" until then); from there on nothing runs. */
#ifndef TESTS_LIB_RAFT_CLUSTER_H
#define TESTS_LIB_RAFT_CLUSTER_H

#include "raft/raft.h"

enum { CLUSTER_NODES_MAX = 9, CLUSTER_UNITS_MAX = 8, CLUSTER_FAILURE_SIZE = 256 };

struct cluster_options {
    uint64_t seed;
    unsigned nodes;
    unsigned founders;
    struct raft_options raft;
    uint64_t delay_min_us, delay_max_us; /* of a message */
    unsigned loss_permille, duplicate_permille, late_permille;
    uint64_t late_us;                    /* the longest delay of a late one */
    uint64_t store_min_us, store_max_us; /* of a unit */
    unsigned units_in_flight;            /* 1..CLUSTER_UNITS_MAX */
};

/* A log as the disk has it. terms[i] is of entry i. */
struct cluster_image {
    struct raft_pos base;
    uint64_t last;
    uint64_t *terms;
    size_t terms_size;
};

/* The replicated state: a hash over everything that was applied. */
struct cluster_state {
    struct raft_pos pos;
    uint64_t hash;
    const struct raft_config *config; /* interned; NULL: none yet */
};

/* What a unit does to the disk. */
struct cluster_unit {
    uint64_t number;
    uint64_t cut_from;
    uint64_t first;
    uint64_t *terms; /* of its entries */
    size_t terms_count;
    struct raft_pos base;
    uint64_t raft_number;
    struct raft_hard_state hard;
    const struct raft_config *config;
    const struct raft_config *config_previous;
    bool is_install; /* a snapshot's state becomes ours with it */
    struct cluster_state state;
};

struct cluster_disk {
    struct cluster_image log;
    uint64_t number;
    struct raft_hard_state hard;
    const struct raft_config *config;
    const struct raft_config *config_previous;
    struct cluster_state state;
};

struct cluster_held {
    uint64_t after_unit;
    enum raft_msg_type type;
    uint64_t term;
    struct buf bytes;
};

struct cluster_read {
    uint64_t context;
    uint64_t index_min; /* what was committed somewhere when it was asked */
};

struct cluster_node {
    unsigned id;
    struct raft *raft;   /* NULL: crashed */
    unsigned epoch;      /* of this life; events of an earlier one are dropped */
    unsigned generation; /* of the state */
    struct cluster_disk disk;
    struct cluster_image submitted; /* the disk once all that was submitted is stored */
    struct cluster_unit units[CLUSTER_UNITS_MAX];
    size_t units_count;
    uint64_t stored_unit;
    uint64_t config_index; /* of the newest configuration in `submitted`; 0: none behind its base */
    struct cluster_held *held;
    size_t held_count, held_size;
    struct cluster_state state;     /* newest, not all of it durable */
    struct cluster_state installed; /* goes with the next unit */
    bool has_installed;
    uint64_t deadline_us; /* an event is scheduled for it */
    uint64_t paused_until_us;
    struct cluster_read *reads;
    size_t reads_count, reads_size;
    /* what was seen last, for the checks */
    uint64_t term_seen, committed_seen;
    uint64_t led_term;
    bool led;
    uint64_t config_seen;
};

/* What a run got to: a test that never sees one of these proves little. */
enum cluster_mark {
    MARK_ELECTED,
    MARK_ELECTED_BY_TRANSFER,
    MARK_STEPPED_DOWN, /* without a higher term: no quorum answered, or the leader was removed */
    MARK_COMMITTED,
    MARK_CONFIG_COMMITTED,
    MARK_CONFIG_ROLLED_BACK,
    MARK_CUT,
    MARK_CUT_IN_FLIGHT,
    MARK_FETCHED,
    MARK_INSTALLED,
    MARK_INSTALLED_INTO_LOG, /* which goes on behind the snapshot */
    MARK_READ,
    MARK_READ_FAILED,
    MARK_UNIT_LOST,
    MARK_TOLD,
    MARK_WIPED,
    MARK_COUNT
};
extern const char *const cluster_mark_names[MARK_COUNT];

struct cluster_event;
struct cluster_checks;

struct raft_cluster {
    struct cluster_options options;
    uint64_t rng;
    uint64_t now_us;
    uint64_t seq;
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    bool blocked[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX]; /* from, to */
    struct cluster_event *events;
    size_t events_count, events_size;
    uint64_t events_done;
    struct cluster_checks *checks;
    uint64_t next_context;
    uint64_t marks[MARK_COUNT];
    bool is_traced;
    char failure[CLUSTER_FAILURE_SIZE];
};

struct raft_cluster *raft_cluster_create(const struct cluster_options *options);
void raft_cluster_destroy(struct raft_cluster *c);
/* Below n, from the cluster's seed. */
uint64_t raft_cluster_below(struct raft_cluster *c, uint64_t n);

/* One event, or all up to a time; false: it failed. */
bool raft_cluster_step(struct raft_cluster *c);
bool raft_cluster_run(struct raft_cluster *c, uint64_t for_us);

/* What happens to nodes. A crash keeps a part of the units in flight, in order, and loses the rest. */
void raft_cluster_crash(struct raft_cluster *c, unsigned node);
void raft_cluster_restart(struct raft_cluster *c, unsigned node);
/* The disk too: a new machine. */
void raft_cluster_wipe(struct raft_cluster *c, unsigned node);
void raft_cluster_pause(struct raft_cluster *c, unsigned node, uint64_t for_us);
void raft_cluster_heal(struct raft_cluster *c);

/* What is asked of a node. False: refused. */
bool raft_cluster_propose(struct raft_cluster *c, unsigned node, size_t len);
bool raft_cluster_read(struct raft_cluster *c, unsigned node);
bool raft_cluster_transfer(struct raft_cluster *c, unsigned node, uint64_t to);
bool raft_cluster_change(struct raft_cluster *c, unsigned node, const struct raft_config *next);
void raft_cluster_abdicate(struct raft_cluster *c, unsigned node, uint64_t for_us);
void raft_cluster_trim(struct raft_cluster *c, unsigned node, uint64_t index);
/* Members of the newest committed configuration that do not know their number yet are told. */
void raft_cluster_tell_numbers(struct raft_cluster *c);

/* The leader of the highest term that is up; NULL. */
struct cluster_node *raft_cluster_leader(struct raft_cluster *c);
/* The newest committed configuration; NULL: none was seen. */
const struct raft_config *raft_cluster_config(const struct raft_cluster *c);
uint64_t raft_cluster_committed(const struct raft_cluster *c);
unsigned raft_cluster_node_of(const struct raft_member *m);
struct raft_member raft_cluster_member(unsigned node, uint64_t number,
                                       enum raft_role_in_config role);

#endif
