/* peer_roles.c -- the leader gives and takes votes, one change at a time (DESIGN 9).
 *
 *      configuration, what Raft hears of each ---> members/roles.h ---> one entry, or nothing
 *
 * Looked at every PEER_ROLES_PAUSE_US while no change is under way. The rules are roles.h's; here they meet the
 * configuration. */
#include "peer_int.h"

#include "members/roles.h"
#include "util/err.h"

/* A learner is caught up when it has what was last when this leader first saw it (SIMULATION K42: waiting for
 * "equal" never ends under writes). */
static bool peer_is_caught_up(struct peer *p, uint64_t number, uint64_t match)
{
    for (size_t i = 0; i < p->pupils_count; i++) {
        if (p->pupils[i].number == number)
            return match >= p->pupils[i].target;
    }
    if (p->pupils_count < PEER_PUPILS_MAX)
        p->pupils[p->pupils_count++] = (struct peer_pupil){ number, raft_last(p->raft).index };
    return false;
}

static struct roles_rules peer_roles_rules(const struct peer *p)
{
    return (struct roles_rules){ .max_voters = p->options.max_voters,
                                 .reachable_us = p->options.raft.election_min_us,
                                 .replace_after_us = p->options.voter_replace_after_us };
}

static struct roles_member peer_roles_member(struct peer *p, const struct raft_member *m)
{
    struct raft_member_progress progress = { 0 };
    struct roles_member out = { .number = m->number,
                                .is_self = m->number == raft_number(p->raft),
                                .is_voter = m->role == RAFT_VOTER,
                                .is_leaving = raft_member_goes(m),
                                .silent_us = UINT64_MAX };
    if (raft_member_progress(p->raft, m->number, &progress) != OK)
        return out;
    out.match = progress.match;
    out.silent_us = p->now_us - progress.heard_us;
    out.has_answered = progress.last_reply_us > 0;
    if (!out.is_voter && out.has_answered)
        out.is_caught_up = peer_is_caught_up(p, m->number, progress.match);
    return out;
}

/* In the arena, as many as the configuration has; NULL: no memory. */
static struct roles_member *peer_roles_members(struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    struct roles_member *members = arena_array(&p->arena, c->count + 1, sizeof(*members));
    for (size_t i = 0; members != NULL && i < c->count; i++)
        members[i] = peer_roles_member(p, &c->members[i]);
    return members;
}

bool peer_can_spare_vote(struct peer *p, uint64_t number)
{
    const struct roles_member *members = peer_roles_members(p);
    struct roles_rules rules = peer_roles_rules(p);
    return members != NULL && roles_can_spare(members, raft_config(p->raft)->count, &rules, number);
}

static void peer_role_set(struct peer *p, uint64_t number, enum raft_role_in_config role)
{
    struct raft_config next;
    if (raft_config_copy(&next, raft_config(p->raft)) != OK)
        return; /* again after the pause */
    struct raft_pos pos;
    int err = raft_config_set_role(&next, number, role);
    if (err == OK)
        err = raft_propose_config(p->raft, &next, &pos);
    if (err == OK)
        LOG_INFO(p->log, "cluster", "member %llu becomes a %s", (unsigned long long)number,
                 role == RAFT_VOTER ? "voter" : "learner");
    raft_config_deinit(&next);
}

void peer_roles_step(struct peer *p)
{
    if (!raft_config_is_committed(p->raft))
        return;
    const struct roles_member *members = peer_roles_members(p);
    if (members == NULL)
        return;
    struct roles_rules rules = peer_roles_rules(p);
    struct roles_change change = roles_next(members, raft_config(p->raft)->count, &rules);
    switch (change.kind) {
    case ROLES_KEEP:
        break;
    case ROLES_PROMOTE:
        peer_role_set(p, change.number, RAFT_VOTER);
        break;
    case ROLES_DEMOTE:
        peer_role_set(p, change.number, RAFT_LEARNER);
        break;
    }
}
