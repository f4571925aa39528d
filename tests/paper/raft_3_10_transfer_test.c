/* Dissertation 3.10: leadership transfer extension. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_3_10, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *leader(void)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .learners = 1 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_ack(2, r, 1);
    raft_step(r, NOW, 0, &m);
    return r;
}

static const struct raft_ready *ack(struct raft *r, uint64_t from, uint64_t match)
{
    struct raft_msg m = raft_one_ack(from, r, match);
    return raft_step(r, NOW, 0, &m);
}

Test(raft_3_10, the_heir_first_gets_everything_and_is_then_told_once)
{
    struct raft *r = leader();
    struct raft_pos pos;
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    cr_assert_eq(raft_transfer(r, NOW, 2), OK);
    cr_assert_eq(raft_one_count(raft_flush(r, NOW), RAFT_MSG_TIMEOUT_NOW), 0, "it lacks entry 2");
    const struct raft_ready *ready = ack(r, 2, 2);
    const struct raft_msg *order = raft_one_find(ready, RAFT_MSG_TIMEOUT_NOW, 2);
    cr_assert_not_null(order);
    cr_assert_eq(order->term, raft_term(r));
    cr_assert_eq(raft_one_count(ack(r, 2, 2), RAFT_MSG_TIMEOUT_NOW), 0);
    cr_assert_eq(raft_one_count(raft_flush(r, NOW), RAFT_MSG_TIMEOUT_NOW), 0);
    raft_destroy(r);
}

Test(raft_3_10, nothing_is_proposed_meanwhile)
{
    struct raft *r = leader();
    struct raft_pos pos;
    cr_assert_eq(raft_transfer(r, NOW, 3), OK);
    cr_assert_eq(raft_propose(r, "x", 1, &pos), ERR_BUSY);
    cr_assert_eq(raft_propose_config(r, raft_config(r), &pos), ERR_BUSY);
    cr_assert_eq(raft_transfer(r, NOW, 2), ERR_BUSY);
    raft_destroy(r);
}

Test(raft_3_10, it_is_given_up_after_an_election_timeout)
{
    struct raft *r = leader();
    struct raft_pos pos;
    cr_assert_eq(raft_transfer(r, NOW, 3), OK);
    raft_flush(r, NOW);
    cr_assert_leq(raft_next_deadline_us(r), NOW + ONE_ELECTION_US);
    for (uint64_t i = 1; i <= 10; i++) {
        struct raft_msg m = raft_one_ack(2, r, 1);
        raft_step(r, NOW + i * ONE_HEARTBEAT_US, 0, &m);
        raft_on_deadline(r, NOW + i * ONE_HEARTBEAT_US, 0);
    }
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    raft_destroy(r);
}

Test(raft_3_10, only_another_voter_inherits)
{
    struct raft *r = leader();
    cr_assert_eq(raft_transfer(r, NOW, 1), ERR_NOT_FOUND);
    cr_assert_eq(raft_transfer(r, NOW, 4), ERR_NOT_FOUND);
    cr_assert_eq(raft_transfer(r, NOW, 9), ERR_NOT_FOUND);
    raft_destroy(r);
    r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1 });
    cr_assert_eq(raft_transfer(r, NOW, 1), ERR_NOT_LEADER);
    raft_one_win(r, NOW);
    cr_assert_eq(raft_transfer(r, NOW, RAFT_NOBODY), ERR_NOT_FOUND);
    raft_destroy(r);
}

Test(raft_3_10, the_best_heir_is_the_most_advanced_that_answers)
{
    struct raft *r = leader();
    cr_assert_eq(raft_transfer(r, NOW, RAFT_NOBODY), OK);
    cr_assert_not_null(raft_one_find(raft_flush(r, NOW), RAFT_MSG_TIMEOUT_NOW, 2));
    raft_destroy(r);
}

Test(raft_3_10, the_heir_stands_at_once_without_asking_first)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 2, .voters = 3, .term = 4 });
    raft_step(r, NOW, 0, raft_one_append(1, 2, 4, (struct raft_pos){ 0 }, 0, 0, 0));
    struct raft_msg order = { .type = RAFT_MSG_TIMEOUT_NOW, .from = 1, .to = 2, .term = 4 };
    const struct raft_ready *ready = raft_step(r, NOW, 0, &order);
    cr_assert_eq(raft_state(r), RAFT_CANDIDATE);
    cr_assert_eq(raft_term(r), 5);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_VOTE, 3);
    cr_assert(m->is_transfer && !m->is_pre_vote && m->after_unit == 1);
    raft_destroy(r);
}

Test(raft_3_10, an_order_from_the_past_or_from_others_is_not_obeyed)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 2, .voters = 3, .term = 4 });
    raft_step(r, NOW, 0, raft_one_append(1, 2, 4, (struct raft_pos){ 0 }, 0, 0, 0));
    struct raft_msg order = { .type = RAFT_MSG_TIMEOUT_NOW, .from = 1, .to = 2, .term = 3 };
    raft_step(r, NOW, 0, &order);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    order.term = 4;
    order.from = 3;
    raft_step(r, NOW, 0, &order);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    raft_destroy(r);
    r = raft_one_create(&(struct raft_past){ .number = 4, .voters = 3, .learners = 1, .term = 4 });
    raft_step(r, NOW, 0, raft_one_append(1, 4, 4, (struct raft_pos){ 0 }, 0, 0, 0));
    order = (struct raft_msg){ .type = RAFT_MSG_TIMEOUT_NOW, .from = 1, .to = 4, .term = 4 };
    raft_step(r, NOW, 0, &order);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER, "a learner cannot lead");
    raft_destroy(r);
}

Test(raft_3_10, an_heirs_request_is_heard_even_by_those_who_hear_a_leader)
{
    struct raft *r = leader();
    struct raft_msg m = raft_one_vote(2, 1, raft_term(r) + 1, raft_last(r));
    m.is_transfer = true;
    const struct raft_ready *ready = raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER);
    cr_assert(raft_one_find(ready, RAFT_MSG_VOTE_REPLY, 2)->granted);
    raft_destroy(r);
}

Test(raft_3_10, a_demoted_or_removed_heir_is_no_heir)
{
    struct raft *r = leader();
    struct raft_config next;
    raft_config_copy(&next, raft_config(r));
    raft_config_remove(&next, 3);
    struct raft_pos pos;
    cr_assert_eq(raft_propose_config(r, &next, &pos), OK);
    raft_config_deinit(&next);
    raft_flush(r, NOW);
    cr_assert_eq(raft_transfer(r, NOW, 3), ERR_NOT_FOUND);
    raft_destroy(r);
}
