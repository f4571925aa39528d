/* overlay_int.h -- runs: what overlay.c gathers and overlay_view.c merges. */
#ifndef STORE_OVERLAY_INT_H
#define STORE_OVERLAY_INT_H

#include "store/overlay.h"
#include "util/assert.h"

struct overlay_chunk; /* bytes of keys and values, which never move */

/* Of a hash table with open addressing. */
struct overlay_slot {
    uint32_t hash;
    uint32_t op; /* its index, plus one; 0: free */
};

/* One batch: its rows by first change, found by a hash of the key, and sorted once somebody walks over them. A
 * key stands in a run once, with its last value. */
struct overlay_run {
    struct list_link link;
    struct overlay *overlay;
    struct map_batch batch;
    struct map_op *ops;
    size_t ops_count;
    size_t ops_size;            /* a power of two */
    uint32_t *order;            /* indices into ops, by (table, key) */
    size_t sorted_count;        /* of ops, and in `order` */
    struct overlay_slot *slots; /* twice ops_size of them */
    uint64_t *tags;             /* of the submitted batches that share this run */
    size_t tags_count;
    size_t tags_size;
    struct overlay_chunk *chunks; /* newest first */
    size_t bytes_len;
    bool is_due; /* it gathers no more than until it can leave */
    bool is_in_flight;
};

struct overlay_cursor {
    enum { OVERLAY_BEFORE, OVERLAY_ON, OVERLAY_AFTER } at;
    bool base_is_on_key; /* the cursor of the view below stands on the same key */
    size_t key_len;
    uint8_t key[LIMIT_MAP_KEY_BYTES];
};

struct overlay_view {
    bool is_open;
    struct overlay *overlay;
    struct view base;
    struct overlay_cursor cursors[LIMIT_MAP_TABLES_COUNT];
};

struct overlay {
    struct store *store;
    enum map_area area;
    size_t bytes_max;
    struct overlay_hooks hooks;
    struct list_link runs;    /* submitted, oldest first: in flight, due, gathering */
    struct overlay_run *open; /* NULL: nothing was put since the last submit */
    size_t bytes_len;
    size_t in_flight_count;
    size_t tags_count;
    bool is_dead;    /* ERR_IO */
    bool is_refused; /* ERR_FULL: nothing is sent until overlay_retry() */
    bool retry_is_wanted;
    struct overlay_view view;
};

/* Of a key in any run: a reader asks many of them. */
uint32_t overlay_hash(unsigned table, struct bytes key);
/* What the run says of this key; NULL: nothing. */
struct map_op *overlay_run_get(const struct overlay_run *run, uint32_t hash, unsigned table,
                               struct bytes key);
/* The place in run->order of the first op at or after (table, key). */
size_t overlay_run_find(struct overlay_run *run, unsigned table, struct bytes key);
static inline const struct map_op *overlay_run_op(const struct overlay_run *run, size_t place)
{
    ASSERT(run->sorted_count == run->ops_count); /* by overlay_run_find() */
    return place < run->ops_count ? &run->ops[run->order[place]] : NULL;
}

#endif
