/* What never runs back: the durable term, the vote within it, the term in memory, commit and apply.
 * Source: Raft §5.1 (currentTerm, votedFor), figure 2. */
#include "sim/check/check_int.h"

static const char name[] = "monotony";

static void monotone_hard(struct checks *c, unsigned who, const struct record_machine *m,
                          const struct peer_fact *fact)
{
    if (fact->term < m->hard_term)
        check_fail(c, name, "peer %u: the durable term fell from %llu to %llu", who,
                   (unsigned long long)m->hard_term, (unsigned long long)fact->term);
    if (fact->term == m->hard_term && m->hard_vote != 0 && fact->voted_for != m->hard_vote)
        check_fail(c, name, "peer %u: its vote in term %llu changed from member %llu to %llu", who,
                   (unsigned long long)fact->term, (unsigned long long)m->hard_vote,
                   (unsigned long long)fact->voted_for);
}

static void monotone_role(struct checks *c, unsigned who, const struct record_machine *m,
                          const struct peer_fact *fact)
{
    uint64_t least = m->term > m->hard_term ? m->term : m->hard_term;
    if (fact->term < least)
        check_fail(c, name, "peer %u: its term fell from %llu to %llu", who,
                   (unsigned long long)least, (unsigned long long)fact->term);
}

static void monotone_commit(struct checks *c, unsigned who, const struct record_machine *m,
                            const struct peer_fact *fact)
{
    if (fact->index < m->committed)
        check_fail(c, name, "peer %u: what is committed fell from %llu to %llu", who,
                   (unsigned long long)m->committed, (unsigned long long)fact->index);
}

/* A new life goes on from what its disk has kept; nothing is left out or done twice. */
static void monotone_apply(struct checks *c, unsigned who, const struct record_machine *m,
                           const struct peer_fact *fact)
{
    if (fact->index != m->applied + 1)
        check_fail(c, name, "peer %u: entry %llu was applied after entry %llu", who,
                   (unsigned long long)fact->index, (unsigned long long)m->applied);
    if (fact->index > m->committed)
        check_fail(c, name, "peer %u: entry %llu was applied, and only %llu are committed", who,
                   (unsigned long long)fact->index, (unsigned long long)m->committed);
    if (fact->index > m->stored)
        check_fail(c, name, "peer %u: entry %llu was applied, and only %llu are on its disk", who,
                   (unsigned long long)fact->index, (unsigned long long)m->stored);
}

void monotone_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    switch (fact->kind) {
    case PEER_FACT_STORED:
        monotone_hard(c, who, m, fact);
        break;
    case PEER_FACT_ROLE:
        monotone_role(c, who, m, fact);
        break;
    case PEER_FACT_COMMIT:
        monotone_commit(c, who, m, fact);
        break;
    case PEER_FACT_APPLY:
        monotone_apply(c, who, m, fact);
        break;
    case PEER_FACT_WOKE:
    case PEER_FACT_APPEND:
    case PEER_FACT_CUT:
    case PEER_FACT_BASE:
    case PEER_FACT_KEPT:
    case PEER_FACT_PIN:
    case PEER_FACT_INSTALL:
    case PEER_FACT_CONFIG:
    case PEER_FACT_PROPOSE_REPIN:
    case PEER_FACT_LIVENESS:
        break;
    }
}
