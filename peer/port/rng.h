/* rng.h -- every draw, with its purpose, so that a simulator answers each kind from a stream of its
 * own and one more draw of one kind does not reshuffle the others.
 *
 * Rule     Only peer.c (and the implementations below the ports) draw; core modules are handed
 *          drawn numbers. */
#ifndef PORT_RNG_H
#define PORT_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "util/assert.h"

enum rng_purpose {
    RNG_ELECTION,   /* election timeouts */
    RNG_IDENTITY,   /* cluster ids, keys, nonces */
    RNG_BACKOFF,    /* jitter of pauses */
    RNG_ALLOCATION, /* ties between equal candidates */
    RNG_PURPOSE_COUNT
};

struct rng_ops {
    uint64_t (*below)(void *impl, enum rng_purpose why, uint64_t n);
};

struct rng {
    const struct rng_ops *ops;
    void *impl;
};

/* Uniform in 0..n-1; n is at least 1. */
static inline uint64_t rng_below(struct rng *r, enum rng_purpose why, uint64_t n)
{
    ASSERT(n >= 1);
    return r->ops->below(r->impl, why, n);
}

static inline void rng_bytes(struct rng *r, enum rng_purpose why, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)rng_below(r, why, 256);
}

#endif
