#include "sim/world/clock.h"

#include "util/assert.h"

enum { MILLION = 1000000 };

void sim_clock_init(struct sim_clock *c, struct sim *sim, uint64_t mono_start_us)
{
    *c = (struct sim_clock){ .sim = sim, .since_us = sim->now_us, .mono_us = mono_start_us };
    c->wall_offset_us = SIM_CLOCK_WALL_START_US + (int64_t)sim->now_us - (int64_t)mono_start_us;
}

/* How far the clock runs in `real_us`; the drift is small enough for it never to run back. */
static uint64_t sim_clock_run(const struct sim_clock *c, uint64_t real_us)
{
    return real_us + (uint64_t)((int64_t)real_us * c->drift_ppm / MILLION);
}

uint64_t sim_clock_mono_us(const struct sim_clock *c)
{
    return c->mono_us + sim_clock_run(c, c->sim->now_us - c->since_us);
}

static struct mono_us sim_clock_mono(void *impl)
{
    return (struct mono_us){ sim_clock_mono_us(impl) };
}

static struct wall_us sim_clock_wall(void *impl)
{
    const struct sim_clock *c = impl;
    return (struct wall_us){ (int64_t)sim_clock_mono_us(c) + c->wall_offset_us };
}

struct clock sim_clock_port(struct sim_clock *c)
{
    static const struct clock_ops ops = { sim_clock_mono, sim_clock_wall };
    return (struct clock){ &ops, c };
}

void sim_clock_set_drift(struct sim_clock *c, int64_t ppm)
{
    ASSERT(ppm >= -SIM_CLOCK_DRIFT_MAX_PPM && ppm <= SIM_CLOCK_DRIFT_MAX_PPM);
    c->mono_us = sim_clock_mono_us(c);
    c->since_us = c->sim->now_us;
    c->drift_ppm = ppm;
}

void sim_clock_jump_wall(struct sim_clock *c, int64_t delta_us)
{
    c->wall_offset_us += delta_us;
}

uint64_t sim_clock_when(const struct sim_clock *c, uint64_t mono_us)
{
    if (mono_us <= sim_clock_mono_us(c))
        return c->sim->now_us;
    uint64_t wanted = mono_us - c->mono_us;
    if (wanted > UINT64_MAX / 4 / MILLION)
        return UINT64_MAX / 2; /* beyond every run */
    uint64_t real = wanted * MILLION / (uint64_t)(MILLION + c->drift_ppm);
    while (real > 0 && sim_clock_run(c, real - 1) >= wanted)
        real -= 1;
    while (sim_clock_run(c, real) < wanted)
        real += 1;
    return c->since_us + real;
}
