/* arena.h -- memory that is handed out piece by piece and dropped whole: everything that belongs to
 * one exchange, and dies with it.
 *
 * Shape    {0} is an empty, valid arena. Pieces are aligned for any type, and never given back one
 *          by one.
 * Units    `limit` and `used` are bytes, counted as handed out; limit 0: none.
 * Owner    Pieces live until arena_reset() or arena_deinit().
 * Errors   NULL when memory is out or the limit is reached. */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>

#include "util/buf.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    size_t used;
    size_t limit;
};

void *arena_alloc(struct arena *a, size_t size);               /* not cleared */
void *arena_zalloc(struct arena *a, size_t size);              /* cleared */
void *arena_array(struct arena *a, size_t count, size_t size); /* cleared, checked for overflow */
char *arena_strdup(struct arena *a, const char *text);
/* The same bytes, and a NUL behind them. */
char *arena_copy(struct arena *a, struct bytes bytes);
void arena_reset(struct arena *a); /* keeps one block for reuse */
void arena_deinit(struct arena *a);
void arena_wipe(struct arena *a); /* overwrites, then frees: for secrets */

#endif
