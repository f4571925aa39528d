/* Child processes: each job is answered once, whatever becomes of the child. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "sim/real/workers.h"
#include "util/err.h"

TestSuite(sim_workers, .timeout = 60);

enum { JOBS_COUNT = 40, DIES = 7, EXITS = 11, HANGS = 13 };

static struct {
    unsigned begun;
    unsigned answered[JOBS_COUNT];
    char deaths[JOBS_COUNT][64];
} seen;

static bool next(void *owner, struct buf *job)
{
    (void)owner;
    buf_put_u8(job, (uint8_t)seen.begun);
    return seen.begun++ < JOBS_COUNT;
}

/* Answers n with n bytes of n, unless it is one of the bad ones. */
static void work(void *owner, struct bytes job, struct buf *result)
{
    uint8_t n = *(const uint8_t *)job.data;
    if (owner != NULL && n == DIES)
        raise(SIGKILL);
    if (owner != NULL && n == EXITS)
        _exit(5);
    while (owner != NULL && n == HANGS)
        pause();
    for (unsigned i = 0; i < n; i++)
        buf_put_u8(result, n);
}

static void on_result(void *owner, struct bytes job, struct bytes result)
{
    (void)owner;
    uint8_t n = *(const uint8_t *)job.data;
    seen.answered[n] += 1;
    cr_assert_eq(result.len, n);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(((const uint8_t *)result.data)[i], n);
}

static void on_death(void *owner, struct bytes job, const char *how)
{
    (void)owner;
    strncpy(seen.deaths[*(const uint8_t *)job.data], how, 63);
}

static void run(unsigned count, void *owner)
{
    memset(&seen, 0, sizeof(seen));
    struct workers w = { .count = count,
                         .limit_us = owner != NULL ? 1000000 : 0,
                         .next = next,
                         .work = work,
                         .on_result = on_result,
                         .on_death = on_death,
                         .owner = owner };
    cr_assert_eq(workers_run(&w), OK);
}

Test(sim_workers, each_job_is_answered_once)
{
    for (unsigned count = 1; count <= 5; count += 2) {
        run(count, NULL);
        for (unsigned i = 0; i < JOBS_COUNT; i++)
            cr_assert(seen.answered[i] == 1 && seen.deaths[i][0] == '\0');
    }
}

Test(sim_workers, a_death_costs_one_job)
{
    run(2, &seen);
    for (unsigned i = 0; i < JOBS_COUNT; i++)
        cr_assert_eq(seen.answered[i], i != DIES && i != EXITS && i != HANGS);
    cr_assert_str_eq(seen.deaths[DIES], "the simulator died of signal 9");
    cr_assert_str_eq(seen.deaths[EXITS], "the simulator ended with exit code 5");
    cr_assert_str_eq(seen.deaths[HANGS], "it did not end within 1 s");
}
