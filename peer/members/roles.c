#include "members/roles.h"

static bool roles_is_reachable(const struct roles_member *m, const struct roles_rules *rules)
{
    return m->is_self || (m->has_answered && m->silent_us < rules->reachable_us);
}

static bool roles_is_down(const struct roles_member *m, const struct roles_rules *rules)
{
    return !m->is_self && m->silent_us >= rules->replace_after_us;
}

bool roles_can_spare(const struct roles_member *members, size_t count,
                     const struct roles_rules *rules, uint64_t number)
{
    size_t voters = 0;
    size_t reachable = 0;
    for (size_t i = 0; i < count; i++) {
        if (!members[i].is_voter || members[i].number == number)
            continue;
        voters += 1;
        reachable += roles_is_reachable(&members[i], rules);
    }
    return reachable > voters / 2;
}

/* Is `a` a worse voter than `b`? Who is down is worse than who lags. */
static bool roles_is_worse(const struct roles_member *a, const struct roles_member *b,
                           const struct roles_rules *rules)
{
    bool a_is_down = roles_is_down(a, rules);
    bool b_is_down = roles_is_down(b, rules);
    if (a_is_down != b_is_down)
        return a_is_down;
    if (a_is_down && a->silent_us != b->silent_us)
        return a->silent_us > b->silent_us;
    if (a->match != b->match)
        return a->match < b->match;
    return a->number > b->number;
}

static const struct roles_member *roles_worst_voter(const struct roles_member *members,
                                                    size_t count, const struct roles_rules *rules)
{
    const struct roles_member *worst = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct roles_member *m = &members[i];
        if (m->is_voter && !m->is_self && (worst == NULL || roles_is_worse(m, worst, rules)))
            worst = m;
    }
    return worst;
}

static const struct roles_member *roles_best_learner(const struct roles_member *members,
                                                     size_t count, const struct roles_rules *rules)
{
    const struct roles_member *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct roles_member *m = &members[i];
        bool is_fit =
            !m->is_voter && !m->is_leaving && m->is_caught_up && roles_is_reachable(m, rules);
        if (!is_fit)
            continue;
        bool is_better = best == NULL || m->match > best->match ||
                         (m->match == best->match && m->number < best->number);
        if (is_better)
            best = m;
    }
    return best;
}

static size_t roles_voters(const struct roles_member *members, size_t count)
{
    size_t voters = 0;
    for (size_t i = 0; i < count; i++)
        voters += members[i].is_voter;
    return voters;
}

struct roles_change roles_next(const struct roles_member *members, size_t count,
                               const struct roles_rules *rules)
{
    static const struct roles_change keep = { ROLES_KEEP, 0 };
    size_t voters = roles_voters(members, count);
    const struct roles_member *worst = roles_worst_voter(members, count, rules);
    if (voters > rules->max_voters) {
        if (worst == NULL || !roles_can_spare(members, count, rules, worst->number))
            return keep;
        return (struct roles_change){ ROLES_DEMOTE, worst->number };
    }
    bool wants_another =
        voters < rules->max_voters || (worst != NULL && roles_is_down(worst, rules));
    const struct roles_member *best =
        wants_another ? roles_best_learner(members, count, rules) : NULL;
    return best != NULL ? (struct roles_change){ ROLES_PROMOTE, best->number } : keep;
}
