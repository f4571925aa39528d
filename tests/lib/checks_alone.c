#include "tests/lib/checks_alone.h"

#include <criterion/criterion.h>
#include <string.h>

struct checks *checks;
struct peer_id ids[CHECKS_ALONE_MAX + 1];
struct checks_seen seen;

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

static bool is_well(void *owner, unsigned who)
{
    (void)owner;
    return who != seen.sick;
}

void begin_checks(unsigned machines, const struct checks_health *health)
{
    struct checks_hooks hooks = { .on_failure = on_failure, .now_us = now_us, .is_well = is_well };
    cr_assert_leq(machines, CHECKS_ALONE_MAX);
    memset(&seen, 0, sizeof(seen));
    checks = checks_create(machines, &hooks);
    if (health != NULL) {
        checks_on_health(checks, health);
        checks_on_network(checks, false, 500, 0);
    }
    for (unsigned who = 1; who <= machines; who++) {
        uint8_t key[32] = { (uint8_t)who };
        ids[who] = peer_id_of_public_key(key);
        checks_name(checks, who, &ids[who]);
    }
}

void tell(unsigned who, struct peer_fact fact)
{
    seen.now_us += 1;
    fact.number = who;
    checks_on_fact(checks, who, &fact);
}

void leads(unsigned who, uint64_t term)
{
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_ROLE, .term = term, .role = RAFT_LEADER, .leader = who });
}

void tell_config(unsigned who, uint64_t index, unsigned members, unsigned voters)
{
    struct peer_fact_member list[CHECKS_ALONE_MAX];
    for (unsigned i = 0; i < members; i++)
        list[i] =
            (struct peer_fact_member){ .number = i + 1, .is_voter = i < voters, .id = ids[i + 1] };
    tell(who,
         (struct peer_fact){
             .kind = PEER_FACT_CONFIG, .index = index, .members = list, .members_count = members });
}

void founder_starts(unsigned who, unsigned voters)
{
    checks_on_start(checks, who);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE });
    tell_config(who, 1, voters, voters);
}

void passes(uint64_t us)
{
    for (uint64_t end_us = seen.now_us + us; seen.now_us < end_us;) {
        seen.now_us += SECOND / 4;
        checks_on_time(checks);
    }
}

void expect_nothing(void)
{
    cr_assert_str_empty(seen.checker, "%s: %s", seen.checker, seen.text);
}

void end_seeing(const char *checker)
{
    cr_assert_str_eq(seen.checker, checker, "%s: %s", seen.checker, seen.text);
    checks_destroy(checks);
}
