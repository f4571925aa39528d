/* clock.h -- the two clocks, as two types that do not mix.
 *
 * Shape    mono_us never runs back and starts anywhere: deadlines, TTLs, elections. wall_us is what
 *          people call time (Unix microseconds), may jump, is shown and stored, and decides only
 *          expiry (DESIGN 11).
 * Rule     Read once per event, by peer.c, and passed down. */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

#include <stdint.h>

struct mono_us {
    uint64_t us;
};

struct wall_us {
    int64_t us;
};

#define MONO_NEVER ((uint64_t)UINT64_MAX) /* a deadline that does not come */

struct clock_ops {
    struct mono_us (*mono)(void *impl);
    struct wall_us (*wall)(void *impl);
};

struct clock {
    const struct clock_ops *ops;
    void *impl;
};

static inline struct mono_us clock_mono(struct clock *c)
{
    return c->ops->mono(c->impl);
}

static inline struct wall_us clock_wall(struct clock *c)
{
    return c->ops->wall(c->impl);
}

#endif
