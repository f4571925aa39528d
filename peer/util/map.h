/* map.h -- from a key to a pointer: keys of bytes (struct map) or of one 64-bit number (struct
 * map_u64).
 *
 * Shape    Open addressing, at most three quarters full. {0} is an empty, valid map. Values are
 *          never NULL.
 * Order    None: there is deliberately no way to walk a map, because hash order must never decide
 *          what anybody sees. Who needs to visit all keeps the elements in a list too.
 * Owner    Keys and values are borrowed: the bytes of a key must stay where they are and unchanged
 *          while it is in the map (they usually are a field of the value). The map owns its table.
 * Errors   put: ERR_EXISTS (nothing changed), ERR_NOMEM. After map_reserve(n) no put fails up to
 *          n keys. */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct map_slot {
    uint64_t hash;
    struct bytes key;
    void *value; /* NULL: the slot is free */
};

struct map {
    struct map_slot *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
    uint64_t
        seed; /* of the hash; may be set before the first put, against keys chosen to collide */
};

void map_deinit(struct map *m);
void map_clear(struct map *m); /* memory kept */
int map_reserve(struct map *m, size_t count);
int map_put(struct map *m, struct bytes key, void *value);
void *map_get(const struct map *m, struct bytes key);
/* What was there, or NULL. */
void *map_remove(struct map *m, struct bytes key);

struct map_u64 {
    struct map map;
};

void map_u64_deinit(struct map_u64 *m);
void map_u64_clear(struct map_u64 *m);
int map_u64_reserve(struct map_u64 *m, size_t count);
int map_u64_put(struct map_u64 *m, uint64_t key, void *value);
void *map_u64_get(const struct map_u64 *m, uint64_t key);
void *map_u64_remove(struct map_u64 *m, uint64_t key);

#endif
