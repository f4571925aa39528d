/* os_clock.h -- the machine's two clocks behind port/clock.h.
 *
 * Shape    mono is CLOCK_MONOTONIC (the one libev's timers run on, so deadlines and timers agree);
 *          wall is CLOCK_REALTIME. Neither has any state.
 * Threads  Any. */
#ifndef OS_OS_CLOCK_H
#define OS_OS_CLOCK_H

#include <stdint.h>

#include "port/clock.h"

struct clock os_clock(void);
/* What clock_mono() of it says, for the rest of os/. */
uint64_t os_clock_mono_us(void);

#endif
