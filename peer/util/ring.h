/* ring.h -- a queue of elements of one size, bounded: it takes its memory once, at init.
 *
 * Shape    First in, first out; ring_at(r, 0) is the oldest.
 * Owner    The ring owns the elements' bytes. What push, front and at point to lives until that
 *          element is popped.
 * Errors   init: ERR_NOMEM. push: NULL when full, and the caller says ERR_BUSY to whoever asked.
 *          Popping an empty ring is our bug, and asserts. */
#ifndef UTIL_RING_H
#define UTIL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct ring {
    uint8_t *elements;
    size_t element_size;
    size_t capacity; /* in elements */
    size_t first;
    size_t count;
};

static inline int ring_init(struct ring *r, size_t capacity, size_t element_size)
{
    uint8_t *elements = mem_array(capacity, element_size);
    if (elements == NULL)
        return ERR_NOMEM;
    *r = (struct ring){ elements, element_size, capacity, 0, 0 };
    return OK;
}

static inline void ring_deinit(struct ring *r)
{
    mem_free(r->elements);
    *r = (struct ring){ 0 };
}

static inline void ring_clear(struct ring *r)
{
    r->first = 0;
    r->count = 0;
}

static inline bool ring_is_full(const struct ring *r)
{
    return r->count == r->capacity;
}

/* The element behind `index` others. */
static inline void *ring_at(const struct ring *r, size_t index)
{
    ASSERT(index < r->count);
    size_t to_end = r->capacity - r->first;
    size_t place = index < to_end ? r->first + index : index - to_end;
    return r->elements + place * r->element_size;
}

/* A new last element, for the caller to fill (its old bytes are still there); NULL when full. */
static inline void *ring_push(struct ring *r)
{
    if (ring_is_full(r))
        return NULL;
    r->count += 1;
    return ring_at(r, r->count - 1);
}

/* The oldest element, or NULL. */
static inline void *ring_front(const struct ring *r)
{
    return r->count > 0 ? ring_at(r, 0) : NULL;
}

static inline void ring_pop(struct ring *r)
{
    ASSERT(r->count > 0);
    r->first = r->first + 1 < r->capacity ? r->first + 1 : 0;
    r->count -= 1;
}

#endif
