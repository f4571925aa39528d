/* Dissertation 6.2: a leader that a majority does not answer steps down. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_6_2, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static const struct raft_ready *answer(struct raft *r, uint64_t now_us, uint64_t from)
{
    struct raft_msg m = raft_one_ack(from, r, 0);
    return raft_step(r, now_us, 0, &m);
}

Test(raft_6_2, silence_of_a_majority_ends_it)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = 5, .learners = 2 });
    raft_one_win(r, NOW);
    uint64_t now_us = NOW;
    for (int i = 0; i < 30; i++) {
        now_us += ONE_HEARTBEAT_US;
        answer(r, now_us, 2);
        answer(r, now_us, 3);
        raft_on_deadline(r, now_us, 0);
        cr_assert_eq(raft_state(r), RAFT_LEADER);
    }
    cr_assert_eq(raft_last_contact_us(r), now_us);
    uint64_t term = raft_term(r);
    for (int i = 0; i < 9; i++) {
        now_us += ONE_HEARTBEAT_US;
        answer(r, now_us, 3); /* one voter, and the learners, are not enough */
        answer(r, now_us, 6);
        answer(r, now_us, 7);
        raft_on_deadline(r, now_us, 0);
        cr_assert_eq(raft_state(r), RAFT_LEADER);
    }
    cr_assert_leq(raft_next_deadline_us(r), now_us + ONE_HEARTBEAT_US);
    const struct raft_ready *ready = raft_on_deadline(r, now_us + ONE_HEARTBEAT_US, 0);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY);
    cr_assert_eq(raft_term(r), term, "nobody else is known to lead");
    cr_assert(ready->role_changed);
    raft_destroy(r);
}

Test(raft_6_2, years_of_uptime_change_nothing)
{
    const uint64_t years_us = (uint64_t)3 * 365 * 24 * 3600 * 1000 * 1000;
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_one_win(r, years_us);
    raft_one_store(r, years_us);
    answer(r, years_us + 1, 2);
    cr_assert_geq(raft_next_deadline_us(r), years_us);
    raft_on_deadline(r, years_us + ONE_HEARTBEAT_US, 0);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_on_deadline(r, years_us + 1 + ONE_ELECTION_US, 0);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_destroy(r);
}

Test(raft_6_2, a_leader_alone_needs_no_answer)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = 1, .learners = 1 });
    raft_one_win(r, NOW);
    raft_on_deadline(r, NOW + 50 * ONE_ELECTION_US, 0);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

/* A disk that takes longer than an election must not look like a dead member. */
Test(raft_6_2, heartbeats_are_answered_while_the_disk_works)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = 1 });
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 3, 1, 0));
    const struct raft_msg *reply = raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(reply->match == 3 && reply->after_unit == 1);
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    ready = raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 1, 3 }, 0, 0, 0));
    reply = raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(reply->granted && reply->match == 0 && reply->after_unit == 0);
    raft_destroy(r);
}

Test(raft_6_2, who_abdicates_is_quiet_until_then)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_one_win(r, NOW);
    uint64_t until_us = NOW + 20 * ONE_ELECTION_US;
    const struct raft_ready *ready = raft_abdicate(r, NOW, until_us);
    cr_assert(ready->role_changed);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_geq(raft_next_deadline_us(r), until_us);
    raft_step(r, NOW + 1, 0, raft_one_append(2, 1, 5, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_geq(raft_next_deadline_us(r), until_us, "also after hearing from another leader");
    struct raft_msg order = { .type = RAFT_MSG_TIMEOUT_NOW, .from = 2, .to = 1, .term = 5 };
    raft_step(r, NOW + 2, 0, &order);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_on_deadline(r, until_us + ONE_ELECTION_US * 2, 0);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    raft_destroy(r);
}
