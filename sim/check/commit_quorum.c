/* What is said to be committed is on the disks of a majority of the voters, at that moment, and stays what it is.
 * Source: Raft §5.3, §5.4.2; DESIGN 2 (acknowledge only what a quorum has on disk).
 *
 * The first peer that says so writes the cluster's log here (c->committed); all others are compared with it. The
 * configuration in force is the newest in that peer's log; one that it took up within this very event may
 * have come before or after. */
#include "sim/check/check_int.h"

#include "util/assert.h"
#include "util/mem.h"

static const char name[] = "commit quorum";

static bool commit_has_quorum(const struct checks *c, const struct record_config *config,
                              uint64_t index)
{
    size_t voters = 0, durable = 0;
    for (size_t i = 0; i < config->count; i++) {
        const struct record_member *member = &config->members[i];
        if (!member->is_voter)
            continue;
        voters += 1;
        durable += record_is_durable(c, member, index);
    }
    return voters > 0 && durable > voters / 2;
}

/* A leader may count its followers' disks before the entry was handed to its own: then one of theirs shows what
 * the entry is. */
static const struct record_log *commit_source(const struct checks *c,
                                              const struct record_machine *leader, uint64_t index)
{
    if (record_log_at(&leader->log, index) != NULL)
        return &leader->log;
    for (size_t i = 0; i < leader->config.count; i++) {
        const struct record_machine *m = &c->machines[leader->config.members[i].who];
        const struct record_entry *e = record_log_at(&m->log, index);
        if (e != NULL && e->term == leader->term && index <= m->stored)
            return &m->log;
    }
    return NULL;
}

static void commit_mark(struct checks *c, uint64_t term, uint64_t index)
{
    if (c->commits_count == 0 || c->commits[c->commits_count - 1].term != term) {
        struct commit_mark *grown =
            mem_realloc(c->commits, (c->commits_count + 1) * sizeof(*grown));
        ASSERT(grown != NULL);
        c->commits = grown;
        c->commits[c->commits_count++].term = term;
    }
    c->commits[c->commits_count - 1].index = index;
}

static void commit_take(struct checks *c, const struct record_log *log, uint64_t term, uint64_t to)
{
    commit_mark(c, term, to);
    if (c->committed.count == 0 && c->committed.base == 0 && log->base > 0) {
        c->committed.base = log->base;
        c->committed.base_chain = log->base_chain;
    }
    for (uint64_t i = record_log_last(&c->committed) + 1; i <= to; i++) {
        const struct record_entry *e = record_log_at(log, i);
        record_log_push(&c->committed, e->term, e->hash);
    }
}

/* The first to say so must lead, and may count disks for entries of its own term only (§5.4.2). */
static void commit_first(struct checks *c, unsigned who, uint64_t index)
{
    const struct record_machine *m = &c->machines[who];
    const struct record_log *log = commit_source(c, m, index);
    /* The list of founders is the same by construction, and committed by agreement before there is a leader
     * (DESIGN 8); that all have the same is log matching's to say. */
    if (index == 1 && record_log_at(&m->log, 1) != NULL) {
        commit_take(c, &m->log, 0, 1);
        return;
    }
    /* A leader that commits its own removal steps down with it. */
    bool leads = m->role == RAFT_LEADER || m->led_at_us == c->hooks.now_us(c->hooks.owner);
    if (log == NULL || !leads || record_log_at(log, index)->term != m->term) {
        check_fail(
            c, name,
            "peer %u says that entry %llu is committed: it does not lead, or nobody has that "
            "entry, or it is of another term than its own",
            who, (unsigned long long)index);
        return;
    }
    commit_take(c, log, m->term, index);
    bool just_changed = m->config.told_at_us == c->hooks.now_us(c->hooks.owner);
    if (!commit_has_quorum(c, &m->config, index) &&
        !(just_changed && commit_has_quorum(c, &m->config_before, index)))
        check_fail(c, name,
                   "peer %u says that entry %llu is committed, and no majority has it on disk", who,
                   (unsigned long long)index);
}

void commit_quorum_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->kind != PEER_FACT_COMMIT || c->has_failed)
        return;
    const struct record_machine *m = &c->machines[who];
    uint64_t known = record_log_last(&c->committed);
    uint64_t common = fact->index < known ? fact->index : known;
    if (common > record_log_last(&m->log))
        common = record_log_last(&m->log);
    /* A follower may hear of a commit before the cut and the entries that go with it are handed to its disk, and
     * thus to us; what it then applies is compared by state_machine.c. */
    if (m->role == RAFT_LEADER && common > m->log.base && common > c->committed.base &&
        record_log_chain(&m->log, common) != record_log_chain(&c->committed, common))
        check_fail(c, name, "peer %u has committed another entry than others up to index %llu", who,
                   (unsigned long long)common);
    else if (fact->index > known)
        commit_first(c, who, fact->index);
}
