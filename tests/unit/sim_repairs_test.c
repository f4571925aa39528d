/* The checker of repairs alone: four founders, peer 1 leads, peer 4 holds pins and dies. */
#include <criterion/criterion.h>

#include "tests/lib/checks_alone.h"
#include "tests/lib/test_ids.h"

TestSuite(sim_repairs, .timeout = 60);

static uint64_t last_index; /* the last entry that was about a pin */

enum { TTL = 2 * SECOND, REPIN = 4 * SECOND, PEERS = 4 };

/* `number` of them, each at two peers. */
static void pins(uint32_t number, unsigned a, unsigned b)
{
    struct peer_id holders[] = { ids[a], ids[b] };
    for (uint32_t i = 0; i < number; i++)
        tell(1, (struct peer_fact){ .kind = PEER_FACT_PIN,
                                    .index = ++last_index,
                                    .cid = test_cid(i),
                                    .factor_min = 2,
                                    .factor_max = 2,
                                    .holders = holders,
                                    .holders_count = 2 });
}

/* All have been heard for a minute. */
static void begin(uint64_t per_second)
{
    struct checks_health health = { .ttl_us = TTL,
                                    .repin_after_us = REPIN,
                                    .is_watched = true,
                                    .repairs_per_second = per_second,
                                    .repairs_at_once = 16,
                                    .pins_in_motion = 1000,
                                    .repairs_trickle = 10,
                                    .daemon_silent_us = 10 * SECOND };
    begin_checks(PEERS, &health);
    for (unsigned who = 1; who <= PEERS; who++)
        founder_starts(who, PEERS);
    leads(1, 2);
    passes(60 * SECOND);
}

static void dies_and_is_called_so(unsigned who)
{
    checks_on_end(checks, who);
    passes(TTL + REPIN);
    tell(1,
         (struct peer_fact){ .kind = PEER_FACT_LIVENESS, .about = who, .liveness = LIVENESS_DOWN });
}

/* ---- what is right ---- */

Test(sim_repairs, pins_that_move_in_time)
{
    begin(1000);
    pins(10, 2, 4);
    dies_and_is_called_so(4);
    passes(3 * SECOND);
    pins(10, 2, 3);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, what_has_enough_holders_stays)
{
    begin(1000);
    pins(10, 2, 3);
    dies_and_is_called_so(4);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, nobody_moves_what_nobody_can_take)
{
    begin(1000);
    pins(1, 3, 4);
    dies_and_is_called_so(4);
    checks_on_drain(checks, 2);
    checks_on_drain(checks, 1);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, who_is_sick_may_not_be_counted_on)
{
    begin(1000);
    pins(1, 3, 4);
    dies_and_is_called_so(4);
    seen.sick = 1; /* the leader */
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, a_small_budget_takes_its_time)
{
    begin(1);
    pins(30, 2, 4);
    dies_and_is_called_so(4);
    passes(30 * SECOND);
    pins(30, 2, 3);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, a_pin_that_is_gone_need_not_move)
{
    begin(1000);
    pins(1, 2, 4);
    dies_and_is_called_so(4);
    tell(1,
         (struct peer_fact){
             .kind = PEER_FACT_PIN, .index = ++last_index, .cid = test_cid(0), .is_gone = true });
    passes(600 * SECOND);
    end_seeing("");
}

/* ---- what is not ---- */

Test(sim_repairs, a_pin_that_stays_with_the_dead)
{
    begin(1000);
    pins(10, 2, 4);
    dies_and_is_called_so(4);
    passes(4 * SECOND);
    expect_nothing();
    pins(9, 2, 3); /* all but one */
    passes(4 * SECOND);
    end_seeing("repairs");
}

Test(sim_repairs, a_budget_that_is_not_used)
{
    begin(10);
    pins(30, 2, 4);
    dies_and_is_called_so(4);
    passes(12 * SECOND);
    end_seeing("repairs");
}

/* Users' pins may wait by the thousands. */
Test(sim_repairs, many_pins_are_no_excuse)
{
    begin(1000);
    pins(2000, 2, 3);
    pins(1, 2, 4);
    dies_and_is_called_so(4);
    passes(8 * SECOND);
    end_seeing("repairs");
}

static void moves(int number)
{
    for (int i = 0; i < number; i++)
        tell(1, (struct peer_fact){ .kind = PEER_FACT_PROPOSE_REPIN,
                                    .cid = test_cid(5000 + (uint32_t)i) });
}

Test(sim_repairs, behind_many_moves_a_trickle_is_enough)
{
    begin(1000);
    pins(100, 2, 4);
    moves(300);
    dies_and_is_called_so(4);
    passes(12 * SECOND);
    pins(100, 2, 3);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_repairs, behind_many_moves_nothing_is_too_little)
{
    begin(1000);
    pins(100, 2, 4);
    moves(300);
    dies_and_is_called_so(4);
    passes(30 * SECOND);
    end_seeing("repairs");
}

Test(sim_repairs, one_who_was_told_an_older_entry_changes_nothing)
{
    begin(1000);
    pins(1, 2, 4);
    dies_and_is_called_so(4);
    struct peer_id holders[] = { ids[2], ids[3] };
    tell(2, (struct peer_fact){ .kind = PEER_FACT_PIN,
                                .index = last_index,
                                .cid = test_cid(0),
                                .factor_min = 2,
                                .holders = holders,
                                .holders_count = 2 });
    passes(8 * SECOND);
    end_seeing("repairs");
}
