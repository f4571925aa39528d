/* Raft (extended) 8: client interaction. Repeated commands: raft_6_3_test.c; reads in detail: raft_6_4_reads_test.c. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_8, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *node(void)
{
    return raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
}

Test(raft_8, who_does_not_lead_refuses_and_knows_who_does)
{
    struct raft *r = node();
    struct raft_pos pos;
    cr_assert_eq(raft_propose(r, "x", 1, &pos), ERR_NOT_LEADER);
    cr_assert_eq(raft_read(r, 1), ERR_NOT_LEADER);
    cr_assert_eq(raft_leader(r), RAFT_NOBODY, "there may be none");
    raft_step(r, NOW, 0, raft_one_append(3, 1, 1, (struct raft_pos){ 0 }, 0, 0, 0));
    cr_assert_eq(raft_leader(r), 3);
    raft_destroy(r);
}

Test(raft_8, a_leader_commits_a_no_op_at_the_start_of_its_term)
{
    struct raft *r = node();
    const struct raft_ready *ready = raft_one_win(r, NOW);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m->entries_count == 1 && m->entries[0].kind == RAFT_ENTRY_NOOP);
    cr_assert(m->entries[0].pos.term == raft_term(r) && m->entries[0].payload.len == 0);
    raft_destroy(r);
}

Test(raft_8, before_a_read_is_served_a_majority_has_answered_a_heartbeat)
{
    struct raft *r = node();
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_ack(2, r, 1);
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_read(r, 1), OK);
    const struct raft_ready *ready = raft_flush(r, NOW);
    cr_assert_eq(ready->reads_count, 0);
    m.round = raft_one_find(ready, RAFT_MSG_APPEND, 2)->round;
    ready = raft_step(r, NOW, 0, &m);
    cr_assert(ready->reads_count == 1 && ready->reads[0].index == 1);
    raft_destroy(r);
}

Test(raft_8, what_a_client_asked_of_a_leader_that_lost_its_place_may_be_gone)
{
    struct raft *r = node();
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_pos pos;
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    raft_flush(r, NOW);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 2, (struct raft_pos){ 0 }, 2, 2, 2));
    cr_assert_eq(raft_term_at(r, pos.index), 2,
                 "another entry stands at its place, of another term");
    cr_assert_neq(pos.term, 2, "so that an index alone is no answer to the client");
    raft_destroy(r);
}
