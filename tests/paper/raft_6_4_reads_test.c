/* Dissertation 6.4: reads that bypass the log. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_6_4, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *leader(unsigned voters)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1,
                                                          .voters = voters,
                                                          .learners = 1,
                                                          .term = 1,
                                                          .terms = (uint64_t[]){ 1, 1, 1 },
                                                          .terms_count = 3 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    return r;
}

static const struct raft_ready *answer(struct raft *r, uint64_t from, uint64_t match,
                                       uint64_t round)
{
    struct raft_msg m = raft_one_ack(from, r, match);
    m.round = round;
    return raft_step(r, NOW, 0, &m);
}

static uint64_t ask(struct raft *r, uint64_t context)
{
    cr_assert_eq(raft_read(r, context), OK);
    const struct raft_ready *ready = raft_flush(r, NOW);
    cr_assert_eq(ready->reads_count, 0, "not without hearing from the others");
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert_not_null(m, "the question goes out at once");
    return m->round;
}

Test(raft_6_4, a_read_waits_for_a_majority_to_answer_a_later_heartbeat)
{
    struct raft *r = leader(5);
    answer(r, 2, 4, 0);
    answer(r, 3, 4, 0);
    cr_assert_eq(raft_committed(r), 4);
    uint64_t round = ask(r, 77);
    cr_assert_eq(answer(r, 2, 4, round)->reads_count, 0, "two of five");
    cr_assert_eq(answer(r, 2, 4, round)->reads_count, 0);
    const struct raft_ready *ready = answer(r, 3, 4, round);
    cr_assert_eq(ready->reads_count, 1);
    cr_assert(ready->reads[0].context == 77 && ready->reads[0].index == 4);
    cr_assert_eq(answer(r, 4, 4, round)->reads_count, 0, "once");
    raft_destroy(r);
}

Test(raft_6_4, answers_that_were_on_their_way_confirm_nothing)
{
    struct raft *r = leader(3);
    answer(r, 2, 4, 0);
    uint64_t first = ask(r, 1);
    uint64_t second = ask(r, 2);
    cr_assert_gt(second, first);
    const struct raft_ready *ready = answer(r, 2, 4, first);
    cr_assert_eq(ready->reads_count, 1);
    cr_assert_eq(ready->reads[0].context, 1);
    ready = answer(r, 3, 4, first);
    cr_assert_eq(ready->reads_count, 0);
    ready = answer(r, 3, 4, second);
    cr_assert(ready->reads_count == 1 && ready->reads[0].context == 2);
    raft_destroy(r);
}

Test(raft_6_4, a_learners_answer_confirms_nothing)
{
    struct raft *r = leader(3);
    answer(r, 2, 4, 0);
    uint64_t round = ask(r, 1);
    cr_assert_eq(answer(r, 4, 4, round)->reads_count, 0);
    raft_destroy(r);
}

Test(raft_6_4, a_refusal_confirms_as_well)
{
    struct raft *r = leader(3);
    uint64_t round = ask(r, 1);
    struct raft_msg m = raft_one_ack(2, r, 0);
    m.granted = false;
    m.last.index = 3;
    m.round = round;
    cr_assert_eq(raft_step(r, NOW, 0, &m)->reads_count, 1, "it follows us, whatever its log");
    raft_destroy(r);
}

Test(raft_6_4, a_new_leader_does_not_know_what_is_committed_and_says_its_no_op)
{
    struct raft *r = leader(3);
    cr_assert_eq(raft_committed(r), 0);
    uint64_t round = ask(r, 1);
    const struct raft_ready *ready = answer(r, 2, 0, round);
    cr_assert(ready->reads_count == 1 && ready->reads[0].index == 4);
    raft_destroy(r);
}

Test(raft_6_4, a_lost_leadership_answers_ask_again)
{
    struct raft *r = leader(3);
    answer(r, 2, 4, 0);
    ask(r, 1);
    cr_assert_eq(raft_read(r, 2), OK);
    const struct raft_ready *ready = raft_step(
        r, NOW, 0, raft_one_append(2, 1, raft_term(r) + 1, (struct raft_pos){ 1, 3 }, 0, 0, 0));
    cr_assert_eq(ready->reads_count, 2);
    cr_assert(ready->reads[0].index == 0 && ready->reads[1].index == 0);
    cr_assert_eq(raft_read(r, 3), ERR_NOT_LEADER);
    raft_destroy(r);
}

Test(raft_6_4, a_single_voter_asks_nobody)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_read(r, 5), OK);
    const struct raft_ready *ready = raft_flush(r, NOW);
    cr_assert(ready->reads_count == 1 && ready->reads[0].index == 1);
    raft_destroy(r);
}

Test(raft_6_4, reads_asked_together_share_a_round)
{
    struct raft *r = leader(3);
    answer(r, 2, 4, 0);
    for (uint64_t i = 1; i <= 100; i++)
        cr_assert_eq(raft_read(r, i), OK);
    const struct raft_ready *ready = raft_flush(r, NOW);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_APPEND), 2);
    uint64_t round = raft_one_find(ready, RAFT_MSG_APPEND, 2)->round;
    cr_assert_eq(answer(r, 2, 4, round)->reads_count, 100);
    raft_destroy(r);
}

Test(raft_6_4, an_answer_to_a_question_never_asked_is_odd)
{
    struct raft *r = leader(3);
    answer(r, 2, 4, 999);
    cr_assert_eq(raft_odd_count(r), 1);
    ask(r, 1);
    raft_destroy(r);
}
