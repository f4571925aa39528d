/* Raft (extended) 5.4.3: the safety argument, on every small case instead of by contradiction.
 *
 * The proof supposes an entry that a leader committed, and a later leader without it, and finds a voter that had accepted the
 * one and voted for the other. So here: all ways in which an entry can stand on a majority, all logs that the others
 * can have by then, and whoever stands. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"

TestSuite(raft_5_4_3, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US, VOTERS_MAX = 5, TERM = 3 };

struct log {
    uint64_t terms[4];
    size_t count;
};

/* The leader of term 3 committed entry 2 of term 3. Who has it, and who has not: logs of before. */
static const struct log with[] = { { { 1, 3 }, 2 }, { { 1, 3, 3 }, 3 } };
static const struct log without[] = {
    { { 0 }, 0 }, { { 1 }, 1 }, { { 1, 1, 1, 1 }, 4 }, { { 1, 2, 2 }, 3 }
};
enum { WITH = 2, WITHOUT = 4, KINDS = WITH + WITHOUT };

static const struct log *log_of(unsigned kind)
{
    return kind < WITH ? &with[kind] : &without[kind - WITH];
}

static bool votes(unsigned voter, const struct log *log, const struct log *candidates)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = voter,
                                                          .voters = VOTERS_MAX,
                                                          .term = TERM,
                                                          .terms = log->terms,
                                                          .terms_count = log->count });
    size_t count = candidates->count;
    struct raft_pos last = { count > 0 ? candidates->terms[count - 1] : 0, count };
    uint64_t candidate = voter == 1 ? 2 : 1;
    struct raft_msg m = raft_one_vote(candidate, voter, TERM + 1, last);
    bool granted = raft_one_find(raft_step(r, NOW, 0, &m), RAFT_MSG_VOTE_REPLY, candidate)->granted;
    raft_destroy(r);
    return granted;
}

/* Calls `look` for each way of giving the voters logs so that most have the entry. */
static void each_cluster(unsigned voters, void (*look)(const unsigned *kinds, unsigned voters))
{
    unsigned kinds[VOTERS_MAX] = { 0 };
    unsigned at = 0;
    while (at < voters) {
        unsigned have = 0;
        for (unsigned i = 0; i < voters; i++)
            have += kinds[i] < WITH;
        if (have > voters / 2)
            look(kinds, voters);
        for (at = 0; at < voters && ++kinds[at] == KINDS; at++)
            kinds[at] = 0;
    }
}

static bool granted_by[KINDS][KINDS]; /* [voter's log][candidate's] */

static void ask_all(void)
{
    for (unsigned a = 0; a < KINDS; a++) {
        for (unsigned b = 0; b < KINDS; b++)
            granted_by[a][b] = votes(1, log_of(a), log_of(b));
    }
}

static bool can_win(const unsigned *kinds, unsigned voters, unsigned candidate)
{
    unsigned count = 0;
    for (unsigned i = 0; i < voters; i++)
        count += i == candidate || granted_by[kinds[i]][kinds[candidate]];
    return count > voters / 2;
}

static void the_winner_has_it(const unsigned *kinds, unsigned voters)
{
    bool somebody = false;
    for (unsigned i = 0; i < voters; i++) {
        bool wins = can_win(kinds, voters, i);
        somebody |= wins;
        cr_assert(!wins || kinds[i] < WITH, "without the committed entry it leads");
    }
    cr_assert(somebody, "and somebody can");
}

Test(raft_5_4_3, every_later_leader_has_what_was_committed)
{
    ask_all();
    each_cluster(3, the_winner_has_it);
    each_cluster(4, the_winner_has_it);
    each_cluster(5, the_winner_has_it);
}

Test(raft_5_4_3, a_voter_that_has_it_votes_for_nobody_without_it)
{
    ask_all();
    for (unsigned a = 0; a < WITH; a++) {
        for (unsigned b = WITH; b < KINDS; b++)
            cr_assert_not(granted_by[a][b], "the voter that both majorities share");
    }
}

Test(raft_5_4_3, a_voter_that_accepted_and_then_voted_keeps_what_it_accepted)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = TERM });
    raft_step(r, NOW, 0, raft_one_append(2, 1, TERM, (struct raft_pos){ 0 }, 2, TERM, 0));
    raft_one_store(r, NOW);
    struct raft_msg m = raft_one_vote(3, 1, TERM + 1, (struct raft_pos){ TERM, 2 });
    raft_step(r, 2 * NOW, 0, &m);
    cr_assert_eq(raft_last(r).index, 2);
    m = *raft_one_append(2, 1, TERM, (struct raft_pos){ TERM, 2 }, 1, TERM, 0);
    raft_step(r, 2 * NOW, 0, &m);
    cr_assert_eq(raft_last(r).index, 2, "and takes nothing from the old leader once it has voted");
    raft_destroy(r);
}

Test(raft_5_4_3, what_is_applied_is_committed_and_committed_is_never_replaced)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3 });
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 3, 1, 2));
    raft_one_store(r, NOW);
    cr_assert_eq(raft_applicable(r), 2, "not 3, though it is stored");
    raft_step(r, NOW, 0, raft_one_append(3, 1, 2, (struct raft_pos){ 1, 1 }, 2, 2, 3));
    cr_assert_eq(raft_term_at(r, 2), 1,
                 "a leader that asks for that is none: dropped, and counted");
    cr_assert_eq(raft_odd_count(r), 1);
    raft_destroy(r);
}
