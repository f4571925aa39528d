/* pin.h -- one pin: what it may say, and its bytes.
 *
 * Shape    A plain value whose variable parts are borrowed. No allocations means: everywhere (factors
 *          -1); then every member holds it, also those that join later. {0} is no pin (cid undefined).
 * Units    *_s are Unix seconds of wall time, whole because the state keeps whole ones; 0 is "none".
 * Order    allocations: as they were chosen, no peer twice. metadata: by key bytes, no key twice.
 * Owner    pin_decode() copies everything variable into the arena; nothing else here allocates.
 * Errors   pin_decode: ERR_CORRUPT, ERR_VERSION (a newer peer wrote it), ERR_NOMEM; then `out` is no pin. The checks answer
 *          ERR_INVALID (or as noted) and put the words for the client, V1's own, into `why`.
 * Source   ipfs-cluster 1.1.6 as SPEC 1.4, 2.2, 7.1, 7.2 records it. user_allocations and mode are not
 *          part of a stored pin: the first only advises the allocator, the second follows from
 *          max_depth. */
#ifndef STATE_PIN_H
#define STATE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/limits.h"

/* The numbers are V1's, which old exports carry. */
enum pin_type {
    PIN_TYPE_DATA = 2,
    PIN_TYPE_META = 4,
    PIN_TYPE_CLUSTER_DAG = 8,
    PIN_TYPE_SHARD = 16,
};

enum { PIN_DEPTH_RECURSIVE = -1, PIN_DEPTH_DIRECT = 0 };
enum { PIN_EVERYWHERE = -1 }; /* as a replication factor */

struct pin_metadata {
    struct bytes key;
    struct bytes value;
};

struct pin {
    struct cid cid;
    enum pin_type type;
    int32_t replication_min;
    int32_t replication_max;
    int32_t max_depth;
    uint64_t shard_size;
    int64_t created_s; /* `timestamp`: when it was submitted */
    int64_t expire_s;  /* 0: never */
    struct cid reference;
    struct cid update_of; /* `pin_update` */
    struct bytes name;
    const struct pin_metadata *metadata;
    size_t metadata_count;
    const struct multiaddr *origins;
    size_t origins_count;
    const struct peer_id *allocations;
    size_t allocations_count;
    uint64_t modified_index; /* of the entry that last wrote the row; 0 in a proposal */
    bool is_unlisted; /* of a row: everybody's, and by-holder says nothing of it (pinset.h) */
};

/* What a pin means to one peer. */
struct pin_hold {
    struct cid cid;
    enum pin_type type;
    int32_t max_depth;
    int64_t created_s;
    uint64_t modified_index;
    bool is_held;       /* by that peer, by name or as one of all */
    bool is_everybodys; /* held by all */
};

/* A data pin, recursive, everywhere; the rest is 0. */
struct pin pin_of(const struct cid *cid);

const char *
pin_type_name(enum pin_type type); /* "pin", "meta-pin", "clusterdag-pin", "shard-pin" */
/* "recursive", or "direct" for depth 0. */
const char *pin_mode_name(const struct pin *pin);
bool pin_is_everywhere(const struct pin *pin);
bool pin_is_held_by(const struct pin *pin, const struct peer_id *peer);
struct pin_hold pin_hold_of(const struct pin *pin, const struct peer_id *peer);

void pin_encode(const struct pin *pin, struct buf *out);
int pin_decode(struct pin *out, struct arena *arena, const void *bytes, size_t len);
/* The same bytes, looked at for one peer's sake only: takes no memory, and passes over names, metadata and
 * origins. ERR_CORRUPT, ERR_VERSION. */
int pin_decode_hold(struct pin_hold *out, const struct peer_id *peer, const void *bytes,
                    size_t len);
/* Everything but modified_index and is_unlisted. */
bool pin_equal(const struct pin *a, const struct pin *b);

/* ---- what a pin may say ---- */

/* Factors of 0 take the configuration's value, each for itself; then V1's rules in V1's order. */
int pin_resolve_factors(struct pin *pin, int32_t config_min, int32_t config_max, const char **why);
/* Form: limits, types, orders, no peer twice, factors and allocations fitting one another. What this lets
 * pass can be applied, whoever proposed it. */
int pin_check(const struct pin *pin, const char **why);
/* The same before anybody was allocated: what a client may ask for. */
int pin_check_asked(const struct pin *pin, const char **why);
/* expire_s has to lie in the future when a client says it. */
int pin_check_expiry(const struct pin *pin, int64_t now_s, const char **why);
/* May `now` replace `was`? No change of type; a recursive pin does not become direct. why may be NULL. */
int pin_check_replaces(const struct pin *was, const struct pin *now, struct buf *why);
/* Shards and cluster DAGs go with their root only. */
int pin_check_unpin(const struct pin *pin, const char **why);

#endif
