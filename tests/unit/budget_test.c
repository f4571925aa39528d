#include <criterion/criterion.h>

#include "allocation/budget.h"
#include "tests/lib/test_ids.h"

TestSuite(budget, .timeout = 60);

#define SECOND ((uint64_t)1000 * 1000)
#define TTL    (30 * SECOND)
#define MIB    ((uint64_t)1 << 20)

struct scene {
    struct budget b;
    struct budget_limits limits;
    struct budget_load load;
    uint64_t now_us;
};

static struct scene scene_of(const struct budget_limits *limits, uint64_t pin_bytes)
{
    return (struct scene){ .limits = *limits,
                           .load = { .pins = 100000, .pin_bytes = pin_bytes },
                           .now_us = 1000 * SECOND };
}

static uint64_t scene_left(struct scene *s)
{
    return budget_left(&s->b, &s->limits, &s->load, s->now_us, TTL);
}

/* Gives all that may be given now; how many. */
static uint64_t scene_give(struct scene *s)
{
    uint64_t left = scene_left(s);
    for (uint64_t i = 0; i < left; i++)
        budget_spend(&s->b, &s->load);
    return left;
}

/* The same, whenever there is something to give, for so long. */
static uint64_t scene_give_for(struct scene *s, uint64_t us)
{
    uint64_t given = scene_give(s);
    uint64_t end_us = s->now_us + us;
    while (s->now_us < end_us) {
        uint64_t next_us = budget_next_us(&s->b, &s->limits);
        cr_assert_gt(next_us, s->now_us);
        s->now_us = next_us;
        given += s->now_us < end_us ? scene_give(s) : 0;
    }
    return given;
}

Test(budget, without_limits_all_may_go)
{
    struct scene s = scene_of(&(struct budget_limits){ .percent_in_motion = 100 }, MIB);
    cr_assert_eq(scene_left(&s), UINT64_MAX);
}

Test(budget, so_many_a_second)
{
    struct scene s =
        scene_of(&(struct budget_limits){ .per_second = 5, .percent_in_motion = 100 }, 0);
    cr_assert_eq(scene_give(&s), 5);
    cr_assert_eq(scene_left(&s), 0);
    cr_assert_eq(budget_next_us(&s.b, &s.limits), s.now_us + SECOND);
    s.now_us += SECOND - 1;
    cr_assert_eq(scene_left(&s), 0);
    s.now_us += 1;
    cr_assert_eq(scene_left(&s), 5);
}

Test(budget, a_share_of_all_may_be_in_motion)
{
    struct scene s = scene_of(&(struct budget_limits){ .percent_in_motion = 10 }, 0);
    s.load.queued = 9000;
    cr_assert_eq(scene_give(&s), 1000);
    s.now_us += TTL - 1;
    cr_assert_eq(scene_left(&s), 0); /* no queue shows them yet */
    s.now_us = 1000 * SECOND + TTL;
    s.load.queued = 10000;
    cr_assert_eq(scene_left(&s), 0); /* now one does */
    s.load.queued = 11000;
    cr_assert_eq(scene_left(&s), 0);
    s.load.queued = 10;
    s.load.pins = 20; /* of a few pins all may move */
    cr_assert_eq(scene_left(&s), BUDGET_MOTION_MIN - 10);
}

/* Not faster than so many a second are asked for, and not beyond bytes that may be under way. */
Test(budget, a_trickle_is_not_held_up_by_what_is_in_motion)
{
    struct scene s =
        scene_of(&(struct budget_limits){ .percent_in_motion = 10, .trickle_per_second = 3 }, MIB);
    s.load.queued = UINT32_MAX;
    cr_assert_eq(scene_give(&s), 3);
    cr_assert_eq(scene_left(&s), 0);
    cr_assert(budget_is_held(&s.b, &s.limits, &s.load));
    s.now_us += SECOND;
    cr_assert_eq(scene_left(&s), 3);
    s.limits.per_second = 2;
    cr_assert_eq(scene_left(&s), 2);
    s.limits.bytes_at_once = MIB;
    cr_assert_eq(scene_left(&s), 0);
    s.limits.bytes_at_once = 0;
    s.load.queued = 0;
    s.now_us += TTL;
    cr_assert_eq(scene_left(&s), 2);
    cr_assert_not(budget_is_held(&s.b, &s.limits, &s.load));
}

Test(budget, so_many_bytes_a_second)
{
    struct scene s = scene_of(
        &(struct budget_limits){ .percent_in_motion = 100, .bytes_per_second = 100 * MIB }, MIB);
    cr_assert_eq(scene_give(&s), 100);
    cr_assert_eq(scene_left(&s), 0);
    uint64_t given = scene_give_for(&s, 60 * SECOND);
    cr_assert(given > 58 * 100 && given <= 60 * 100, "%llu", (unsigned long long)given);
}

/* Also when it is asked for every few milliseconds, where less than a byte comes in between. */
Test(budget, small_change_is_not_lost)
{
    struct scene s =
        scene_of(&(struct budget_limits){ .percent_in_motion = 100, .bytes_per_second = 100 }, 10);
    cr_assert_eq(scene_give(&s), 10);
    uint64_t given = 0;
    for (int i = 0; i < 5000; i++) {
        s.now_us += 2000;
        given += scene_give(&s);
    }
    cr_assert(given >= 99 && given <= 101, "%llu", (unsigned long long)given);
}

Test(budget, a_pin_larger_than_a_second_goes_alone_and_is_paid_back)
{
    struct scene s = scene_of(
        &(struct budget_limits){ .percent_in_motion = 100, .bytes_per_second = MIB }, 10 * MIB);
    uint64_t given = scene_give_for(&s, 100 * SECOND);
    cr_assert(given >= 10 && given <= 11, "%llu", (unsigned long long)given);
}

/* A daemon said for a moment that its repository is huge. */
Test(budget, what_is_owed_is_weighed_again)
{
    struct budget_limits limits = { .percent_in_motion = 100, .bytes_per_second = 1000 };
    struct scene s = scene_of(&limits, 1000 * 1000 * 1000);
    cr_assert_eq(scene_give(&s), 1);
    s.now_us += SECOND;
    cr_assert_eq(scene_left(&s), 0);
    s.load.pin_bytes = 3000;
    cr_assert_eq(scene_left(&s), 0);
    s.now_us += 2 * SECOND;
    cr_assert_eq(scene_left(&s), 0); /* what it is now is paid back */
    s.now_us += 2 * SECOND;
    cr_assert_eq(scene_left(&s), 1);
}

Test(budget, so_many_bytes_at_once)
{
    struct scene s = scene_of(
        &(struct budget_limits){ .percent_in_motion = 100, .bytes_at_once = 100 * MIB }, MIB);
    s.load.queued = 30;
    s.load.running = 20;
    cr_assert_eq(scene_give(&s), 50);
    cr_assert_eq(scene_left(&s), 0);
    s.now_us += TTL;
    s.load.queued = 0, s.load.running = 10;
    cr_assert_eq(scene_left(&s), 90);
    s.load.pin_bytes = 1000 * MIB; /* each is larger than the limit: one by one */
    cr_assert_eq(scene_left(&s), 0);
    s.load.running = 0;
    cr_assert_eq(scene_give(&s), 1);
    cr_assert_eq(scene_left(&s), 0);
}

Test(budget, without_a_size_pins_are_counted)
{
    struct scene s = scene_of(
        &(struct budget_limits){
            .per_second = 7, .percent_in_motion = 100, .bytes_per_second = 1, .bytes_at_once = 1 },
        0);
    cr_assert_eq(scene_give(&s), 7);
}

/* Whatever was said before: no overflow, no wait without end, and time brings more. */
Test(budget, absurd_numbers)
{
    struct test_random random = { 3 };
    for (int round = 0; round < 20000; round++) {
        struct scene s = scene_of(
            &(struct budget_limits){
                .percent_in_motion = 100,
                .bytes_per_second = (test_random_next(&random) >> test_random_next(&random) % 40) %
                                        BUDGET_BYTES_PER_SECOND_MAX +
                                    1,
                .bytes_at_once = test_random_next(&random) % 2 * UINT64_MAX },
            test_random_next(&random) >> test_random_next(&random) % 64);
        for (int i = 0; i < 20; i++) {
            uint64_t left = scene_left(&s);
            for (uint64_t n = 0; n < left && n < 3; n++)
                budget_spend(&s.b, &s.load);
            cr_assert_leq(s.b.credit, (int64_t)s.limits.bytes_per_second);
            s.now_us += test_random_next(&random) >> (24 + test_random_next(&random) % 40);
            s.load.pin_bytes = test_random_next(&random) >> test_random_next(&random) % 64;
        }
        s.now_us = s.b.credit > 0 ? s.now_us : budget_next_us(&s.b, &s.limits);
        s.load = (struct budget_load){ .pin_bytes = 1 };
        if (s.now_us < (uint64_t)1 << 62)
            cr_assert_gt(scene_left(&s), 0, "round %d", round);
    }
}
