/* Dissertation 4.1: safety of membership changes. */
#include <criterion/criterion.h>

#include "tests/lib/raft_change.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_4_1, .timeout = 60);

enum { NOW = RAFT_CHANGE_NOW };

Test(raft_4_1, a_configuration_holds_from_the_moment_it_is_in_the_log)
{
    struct raft *r = raft_change_leader(3, 1);
    cr_assert_eq(raft_change_role(r, 4, RAFT_VOTER), OK);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4);
    cr_assert_eq(raft_config(r)->index, 2);
    cr_assert_not(raft_config_is_committed(r));
    cr_assert(raft_flush(r, NOW)->config_changed);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 1, "two of four");
    raft_change_ack(r, 4, 2);
    cr_assert_eq(raft_committed(r), 2);
    cr_assert(raft_config_is_committed(r));
    raft_destroy(r);
}

Test(raft_4_1, no_second_change_before_the_first_is_committed)
{
    struct raft *r = raft_change_leader(3, 1);
    cr_assert_eq(raft_change_role(r, 4, RAFT_VOTER), OK);
    cr_assert_eq(raft_change_remove(r, 3), ERR_BUSY);
    raft_one_store(r, NOW);
    raft_change_ack(r, 2, 2);
    raft_change_ack(r, 3, 2);
    cr_assert_eq(raft_change_remove(r, 3), OK);
    raft_destroy(r);
}

Test(raft_4_1, no_change_before_the_leader_committed_something_of_its_own)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_change_remove(r, 3), ERR_BUSY);
    raft_change_ack(r, 2, 1);
    cr_assert_eq(raft_change_remove(r, 3), OK);
    raft_destroy(r);
}

Test(raft_4_1, two_voters_at_once_are_too_many)
{
    struct raft *r = raft_change_leader(5, 0);
    struct raft_config next = raft_change_next(r);
    raft_config_remove(&next, 4);
    raft_config_remove(&next, 5);
    cr_assert_eq(raft_change_propose(r, next), ERR_INVALID);
    next = raft_change_next(r);
    raft_config_set_role(&next, 4, RAFT_LEARNER);
    raft_config_remove(&next, 5);
    cr_assert_eq(raft_change_propose(r, next), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4_1, only_the_leader_proposes)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    cr_assert_eq(raft_change_remove(r, 3), ERR_NOT_LEADER);
    raft_destroy(r);
}

Test(raft_4_1, a_change_that_is_cut_out_never_was)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    struct raft_pos before_everything = { 0 };
    raft_change_send(r, 1, 1, before_everything, 4, 0, 0);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(2, 3, 2, before_everything, 1, 2, 0));
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 3);
    cr_assert(ready->config_changed);
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    cr_assert(unit.config->count == 4 && unit.config->members[3].role == RAFT_LEARNER);
    cr_assert_null(unit.config_previous);
    raft_destroy(r);
}

/* Two in the log: the leader that proposed the second saw the first committed, even if we did not. */
Test(raft_4_1, what_a_second_change_proves_committed_is_not_cut)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    raft_change_send(r, 1, 1, (struct raft_pos){ 0 }, 4, 0, 0);
    raft_change_send(r, 1, 1, (struct raft_pos){ 1, 1 }, 3, 1, 0);
    raft_step(r, NOW, 0, raft_one_append(2, 3, 2, (struct raft_pos){ 0 }, 1, 2, 0));
    cr_assert_eq(raft_odd_count(r), 1);
    cr_assert_eq(raft_last(r).index, 2);
    raft_step(r, NOW, 0, raft_one_append(2, 3, 2, (struct raft_pos){ 1, 1 }, 1, 2, 0));
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4, "back to the first");
    raft_destroy(r);
}

Test(raft_4_1, both_configurations_survive_a_restart)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    raft_change_send(r, 1, 1, (struct raft_pos){ 0 }, 4, 0, 0);
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    cr_assert_not_null(unit.config_previous);
    const struct raft_term_run run = { 1, 1 };
    struct raft_durable durable = { .number = 3,
                                    .hard = unit.hard,
                                    .last = 1,
                                    .runs = &run,
                                    .runs_count = 1,
                                    .config = unit.config,
                                    .config_previous = unit.config_previous };
    struct raft_options options = raft_one_options();
    struct raft *again;
    cr_assert_eq(raft_create(&again, &options, &durable, 0, 0), OK);
    cr_assert_eq(raft_config_voters_count(raft_config(again)), 4, "in force, committed or not");
    cr_assert_not(raft_config_is_committed(again));
    raft_step(again, NOW, 0, raft_one_append(2, 3, 2, (struct raft_pos){ 0 }, 1, 2, 0));
    cr_assert_eq(raft_config_voters_count(raft_config(again)), 3);
    raft_destroy(again);
    raft_destroy(r);
}

Test(raft_4_1, who_does_not_know_yet_that_it_votes_votes)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 4, .voters = 3, .learners = 1 });
    struct raft_msg m = raft_one_vote(1, 4, 2, (struct raft_pos){ 1, 1 });
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 1)->granted);
    m.is_pre_vote = true;
    m.term = 3;
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 1)->granted);
    raft_destroy(r);
}

Test(raft_4_1, a_candidate_that_we_do_not_know_yet_may_get_our_vote)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    struct raft_msg m = raft_one_vote(9, 1, 2, (struct raft_pos){ 1, 1 });
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 9)->granted);
    raft_destroy(r);
}

Test(raft_4_1, a_configuration_of_a_newer_version_stops_the_log_there)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    const uint8_t unknown[] = { 'C', 9, 1, 2, 3 };
    struct raft_entry e = { .pos = { 1, 1 },
                            .kind = RAFT_ENTRY_CONFIG,
                            .payload = { unknown, sizeof(unknown) } };
    struct raft_msg m = *raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 0, 0, 1);
    m.entries = &e;
    m.entries_count = 1;
    const struct raft_msg *reply =
        raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(reply->granted && reply->match == 0);
    cr_assert_eq(raft_last(r).index, 0);
    raft_destroy(r);
}
