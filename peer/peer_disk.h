/* peer_disk.h -- the disk of a peer that does not run: what it holds, and how it comes to hold a set of pins.
 *
 * Shape    Opened on the same store port as a peer, instead of one. Looking: facts, and the pins in CID order.
 *          Importing, into a disk that holds nothing: the pins become the entries of a log that this peer alone has
 *          written and committed, as if a cluster of one had been founded, been told all of them, and trimmed its log.
 *              import_begin, import_pin..., import_end ---> hooks.on_done, when all of it is durable
 * Owner    The caller owns the store, which outlives the disk; what facts point at lives until the close.
 * Errors   open: ERR_VERSION, ERR_IO, ERR_NOMEM; ERR_CORRUPT: the state is damaged. (A damaged log is no error: facts
 *          say so, and there are no others.) */
#ifndef PEER_PEER_DISK_H
#define PEER_PEER_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "peer.h"
#include "port/store.h"
#include "raft/raft.h"
#include "state/pin.h"
#include "util/arena.h"
#include "util/hash.h"

struct peer_disk;

struct peer_disk_facts {
    bool is_empty; /* never a member, or not since it was wiped */
    bool log_is_damaged;
    uint8_t cluster_id[PEER_CLUSTER_ID_BYTES]; /* zeroes: not committed yet */
    uint64_t number;                           /* of this member */
    uint64_t term;                             /* the newest that it has seen */
    struct raft_pos last;                      /* its last entry */
    uint64_t committed;                        /* as far as it knew */
    const struct raft_config *config;          /* NULL: none */
    /* The state. */
    uint64_t applied;
    uint32_t level;
    uint64_t pins_count;
    struct hash128 hash;
};

int peer_disk_open(struct peer_disk **out, const struct store *store);
/* With nothing in flight, or a store that completes into it no more. */
void peer_disk_close(struct peer_disk *d);
const struct peer_disk_facts *peer_disk_facts(const struct peer_disk *d);

/* ---- looking ---- */

/* Up to `count` pins behind `after` (undefined: from the first), told one after another; on_pin's code other than OK
 * ends it. OK: there may be more; ERR_NOT_FOUND: that was all. `after` becomes the last one told. What was told lies in
 * the arena until the next call. This works on the store of a running peer, too (its durable state). */
enum { PEER_DISK_SLICE = LIMIT_VIEW_STEPS_COUNT / 2 };
typedef int (*peer_disk_pin)(void *owner, const struct pin *pin);
int peer_disk_walk(const struct store *store, struct arena *arena, struct cid *after, size_t count,
                   peer_disk_pin on_pin, void *owner);

/* ---- importing ---- */

struct peer_disk_import {
    struct peer_id self;
    uint8_t cluster_id[PEER_CLUSTER_ID_BYTES]; /* of the new cluster: random */
    void (*on_room)(void *owner);              /* after ERR_BUSY */
    void (*on_done)(void *owner, int err);
    void *owner;
};

/* ERR_EXISTS: the disk holds a member's data. */
int peer_disk_import_begin(struct peer_disk *d, const struct peer_disk_import *import);
/* ERR_BUSY: once more after on_room. ERR_INVALID, with words: no such pin can be. A CID that comes twice is replaced. */
int peer_disk_import_pin(struct peer_disk *d, const struct pin *pin, struct buf *why);
int peer_disk_import_end(struct peer_disk *d);

#endif
