/* A leader changes the configuration by one voter at a time, and begins no change before the last one is committed: so
 * majorities before and after have a member in common.
 * Source: Raft (dissertation) §4.1; Ongaro, raft-dev 2015 (a bug in single-server membership changes). */
#include "sim/check/check_int.h"

static const char name[] = "configuration";

static const struct record_member *config_voter(const struct record_config *config, uint64_t number)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->members[i].number == number && config->members[i].is_voter)
            return &config->members[i];
    return NULL;
}

/* Voters of `a` that do not vote in `b`. */
static size_t config_voters_without(const struct record_config *a, const struct record_config *b)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += a->members[i].is_voter && config_voter(b, a->members[i].number) == NULL;
    return count;
}

void config_change_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    const struct record_config *before = &m->config_before;
    if (fact->kind != PEER_FACT_CONFIG || m->role != RAFT_LEADER || before->count == 0 ||
        fact->index <= before->index)
        return;
    size_t gone = config_voters_without(before, &m->config);
    size_t come = config_voters_without(&m->config, before);
    if (gone + come > 1)
        check_fail(c, name, "peer %u takes %zu voters away and adds %zu in one step, at entry %llu",
                   who, gone, come, (unsigned long long)fact->index);
    if (before->index > m->committed)
        check_fail(c, name,
                   "peer %u changes the configuration at entry %llu, and that of entry %llu is not "
                   "committed",
                   who, (unsigned long long)fact->index, (unsigned long long)before->index);
}
