/* Dissertation 4.2: availability. 4.2.1 newcomers catch up first, 4.2.2 removing the leader, 4.2.3 who was removed. */
#include <criterion/criterion.h>

#include "tests/lib/raft_change.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_4_2, .timeout = 60);

enum { NOW = RAFT_CHANGE_NOW };

Test(raft_4_2, newcomers_are_learners_with_a_new_number)
{
    struct raft *r = raft_change_leader(3, 0);
    struct raft_config next = raft_change_next(r);
    struct raft_member m = raft_one_member(0, RAFT_VOTER);
    raft_config_add(&next, &m);
    cr_assert_eq(raft_change_propose(r, next), ERR_INVALID);
    cr_assert_eq(raft_change_add(r), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_change_remove(r, 4), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 3);
    next = raft_change_next(r);
    m = raft_one_member(4, RAFT_LEARNER); /* which was used */
    raft_config_add(&next, &m);
    cr_assert_eq(raft_change_propose(r, next), ERR_INVALID);
    next = raft_change_next(r);
    next.next_number = 2;
    cr_assert_eq(raft_change_propose(r, next), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4_2, a_new_voter_is_not_held_silent_for_its_time_as_a_learner)
{
    struct raft *r = raft_change_leader(1, 1);
    cr_assert_eq(raft_change_role(r, 2, RAFT_VOTER), OK); /* it never answered yet */
    raft_flush(r, NOW);
    raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

Test(raft_4_2, a_removed_leader_leads_on_until_that_is_committed_without_counting_itself)
{
    struct raft *r = raft_change_leader(3, 0);
    cr_assert_eq(raft_change_remove(r, 1), OK);
    raft_flush(r, NOW);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 1, "itself and 2: one of the two that vote");
    struct raft_msg m = raft_one_ack(3, r, 2);
    const struct raft_ready *ready = raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_committed(r), 2);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    const struct raft_msg *told = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(told != NULL && told->committed == 2, "the others learn of it first");
    cr_assert_eq(raft_next_deadline_us(r), RAFT_NEVER, "it does not campaign");
    raft_destroy(r);
}

Test(raft_4_2, a_removed_leader_hands_over_as_it_goes)
{
    struct raft *r = raft_change_leader(4, 0);
    cr_assert_eq(raft_change_remove(r, 1), OK);
    raft_flush(r, NOW);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    struct raft_msg m = raft_one_ack(3, r, 2);
    const struct raft_ready *ready = raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_TIMEOUT_NOW), 1,
                 "to one of those that have everything");
    uint64_t heir = raft_one_find(ready, RAFT_MSG_TIMEOUT_NOW, RAFT_NOBODY)->to;
    cr_assert(heir == 2 || heir == 3);
    raft_destroy(r);
}

Test(raft_4_2, a_demoted_leader_does_not_count_itself_either)
{
    struct raft *r = raft_change_leader(3, 0);
    cr_assert_eq(raft_change_role(r, 1, RAFT_LEARNER), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 1);
    raft_change_ack(r, 3, 2);
    cr_assert_eq(raft_committed(r), 2);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_destroy(r);
}

Test(raft_4_2, a_removed_member_is_not_heard)
{
    struct raft *r = raft_change_leader(3, 0);
    cr_assert_eq(raft_change_remove(r, 3), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 3, 2);
    cr_assert_eq(raft_committed(r), 1);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 2);
    raft_destroy(r);
}

/* 4.2.2: of two voters one is removed; only it has the entry. The other cannot win against its longer log. */
Test(raft_4_2, a_voter_whose_own_removal_is_not_committed_still_campaigns)
{
    struct raft *r = raft_change_leader(2, 0);
    cr_assert_eq(raft_change_remove(r, 1), OK);
    raft_one_store(r, NOW);
    raft_abdicate(r, NOW, NOW);
    uint64_t due_us = raft_next_deadline_us(r);
    cr_assert_neq(due_us, RAFT_NEVER);
    raft_on_deadline(r, due_us + 2 * ONE_ELECTION_US, 0);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    struct raft_msg m = raft_one_grant(2, 1, 2);
    m.is_pre_vote = true;
    raft_step(r, 2 * NOW, 0, &m);
    raft_one_store(r, 2 * NOW);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE, "its own vote does not count");
    m = raft_one_grant(2, 1, 2);
    raft_step(r, 2 * NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

/* 4.2.3: whoever hears a leader neither votes nor learns of the term. */
Test(raft_4_2, a_removed_member_does_not_disturb)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_step(r, NOW, 0, raft_one_append(2, 1, 3, (struct raft_pos){ 0 }, 0, 0, 0));
    struct raft_msg m = raft_one_vote(9, 1, 8, (struct raft_pos){ 9, 9 });
    cr_assert_eq(raft_step(r, NOW + ONE_ELECTION_US - 1, 0, &m)->msgs_count, 0);
    cr_assert_eq(raft_term(r), 3);
    cr_assert_eq(raft_leader(r), 2);
    raft_step(r, NOW + ONE_ELECTION_US, 0, &m);
    cr_assert_eq(raft_term(r), 8, "the leader has been silent for an election timeout");
    raft_destroy(r);
}

Test(raft_4_2, nor_does_it_disturb_a_leader_that_a_quorum_answers)
{
    struct raft *r = raft_change_leader(3, 0);
    struct raft_msg m = raft_one_vote(9, 1, 8, (struct raft_pos){ 9, 9 });
    raft_step(r, NOW + ONE_ELECTION_US / 2, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}
