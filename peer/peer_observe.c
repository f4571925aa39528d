/* peer_observe.c -- facts for whoever watches (DESIGN 23). Nothing in the peer depends on them. */
#include "peer_int.h"

#include <string.h>

#include "util/hash.h"

void peer_tell(struct peer *p, struct peer_fact *fact)
{
    if (p->observer.on_fact == NULL)
        return;
    fact->number = p->raft != NULL ? raft_number(p->raft) : RAFT_NOBODY;
    p->observer.on_fact(p->observer.owner, fact);
}

static uint64_t peer_entry_hash(const struct raft_entry *e)
{
    return hash64(e->kind, e->payload.data, e->payload.len);
}

void peer_tell_unit(struct peer *p, const struct raft_unit *unit)
{
    if (p->observer.on_fact == NULL)
        return;
    if (unit->cut_from != 0)
        peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_CUT, .index = unit->cut_from });
    struct raft_pos base = p->raft_store.base;
    if (base.index != p->told_base)
        peer_tell(p, &(struct peer_fact){
                         .kind = PEER_FACT_BASE, .index = base.index, .term = base.term });
    p->told_base = base.index;
    for (size_t i = 0; i < unit->entries_count; i++) {
        const struct raft_entry *e = &unit->entries[i];
        peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_APPEND,
                                          .index = e->pos.index,
                                          .term = e->pos.term,
                                          .hash = peer_entry_hash(e) });
    }
    p->unit_hard = unit->hard;
}

void peer_tell_woke(struct peer *p, const struct raft_durable *d)
{
    p->told_base = d->base.index;
    uint64_t last_term = d->runs_count > 0 ? d->runs[d->runs_count - 1].term : d->base.term;
    struct hash128 hash = pinset_hash(p->pinset);
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_WOKE,
                                      .index = d->last,
                                      .last_term = last_term,
                                      .runs = d->runs,
                                      .runs_count = d->runs_count,
                                      .base = d->base.index,
                                      .applied = p->applied,
                                      .state_hash = { hash.high, hash.low },
                                      .is_damaged = p->state_is_damaged,
                                      .term = d->hard.term,
                                      .voted_for = d->hard.voted_for });
}

void peer_tell_stored(struct peer *p)
{
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_STORED,
                                      .index = raft_stored(p->raft),
                                      .term = p->unit_hard.term,
                                      .voted_for = p->unit_hard.voted_for });
}

void peer_tell_commit(struct peer *p)
{
    uint64_t committed = raft_committed(p->raft);
    if (committed == p->told_committed)
        return;
    p->told_committed = committed;
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_COMMIT, .index = committed });
}

void peer_tell_applied(struct peer *p, const struct raft_entry *e)
{
    if (p->observer.on_fact == NULL)
        return;
    struct peer_fact fact = { .kind = PEER_FACT_APPLY,
                              .index = e->pos.index,
                              .term = e->pos.term,
                              .hash = peer_entry_hash(e) };
    struct hash128 hash = pinset_hash(p->pinset);
    fact.state_hash[0] = hash.high;
    fact.state_hash[1] = hash.low;
    peer_tell(p, &fact);
}

void peer_tell_pin(struct peer *p, uint64_t index, const struct pinset_applied *applied)
{
    if (!applied->touched)
        return;
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_PIN,
                                      .index = index,
                                      .cid = applied->cid,
                                      .is_gone = applied->is_removed,
                                      .factor_min = applied->replication_min,
                                      .factor_max = applied->replication_max,
                                      .holders = applied->holders,
                                      .holders_count = applied->holders_count });
}

void peer_tell_installed(struct peer *p)
{
    struct hash128 hash = pinset_hash(p->pinset);
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_INSTALL,
                                      .index = p->applied,
                                      .state_hash = { hash.high, hash.low } });
}

void peer_tell_liveness(struct peer *p, const struct raft_member *m, enum liveness liveness)
{
    uint8_t *told = &p->told_liveness[m - raft_config(p->raft)->members];
    if (!peer_leads(p) || *told == 1 + liveness)
        return;
    *told = (uint8_t)(1 + liveness);
    peer_tell(p, &(struct peer_fact){
                     .kind = PEER_FACT_LIVENESS, .about = m->number, .liveness = liveness });
}

void peer_tell_liveness_anew(struct peer *p)
{
    memset(p->told_liveness, 0, sizeof(p->told_liveness));
}

void peer_tell_role(struct peer *p)
{
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_ROLE,
                                      .term = raft_term(p->raft),
                                      .role = raft_state(p->raft),
                                      .leader = raft_leader(p->raft) });
}

void peer_tell_config(struct peer *p, const struct raft_config *c)
{
    if (p->observer.on_fact == NULL)
        return;
    struct peer_fact_member members[LIMIT_MEMBERS_COUNT];
    for (size_t i = 0; i < c->count; i++) {
        members[i] = (struct peer_fact_member){ .number = c->members[i].number,
                                                .is_voter = c->members[i].role == RAFT_VOTER,
                                                .goes = raft_member_goes(&c->members[i]),
                                                .id = c->members[i].id };
    }
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_CONFIG,
                                      .index = c->index,
                                      .members = members,
                                      .members_count = c->count });
}
