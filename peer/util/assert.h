/* assert.h -- what must hold, in every build.
 *
 *   ASSERT(x)       our own code is wrong when x is false. On in every build: a supervisor restarts us
 *                   from what is durable, which is safer than going on.
 *   ASSERT_SLOW(x)  the same, for checks that walk a structure: on in tests and in the simulator
 *                   (-DSLOW_CHECKS).
 *   fatal("...")    the machine broke its word (clock ran back, sync failed). One sentence for the
 *                   operator.
 *
 * Errors   Input from outside never asserts: it gets a code from err.h and a counter.
 * Owner    The program that links this supplies the two functions below: the service logs and
 *          aborts, the simulator prints the seed first. So the core itself reaches for no stream. */
#ifndef UTIL_ASSERT_H
#define UTIL_ASSERT_H

_Noreturn void assert_failed(const char *file, int line, const char *condition);
_Noreturn void fatal(const char *sentence);

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))

#ifdef SLOW_CHECKS
#define ASSERT_SLOW(condition) ASSERT(condition)
#else
#define ASSERT_SLOW(condition) ((void)sizeof(condition))
#endif

#endif
