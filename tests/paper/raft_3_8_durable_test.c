/* Dissertation 3.8 (persisted state) and 10.2.1 (the leader's own disk): what waits for which unit. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_3_8, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *node(uint64_t number, unsigned voters)
{
    return raft_one_create(&(struct raft_past){ .number = number, .voters = voters });
}

static struct raft_unit take(struct raft *r)
{
    struct raft_unit unit;
    cr_assert(raft_has_unit(r));
    raft_take_unit(r, &unit);
    return unit;
}

Test(raft_3_8, a_vote_leaves_when_it_is_stored)
{
    struct raft *r = node(1, 3);
    struct raft_msg m = raft_one_vote(2, 1, 4, (struct raft_pos){ 0 });
    const struct raft_msg *reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2);
    cr_assert_eq(reply->after_unit, 1);
    struct raft_unit unit = take(r);
    cr_assert(unit.hard.term == 4 && unit.hard.voted_for == 2);
    reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2);
    cr_assert_eq(reply->after_unit, 1, "asked again while it is on its way");
    raft_on_stored(r, NOW, 1);
    reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2);
    cr_assert_eq(reply->after_unit, 0);
    cr_assert_not(raft_has_unit(r));
    raft_destroy(r);
}

Test(raft_3_8, a_refused_vote_waits_too_if_the_term_is_news)
{
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 1, .terms = (uint64_t[]){ 1 }, .terms_count = 1 });
    struct raft_msg m = raft_one_vote(2, 1, 4, (struct raft_pos){ 0 });
    const struct raft_msg *reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2);
    cr_assert(!reply->granted && reply->after_unit == 1);
    raft_destroy(r);
}

Test(raft_3_8, a_candidates_requests_wait_for_its_own_vote_and_for_its_log)
{
    struct raft *r = node(1, 3);
    raft_step(r, 0, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 2, 1, 0));
    struct raft_unit unit = take(r); /* the entries, in flight */
    raft_on_deadline(r, NOW, 0);
    struct raft_msg m = raft_one_grant(2, 1, 2);
    m.is_pre_vote = true;
    const struct raft_ready *ready = raft_step(r, NOW, 0, &m);
    const struct raft_msg *request = raft_one_find(ready, RAFT_MSG_VOTE, 3);
    cr_assert_eq(request->after_unit, unit.number + 1);
    cr_assert_eq(request->last.index, 2);
    raft_destroy(r);
}

Test(raft_3_8, a_candidates_own_vote_counts_when_it_is_stored)
{
    struct raft *r = node(1, 1);
    raft_on_deadline(r, NOW, 0);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    struct raft_unit unit = take(r);
    cr_assert(unit.hard.term == 1 && unit.hard.voted_for == 1);
    raft_on_stored(r, NOW, unit.number);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

Test(raft_3_8, an_acknowledgement_leaves_when_the_entries_are_stored)
{
    struct raft *r = node(1, 3);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 2, 1, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2)->after_unit, 1);
    struct raft_unit first = take(r);
    cr_assert_eq(first.entries_count, 2);
    ready = raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 1, 2 }, 1, 1, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2)->after_unit, 2);
    ready = raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 2, 1, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2)->after_unit, 1,
                 "these are in unit 1");
    raft_on_stored(r, NOW, 1);
    ready = raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 2, 1, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 2)->after_unit, 0);
    raft_destroy(r);
}

/* SIMULATION L08: unit 1 has entries 1 to 3 of term 1; before it is done a new leader replaces 2 and 3. */
Test(raft_3_8, a_completion_does_not_speak_for_what_was_cut_meanwhile)
{
    struct raft *r = node(1, 3);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 3, 1, 0));
    take(r);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(3, 1, 2, (struct raft_pos){ 1, 1 }, 2, 2, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 3)->after_unit, 2);
    raft_on_stored(r, NOW, 1);
    cr_assert_eq(raft_stored(r), 1);
    ready = raft_step(r, NOW, 0, raft_one_append(3, 1, 2, (struct raft_pos){ 1, 1 }, 2, 2, 3));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 3)->after_unit, 2);
    cr_assert_eq(raft_applicable(r), 1, "committed, and not ours on this disk yet");
    struct raft_unit unit = take(r);
    cr_assert(unit.cut_from == 2 && unit.entries_count == 2 && unit.entries[0].pos.term == 2);
    raft_on_stored(r, NOW, 2);
    cr_assert_eq(raft_stored(r), 3);
    cr_assert_eq(raft_applicable(r), 3);
    raft_destroy(r);
}

/* An acknowledgement, and the cut that makes it untrue, in one unit. */
Test(raft_3_8, what_waited_until_its_term_was_over_does_not_leave)
{
    struct raft *r = node(1, 3);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 3, 1, 0));
    cr_assert(raft_may_leave(r, RAFT_MSG_APPEND_REPLY, 1));
    raft_step(r, NOW, 0, raft_one_append(3, 1, 2, (struct raft_pos){ 1, 1 }, 1, 2, 0));
    cr_assert_not(raft_may_leave(r, RAFT_MSG_APPEND_REPLY, 1));
    cr_assert(raft_may_leave(r, RAFT_MSG_APPEND_REPLY, 2));
    cr_assert_not(raft_may_leave(r, RAFT_MSG_VOTE, 2), "it is no candidate");
    raft_destroy(r);
}

/* 10.2.1: the leader writes in parallel with its followers. */
Test(raft_3_8, a_leaders_appends_do_not_wait_and_its_own_log_counts_when_stored)
{
    struct raft *r = node(1, 3);
    const struct raft_ready *ready = raft_one_win(r, NOW);
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND, 2)->after_unit, 0);
    struct raft_msg m = raft_one_ack(2, r, 1);
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_committed(r), 0, "one of three disks has it");
    raft_one_store(r, NOW);
    cr_assert_eq(raft_committed(r), 1);
    raft_destroy(r);
}

Test(raft_3_8, a_majority_may_commit_what_the_leaders_own_disk_still_lacks)
{
    struct raft *r = node(1, 3);
    raft_one_win(r, NOW);
    for (uint64_t from = 2; from <= 3; from++) {
        struct raft_msg m = raft_one_ack(from, r, 1);
        raft_step(r, NOW, 0, &m);
    }
    cr_assert_eq(raft_committed(r), 1);
    cr_assert_eq(raft_applicable(r), 0, "it is not applied before it is durable here");
    raft_destroy(r);
}

Test(raft_3_8, a_restart_remembers)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1,
                                                          .voters = 3,
                                                          .term = 7,
                                                          .voted_for = 3,
                                                          .committed = 2,
                                                          .terms = (uint64_t[]){ 1, 5, 5 },
                                                          .terms_count = 3 });
    cr_assert_eq(raft_term(r), 7);
    cr_assert_eq(raft_stored(r), 3);
    cr_assert_eq(raft_applicable(r), 2);
    struct raft_msg m = raft_one_vote(2, 1, 7, (struct raft_pos){ 9, 9 });
    cr_assert_not(raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2)->granted);
    raft_on_applied(r, 3);
    cr_assert_eq(raft_committed(r), 3, "what was applied is committed, whatever the hint says");
    raft_destroy(r);
}

Test(raft_3_8, parts_that_contradict_one_another_are_damage)
{
    struct raft_options o = raft_one_options();
    struct raft *r;
    const struct raft_term_run runs[] = { { 2, 1 }, { 3, 4 } };
    struct raft_durable good = {
        .number = 1, .hard = { .term = 3, .committed = 2 }, .last = 5, .runs = runs, .runs_count = 2
    };
    struct raft_durable bad = good;
    bad.hard.term = 2;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT, "entries of a term that is to come");
    bad = good;
    bad.hard.committed = 6;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT);
    bad = good;
    bad.last = 3;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT);
    bad = good;
    bad.base.index = 3;
    bad.base.term = 2;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT);
    const struct raft_term_run falling[] = { { 3, 1 }, { 2, 4 } };
    bad = good;
    bad.runs = falling;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT);
    struct raft_config config;
    raft_one_config(&config, 3, 0);
    config.index = 6;
    bad = good;
    bad.config = &config;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), ERR_CORRUPT);
    config.index = 5;
    cr_assert_eq(raft_create(&r, &o, &bad, 0, 0), OK);
    raft_destroy(r);
    raft_config_deinit(&config);
}

Test(raft_3_8, a_number_is_remembered_before_it_is_used)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 0 });
    raft_set_number(r, 4);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(1, 4, 0, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 1)->after_unit, 1);
    raft_destroy(r);
}

/* ---- an acknowledgement is for ever (DESIGN 7) ---- */

/* A leader of 1, 2, 3; member 2 has acknowledged entry 1, and a heartbeat has gone out since. */
static struct raft *leader_who_is_sure_of_2(uint64_t *round)
{
    struct raft *r = node(1, 3);
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_ack(2, r, 1);
    raft_step(r, NOW, 0, &m);
    const struct raft_ready *ready = raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    *round = raft_one_find(ready, RAFT_MSG_APPEND, 2)->round;
    return r;
}

static bool has_lost_log(struct raft *r, uint64_t number)
{
    struct raft_member_progress progress;
    cr_assert_eq(raft_member_progress(r, number, &progress), OK);
    return progress.has_lost_log;
}

static struct raft_msg knows_nothing(struct raft *r, uint64_t from, uint64_t round)
{
    struct raft_msg m = raft_one_ack(from, r, 1);
    m.granted = false;
    m.match = 0;
    m.round = round;
    return m;
}

Test(raft_3_8, a_member_that_forgot_what_it_acknowledged_counts_no_more)
{
    uint64_t round;
    struct raft *r = leader_who_is_sure_of_2(&round);
    struct raft_msg m = knows_nothing(r, 2, round);
    raft_step(r, NOW + ONE_HEARTBEAT_US, 0, &m);
    cr_assert(has_lost_log(r, 2));
    cr_assert_not(has_lost_log(r, 3));

    struct raft_pos pos;
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    const struct raft_ready *ready = raft_flush(r, NOW + ONE_HEARTBEAT_US);
    cr_assert_null(raft_one_find(ready, RAFT_MSG_APPEND, 2), "it is not fed");
    raft_one_store(r, NOW + ONE_HEARTBEAT_US);
    m = raft_one_ack(2, r, pos.index);
    raft_step(r, NOW + ONE_HEARTBEAT_US, 0, &m);
    cr_assert_eq(raft_committed(r), 1, "nor counted");
    m = raft_one_ack(3, r, pos.index);
    raft_step(r, NOW + ONE_HEARTBEAT_US, 0, &m);
    cr_assert_eq(raft_committed(r), pos.index);
    raft_destroy(r);
}

Test(raft_3_8, a_refusal_from_before_the_acknowledgement_is_old_news)
{
    uint64_t round;
    struct raft *r = leader_who_is_sure_of_2(&round);
    cr_assert(round > 0);
    struct raft_msg m = knows_nothing(r, 2, round - 1);
    raft_step(r, NOW + ONE_HEARTBEAT_US, 0, &m);
    cr_assert_not(has_lost_log(r, 2));
    m = knows_nothing(r, 3, round); /* it never acknowledged anything */
    raft_step(r, NOW + ONE_HEARTBEAT_US, 0, &m);
    cr_assert_not(has_lost_log(r, 3));
    raft_destroy(r);
}
