/* api.h -- the REST API on 9094: requests in, questions to the peer, JSON out.
 *
 * Shape    A table of routes (api.c), one file a resource. What the API needs of the peer stands in struct
 *          api_ops; it knows nothing else of it. Reads of the shared state are answered at once; everything
 *          that waits (writes, other peers) is a call or a listing that ends by its hook.
 * Owner    A call (struct api_call) belongs to its handler until done ran or forget() was called. A listing
 *          belongs to whoever opened it, until close(). What next() gives lives in the arena handed in.
 * Errors   Codes; http/wire/json_reply.h's table makes statuses of them. `why` are the words for the client.
 * Source   ipfs-cluster 1.1.6 as SPEC 1 and 2 record it; V0's sync routes beside it (DESIGN 20). */
#ifndef HTTP_API_API_H
#define HTTP_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/gate/gate.h"
#include "http/wire/exchange.h"
#include "http/wire/route.h"
#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "state/pin.h"
#include "state/pin_entry.h"
#include "state/pin_list.h"
#include "tracker/tracker_status.h"
#include "util/arena.h"
#include "util/buf.h"

/* GET /id of one peer. */
/* What a peer is to the cluster; V1 has no such thing, so its clients look past it. */
enum api_role { API_ROLE_NONE, API_ROLE_VOTER, API_ROLE_LEARNER, API_ROLE_LEAVING };

/* How a member is, as its metrics tell; {0}: it is not known. */
struct api_standing {
    const char *name;   /* "healthy", "suspect", "down", "back" */
    uint64_t silent_us; /* nothing was heard of it for so long; back: until it came back */
    uint64_t back_us;   /* back: for so long now */
};

struct api_id {
    bool is_draining; /* as the peer that answers has it */
    struct peer_id id;
    struct bytes name;
    struct bytes version;
    const struct multiaddr *addrs; /* without /p2p/ */
    size_t addrs_count;
    const struct peer_id *members; /* with self */
    size_t members_count;
    const struct api_member_addr *member_addrs; /* of the others */
    size_t member_addrs_count;
    enum api_role role; /* NONE: not a member yet */
    bool has_kept;      /* LEAVING: and it is known how many pins others have to pin yet */
    uint64_t kept;
    struct bytes ipfs_id;
    const struct bytes *ipfs_addrs;
    size_t ipfs_addrs_count;
    struct bytes ipfs_error; /* empty: the daemon answered */
    struct bytes error;      /* not empty: this peer did not answer, and all but id is empty */
    struct api_standing standing;
};

struct api_member_addr {
    struct peer_id id;
    struct multiaddr addr;
};

/* One peer's word about a pin. */
struct api_peer_status {
    const char *peer; /* its id in text: a listing has many rows, and few peers */
    struct bytes name;
    struct bytes ipfs_id;
    enum tracker_status status;
    int64_t since_us; /* wall time */
    uint32_t attempt_count;
    bool is_priority;
    bool is_held_back;       /* it is not even tried, until somebody lets it */
    int64_t next_try_us;     /* wall time; 0: none is planned, or it is under way */
    uint32_t queue_position; /* 1 is next; 0: not queued */
    uint64_t progress_nodes; /* 0: unknown, or nothing yet */
    uint64_t progress_bytes;
    const char *error;
};

/* GlobalPinInfo. */
struct api_status {
    struct cid cid;
    const struct pin *pin; /* NULL: not in the shared state */
    int64_t now_us;        /* wall time, for what has no other */
    const struct api_peer_status *peers;
    size_t peers_count;
};

struct api_metric {
    struct peer_id peer;
    struct bytes name;
    struct bytes value;
    int64_t expire_us; /* wall time, by this peer's clock */
    int64_t received_us;
    int64_t weight;
    bool is_partitionable;
};

/* How many pins of a member are in which status, as it last said. */
struct api_counts {
    struct peer_id peer;
    struct bytes name;
    struct api_standing standing;
    struct bytes counts; /* a JSON object: status and number; empty: it has not said */
    int64_t told_us;     /* wall time */
};

/* Bytes to and from the other peers, of one kind of message. */
struct api_bandwidth {
    const char *name;
    uint64_t total_in, total_out;
    uint64_t rate_in, rate_out; /* a second */
};

/* A number for Prometheus. Those of one name stand together. */
struct api_measure {
    const char *name;
    const char *help;
    const char *label; /* `stream="calls"`; NULL: none */
    uint64_t value;
    bool is_counter; /* it only grows */
    bool is_milli;   /* thousandths */
};

/* Something that is wrong with a peer, as the one that answers sees it. */
struct api_alert {
    struct api_metric metric;
    int64_t triggered_us; /* wall time */
    const char *standing; /* of the peer: "healthy", "suspect", "down" */
};

/* A pin that would get other holders now. */
struct api_move {
    struct cid cid;
    const struct peer_id *from;
    size_t from_count;
    const struct peer_id *to; /* none: there are not enough peers */
    size_t to_count;
    size_t living; /* of `from` */
};

/* How old this peer's view of the shared state may be. */
struct api_freshness {
    uint64_t applied; /* index */
    bool has_contact; /* it has heard from a leader */
    uint64_t age_us;  /* since then */
};

/* Something that takes time: a write, a change of members, catching up. */
struct api_call {
    /* In. */
    struct pin pin; /* pin: as asked for; unpin: its cid */
    bool has_key;   /* pin, unpin: the client's Idempotency-Key, hashed */
    uint8_t key[PIN_KEY_BYTES];
    const struct peer_id *priority; /* user-allocations */
    size_t priority_count;
    struct peer_id peer;   /* peer_remove, peer_add */
    bool is_undone;        /* peer_drain: undrain; peer_remove: it stays, after all */
    bool is_forced;        /* peer_remove: its pins do not move first */
    struct multiaddr addr; /* peer_add: where it listens; len 0: unknown */
    bool
        is_restored; /* pin: as it once was, out of an export; pin_update is history, and an expiry may have passed */
    /* Out: err OK or a code; `why` lives until done returns. */
    bool is_under_way; /* peer_remove: it is on its way out, and goes when others have its pins */
    void (*done)(struct api_call *call, int err, const char *why);
    void *owner;
    void *pending; /* the peer's, while it is under way */
};

/* A line of POST /add. */
struct api_added {
    struct bytes name;
    struct cid cid; /* undefined: only progress */
    uint64_t bytes;
    uint64_t size;
};

/* An upload: its body comes by add_write(), its rows go by on_row. */
struct api_add {
    /* In; it lives as long as the upload. */
    struct pin pin; /* as asked for; the cid is what comes out of it */
    const struct peer_id *priority;
    size_t priority_count;
    bool is_car;
    bool is_trickle;
    bool has_raw_leaves;
    bool wraps;
    bool has_progress;
    bool is_local; /* into this peer's daemon only */
    bool is_not_pinned;
    uint8_t cid_version;
    const char *chunker;
    const char *hash;
    const char *boundary;
    /* False: no more rows for now, until add_resume(). */
    bool (*on_row)(struct api_add *add, const struct api_added *row);
    void (*on_room)(struct api_add *add); /* add_write() had taken less than it was offered */
    /* Out: err OK: all is added, and pinned unless that was not asked for. `why` lives until done returns. */
    void (*done)(struct api_add *add, int err, const char *why);
    bool is_started;                   /* it is known who gets it; errors before are about that */
    const struct peer_id *allocations; /* once it is started */
    size_t allocations_count;
    void *owner;
    void *pending; /* the peer's, while it is under way */
};

enum api_order { API_LOOK, API_RECOVER, API_SYNC };

struct api_status_request {
    bool is_one;
    struct cid cid;
    uint32_t filter;
    bool is_local;
    enum api_order order; /* done at each peer before it answers */
};

struct api_listing_hooks {
    void (*on_wake)(void *owner); /* after API_NEXT_WAIT: ask again */
    void *owner;
};

enum api_next { API_NEXT_ROW, API_NEXT_WAIT, API_NEXT_END, API_NEXT_FAILED };

/* What all members are asked, each with its daemon (POST /ipfs/gc, GET /health/graph). */
enum api_question { API_ASK_GARBAGE, API_ASK_LINKS };

struct api_collected {
    struct cid cid; /* undefined: `error` says why a block stays */
    struct bytes error;
};

/* One member's answer. */
struct api_word {
    struct peer_id id;
    struct bytes name;
    struct bytes error; /* not empty: it did not answer, and the rest is empty */
    struct bytes ipfs_id;
    struct bytes ipfs_error; /* not empty: its daemon failed */
    const struct api_collected *keys;
    size_t keys_count;
    uint64_t keys_left_out; /* too many to be told */
    const struct peer_id *ipfs_links;
    size_t ipfs_links_count;
    const struct peer_id *cluster_links;
    size_t cluster_links_count;
};

/* A path ("/ipns/name/a") that the daemon follows to a CID. */
struct api_resolve {
    /* In. */
    const char *path;
    /* Out: err OK, and the CID; else the daemon's words. */
    void (*done)(struct api_resolve *r, int err, const char *why);
    void *owner;
    struct cid cid;
    void *pending; /* the peer's, while it is under way */
};

/* What the leader decided on a pin lately. */
struct api_decision {
    /* In. */
    struct cid cid;
    /* Out: a JSON array (allocation/decisions.h), which lives until done returns; else words that say why it is not
     * known. */
    void (*done)(struct api_decision *q, int err, struct bytes json, const char *why);
    void *owner;
    bool is_open; /* the peer's */
};

struct api_listing;
struct api_census;
struct api_plan;
struct api_export;

struct api_ops {
    int (*describe)(void *impl, struct arena *arena, struct api_id *out);
    int64_t (*wall_us)(void *impl);
    struct api_freshness (*freshness)(void *impl);
    /* Done when the shared state here has all that was acknowledged before (?consistent=true). At once an error,
     * with words in `why`; else done runs later. */
    int (*catch_up)(void *impl, struct api_call *call, struct buf *why);
    /* Does this peer know how the others are? Else hear() asks one that does; at once an error, with words in `why`, or
     * done runs later. */
    bool (*hears)(void *impl);
    int (*hear)(void *impl, struct api_call *call, struct buf *why);
    /* The shared state, locally (DESIGN 14). ERR_NOT_FOUND: no such pin, or no further one. */
    int (*pin_get)(void *impl, const struct cid *cid, struct arena *arena, struct pin *out);
    pin_list_read pins_after;
    /* At once an error, with words in `why`; else done runs later. */
    int (*pin)(void *impl, struct api_call *call, struct buf *why);
    int (*unpin)(void *impl, struct api_call *call, struct buf *why);
    /* ERR_EXISTS at once: it is a member already. */
    int (*peer_add)(void *impl, struct api_call *call, struct buf *why);
    int (*peer_remove)(void *impl, struct api_call *call, struct buf *why);
    int (*peer_drain)(void *impl, struct api_call *call,
                      struct buf *why);                /* or, is_undone, not any more */
    void (*forget)(void *impl, struct api_call *call); /* done will not run */
    /* At once an error, with words in `why`; else done runs later, never from inside of any of these. */
    int (*add_open)(void *impl, struct api_add *add, struct buf *why);
    size_t (*add_write)(void *impl, struct api_add *add, const void *bytes, size_t len);
    void (*add_end)(void *impl, struct api_add *add); /* the body is over */
    void (*add_resume)(void *impl, struct api_add *add);
    /* Breaks it off: done will not run. A pin that is under way already goes on. */
    void (*add_close)(void *impl, struct api_add *add);
    /* All members, one after another. */
    int (*ids_open)(void *impl, const struct api_listing_hooks *hooks, struct api_listing **out);
    enum api_next (*ids_next)(struct api_listing *l, struct arena *arena, struct api_id *out);
    /* The local states of all members (or of this one), merged in CID order. */
    int (*status_open)(void *impl, const struct api_status_request *request,
                       const struct api_listing_hooks *hooks, struct api_listing **out);
    enum api_next (*status_next)(struct api_listing *l, struct arena *arena,
                                 struct api_status *out);
    void (*close)(struct api_listing *l);
    /* One word of each member (or of this one), by peer id. */
    int (*census_open)(void *impl, enum api_question question, bool is_local,
                       const struct api_listing_hooks *hooks, struct api_census **out);
    enum api_next (*census_next)(struct api_census *c, struct arena *arena, struct api_word *out);
    void (*census_close)(struct api_census *c);
    /* At once an error; else done runs later, unless it is forgotten. */
    int (*resolve)(void *impl, struct api_resolve *r);
    void (*resolve_forget)(void *impl, struct api_resolve *r);
    /* At once an error, or done ran already, or it runs later, unless it is forgotten. */
    int (*decision_ask)(void *impl, struct api_decision *q);
    void (*decision_forget)(void *impl, struct api_decision *q);
    /* All pins as they stand at one moment, in CID order. */
    int (*export_open)(void *impl, const struct api_listing_hooks *hooks, struct api_export **out);
    enum api_next (*export_next)(struct api_export *x, struct arena *arena, struct pin *out);
    void (*export_close)(struct api_export *x);
    /* The metric of that name behind `after` (NULL: the first), by peer id; names, sorted. */
    int (*metric_next)(void *impl, const char *name, const struct peer_id *after,
                       struct api_metric *out);
    size_t (*metric_names)(void *impl, struct bytes *out, size_t max);
    /* Of the member behind `after` (NULL: the first), by peer id; ERR_NOT_FOUND at the end. They lie in the arena. */
    int (*counts_next)(void *impl, const struct peer_id *after, struct arena *arena,
                       struct api_counts *out);
    /* False: there is no further kind. */
    bool (*bandwidth)(void *impl, size_t nth, struct api_bandwidth *out);
    int (*measures)(void *impl, struct arena *arena, const struct api_measure **out, size_t *count);
    /* What is wrong now; they lie in the arena. */
    int (*alerts)(void *impl, struct arena *arena, const struct api_alert **out, size_t *count);
    /* What a repair would do now, pin by pin; nothing is done. ERR_STALE: this peer does not hear how the others are. */
    int (*plan_open)(void *impl, struct api_plan **out);
    int (*plan_next)(struct api_plan *plan, struct arena *arena, struct api_move *out);
    void (*plan_close)(struct api_plan *plan);
};

struct api;

int api_create(struct api **out, const struct api_ops *ops, void *impl);
/* Who may come in, and what each answer has; NULL, as at first: everybody, and nothing. The gate outlives the api. */
void api_set_gate(struct api *api, const struct gate_options *gate);
void api_destroy(struct api *api);
/* Pin options of the query (SPEC 1.4) over `pin`. ERR_INVALID with words in `why`. The proxy's /add has them, too. */
int api_parse_options(const struct http_request *r, int64_t now_us, struct arena *arena,
                      struct pin *pin, const struct peer_id **priority, size_t *priority_count,
                      struct buf *why);
/* The table of routes, for what has to look at all of them. */
size_t api_route_count(void);
const struct http_route *api_route_at(size_t index);
/* The http_conn hook; owner is the struct api. */
void api_on_request(void *owner, struct http_exchange *x);
/* The same for the address that has nothing but /metrics, and no users. */
void api_on_metrics_request(void *owner, struct http_exchange *x);

#endif
