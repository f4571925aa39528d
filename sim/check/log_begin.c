/* A log begins behind what its peer's state holds, and nobody's log begins behind what is not committed. A snapshot
 * never takes a state back.
 * Source: Raft §7; DESIGN 1 (trimmed to what is durably applied), 5 (one unit switches log and state). */
#include "sim/check/check_int.h"

static const char name[] = "log beginning";

static void log_begin_woke(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->is_damaged && !c->machines[who].may_be_damaged)
        check_fail(c, name,
                   "peer %u woke with a state that is damaged or behind its log (entry %llu), and "
                   "nothing had damaged it",
                   who, (unsigned long long)fact->base);
    if (fact->applied < fact->base)
        check_fail(c, name,
                   "peer %u woke with a state up to entry %llu and a log that begins behind entry "
                   "%llu: what lies between is lost",
                   who, (unsigned long long)fact->applied, (unsigned long long)fact->base);
    if (fact->applied > fact->index || fact->applied > record_log_last(&c->committed))
        check_fail(c, name,
                   "peer %u woke with a state up to entry %llu and a log up to entry %llu, "
                   "or with entries that are not committed",
                   who, (unsigned long long)fact->applied, (unsigned long long)fact->index);
}

static void log_begin_base(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_entry *e = record_log_at(&c->committed, fact->index);
    if (fact->index > record_log_last(&c->committed) || (e != NULL && e->term != fact->term))
        check_fail(c, name, "peer %u lets its log begin behind entry %llu, which is not committed",
                   who, (unsigned long long)fact->index);
}

void log_begin_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    if (fact->kind == PEER_FACT_WOKE)
        log_begin_woke(c, who, fact);
    else if (fact->kind == PEER_FACT_BASE)
        log_begin_base(c, who, fact);
    else if (fact->kind == PEER_FACT_INSTALL && fact->index < m->applied)
        check_fail(c, name, "peer %u replaced its state behind entry %llu by one behind entry %llu",
                   who, (unsigned long long)m->applied, (unsigned long long)fact->index);
}
