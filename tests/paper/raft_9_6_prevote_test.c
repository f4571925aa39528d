/* Dissertation 9.6: preventing disruptions when a server rejoins. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_9_6, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *node(uint64_t number, uint64_t term)
{
    return raft_one_create(&(struct raft_past){ .number = number, .voters = 3, .term = term });
}

static struct raft_msg question(uint64_t from, uint64_t to, uint64_t term)
{
    struct raft_msg m = raft_one_vote(from, to, term, (struct raft_pos){ 0 });
    m.is_pre_vote = true;
    return m;
}

static const struct raft_msg *reply_of(struct raft *r, uint64_t now_us, struct raft_msg m)
{
    const struct raft_msg *reply =
        raft_one_find(raft_step(r, now_us, 99, &m), RAFT_MSG_VOTE_REPLY, m.from);
    cr_assert_not_null(reply);
    cr_assert(reply->is_pre_vote);
    return reply;
}

Test(raft_9_6, the_question_comes_first_and_changes_nothing)
{
    struct raft *r = node(1, 4);
    const struct raft_ready *ready = raft_on_deadline(r, NOW, 0);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    cr_assert_eq(raft_term(r), 4);
    cr_assert_not(raft_has_unit(r), "nothing is promised, nothing is stored");
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_VOTE), 2);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_VOTE, 2);
    cr_assert(m->is_pre_vote && m->term == 5 && m->after_unit == 0);
    raft_destroy(r);
}

Test(raft_9_6, who_cannot_win_does_not_raise_its_term)
{
    struct raft *r = node(1, 4);
    uint64_t now_us = NOW;
    for (int i = 0; i < 20; i++) {
        raft_on_deadline(r, now_us, (uint64_t)i * 7919);
        now_us += 2 * ONE_ELECTION_US;
    }
    cr_assert_eq(raft_term(r), 4);
    raft_destroy(r);
}

Test(raft_9_6, a_candidate_that_times_out_asks_again_first)
{
    struct raft *r = node(1, 4);
    raft_on_deadline(r, NOW, 0);
    struct raft_msg m = raft_one_grant(2, 1, 5);
    m.is_pre_vote = true;
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    for (int i = 1; i < 20; i++)
        raft_on_deadline(r, NOW + (uint64_t)i * 2 * ONE_ELECTION_US, 0);
    cr_assert_eq(raft_term(r), 5);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    raft_destroy(r);
}

/* A full or hung disk, and nobody else to ask: each timeout would raise the term, for as long as that lasts. */
Test(raft_9_6, no_new_term_while_the_vote_of_the_last_one_is_not_stored)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1, .term = 4 });
    uint64_t now_us = NOW;
    for (int i = 0; i < 20; i++, now_us += 2 * ONE_ELECTION_US)
        raft_on_deadline(r, now_us, 0);
    cr_assert_eq(raft_term(r), 5);
    cr_assert_neq(raft_state(r), RAFT_LEADER);
    raft_one_store(r, now_us);
    raft_on_deadline(r, now_us + 2 * ONE_ELECTION_US, 0);
    raft_one_store(r, now_us + 2 * ONE_ELECTION_US);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    cr_assert_leq(raft_term(r), 6);
    raft_destroy(r);
}

Test(raft_9_6, who_is_asked_changes_nothing_either)
{
    struct raft *r = node(2, 4);
    uint64_t due_us = raft_next_deadline_us(r);
    const struct raft_msg *reply = reply_of(r, NOW, question(1, 2, 9));
    cr_assert(reply->granted && reply->after_unit == 0);
    cr_assert_eq(raft_term(r), 4);
    cr_assert_eq(raft_next_deadline_us(r), due_us,
                 "or one that keeps asking would keep us all from it");
    cr_assert_not(raft_has_unit(r));
    reply = reply_of(r, NOW, question(3, 2, 9));
    cr_assert(reply->granted, "it is no vote: it can be said to many");
    raft_destroy(r);
}

Test(raft_9_6, who_hears_a_leader_says_no)
{
    struct raft *r = node(2, 4);
    raft_step(r, NOW, 0, raft_one_append(3, 2, 4, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_not(reply_of(r, NOW + ONE_ELECTION_US - 1, question(1, 2, 5))->granted);
    cr_assert(reply_of(r, NOW + ONE_ELECTION_US, question(1, 2, 5))->granted);
    raft_destroy(r);
}

Test(raft_9_6, a_leader_says_no)
{
    struct raft *r = node(1, 4);
    raft_one_win(r, NOW);
    cr_assert_not(reply_of(r, NOW + 1, question(2, 1, 9))->granted);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    raft_destroy(r);
}

/* etcd#8243: a voter whose term is behind is needed for the majority. */
Test(raft_9_6, a_grant_speaks_of_the_term_that_was_asked_for)
{
    struct raft *behind = node(2, 1);
    const struct raft_msg *reply = reply_of(behind, NOW, question(1, 2, 9));
    cr_assert(reply->granted && reply->term == 9);
    struct raft *r = node(1, 8);
    raft_on_deadline(r, NOW, 0);
    raft_step(r, NOW, 0, reply);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    cr_assert_eq(raft_term(r), 9);
    raft_destroy(r);
    raft_destroy(behind);
}

/* etcd#8501: who is behind learns the term from the refusal, or its question is never good enough. */
Test(raft_9_6, a_refusal_speaks_of_the_own_term_and_is_learnt_from)
{
    struct raft *ahead = node(2, 12);
    const struct raft_msg *reply = reply_of(ahead, NOW, question(1, 2, 5));
    cr_assert(!reply->granted && reply->term == 12);
    struct raft *r = node(1, 4);
    raft_on_deadline(r, NOW, 0);
    raft_step(r, NOW, 0, reply);
    cr_assert_eq(raft_term(r), 12);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_destroy(r);
    raft_destroy(ahead);
}

Test(raft_9_6, a_grant_of_another_question_does_not_count)
{
    struct raft *r = node(1, 4);
    raft_on_deadline(r, NOW, 0);
    struct raft_msg m = raft_one_grant(2, 1, 9);
    m.is_pre_vote = true;
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE);
    cr_assert_eq(raft_term(r), 4, "nobody is in term 9");
    m.is_pre_vote = false;
    m.term = 4;
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_PRE_CANDIDATE, "a vote is no answer to the question");
    raft_destroy(r);
}
