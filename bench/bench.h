/* bench.h -- what the benchmarks share: a stopwatch, a median, and what the disk does without us.
 *
 * Shape    Programs for people: they print, and nothing depends on what they print.
 * Errors   bench_die() with a sentence: a benchmark that cannot measure says so and stops. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_RUNS = 3 }; /* each number is the median of so many */

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t bench_now_us(void); /* mono */
double bench_rate(uint64_t count, uint64_t took_us);
/* Sorts the values. */
double bench_median(double *values, size_t count);
/* Writes of 4 KiB to a file of its own in `dir`, each followed by fdatasync, a second. The file has its
 * blocks beforehand, so that no write changes more than data. */
double bench_fdatasync_rate(const char *dir, uint64_t for_us);

#endif
