/* The checker of repairs alone: four founders, peer 1 leads, peer 4 holds pins and dies. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/check/check.h"
#include "tests/lib/test_ids.h"

TestSuite(sim_repairs, .timeout = 60);

enum { SECOND = 1000000, TTL = 2 * SECOND, REPIN = 4 * SECOND, PEERS = 4 };

static struct {
    char checker[64];
    char text[512];
    uint64_t now_us;
    uint64_t index;
    unsigned sick; /* this one's daemon is not well */
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

static bool is_well(void *owner, unsigned who)
{
    (void)owner;
    return who != seen.sick;
}

static void tell(unsigned who, struct peer_fact fact)
{
    fact.number = who;
    checks_on_fact(checks, who, &fact);
}

static void starts(unsigned who)
{
    struct peer_fact_member members[PEERS];
    for (unsigned i = 0; i < PEERS; i++)
        members[i] =
            (struct peer_fact_member){ .number = i + 1, .is_voter = true, .id = ids[i + 1] };
    checks_on_start(checks, who);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE });
    tell(who,
         (struct peer_fact){
             .kind = PEER_FACT_CONFIG, .index = 1, .members = members, .members_count = PEERS });
}

static void passes(uint64_t us)
{
    for (uint64_t end_us = seen.now_us + us; seen.now_us < end_us;) {
        seen.now_us += SECOND / 4;
        checks_on_time(checks);
    }
}

/* `number` of them, each at two peers. */
static void pins(uint32_t number, unsigned a, unsigned b)
{
    struct peer_id holders[] = { ids[a], ids[b] };
    for (uint32_t i = 0; i < number; i++)
        tell(1, (struct peer_fact){ .kind = PEER_FACT_PIN,
                                    .index = ++seen.index,
                                    .cid = test_cid(i),
                                    .factor_min = 2,
                                    .factor_max = 2,
                                    .holders = holders,
                                    .holders_count = 2 });
}

/* All have been heard for a minute. */
static void begin(uint64_t per_second)
{
    memset(&seen, 0, sizeof(seen));
    struct checks_hooks hooks = { .on_failure = on_failure, .now_us = now_us, .is_well = is_well };
    struct checks_health health = { .ttl_us = TTL,
                                    .repin_after_us = REPIN,
                                    .is_watched = true,
                                    .repairs_per_second = per_second,
                                    .repairs_at_once = 16,
                                    .pins_in_motion = 1000,
                                    .daemon_silent_us = 10 * SECOND };
    checks = checks_create(PEERS, &hooks);
    checks_on_health(checks, &health);
    checks_on_network(checks, false, 500, 0);
    for (unsigned who = 1; who <= PEERS; who++) {
        uint8_t key[32] = { (uint8_t)who };
        ids[who] = peer_id_of_public_key(key);
        checks_name(checks, who, &ids[who]);
    }
    for (unsigned who = 1; who <= PEERS; who++)
        starts(who);
    tell(1,
         (struct peer_fact){ .kind = PEER_FACT_ROLE, .term = 2, .role = RAFT_LEADER, .leader = 1 });
    passes(60 * SECOND);
}

static void dies_and_is_called_so(unsigned who)
{
    checks_on_end(checks, who);
    passes(TTL + REPIN);
    tell(1,
         (struct peer_fact){ .kind = PEER_FACT_LIVENESS, .about = who, .liveness = LIVENESS_DOWN });
}

static void end_seeing(const char *checker)
{
    cr_assert_str_eq(seen.checker, checker, "%s: %s", seen.checker, seen.text);
    checks_destroy(checks);
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
             .kind = PEER_FACT_PIN, .index = ++seen.index, .cid = test_cid(0), .is_gone = true });
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
    cr_assert_str_empty(seen.checker, "%s", seen.text);
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

Test(sim_repairs, one_who_was_told_an_older_entry_changes_nothing)
{
    begin(1000);
    pins(1, 2, 4);
    dies_and_is_called_so(4);
    struct peer_id holders[] = { ids[2], ids[3] };
    tell(2, (struct peer_fact){ .kind = PEER_FACT_PIN,
                                .index = seen.index,
                                .cid = test_cid(0),
                                .factor_min = 2,
                                .holders = holders,
                                .holders_count = 2 });
    passes(8 * SECOND);
    end_seeing("repairs");
}
