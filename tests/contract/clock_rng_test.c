/* clock_rng_test.c -- the two smallest ports, held to their contracts in both worlds: the machine's and the
 * simulator's. */
#include <criterion/criterion.h>

#include "os/os_clock.h"
#include "os/os_rng.h"
#include "port/clock.h"
#include "port/rng.h"
#include "sim/kernel/sim.h"
#include "sim/world/clock.h"
#include "sim/world/dice.h"

TestSuite(clock_rng, .timeout = 60);

/* ---- clock ---- */

static void check_clock(struct clock *c, void (*pass)(void *world), void *world)
{
    struct mono_us before = clock_mono(c);
    struct wall_us wall = clock_wall(c);
    cr_assert_gt(wall.us, 1600000000ll * 1000000, "later than 2020");
    for (int i = 0; i < 1000; i++) {
        struct mono_us now = clock_mono(c);
        cr_assert_geq(now.us, before.us, "mono never runs back");
        before = now;
    }
    struct mono_us start = clock_mono(c);
    pass(world);
    cr_assert_gt(clock_mono(c).us, start.us, "and moves when time passes");
}

static void pass_machine(void *world)
{
    (void)world;
    uint64_t start_us = os_clock_mono_us();
    while (os_clock_mono_us() == start_us)
        ;
}

Test(clock_rng, the_machines_clock)
{
    struct clock c = os_clock();
    check_clock(&c, pass_machine, NULL);
}

static void pass_simulated(void *world)
{
    sim_run(world, ((struct sim *)world)->now_us + 1000);
}

Test(clock_rng, the_simulated_clock)
{
    static struct sim sim;
    static const int64_t drifts[] = { 0, 500, -500, SIM_CLOCK_DRIFT_MAX_PPM,
                                      -SIM_CLOCK_DRIFT_MAX_PPM };
    sim_init(&sim, 1, NULL, 10);
    struct sim_clock machine;
    sim_clock_init(&machine, &sim, (uint64_t)1 << 41); /* up for longer than 24.8 days */
    for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
        struct clock c = sim_clock_port(&machine);
        sim_clock_set_drift(&machine, drifts[i]);
        check_clock(&c, pass_simulated, &sim);
        uint64_t mono_us = clock_mono(&c).us;
        sim_clock_jump_wall(&machine, -60000000);
        cr_assert_eq(clock_mono(&c).us, mono_us, "a jump of the wall clock is none of mono's");
    }
    sim_deinit(&sim);
}

/* ---- rng ---- */

static void check_rng(struct rng *r)
{
    unsigned seen[7] = { 0 };
    for (int why = 0; why < RNG_PURPOSE_COUNT; why++) {
        cr_assert_eq(rng_below(r, (enum rng_purpose)why, 1), 0);
        for (int i = 0; i < 700; i++) {
            uint64_t drawn = rng_below(r, (enum rng_purpose)why, 7);
            cr_assert_lt(drawn, 7);
            seen[drawn] += 1;
        }
    }
    for (int i = 0; i < 7; i++)
        cr_assert_gt(seen[i], RNG_PURPOSE_COUNT * 40, "each outcome comes about as often: %u",
                     seen[i]);
    uint64_t big = 0;
    for (int i = 0; i < 64; i++)
        big |= rng_below(r, RNG_IDENTITY, UINT64_MAX);
    cr_assert_gt(big, UINT32_MAX, "the whole range is drawn from");
    uint8_t bytes[32] = { 0 };
    uint8_t all = 0;
    rng_bytes(r, RNG_IDENTITY, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        all |= bytes[i];
    cr_assert_neq(all, 0);
}

Test(clock_rng, the_machines_chance)
{
    struct os_rng machine;
    os_rng_init(&machine);
    struct rng r = os_rng_port(&machine);
    check_rng(&r);
    os_rng_deinit(&machine);
}

Test(clock_rng, the_simulated_chance_repeats)
{
    static struct sim sim[2];
    uint64_t drawn[2][20];
    for (int i = 0; i < 2; i++) {
        sim_init(&sim[i], 7, NULL, 10);
        struct sim_dice dice = { .sim = &sim[i], .who = 1 };
        struct rng r = sim_dice_port(&dice);
        for (int k = 0; k < 20; k++)
            drawn[i][k] = rng_below(&r, RNG_ELECTION, 1000000);
        check_rng(&r);
        sim_deinit(&sim[i]);
    }
    cr_assert_arr_eq(drawn[0], drawn[1], sizeof(drawn[0]));
}
