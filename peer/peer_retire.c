/* peer_retire.c -- members that forgot what they had acknowledged (DESIGN 7).
 *
 * An older copy of a disk that is put back makes a member that has acknowledged entries, or given votes, which it
 * does not know of. Its own disk looks sound to it; the leader notices, because it remembers the acknowledgement
 * (raft_progress.h#Loss). It tells the member to put that disk aside and to join anew, as a stranger does: under a new
 * number, of which nothing is expected, while the old number goes.
 *
 *      leader: refused below what was acknowledged ---RETIRE, number---> member: rotates its data, joins again
 *              (counts it for nothing, feeds it nothing; asks again until it is gone) */
#include "peer_int.h"

#include "util/err.h"

static void peer_retire_answered(void *owner, int err, struct bytes payload, const char *text)
{
    (void)owner; /* whether it obeyed, the configuration will show */
    (void)err;
    (void)payload;
    (void)text;
}

static void peer_retire(struct peer *p, const struct raft_member *m)
{
    LOG_WARN(p->log, "cluster",
             "%s, member %llu, does not have any more what it had acknowledged (an older copy of "
             "its data was put back?): it counts for nothing, and is told to join anew",
             peer_id_print(&m->id).text, (unsigned long long)m->number);
    struct buf out = { 0 };
    member_number_encode(m->number, &out);
    if (out.err == OK)
        (void)rpc_call(&p->rpc, p->now_us, &m->id, RPC_RETIRE, buf_bytes(&out),
                       PEER_JOIN_TIMEOUT_US, peer_retire_answered, p);
    buf_deinit(&out);
}

/* Leader only; every PEER_RETIRE_PAUSE_US while there is one. */
void peer_retire_step(struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    if (p->now_us < p->retire_at_us)
        return;
    for (size_t i = 0; i < c->count; i++) {
        struct raft_member_progress progress;
        bool has_lost_log = c->members[i].number != raft_number(p->raft) &&
                            raft_member_progress(p->raft, c->members[i].number, &progress) == OK &&
                            progress.has_lost_log;
        if (!has_lost_log)
            continue;
        p->retire_at_us = p->now_us + PEER_RETIRE_PAUSE_US;
        peer_retire(p, &c->members[i]);
    }
}

void peer_on_retire(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    uint64_t number = RAFT_NOBODY;
    int err = member_number_decode(&number, payload.data, payload.len);
    if (err == OK && (p->life != PEER_MEMBER || number != raft_number(p->raft)))
        err = ERR_STALE; /* for a former life */
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
    LOG_ERROR(p->log, "cluster",
              "this peer's data is older than what it had acknowledged: it is put aside, and the "
              "peer joins the cluster again as a new member");
    struct peer_address via[LIMIT_MEMBERS_COUNT];
    size_t count = peer_others(p, via, LIMIT_MEMBERS_COUNT);
    peer_leave_cluster(p, "its data is an older copy: joins anew", via, count);
}
