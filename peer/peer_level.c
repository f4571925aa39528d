/* peer_level.c -- the level of what is replicated rises when every member can follow (DESIGN 10).
 *
 * A newer build knows more kinds of entries and rows than an older one. It may use them only once all members know them,
 * or those who do not would have to stop applying. So each member says with its metrics up to which level it knows the
 * formats; when all of them, learners too, have said so within their TTL, the leader proposes the highest that all know.
 * The level is part of the state: who uses what it brings looks there, and a member that does not know it is not let in.
 *
 * It never falls. A build that is older than the level refuses the disk and says which level that has. */
#include "peer_int.h"

#include "util/err.h"

static void peer_level_done(void *owner, int err, const struct pinset_applied *applied,
                            const char *why)
{
    (void)err; /* whatever it is: the state says what holds, and the next look goes from there */
    (void)applied;
    (void)why;
    struct peer *p = owner;
    p->level_is_proposed = false;
}

static uint32_t peer_common_level(struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    struct peer_id *members = arena_array(&p->arena, c->count + 1, sizeof(*members));
    if (members == NULL)
        return 0;
    for (size_t i = 0; i < c->count; i++)
        members[i] = c->members[i].id;
    return monitor_common_level(p->monitor, p->now_us, members, c->count);
}

void peer_level_on_deadline(struct peer *p)
{
    if (p->now_us < peer_level_deadline_us(p))
        return;
    p->level_at_us = p->now_us + p->options.metric_ttl_us / 2;
    uint32_t common = peer_common_level(p);
    if (common <= pinset_facts(p->pinset)->level)
        return;
    struct pin_entry entry = { .kind = PIN_ENTRY_LEVEL, .level = common };
    p->level_is_proposed = peer_propose(p, &entry, NULL, 0, peer_level_done, p) == OK;
    if (p->level_is_proposed)
        LOG_INFO(p->log, "cluster", "every member knows level %u of the formats: it rises from %u",
                 common, pinset_facts(p->pinset)->level);
}

uint64_t peer_level_deadline_us(const struct peer *p)
{
    if (p->raft == NULL || !peer_leads(p) || p->level_is_proposed)
        return RAFT_NEVER;
    return p->level_at_us;
}
