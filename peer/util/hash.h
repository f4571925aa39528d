/* hash.h -- fast hashes against accidents (damage, divergence), not against attackers.
 *
 * Source   XXH3 of libxxhash, whose output is frozen and equal on every platform.
 * Rule     Never decides an order that anybody sees; never protects a secret (libsodium does). */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t high;
    uint64_t low;
};

uint64_t hash64(uint64_t seed, const void *data, size_t len);
struct hash128 hash128(uint64_t seed, const void *data, size_t len);

#endif
