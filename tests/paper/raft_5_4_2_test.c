/* Raft (extended) 5.4.2, figure 8: an entry of an earlier term is not committed by counting where it is. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_5_4_2, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

Test(raft_5_4_2, only_an_entry_of_the_leaders_own_term_is_counted)
{
    /* Entry 2 is of term 2; we lead term 5, whose no-op is entry 3. */
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 4, .terms = (uint64_t[]){ 1, 2 }, .terms_count = 2 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_ack(2, r, 2);
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_committed(r), 0, "on a majority, and could still be overwritten");
    m = raft_one_ack(2, r, 3);
    raft_step(r, NOW, 0, &m);
    cr_assert_eq(raft_committed(r), 3, "the no-op takes it along");
    raft_destroy(r);
}
