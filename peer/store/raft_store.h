/* raft_store.h -- Raft's records in the log room: entries, and one meta record.
 *
 * Shape    A unit of raft/ becomes one unit of the store. The meta record is rewritten with it when hard
 *          state, base, configuration or identity changed. Everything carries kind and version.
 * Load     raft_store_load() opens the room, checks that the records are whole, consecutive and of rising
 *          term, and gives what raft_create() wants.
 * Owner    raft_store_loaded belongs to the caller (raft_store_loaded_deinit).
 * Errors   ERR_CORRUPT damaged (the peer becomes a stranger, DESIGN 6), ERR_VERSION, ERR_IO, ERR_NOMEM.
 * Source   docs/STORE.md. */
#ifndef STORE_RAFT_STORE_H
#define STORE_RAFT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/store.h"
#include "raft/raft.h"

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
    struct raft_store_identity identity; /* goes into every meta record */
    struct raft_pos base;
};

int raft_store_load(struct raft_store *s, struct store *store, struct raft_store_loaded *out);
void raft_store_loaded_deinit(struct raft_store_loaded *loaded);

/* done runs once, later. `number` is the unit's. At once: ERR_BUSY, ERR_NOMEM, ERR_TOO_BIG. */
typedef void (*raft_store_stored)(void *owner, uint64_t number, int err);
int raft_store_write(struct raft_store *s, const struct raft_unit *unit, raft_store_stored done,
                     void *owner);
/* Entries first.. in order, at least one; they live until done returns. */
typedef void (*raft_store_fetched)(void *owner, int err, const struct raft_entry *entries,
                                   size_t count);
int raft_store_fetch(struct raft_store *s, uint64_t first, size_t bytes_max,
                     raft_store_fetched done, void *owner);
/* Drops the head of the log below `first_kept`, in the background. First the base behind it has to be durable:
 * raft_on_trimmed(), s->base = raft_base(), and the unit that carries it. */
int raft_store_trim(struct raft_store *s, uint64_t first_kept);
/* The bytes of the meta record, for whoever tests or inspects them. */
int raft_store_read_meta(struct raft_store_loaded *out, const void *bytes, size_t len);

#endif
