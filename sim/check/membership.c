/* Who is no voter is not elected: not a learner, and not one that was removed (MB1). At rest, each peer's list of the others
 * is what the configuration says (MB3).
 * Source: DESIGN 7, 9; Raft (dissertation) §4.2. */
#include "sim/check/check_int.h"

static const char name[] = "membership";

static bool membership_votes(const struct record_config *config, uint64_t number)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->members[i].number == number)
            return config->members[i].is_voter;
    return false;
}

/* A leader that removes or demotes itself goes on until that is committed: only the election counts. And one whose removal
 * is in its log and not committed may be elected: the others may need that log (dissertation 4.2.2). */
void membership_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    bool is_elected = fact->kind == PEER_FACT_ROLE && fact->role == RAFT_LEADER &&
                      (m->role != RAFT_LEADER || m->term != fact->term);
    if (!is_elected || m->config.count == 0)
        return;
    bool is_open = m->config.index > record_log_last(&c->committed);
    if (!membership_votes(&m->config, fact->number) &&
        !(is_open && membership_votes(&m->config_before, fact->number)))
        check_fail(c, name,
                   "member %llu (peer %u) is elected in term %llu and does not vote in the "
                   "configuration of entry %llu",
                   (unsigned long long)fact->number, who, (unsigned long long)fact->term,
                   (unsigned long long)m->config.index);
}

static bool membership_lists(const struct peer_address *others, size_t count,
                             const struct peer_id *id)
{
    for (size_t i = 0; i < count; i++)
        if (peer_id_equal(&others[i].id, id))
            return true;
    return false;
}

static bool membership_has(const struct record_config *config, unsigned who)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->members[i].who == who)
            return true;
    return false;
}

bool checks_audit_list(const struct checks *c, unsigned who, const struct peer_address *others,
                       size_t count, uint32_t running, struct buf *why)
{
    const struct record_config *config = &c->machines[who].config;
    for (unsigned other = 1; other <= c->machines_count; other++) {
        bool is_listed = membership_lists(others, count, &c->machines[other].id);
        bool is_member = membership_has(config, other);
        bool may_be_unknown = is_member && (running >> (other - 1) & 1) == 0;
        if (other == who || is_listed == is_member || may_be_unknown)
            continue;
        buf_printf(why, "peer %u is %s member, and %sin the list of peer %u", other,
                   is_member ? "a" : "no", is_listed ? "" : "not ", who);
        return false;
    }
    return true;
}
