/* A leader's log holds everything that was committed in terms before its own. Source: Raft §5.4.
 *
 * (Not: everything that was committed before it was elected. One whose process stood still may count its votes when
 * later leaders have long committed more; it learns of them soon, and commits nothing meanwhile.)
 *
 * Its log is known to us as far as it was handed to its disk; the entry of its own term with which it
 * begins comes behind all the others, so then we look. */
#include "sim/check/check_int.h"

/* Up to where leaders of earlier terms had committed. An entry of an earlier term may have waited for a later leader to do it. */
static uint64_t committed_before_term(const struct checks *c, uint64_t term)
{
    size_t i = c->commits_count;
    while (i > 0 && c->commits[i - 1].term >= term)
        i -= 1;
    return i > 0 ? c->commits[i - 1].index : 0;
}

void leader_completeness_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    struct record_machine *m = &c->machines[who];
    if (fact->kind != PEER_FACT_APPEND || !m->owes_noop || fact->term != m->term || c->has_failed)
        return;
    m->owes_noop = false;
    uint64_t committed = committed_before_term(c, m->term);
    if (committed > m->committed_at_election)
        committed = m->committed_at_election;
    if (committed < m->log.base) /* the beginning went into a snapshot, and was committed then */
        return;
    if (fact->index <= committed ||
        record_log_chain(&m->log, committed) != record_log_chain(&c->committed, committed))
        check_fail(c, "leader completeness",
                   "peer %u leads in term %llu without all of the %llu entries that were committed "
                   "before",
                   who, (unsigned long long)m->term, (unsigned long long)committed);
}
