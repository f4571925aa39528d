/* peer_calls.c -- questions of other peers: who may ask what, and who answers (DESIGN 17).
 *
 * Who knows the secret reaches this file, under a proven peer id. A stranger may ask FIND and JOIN; everything else
 * is for members; an INVITE comes from another cluster by its nature. Another cluster's peer is refused with words that say so. */
#include "peer_int.h"

#include "peer_census.h"
#include "util/err.h"

static bool peer_is_member(const struct peer *p, const struct peer_id *id)
{
    return p->raft != NULL && raft_config_member_by_id(raft_config(p->raft), id) != NULL;
}

/* A learner that has no configuration yet knows its cluster by the id it was admitted with. */
static bool peer_is_of_our_cluster(const struct peer *p, const struct rpc_asker *asker)
{
    if (peer_is_member(p, &asker->from))
        return true;
    return p->raft != NULL && raft_config(p->raft)->count == 0 &&
           !cluster_id_is_none(&p->cluster) && cluster_id_equal(&p->cluster, &asker->cluster);
}

/* False: refused, in words. */
static bool peer_may_ask(struct peer *p, const struct rpc_asker *asker, enum rpc_method method)
{
    if (cluster_id_conflicts(&p->cluster, &asker->cluster) && method != RPC_INVITE) {
        peer_refuse_foreign(p, asker);
        return false;
    }
    bool stranger_may =
        method == RPC_FIND || method == RPC_JOIN || method == RPC_METRICS || method == RPC_INVITE;
    if (stranger_may || peer_is_of_our_cluster(p, asker))
        return true;
    rpc_refuse(&p->rpc, asker, ERR_AUTH, "only members of the cluster may ask that");
    return false;
}

static enum peer_removal_kind peer_removal_of(enum rpc_method method)
{
    if (method == RPC_MEMBER_REMOVE)
        return PEER_REMOVAL_FORCED;
    return method == RPC_DISMISS ? PEER_REMOVAL_GENTLE : PEER_REMOVAL_UNDO;
}

void peer_on_request(void *owner, const struct rpc_asker *asker, enum rpc_method method,
                     struct bytes payload)
{
    struct peer *p = owner;
    if (!peer_may_ask(p, asker, method))
        return;
    switch (method) {
    case RPC_FIND:
        peer_on_find(p, asker);
        break;
    case RPC_JOIN:
        peer_on_join(p, asker, payload);
        break;
    case RPC_PROPOSE:
        peer_on_propose(p, asker, payload);
        break;
    case RPC_MEMBER_REMOVE:
    case RPC_DISMISS:
    case RPC_STAY:
        peer_on_removal(p, asker, peer_removal_of(method), payload);
        break;
    case RPC_KEEPS:
        peer_on_keeps(p, asker, payload);
        break;
    case RPC_DECISION:
        peer_on_decision(p, asker, payload);
        break;
    case RPC_MONITOR:
        peer_on_hearsay(p, asker);
        break;
    case RPC_METRICS:
        peer_on_metrics(p, asker, payload);
        break;
    case RPC_ID:
        peer_on_id(p, asker);
        break;
    case RPC_STATUS:
        peer_on_status(p, asker, payload);
        break;
    case RPC_HOLDS:
        peer_on_holds(p, asker, payload);
        break;
    case RPC_RECOVER:
    case RPC_SYNC:
        (method == RPC_SYNC ? peer_on_sync : peer_on_recover)(p, asker, payload);
        break;
    case RPC_INVITE:
        peer_on_invite(p, asker, payload);
        break;
    case RPC_READ:
        peer_on_read(p, asker);
        break;
    case RPC_RETIRE:
        peer_on_retire(p, asker, payload);
        break;
    case RPC_LEAVE:
        peer_on_leave(p, asker, payload);
        break;
    case RPC_AUDIT:
        peer_on_audit(p, asker, payload);
        break;
    case RPC_ALLOCATE:
        peer_on_allocate(p, asker, payload);
        break;
    case RPC_GARBAGE:
    case RPC_LINKS:
        peer_on_census(p, asker, method == RPC_LINKS ? API_ASK_LINKS : API_ASK_GARBAGE);
        break;
    case RPC_DIVERGED:
        peer_on_diverged(p, asker);
        break;
    }
}
