/* Handing leadership over (dissertation 3.10): stop taking proposals, let the other catch up, tell it once to
 * stand for election at once. If that takes longer than an election timeout, we go on leading: the order may
 * still be obeyed later, which is an election like any other. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"

/* The voter that is nearest to the end of the log, of those that answered lately. */
static uint64_t raft_best_heir(const struct raft *r)
{
    const struct raft_progress *best = NULL;
    for (size_t i = 0; i < r->progress_count; i++) {
        const struct raft_progress *p = &r->progress[i];
        bool answers = p->last_reply_us > 0 &&
                       r->now_us < raft_after(p->last_reply_us, r->options.election_min_us);
        if (!p->is_voter || p->number == r->number || !answers || p->has_lost_log)
            continue;
        if (best == NULL || p->match > best->match)
            best = p;
    }
    return best != NULL ? best->number : RAFT_NOBODY;
}

int raft_transfer(struct raft *r, uint64_t now_us, uint64_t to)
{
    if (r->state != RAFT_LEADER)
        return ERR_NOT_LEADER;
    if (r->transfer_to != RAFT_NOBODY)
        return ERR_BUSY;
    r->now_us = now_us > r->now_us ? now_us : r->now_us;
    if (to == RAFT_NOBODY)
        to = raft_best_heir(r);
    if (to == RAFT_NOBODY || to == r->number || !raft_config_is_voter(&r->config, to))
        return ERR_NOT_FOUND;
    r->transfer_to = to;
    r->transfer_deadline_us = raft_after(r->now_us, r->options.election_min_us);
    r->is_transfer_sent = false;
    return OK;
}

void raft_transfer_step(struct raft *r)
{
    if (r->transfer_to == RAFT_NOBODY)
        return;
    const struct raft_progress *p = raft_progress_of(r, r->transfer_to);
    if (r->now_us >= r->transfer_deadline_us || p == NULL || !p->is_voter) {
        r->transfer_to = RAFT_NOBODY;
        return;
    }
    if (r->is_transfer_sent || p->match < r->log.last)
        return;
    r->is_transfer_sent =
        raft_send(r, (struct raft_msg){ .type = RAFT_MSG_TIMEOUT_NOW, .to = p->number });
}

/* A leader that was removed, or votes no more, makes way (dissertation 4.2.2). Without this the others would find out by
 * its silence. They may hear it too late, or somebody with a longer log wins: it is an election like any other. */
void raft_transfer_farewell(struct raft *r)
{
    uint64_t heir = raft_best_heir(r);
    if (heir != RAFT_NOBODY)
        raft_send(r, (struct raft_msg){ .type = RAFT_MSG_TIMEOUT_NOW, .to = heir });
}

void raft_on_timeout_now(struct raft *r, const struct raft_msg *m)
{
    ASSERT(m->term == r->term);
    bool is_from_leader = r->state == RAFT_FOLLOWER && r->leader == m->from;
    if (!is_from_leader || !raft_is_voter(r) || r->now_us < r->quiet_until_us)
        return;
    raft_campaign(r, true);
}
