/* view.h -- a consistent look at the map room: the read-only half of store.h.
 *
 * Shape    A view shows one durable version of one area (the replicated state, or this peer's local
 *          rows), or, when it came from store/overlay, that version with the batches in flight
 *          merged in. Tables are numbered; rows are ordered by key bytes (memcmp, shorter first).
 * Cursors  One a table, moved by seek, next and prev, not by get. Running off an end gives
 *          ERR_NOT_FOUND and leaves the cursor beyond that end, from where the other direction leads
 *          back to the row at the end. Keys have 1..LIMIT_MAP_KEY_BYTES bytes.
 * Units    A step is one get, seek, next or prev; at most LIMIT_VIEW_STEPS_COUNT a view (asserted).
 * Owner    Opened and closed within one event. A row's bytes live until the next call on the view.
 * Errors   ERR_NOT_FOUND: no such row, or the table's end. ERR_CORRUPT: a row whose checksum does
 *          not fit; it is never served (the cursor stands on it). ERR_IO. */
#ifndef PORT_VIEW_H
#define PORT_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "util/assert.h"
#include "util/buf.h"
#include "util/limits.h"

struct view_row {
    struct bytes key;
    struct bytes value;
};

struct view_ops {
    int (*get)(void *impl, unsigned table, struct bytes key, struct bytes *value);
    /* First row with a key >= `key` (the first of all for an empty key). */
    int (*seek)(void *impl, unsigned table, struct bytes key, struct view_row *row);
    int (*next)(void *impl, unsigned table, struct view_row *row);
    /* After a seek that found nothing: the last row of the table. */
    int (*prev)(void *impl, unsigned table, struct view_row *row);
};

struct view {
    const struct view_ops *ops;
    void *impl;
    uint32_t steps;
};

static inline void view_step(struct view *v, unsigned table)
{
    ASSERT(table < LIMIT_MAP_TABLES_COUNT);
    ASSERT(v->steps < LIMIT_VIEW_STEPS_COUNT);
    v->steps += 1;
}

static inline int view_get(struct view *v, unsigned table, struct bytes key, struct bytes *value)
{
    view_step(v, table);
    ASSERT(key.len <= LIMIT_MAP_KEY_BYTES);
    return v->ops->get(v->impl, table, key, value);
}

static inline int view_seek(struct view *v, unsigned table, struct bytes key, struct view_row *row)
{
    view_step(v, table);
    ASSERT(key.len <= LIMIT_MAP_KEY_BYTES);
    return v->ops->seek(v->impl, table, key, row);
}

static inline int view_next(struct view *v, unsigned table, struct view_row *row)
{
    view_step(v, table);
    return v->ops->next(v->impl, table, row);
}

static inline int view_prev(struct view *v, unsigned table, struct view_row *row)
{
    view_step(v, table);
    return v->ops->prev(v->impl, table, row);
}

#endif
