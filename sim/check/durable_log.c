/* What a peer finds on its disk when it wakes up is what it had been told is there: no entry that was
 * acknowledged is missing, none is there that it never wrote, and term and vote have not been forgotten.
 * The unit that was being written when it died is there as a whole or not at all.
 * Source: Raft figure 2 (persistent state), DESIGN 3. */
#include "sim/check/check_int.h"

static const char name[] = "durable log";

static bool durable_log_is(const struct record_log *log, uint64_t index, uint64_t term)
{
    if (record_log_last(log) != index)
        return false;
    const struct record_entry *e = record_log_at(log, index);
    return e == NULL || e->term == term;
}

void durable_log_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    if (fact->kind != PEER_FACT_WOKE)
        return;
    bool same_member =
        fact->number == m->number; /* a new member owes nothing to the old one's votes */
    if (same_member &&
        (fact->term < m->hard_term ||
         (fact->term == m->hard_term && m->hard_vote != 0 && fact->voted_for != m->hard_vote)))
        check_fail(c, name,
                   "peer %u woke with term %llu and a vote for %llu; durable was %llu, %llu", who,
                   (unsigned long long)fact->term, (unsigned long long)fact->voted_for,
                   (unsigned long long)m->hard_term, (unsigned long long)m->hard_vote);
    /* With the unit; without it, which is the log up to `stored` and what the unit would cut. */
    const struct record_log *without = m->has_cut ? &m->cut : &m->log;
    bool fits = durable_log_is(&m->log, fact->index, fact->last_term);
    if (!fits && m->has_cut)
        fits = durable_log_is(without, fact->index, fact->last_term);
    if (!fits && !m->has_cut && fact->index == m->stored) {
        const struct record_entry *e = record_log_at(&m->log, m->stored);
        fits = e == NULL || e->term == fact->last_term;
    }
    if (!fits)
        check_fail(c, name,
                   "peer %u woke with a log up to entry %llu of term %llu; durable was entry %llu, "
                   "being written were entries up to %llu",
                   who, (unsigned long long)fact->index, (unsigned long long)fact->last_term,
                   (unsigned long long)m->stored, (unsigned long long)record_log_last(&m->log));
}
