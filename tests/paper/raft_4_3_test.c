/* Dissertation 4.3: arbitrary changes. Joint consensus is not done here (docs/DIVERGENCE.md): a change that needs it is refused,
 * and made of several that do not. What it is for, two majorities that never miss each other, holds at each step. */
#include <criterion/criterion.h>

#include "tests/lib/raft_change.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_4_3, .timeout = 60);

enum { MEMBERS = 6 };

static bool votes(const struct raft_config *c, unsigned number)
{
    const struct raft_member *m = raft_config_member(c, number);
    return m != NULL && m->role == RAFT_VOTER;
}

/* Is `set` (a bit a member) a majority of the voters? */
static bool is_majority(const struct raft_config *c, unsigned set)
{
    unsigned in = 0;
    for (unsigned number = 1; number <= MEMBERS; number++)
        in += votes(c, number) && (set >> number & 1);
    return in > raft_config_voters_count(c) / 2;
}

/* A majority of one without a majority of the other beside it: the two sets are disjoint. */
static bool may_miss(const struct raft_config *a, const struct raft_config *b)
{
    for (unsigned set = 0; set < 2u << MEMBERS; set++) {
        if (is_majority(a, set) && is_majority(b, ~set))
            return true;
    }
    return false;
}

/* Roles of the members after the change, two bits each: 0 gone, 1 learner, 2 voter. */
static struct raft_config made(const struct raft *r, unsigned roles)
{
    struct raft_config next = raft_change_next(r);
    for (unsigned number = 1; number <= MEMBERS; number++) {
        unsigned role = roles >> (2 * (number - 1)) & 3;
        if (role == 0)
            raft_config_remove(&next, number);
        else
            raft_config_set_role(&next, number, (enum raft_role_in_config)role);
    }
    return next;
}

static void try_all(unsigned voters)
{
    struct raft *probe = raft_change_leader(voters, MEMBERS - voters);
    unsigned accepted = 0;
    for (unsigned roles = 0; roles < 1u << (2 * MEMBERS); roles++) {
        bool is_one = true;
        for (unsigned i = 0; i < MEMBERS; i++)
            is_one &= (roles >> (2 * i) & 3) != 3;
        if (!is_one)
            continue;
        struct raft_config next = made(probe, roles);
        bool misses = may_miss(raft_config(probe), &next);
        struct raft *r = misses ? probe : raft_change_leader(voters, MEMBERS - voters);
        int err = raft_change_propose(r, next);
        cr_assert(!misses || err == ERR_INVALID, "%u voters, roles %x", voters, roles);
        accepted += err == OK;
        if (r != probe)
            raft_destroy(r);
    }
    cr_assert_gt(accepted, 0);
    raft_destroy(probe);
}

Test(raft_4_3, no_change_is_taken_whose_majorities_may_miss_each_other)
{
    try_all(1);
    try_all(2);
    try_all(3);
    try_all(4);
}

Test(raft_4_3, three_voters_are_replaced_by_three_others_one_at_a_time)
{
    struct raft *r = raft_change_leader(3, 3);
    struct raft_config all_at_once = made(r, 2u << 10 | 2u << 8 | 2u << 6);
    cr_assert_eq(raft_change_propose(r, all_at_once), ERR_INVALID);
    for (uint64_t newcomer = 4, index = 2; newcomer <= 6; newcomer++) {
        cr_assert_eq(raft_change_role(r, newcomer, RAFT_VOTER), OK);
        raft_one_store(r, RAFT_CHANGE_NOW);
        for (uint64_t number = 2; number <= newcomer; number++)
            raft_change_ack(r, number, index);
        cr_assert(raft_config_is_committed(r));
        index += 1;
        uint64_t leaver = newcomer == 6 ? 1 : newcomer - 2; /* itself last */
        cr_assert_eq(raft_change_remove(r, leaver), OK);
        raft_one_store(r, RAFT_CHANGE_NOW);
        for (uint64_t number = 2; number <= newcomer; number++)
            raft_change_ack(r, number, index);
        cr_assert(raft_config_is_committed(r));
        index += 1;
    }
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 3);
    cr_assert_eq(raft_state(r), RAFT_FOLLOWER, "and it has made way");
    raft_destroy(r);
}
