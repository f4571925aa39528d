#include "util/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

enum { ARENA_BLOCK_SIZE = 4096 - 64 }; /* with the allocator's own words still one page */

struct arena_block {
    struct arena_block *next;
    size_t size; /* of bytes[] */
    size_t len;
    alignas(max_align_t) unsigned char bytes[];
};

static size_t arena_round_up(size_t size)
{
    size_t unit = alignof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

/* A block of which `size` bytes are taken. A big piece gets a block of its own, put behind the newest,
 * so that the rest of that one is not lost. */
static unsigned char *arena_grow(struct arena *a, size_t size)
{
    size_t room = size > ARENA_BLOCK_SIZE / 4 ? size : ARENA_BLOCK_SIZE;
    struct arena_block *block = mem_alloc(sizeof(*block) + room);
    if (block == NULL)
        return NULL;
    *block = (struct arena_block){ .size = room, .len = size };
    if (room == size && a->blocks != NULL) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
    ASSERT(size > 0);
    if (size > SIZE_MAX / 4)
        return NULL;
    size = arena_round_up(size);
    if (a->limit > 0 && size > a->limit - a->used)
        return NULL;
    struct arena_block *block = a->blocks;
    unsigned char *piece;
    if (block != NULL && size <= block->size - block->len) {
        piece = block->bytes + block->len;
        block->len += size;
    } else {
        piece = arena_grow(a, size);
    }
    if (piece != NULL)
        a->used += size;
    return piece;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *piece = arena_alloc(a, size);
    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    ASSERT(count > 0 && size > 0);
    return count > SIZE_MAX / size ? NULL : arena_zalloc(a, count * size);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_copy(a, (struct bytes){ text, strlen(text) });
}

char *arena_copy(struct arena *a, struct bytes bytes)
{
    if (bytes.len > SIZE_MAX / 4)
        return NULL;
    char *copy = arena_alloc(a, bytes.len + 1);
    if (copy == NULL)
        return NULL;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}

static void arena_free_from(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = a->blocks;
    if (kept != NULL) {
        arena_free_from(kept->next);
        kept->next = NULL;
        kept->len = 0;
    }
    a->used = 0;
}

void arena_deinit(struct arena *a)
{
    arena_free_from(a->blocks);
    *a = (struct arena){ .limit = a->limit };
}

void arena_wipe(struct arena *a)
{
    for (struct arena_block *block = a->blocks; block != NULL; block = block->next)
        mem_wipe(block->bytes, block->size);
    arena_deinit(a);
}
