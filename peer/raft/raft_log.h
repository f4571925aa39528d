/* raft_log.h -- the log as one member sees it: the terms of all of it, the entries of its newest part.
 *
 *      base      (trimmed)  |  on disk only: terms known     |  cached        |  unsynced
 *      ... base.index       |  base.index+1 ....  first-1    |  first..stored |  stored+1..last
 *
 * Shape    The entries first..last are in memory, one run without gaps; a run of the log that has one term is
 *          two numbers, so the terms of the whole log fit too. Older entries are fetched (raft_fetch.c).
 * Units    term and index count from 1; 0 is "before everything". bytes: payload and the struct beside it.
 * Owner    Payloads are copied into a ring that is allocated once. What raft_log_get() and raft_log_slice()
 *          point at lives until the next non-const call.
 * Errors   ERR_BUSY when the unsynced tail is full; ERR_NOMEM. Asking outside base..last asserts.
 * Holds    base.index < first <= last + 1;  stored <= last;  what is not stored is in memory;  terms never
 *          fall. stored < base.index only while a snapshot's base is on its way to the disk. */
#ifndef RAFT_RAFT_LOG_H
#define RAFT_RAFT_LOG_H

#include "raft/raft.h"

struct raft_log {
    struct raft_pos base;
    uint64_t last;
    uint64_t stored; /* ours up to here is on disk */

    struct raft_term_run *runs; /* of base.index+1..last, ascending */
    size_t runs_count;
    size_t runs_size;

    /* Entries first..last are slots[head..head+count): a queue that slides in its array, so that any part of
     * it is one piece. */
    uint64_t first;
    struct raft_entry *slots;
    size_t head;
    size_t count;
    size_t slots_size;

    uint8_t *ring;
    size_t ring_size;
    size_t ring_at; /* where the next payload goes, if it fits before the end */

    size_t cached_bytes; /* of first..stored */
    size_t cached_bytes_max;
    size_t unsynced_bytes; /* of stored+1..last */
    size_t unsynced_bytes_max;
};

/* Does somebody with the log `a` know all that `b` can have committed? Raft 5.4.1. */
static inline bool raft_pos_covers(struct raft_pos a, struct raft_pos b)
{
    return a.term > b.term || (a.term == b.term && a.index >= b.index);
}

int raft_log_init(struct raft_log *log, const struct raft_options *options, struct raft_pos base,
                  uint64_t last, const struct raft_term_run *runs, size_t runs_count);
void raft_log_deinit(struct raft_log *log);

struct raft_pos raft_log_last(const struct raft_log *log);
/* base..last; 0 outside. */
uint64_t raft_log_term_at(const struct raft_log *log, uint64_t index);
/* The last position up to `index` whose term is not above `term`; base when there is none. Two logs that
 * differ are equal at most up to there, so whole terms are skipped at once (Raft 5.3, end). */
struct raft_pos raft_log_back_to_term(const struct raft_log *log, uint64_t index, uint64_t term);

/* The next entry. `into_reserve`: not refused for a full tail (no-ops and configurations). */
int raft_log_append(struct raft_log *log, uint64_t term, enum raft_entry_kind kind,
                    struct bytes payload, bool into_reserve);
/* Forgets from..last. */
void raft_log_truncate(struct raft_log *log, uint64_t from);
/* Ours up to `index` is on disk now: the cache may let older ones go. */
void raft_log_set_stored(struct raft_log *log, uint64_t index);
/* The log begins after `index` from now on. */
void raft_log_trim(struct raft_log *log, uint64_t index);
/* The log is empty and begins after `base`; stored up to `stored`. */
void raft_log_reset(struct raft_log *log, struct raft_pos base, uint64_t stored);

/* NULL when it is not in memory. */
const struct raft_entry *raft_log_get(const struct raft_log *log, uint64_t index);
/* Entries first.. in one piece, at least one, then within the limits and not beyond `last`. NULL when `first`
 * is not in memory. */
const struct raft_entry *raft_log_slice(const struct raft_log *log, uint64_t first, uint64_t last,
                                        size_t bytes_max, size_t count_max, size_t *count);
void raft_log_check(const struct raft_log *log);

#endif
