/* The checker of joins alone: three founders, peer 1 leads; peer 4 comes, by and by. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/check/check.h"

TestSuite(sim_joins, .timeout = 60);

enum { SECOND = 1000000, TTL = 2 * SECOND, PEERS = 4 };

static struct {
    char checker[64];
    char text[512];
    uint64_t now_us;
} seen;

static struct checks *checks;
static struct peer_id ids[PEERS + 1];

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

/* The last of them is a learner. */
static void config(unsigned who, size_t count)
{
    struct peer_fact_member members[PEERS];
    for (unsigned i = 0; i < count; i++)
        members[i] =
            (struct peer_fact_member){ .number = i + 1, .is_voter = i < 3, .id = ids[i + 1] };
    tell(who, (struct peer_fact){ .kind = PEER_FACT_CONFIG,
                                  .index = count == PEERS ? 2 : 1,
                                  .members = members,
                                  .members_count = count });
}

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

static void passes(uint64_t us)
{
    for (uint64_t end_us = seen.now_us + us; seen.now_us < end_us;) {
        seen.now_us += SECOND / 4;
        checks_on_time(checks);
    }
}

static void begin(void)
{
    memset(&seen, 0, sizeof(seen));
    struct checks_hooks hooks = { .on_failure = on_failure, .now_us = now_us };
    struct checks_health health = { .ttl_us = TTL,
                                    .repin_after_us = 2 * TTL,
                                    .is_watched = true,
                                    .start_timeout_us = 30 * SECOND };
    checks = checks_create(PEERS, &hooks);
    checks_on_health(checks, &health);
    checks_on_network(checks, false, 500, 0);
    for (unsigned who = 1; who <= PEERS; who++) {
        uint8_t key[32] = { (uint8_t)who };
        ids[who] = peer_id_of_public_key(key);
        checks_name(checks, who, &ids[who]);
    }
    for (unsigned who = 1; who <= 3; who++) {
        checks_on_start(checks, who);
        tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE });
        config(who, 3);
        checks_on_ready(checks, who);
    }
    tell(1,
         (struct peer_fact){ .kind = PEER_FACT_ROLE, .term = 2, .role = RAFT_LEADER, .leader = 1 });
    commit_everywhere(1);
    passes(60 * SECOND);
}

static void is_admitted(void)
{
    commit_everywhere(2);
    for (unsigned who = 1; who <= 3; who++)
        config(who, 4);
    tell(4, (struct peer_fact){ .kind = PEER_FACT_WOKE });
    config(4, 4);
}

static void applies(unsigned who, uint64_t index)
{
    append(who, index);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_COMMIT, .index = index });
    tell(who,
         (struct peer_fact){
             .kind = PEER_FACT_APPLY, .index = index, .term = index == 1 ? 1 : 2, .hash = index });
}

static void end_seeing(const char *checker)
{
    cr_assert_str_eq(seen.checker, checker, "%s: %s", seen.checker, seen.text);
    checks_destroy(checks);
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
    cr_assert_str_empty(seen.checker, "%s", seen.text);
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
