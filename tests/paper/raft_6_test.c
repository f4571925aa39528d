/* Raft (extended) 6: cluster membership changes. The paper's own way, joint consensus, is not ours (docs/DIVERGENCE.md); its
 * three problems have to be solved all the same. How: raft_4_1_test.c to raft_4_4_test.c. */
#include <criterion/criterion.h>

#include "tests/lib/raft_change.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_6, .timeout = 60);

enum { NOW = RAFT_CHANGE_NOW };

Test(raft_6, new_servers_have_no_vote_until_they_have_caught_up)
{
    struct raft *r = raft_change_leader(3, 0);
    cr_assert_eq(raft_change_add(r), OK);
    raft_one_store(r, NOW);
    raft_change_ack(r, 4, 2);
    cr_assert_eq(raft_committed(r), 1, "what it has counts for nothing");
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 2);
    struct raft_member_progress p;
    cr_assert_eq(raft_member_progress(r, 4, &p), OK);
    cr_assert_eq(p.match, 2, "by which the one who promotes it knows");
    cr_assert_eq(raft_change_role(r, 4, RAFT_VOTER), OK);
    raft_destroy(r);
}

Test(raft_6, a_leader_that_is_not_in_the_new_configuration_manages_a_cluster_without_itself)
{
    struct raft *r = raft_change_leader(3, 0);
    cr_assert_eq(raft_change_remove(r, 1), OK);
    const struct raft_ready *ready = raft_flush(r, NOW);
    cr_assert_not_null(raft_one_find(ready, RAFT_MSG_APPEND, 2), "it replicates");
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_state(r), RAFT_LEADER, "its own log is no part of the majority");
    raft_change_ack(r, 3, 2);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER, "it steps down when that is committed");
    raft_destroy(r);
}

Test(raft_6, servers_that_were_removed_cannot_disrupt_the_cluster)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = 2 });
    raft_step(r, NOW, 0, raft_one_append(2, 1, 2, (struct raft_pos){ 0 }, 0, 0, 0));
    for (uint64_t term = 3; term < 50; term++) {
        struct raft_msg m = raft_one_vote(9, 1, term, (struct raft_pos){ 9, 9 });
        raft_step(r, NOW + 1, 0, &m);
    }
    cr_assert(raft_term(r) == 2 && raft_leader(r) == 2);
    raft_destroy(r);
}

Test(raft_6, a_server_goes_by_the_newest_configuration_in_its_log_committed_or_not)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    raft_change_send(r, 1, 1, (struct raft_pos){ 0 }, 4, 0, 0);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4);
    cr_assert_not(raft_config_is_committed(r));
    raft_destroy(r);
}
