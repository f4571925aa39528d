/* raft_units.h -- what the disk has, what is on its way there, and which unit a promise waits for.
 *
 * Shape    Units 1, 2, ... are taken in order and stored in order. Between `handed` and the log's last index
 *          lie the entries that no unit carries yet.
 * Holds    stored <= taken;  handed <= last;  cut_from is 0 or at most handed + 1.
 * Source   Our own (DESIGN 2): group commit with several units in flight; a cut may overtake them. */
#ifndef RAFT_RAFT_UNITS_H
#define RAFT_RAFT_UNITS_H

#include "raft/raft_log.h"

enum { RAFT_UNITS_IN_FLIGHT_MAX = 16 };

struct raft_units {
    uint64_t taken;  /* number of the last unit that was handed out */
    uint64_t stored; /* number of the last one known to be durable */
    uint64_t handed; /* last index that is in some unit, or was there from the start */
    uint64_t cut_from;
    bool is_meta_dirty; /* term, vote, number or base are newer than in any unit */
    uint64_t meta_unit; /* the last unit taken that carried news of these */
    struct {
        uint64_t number;
        uint64_t
            upto; /* once it is stored, ours up to here is on disk: falls when the log is cut */
    } flights[RAFT_UNITS_IN_FLIGHT_MAX]; /* ascending */
    size_t flights_count;
};

void raft_units_init(struct raft_units *u, const struct raft_log *log);
bool raft_units_has(const struct raft_units *u, const struct raft_log *log);
/* Hands out the next unit's number, its cut and its first entry (none when that is beyond the log's last). */
void raft_units_take(struct raft_units *u, const struct raft_log *log, uint64_t *cut_from,
                     uint64_t *first);
/* Units up to `number` are durable. Returns up to where ours is on disk now. */
uint64_t raft_units_on_stored(struct raft_units *u, uint64_t number, uint64_t stored_index);
/* The log was cut: entries from `from` on are not ours any more. */
void raft_units_on_cut(struct raft_units *u, uint64_t from);
/* The log was emptied and begins after `base_index`. */
void raft_units_on_reset(struct raft_units *u, uint64_t base_index);
/* The unit after which our term and vote are durable; 0: they are. */
uint64_t raft_units_of_meta(const struct raft_units *u);
/* The unit after which our entry at `index` is durable; 0: it is. */
uint64_t raft_units_of_index(const struct raft_units *u, const struct raft_log *log,
                             uint64_t index);

#endif
