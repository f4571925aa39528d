/* Linear probing: an element lies in its home slot or in the run of used slots behind it, so a look-up
 * ends at the first free slot. Removing closes the hole by moving back what may move (no tombstones,
 * so a table does not get slower with age).
 *
 * A u64 map is a map whose keys are empty and whose hash is the key itself, stirred by a function that
 * never gives two keys one hash: equal hashes are equal keys. */
#include "util/map.h"

#include <stdbool.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { MAP_SIZE_FIRST = 16 };

/* Where the key is, or the free slot where it would be. The table is never full. */
static struct map_slot *map_find(const struct map *m, uint64_t hash, struct bytes key)
{
    for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (slot->value == NULL || (slot->hash == hash && bytes_equal(slot->key, key)))
            return slot;
    }
}

static int map_resize(struct map *m, size_t size)
{
    struct map bigger = { .slots = mem_array(size, sizeof(struct map_slot)), .size = size };
    if (bigger.slots == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->size; i++) {
        const struct map_slot *slot = &m->slots[i];
        if (slot->value != NULL)
            *map_find(&bigger, slot->hash, slot->key) = *slot;
    }
    mem_free(m->slots);
    m->slots = bigger.slots;
    m->size = size;
    return OK;
}

int map_reserve(struct map *m, size_t count)
{
    size_t size = m->size > 0 ? m->size : MAP_SIZE_FIRST;
    if (count > SIZE_MAX / 4)
        return ERR_NOMEM;
    while (count > size / 4 * 3)
        size *= 2;
    return size > m->size ? map_resize(m, size) : OK;
}

static int map_put_hashed(struct map *m, uint64_t hash, struct bytes key, void *value)
{
    ASSERT(value != NULL);
    if (m->size > 0 && map_find(m, hash, key)->value != NULL)
        return ERR_EXISTS;
    int err = map_reserve(m, m->count + 1);
    if (err != OK)
        return err;
    *map_find(m, hash, key) = (struct map_slot){ hash, key, value };
    m->count += 1;
    return OK;
}

static void *map_get_hashed(const struct map *m, uint64_t hash, struct bytes key)
{
    return m->count > 0 ? map_find(m, hash, key)->value : NULL;
}

static void *map_remove_hashed(struct map *m, uint64_t hash, struct bytes key)
{
    if (m->count == 0)
        return NULL;
    struct map_slot *slot = map_find(m, hash, key);
    void *value = slot->value;
    if (value == NULL)
        return NULL;
    m->count -= 1;
    size_t mask = m->size - 1;
    size_t hole = (size_t)(slot - m->slots);
    for (size_t i = (hole + 1) & mask; m->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { /* its home is not behind the hole */
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){ 0 };
    return value;
}

static uint64_t map_hash(const struct map *m, struct bytes key)
{
    return hash64(m->seed, key.data, key.len);
}

void map_deinit(struct map *m)
{
    mem_free(m->slots);
    *m = (struct map){ .seed = m->seed };
}

void map_clear(struct map *m)
{
    if (m->size > 0)
        memset(m->slots, 0, m->size * sizeof(*m->slots));
    m->count = 0;
}

int map_put(struct map *m, struct bytes key, void *value)
{
    return map_put_hashed(m, map_hash(m, key), key, value);
}

void *map_get(const struct map *m, struct bytes key)
{
    return m->count > 0 ? map_get_hashed(m, map_hash(m, key), key) : NULL;
}

void *map_remove(struct map *m, struct bytes key)
{
    return map_remove_hashed(m, map_hash(m, key), key);
}

/* A bijection (murmur3's finish): xor with a shift and multiplication by an odd number can both be
 * undone, so no two keys meet. */
static uint64_t map_u64_stir(const struct map_u64 *m, uint64_t key)
{
    key ^= m->map.seed;
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    key *= UINT64_C(0xc4ceb9fe1a85ec53);
    key ^= key >> 33;
    return key;
}

static const struct bytes map_no_key = { NULL, 0 };

void map_u64_deinit(struct map_u64 *m)
{
    map_deinit(&m->map);
}

void map_u64_clear(struct map_u64 *m)
{
    map_clear(&m->map);
}

int map_u64_reserve(struct map_u64 *m, size_t count)
{
    return map_reserve(&m->map, count);
}

int map_u64_put(struct map_u64 *m, uint64_t key, void *value)
{
    return map_put_hashed(&m->map, map_u64_stir(m, key), map_no_key, value);
}

void *map_u64_get(const struct map_u64 *m, uint64_t key)
{
    return map_get_hashed(&m->map, map_u64_stir(m, key), map_no_key);
}

void *map_u64_remove(struct map_u64 *m, uint64_t key)
{
    return map_remove_hashed(&m->map, map_u64_stir(m, key), map_no_key);
}
