/* Units are pulled: while some are being synced, everything that arrives gathers for the next one.
 *
 * The difficulty is a cut that comes while a unit is in flight:
 *
 *      unit 7 in flight: entries 10 11 12 of term 4          done: "12 is on disk" -- but whose 12?
 *      a new leader cuts at 11 and sends 11' 12' of term 5   these go into unit 8, with cut_from 11
 *
 * A unit therefore remembers up to where its entries are still ours (upto), and each cut lowers that; when 7 is
 * done, ours is on disk up to 10 only. Comparing the index alone would have acknowledged 12' (SIMULATION L08).
 * A cut of entries that no unit carries yet never reaches the disk. Several cuts before one unit are one, at
 * the lowest index: the unit carries everything from there on again. */
#include "raft/raft_units.h"

#include "util/assert.h"

void raft_units_init(struct raft_units *u, const struct raft_log *log)
{
    *u = (struct raft_units){ .handed = log->last };
}

bool raft_units_has(const struct raft_units *u, const struct raft_log *log)
{
    if (u->flights_count == RAFT_UNITS_IN_FLIGHT_MAX)
        return false;
    return u->is_meta_dirty || u->cut_from > 0 || u->handed < log->last;
}

void raft_units_take(struct raft_units *u, const struct raft_log *log, uint64_t *cut_from,
                     uint64_t *first)
{
    ASSERT(raft_units_has(u, log));
    ASSERT(u->cut_from <= u->handed + 1);
    *cut_from = u->cut_from;
    *first = u->handed + 1;
    u->taken += 1;
    u->handed = log->last;
    u->cut_from = 0;
    if (u->is_meta_dirty)
        u->meta_unit = u->taken;
    u->is_meta_dirty = false;
    u->flights[u->flights_count].number = u->taken;
    u->flights[u->flights_count].upto = log->last;
    u->flights_count += 1;
}

uint64_t raft_units_on_stored(struct raft_units *u, uint64_t number, uint64_t stored_index)
{
    ASSERT(number > u->stored && number <= u->taken);
    size_t done = 0;
    while (done < u->flights_count && u->flights[done].number <= number) {
        if (u->flights[done].upto > stored_index)
            stored_index = u->flights[done].upto;
        done += 1;
    }
    u->stored = number;
    u->flights_count -= done;
    for (size_t i = 0; i < u->flights_count; i++)
        u->flights[i] = u->flights[i + done];
    return stored_index;
}

void raft_units_on_cut(struct raft_units *u, uint64_t from)
{
    ASSERT(from > 0);
    for (size_t i = 0; i < u->flights_count; i++) {
        if (u->flights[i].upto >= from)
            u->flights[i].upto = from - 1;
    }
    if (from > u->handed)
        return;
    if (u->cut_from == 0 || from < u->cut_from)
        u->cut_from = from;
    u->handed = from - 1;
}

void raft_units_on_reset(struct raft_units *u, uint64_t base_index)
{
    for (size_t i = 0; i < u->flights_count; i++)
        u->flights[i].upto = 0;
    u->cut_from = 1; /* a log with a hole would be taken for a damaged one at the next start */
    u->handed = base_index;
    u->is_meta_dirty = true;
}

uint64_t raft_units_of_meta(const struct raft_units *u)
{
    if (u->is_meta_dirty)
        return u->taken + 1;
    return u->meta_unit > u->stored ? u->meta_unit : 0;
}

uint64_t raft_units_of_index(const struct raft_units *u, const struct raft_log *log, uint64_t index)
{
    if (index <= log->stored)
        return 0;
    for (size_t i = 0; i < u->flights_count; i++) {
        if (u->flights[i].upto >= index)
            return u->flights[i].number;
    }
    return u->taken + 1;
}
