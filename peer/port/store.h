/* store.h -- one disk, three rooms (DESIGN 3, 4).
 *
 *   log    numbered records, appended and cut at the tail, trimmed at the head, and one meta record
 *   map    numbered tables of ordered bytes, in two areas: STATE (in generations; what is replicated)
 *          and LOCAL (this peer's own rows; never exported)
 *   file   numbered files for snapshots and exports
 *
 * Promise  A unit or batch happens whole or not at all. After a crash each room (the two areas of the
 *          map count as two) holds a prefix of what was submitted to it, with everything acknowledged
 *          or shown by a view in it. How many share one sync is the implementation's business: that
 *          is group commit. A view shows the newest durable version of its area, which may be ahead
 *          of the done() calls. Files: only what a FILE_SYNC acknowledged survives; the rest may be
 *          there, torn at 512 bytes in any subset, or not.
 * Hooks    done() runs on the loop, exactly once for each accepted request, in submission order within
 *          its room (trims and map jobs aside: see there), never from inside the call that
 *          submitted. On shutdown what was not finished gets ERR_CANCELED: its outcome is unknown.
 * Errors   At once (done will not run): ERR_BUSY queue full, ERR_TOO_BIG, ERR_NOMEM. By done():
 *          ERR_FULL disk full: this write did not happen, nor did any that the room had accepted by
 *          the time done() says so (they all end with ERR_FULL, so no later one overtakes; in the file
 *          room each job stands alone); the room stays readable and may be tried again. ERR_IO: the room takes no write any more (a failed
 *          sync is never retried). ERR_NOT_FOUND, ERR_CORRUPT.
 * Owner    The caller owns the request struct and its bytes until done() runs.
 * Rule     Workers see bytes only. No call on the loop waits for the disk, save the two *_open ones. */
#ifndef PORT_STORE_H
#define PORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/view.h"
#include "util/assert.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/mem.h"

/* The implementation's corner of a request, while it is in flight; nobody else looks. */
struct store_slot {
    struct list_link link;
    uint64_t round; /* which refusal (ERR_FULL) it was submitted after */
    int kind;
    int err;
    void *impl;
};

/* What a checksum says a record belongs to. The numbers are on disk. */
enum store_room { ROOM_LOG = 1, ROOM_STATE = 2, ROOM_LOCAL = 3 };

/* Stored beside every record and row, and compared whenever one is read: over the room, the table,
 * the key and the value, so that a record in the wrong place is as bad as a changed one. */
static inline uint64_t store_checksum(enum store_room room, unsigned table, struct bytes key,
                                      struct bytes value)
{
    uint64_t place = hash64((uint64_t)room << 8 | table, key.data, key.len);
    return hash64(place, value.data, value.len);
}

/* ---- log ---- */

struct log_record {
    uint64_t index; /* from 1; consecutive within a unit */
    struct bytes bytes;
};

/* One unit: durable as a whole when done() says OK. Applied in this order: cut, then records, then
 * meta. The records follow the last one that the cut left; in an emptied log any index may begin. */
struct log_unit {
    uint64_t cut_from; /* records with an index >= this are removed first; 0: none; 1: all */
    const struct log_record *records;
    size_t records_count;
    struct bytes meta; /* replaces the meta record; len 0: keeps it */
    void (*done)(struct log_unit *unit, int err);
    void *owner;
    struct store_slot slot;
};

/* Records first.. in order, until the next would pass `bytes_max` (at least one) or the log ends.
 * Sees exactly the units that were submitted before it. ERR_NOT_FOUND when `first` is not in the
 * log; ERR_CORRUPT when a record among those asked for is damaged or missing. */
struct log_fetch {
    uint64_t first;
    size_t bytes_max;
    /* Filled: `records_count` records, whose bytes point into `bytes`. Valid until the caller frees
     * them with log_fetch_deinit(). */
    struct log_record *records;
    size_t records_count;
    struct buf bytes;
    void (*done)(struct log_fetch *fetch, int err);
    void *owner;
    struct store_slot slot;
};

/* Forget the records below `first_kept`, in the background, in small steps: begun when the units
 * before it are durable; later units and fetches may overtake it; a crash may leave it half done. */
struct log_trim {
    uint64_t first_kept;
    void (*done)(struct log_trim *trim, int err);
    void *owner;
    struct store_slot slot;
};

struct log_extent {
    uint64_t first; /* 0 and 0: no record */
    uint64_t last;
};

/* Called for each record at start-up, in order; anything but OK ends the walk with that code. */
typedef int (*log_record_hook)(void *owner, const struct log_record *record);

/* ---- map ---- */

enum map_area { MAP_STATE, MAP_LOCAL, MAP_AREA_COUNT };

struct map_op {
    uint8_t table;
    bool is_delete; /* of a row that may be absent */
    struct bytes key;
    struct bytes value;
};

struct map_batch {
    enum map_area area;
    const struct map_op *ops; /* in order: a later one on the same key wins */
    size_t ops_count;
    void (*done)(struct map_batch *batch, int err);
    void *owner;
    struct store_slot slot;
};

/* Long jobs on a generation of MAP_STATE, one after another, in a queue of their own: batches go on
 * meanwhile. Export writes the tables below `tables_count` of the open generation in key order to a
 * file: the very version that a view opened in the same event shows. Import makes a generation (not
 * the open one) from such a file, replacing what that number held; ERR_CORRUPT when the file is not
 * whole. Drop deletes a generation that is not open. Format: util/row_file.h. */
struct map_job {
    enum { MAP_EXPORT, MAP_IMPORT, MAP_DROP } what;
    uint64_t generation;
    uint64_t file_no;      /* export, import */
    unsigned tables_count; /* export */
    uint64_t file_len;     /* out, export: length of the file, synced when done */
    void (*done)(struct map_job *job, int err);
    void *owner;
    struct store_slot slot;
};

/* ---- file ---- */

/* Reads see all earlier writes. The bytes between a file's old end and a later write are zeros. Of
 * a file that is not there, a read or sync gives ERR_NOT_FOUND; a write makes it, a drop is OK. */
struct file_job {
    enum { FILE_WRITE, FILE_READ, FILE_SYNC, FILE_DROP } what;
    uint64_t file_no;
    uint64_t offset;
    const void *data; /* what is written */
    void *into;       /* where a read puts it */
    size_t len;
    size_t len_done; /* out: fewer than len at the file's end, on reading */
    void (*done)(struct file_job *job, int err);
    void *owner;
    struct store_slot slot;
};

struct store_ops {
    int (*log_open)(void *impl, struct buf *meta, struct log_extent *extent,
                    log_record_hook on_record, void *owner);
    int (*log_write)(void *impl, struct log_unit *unit);
    int (*log_fetch)(void *impl, struct log_fetch *fetch);
    int (*log_trim)(void *impl, struct log_trim *trim);
    int (*map_open)(void *impl, uint64_t generation);
    int (*map_write)(void *impl, struct map_batch *batch);
    int (*map_job)(void *impl, struct map_job *job);
    int (*view_open)(void *impl, enum map_area area, struct view *view);
    void (*view_close)(void *impl, struct view *view);
    int (*file_job)(void *impl, struct file_job *job);
};

struct store {
    const struct store_ops *ops;
    void *impl;
};

/* Start-up, once, before anything else: what the log room holds, each record in order shown to
 * on_record (which learns the terms from it). Blocks. A record that is damaged or missing is never
 * read as the end of the log: ERR_CORRUPT (the peer becomes a stranger). `meta` is appended to; nothing
 * when none was ever written. */
static inline int store_log_open(struct store *s, struct buf *meta, struct log_extent *extent,
                                 log_record_hook on_record, void *owner)
{
    ASSERT(on_record != NULL);
    return s->ops->log_open(s->impl, meta, extent, on_record, owner);
}

/* Queue `unit` behind every earlier one. OK: done() runs later, exactly once, never from inside
 * this call. Any other value: refused, and done() will not run. */
static inline int store_log_write(struct store *s, struct log_unit *unit)
{
    ASSERT(unit->done != NULL);
    ASSERT(unit->records_count > 0 || unit->meta.len > 0 || unit->cut_from > 0);
    size_t bytes_len = unit->meta.len;
    for (size_t i = 0; i < unit->records_count; i++) {
        ASSERT(unit->records[i].index > 0);
        ASSERT(i == 0 || unit->records[i].index == unit->records[i - 1].index + 1);
        bytes_len += unit->records[i].bytes.len;
    }
    if (bytes_len > LIMIT_LOG_UNIT_BYTES)
        return ERR_TOO_BIG;
    return s->ops->log_write(s->impl, unit);
}

static inline int store_log_fetch(struct store *s, struct log_fetch *fetch)
{
    ASSERT(fetch->done != NULL && fetch->first > 0 && fetch->bytes_max > 0);
    return s->ops->log_fetch(s->impl, fetch);
}

static inline void log_fetch_deinit(struct log_fetch *fetch)
{
    mem_free(fetch->records);
    fetch->records = NULL;
    fetch->records_count = 0;
    buf_deinit(&fetch->bytes);
}

static inline int store_log_trim(struct store *s, struct log_trim *trim)
{
    ASSERT(trim->done != NULL && trim->first_kept > 0);
    return s->ops->log_trim(s->impl, trim);
}

/* Which generation (from 1) of MAP_STATE views and batches mean from now on. Opens it (empty when
 * it is new), and deletes every other one that no job works on. Blocks: at start-up, and at the
 * switch after an import, with no batch in flight and no view open. LOCAL is opened by the first
 * call. */
static inline int store_map_open(struct store *s, uint64_t generation)
{
    return s->ops->map_open(s->impl, generation);
}

static inline int store_map_write(struct store *s, struct map_batch *batch)
{
    ASSERT(batch->done != NULL && batch->ops_count > 0);
    ASSERT(batch->ops_count <= LIMIT_MAP_BATCH_OPS_COUNT);
    size_t bytes_len = 0;
    for (size_t i = 0; i < batch->ops_count; i++) {
        const struct map_op *op = &batch->ops[i];
        ASSERT(op->table < LIMIT_MAP_TABLES_COUNT && op->key.len > 0);
        if (op->key.len > LIMIT_MAP_KEY_BYTES || op->value.len > LIMIT_MAP_VALUE_BYTES)
            return ERR_TOO_BIG;
        bytes_len += op->key.len + op->value.len;
    }
    if (bytes_len > LIMIT_MAP_BATCH_BYTES)
        return ERR_TOO_BIG;
    return s->ops->map_write(s->impl, batch);
}

static inline int store_map_job(struct store *s, struct map_job *job)
{
    ASSERT(job->done != NULL && job->generation > 0);
    return s->ops->map_job(s->impl, job);
}

static inline int store_view_open(struct store *s, enum map_area area, struct view *view)
{
    view->steps = 0;
    return s->ops->view_open(s->impl, area, view);
}

static inline void store_view_close(struct store *s, struct view *view)
{
    s->ops->view_close(s->impl, view);
}

static inline int store_file_job(struct store *s, struct file_job *job)
{
    ASSERT(job->done != NULL);
    ASSERT(job->len == 0 || (job->what == FILE_READ ? job->into : job->data) != NULL);
    return s->ops->file_job(s->impl, job);
}

#endif
