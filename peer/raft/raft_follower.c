/* Taking the leader's entries (Raft 5.3).
 *
 *      the message:       prev | 11 12 13 14            verified: up to here both logs are equal, because this
 *      our log:      ...  prev | 11 12 13' x            message says so, and never merely because we have it
 *                                      ^ cut here, only where the terms differ
 *
 * Three numbers that are easily confused, and each of which has broken some Raft: our last entry may be an old
 * leader's, so neither the commit index (SIMULATION C12) nor an acknowledgement (L07) may go by it; and entries
 * behind the message's last one stay, for a later message may have brought them (L01). */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"

void raft_commit_to(struct raft *r, uint64_t index)
{
    if (index <= r->committed)
        return;
    ASSERT(index <= r->log.last);
    r->committed = index;
    if (r->config.index <= r->committed)
        raft_forget_previous_config(r);
}

/* False: that would forget something committed, which no leader asks for. */
bool raft_cut(struct raft *r, uint64_t from)
{
    uint64_t committed = r->committed;
    if (from <= r->config.index) { /* what it replaced is committed, or else it is itself */
        uint64_t index = r->has_previous ? r->config_previous.index : r->config.index;
        committed = index > committed ? index : committed;
    }
    if (from <= committed) {
        r->odd_count += 1;
        r->has_diverged = true;
        return false;
    }
    raft_log_truncate(&r->log, from);
    raft_units_on_cut(&r->units, from);
    raft_roll_back_config(r, from);
    return true;
}

/* Returns how many of the message's entries, from its first on, are in our log now. */
static size_t raft_take_entries(struct raft *r, const struct raft_msg *m)
{
    uint64_t base = r->log.base.index;
    size_t i = 0;
    for (; i < m->entries_count; i++) {
        const struct raft_entry *e = &m->entries[i];
        ASSERT(e->pos.index == m->last.index + 1 + i);
        if (e->pos.index == base && e->pos.term != r->log.base.term) {
            r->odd_count += 1;
            r->has_diverged = true;
            break;
        }
        if (e->pos.index <= base)
            continue; /* committed, applied, trimmed: equal in every log */
        if (e->pos.index <= r->log.last) {
            if (raft_log_term_at(&r->log, e->pos.index) == e->pos.term)
                continue;
            if (!raft_cut(r, e->pos.index))
                break;
        }
        /* Full, or no memory: what did not fit comes again. */
        if (raft_append_entry(r, e->pos.term, e->kind, e->payload, false) != OK)
            break;
    }
    return i;
}

static void raft_refuse_append(struct raft *r, const struct raft_msg *m)
{
    uint64_t before = m->last.index - 1;
    struct raft_pos hint =
        raft_log_back_to_term(&r->log, before < r->log.last ? before : r->log.last, m->last.term);
    raft_send(r, (struct raft_msg){ .type = RAFT_MSG_APPEND_REPLY,
                                    .to = m->from,
                                    .last = m->last,
                                    .round = m->round,
                                    .match = hint.index,
                                    .conflict_term = hint.term,
                                    .after_unit = raft_units_of_meta(&r->units) });
}

static void raft_grant_append(struct raft *r, const struct raft_msg *m, uint64_t verified)
{
    uint64_t meta_unit = raft_units_of_meta(&r->units);
    uint64_t index_unit = raft_units_of_index(&r->units, &r->log, verified);
    struct raft_msg reply = {
        .type = RAFT_MSG_APPEND_REPLY,
        .to = m->from,
        .last = m->last,
        .granted = true,
        .round = m->round,
        .match = verified,
        .after_unit = meta_unit > index_unit ? meta_unit : index_unit,
    };
    if (m->entries_count == 0 && index_unit > 0) {
        /* A heartbeat asks whether we are there: a slow disk must not look like a dead member. */
        reply.match = verified < r->log.stored ? verified : r->log.stored;
        reply.after_unit = meta_unit;
    }
    raft_send(r, reply);
}

void raft_on_append(struct raft *r, const struct raft_msg *m)
{
    ASSERT(m->term == r->term);
    bool is_other_leader = r->leader != RAFT_NOBODY && r->leader != m->from;
    bool is_damaged = m->last.index == r->log.base.index && m->last.term != r->log.base.term;
    if (r->state == RAFT_LEADER || is_other_leader || is_damaged) {
        r->odd_count += 1;
        r->has_diverged = r->has_diverged || is_damaged;
        return;
    }
    raft_become_follower(r, m->term, m->from);
    r->last_contact_us = r->now_us;
    raft_put_off_election(r);

    bool fits =
        m->last.index < r->log.base.index ||
        (m->last.index <= r->log.last && raft_log_term_at(&r->log, m->last.index) == m->last.term);
    if (!fits) {
        raft_refuse_append(r, m);
        return;
    }
    uint64_t verified = m->last.index + raft_take_entries(r, m);
    raft_commit_to(r, m->committed < verified ? m->committed : verified);
    raft_grant_append(r, m, verified);
}
