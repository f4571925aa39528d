/* Raft (extended) 5.4.1: only who has everything that was committed can be elected. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_5_4_1, .timeout = 60);

static bool gets_vote(const uint64_t *terms, size_t count, struct raft_pos candidates_last)
{
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 5, .terms = terms, .terms_count = count });
    struct raft_msg m = raft_one_vote(2, 1, 6, candidates_last);
    bool granted = raft_one_find(raft_step(r, 1, 0, &m), RAFT_MSG_VOTE_REPLY, 2)->granted;
    m.is_pre_vote = true;
    m.term = 7;
    bool pre_granted = raft_one_find(raft_step(r, 1, 0, &m), RAFT_MSG_VOTE_REPLY, 2)->granted;
    cr_assert_eq(granted, pre_granted, "the question before asks the same");
    raft_destroy(r);
    return granted;
}

Test(raft_5_4_1, the_later_term_is_newer_then_the_longer_log)
{
    const uint64_t mine[] = { 1, 1, 4, 4 };
    cr_assert(gets_vote(mine, 4, (struct raft_pos){ 4, 4 }), "equal");
    cr_assert(gets_vote(mine, 4, (struct raft_pos){ 4, 5 }), "longer");
    cr_assert(gets_vote(mine, 4, (struct raft_pos){ 5, 1 }), "short, but of a later term");
    cr_assert_not(gets_vote(mine, 4, (struct raft_pos){ 4, 3 }), "shorter");
    cr_assert_not(gets_vote(mine, 4, (struct raft_pos){ 3, 99 }), "long, but of an earlier term");
    cr_assert_not(gets_vote(mine, 4, (struct raft_pos){ 0, 0 }), "empty");
    cr_assert(gets_vote(NULL, 0, (struct raft_pos){ 0, 0 }), "both empty");
}

Test(raft_5_4_1, a_log_that_is_trimmed_to_nothing_remembers_its_last_term)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1,
                                                          .voters = 3,
                                                          .term = 4,
                                                          .committed = 3,
                                                          .terms = (uint64_t[]){ 1, 4, 4 },
                                                          .terms_count = 3 });
    raft_on_applied(r, 3);
    raft_on_trimmed(r, 3);
    cr_assert(raft_last(r).term == 4 && raft_last(r).index == 3);
    struct raft_msg m = raft_one_vote(2, 1, 6, (struct raft_pos){ 3, 9 });
    cr_assert_not(raft_one_find(raft_step(r, 1, 0, &m), RAFT_MSG_VOTE_REPLY, 2)->granted);
    raft_one_store(r, 1);
    const struct raft_ready *ready = raft_on_deadline(r, 9 * ONE_ELECTION_US, 0);
    m = *raft_one_find(ready, RAFT_MSG_VOTE, 2);
    cr_assert(m.last.term == 4 && m.last.index == 3, "as it says when it stands itself");
    raft_destroy(r);
}

Test(raft_5_4_1, entries_not_yet_on_disk_count_for_the_voter)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_step(r, 0, 0, raft_one_append(3, 1, 1, (struct raft_pos){ 0 }, 2, 1, 0));
    struct raft_msg m = raft_one_vote(2, 1, 2, (struct raft_pos){ 1, 1 });
    const struct raft_ready *ready = raft_step(r, 3 * ONE_ELECTION_US, 0, &m);
    cr_assert_not(raft_one_find(ready, RAFT_MSG_VOTE_REPLY, 2)->granted);
    raft_destroy(r);
}
