/* The checker of alarms alone: three founders, peer 1 leads, peer 3 is the one that dies, or does not. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/check/check.h"

TestSuite(sim_alarms, .timeout = 60);

enum { SECOND = 1000000, TTL = 2 * SECOND, REPIN = 4 * SECOND };

static struct {
    char checker[64];
    char text[512];
    uint64_t now_us;
} seen;

static struct checks *checks;
static struct peer_id ids[4];

static void on_failure(void *owner, const char *checker, const char *text)
{
    (void)owner;
    strncpy(seen.checker, checker, sizeof(seen.checker) - 1);
    strncpy(seen.text, text, sizeof(seen.text) - 1);
}

static uint64_t now_us(void *owner)
{
    (void)owner;
    return seen.now_us;
}

static void tell(unsigned who, struct peer_fact fact)
{
    fact.number = who;
    checks_on_fact(checks, who, &fact);
}

static void starts(unsigned who)
{
    struct peer_fact_member members[3];
    for (unsigned i = 0; i < 3; i++)
        members[i] =
            (struct peer_fact_member){ .number = i + 1, .is_voter = true, .id = ids[i + 1] };
    checks_on_start(checks, who);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE });
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_CONFIG, .index = 1, .members = members, .members_count = 3 });
}

static void leads(unsigned who, uint64_t term)
{
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_ROLE, .term = term, .role = RAFT_LEADER, .leader = who });
}

static void takes_for(unsigned who, uint64_t about, enum liveness liveness)
{
    tell(who,
         (struct peer_fact){ .kind = PEER_FACT_LIVENESS, .about = about, .liveness = liveness });
}

static void passes(uint64_t us)
{
    seen.now_us += us;
    checks_on_time(checks);
}

/* All have been heard for a minute. */
static void begin(void)
{
    memset(&seen, 0, sizeof(seen));
    struct checks_hooks hooks = { .on_failure = on_failure, .now_us = now_us };
    struct checks_health health = { .ttl_us = TTL, .repin_after_us = REPIN, .is_watched = true };
    checks = checks_create(3, &hooks);
    checks_on_health(checks, &health);
    checks_on_network(checks, false, 500, 0);
    for (unsigned who = 1; who <= 3; who++) {
        uint8_t key[32] = { (uint8_t)who };
        ids[who] = peer_id_of_public_key(key);
        checks_name(checks, who, &ids[who]);
    }
    for (unsigned who = 1; who <= 3; who++)
        starts(who);
    leads(1, 2);
    passes(60 * SECOND);
}

static void end_seeing(const char *checker)
{
    cr_assert_str_eq(seen.checker, checker, "%s: %s", seen.checker, seen.text);
    checks_destroy(checks);
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
    starts(3);
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
    cr_assert_str_empty(seen.checker, "%s", seen.text);
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
    starts(3);
    passes(20 * SECOND);
    end_seeing("alarms");
}
