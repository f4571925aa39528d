/* The log in memory.
 *
 * Entries arrive at the back; they leave at the front (the cache lets go) or at the back (a conflict cuts).
 * Payloads do the same, so they live in a ring of bytes: no allocation once the raft is made, and none that can
 * fail at a bad moment. A payload is never split: one that does not fit before the ring's end starts at 0.
 *
 *      0      at          tail                 size          0   tail          at          size
 *      | new  |   free    | old      | (rest)  |             |   | old ... new |   free    |
 *
 * `tail` is where the oldest cached payload begins; every payload takes at least one byte, so at == tail can
 * only mean an empty ring. The ring holds the cache, the unsynced tail, and three entries of the largest size:
 * one lost at the end, one that makes the tail full, one in reserve. */
#include "raft/raft_log.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

enum { RAFT_LOG_SLOTS_FIRST = 64, RAFT_LOG_RUNS_FIRST = 8 };

static size_t raft_log_entry_bytes(const struct raft_entry *e)
{
    return e->payload.len + sizeof(*e);
}

static size_t raft_log_ring_bytes(size_t payload_len)
{
    return payload_len > 0 ? payload_len : 1;
}

int raft_log_init(struct raft_log *log, const struct raft_options *options, struct raft_pos base,
                  uint64_t last, const struct raft_term_run *runs, size_t runs_count)
{
    *log = (struct raft_log){
        .base = base,
        .last = last,
        .stored = last,
        .first = last + 1,
        .cached_bytes_max = options->cache_bytes_max,
        .unsynced_bytes_max = options->unsynced_bytes_max,
    };
    log->ring_size =
        options->cache_bytes_max + options->unsynced_bytes_max + 3 * (size_t)LIMIT_ENTRY_BYTES;
    log->runs_size = runs_count + RAFT_LOG_RUNS_FIRST;
    log->slots_size = RAFT_LOG_SLOTS_FIRST;
    log->ring = mem_alloc(log->ring_size);
    log->runs = mem_array(log->runs_size, sizeof(*log->runs));
    log->slots = mem_array(log->slots_size, sizeof(*log->slots));
    if (log->ring == NULL || log->runs == NULL || log->slots == NULL) {
        raft_log_deinit(log);
        return ERR_NOMEM;
    }
    if (runs_count > 0)
        memcpy(log->runs, runs, runs_count * sizeof(*runs));
    log->runs_count = runs_count;
    return OK;
}

void raft_log_deinit(struct raft_log *log)
{
    mem_free(log->ring);
    mem_free(log->runs);
    mem_free(log->slots);
    *log = (struct raft_log){ 0 };
}

/* ---- terms ---- */

/* The run that holds `index`, which is in base.index+1..last. */
static size_t raft_log_run_of(const struct raft_log *log, uint64_t index)
{
    size_t low = 0;
    size_t high = log->runs_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (log->runs[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t raft_log_term_at(const struct raft_log *log, uint64_t index)
{
    if (index == log->base.index)
        return log->base.term;
    if (index < log->base.index || index > log->last)
        return 0;
    return log->runs[raft_log_run_of(log, index)].term;
}

struct raft_pos raft_log_last(const struct raft_log *log)
{
    return (struct raft_pos){ .term = raft_log_term_at(log, log->last), .index = log->last };
}

struct raft_pos raft_log_back_to_term(const struct raft_log *log, uint64_t index, uint64_t term)
{
    ASSERT(index >= log->base.index && index <= log->last);
    while (index > log->base.index) {
        const struct raft_term_run *run = &log->runs[raft_log_run_of(log, index)];
        if (run->term <= term)
            return (struct raft_pos){ .term = run->term, .index = index };
        index = run->first - 1;
    }
    return log->base;
}

/* Makes room for one more run, and notes that `index` begins a new one if its term is new. */
static int raft_log_note_term(struct raft_log *log, uint64_t term, uint64_t index)
{
    uint64_t before = log->runs_count > 0 ? log->runs[log->runs_count - 1].term : 0;
    ASSERT(term >= before && term >= log->base.term);
    if (log->runs_count > 0 && term == before)
        return OK;
    if (log->runs_count == log->runs_size) {
        void *runs = mem_realloc(log->runs, 2 * log->runs_size * sizeof(*log->runs));
        if (runs == NULL)
            return ERR_NOMEM;
        log->runs = runs;
        log->runs_size *= 2;
    }
    log->runs[log->runs_count] = (struct raft_term_run){ .term = term, .first = index };
    log->runs_count += 1;
    return OK;
}

/* ---- the cache ---- */

static void raft_log_evict_first(struct raft_log *log)
{
    ASSERT(log->count > 0 && log->first <= log->stored);
    log->cached_bytes -= raft_log_entry_bytes(&log->slots[log->head]);
    log->head += 1;
    log->count -= 1;
    log->first += 1;
}

/* Where `len` bytes fit into the ring now; NULL: nowhere. */
static uint8_t *raft_log_ring_find(struct raft_log *log, size_t len)
{
    if (log->count == 0)
        log->ring_at = 0;
    size_t at = log->ring_at;
    size_t tail = log->count > 0
                      ? (size_t)((const uint8_t *)log->slots[log->head].payload.data - log->ring)
                      : log->ring_size;
    if (log->count > 0 && at > tail) {
        if (len <= log->ring_size - at)
            return log->ring + at;
        at = 0;
    }
    return len < tail - at ? log->ring + at : NULL;
}

static uint8_t *raft_log_ring_take(struct raft_log *log, size_t len)
{
    uint8_t *to = raft_log_ring_find(log, len);
    while (to == NULL && log->count > 0 && log->first <= log->stored) {
        raft_log_evict_first(log);
        to = raft_log_ring_find(log, len);
    }
    if (to != NULL)
        log->ring_at = (size_t)(to - log->ring) + len;
    return to;
}

/* Room for one more slot at the back. */
static int raft_log_reserve_slot(struct raft_log *log)
{
    if (log->head + log->count < log->slots_size)
        return OK;
    if (log->head >= log->count) { /* half is free in front: slide, at most once per entry */
        memmove(log->slots, log->slots + log->head, log->count * sizeof(*log->slots));
        log->head = 0;
        return OK;
    }
    void *slots = mem_realloc(log->slots, 2 * log->slots_size * sizeof(*log->slots));
    if (slots == NULL)
        return ERR_NOMEM;
    log->slots = slots;
    log->slots_size *= 2;
    return OK;
}

int raft_log_append(struct raft_log *log, uint64_t term, enum raft_entry_kind kind,
                    struct bytes payload, bool into_reserve)
{
    ASSERT(payload.len <= LIMIT_ENTRY_BYTES);
    struct raft_entry entry = { .pos = { .term = term, .index = log->last + 1 }, .kind = kind };
    entry.payload.len = payload.len;
    size_t bytes = raft_log_entry_bytes(&entry);
    bool is_full = log->unsynced_bytes > 0 && log->unsynced_bytes + bytes > log->unsynced_bytes_max;
    if (is_full && !into_reserve)
        return ERR_BUSY;
    if (raft_log_reserve_slot(log) != OK)
        return ERR_NOMEM;
    uint8_t *to = raft_log_ring_take(log, raft_log_ring_bytes(payload.len));
    if (to == NULL)
        return ERR_BUSY;
    if (raft_log_note_term(log, term, entry.pos.index) != OK)
        return ERR_NOMEM; /* the ring's bytes are taken back with the next append to an empty cache */
    if (payload.len > 0)
        memcpy(to, payload.data, payload.len);
    entry.payload.data = to;
    log->slots[log->head + log->count] = entry;
    log->count += 1;
    log->last += 1;
    log->unsynced_bytes += bytes;
    return OK;
}

void raft_log_truncate(struct raft_log *log, uint64_t from)
{
    ASSERT(from > log->base.index && from <= log->last);
    while (log->count > 0 && log->last >= from) {
        size_t bytes = raft_log_entry_bytes(&log->slots[log->head + log->count - 1]);
        if (log->last > log->stored)
            log->unsynced_bytes -= bytes;
        else
            log->cached_bytes -= bytes;
        log->count -= 1;
        log->last -= 1;
    }
    log->last = from - 1;
    if (log->first > from)
        log->first = from;
    if (log->stored > log->last)
        log->stored = log->last;
    while (log->runs_count > 0 && log->runs[log->runs_count - 1].first >= from)
        log->runs_count -= 1;
    if (log->count > 0) {
        const struct bytes *end = &log->slots[log->head + log->count - 1].payload;
        log->ring_at =
            (size_t)((const uint8_t *)end->data - log->ring) + raft_log_ring_bytes(end->len);
    }
}

void raft_log_set_stored(struct raft_log *log, uint64_t index)
{
    ASSERT(index >= log->stored && index <= log->last);
    if (log->stored < log->base.index) /* the base came with a snapshot, and is stored only now */
        log->stored = index < log->base.index ? index : log->base.index;
    while (log->stored < index) {
        log->stored += 1;
        const struct raft_entry *e = raft_log_get(log, log->stored);
        ASSERT(e != NULL);
        log->unsynced_bytes -= raft_log_entry_bytes(e);
        log->cached_bytes += raft_log_entry_bytes(e);
    }
    while (log->cached_bytes > log->cached_bytes_max)
        raft_log_evict_first(log);
}

void raft_log_trim(struct raft_log *log, uint64_t index)
{
    ASSERT(index >= log->base.index && index <= log->stored);
    if (index == log->base.index)
        return;
    log->base = (struct raft_pos){ .term = raft_log_term_at(log, index), .index = index };
    while (log->count > 0 && log->first <= index)
        raft_log_evict_first(log);
    if (index == log->last) {
        log->runs_count = 0;
        return;
    }
    size_t gone = raft_log_run_of(log, index + 1);
    log->runs_count -= gone;
    memmove(log->runs, log->runs + gone, log->runs_count * sizeof(*log->runs));
    if (log->runs[0].first <= index)
        log->runs[0].first = index + 1;
}

void raft_log_reset(struct raft_log *log, struct raft_pos base, uint64_t stored)
{
    ASSERT(stored <= base.index);
    log->base = base;
    log->last = base.index;
    log->stored = stored;
    log->first = base.index + 1;
    log->head = 0;
    log->count = 0;
    log->runs_count = 0;
    log->cached_bytes = 0;
    log->unsynced_bytes = 0;
}

const struct raft_entry *raft_log_get(const struct raft_log *log, uint64_t index)
{
    if (index < log->first || index > log->last)
        return NULL;
    return &log->slots[log->head + (size_t)(index - log->first)];
}

const struct raft_entry *raft_log_slice(const struct raft_log *log, uint64_t first, uint64_t last,
                                        size_t bytes_max, size_t count_max, size_t *count)
{
    ASSERT(first <= last && last <= log->last);
    const struct raft_entry *from = raft_log_get(log, first);
    if (from == NULL)
        return NULL;
    size_t taken = 1;
    size_t bytes = from->payload.len;
    while (taken < count_max && first + taken <= last) {
        bytes += from[taken].payload.len;
        if (bytes > bytes_max)
            break; /* never skip a big one for a small one behind it: that would be a gap */
        taken += 1;
    }
    *count = taken;
    return from;
}

void raft_log_check(const struct raft_log *log)
{
    ASSERT(log->base.index <= log->last && log->stored <= log->last);
    ASSERT(log->first > log->base.index && log->first <= log->last + 1);
    ASSERT(log->count == log->last + 1 - log->first);
    ASSERT((log->runs_count > 0) == (log->last > log->base.index));
    ASSERT(log->runs_count == 0 || log->runs[0].first == log->base.index + 1);
    uint64_t term = log->base.term;
    for (size_t i = 0; i < log->runs_count; i++) {
        ASSERT(i == 0 ? log->runs[i].term >= term : log->runs[i].term > term);
        ASSERT(i == 0 || log->runs[i].first > log->runs[i - 1].first);
        ASSERT(log->runs[i].first <= log->last);
        term = log->runs[i].term;
    }
    size_t cached = 0;
    size_t unsynced = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct raft_entry *e = &log->slots[log->head + i];
        ASSERT(e->pos.index == log->first + i);
        ASSERT(e->pos.term == raft_log_term_at(log, e->pos.index));
        if (e->pos.index <= log->stored)
            cached += raft_log_entry_bytes(e);
        else
            unsynced += raft_log_entry_bytes(e);
    }
    ASSERT(cached == log->cached_bytes && unsynced == log->unsynced_bytes);
}
