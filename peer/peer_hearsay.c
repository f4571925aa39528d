/* peer_hearsay.c -- a peer that does not vote asks the leader how everybody is (DESIGN 12).
 *
 *      metrics ---> voters' monitors          the leader's monitor ---RPC_MONITOR---> a learner's monitor
 *
 * Metrics are pushed to voters only, so that their cost does not grow with the square of the members. A learner that is
 * asked about others (alerts, metrics, standings, the plan of a repair) fills its own monitor with what the leader knows, and
 * then answers from that as a voter does. What it was told holds for a moment: one screen may take several questions. */
#include "peer_int.h"

#include "http/api/api.h"
#include "util/err.h"
#include "util/mem.h"

#define PEER_HEARSAY_US ((uint64_t)1000 * 1000)

struct peer_hearing {
    struct peer *peer;
    peer_change_done done;
    void *owner;
};

bool peer_is_informed(const struct peer *p)
{
    if (peer_own_role(p) == API_ROLE_VOTER)
        return true;
    return p->has_heard && p->now_us - p->heard_at_us <= PEER_HEARSAY_US;
}

struct api_standing peer_standing_of(const struct peer *p, const struct peer_id *id)
{
    struct monitor_standing s = monitor_standing(p->monitor, p->now_us, id);
    if (!peer_is_informed(p))
        return (struct api_standing){ 0 };
    return (struct api_standing){ .name = monitor_standing_name(&s),
                                  .silent_us = s.silence_us,
                                  .back_us = s.back_us };
}

/* ---- the leader's side ---- */

void peer_on_hearsay(struct peer *p, const struct rpc_asker *asker)
{
    struct buf told = { .limit = LIMIT_FRAME_BYTES / 2 };
    int err = peer_leads(p) ? OK : ERR_NOT_LEADER;
    if (err == OK) {
        monitor_tell(p->monitor, p->now_us, &told);
        err = told.err;
    }
    if (err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&told));
    else
        rpc_refuse(&p->rpc, asker, err, err_text(err));
    buf_deinit(&told);
}

/* ---- the asker's side ---- */

static void peer_hearing_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer_hearing *h = owner;
    struct peer *p = h->peer;
    if (err == OK) {
        err = monitor_hear(p->monitor, p->now_us, payload);
        text = err_text(err);
    } else if (err == ERR_UNSUPPORTED) {
        text = "the leader is older and does not know this question: upgrade it, or ask a voter";
    } else if (err == ERR_TIMEOUT || err == ERR_UNREACHABLE || err == ERR_NOT_LEADER) {
        err = ERR_NO_LEADER; /* it led a moment ago */
        text =
            "this peer does not vote and does not hear all others, and the leader does not answer; "
            "ask a voter";
    }
    if (err == OK) {
        p->has_heard = true;
        p->heard_at_us = p->now_us;
    }
    h->done(h->owner, err, text);
    mem_free(h);
}

int peer_hear(struct peer *p, peer_change_done done, void *owner)
{
    const struct raft_member *leader = p->raft != NULL ? peer_leader(p) : NULL;
    if (leader == NULL)
        return ERR_NO_LEADER;
    struct peer_hearing *h = mem_alloc(sizeof(*h));
    if (h == NULL)
        return ERR_NOMEM;
    *h = (struct peer_hearing){ .peer = p, .done = done, .owner = owner };
    int err = rpc_call(&p->rpc, p->now_us, &leader->id, RPC_MONITOR, (struct bytes){ NULL, 0 },
                       PEER_FIND_TIMEOUT_US, peer_hearing_answered, h);
    if (err != OK)
        mem_free(h);
    return err;
}
