#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_loop.h"
#include "os/os_rng.h"
#include "util/err.h"

TestSuite(os_loop, .timeout = 60);

struct loop_fixture {
    struct os_loop loop;
    char trace[64]; /* one letter an event */
    struct os_timer a, b;
    struct os_task task, other;
    struct os_watch watch;
    int pipe[2];
    uint64_t deadline_us;
    bool was_early;
    int count;
};

static void fixture_init(struct loop_fixture *f)
{
    memset(f, 0, sizeof(*f));
    cr_assert_eq(os_loop_init(&f->loop), OK);
}

static void on_a(void *owner)
{
    struct loop_fixture *f = owner;
    strcat(f->trace, "a");
    f->was_early = f->was_early || os_clock_mono_us() < f->deadline_us;
}

static void on_b(void *owner)
{
    struct loop_fixture *f = owner;
    strcat(f->trace, "b");
    os_loop_stop(&f->loop);
}

Test(os_loop, timers_fire_in_order_and_never_early)
{
    struct loop_fixture f;
    fixture_init(&f);
    uint64_t now_us = os_clock_mono_us();
    f.deadline_us = now_us + 3000;
    os_timer_init(&f.a, &f.loop, on_a, &f);
    os_timer_init(&f.b, &f.loop, on_b, &f);
    os_timer_set(&f.b, now_us + 20000);
    os_timer_set(&f.a, now_us + 10000000);
    os_timer_set(&f.a, f.deadline_us);
    os_loop_run(&f.loop);
    cr_assert_str_eq(f.trace, "ab");
    cr_assert_not(f.was_early);
    cr_assert_eq(f.a.at_us, MONO_NEVER);
    os_loop_deinit(&f.loop);
}

Test(os_loop, a_stopped_timer_does_not_fire)
{
    struct loop_fixture f;
    fixture_init(&f);
    os_timer_init(&f.a, &f.loop, on_a, &f);
    os_timer_init(&f.b, &f.loop, on_b, &f);
    os_timer_set(&f.a, 0);
    os_timer_set(&f.b, 1);
    os_timer_stop(&f.a);
    os_loop_run(&f.loop);
    cr_assert_str_eq(f.trace, "b");
    os_loop_deinit(&f.loop);
}

static void on_ready(void *owner, int ready)
{
    struct loop_fixture *f = owner;
    char byte;
    cr_assert_eq(ready, OS_READ);
    cr_assert_eq(read(f->pipe[0], &byte, 1), 1);
    strncat(f->trace, &byte, 1);
    if (byte == 'z')
        os_loop_stop(&f->loop);
}

Test(os_loop, a_watch_reports_while_it_is_wanted)
{
    struct loop_fixture f;
    fixture_init(&f);
    cr_assert_eq(pipe(f.pipe), 0);
    os_watch_init(&f.watch, &f.loop, f.pipe[0], on_ready, &f);
    os_timer_init(&f.b, &f.loop, on_b, &f);
    cr_assert_eq(write(f.pipe[1], "xyz", 3), 3);
    os_timer_set(&f.b, 0);
    os_loop_run(&f.loop); /* nobody asked for the watch: only the timer */
    cr_assert_str_eq(f.trace, "b");
    os_watch_set(&f.watch, OS_READ);
    os_loop_run(&f.loop);
    cr_assert_str_eq(f.trace, "bxyz");
    os_watch_set(&f.watch, 0);
    close(f.pipe[0]);
    close(f.pipe[1]);
    os_loop_deinit(&f.loop);
}

static void on_other(void *owner)
{
    struct loop_fixture *f = owner;
    strcat(f->trace, "o");
    os_loop_stop(&f->loop);
}

static void on_task(void *owner)
{
    struct loop_fixture *f = owner;
    strcat(f->trace, "t");
    if (++f->count < 3)
        os_loop_post(&f->loop, &f->task); /* again, in a later turn */
    else
        os_loop_post(&f->loop, &f->other);
}

Test(os_loop, a_task_runs_once_a_post_and_may_post_itself)
{
    struct loop_fixture f;
    fixture_init(&f);
    os_task_init(&f.task, on_task, &f);
    os_task_init(&f.other, on_other, &f);
    os_loop_post(&f.loop, &f.other);
    os_loop_post(&f.loop, &f.task);
    os_loop_post(&f.loop, &f.task);
    os_loop_unpost(&f.loop, &f.other);
    os_loop_run(&f.loop);
    cr_assert_str_eq(f.trace, "ttto");
    os_loop_deinit(&f.loop);
}

static void *post_from_outside(void *arg)
{
    struct loop_fixture *f = arg;
    strcat(f->trace, "w");
    os_loop_post(&f->loop, &f->other);
    return NULL;
}

Test(os_loop, another_thread_wakes_a_loop_that_sleeps)
{
    struct loop_fixture f;
    fixture_init(&f);
    os_task_init(&f.other, on_other, &f);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, post_from_outside, &f), 0);
    os_loop_run(&f.loop);
    pthread_join(thread, NULL);
    cr_assert_str_eq(f.trace, "wo");
    os_loop_deinit(&f.loop);
}

Test(os_loop, a_signal_runs_its_hook_on_the_loop)
{
    struct loop_fixture f;
    fixture_init(&f);
    struct os_signal hangup;
    os_signal_init(&hangup, &f.loop, SIGHUP, on_b, &f);
    kill(getpid(), SIGHUP);
    os_loop_run(&f.loop);
    cr_assert_str_eq(f.trace, "b");
    os_signal_stop(&hangup);
    os_loop_deinit(&f.loop);
}

TestSuite(os_rng, .timeout = 60);

Test(os_rng, draws_stay_below_and_reach_every_number)
{
    struct os_rng pool;
    os_rng_init(&pool);
    struct rng rng = os_rng_port(&pool);
    int seen[5] = { 0 };
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = rng_below(&rng, RNG_BACKOFF, 5);
        cr_assert_lt(drawn, 5);
        seen[drawn]++;
    }
    for (int i = 0; i < 5; i++)
        cr_assert_gt(seen[i], 50); /* 200 expected; 50 is more than eleven deviations away */
    cr_assert_eq(rng_below(&rng, RNG_BACKOFF, 1), 0);
    bool upper_half = false;
    for (int i = 0; i < 200; i++)
        upper_half = upper_half || rng_below(&rng, RNG_BACKOFF, UINT64_MAX) > UINT64_MAX / 2;
    cr_assert(upper_half);
    uint8_t one[32] = { 0 }, two[32] = { 0 };
    rng_bytes(&rng, RNG_IDENTITY, one, sizeof(one));
    rng_bytes(&rng, RNG_IDENTITY, two, sizeof(two));
    cr_assert_neq(memcmp(one, two, sizeof(one)), 0);
    os_rng_deinit(&pool);
}

Test(os_rng, the_clock_runs_forward)
{
    struct clock clock = os_clock();
    uint64_t before_us = clock_mono(&clock).us;
    cr_assert_geq(clock_mono(&clock).us, before_us);
    cr_assert_gt(clock_wall(&clock).us, (int64_t)1600000000 * 1000000);
}
