/* The checker of alarms alone: three founders, peer 1 leads, peer 3 is the one that dies, or does not. */
#include <criterion/criterion.h>

#include "tests/lib/checks_alone.h"

TestSuite(sim_alarms, .timeout = 60);

enum { TTL = 2 * SECOND, REPIN = 4 * SECOND, FOUNDERS = 3 };

static void takes_for(unsigned who, uint64_t about, enum liveness liveness)
{
    tell(who,
         (struct peer_fact){ .kind = PEER_FACT_LIVENESS, .about = about, .liveness = liveness });
}

/* All have been heard for a minute. */
static void begin(void)
{
    struct checks_health health = { .ttl_us = TTL, .repin_after_us = REPIN, .is_watched = true };
    begin_checks(FOUNDERS, &health);
    for (unsigned who = 1; who <= FOUNDERS; who++)
        founder_starts(who, FOUNDERS);
    leads(1, 2);
    passes(60 * SECOND);
}

/* ---- what is right ---- */

Test(sim_alarms, a_death_that_is_called_in_time)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL);
    takes_for(1, 3, LIVENESS_SUSPECT);
    passes(REPIN);
    takes_for(1, 3, LIVENESS_DOWN);
    passes(600 * SECOND);
    founder_starts(3, FOUNDERS);
    passes(SECOND);
    takes_for(1, 3, LIVENESS_HEALTHY);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_alarms, one_that_may_not_have_been_heard_may_be_called_down)
{
    begin();
    checks_on_network(checks, true, 500, 0); /* frames get lost */
    passes(TTL + REPIN);
    takes_for(1, 3, LIVENESS_DOWN);
    end_seeing("");
}

Test(sim_alarms, nobody_looks_where_nothing_is_repaired)
{
    begin();
    struct checks_health health = { .ttl_us = TTL, .repin_after_us = REPIN };
    checks_on_health(checks, &health);
    checks_on_end(checks, 3);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_alarms, standing_still_for_a_moment_ends_nobodys_silence)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL + REPIN - SECOND);
    checks_on_pause(checks, 1, true);
    passes(SECOND);
    checks_on_pause(checks, 1, false);
    takes_for(1, 3, LIVENESS_DOWN);
    end_seeing("");
}

Test(sim_alarms, what_was_held_by_a_cut_arrives_at_its_end)
{
    begin();
    checks_on_cut(checks, 3, 1, true);
    passes(TTL + REPIN);
    takes_for(1, 3, LIVENESS_DOWN);
    passes(20 * SECOND);
    checks_on_pause(checks, 3, true);
    passes(SECOND);
    checks_on_cut(checks, 3, 1, false);
    takes_for(1, 3, LIVENESS_HEALTHY);
    passes(TTL);
    takes_for(1, 3, LIVENESS_SUSPECT);
    passes(REPIN + 4 * SECOND);
    expect_nothing();
    passes(2 * SECOND); /* and now it is late */
    end_seeing("alarms");
}

/* ---- false alarms ---- */

Test(sim_alarms, a_living_peer_called_down)
{
    begin();
    takes_for(1, 3, LIVENESS_DOWN);
    end_seeing("alarms");
}

Test(sim_alarms, a_dead_peer_called_down_before_its_time)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL + REPIN / 2);
    takes_for(1, 3, LIVENESS_DOWN);
    end_seeing("alarms");
}

Test(sim_alarms, a_new_leader_that_did_not_listen_before)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL + REPIN - SECOND);
    leads(2, 3);
    passes(SECOND);
    takes_for(2, 3, LIVENESS_DOWN);
    end_seeing("alarms");
}

Test(sim_alarms, a_leader_that_stood_still_blames_others)
{
    begin();
    checks_on_pause(checks, 1, true);
    passes(60 * SECOND);
    checks_on_pause(checks, 1, false);
    takes_for(1, 3, LIVENESS_SUSPECT);
    end_seeing("alarms");
}

/* ---- late ones ---- */

Test(sim_alarms, a_death_that_nobody_calls)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL + REPIN + 4 * SECOND);
    expect_nothing();
    passes(2 * SECOND);
    end_seeing("alarms");
}

Test(sim_alarms, one_cut_off_that_nobody_calls_down)
{
    begin();
    checks_on_cut(checks, 3, 1, true);
    passes(TTL);
    takes_for(1, 3, LIVENESS_SUSPECT);
    passes(REPIN + 6 * SECOND);
    end_seeing("alarms");
}

Test(sim_alarms, one_that_is_back_and_still_called_down)
{
    begin();
    checks_on_end(checks, 3);
    passes(TTL + REPIN);
    takes_for(1, 3, LIVENESS_DOWN);
    founder_starts(3, FOUNDERS);
    passes(20 * SECOND);
    end_seeing("alarms");
}
