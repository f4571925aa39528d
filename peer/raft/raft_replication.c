/* Leading: feeding the others, and counting where each entry is durable.
 *
 * Nothing is sent from the middle of an input. Inputs change what is known (a match, a stored unit, a
 * proposal); at the end raft_lead_on() counts once and then gives each member what it may have: all that
 * arrived meanwhile goes into the same APPEND. A member is sent entries (as many APPENDs as its window takes),
 * or else an empty one when a heartbeat is due or the commit index is news to it.
 *
 * The leader's own log counts as far as it is stored, not as far as it reaches (SIMULATION D01): its APPENDs
 * leave while its own disk still works (dissertation 10.2.1), and a majority without it may commit. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"

/* ---- quorums ---- */

uint64_t raft_quorum_of(const struct raft *r,
                        uint64_t (*value)(const struct raft *r, const struct raft_progress *p))
{
    uint64_t sorted[LIMIT_VOTERS_COUNT]; /* falling */
    size_t count = 0;
    for (size_t i = 0; i < r->progress_count; i++) {
        if (!r->progress[i].is_voter)
            continue;
        ASSERT(count < LIMIT_VOTERS_COUNT);
        uint64_t v = value(r, &r->progress[i]);
        size_t at = count;
        for (; at > 0 && sorted[at - 1] < v; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = v;
        count += 1;
    }
    return count > 0 ? sorted[count / 2] : RAFT_NEVER; /* count / 2 others have as much or more */
}

static uint64_t raft_match_of(const struct raft *r, const struct raft_progress *p)
{
    if (p->has_lost_log)
        return 0;
    return p->number == r->number ? r->log.stored : p->match;
}

uint64_t raft_contact_of(const struct raft *r, const struct raft_progress *p)
{
    if (p->number == r->number)
        return r->now_us;
    return p->last_reply_us > p->since_us ? p->last_reply_us : p->since_us;
}

uint64_t raft_quorum_contact_us(const struct raft *r)
{
    return raft_quorum_of(r, raft_contact_of);
}

/* Raft 5.4.2: only an entry of our own term is committed by counting; it takes the older ones along. */
static void raft_advance_commit(struct raft *r)
{
    uint64_t index = raft_quorum_of(r, raft_match_of);
    if (index > r->committed && raft_log_term_at(&r->log, index) == r->term)
        raft_commit_to(r, index);
}

/* ---- feeding one member ---- */

/* Learners are sent what is committed, so that they never have to take anything back (DESIGN 9). */
static uint64_t raft_last_for(const struct raft *r, const struct raft_progress *p)
{
    return p->is_voter ? r->log.last : r->committed;
}

static bool raft_send_append(struct raft *r, struct raft_progress *p, uint64_t prev,
                             const struct raft_entry *entries, size_t count)
{
    bool is_sent = raft_send(r, (struct raft_msg){
                                    .type = RAFT_MSG_APPEND,
                                    .to = p->number,
                                    .last = { raft_log_term_at(&r->log, prev), prev },
                                    .committed = r->committed,
                                    .round = r->round,
                                    .entries = entries,
                                    .entries_count = count,
                                });
    if (!is_sent)
        return false;
    p->is_due = false;
    p->committed_told = r->committed;
    if (count > 0)
        raft_progress_on_sent(p, prev + count);
    return true;
}

/* What lies before our log can only come as a snapshot. */
static void raft_want_snapshot(struct raft *r, struct raft_progress *p)
{
    if (raft_ask_snapshot(r, p->number))
        raft_progress_to_snapshot(p);
}

/* One APPEND with entries; false when there is none to send now. */
static bool raft_send_entries(struct raft *r, struct raft_progress *p)
{
    uint64_t last = raft_last_for(r, p);
    if (!raft_progress_may_send(p, r->options.window_max))
        return false;
    if (p->next <= r->log.base.index) {
        raft_want_snapshot(r, p);
        return false;
    }
    if (p->next > last)
        return false;
    size_t count = 0;
    const struct raft_entry *entries = raft_log_slice(
        &r->log, p->next, last, r->options.append_bytes_max, r->options.append_entries_max, &count);
    if (entries == NULL) {
        p->is_fetching = raft_ask_fetch(r, p->next, r->options.append_bytes_max);
        return false;
    }
    return raft_send_append(r, p, p->next - 1, entries, count);
}

/* An empty one. Where the member is before our log, it is asked about the log's beginning: it will refuse,
 * which shows that it lives, or it has got there meanwhile. */
static void raft_send_empty(struct raft *r, struct raft_progress *p)
{
    uint64_t prev = p->next - 1;
    raft_send_append(r, p, prev > r->log.base.index ? prev : r->log.base.index, NULL, 0);
}

/* It waits for entries that were read back: one APPEND of them. The rest of what it may have follows by itself,
 * from memory or by the next fetch. */
void raft_feed_fetched(struct raft *r, struct raft_progress *p, const struct raft_entry *entries,
                       size_t count)
{
    uint64_t last = raft_last_for(r, p);
    const struct raft_entry *from = entries + (p->next - entries[0].pos.index);
    size_t left = (size_t)(entries + count - from);
    size_t taken = 0;
    size_t bytes = 0;
    while (taken < left && taken < r->options.append_entries_max && from[taken].pos.index <= last) {
        bytes += from[taken].payload.len;
        if (taken > 0 && bytes > r->options.append_bytes_max)
            break;
        taken += 1;
    }
    if (taken > 0 && raft_progress_may_send(p, r->options.window_max))
        raft_send_append(r, p, p->next - 1, from, taken);
}

static void raft_feed(struct raft *r, struct raft_progress *p)
{
    while (raft_send_entries(r, p))
        ;
    bool is_commit_news = p->state == RAFT_REPLICATE && !p->is_fetching &&
                          raft_progress_may_send(p, r->options.window_max) &&
                          p->committed_told < r->committed;
    if (p->is_due || is_commit_news)
        raft_send_empty(r, p);
}

/* ---- all of them ---- */

/* Answers to what is sent from now on know at least what was acknowledged before. */
static void raft_make_sure(struct raft *r)
{
    bool is_new_round = false;
    for (size_t i = 0; i < r->progress_count; i++) {
        struct raft_progress *p = &r->progress[i];
        if (p->match <= p->sure)
            continue;
        r->round += !is_new_round;
        is_new_round = true;
        p->sure = p->match;
        p->sure_round = r->round;
    }
}

void raft_heartbeat(struct raft *r)
{
    r->heartbeat_due_us = raft_after(r->now_us, r->options.heartbeat_us);
    raft_make_sure(r);
    for (size_t i = 0; i < r->progress_count; i++) {
        struct raft_progress *p = &r->progress[i];
        p->is_due = true;
        if (p->state != RAFT_SNAPSHOT && p->next <= r->log.base.index)
            raft_progress_probe(p, p->next); /* overtaken by a trim, or its snapshot failed */
    }
}

/* Does this leader have to go, now that the configuration without it is committed? (dissertation 4.2.2) */
static bool raft_is_retired(const struct raft *r)
{
    return raft_config_is_committed(r) && !raft_is_voter(r);
}

void raft_lead_on(struct raft *r)
{
    ASSERT(r->state == RAFT_LEADER);
    raft_advance_commit(r);
    raft_transfer_step(r);
    raft_reads_ask(r);
    for (size_t i = 0; i < r->progress_count; i++) {
        if (r->progress[i].number != r->number)
            raft_feed(r, &r->progress[i]);
    }
    raft_reads_answer(r);
    if (raft_is_retired(r)) {
        raft_transfer_farewell(r); /* the others were told of the commit above */
        raft_become_follower(r, r->term, RAFT_NOBODY);
    }
}

static void raft_on_refused(struct raft *r, struct raft_progress *p, const struct raft_msg *m)
{
    /* Up to `sure` its log and ours are equal: a member that still has that backs up no further. */
    if (m->round >= p->sure_round && m->match < p->sure)
        p->has_lost_log = true;
    if (p->has_lost_log || !raft_progress_is_refusal_news(p, m->last.index, m->round))
        return;
    if (m->match >= m->last.index) {
        r->odd_count += 1;
        return;
    }
    uint64_t equal = m->match; /* at most up to there */
    if (equal >= r->log.base.index)
        equal = raft_log_back_to_term(&r->log, equal, m->conflict_term).index;
    raft_progress_probe(p, equal + 1);
    r->round += 1;
    p->asked_round = r->round;
}

static void raft_on_granted(struct raft *r, struct raft_progress *p, const struct raft_msg *m)
{
    if (m->match > r->log.last) {
        r->odd_count += 1;
        return;
    }
    raft_progress_on_match(p, m->match);
    if (p->state == RAFT_SNAPSHOT && p->match >= r->log.base.index)
        raft_progress_probe(p, p->match + 1);
}

void raft_on_append_reply(struct raft *r, const struct raft_msg *m)
{
    ASSERT(m->term == r->term);
    if (r->state != RAFT_LEADER)
        return;
    struct raft_progress *p = raft_progress_of(r, m->from);
    bool is_of_term_only = !m->granted && m->last.index == 0; /* raft_reply_stale() */
    if (p == NULL || is_of_term_only)
        return; /* removed meanwhile; or from before we led this term */
    if (m->round > r->round) {
        r->odd_count += 1;
        return;
    }
    p->last_reply_us = r->now_us;
    if (m->round > p->round)
        p->round = m->round;
    if (m->granted)
        raft_on_granted(r, p, m);
    else
        raft_on_refused(r, p, m);
}
