/* store.h -- one disk, three rooms (DESIGN 3, 4).
 *
 *   log    numbered records, appended and cut at the tail, trimmed at the head, and one meta record
 *   map    numbered tables of ordered bytes, in two areas: STATE (in generations; what is replicated)
 *          and LOCAL (this peer's own rows; never exported)
 *   file   numbered files for snapshots and exports
 *
 * Promise  A unit or batch happens whole or not at all. After a crash each room (the two areas of the
 *          map count as two) holds a prefix of what was submitted to it, with everything acknowledged
 *          in it. How many share one sync is the implementation's business: that is group commit.
 *          A view shows the newest durable version of its area. Files: only what a FILE_SYNC
 *          acknowledged survives; the rest may be there, torn at 512 bytes in any subset, or not.
 * Hooks    done() runs on the loop, exactly once for each accepted request, in submission order within
 *          its room, never from inside the call that submitted. On shutdown: ERR_CANCELED.
 * Errors   At once (done will not run): ERR_BUSY queue full, ERR_TOO_BIG. By done(): ERR_FULL disk
 *          full (the room stays readable; later requests may succeed), ERR_IO (the room is dead from
 *          then on: a failed sync is never retried), ERR_NOT_FOUND, ERR_CORRUPT.
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
#include "util/limits.h"
#include "util/list.h"

/* ---- log ---- */

struct log_record {
    uint64_t index; /* from 1; consecutive within a unit */
    struct bytes bytes;
};

/* One unit: durable as a whole when done() says OK. Applied in this order: cut, then records, then
 * meta. */
struct log_unit {
    uint64_t cut_from; /* records with an index >= this are removed first; 0: none */
    const struct log_record *records;
    size_t records_count;
    struct bytes meta; /* replaces the meta record; len 0: keeps it */
    void (*done)(struct log_unit *unit, int err);
    void *owner;
    struct list_link link; /* the implementation's, while the unit is in flight */
};

/* Records first.. in order, until `bytes_max` is passed (at least one) or the log ends. Sees every
 * unit that was submitted before it. ERR_NOT_FOUND when `first` is not in the log. */
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
    struct list_link link;
};

/* Forget the records below `first_kept`, in the background, in small steps. */
struct log_trim {
    uint64_t first_kept;
    void (*done)(struct log_trim *trim, int err);
    void *owner;
    struct list_link link;
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
    struct list_link link;
};

/* Long jobs on a generation of MAP_STATE. Export writes the tables below `tables_count` in key
 * order, as of the moment it starts, to a file; import makes a generation from such a file,
 * replacing what that number held. Format: docs/STORE.md. */
struct map_job {
    enum { MAP_EXPORT, MAP_IMPORT, MAP_DROP } what;
    uint64_t generation;
    uint64_t file_no;      /* export, import */
    unsigned tables_count; /* export */
    uint64_t file_len;     /* out, export: length of the file, synced when done */
    void (*done)(struct map_job *job, int err);
    void *owner;
    struct list_link link;
};

/* ---- file ---- */

struct file_job {
    enum { FILE_WRITE, FILE_READ, FILE_SYNC, FILE_DROP } what;
    uint64_t file_no;
    uint64_t offset;
    void *data; /* written from or read into */
    size_t len;
    size_t len_done; /* out: fewer than len at the file's end, on reading */
    void (*done)(struct file_job *job, int err);
    void *owner;
    struct list_link link;
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

/* Start-up, once, before anything else: what the log room holds, each record shown to on_record (which
 * learns the terms from it). Blocks. A record that is damaged or missing in the middle is not the end of the
 * log: ERR_CORRUPT (the peer becomes a stranger). */
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
    return s->ops->log_write(s->impl, unit);
}

static inline int store_log_fetch(struct store *s, struct log_fetch *fetch)
{
    ASSERT(fetch->done != NULL && fetch->first > 0 && fetch->bytes_max > 0);
    return s->ops->log_fetch(s->impl, fetch);
}

void log_fetch_deinit(struct log_fetch *fetch);

static inline int store_log_trim(struct store *s, struct log_trim *trim)
{
    ASSERT(trim->done != NULL && trim->first_kept > 0);
    return s->ops->log_trim(s->impl, trim);
}

/* Which generation of MAP_STATE views and batches mean from now on. Opens it (empty when it is
 * new), and deletes every other one that no job works on. Blocks: at start-up, and at the switch
 * after an import, with no batch in flight. LOCAL is opened by the first call. */
static inline int store_map_open(struct store *s, uint64_t generation)
{
    return s->ops->map_open(s->impl, generation);
}

static inline int store_map_write(struct store *s, struct map_batch *batch)
{
    ASSERT(batch->done != NULL && batch->ops_count > 0);
    ASSERT(batch->ops_count <= LIMIT_MAP_BATCH_OPS_COUNT);
    return s->ops->map_write(s->impl, batch);
}

static inline int store_map_job(struct store *s, struct map_job *job)
{
    ASSERT(job->done != NULL);
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
    return s->ops->file_job(s->impl, job);
}

#endif
