/* What a peer finds on its disk when it wakes up is what it had been told is there: of the log no entry that was
 * acknowledged is missing, none is there that it never wrote, and each is of the term that it was; term and vote have not
 * been forgotten; the state is no older than what was durable of it, and it is what the state was behind that entry.
 * The unit that was being written when it died is there as a whole or not at all.
 * Source: Raft figure 2 (persistent state), DESIGN 3. */
#include "sim/check/check_int.h"

#include <string.h>

static const char name[] = "durable log";

/* A log that is what another one has up to `base`, and entries of its own behind that. */
struct durable_shape {
    const struct record_log *below, *above;
    uint64_t base;
};

static const struct record_entry *durable_entry(const struct durable_shape *shape, uint64_t index)
{
    return record_log_at(index > shape->base ? shape->above : shape->below, index);
}

/* Terms never fall from one entry to the next: two ends that are right make a run that is. */
static bool durable_run_is(const struct durable_shape *shape, uint64_t term, uint64_t first,
                           uint64_t last)
{
    const struct record_entry *a = durable_entry(shape, first), *b = durable_entry(shape, last);
    return (a == NULL || a->term == term) && (b == NULL || b->term == term);
}

static bool durable_log_is(const struct durable_shape *shape, uint64_t last,
                           const struct peer_fact *fact)
{
    if (last != fact->index)
        return false;
    for (size_t i = 0; i < fact->runs_count; i++) {
        bool is_last = i + 1 == fact->runs_count;
        uint64_t end = is_last ? fact->index : fact->runs[i + 1].first - 1;
        if (!durable_run_is(shape, fact->runs[i].term, fact->runs[i].first, end))
            return false;
    }
    return durable_run_is(shape, fact->last_term, last, last);
}

/* With the unit; without it, which is the log up to `stored` and what the unit would cut. */
static bool durable_log_fits(const struct record_machine *m, const struct peer_fact *fact)
{
    struct durable_shape with = { &m->log, &m->log, 0 };
    struct durable_shape without = { &m->log, &m->cut, m->cut.base };
    if (durable_log_is(&with, record_log_last(&m->log), fact))
        return true;
    return m->has_cut ? durable_log_is(&without, record_log_last(&m->cut), fact)
                      : durable_log_is(&with, m->stored, fact);
}

static void durable_vote(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    if (fact->number != m->number) /* a new member owes nothing to the old one's votes */
        return;
    if (fact->term < m->hard_term ||
        (fact->term == m->hard_term && m->hard_vote != 0 && fact->voted_for != m->hard_vote))
        check_fail(c, name,
                   "peer %u woke with term %llu and a vote for %llu; durable was %llu, %llu", who,
                   (unsigned long long)fact->term, (unsigned long long)fact->voted_for,
                   (unsigned long long)m->hard_term, (unsigned long long)m->hard_vote);
}

static void durable_state(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    if (fact->is_damaged || m->may_be_damaged || m->lacks_rows)
        return;
    if (fact->applied < m->kept)
        check_fail(c, name, "peer %u woke with a state up to entry %llu; durable was %llu", who,
                   (unsigned long long)fact->applied, (unsigned long long)m->kept);
    const struct state_at *state =
        fact->applied < c->states_size ? &c->states[fact->applied] : NULL;
    if (state != NULL && state->is_known &&
        memcmp(state->hash, fact->state_hash, sizeof(state->hash)) != 0)
        check_fail(c, name, "peer %u woke with another state than there was behind entry %llu", who,
                   (unsigned long long)fact->applied);
}

void durable_log_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    if (fact->kind != PEER_FACT_WOKE)
        return;
    durable_vote(c, who, fact);
    if (!durable_log_fits(m, fact))
        check_fail(c, name,
                   "peer %u woke with a log up to entry %llu of term %llu; durable was entry %llu, "
                   "being written were entries up to %llu",
                   who, (unsigned long long)fact->index, (unsigned long long)fact->last_term,
                   (unsigned long long)m->stored, (unsigned long long)record_log_last(&m->log));
    durable_state(c, who, fact);
}
