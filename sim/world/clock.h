/* clock.h -- what one machine's clocks show, which is not quite the time (port/clock.h).
 *
 * Shape    mono: begins anywhere, runs too fast or too slow by some ppm, never back. wall: mono plus an offset
 *          that jumps.
 * Units    Microseconds; ppm are millionths.
 * Holds    Integers only: the same readings everywhere. */
#ifndef SIM_WORLD_CLOCK_H
#define SIM_WORLD_CLOCK_H

#include <stdint.h>

#include "port/clock.h"
#include "sim/kernel/sim.h"

struct sim_clock {
    struct sim *sim;
    uint64_t since_us; /* virtual time at which the present drift began ... */
    uint64_t mono_us;  /* ... and what mono showed then */
    int64_t drift_ppm;
    int64_t wall_offset_us; /* wall - mono */
};

enum { SIM_CLOCK_DRIFT_MAX_PPM = 100000 };

/* 2021-01-01: what wall clocks show when a world begins. */
#define SIM_CLOCK_WALL_START_US ((int64_t)1609459200 * 1000000)

void sim_clock_init(struct sim_clock *c, struct sim *sim, uint64_t mono_start_us);
struct clock sim_clock_port(struct sim_clock *c);
void sim_clock_set_drift(struct sim_clock *c, int64_t ppm);
void sim_clock_jump_wall(struct sim_clock *c, int64_t delta_us);
uint64_t sim_clock_mono_us(const struct sim_clock *c);
/* The virtual time at which mono will show `mono_us` or more (now, if it does already). */
uint64_t sim_clock_when(const struct sim_clock *c, uint64_t mono_us);

#endif
