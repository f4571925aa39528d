#include "os/os_clock.h"

#include <stddef.h>
#include <time.h>

#include "util/assert.h"

static int64_t os_clock_read(clockid_t which)
{
    struct timespec now;
    if (clock_gettime(which, &now) != 0)
        fatal("the system clock cannot be read");
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t os_clock_mono_us(void)
{
    return (uint64_t)os_clock_read(CLOCK_MONOTONIC);
}

static struct mono_us os_clock_mono(void *impl)
{
    (void)impl;
    return (struct mono_us){ os_clock_mono_us() };
}

static struct wall_us os_clock_wall(void *impl)
{
    (void)impl;
    return (struct wall_us){ os_clock_read(CLOCK_REALTIME) };
}

struct clock os_clock(void)
{
    static const struct clock_ops ops = { os_clock_mono, os_clock_wall };
    return (struct clock){ &ops, NULL };
}
