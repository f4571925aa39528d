/* peer.h -- one cluster peer, whole: what main.c runs on real ports and the simulator on simulated ones.
 *
 * Shape    Everything comes in by events (deadline, frame, HTTP bytes, completions of the ports) and leaves
 *          through the ports. peer.c is the only place that knows all modules.
 * Time     Each event reads the clocks once. peer_next_deadline_us() says when to call
 *          peer_on_deadline(); look again after every event (hooks.on_wake says so, too).
 * Owner    The caller owns ports, options and hooks; they outlive the peer. peer_destroy() forgets the
 *          peer at any moment, as a crash does: no port completes into it any more (the caller sees to
 *          that), and what was durable is found again by the next peer_create() on the same store.
 * Stop     peer_stop() is the orderly way: hand leadership over, finish what runs, then on_stopped.
 * Errors   peer_create: ERR_NOMEM, ERR_VERSION (the disk was written by a newer version), ERR_IO,
 *          ERR_INVALID (options). A damaged log makes a stranger (DESIGN 6), not an error. */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocation/budget.h"
#include "health/monitor.h"
#include "http/gate/gate.h"
#include "http/wire/conn.h"
#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "port/clock.h"
#include "port/http_client.h"
#include "port/request_log.h"
#include "port/rng.h"
#include "port/store.h"
#include "port/transport.h"
#include "raft/raft.h"
#include "util/log.h"

struct peer;

struct peer_ports {
    struct clock clock;
    struct rng rng;
    struct transport transport;
    struct store store;
    struct http_client http_client;
    struct request_log api_log; /* without ops: nobody wants one */
    struct request_log proxy_log;
    const struct log *log;
};

/* Where another peer is said to listen: from `cluster_peers`, `bootstrap`, or a configuration. */
struct peer_address {
    struct peer_id id;
    struct multiaddr addr; /* without /p2p/ */
};

enum { PEER_CLUSTER_ID_BYTES = 16 };

/* How much of the log is kept. */
struct peer_trim_options {
    uint64_t
        trailing_entries;   /* behind what is durably applied, for members that are a little late */
    uint64_t worth_entries; /* so many at least are dropped at once; from 1 */
    uint64_t interval_us;   /* between two looks */
    uint64_t log_bytes_max; /* beyond it neither late members nor snapshots in transfer count */
};

/* How a snapshot is received; 0: the defaults of store/snapshot.h. */
struct peer_snapshot_options {
    uint32_t chunk_bytes;
    uint64_t sync_bytes;
    uint64_t retry_us; /* a chunk that has not come by then is asked for again */
};

struct peer_tag {
    const char *name;
    const char *value;
};

struct peer_options {
    struct peer_id id;
    const char *name;    /* peername */
    const char *version; /* "1.1.6+holdfast..." as /version shows it */
    uint32_t
        level; /* of the formats: up to which one it says it knows them; a test may play an older peer */

    /* Founding and joining (DESIGN 8). Several addresses of one peer stand as several rows. */
    const struct peer_address *cluster_peers; /* without self */
    size_t cluster_peers_count;
    const struct peer_address *bootstrap;
    size_t bootstrap_count;
    bool cluster_id_is_known; /* kept beside service.json: an empty disk that has it only joins */
    uint8_t cluster_id[PEER_CLUSTER_ID_BYTES];
    uint64_t start_timeout_us; /* founding and joining give up after it without progress; 30 s */
    /* For a disk that is not empty: cluster_peers is not what this peer last wrote there (hooks.on_members). Without
     * a leader it does not go on then, but for `accept_peers`: the operator says that the members which cluster_peers
     * lacks are lost for ever. */
    bool cluster_peers_edited;
    bool accept_peers;

    struct raft_options raft;
    struct peer_trim_options trim;
    struct peer_snapshot_options snapshot;
    uint64_t scrub_pause_us; /* between two slices of the walk that looks for damaged rows */
    size_t max_voters;       /* further members stay learners */
    uint64_t voter_replace_after_us; /* silent for so long: a learner votes in its place */
    size_t proposals_max;       /* writes without an outcome; a quarter of them is the users' own */
    size_t reads_max;           /* consistent reads that wait */
    size_t calls_max;           /* to other peers, without an answer yet */
    size_t overlay_bytes_max;   /* of the state: batches that are not durable yet */
    size_t uploads_max;         /* of clients here, and as many into the daemon */
    uint64_t commit_timeout_us; /* a write answers 503 or 504 after it */
    uint64_t calls_timeout_us;  /* a silent peer becomes cluster_error lines; 15 s */

    uint64_t metric_ttl_us;  /* informers and ping; pushed every half of it */
    uint64_t repin_after_us; /* silence beyond the TTL until a peer counts as down */
    bool repinning_disabled;
    struct {
        size_t at_once; /* proposals without an outcome */
        struct budget_limits budget;
    } repair;
    int32_t replication_min; /* -1: everywhere */
    int32_t replication_max;
    const char *const *allocate_by; /* metrics that order candidates, the first one first */
    size_t allocate_by_count;       /* at most LIMIT_ALLOCATE_BY_COUNT */
    const struct peer_tag *tags;    /* what this peer says of itself: metrics tag:NAME */
    size_t tags_count;
    uint64_t pinqueue_bucket; /* so many queued pins make a difference of one */

    size_t concurrent_pins;
    uint64_t priority_pin_max_age_us;  /* younger pins go first at the daemon, ... */
    uint32_t priority_pin_max_retries; /* ... unless they failed more often */
    uint64_t pin_timeout_us;           /* without progress */
    uint64_t unpin_timeout_us;
    uint64_t ipfs_request_timeout_us;
    uint64_t ipfs_sync_us; /* 0: never by itself */
    bool unpin_disabled;   /* nothing is ever unpinned from the daemon */
    uint64_t pin_recover_us;
    uint64_t repogc_timeout_us;
    uint64_t connect_swarms_delay_us; /* 0: never */
    bool leave_on_shutdown;           /* peer_stop() leaves the cluster first, if it has others */
    uint64_t shutdown_timeout_us;     /* how long that may take until it goes, marked as leaving */

    const struct gate_options *api_gate; /* who may use the API; NULL: everybody */
    size_t api_head_bytes_max;           /* of a request */
    size_t proxy_head_bytes_max;
    /* Fields of the daemon's that the proxy's own answers have, too: from its answer to a POST of that path. */
    const char *proxy_extract_path; /* NULL: none */
    const char *const *proxy_extract_names;
    size_t proxy_extract_names_count;
    uint64_t proxy_extract_ttl_us; /* 0: asked once */
};

/* The defaults of every field that has one. */
void peer_options_default(struct peer_options *o);

/* ---- what the program hears ---- */

struct peer_stopped {
    int exit_code;   /* 0, or 1 when founding or joining failed, or the disk */
    const char *why; /* one sentence */
    bool
        data_is_void; /* removed from the cluster, or moving to another one: rotate the data away */
    const struct peer_address *join; /* then start again and join through these; none: do not */
    size_t join_count;
};

struct peer_hooks {
    void (*on_wake)(void *owner); /* peer_next_deadline_us() may be earlier than before */
    void (*on_ready)(void *owner);
    /* The member list changed: rewrite cluster_peers (without self), and remember what was written. */
    void (*on_members)(void *owner, const struct peer_address *others, size_t count);
    void (*on_cluster_id)(void *owner, const uint8_t cluster_id[PEER_CLUSTER_ID_BYTES]);
    /* The peer has stopped, by peer_stop() or by itself. Destroy it from the loop, not from inside this
     * hook. */
    void (*on_stopped)(void *owner, const struct peer_stopped *how);
    void *owner;
};

/* ---- what a checker sees (DESIGN 23): facts, never our structs ---- */

enum peer_fact_kind {
    PEER_FACT_WOKE, /* what the disk held: index, last_term: its last entry; runs: the terms of all entries; term,
                         voted_for; base: the log begins behind it; applied, state_hash: the state is as behind
                         that entry */
    PEER_FACT_ROLE,   /* term, role, leader */
    PEER_FACT_APPEND, /* index, term, hash: an entry stands in the log, in memory */
    PEER_FACT_CUT,    /* index: entries from here on are gone from the log */
    PEER_FACT_BASE,   /* index, term: the log begins behind this entry */
    PEER_FACT_STORED, /* index: durable up to here; term, voted_for: the durable hard state */
    PEER_FACT_COMMIT, /* index */
    PEER_FACT_APPLY,  /* index, term, hash (of the entry), state_hash after it */
    PEER_FACT_KEPT,   /* index: the state is durable, as behind that entry at least */
    PEER_FACT_PIN, /* index, cid, and what that entry left of the pin: holders, factor_min and _max; or is_gone */
    PEER_FACT_INSTALL, /* index, state_hash: the state was replaced by a snapshot up to here */
    PEER_FACT_CONFIG,  /* index; members: the configuration in force */
    PEER_FACT_PROPOSE_REPIN, /* cid: automation proposed to move this pin */
    PEER_FACT_LIVENESS, /* about, liveness: what the leader, which looks at its members all the time, holds this one
                         for, from now on. With a new term, or other members, each is told anew */
};

struct peer_fact_member {
    uint64_t number;
    bool is_voter;
    bool goes; /* is on its way out: it gives away what it holds, and gets nothing new */
    struct peer_id id;
};

struct peer_fact {
    enum peer_fact_kind kind;
    uint64_t number; /* who tells: its member number, 0 for a stranger */
    uint64_t term;
    uint64_t index;
    enum raft_state role;
    uint64_t leader;
    uint64_t voted_for;
    uint64_t last_term;
    const struct raft_term_run *runs;
    size_t runs_count;
    uint64_t base;
    uint64_t applied;
    bool
        is_damaged; /* WOKE: what the state says of itself could not be read, or contradicts the log */
    uint64_t hash;
    uint64_t state_hash[2];
    const struct peer_fact_member *members;
    size_t members_count;
    struct cid cid;
    bool is_gone;
    int32_t factor_min, factor_max;
    const struct peer_id *holders;
    size_t holders_count;
    uint64_t about; /* a member's number */
    enum liveness liveness;
};

struct peer_observer {
    void (*on_fact)(void *owner, const struct peer_fact *fact); /* NULL: nobody watches */
    void *owner;
};

/* ---- life ---- */

int peer_create(struct peer **out, const struct peer_options *options,
                const struct peer_ports *ports, const struct peer_hooks *hooks,
                const struct peer_observer *observer);
void peer_destroy(struct peer *p);
void peer_on_deadline(struct peer *p);
uint64_t peer_next_deadline_us(const struct peer *p);
/* Transport events come by the hooks that peer_create() set; HTTP connections by this. They belong to the
 * caller, who destroys them before the peer. */
enum peer_door { PEER_DOOR_API, PEER_DOOR_PROXY, PEER_DOOR_METRICS };
int peer_http_open(struct peer *p, enum peer_door door, void (*on_progress)(void *owner),
                   void *owner, struct http_conn **out);
void peer_stop(struct peer *p, const char *why);

/* ---- looking (for the simulator's expectations and for main.c's log lines) ---- */

struct peer_glance {
    uint64_t number;
    enum raft_state role;
    uint64_t term;
    uint64_t leader;
    uint64_t committed;
    uint64_t applied;
    uint64_t pins;
    uint64_t state_hash[2];
    bool is_ready;
    uint64_t log_begins; /* behind this entry */
    uint64_t log_ends;
    bool is_receiving; /* a snapshot takes the place of its state */
};
void peer_look(const struct peer *p, struct peer_glance *out);

#endif
