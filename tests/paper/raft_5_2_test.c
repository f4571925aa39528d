/* Raft (extended) 5.2: leader election. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_5_2, .timeout = 60);

enum { LATE = 5 * ONE_ELECTION_US };

/* A candidate of term 1 whose own vote is stored. */
static struct raft *candidate(unsigned voters, unsigned learners)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = voters, .learners = learners });
    raft_on_deadline(r, LATE, 0);
    for (unsigned i = 2; i <= voters && raft_state(r) == RAFT_PRE_CANDIDATE; i++) {
        struct raft_msg m = raft_one_grant(i, 1, 1);
        m.is_pre_vote = true;
        raft_step(r, LATE, 0, &m);
    }
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    raft_one_store(r, LATE);
    return r;
}

static void grant(struct raft *r, uint64_t from, uint64_t term)
{
    struct raft_msg m = raft_one_grant(from, raft_number(r), term);
    raft_step(r, LATE, 0, &m);
}

static bool asks_and_gets(struct raft *r, uint64_t from, uint64_t term)
{
    struct raft_msg m = raft_one_vote(from, raft_number(r), term, (struct raft_pos){ 9, 9 });
    const struct raft_ready *ready = raft_step(r, LATE, 0, &m);
    const struct raft_msg *reply = raft_one_find(ready, RAFT_MSG_VOTE_REPLY, from);
    cr_assert_not_null(reply);
    cr_assert_eq(reply->term, raft_term(r));
    return reply->granted;
}

Test(raft_5_2, a_candidate_raises_its_term_votes_for_itself_and_asks_all_voters)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .learners = 1 });
    raft_on_deadline(r, LATE, 0);
    struct raft_msg m = raft_one_grant(2, 1, 1);
    m.is_pre_vote = true;
    const struct raft_ready *ready = raft_step(r, LATE, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    cr_assert_eq(raft_term(r), 1);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_VOTE), 2, "the learner is not asked");
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    cr_assert(unit.hard.term == 1 && unit.hard.voted_for == 1);
    raft_destroy(r);
}

Test(raft_5_2, a_majority_of_the_voters_wins)
{
    const unsigned needed[] = { 0, 0, 1, 1, 2, 2, 3, 3 }; /* beside its own, by number of voters */
    for (unsigned voters = 2; voters <= 7; voters++) {
        struct raft *r = candidate(voters, 0);
        for (unsigned i = 0; i < needed[voters]; i++) {
            cr_assert_eq(raft_state(r), RAFT_CANDIDATE, "%u of %u", i + 1, voters);
            grant(r, i + 2, 1);
        }
        cr_assert_eq(raft_state(r), RAFT_LEADER, "%u voters", voters);
        raft_destroy(r);
    }
}

Test(raft_5_2, one_who_grants_twice_is_counted_once)
{
    struct raft *r = candidate(5, 0);
    grant(r, 2, 1);
    grant(r, 2, 1);
    grant(r, 2, 1);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    raft_destroy(r);
}

Test(raft_5_2, grants_of_an_earlier_term_or_of_others_do_not_count)
{
    struct raft *r = candidate(3, 1);
    grant(r, 4, 1); /* a learner */
    grant(r, 9, 1); /* nobody we know */
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    raft_on_deadline(r, 2 * LATE, 0);
    struct raft_msg m = raft_one_grant(2, 1, 2);
    m.is_pre_vote = true;
    raft_step(r, 2 * LATE, 0, &m);
    cr_assert_eq(raft_term(r), 2);
    raft_one_store(r, 2 * LATE);
    grant(r, 2, 1); /* late, of term 1 */
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    grant(r, 2, 2);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

Test(raft_5_2, grants_of_an_earlier_candidacy_are_forgotten)
{
    struct raft *r = candidate(5, 0);
    grant(r, 2, 1);
    raft_on_deadline(r, 2 * LATE, 0);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    for (uint64_t from = 3; from <= 4; from++) {
        struct raft_msg m = raft_one_grant(from, 1, 2);
        m.is_pre_vote = true;
        cr_assert_eq(raft_term(r), 1);
        raft_step(r, 2 * LATE, 0, &m);
    }
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    raft_one_store(r, 2 * LATE);
    grant(r, 5, 2);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE, "two of five");
    raft_destroy(r);
}

Test(raft_5_2, one_vote_a_term_first_come)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    cr_assert(asks_and_gets(r, 2, 4));
    cr_assert(asks_and_gets(r, 2, 4), "the same again: the reply was lost");
    cr_assert_not(asks_and_gets(r, 3, 4));
    cr_assert(asks_and_gets(r, 3, 5), "a new term, a new vote");
    cr_assert_not(asks_and_gets(r, 2, 5));
    cr_assert_not(asks_and_gets(r, 2, 4), "an old term");
    raft_destroy(r);
}

Test(raft_5_2, being_somebodys_heir_gives_no_second_vote)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    cr_assert(asks_and_gets(r, 2, 4));
    struct raft_msg m = raft_one_vote(3, 1, 4, (struct raft_pos){ 9, 9 });
    m.is_transfer = true;
    const struct raft_ready *ready = raft_step(r, LATE, 0, &m);
    cr_assert_not(raft_one_find(ready, RAFT_MSG_VOTE_REPLY, 3)->granted);
    raft_destroy(r);
}

Test(raft_5_2, a_candidate_follows_the_leader_of_its_term)
{
    struct raft *r = candidate(3, 0);
    raft_step(r, LATE, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_eq(raft_leader(r), 2);
    raft_destroy(r);
}

Test(raft_5_2, a_leader_makes_way_for_a_higher_term_and_forgets_who_led)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_one_win(r, LATE);
    struct raft_msg m = raft_one_ack(2, r, 0);
    m.term = 7;
    m.granted = false;
    const struct raft_ready *ready = raft_step(r, LATE, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_eq(raft_term(r), 7);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY);
    cr_assert(ready->role_changed);
    raft_destroy(r);
}

Test(raft_5_2, a_new_term_has_no_known_leader_until_it_speaks)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_step(r, LATE, 0, raft_one_append(2, 1, 3, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_eq(raft_leader(r), 2);
    struct raft_msg m = raft_one_vote(3, 1, 4, (struct raft_pos){ 9, 9 });
    raft_step(r, LATE + 3 * ONE_ELECTION_US, 0, &m);
    cr_assert_eq(raft_term(r), 4);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY);
    raft_destroy(r);
}

Test(raft_5_2, stale_requests_are_answered_with_the_newer_term)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = 8 });
    const struct raft_ready *ready =
        raft_step(r, LATE, 0, raft_one_append(2, 1, 5, (struct raft_pos){ 0 }, 1, 5, 0));
    const struct raft_msg *reply = raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(reply != NULL && !reply->granted && reply->term == 8);
    cr_assert_eq(raft_last(r).index, 0);
    struct raft_msg m = raft_one_vote(2, 1, 5, (struct raft_pos){ 9, 9 });
    ready = raft_step(r, LATE, 0, &m);
    reply = raft_one_find(ready, RAFT_MSG_VOTE_REPLY, 2);
    cr_assert(reply != NULL && !reply->granted && reply->term == 8);
    raft_destroy(r);
}

Test(raft_5_2, timeouts_are_drawn_anew_between_one_and_two_election_times)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    uint64_t seen_min = UINT64_MAX;
    uint64_t seen_max = 0;
    for (uint64_t draw = 0; draw < 100; draw++) {
        raft_step(r, LATE, draw * 7919 * 7919,
                  raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 0, 0, 0));
        uint64_t wait_us = raft_next_deadline_us(r) - LATE;
        seen_min = wait_us < seen_min ? wait_us : seen_min;
        seen_max = wait_us > seen_max ? wait_us : seen_max;
    }
    cr_assert_geq(seen_min, ONE_ELECTION_US);
    cr_assert_lt(seen_max, 2 * ONE_ELECTION_US);
    cr_assert_gt(seen_max - seen_min, ONE_ELECTION_US / 2, "they hardly differ");
    raft_destroy(r);
}

Test(raft_5_2, who_is_alone_leads_at_once)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1 });
    uint64_t born_us = raft_next_deadline_us(r);
    cr_assert_lt(born_us, ONE_ELECTION_US);
    raft_on_deadline(r, born_us, 0);
    raft_one_store(r, born_us); /* its own vote */
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);

    r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1, .learners = 1 });
    cr_assert_lt(raft_next_deadline_us(r), ONE_ELECTION_US, "a learner has no say");
    raft_destroy(r);
    r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 2 });
    cr_assert_geq(raft_next_deadline_us(r), ONE_ELECTION_US);
    raft_destroy(r);
}

Test(raft_5_2, heartbeats_hold_off_the_election)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    uint64_t now_us = 0;
    for (int i = 0; i < 50; i++) {
        now_us += ONE_HEARTBEAT_US;
        raft_step(r, now_us, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 0, 0, 0));
        raft_on_deadline(r, now_us, 0);
    }
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    now_us += 2 * ONE_ELECTION_US;
    raft_on_deadline(r, now_us, 0);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    raft_destroy(r);
}

Test(raft_5_2, a_refused_candidate_does_not_hold_off_the_election)
{
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 2, .terms = (uint64_t[]){ 1, 2 }, .terms_count = 2 });
    uint64_t due_us = raft_next_deadline_us(r);
    struct raft_msg m = raft_one_vote(2, 1, 3, (struct raft_pos){ 1, 1 });
    raft_step(r, due_us - 1, 12345, &m);
    cr_assert_eq(raft_next_deadline_us(r), due_us);
    raft_destroy(r);
}

Test(raft_5_2, strangers_and_learners_do_not_campaign)
{
    struct raft *stranger = raft_one_create(&(struct raft_past){ .number = 0, .voters = 3 });
    cr_assert_eq(raft_state(stranger), RAFT_STRANGER);
    cr_assert_eq(raft_next_deadline_us(stranger), RAFT_NEVER);
    struct raft_msg m = raft_one_vote(2, 4, 3, (struct raft_pos){ 1, 1 });
    cr_assert_eq(raft_step(stranger, LATE, 0, &m)->msgs_count, 0, "it has no vote to give");
    raft_set_number(stranger, 4);
    cr_assert_eq(raft_step(stranger, LATE, 0, &m)->msgs_count, 1);
    raft_destroy(stranger);

    struct raft *learner =
        raft_one_create(&(struct raft_past){ .number = 4, .voters = 3, .learners = 1 });
    cr_assert_eq(raft_next_deadline_us(learner), RAFT_NEVER);
    raft_on_deadline(learner, LATE, 0);
    cr_assert_eq(raft_state(learner), RAFT_FOLLOWER);
    raft_destroy(learner);
}

Test(raft_5_2, messages_for_others_are_not_heard)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    struct raft_msg m = raft_one_vote(2, 3, 3, (struct raft_pos){ 1, 1 });
    cr_assert_eq(raft_step(r, LATE, 0, &m)->msgs_count, 0);
    cr_assert_eq(raft_term(r), 0);
    raft_destroy(r);
}
