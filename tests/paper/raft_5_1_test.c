/* Raft (extended) 5.1: Raft basics. States, terms, and messages that may come twice. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_5_1, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *follower(uint64_t term)
{
    return raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = term });
}

/* Of that term, whatever its kind. */
static struct raft_msg said(enum raft_msg_type type, uint64_t term)
{
    struct raft_msg m = { .type = type, .from = 2, .to = 1, .term = term, .last = { 9, 9 } };
    if (type == RAFT_MSG_APPEND)
        m.last = (struct raft_pos){ 0 };
    return m;
}

static const enum raft_msg_type all[] = { RAFT_MSG_VOTE, RAFT_MSG_VOTE_REPLY, RAFT_MSG_APPEND,
                                          RAFT_MSG_APPEND_REPLY, RAFT_MSG_TIMEOUT_NOW };
enum { TYPES = sizeof(all) / sizeof(all[0]) };

Test(raft_5_1, everybody_begins_as_a_follower)
{
    struct raft *r = follower(7);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY);
    cr_assert_eq(raft_term(r), 7, "in the term in which it was last");
    raft_destroy(r);
}

Test(raft_5_1, whoever_is_behind_takes_up_the_later_term)
{
    for (int i = 0; i < TYPES; i++) {
        struct raft *r = follower(3);
        struct raft_msg m = said(all[i], 5);
        raft_step(r, NOW, 0, &m);
        cr_assert_geq(raft_term(r), 5, "message of type %d", all[i]);
        raft_destroy(r);
    }
}

Test(raft_5_1, a_candidate_or_leader_that_is_behind_becomes_a_follower)
{
    for (int i = 0; i < TYPES; i++) {
        struct raft *r = follower(3);
        raft_one_win(r, NOW);
        raft_one_store(r, NOW);
        /* A leader that a quorum answers does not listen to those who want to be one (4.2.3): long after. */
        struct raft_msg m = said(all[i], 9);
        raft_step(r, 2 * NOW, 0, &m);
        if (all[i] == RAFT_MSG_TIMEOUT_NOW)
            cr_assert_eq(raft_state(r), RAFT_CANDIDATE, "it was told to stand");
        else
            cr_assert_eq(raft_state(r), RAFT_FOLLOWER, "message of type %d", all[i]);
        raft_destroy(r);
    }
}

Test(raft_5_1, a_request_of_an_earlier_term_is_refused_and_its_sender_learns_why)
{
    struct raft *r = follower(5);
    struct raft_msg m = said(RAFT_MSG_VOTE, 4);
    const struct raft_msg *reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, 2);
    cr_assert(!reply->granted && reply->term == 5);
    m = said(RAFT_MSG_APPEND, 4);
    reply = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(!reply->granted && reply->term == 5);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY, "nor does it become somebody's follower");
    raft_destroy(r);
}

Test(raft_5_1, a_reply_of_an_earlier_term_is_dropped)
{
    struct raft *r = follower(5);
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_ack(2, r, 1);
    m.term = 5;
    cr_assert_eq(raft_step(r, NOW, 0, &m)->msgs_count, 0);
    cr_assert_eq(raft_committed(r), 0);
    raft_destroy(r);
}

Test(raft_5_1, there_is_at_most_one_leader_in_a_term)
{
    /* 1 and 2 stand in one term; the others hear one of them first. Whoever they are, not both win. */
    enum { VOTERS = 5 };
    for (unsigned first = 0; first < 1u << (VOTERS - 2); first++) {
        unsigned votes[3] = { 0, 1, 1 };
        for (unsigned i = 3; i <= VOTERS; i++) {
            struct raft *r = raft_one_create(&(struct raft_past){ .number = i, .voters = VOTERS });
            uint64_t heard = (first >> (i - 3) & 1) ? 1 : 2;
            for (int k = 0; k < 2; k++) {
                struct raft_msg m = raft_one_vote(heard, i, 1, (struct raft_pos){ 0 });
                votes[heard] +=
                    raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, heard)->granted;
                heard = 3 - heard;
            }
            raft_destroy(r);
        }
        cr_assert_eq(votes[1] + votes[2], VOTERS);
        cr_assert((votes[1] > VOTERS / 2) != (votes[2] > VOTERS / 2));
    }
}

Test(raft_5_1, a_message_that_comes_twice_changes_nothing_more)
{
    struct raft *r = follower(0);
    struct raft_msg ask = raft_one_vote(2, 1, 1, (struct raft_pos){ 0 });
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &ask), RAFT_MSG_VOTE_REPLY, 2)->granted);
    cr_assert(raft_one_find(raft_step(r, NOW, 0, &ask), RAFT_MSG_VOTE_REPLY, 2)->granted);
    const struct raft_msg *append = raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 3, 1, 2);
    raft_step(r, NOW, 0, append);
    raft_one_store(r, NOW);
    const struct raft_msg *reply =
        raft_one_find(raft_step(r, NOW, 0, append), RAFT_MSG_APPEND_REPLY, 2);
    cr_assert(reply->granted && reply->match == 3);
    cr_assert(raft_last(r).index == 3 && raft_committed(r) == 2);
    cr_assert_not(raft_has_unit(r), "it is all there already");
    raft_destroy(r);
}
