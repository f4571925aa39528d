/* The checker of joins alone: three founders, peer 1 leads; peer 4 comes, by and by. */
#include <criterion/criterion.h>

#include "tests/lib/checks_alone.h"

TestSuite(sim_joins, .timeout = 60);

enum { TTL = 2 * SECOND, PEERS = 4, FOUNDERS = 3 };

static void append(unsigned who, uint64_t index)
{
    uint64_t term = index == 1 ? 1 : 2;
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_APPEND, .index = index, .term = term, .hash = index });
    tell(who,
         (struct peer_fact){ .kind = PEER_FACT_STORED, .index = index, .term = 2, .voted_for = 1 });
}

static void commit_everywhere(uint64_t index)
{
    for (unsigned who = 2; who <= 3; who++)
        append(who, index);
    append(1, index);
    tell(1, (struct peer_fact){ .kind = PEER_FACT_COMMIT, .index = index });
}

static void begin(void)
{
    struct checks_health health = { .ttl_us = TTL,
                                    .repin_after_us = 2 * TTL,
                                    .is_watched = true,
                                    .start_timeout_us = 30 * SECOND };
    begin_checks(PEERS, &health);
    for (unsigned who = 1; who <= FOUNDERS; who++) {
        founder_starts(who, FOUNDERS);
        checks_on_ready(checks, who);
    }
    leads(1, 2);
    commit_everywhere(1);
    passes(60 * SECOND);
}

/* As a learner. */
static void is_admitted(void)
{
    commit_everywhere(2);
    tell(PEERS, (struct peer_fact){ .kind = PEER_FACT_WOKE });
    for (unsigned who = 1; who <= PEERS; who++)
        tell_config(who, 2, PEERS, FOUNDERS);
}

static void applies(unsigned who, uint64_t index)
{
    append(who, index);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_COMMIT, .index = index });
    tell(who,
         (struct peer_fact){
             .kind = PEER_FACT_APPLY, .index = index, .term = index == 1 ? 1 : 2, .hash = index });
}

Test(sim_joins, in_time)
{
    begin();
    checks_on_start(checks, 4);
    passes(20 * SECOND);
    is_admitted();
    applies(4, 1);
    passes(10 * SECOND);
    checks_on_ready(checks, 4);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_joins, one_who_gives_up)
{
    begin();
    checks_on_start(checks, 4);
    passes(30 * SECOND);
    checks_on_end(checks, 4);
    passes(600 * SECOND);
    end_seeing("");
}

Test(sim_joins, standing_still_is_no_time)
{
    begin();
    checks_on_start(checks, 4);
    checks_on_pause(checks, 4, true);
    passes(60 * SECOND);
    checks_on_pause(checks, 4, false);
    passes(20 * SECOND);
    end_seeing("");
}

Test(sim_joins, a_stranger_that_never_gives_up)
{
    begin();
    checks_on_start(checks, 4);
    passes(34 * SECOND);
    expect_nothing();
    passes(3 * SECOND);
    end_seeing("joins");
}

Test(sim_joins, a_member_that_gets_nothing)
{
    begin();
    checks_on_start(checks, 4);
    is_admitted();
    passes(60 * SECOND);
    end_seeing("joins");
}

Test(sim_joins, news_are_no_reason_to_be_late)
{
    begin();
    checks_on_start(checks, 4);
    is_admitted();
    applies(4, 1);
    applies(4, 2);
    for (uint64_t index = 3; index < 80 && seen.checker[0] == '\0'; index++) {
        commit_everywhere(index);
        applies(4, index);
        passes(SECOND);
    }
    end_seeing("joins");
}
