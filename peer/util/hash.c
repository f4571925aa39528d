#include "util/hash.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <xxhash.h>

uint64_t hash64(uint64_t seed, const void *data, size_t len)
{
    return XXH3_64bits_withSeed(data, len, seed);
}

struct hash128 hash128(uint64_t seed, const void *data, size_t len)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, len, seed);
    return (struct hash128){ hash.high64, hash.low64 };
}
