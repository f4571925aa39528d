/* Who leads.
 *
 *                    timeout           most would vote for us          most did, and my own vote is stored
 *      FOLLOWER  ------------>  PRE_CANDIDATE  ------------>  CANDIDATE  ------------>  LEADER
 *          ^                          |  term as before           |  term + 1              |
 *          '--------------------------'---------------------------'------------------------'
 *              a leader of this term speaks; a higher term; a quorum does not answer any more
 *
 * A member that cannot win (cut off, log too short) stays PRE_CANDIDATE: it asks, raises no term, and does not
 * disturb when it comes back (dissertation 9.6). A candidate that times out asks again first, for the same
 * reason. Deadlines come from the number that the input brought, so two never time out together for long.
 *
 * Durability: term and vote go into the next unit; requests and grants wait for that unit, which also stores
 * the log's tail that the request boasts of. Pre-votes promise nothing, and wait for nothing. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"

bool raft_is_voter(const struct raft *r)
{
    return raft_config_is_voter(&r->config, r->number);
}

/* Also a voter whose own removal is in its log, but not committed: the others may need its longer log to get on,
 * as when one of two is removed and the other has not heard of it (dissertation 4.2.2). Its own vote does not
 * count then. */
bool raft_may_campaign(const struct raft *r)
{
    return raft_is_voter(r) ||
           (r->has_previous && raft_config_is_voter(&r->config_previous, r->number));
}

/* The deadline depends on this input's draw only: calling it twice changes nothing. */
void raft_put_off_election(struct raft *r)
{
    uint64_t timeout_us = r->options.election_min_us + r->draw % r->options.election_min_us;
    r->election_deadline_us = raft_after(r->now_us, timeout_us);
    if (r->election_deadline_us < r->quiet_until_us)
        r->election_deadline_us = r->quiet_until_us;
}

bool raft_is_content(const struct raft *r)
{
    if (r->leader == RAFT_NOBODY)
        return false;
    uint64_t contact_us = raft_last_contact_us(r);
    return r->now_us < raft_after(contact_us, r->options.election_min_us);
}

void raft_become_follower(struct raft *r, uint64_t term, uint64_t leader)
{
    ASSERT(term >= r->term);
    ASSERT(r->state != RAFT_STRANGER);
    if (term > r->term) {
        r->term = term;
        r->voted_for = RAFT_NOBODY;
        r->units.is_meta_dirty = true;
    }
    if (r->state == RAFT_LEADER) {
        raft_reads_fail(r);
        r->transfer_to = RAFT_NOBODY;
        r->last_contact_us = 0;
        raft_put_off_election(r);
    }
    r->state = RAFT_FOLLOWER;
    r->leader = leader;
}

/* ---- asking ---- */

static void raft_forget_votes(struct raft *r)
{
    for (size_t i = 0; i < r->progress_count; i++)
        r->progress[i].has_granted = false;
}

void raft_grant_myself(struct raft *r)
{
    struct raft_progress *me = raft_progress_of(r, r->number);
    if (me != NULL)
        me->has_granted = true;
}

static void raft_ask_for_votes(struct raft *r, bool is_pre_vote)
{
    for (size_t i = 0; i < r->progress_count; i++) {
        const struct raft_progress *p = &r->progress[i];
        if (!p->is_voter || p->number == r->number)
            continue;
        struct raft_msg m = {
            .type = RAFT_MSG_VOTE,
            .to = p->number,
            .last = raft_log_last(&r->log),
            .is_pre_vote = is_pre_vote,
            .is_transfer = !is_pre_vote && r->is_transfer,
            .after_unit = is_pre_vote ? 0 : r->vote_unit,
        };
        m.term = is_pre_vote ? r->term + 1 : r->term;
        raft_send(r, m);
    }
}

static void raft_pre_campaign(struct raft *r)
{
    r->state = RAFT_PRE_CANDIDATE;
    r->leader = RAFT_NOBODY;
    raft_forget_votes(r);
    raft_grant_myself(r);
    raft_put_off_election(r);
    raft_ask_for_votes(r, true);
    raft_count_votes(r); /* a single voter needs no answer */
}

void raft_campaign(struct raft *r, bool is_transfer)
{
    ASSERT(raft_may_campaign(r));
    r->state = RAFT_CANDIDATE;
    r->leader = RAFT_NOBODY;
    r->term += 1;
    r->voted_for = r->number;
    r->units.is_meta_dirty = true;
    r->vote_unit = raft_units_of_meta(&r->units);
    r->is_transfer = is_transfer;
    raft_forget_votes(r);
    raft_put_off_election(r);
    raft_ask_for_votes(r, false);
}

void raft_on_election_timeout(struct raft *r)
{
    ASSERT(r->state != RAFT_LEADER && r->state != RAFT_STRANGER);
    if (!raft_may_campaign(r)) {
        raft_put_off_election(r);
        return;
    }
    raft_pre_campaign(r);
}

/* ---- winning ---- */

static void raft_become_leader(struct raft *r)
{
    ASSERT(r->state == RAFT_CANDIDATE && r->vote_unit == 0);
    uint64_t last = r->log.last;
    if (raft_append_entry(r, r->term, RAFT_ENTRY_NOOP, (struct bytes){ 0 }, true) != OK) {
        raft_become_follower(r, r->term, RAFT_NOBODY); /* no memory: let another one win */
        return;
    }
    r->state = RAFT_LEADER;
    r->leader = r->number;
    r->term_start = last + 1;
    r->round = 0;
    r->transfer_to = RAFT_NOBODY;
    r->heartbeat_due_us = raft_after(r->now_us, r->options.heartbeat_us);
    for (size_t i = 0; i < r->progress_count; i++) {
        struct raft_progress *p = &r->progress[i];
        raft_progress_reset(p, (p->is_voter ? last : r->committed) + 1, r->now_us);
    }
}

/* My vote for myself, in the term that I have, is not on the disk: that term's election has not even begun. A disk
 * that is full or hangs must not raise a term at each timeout. */
static bool raft_vote_is_pending(const struct raft *r)
{
    return r->voted_for == r->number && raft_units_of_meta(&r->units) != 0;
}

/* Only voters of the configuration in force count, each once (Raft 5.2; SIMULATION V08, V09). */
void raft_count_votes(struct raft *r)
{
    size_t granted = 0;
    size_t voters = 0;
    for (size_t i = 0; i < r->progress_count; i++) {
        voters += r->progress[i].is_voter;
        granted += r->progress[i].is_voter && r->progress[i].has_granted;
    }
    if (granted <= voters / 2)
        return;
    if (r->state == RAFT_PRE_CANDIDATE && !raft_vote_is_pending(r))
        raft_campaign(r, false);
    else if (r->state == RAFT_CANDIDATE && r->vote_unit == 0)
        raft_become_leader(r);
}

void raft_on_vote_reply(struct raft *r, const struct raft_msg *m)
{
    if (m->is_pre_vote) {
        /* A refusal is of the sender's own term: raft_level_terms() has looked at that. */
        if (r->state != RAFT_PRE_CANDIDATE || !m->granted || m->term != r->term + 1)
            return;
    } else if (r->state != RAFT_CANDIDATE || !m->granted) {
        return;
    }
    struct raft_progress *p = raft_progress_of(r, m->from);
    if (p == NULL)
        return;
    p->has_granted = true;
    raft_count_votes(r);
}

/* ---- being asked ---- */

/* Would we vote for it? Nothing of ours changes, neither term nor deadline (SIMULATION P06). A grant repeats
 * the wished term, or a voter whose own term is behind could never be counted (P01). Whether it or we are
 * members is not asked: either may not have heard of it yet (dissertation 4.1; M12). */
void raft_on_pre_vote(struct raft *r, const struct raft_msg *m)
{
    bool granted = m->term > r->term && !raft_is_content(r) &&
                   raft_pos_covers(m->last, raft_log_last(&r->log));
    raft_send(r, (struct raft_msg){ .type = RAFT_MSG_VOTE_REPLY,
                                    .to = m->from,
                                    .term = granted ? m->term : r->term,
                                    .is_pre_vote = true,
                                    .granted = granted });
}

/* Raft 5.2 (one vote a term), 5.4.1 (a log as new as ours). */
void raft_on_vote(struct raft *r, const struct raft_msg *m)
{
    ASSERT(m->term == r->term);
    bool is_free = r->voted_for == RAFT_NOBODY || r->voted_for == m->from;
    bool granted = is_free && raft_pos_covers(m->last, raft_log_last(&r->log));
    if (granted) {
        if (r->voted_for == RAFT_NOBODY)
            r->units.is_meta_dirty = true;
        r->voted_for = m->from;
        raft_put_off_election(r);
    }
    /* Not before the vote is on disk: forgetting it in a crash would let us vote twice. */
    raft_send(r, (struct raft_msg){ .type = RAFT_MSG_VOTE_REPLY,
                                    .to = m->from,
                                    .granted = granted,
                                    .after_unit = raft_units_of_meta(&r->units) });
}
