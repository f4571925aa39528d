/* hooks.h -- what the simulated world asks of the simulator's kernel: time, events, decisions.
 *
 * Units    Microseconds of virtual time.
 * Rule     Everything uncertain is a choose(), so that one seed (or an edited list of choices)
 *          decides a whole run. A choice of 0 means the harmless outcome: no fault, the
 *          shortest delay, nothing lost. Events at the same time run in the order of at(). */
#ifndef SIM_WORLD_HOOKS_H
#define SIM_WORLD_HOOKS_H

#include <stdint.h>

#include "util/assert.h"

enum world_purpose {
    WORLD_DISK_DELAY, /* how long a sync, a read, a job takes */
    WORLD_DISK_GROUP, /* how many requests share a sync */
    WORLD_DISK_FAULT, /* does this request fail */
    WORLD_DISK_CRASH, /* what a crash leaves */
    WORLD_DISK_DAMAGE /* which record rots */
};

struct world_hooks {
    uint64_t (*now_us)(void *impl);
    /* Runs run(arg) after delay_us, never from inside this call. */
    void (*at)(void *impl, uint64_t delay_us, void (*run)(void *arg), void *arg);
    uint64_t (*choose)(void *impl, enum world_purpose purpose, uint64_t n); /* 0..n-1 */
    void *impl;
};

static inline uint64_t world_now_us(const struct world_hooks *w)
{
    return w->now_us(w->impl);
}

static inline void world_at(const struct world_hooks *w, uint64_t delay_us, void (*run)(void *arg),
                            void *arg)
{
    w->at(w->impl, delay_us, run, arg);
}

static inline uint64_t world_choose(const struct world_hooks *w, enum world_purpose purpose,
                                    uint64_t n)
{
    ASSERT(n >= 1);
    return n == 1 ? 0 : w->choose(w->impl, purpose, n);
}

#endif
