/* Dissertation 4.4: system integration. What an operator or an automaton may ask for, and what it may not. */
#include <criterion/criterion.h>

#include "tests/lib/raft_change.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_4_4, .timeout = 60);

enum { NOW = RAFT_CHANGE_NOW };

Test(raft_4_4, a_wiped_voter_leaves_and_returns_as_a_learner_in_one_step)
{
    struct raft *r = raft_change_leader(3, 0);
    struct raft_config next = raft_change_next(r);
    raft_config_remove(&next, 3);
    struct raft_member again = raft_one_member(3, RAFT_LEARNER);
    again.number = 0;
    cr_assert_eq(raft_config_add(&next, &again), OK);
    cr_assert_eq(raft_change_propose(r, next), OK);
    cr_assert_eq(raft_config_member_by_id(raft_config(r), &again.id)->number, 4);
    raft_destroy(r);
}

Test(raft_4_4, the_last_voter_stays)
{
    struct raft *r = raft_change_leader(1, 1);
    cr_assert_eq(raft_change_role(r, 1, RAFT_LEARNER), ERR_INVALID);
    cr_assert_eq(raft_change_remove(r, 1), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4_4, addresses_change_without_a_change_of_votes)
{
    struct raft *r = raft_change_leader(3, 0);
    struct raft_config next = raft_change_next(r);
    struct multiaddr moved = raft_config_member(&next, 3)->addrs[0];
    moved.bytes[0] ^= 1;
    cr_assert_eq(raft_config_set_addrs(&next, 3, &moved, 1), OK);
    cr_assert_eq(raft_change_propose(r, next), OK);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 3);
    cr_assert(multiaddr_equal(&raft_config_member(raft_config(r), 3)->addrs[0], &moved));
    raft_destroy(r);
}

Test(raft_4_4, a_dead_voter_is_replaced_without_the_quorum_ever_shrinking)
{
    struct raft *r = raft_change_leader(3, 1); /* 3 is dead; 4 has caught up */
    cr_assert_eq(raft_change_role(r, 4, RAFT_VOTER), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    cr_assert_not(raft_config_is_committed(r), "two of four are no majority");
    raft_change_ack(r, 4, 2);
    cr_assert(raft_config_is_committed(r));
    cr_assert_eq(raft_change_role(r, 3, RAFT_LEARNER), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 3);
    cr_assert(raft_config_is_committed(r), "two of 1, 2, 4");
    raft_destroy(r);
}

Test(raft_4_4, learners_may_come_and_go_beside_a_change_of_one_voter)
{
    struct raft *r = raft_change_leader(3, 2);
    struct raft_config next = raft_change_next(r);
    raft_config_set_role(&next, 4, RAFT_VOTER);
    raft_config_remove(&next, 5);
    struct raft_member newcomer = raft_one_member(0, RAFT_LEARNER);
    raft_config_add(&next, &newcomer);
    cr_assert_eq(raft_change_propose(r, next), OK);
    cr_assert_eq(raft_config(r)->count, 5);
    raft_destroy(r);
}
