/* peer_leave.c -- leave_on_shutdown: a peer that stops for good lets what it holds move first (DESIGN 20).
 *
 *      the leaver                            the leader
 *      peer_stop()  --------- LEAVE -------> its role becomes LEAVING: no vote, no new pins
 *      goes on serving                       repair gives what it holds to others
 *      hears that it is no member any more <--- nothing is left with it (peer_depart.c): removed
 *      rotates its data, exits
 *
 * If that takes longer than shutdown_timeout, it exits all the same; the mark stands in the configuration, and the
 * leader, or the next one, goes on: such a member is removed when nothing is left with it, or when it is down.
 * One that is started again before that has changed its mind: it joins anew. One that was dismissed meanwhile has no say
 * in it. A leader hands over first. */
#include "peer_int.h"

#include "util/err.h"

static const struct raft_member *peer_own_member(const struct peer *p)
{
    return p->raft == NULL ? NULL : raft_config_member(raft_config(p->raft), raft_number(p->raft));
}

/* ---- the leaver ---- */

bool peer_leave_begin(struct peer *p)
{
    if (!p->options.leave_on_shutdown || p->is_leaving || p->life != PEER_MEMBER ||
        raft_config(p->raft)->count < 2)
        return false;
    LOG_INFO(p->log, "cluster", "leaving the cluster: what this peer holds moves to others first");
    p->is_leaving = true;
    p->leave_deadline_us = p->now_us + p->options.shutdown_timeout_us;
    p->leave_ask_us = p->now_us;
    return true;
}

static void peer_leave_answered(void *owner, int err, struct bytes payload, const char *text)
{
    (void)payload;
    struct peer *p = owner;
    if (err == ERR_NOT_ENOUGH_PEERS)
        LOG_WARN(p->log, "cluster", "this peer cannot leave yet: %s", text);
}

static void peer_leave_ask(struct peer *p)
{
    const struct raft_member *self = peer_own_member(p);
    const struct raft_member *leader = peer_leader(p);
    p->push_at_us = p->now_us; /* its answer tells that we are no member any more */
    if (peer_leads(p))
        (void)raft_transfer(p->raft, p->now_us, RAFT_NOBODY);
    else if (leader != NULL && self != NULL && !raft_member_goes(self)) {
        struct buf out = { 0 };
        member_number_encode(self->number, &out);
        if (out.err == OK)
            (void)rpc_call(&p->rpc, p->now_us, &leader->id, RPC_LEAVE, buf_bytes(&out),
                           PEER_FIND_TIMEOUT_US, peer_leave_answered, p);
        buf_deinit(&out);
    }
}

static void peer_leave_no_more(struct peer *p)
{
    const struct raft_member *self = peer_own_member(p);
    LOG_WARN(p->log, "cluster", "%s",
             self != NULL && raft_member_goes(self)
                 ? "stopping before all that this peer holds has moved: the others go on with that"
                 : "stopping without having left: no leader took note of it");
    peer_stop_now(p);
}

static bool peer_has_changed_its_mind(const struct peer *p)
{
    const struct raft_member *self = peer_own_member(p);
    return self != NULL && self->role == RAFT_LEAVING && raft_config_is_committed(p->raft) &&
           !p->is_leaving && !p->is_stopping && p->life == PEER_MEMBER;
}

void peer_leave_on_deadline(struct peer *p)
{
    if (peer_has_changed_its_mind(p)) {
        struct peer_address via[LIMIT_MEMBERS_COUNT];
        size_t count = peer_others(p, via, LIMIT_MEMBERS_COUNT);
        peer_leave_cluster(p, "it was leaving when it was stopped: joins anew", via, count);
        return;
    }
    if (!p->is_leaving)
        return;
    if (p->now_us >= p->leave_deadline_us) {
        peer_leave_no_more(p);
    } else if (p->now_us >= p->leave_ask_us) {
        p->leave_ask_us = p->now_us + PEER_LEAVE_PAUSE_US;
        peer_leave_ask(p);
    }
}

uint64_t peer_leave_deadline_us(const struct peer *p)
{
    if (peer_has_changed_its_mind(p))
        return p->now_us;
    if (!p->is_leaving)
        return RAFT_NEVER;
    return p->leave_ask_us < p->leave_deadline_us ? p->leave_ask_us : p->leave_deadline_us;
}

/* ---- the leader ---- */

void peer_on_leave(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    uint64_t number;
    int err = member_number_decode(&number, payload.data, payload.len);
    if (err == OK && !peer_leads(p))
        err = ERR_NOT_LEADER;
    const struct raft_member *m =
        err == OK ? raft_config_member(raft_config(p->raft), number) : NULL;
    if (err == OK && (m == NULL || !peer_id_equal(&m->id, &asker->from)))
        err = ERR_AUTH; /* for oneself only; `peers rm` is for others */
    struct peer_change *change = NULL;
    if (err == OK && !raft_member_goes(m))
        err = peer_mark(p, m, RAFT_LEAVING, &change);
    if (err != OK)
        rpc_refuse(&p->rpc, asker, err,
                   err == ERR_NOT_ENOUGH_PEERS
                       ? "without it no majority of the voters would be reachable"
                       : err_text(err));
    else if (change != NULL)
        peer_change_await_call(change, asker);
    else
        rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
}
