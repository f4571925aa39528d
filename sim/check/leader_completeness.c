/* A leader's log holds everything that was committed in terms before its own. Source: Raft §5.4.
 *
 * (Not: everything that was committed before it was elected. One whose process stood still may count its votes when
 * later leaders have long committed more; it learns of them soon, and commits nothing meanwhile.)
 *
 * Its log is known to us as far as it was handed to its disk; the entry of its own term with which it
 * begins comes behind all the others, so then we look. */
#include "sim/check/check_int.h"

/* The last committed entry of an earlier term, up to `index`; terms never fall from one entry to the next. */
static uint64_t committed_before_term(const struct record_log *committed, uint64_t index,
                                      uint64_t term)
{
    uint64_t low = committed->base, high = index;
    while (low < high) {
        uint64_t middle = high - (high - low) / 2;
        if (record_log_at(committed, middle)->term < term)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void leader_completeness_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    struct record_machine *m = &c->machines[who];
    if (fact->kind != PEER_FACT_APPEND || !m->owes_noop || fact->term != m->term || c->has_failed)
        return;
    m->owes_noop = false;
    uint64_t committed = committed_before_term(&c->committed, m->committed_at_election, m->term);
    if (committed < m->log.base) /* the beginning went into a snapshot, and was committed then */
        return;
    if (fact->index <= committed ||
        record_log_chain(&m->log, committed) != record_log_chain(&c->committed, committed))
        check_fail(c, "leader completeness",
                   "peer %u leads in term %llu without all of the %llu entries that were committed "
                   "before",
                   who, (unsigned long long)m->term, (unsigned long long)committed);
}
