/* The machine itself: made from what was durable, one message in, and what to look at from outside. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

/* ---- beginning and end ---- */

static void raft_check_options(const struct raft_options *o)
{
    ASSERT(o->heartbeat_us > 0 && o->election_min_us > o->heartbeat_us);
    ASSERT(o->append_bytes_max > 0 && o->append_entries_max > 0);
    ASSERT(o->window_max > 0 && o->window_max <= RAFT_WINDOW_MAX);
    ASSERT(o->unsynced_bytes_max + 2 * (size_t)LIMIT_ENTRY_BYTES <= LIMIT_LOG_UNIT_BYTES);
}

static bool raft_runs_fit(const struct raft_durable *d)
{
    if (d->last < d->base.index || (d->runs_count > 0) != (d->last > d->base.index))
        return false;
    uint64_t term = d->base.term;
    for (size_t i = 0; i < d->runs_count; i++) {
        const struct raft_term_run *run = &d->runs[i];
        bool is_first = i == 0;
        if (is_first ? run->first != d->base.index + 1 : run->first <= d->runs[i - 1].first)
            return false;
        if ((is_first ? run->term < term : run->term <= term) || run->term == 0)
            return false;
        if (run->first > d->last)
            return false;
        term = run->term;
    }
    return term <= d->hard.term;
}

static bool raft_durable_fits(const struct raft_durable *d)
{
    if (!raft_runs_fit(d) || d->hard.committed > d->last)
        return false;
    if (d->config == NULL)
        return d->config_previous == NULL;
    if (d->config->index > d->last)
        return false;
    return d->config_previous == NULL || d->config_previous->index < d->config->index;
}

static int raft_load_configs(struct raft *r, const struct raft_durable *d)
{
    struct raft_config config = { 0 };
    if (d->config == NULL)
        return OK;
    int err = raft_config_copy(&config, d->config);
    if (err == OK)
        err = raft_adopt_config(r, &config);
    if (err != OK) {
        raft_config_deinit(&config);
        return err;
    }
    if (r->config.index <= r->committed)
        return OK;
    if (d->config_previous == NULL) {
        r->committed = r->config.index;
        return OK;
    }
    err = raft_config_copy(&r->config_previous, d->config_previous);
    r->has_previous = err == OK;
    return err;
}

/* Who is alone waits for nobody: no leader can speak up, and no vote can tie. */
static void raft_set_first_election(struct raft *r)
{
    raft_put_off_election(r);
    if (raft_is_voter(r) && raft_config_voters_count(&r->config) == 1)
        r->election_deadline_us = r->now_us;
}

int raft_create(struct raft **out, const struct raft_options *options,
                const struct raft_durable *durable, uint64_t now_us, uint64_t draw)
{
    raft_check_options(options);
    if (!raft_durable_fits(durable))
        return ERR_CORRUPT;
    struct raft *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    r->options = *options;
    r->number = durable->number;
    r->state = durable->number == RAFT_NOBODY ? RAFT_STRANGER : RAFT_FOLLOWER;
    r->term = durable->hard.term;
    r->voted_for = durable->hard.voted_for;
    r->committed = durable->hard.committed > durable->base.index ? durable->hard.committed
                                                                 : durable->base.index;
    r->applied = durable->base.index;
    r->now_us = now_us;
    r->draw = draw;
    int err = raft_log_init(&r->log, options, durable->base, durable->last, durable->runs,
                            durable->runs_count);
    if (err == OK)
        err = raft_load_configs(r, durable);
    if (err != OK) {
        raft_destroy(r);
        return err;
    }
    raft_units_init(&r->units, &r->log);
    raft_set_first_election(r);
    r->told_state = r->state;
    r->told_term = r->term;
    r->is_config_news = false;
    raft_check(r);
    *out = r;
    return OK;
}

void raft_destroy(struct raft *r)
{
    if (r == NULL)
        return;
    raft_log_deinit(&r->log);
    raft_fetched_deinit(&r->fetched);
    raft_config_deinit(&r->config);
    raft_config_deinit(&r->config_previous);
    mem_free(r->progress);
    mem_free(r->progress_spare);
    mem_free(r->reads);
    mem_free(r->ready.msgs);
    mem_free(r->ready.reads);
    mem_free(r->ready.fetches);
    mem_free(r->ready.snapshots);
    mem_free(r);
}

/* ---- a message ---- */

/* Raft 5.1: whoever is behind learns that. A reply of an older term needs no answer. The answer to an APPEND leaves
 * the position out: by the time it comes, its receiver may lead our term, and must not take it for a word on logs. */
static void raft_reply_stale(struct raft *r, const struct raft_msg *m)
{
    if (m->type == RAFT_MSG_VOTE)
        raft_send(r, (struct raft_msg){ .type = RAFT_MSG_VOTE_REPLY,
                                        .to = m->from,
                                        .after_unit = raft_units_of_meta(&r->units) });
    if (m->type == RAFT_MSG_APPEND)
        raft_send(r, (struct raft_msg){ .type = RAFT_MSG_APPEND_REPLY,
                                        .to = m->from,
                                        .after_unit = raft_units_of_meta(&r->units) });
}

/* A pre-vote speaks of a term that nobody is in yet; so does a reply that grants one. */
static bool raft_is_term_only_wished(const struct raft_msg *m)
{
    if (m->type == RAFT_MSG_VOTE)
        return m->is_pre_vote;
    return m->type == RAFT_MSG_VOTE_REPLY && m->is_pre_vote && m->granted;
}

/* True when the sender and we are in one term now, and the message is still to be handled. */
static bool raft_level_terms(struct raft *r, const struct raft_msg *m)
{
    if (m->term > r->term) {
        if (m->type == RAFT_MSG_VOTE && !m->is_transfer && raft_is_content(r))
            return false; /* not even its term: a member that was removed must not disturb us */
        bool is_from_leader = m->type == RAFT_MSG_APPEND || m->type == RAFT_MSG_TIMEOUT_NOW;
        raft_become_follower(r, m->term, is_from_leader ? m->from : RAFT_NOBODY);
    }
    if (m->term < r->term) {
        raft_reply_stale(r, m);
        return false;
    }
    return true;
}

static void raft_dispatch(struct raft *r, const struct raft_msg *m)
{
    switch (m->type) {
    case RAFT_MSG_VOTE:
        if (m->is_pre_vote)
            raft_on_pre_vote(r, m);
        else
            raft_on_vote(r, m);
        return;
    case RAFT_MSG_VOTE_REPLY:
        raft_on_vote_reply(r, m);
        return;
    case RAFT_MSG_APPEND:
        raft_on_append(r, m);
        return;
    case RAFT_MSG_APPEND_REPLY:
        raft_on_append_reply(r, m);
        return;
    case RAFT_MSG_TIMEOUT_NOW:
        raft_on_timeout_now(r, m);
        return;
    }
}

/* A stranger hears nothing: it has no number that a message could be for. */
static bool raft_is_for_us(const struct raft *r, const struct raft_msg *m)
{
    return r->state != RAFT_STRANGER && m->to == r->number && m->from != RAFT_NOBODY &&
           m->from != r->number;
}

const struct raft_ready *raft_step(struct raft *r, uint64_t now_us, uint64_t draw,
                                   const struct raft_msg *m)
{
    raft_begin_with(r, now_us, draw);
    if (raft_is_for_us(r, m) && (raft_is_term_only_wished(m) || raft_level_terms(r, m)))
        raft_dispatch(r, m);
    return raft_end(r);
}

void raft_set_number(struct raft *r, uint64_t number)
{
    ASSERT(number != RAFT_NOBODY);
    ASSERT(r->number == RAFT_NOBODY || r->number == number);
    if (r->number == number)
        return;
    r->number = number;
    r->state = RAFT_FOLLOWER;
    r->units.is_meta_dirty = true; /* no answer leaves before we are sure to remember who gave it */
}

/* ---- looking ---- */

enum raft_state raft_state(const struct raft *r)
{
    return r->state;
}

uint64_t raft_term(const struct raft *r)
{
    return r->term;
}

uint64_t raft_leader(const struct raft *r)
{
    return r->leader;
}

uint64_t raft_number(const struct raft *r)
{
    return r->number;
}

uint64_t raft_committed(const struct raft *r)
{
    return r->committed;
}

uint64_t raft_applied(const struct raft *r)
{
    return r->applied;
}

uint64_t raft_stored(const struct raft *r)
{
    return r->log.stored;
}

struct raft_pos raft_last(const struct raft *r)
{
    return raft_log_last(&r->log);
}

struct raft_pos raft_base(const struct raft *r)
{
    return r->log.base;
}

uint64_t raft_term_at(const struct raft *r, uint64_t index)
{
    return raft_log_term_at(&r->log, index);
}

const struct raft_config *raft_config(const struct raft *r)
{
    return &r->config;
}

const struct raft_config *raft_config_at(const struct raft *r, uint64_t index)
{
    if (r->config.count > 0 && r->config.index <= index)
        return &r->config;
    return r->has_previous && r->config_previous.index <= index ? &r->config_previous : NULL;
}

bool raft_config_is_committed(const struct raft *r)
{
    return !r->has_previous;
}

uint64_t raft_last_contact_us(const struct raft *r)
{
    return r->state == RAFT_LEADER ? raft_quorum_contact_us(r) : r->last_contact_us;
}

int raft_member_progress(const struct raft *r, uint64_t number, struct raft_member_progress *out)
{
    if (r->state != RAFT_LEADER)
        return ERR_NOT_LEADER;
    const struct raft_progress *p = raft_progress_of(r, number);
    if (p == NULL)
        return ERR_NOT_FOUND;
    bool is_me = number == r->number;
    out->match = is_me ? r->log.stored : p->match;
    out->last_reply_us = is_me ? r->now_us : p->last_reply_us;
    out->heard_us = raft_contact_of(r, p);
    out->has_lost_log = p->has_lost_log;
    return OK;
}

bool raft_has_diverged(const struct raft *r)
{
    return r->has_diverged;
}

uint64_t raft_odd_count(const struct raft *r)
{
    return r->odd_count;
}
