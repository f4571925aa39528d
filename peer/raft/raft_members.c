/* One configuration after another (dissertation ch. 4).
 *
 * A configuration is in force as soon as its entry is in the log, and until it is cut out of it again. The one
 * before is kept for that, until the newer one is committed; so "there is none before" and "it is committed" are
 * one statement, also on disk. There are never more than two, because a leader proposes the next one only when
 * the last one is committed: a second one in our log proves that the first is committed, even if we have not
 * been told yet. And a member's first is committed, because it is told its number only then.
 *
 * Two neighbours differ by one voter at most, so their majorities share a member. That alone is not enough: two
 * leaders of different terms may each have proposed one that the other does not know, so a leader first commits
 * an entry of its own term (raft-dev, Ongaro 2015; the no-op does it). */
#include "raft/raft_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

struct raft_progress *raft_progress_of(const struct raft *r, uint64_t number)
{
    const struct raft_member *member = raft_config_member(&r->config, number);
    return member != NULL ? &r->progress[member - r->config.members] : NULL;
}

/* ---- what follows from a configuration ---- */

static int raft_reserve_progress(struct raft *r, size_t count)
{
    if (count <= r->progress_size)
        return OK;
    size_t size = count + 4;
    struct raft_progress *spare = mem_array(size, sizeof(*spare));
    struct raft_progress *grown = mem_array(size, sizeof(*grown));
    if (spare == NULL || grown == NULL) {
        mem_free(spare);
        mem_free(grown);
        return ERR_NOMEM;
    }
    if (r->progress_count > 0)
        memcpy(grown, r->progress, r->progress_count * sizeof(*grown));
    mem_free(r->progress);
    mem_free(r->progress_spare);
    r->progress = grown;
    r->progress_spare = spare;
    r->progress_size = size;
    return OK;
}

/* Progress in the order of the new members; who stays keeps what is known of it. */
static void raft_follow_config(struct raft *r, const struct raft_config *before)
{
    struct raft_progress *kept = r->progress;
    r->progress = r->progress_spare;
    r->progress_spare = kept;
    for (size_t i = 0; i < r->config.count; i++) {
        const struct raft_member *m = &r->config.members[i];
        struct raft_progress *p = &r->progress[i];
        const struct raft_member *old = raft_config_member(before, m->number);
        if (old != NULL) {
            *p = kept[old - before->members];
        } else {
            p->number = m->number;
            raft_progress_reset(p, r->committed + 1, r->now_us);
        }
        bool is_voter = m->role == RAFT_VOTER;
        if (is_voter && !p->is_voter)
            p->since_us = r->now_us; /* its silence as a learner is not held against the quorum */
        p->is_voter = is_voter;
    }
    r->progress_count = r->config.count;
    r->is_config_news = true;
}

int raft_adopt_config(struct raft *r, struct raft_config *next)
{
    if (raft_reserve_progress(r, next->count) != OK)
        return ERR_NOMEM;
    raft_config_deinit(&r->config_previous);
    r->config_previous = r->config;
    r->has_previous = r->config.count > 0;
    r->config = *next;
    raft_follow_config(r, &r->config_previous);
    *next = (struct raft_config){ 0 };
    return OK;
}

void raft_forget_previous_config(struct raft *r)
{
    raft_config_deinit(&r->config_previous);
    r->has_previous = false;
}

/* SIMULATION M04: a change that was cut out of the log never was. */
void raft_roll_back_config(struct raft *r, uint64_t cut_from)
{
    if (r->config.index < cut_from)
        return;
    ASSERT(r->has_previous && r->config_previous.index < cut_from); /* raft_cut() has looked */
    struct raft_config gone = r->config;
    r->config = r->config_previous;
    r->config_previous = (struct raft_config){ 0 };
    r->has_previous = false;
    raft_follow_config(r, &gone);
    raft_config_deinit(&gone);
}

int raft_append_entry(struct raft *r, uint64_t term, enum raft_entry_kind kind,
                      struct bytes payload, bool into_reserve)
{
    struct raft_config next = { 0 };
    if (kind == RAFT_ENTRY_CONFIG) {
        int err = raft_config_decode(&next, payload.data, payload.len);
        if (err == OK && raft_reserve_progress(r, next.count) != OK)
            err = ERR_NOMEM;
        if (err != OK) {
            raft_config_deinit(&next);
            return err;
        }
    }
    int err = raft_log_append(&r->log, term, kind, payload, into_reserve);
    if (err != OK) {
        raft_config_deinit(&next);
        return err;
    }
    if (kind == RAFT_ENTRY_CONFIG) {
        next.index = r->log.last;
        ASSERT(r->config.count == 0 || next.index > r->config.index);
        err = raft_adopt_config(r, &next);
        ASSERT(err == OK); /* reserved above */
    }
    return OK;
}

/* ---- proposing ---- */

/* Numbers are used once (DESIGN 7): who comes back gets a new one. It is told only when its entry is committed, and
 * cannot acknowledge anything before; as a voter it might be needed for just that. So it begins as a learner. */
static bool raft_newcomers_are_fit(const struct raft_config *now, const struct raft_config *next)
{
    if (next->next_number < now->next_number)
        return false;
    for (size_t i = 0; i < next->count; i++) {
        uint64_t number = next->members[i].number;
        if (number >= next->next_number)
            return false;
        bool is_newcomer = raft_config_member(now, number) == NULL;
        if (is_newcomer && (number < now->next_number || next->members[i].role != RAFT_LEARNER))
            return false;
    }
    return true;
}

static int raft_check_next_config(const struct raft *r, const struct raft_config *next)
{
    size_t voters = raft_config_voters_count(next);
    if (voters == 0 || raft_config_voters_between(&r->config, next) > 1)
        return ERR_INVALID;
    if (!raft_newcomers_are_fit(&r->config, next))
        return ERR_INVALID;
    return voters > LIMIT_VOTERS_COUNT ? ERR_TOO_BIG : OK;
}

int raft_propose_config(struct raft *r, const struct raft_config *next, struct raft_pos *out)
{
    if (r->state != RAFT_LEADER)
        return ERR_NOT_LEADER;
    if (!raft_config_is_committed(r) || r->committed < r->term_start ||
        r->transfer_to != RAFT_NOBODY)
        return ERR_BUSY;
    int err = raft_check_next_config(r, next);
    if (err != OK)
        return err;
    struct buf payload = { .limit = LIMIT_ENTRY_BYTES };
    raft_config_encode(next, &payload);
    err = payload.err;
    if (err == OK)
        err = raft_append_entry(r, r->term, RAFT_ENTRY_CONFIG, buf_bytes(&payload), true);
    if (err == OK)
        *out = raft_log_last(&r->log);
    buf_deinit(&payload);
    return err;
}
