/* real_clock.h -- the wall clock of one real process, through libfaketime: loaded into it when it starts, and told by a file
 * what to show.
 *
 * Only the wall clock: a monotonic one that jumped would be a machine that breaks its word.
 * Errors   Debian has the library in the package `faketime`; without it real_clock_is_there() is false, and no clock
 *          can be set. */
#ifndef SIM_REAL_REAL_CLOCK_H
#define SIM_REAL_REAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct real_clock {
    const char *file; /* the caller's */
    int64_t ahead_us;
    int64_t drift_ppm;
};

bool real_clock_is_there(void);
/* In the child, before exec: it will look at the clock's file. */
void real_clock_load(const struct real_clock *c);
/* What it shows from now on; OK, or ERR_IO. */
int real_clock_write(const struct real_clock *c);

#endif
