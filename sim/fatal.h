/* fatal.h -- when an assertion fails inside a simulated world: which run was it?
 *
 * Shape    fatal_where() keeps the run's repro line. A guarded run (setjmp on fatal_guard) gets the failure as
 *          a verdict and the sweep goes on; without a guard the program prints where and aborts.
 * Rule     The only state of the simulator that outlives a run. A run that failed this way leaks its memory
 *          and nothing else. */
#ifndef SIM_FATAL_H
#define SIM_FATAL_H

#include <setjmp.h>
#include <stdbool.h>

/* `repro` is copied. */
void fatal_where(const char *repro);
const char *fatal_where_text(void);

/* While `guard` is set, a failure longjmps there; fatal_text() then says what failed. NULL: no guard. */
void fatal_guard(jmp_buf *guard);
jmp_buf *
fatal_guard_taken(const char *text); /* by fatal.c: keeps the text, gives the guard and clears it */
const char *fatal_text(void);

#endif
