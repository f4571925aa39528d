/* raft_store.h -- Raft's records in the log room: entries, and one meta record.
 *
 * Shape    A unit of raft/ becomes one unit of the store: an entry a record (raft_entry_encode()), and
 *          the meta record (raft_meta.h) beside them when term, vote, base, configuration or
 *          identity changed; for `committed` alone only while that record is small.
 * Load     raft_store_load() opens the room, checks that the records are whole, consecutive, of rising
 *          term and as many as were once acknowledged, and gives what raft_create() wants.
 * Order    Units are stored in the order of raft_store_write(). One that the full disk refused is kept,
 *          and those behind it wait: raft_store_retry().
 * Owner    raft_store_loaded belongs to the caller (raft_store_loaded_deinit). The raft_store stays where
 *          it is from load to deinit; entries and configurations are copied.
 * Errors   ERR_CORRUPT damaged (the peer becomes a stranger, DESIGN 6), ERR_VERSION, ERR_IO, ERR_NOMEM.
 * Source   docs/STORE.md. */
#ifndef STORE_RAFT_STORE_H
#define STORE_RAFT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/store.h"
#include "raft/raft.h"
#include "store/log_size.h"

enum { RAFT_STORE_CLUSTER_ID_BYTES = 16 };

/* What stands in the meta record beside Raft's own. */
struct raft_store_identity {
    uint8_t cluster_id[RAFT_STORE_CLUSTER_ID_BYTES]; /* zeroes: not committed yet */
    uint64_t number;                                 /* RAFT_NOBODY: none was given */
    uint64_t generation;                             /* of MAP_STATE */
    uint64_t boots; /* counts the starts; makes sequences of proposals unique */
};

struct raft_store_loaded {
    bool is_empty; /* nothing was ever written */
    struct raft_store_identity identity;
    struct raft_durable durable; /* its pointers point into this struct's memory */
    struct raft_config config;
    struct raft_config config_previous;
    struct raft_term_run *runs;
};

struct raft_store {
    struct store *store;
    /* Both go into every meta record; the driver sets them before a write. */
    struct raft_store_identity identity;
    struct raft_pos base; /* raft_base(): the log begins after it */

    /* Its own. */
    struct list_link writes; /* not durable, in order */
    struct list_link reads;
    struct buf meta_written; /* the last one submitted, without its two hints */
    uint64_t last;        /* index of the last entry, as submitted; the base's when there is none */
    struct log_size size; /* of the records, as submitted */
    uint64_t base_durable;
    uint64_t trim_wanted; /* first_kept; 0: none */
    struct log_trim trim;
    bool trim_runs;
    bool is_refused; /* ERR_FULL: nothing is sent until a retry */
    bool retry_is_wanted;
    size_t in_flight_count;
};

/* ERR_CORRUPT leaves a raft_store that can be written to: a stranger's first unit cuts everything away. */
int raft_store_load(struct raft_store *s, struct store *store, struct raft_store_loaded *out);
void raft_store_loaded_deinit(struct raft_store_loaded *loaded);
/* Forgets everything; the store must not complete into it any more (a crash), or is idle. Harmless on {0}. */
void raft_store_deinit(struct raft_store *s);

/* done runs later. OK: the unit is durable. ERR_FULL: it is not, but kept; done runs again after
 * raft_store_retry(). Any other code: it is gone, and so is the room. `number` is the unit's. A unit without
 * entries writes the meta record alone. At once: ERR_NOMEM, ERR_TOO_BIG, and done will not run. */
typedef void (*raft_store_stored)(void *owner, uint64_t number, int err);
int raft_store_write(struct raft_store *s, const struct raft_unit *unit, raft_store_stored done,
                     void *owner);
/* The disk had been full; try the kept units again. */
void raft_store_retry(struct raft_store *s);
/* Entries first.. in order, at least one; they live until done returns. On error none (NULL, 0). */
typedef void (*raft_store_fetched)(void *owner, int err, const struct raft_entry *entries,
                                   size_t count);
int raft_store_fetch(struct raft_store *s, uint64_t first, size_t bytes_max,
                     raft_store_fetched done, void *owner);
/* Drops the head of the log below `first_kept`, whose predecessor is `base`, in the background and not before
 * a unit has made `base` durable: a log whose head is gone must say so. */
int raft_store_trim(struct raft_store *s, struct raft_pos base, uint64_t first_kept);

#endif
