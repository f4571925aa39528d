/* peer_stop.c -- the orderly stop: hand leadership over, let the disk and the daemon finish, then say so.
 *
 *      peer_stop() ---> (leave_on_shutdown: leave the cluster, peer_leave.c) ---> transfer, cancel calls to the daemon ---> all quiet, or LIMIT_SHUTDOWN_US ---> on_stopped
 *
 * Stopping never waits for something that has not begun (SIMULATION K45): each condition is looked at, at every
 * event, and a peer that is not a member yet has none. */
#include "peer_int.h"

#include "peer_informer.h"
#include "util/err.h"

void peer_stop_now(struct peer *p)
{
    p->is_leaving = false;
    p->is_stopping = true;
    p->stop_deadline_us = p->now_us + LIMIT_SHUTDOWN_US;
    tracker_stop(p->tracker);
    peer_informer_stop(p->informer);
    peer_asks_stop(p);
    peer_swarm_stop(p);
    peer_uploads_stop(p);
    if (peer_leads(p))
        (void)raft_transfer(p->raft, p->now_us, RAFT_NOBODY);
}

void peer_stop(struct peer *p, const char *why)
{
    if (p->life == PEER_STOPPED || p->is_stopping)
        return;
    peer_enter(p);
    peer_words(p->stop_why, sizeof(p->stop_why), "%s", why);
    if (!peer_leave_begin(p))
        peer_stop_now(p);
    peer_leave(p);
}

static bool peer_is_quiet(const struct peer *p)
{
    if (p->raft == NULL)
        return p->units_in_flight == 0 && peer_informer_is_idle(p->informer) &&
               peer_asks_are_over(p);
    bool alone = raft_config_voters_count(raft_config(p->raft)) <= 1;
    return (alone || !peer_leads(p)) && p->proposals_count == 0 && p->units_in_flight == 0 &&
           !raft_has_unit(p->raft) && overlay_batches_count(p->state) == 0 &&
           overlay_batches_count(p->local) == 0 && tracker_is_idle(p->tracker) &&
           peer_informer_is_idle(p->informer) && peer_asks_are_over(p);
}

void peer_stop_settle(struct peer *p)
{
    if (!p->is_stopping)
        return;
    overlay_flush(p->state); /* nothing gathers any more */
    overlay_flush(p->local);
    if (peer_is_quiet(p) || p->now_us >= p->stop_deadline_us)
        peer_end(p, 0, p->stop_why);
}

uint64_t peer_stop_deadline_us(const struct peer *p)
{
    return p->is_stopping ? p->stop_deadline_us : RAFT_NEVER;
}
