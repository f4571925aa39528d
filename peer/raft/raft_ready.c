/* An input's beginning and end, the effects in between, and the inputs that are not messages.
 *
 * The vectors are reused: after a while nothing is allocated any more. What cannot be noted for lack of memory
 * is left out: a message was lost then, and a fetch or a snapshot is asked for again with the next heartbeat.
 * Answers to reads have their room from the moment they were asked. */
#include "raft/raft_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

enum { RAFT_VECTOR_FIRST = 16 };

int raft_grow(void *vector, size_t *size, size_t count, size_t item_size)
{
    if (count < *size)
        return OK;
    void *old;
    memcpy(&old, vector, sizeof(old)); /* whatever it is a pointer to */
    size_t next = *size > 0 ? 2 * *size : RAFT_VECTOR_FIRST;
    while (next <= count)
        next *= 2;
    void *grown = mem_realloc(old, next * item_size);
    if (grown == NULL)
        return ERR_NOMEM;
    memcpy(vector, &grown, sizeof(grown));
    *size = next;
    return OK;
}

void raft_begin(struct raft *r, uint64_t now_us)
{
    r->now_us = now_us > r->now_us ? now_us : r->now_us;
    r->ready.msgs_count = 0;
    r->ready.reads_count = 0;
    r->ready.fetches_count = 0;
    r->ready.snapshots_count = 0;
    r->ready.role_changed = false;
    r->ready.config_changed = false;
}

void raft_begin_with(struct raft *r, uint64_t now_us, uint64_t draw)
{
    raft_begin(r, now_us);
    r->draw = draw;
}

const struct raft_ready *raft_end(struct raft *r)
{
    if (r->state == RAFT_LEADER)
        raft_lead_on(r);
    raft_ask_wanted(r);
    r->ready.role_changed =
        r->state != r->told_state || r->term != r->told_term || r->leader != r->told_leader;
    r->told_state = r->state;
    r->told_term = r->term;
    r->told_leader = r->leader;
    r->ready.config_changed = r->is_config_news;
    r->is_config_news = false;
    raft_check(r);
    return &r->ready;
}

/* ---- effects ---- */

bool raft_send(struct raft *r, struct raft_msg m)
{
    if (raft_grow(&r->ready.msgs, &r->msgs_size, r->ready.msgs_count, sizeof(m)) != OK)
        return false;
    m.from = r->number;
    if (m.term == 0)
        m.term = r->term;
    r->ready.msgs[r->ready.msgs_count] = m;
    r->ready.msgs_count += 1;
    return true;
}

bool raft_ask_fetch(struct raft *r, uint64_t first, size_t bytes_max)
{
    for (size_t i = 0; i < r->ready.fetches_count; i++) {
        if (r->ready.fetches[i].first == first)
            return true; /* two members at the same place share it */
    }
    if (raft_grow(&r->ready.fetches, &r->fetches_size, r->ready.fetches_count,
                  sizeof(*r->ready.fetches)) != OK)
        return false;
    r->ready.fetches[r->ready.fetches_count] =
        (struct raft_fetch){ .first = first, .bytes_max = bytes_max };
    r->ready.fetches_count += 1;
    return true;
}

bool raft_ask_snapshot(struct raft *r, uint64_t member)
{
    if (raft_grow(&r->ready.snapshots, &r->snapshots_size, r->ready.snapshots_count,
                  sizeof(*r->ready.snapshots)) != OK)
        return false;
    r->ready.snapshots[r->ready.snapshots_count] = (struct raft_snapshot_need){ .member = member };
    r->ready.snapshots_count += 1;
    return true;
}

bool raft_may_leave(const struct raft *r, enum raft_msg_type type, uint64_t term)
{
    return term == r->term && (type != RAFT_MSG_VOTE || r->state == RAFT_CANDIDATE);
}

/* ---- time ---- */

static uint64_t raft_check_quorum_us(const struct raft *r)
{
    return raft_after(raft_quorum_contact_us(r), r->options.election_min_us);
}

uint64_t raft_next_deadline_us(const struct raft *r)
{
    if (r->state == RAFT_STRANGER)
        return RAFT_NEVER;
    if (r->state != RAFT_LEADER)
        return raft_may_campaign(r) ? r->election_deadline_us : RAFT_NEVER;
    uint64_t due = r->heartbeat_due_us;
    uint64_t quorum = raft_check_quorum_us(r);
    if (quorum < due)
        due = quorum;
    if (r->transfer_to != RAFT_NOBODY && r->transfer_deadline_us < due)
        due = r->transfer_deadline_us;
    return due;
}

/* Dissertation 6.2: a leader that cannot reach a majority may already be another's past. It makes way, so that
 * its clients look elsewhere and the others, if they still hear it, stop waiting for it (SIMULATION P08). */
static void raft_on_leader_deadline(struct raft *r)
{
    if (r->now_us >= raft_check_quorum_us(r)) {
        raft_become_follower(r, r->term, RAFT_NOBODY);
        return;
    }
    if (r->now_us >= r->heartbeat_due_us)
        raft_heartbeat(r);
}

const struct raft_ready *raft_on_deadline(struct raft *r, uint64_t now_us, uint64_t draw)
{
    raft_begin_with(r, now_us, draw);
    if (r->state == RAFT_LEADER)
        raft_on_leader_deadline(r);
    else if (r->state != RAFT_STRANGER && r->now_us >= r->election_deadline_us)
        raft_on_election_timeout(r);
    return raft_end(r);
}

const struct raft_ready *raft_abdicate(struct raft *r, uint64_t now_us, uint64_t until_us)
{
    raft_begin(r, now_us);
    if (until_us > r->quiet_until_us)
        r->quiet_until_us = until_us;
    if (r->state == RAFT_LEADER || r->state == RAFT_CANDIDATE || r->state == RAFT_PRE_CANDIDATE)
        raft_become_follower(r, r->term, RAFT_NOBODY);
    if (r->election_deadline_us < r->quiet_until_us)
        r->election_deadline_us = r->quiet_until_us;
    return raft_end(r);
}

/* ---- proposals ---- */

int raft_propose(struct raft *r, const void *payload, size_t len, struct raft_pos *out)
{
    if (r->state != RAFT_LEADER)
        return ERR_NOT_LEADER;
    if (len > LIMIT_ENTRY_BYTES)
        return ERR_TOO_BIG;
    if (r->transfer_to != RAFT_NOBODY)
        return ERR_BUSY;
    int err = raft_append_entry(r, r->term, RAFT_ENTRY_DATA, (struct bytes){ payload, len }, false);
    if (err == OK)
        *out = raft_log_last(&r->log);
    return err;
}

const struct raft_ready *raft_flush(struct raft *r, uint64_t now_us)
{
    raft_begin(r, now_us);
    return raft_end(r);
}

/* ---- units ---- */

bool raft_has_unit(const struct raft *r)
{
    return raft_units_has(&r->units, &r->log);
}

void raft_take_unit(struct raft *r, struct raft_unit *out)
{
    uint64_t first = 0;
    *out = (struct raft_unit){ 0 };
    raft_units_take(&r->units, &r->log, &out->cut_from, &first);
    out->number = r->units.taken;
    if (first <= r->log.last) {
        out->entries = raft_log_get(&r->log, first);
        out->entries_count = (size_t)(r->log.last + 1 - first);
        ASSERT(out->entries != NULL); /* what is not stored is in memory */
    }
    out->hard = (struct raft_hard_state){ .term = r->term,
                                          .voted_for = r->voted_for,
                                          .committed = r->committed };
    out->config = r->config.count > 0 ? &r->config : NULL;
    out->config_previous = r->has_previous ? &r->config_previous : NULL;
}

/* My own vote counts from now on: were it lost in a crash, I could give it to another. */
static void raft_on_own_vote_stored(struct raft *r)
{
    r->vote_unit = 0;
    raft_grant_myself(r);
    raft_count_votes(r);
}

const struct raft_ready *raft_on_stored(struct raft *r, uint64_t now_us, uint64_t unit_number)
{
    raft_begin(r, now_us);
    raft_log_set_stored(&r->log, raft_units_on_stored(&r->units, unit_number, r->log.stored));
    if (r->state == RAFT_CANDIDATE && r->vote_unit > 0 && r->vote_unit <= unit_number)
        raft_on_own_vote_stored(r);
    return raft_end(r);
}
