#include <criterion/criterion.h>

#include "sim/kernel/sim.h"
#include "util/err.h"

TestSuite(sim_kernel, .timeout = 60);

Test(sim_kernel, choose_is_decided_by_seed_kind_and_who)
{
    struct choose a, b, c;
    choose_init(&a, 7);
    choose_init(&b, 7);
    choose_init(&c, 8);
    /* More draws in one lane of b leave the others as they were. */
    for (int i = 0; i < 100; i++)
        choose(&b, CHOICE_DISK_DELAY, 1, 1000);
    int differ = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = choose(&a, CHOICE_NET_DELAY, 3, 1000000);
        cr_assert_eq(x, choose(&b, CHOICE_NET_DELAY, 3, 1000000));
        differ += x != choose(&c, CHOICE_NET_DELAY, 3, 1000000);
    }
    cr_assert_gt(differ, 90);
}

Test(sim_kernel, a_log_replays_and_can_be_edited)
{
    struct choice_log log = { 0 };
    struct choose c;
    choose_init(&c, 42);
    choose_record(&c, &log);
    uint64_t first[10];
    for (int i = 0; i < 10; i++)
        first[i] = choose(&c, CHOICE_CLIENT, 0, 50);

    struct buf bytes = { 0 };
    choice_log_encode(&log, &bytes);
    struct choice_log copy = { 0 };
    cr_assert_eq(choice_log_decode(&copy, bytes.data, bytes.len), OK);
    choice_log_set(&copy, CHOICE_CLIENT, 0, 3, 120);

    struct choose again;
    choose_init(&again, 0);
    choose_replay(&again, &copy);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(choose(&again, CHOICE_CLIENT, 0, 50), i == 3 ? 20 : first[i]);
    cr_assert_eq(choose(&again, CHOICE_CLIENT, 0, 50), 0, "a missing choice is 0");

    cr_assert_eq(choice_log_decode(&copy, bytes.data, bytes.len - 1), ERR_CORRUPT);
    bytes.data[0] = 9;
    cr_assert_eq(choice_log_decode(&copy, bytes.data, bytes.len), ERR_VERSION);
    buf_deinit(&bytes);
    choice_log_deinit(&log);
    choice_log_deinit(&copy);
}

Test(sim_kernel, choices_keep_their_bounds)
{
    struct choose c;
    choose_init(&c, 1);
    unsigned low = 0, hits = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t x = choose_scale(&c, CHOICE_PLAN, 0, 10, 10000);
        cr_assert(x >= 10 && x <= 10000);
        low += x < 100;
        hits += choose_chance(&c, CHOICE_PLAN, 1, 250000);
        cr_assert_not(choose_chance(&c, CHOICE_PLAN, 1, 0));
        cr_assert(choose_chance(&c, CHOICE_PLAN, 1, 1000000));
    }
    cr_assert(low > 2500 && low < 4500, "each doubling is as likely: %u", low);
    cr_assert(hits > 2200 && hits < 2800, "%u", hits);
    cr_assert_eq(choose_scale(&c, CHOICE_PLAN, 0, 5, 5), 5);
}

struct clockwork {
    struct sim sim;
    unsigned ran[3];
    uint64_t last_us;
};

static struct clockwork *clockwork;

static void tick(void *arg)
{
    unsigned *count = arg;
    *count += 1;
    clockwork->last_us = clockwork->sim.now_us;
}

static void again(void *arg)
{
    tick(arg);
    sim_at(&clockwork->sim, 10, SIM_TIMER, 1, 0, again, arg);
}

Test(sim_kernel, time_jumps_to_the_next_event)
{
    struct clockwork w = { 0 };
    clockwork = &w;
    sim_init(&w.sim, 1, NULL, 0);
    sim_at(&w.sim, 1000000, SIM_TIMER, 1, 0, tick, &w.ran[0]);
    struct event_id gone = sim_at(&w.sim, 5, SIM_TIMER, 1, 0, tick, &w.ran[1]);
    cr_assert(sim_cancel(&w.sim, &gone));
    cr_assert(sim_step(&w.sim, 2000000));
    cr_assert_eq(w.sim.now_us, 1000000);
    sim_run(&w.sim, 3000000);
    cr_assert_eq(w.sim.now_us, 3000000);
    cr_assert_eq(w.ran[0], 1);
    cr_assert_eq(w.ran[1], 0);

    struct event_id timer = { 0 };
    sim_at_again(&w.sim, &timer, 3000100, SIM_TIMER, 1, tick, &w.ran[2]);
    sim_at_again(&w.sim, &timer, 3000900, SIM_TIMER, 1, tick, &w.ran[2]);
    sim_run(&w.sim, 4000000);
    cr_assert_eq(w.ran[2], 1);
    cr_assert_eq(w.last_us, 3000900);
    sim_deinit(&w.sim);
}

Test(sim_kernel, a_frozen_machine_catches_up_when_it_thaws)
{
    struct clockwork w = { 0 };
    clockwork = &w;
    sim_init(&w.sim, 1, NULL, 0);
    sim_at(&w.sim, 10, SIM_FRAME, 1, 0, tick, &w.ran[0]);
    sim_at(&w.sim, 20, SIM_FRAME, 2, 0, tick, &w.ran[1]);
    sim_freeze(&w.sim, 1);
    sim_run(&w.sim, 100);
    cr_assert_eq(w.ran[0], 0);
    cr_assert_eq(w.ran[1], 1);
    sim_thaw(&w.sim, 1);
    sim_run(&w.sim, 200);
    cr_assert_eq(w.ran[0], 1);
    cr_assert_eq(w.last_us, 100);
    sim_deinit(&w.sim);
}

static struct hash128 run_hash(uint64_t payload, unsigned steps)
{
    struct clockwork w = { 0 };
    clockwork = &w;
    sim_init(&w.sim, 1, NULL, 0);
    sim_at(&w.sim, 10, SIM_TIMER, 1, payload, again, &w.ran[0]);
    for (unsigned i = 0; i < steps; i++) {
        sim_step(&w.sim, UINT64_MAX - 1);
        if (i % 7 == 0)
            trace_hash(&w.sim.trace); /* looking changes nothing */
    }
    struct hash128 hash = trace_hash(&w.sim.trace);
    sim_deinit(&w.sim);
    return hash;
}

Test(sim_kernel, the_trace_hash_tells_runs_apart)
{
    struct hash128 a = run_hash(5, 1000), b = run_hash(5, 1000);
    cr_assert(a.high == b.high && a.low == b.low);
    struct hash128 c = run_hash(6, 1000), d = run_hash(5, 1001);
    cr_assert(a.high != c.high && a.low != c.low);
    cr_assert(a.high != d.high && a.low != d.low);
    char text[TRACE_HASH_TEXT_SIZE];
    trace_hash_print((struct hash128){ 1, 0xabcdef }, text);
    cr_assert_str_eq(text, "00000000000000010000000000abcdef");
}
