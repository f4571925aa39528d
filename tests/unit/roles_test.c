/* roles_test.c -- who votes: promote, swap, demote, and never the last majority. */
#include <criterion/criterion.h>

#include "members/roles.h"

TestSuite(roles, .timeout = 60);

static const struct roles_rules rules = { .max_voters = 3,
                                          .reachable_us = 1000,
                                          .replace_after_us = 300000 };

/* Member 1 asks. */
static struct roles_member voter(uint64_t number, uint64_t silent_us)
{
    return (struct roles_member){ .number = number,
                                  .is_self = number == 1,
                                  .is_voter = true,
                                  .has_answered = true,
                                  .is_caught_up = true,
                                  .match = 100,
                                  .silent_us = silent_us };
}

static struct roles_member learner(uint64_t number, uint64_t match)
{
    return (struct roles_member){
        .number = number, .has_answered = true, .is_caught_up = true, .match = match
    };
}

static void expect(const struct roles_member *members, size_t count, enum roles_change_kind kind,
                   uint64_t number)
{
    struct roles_change change = roles_next(members, count, &rules);
    cr_assert_eq(change.kind, kind, "kind %d", change.kind);
    cr_assert_eq(change.number, number, "number %u", (unsigned)change.number);
}

Test(roles, a_free_seat_goes_to_the_most_caught_up_learner)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), learner(3, 80), learner(4, 90),
                                learner(5, 90) };
    expect(m, 5, ROLES_PROMOTE, 4);
}

Test(roles, who_lags_is_silent_or_leaves_gets_no_seat)
{
    struct roles_member m[] = { voter(1, 0), learner(2, 90), learner(3, 90), learner(4, 90) };
    m[1].is_caught_up = false;
    m[2].silent_us = rules.reachable_us;
    m[3].is_leaving = true;
    expect(m, 4, ROLES_KEEP, 0);
}

Test(roles, no_more_voters_than_seats)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, 0), learner(4, 100) };
    expect(m, 4, ROLES_KEEP, 0);
}

Test(roles, a_voter_that_is_away_shortly_keeps_its_seat)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, rules.replace_after_us - 1),
                                learner(4, 100) };
    expect(m, 4, ROLES_KEEP, 0);
}

Test(roles, a_swap_promotes_then_demotes_then_rests)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, rules.replace_after_us),
                                learner(4, 90), learner(5, 95) };
    expect(m, 5, ROLES_PROMOTE, 5);
    m[4].is_voter = true;
    expect(m, 5, ROLES_DEMOTE, 3);
    m[2].is_voter = false;
    expect(m, 5, ROLES_KEEP, 0);
}

Test(roles, without_a_learner_the_dead_keep_their_seats)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, rules.replace_after_us) };
    expect(m, 3, ROLES_KEEP, 0);
}

Test(roles, who_is_down_longest_goes_first)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 400000), voter(3, 500000), voter(4, 0),
                                voter(5, 0) };
    expect(m, 5, ROLES_DEMOTE, 3);
}

Test(roles, too_many_voters_and_all_alive_the_one_that_lags_goes)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, 0), voter(4, 0) };
    m[0].match = 10; /* the leader's own disk is slow: it stays */
    m[1].match = 50;
    expect(m, 4, ROLES_DEMOTE, 2);
    m[1].match = 100;
    expect(m, 4, ROLES_DEMOTE, 4);
}

Test(roles, the_last_majority_is_never_taken_away)
{
    /* 2 of 4 are reachable besides the leader; without one of them it would be 2 of 3. Without two more, no more. */
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, 5000), voter(4, 5000) };
    m[1].match = 1;
    cr_assert_not(roles_can_spare(m, 4, &rules, 2)); /* 1 of 3 */
    cr_assert(roles_can_spare(m, 4, &rules, 3));     /* 2 of 3 */
    expect(m, 4, ROLES_KEEP, 0);
}

Test(roles, a_new_leader_counts_on_nobody_who_has_not_answered)
{
    struct roles_member m[] = { voter(1, 0), voter(2, 0), voter(3, 0), voter(4, 0), voter(5, 0) };
    m[3].has_answered = m[4].has_answered = false;
    cr_assert_not(roles_can_spare(m, 5, &rules, 2)); /* 2 of 4 */
    cr_assert(roles_can_spare(m, 5, &rules, 4));     /* 3 of 4 */
}

Test(roles, it_goes_on_from_any_state_until_it_rests)
{
    /* Twenty founders, all voters: one change at a time down to the seats. */
    struct roles_member m[20];
    for (uint64_t i = 0; i < 20; i++)
        m[i] = voter(i + 1, 0);
    size_t changes = 0;
    for (;; changes++) {
        struct roles_change change = roles_next(m, 20, &rules);
        if (change.kind == ROLES_KEEP)
            break;
        cr_assert_eq(change.kind, ROLES_DEMOTE);
        m[change.number - 1].is_voter = false;
    }
    cr_assert_eq(changes, 17);
    cr_assert(m[0].is_voter && m[1].is_voter && m[2].is_voter);
}
