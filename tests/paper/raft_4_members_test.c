/* Dissertation ch. 4: one change of members at a time. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_4, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

/* A leader of term 1 whose no-op (entry 1) is committed. */
static struct raft *leader(unsigned voters, unsigned learners)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = voters, .learners = learners });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    for (uint64_t i = 2; i <= voters; i++) {
        struct raft_msg m = raft_one_ack(i, r, 1);
        raft_step(r, NOW, 0, &m);
    }
    cr_assert_eq(raft_committed(r), 1);
    return r;
}

static void ack(struct raft *r, uint64_t from, uint64_t match)
{
    struct raft_msg m = raft_one_ack(from, r, match);
    raft_step(r, NOW, 0, &m);
}

static struct raft_config next_of(const struct raft *r)
{
    struct raft_config next;
    cr_assert_eq(raft_config_copy(&next, raft_config(r)), OK);
    return next;
}

static int propose(struct raft *r, struct raft_config next)
{
    struct raft_pos pos;
    int err = raft_propose_config(r, &next, &pos);
    raft_config_deinit(&next);
    return err;
}

static int set_role(struct raft *r, uint64_t number, enum raft_role_in_config role)
{
    struct raft_config next = next_of(r);
    cr_assert_eq(raft_config_set_role(&next, number, role), OK);
    return propose(r, next);
}

static int add_learner(struct raft *r)
{
    struct raft_config next = next_of(r);
    struct raft_member m = raft_one_member(0, RAFT_LEARNER);
    cr_assert_eq(raft_config_add(&next, &m), OK);
    return propose(r, next);
}

static int remove_member(struct raft *r, uint64_t number)
{
    struct raft_config next = next_of(r);
    cr_assert_eq(raft_config_remove(&next, number), OK);
    return propose(r, next);
}

static uint64_t payload_of(const struct raft_config *config, struct buf *out)
{
    buf_clear(out);
    raft_config_encode(config, out);
    return out->len;
}

/* A follower's log: entry `index` is this configuration. */
static const struct raft_ready *send_config(struct raft *r, uint64_t from, uint64_t term,
                                            struct raft_pos prev, unsigned voters,
                                            unsigned learners, uint64_t committed)
{
    static struct buf payload;
    struct raft_config config;
    raft_one_config(&config, voters, learners);
    payload_of(&config, &payload);
    raft_config_deinit(&config);
    struct raft_entry e = { .pos = { term, prev.index + 1 },
                            .kind = RAFT_ENTRY_CONFIG,
                            .payload = buf_bytes(&payload) };
    struct raft_msg m = *raft_one_append(from, raft_number(r), term, prev, 0, 0, committed);
    m.entries = &e;
    m.entries_count = 1;
    return raft_step(r, NOW, 0, &m);
}

Test(raft_4, a_configuration_holds_from_the_moment_it_is_in_the_log)
{
    struct raft *r = leader(3, 1);
    cr_assert_eq(set_role(r, 4, RAFT_VOTER), OK);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4);
    cr_assert_eq(raft_config(r)->index, 2);
    cr_assert_not(raft_config_is_committed(r));
    cr_assert(raft_flush(r, NOW)->config_changed);
    raft_one_store(r, NOW);
    ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 1, "two of four");
    ack(r, 4, 2);
    cr_assert_eq(raft_committed(r), 2);
    cr_assert(raft_config_is_committed(r));
    raft_destroy(r);
}

Test(raft_4, no_second_change_before_the_first_is_committed)
{
    struct raft *r = leader(3, 1);
    cr_assert_eq(set_role(r, 4, RAFT_VOTER), OK);
    cr_assert_eq(remove_member(r, 3), ERR_BUSY);
    raft_one_store(r, NOW);
    ack(r, 2, 2);
    ack(r, 3, 2);
    cr_assert_eq(remove_member(r, 3), OK);
    raft_destroy(r);
}

Test(raft_4, no_change_before_the_leader_committed_something_of_its_own)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    cr_assert_eq(remove_member(r, 3), ERR_BUSY);
    ack(r, 2, 1);
    cr_assert_eq(remove_member(r, 3), OK);
    raft_destroy(r);
}

Test(raft_4, two_voters_at_once_are_too_many)
{
    struct raft *r = leader(5, 0);
    struct raft_config next = next_of(r);
    raft_config_remove(&next, 4);
    raft_config_remove(&next, 5);
    cr_assert_eq(propose(r, next), ERR_INVALID);
    next = next_of(r);
    raft_config_set_role(&next, 4, RAFT_LEARNER);
    raft_config_remove(&next, 5);
    cr_assert_eq(propose(r, next), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4, a_wiped_voter_leaves_and_returns_as_a_learner_in_one_step)
{
    struct raft *r = leader(3, 0);
    struct raft_config next = next_of(r);
    raft_config_remove(&next, 3);
    struct raft_member again = raft_one_member(3, RAFT_LEARNER);
    again.number = 0;
    cr_assert_eq(raft_config_add(&next, &again), OK);
    cr_assert_eq(propose(r, next), OK);
    cr_assert_eq(raft_config_member_by_id(raft_config(r), &again.id)->number, 4);
    raft_destroy(r);
}

Test(raft_4, newcomers_are_learners_with_a_new_number)
{
    struct raft *r = leader(3, 0);
    struct raft_config next = next_of(r);
    struct raft_member m = raft_one_member(0, RAFT_VOTER);
    raft_config_add(&next, &m);
    cr_assert_eq(propose(r, next), ERR_INVALID);
    cr_assert_eq(add_learner(r), OK);
    raft_one_store(r, NOW);
    ack(r, 2, 2);
    cr_assert_eq(remove_member(r, 4), OK);
    raft_one_store(r, NOW);
    ack(r, 2, 3);
    next = next_of(r);
    m = raft_one_member(4, RAFT_LEARNER); /* which was used */
    raft_config_add(&next, &m);
    cr_assert_eq(propose(r, next), ERR_INVALID);
    next = next_of(r);
    next.next_number = 2;
    cr_assert_eq(propose(r, next), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4, the_last_voter_stays)
{
    struct raft *r = leader(1, 1);
    cr_assert_eq(set_role(r, 1, RAFT_LEARNER), ERR_INVALID);
    cr_assert_eq(remove_member(r, 1), ERR_INVALID);
    raft_destroy(r);
}

Test(raft_4, only_the_leader_proposes)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    cr_assert_eq(remove_member(r, 3), ERR_NOT_LEADER);
    raft_destroy(r);
}

Test(raft_4, a_removed_leader_leads_on_until_that_is_committed_without_counting_itself)
{
    struct raft *r = leader(3, 0);
    cr_assert_eq(remove_member(r, 1), OK);
    raft_flush(r, NOW);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    ack(r, 2, 2);
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

Test(raft_4, a_demoted_leader_does_not_count_itself_either)
{
    struct raft *r = leader(3, 0);
    cr_assert_eq(set_role(r, 1, RAFT_LEARNER), OK);
    raft_one_store(r, NOW);
    ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 1);
    ack(r, 3, 2);
    cr_assert_eq(raft_committed(r), 2);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_destroy(r);
}

Test(raft_4, a_removed_member_is_not_heard)
{
    struct raft *r = leader(3, 0);
    cr_assert_eq(remove_member(r, 3), OK);
    raft_one_store(r, NOW);
    ack(r, 3, 2);
    cr_assert_eq(raft_committed(r), 1);
    ack(r, 2, 2);
    cr_assert_eq(raft_committed(r), 2);
    raft_destroy(r);
}

Test(raft_4, a_change_that_is_cut_out_never_was)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    struct raft_pos before_everything = { 0 };
    send_config(r, 1, 1, before_everything, 4, 0, 0);
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
Test(raft_4, what_a_second_change_proves_committed_is_not_cut)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    send_config(r, 1, 1, (struct raft_pos){ 0 }, 4, 0, 0);
    send_config(r, 1, 1, (struct raft_pos){ 1, 1 }, 3, 1, 0);
    raft_step(r, NOW, 0, raft_one_append(2, 3, 2, (struct raft_pos){ 0 }, 1, 2, 0));
    cr_assert_eq(raft_odd_count(r), 1);
    cr_assert_eq(raft_last(r).index, 2);
    raft_step(r, NOW, 0, raft_one_append(2, 3, 2, (struct raft_pos){ 1, 1 }, 1, 2, 0));
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 4, "back to the first");
    raft_destroy(r);
}

Test(raft_4, both_configurations_survive_a_restart)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 3, .voters = 3, .learners = 1 });
    send_config(r, 1, 1, (struct raft_pos){ 0 }, 4, 0, 0);
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

Test(raft_4, who_does_not_know_yet_that_it_votes_votes)
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

Test(raft_4, a_candidate_that_we_do_not_know_yet_may_get_our_vote)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    struct raft_msg m = raft_one_vote(9, 1, 2, (struct raft_pos){ 1, 1 });
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 9)->granted);
    raft_destroy(r);
}

/* 4.2.2: of two voters one is removed; only it has the entry. The other cannot win against its longer log. */
Test(raft_4, a_voter_whose_own_removal_is_not_committed_still_campaigns)
{
    struct raft *r = leader(2, 0);
    cr_assert_eq(remove_member(r, 1), OK);
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
Test(raft_4, a_removed_member_does_not_disturb)
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

Test(raft_4, nor_does_it_disturb_a_leader_that_a_quorum_answers)
{
    struct raft *r = leader(3, 0);
    struct raft_msg m = raft_one_vote(9, 1, 8, (struct raft_pos){ 9, 9 });
    raft_step(r, NOW + ONE_ELECTION_US / 2, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

Test(raft_4, a_new_voter_is_not_held_silent_for_its_time_as_a_learner)
{
    struct raft *r = leader(1, 1);
    cr_assert_eq(set_role(r, 2, RAFT_VOTER), OK); /* it never answered yet */
    raft_flush(r, NOW);
    raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

Test(raft_4, a_configuration_of_a_newer_version_stops_the_log_there)
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
