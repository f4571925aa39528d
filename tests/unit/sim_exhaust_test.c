/* Every order of a few things: what is counted can be believed. That it would find something is shown with mutants. */
#include <criterion/criterion.h>

#include "sim/search/exhaust.h"

TestSuite(sim_exhaust, .timeout = 120);

static struct exhaust_result search(struct exhaust_limits limits)
{
    struct exhaust_result r;
    exhaust_run(&limits, &r);
    cr_assert_eq(r.failure.len, 0, "%s", buf_text(&r.failure));
    return r;
}

Test(sim_exhaust, without_anything_that_may_happen_there_is_one_state)
{
    struct exhaust_result r = search((struct exhaust_limits){ .nodes = 2, .depth = 10 });
    cr_assert(r.is_complete && r.states == 1 && r.actions == 0);
}

/* One entry, no faults. The leader sends it and writes it at once; the follower hears it, writes it, answers; the leader's
 * own disk finishes before any of that, between any two, or behind it. */
Test(sim_exhaust, an_entry_of_two_peers_in_every_order)
{
    struct exhaust_result r =
        search((struct exhaust_limits){ .nodes = 2, .depth = 20, .entries = 1 });
    cr_assert(r.is_complete);
    /* proposed; then (own disk done or not) x (sent, heard, stored, answered): 2 x 4; and before all that 1. */
    cr_assert_geq(r.states, 9);
    cr_assert_leq(r.states, 14, "%llu", (unsigned long long)r.states);
    cr_assert_leq(r.deepest, 8);
}

Test(sim_exhaust, deeper_is_more_and_the_same_is_the_same)
{
    struct exhaust_limits limits = {
        .nodes = 2, .depth = 5, .entries = 1, .deadlines = 1, .crashes = 1
    };
    struct exhaust_result shallow = search(limits);
    limits.depth = 7;
    struct exhaust_result deep = search(limits), again = search(limits);
    cr_assert_gt(deep.states, shallow.states);
    cr_assert_eq(deep.deepest, 7);
    cr_assert(deep.states == again.states && deep.actions == again.actions);
    cr_assert_geq(deep.actions, deep.states - 1);
}

Test(sim_exhaust, three_peers_and_lost_messages)
{
    struct exhaust_result r = search((struct exhaust_limits){
        .nodes = 3, .depth = 5, .entries = 1, .deadlines = 1, .crashes = 1, .losses = 1 });
    cr_assert(r.is_complete && r.states > 500);
}

Test(sim_exhaust, a_limit_of_states_is_kept)
{
    struct exhaust_result r = search((struct exhaust_limits){
        .nodes = 2, .depth = 20, .entries = 1, .deadlines = 2, .crashes = 1, .states_max = 100 });
    cr_assert_not(r.is_complete);
    cr_assert_eq(r.states, 100);
}
