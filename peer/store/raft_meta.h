/* raft_meta.h -- the bytes of the log room's one meta record.
 *
 * Shape    Kind 'M', version, then the fields in the order of struct raft_meta, integers big endian:
 *          cluster id (16 bytes), number, generation, boots, term, voted_for, committed, base term, base
 *          index, last; u8 count of configurations (0..2), newest first, each: u64 index of its
 *          entry, run of raft_config_encode().
 * Errors   decode: ERR_CORRUPT, ERR_VERSION, ERR_NOMEM; *out is untouched then. */
#ifndef STORE_RAFT_META_H
#define STORE_RAFT_META_H

#include "store/raft_store.h"

struct raft_meta {
    struct raft_store_identity identity;
    struct raft_hard_state hard;
    struct raft_pos base;
    uint64_t
        last; /* the log reached at least so far when this was written: a shorter one lost records */
    bool has_config;
    bool has_previous;
    struct raft_config config;
    struct raft_config config_previous;
};

/* Of the configurations only what the pointers (may be NULL) show is written, not meta's own. */
void raft_meta_encode(const struct raft_meta *meta, const struct raft_config *config,
                      const struct raft_config *config_previous, struct buf *out);
int raft_meta_decode(struct raft_meta *out, const void *bytes, size_t len);
void raft_meta_deinit(struct raft_meta *meta);

#endif
