/* peer_foreign.c -- other clusters: their peers are refused, in words on both sides; and a visit to one.
 *
 * A peer with data knows its cluster by a random id, which stands in every frame. Ids that differ have nothing to say
 * to one another, whatever their numbers and peer ids are: a copy of a cluster that went another way, one that was
 * founded anew by the same machines, or simply a wrong address.
 *
 * The visit: --bootstrap (or `bootstrap`) of a peer that has data already. DESIGN 8: one that is alone and has no
 * pins gives its own cluster up and joins; one with pins would lose them, so it ends and says what to do; one that
 * has others stays with them. */
#include "peer_int.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* ---- refusing, and being refused ---- */

struct cluster_text {
    char text[2 * CLUSTER_ID_BYTES + 1];
};

static struct cluster_text peer_cluster_print(const struct cluster_id *id)
{
    static const char digits[] = "0123456789abcdef";
    struct cluster_text out = { { 0 } };
    for (size_t i = 0; i < CLUSTER_ID_BYTES; i++) {
        out.text[2 * i] = digits[id->bytes[i] >> 4];
        out.text[2 * i + 1] = digits[id->bytes[i] & 15];
    }
    return out;
}

/* A refusal is said when it begins, and not at each frame. */
void peer_note_foreign(struct peer *p, const struct peer_id *from, const struct cluster_id *theirs)
{
    for (size_t i = 0; i < PEER_FOREIGNERS_MAX; i++) {
        if (peer_id_equal(&p->foreigners[i], from))
            return;
    }
    p->foreigners[p->foreigners_next] = *from;
    p->foreigners_next = (p->foreigners_next + 1) % PEER_FOREIGNERS_MAX;
    LOG_WARN(p->log, "cluster",
             "%s is refused: its data belongs to cluster %s (or to this one as it was before "
             "--accept-peers), and ours is %s. To come in it puts its data aside (state cleanup "
             "there) and starts anew",
             peer_id_print(from).text, peer_cluster_print(theirs).text,
             peer_cluster_print(&p->cluster).text);
}

void peer_refuse_foreign(struct peer *p, const struct rpc_asker *asker)
{
    char why[RPC_TEXT_MAX];
    peer_note_foreign(p, &asker->from, &asker->cluster);
    peer_words(why, sizeof(why),
               "%s belongs to cluster %s, and the data of this peer to cluster %s: check "
               "cluster_peers and bootstrap. If the cluster went on without this peer (daemon "
               "--accept-peers), or it is to move, put its data aside (ipfs-cluster-service state "
               "cleanup) and start it: it joins anew",
               peer_id_print(&p->options.id).text, peer_cluster_print(&p->cluster).text,
               peer_cluster_print(&asker->cluster).text);
    rpc_refuse(&p->rpc, asker, ERR_FOREIGN, why);
}

void peer_note_refusal(struct peer *p, const char *text)
{
    if (p->refusal_told_us != 0 && p->now_us < p->refusal_told_us + PEER_TELL_AGAIN_US)
        return;
    p->refusal_told_us = p->now_us;
    LOG_ERROR(p->log, "cluster", "refused: %s", text);
}

/* ---- a copy that went another way ---- */

/* Two copies of one data folder that were both run: same cluster, same number, and entries that both take for
 * committed and that differ. Nobody can join them; which one is right, the majority has decided. */
static void peer_diverged_told(void *owner, int err, struct bytes payload, const char *text)
{
    (void)err;
    (void)payload;
    (void)text;
    peer_end(
        owner, 1,
        "this peer's data is a copy of the cluster's that went another way: what the cluster has "
        "committed contradicts it. Put it aside (ipfs-cluster-service state cleanup) and start "
        "again: this peer joins as a new member");
}

void peer_has_diverged(struct peer *p, const struct peer_id *from)
{
    if (p->is_diverged)
        return;
    p->is_diverged = true;
    LOG_ERROR(p->log, "cluster", "the leader, %s, contradicts what is committed in this peer's log",
              peer_id_print(from).text);
    if (rpc_call(&p->rpc, p->now_us, from, RPC_DIVERGED, (struct bytes){ NULL, 0 },
                 PEER_FIND_TIMEOUT_US, peer_diverged_told, p) != OK)
        peer_diverged_told(p, OK, (struct bytes){ NULL, 0 }, "");
}

void peer_on_diverged(struct peer *p, const struct rpc_asker *asker)
{
    rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
    LOG_WARN(
        p->log, "cluster",
        "%s has stopped: its data is a copy of this cluster's that went another way. To come in "
        "it puts its data aside (state cleanup there) and starts anew",
        peer_id_print(&asker->from).text);
}

/* ---- the visit ---- */

/* Another cluster answers where this peer was told to join. */
static void peer_visit_found_another(struct peer *p, const char *text)
{
    p->visit_is_over = true;
    if (raft_config(p->raft)->count > 1) {
        LOG_ERROR(p->log, "cluster",
                  "bootstrap is not followed: this peer is a member of a cluster with others. %s",
                  text);
    } else if (pinset_facts(p->pinset)->pins_count > 0) {
        peer_end(
            p, 1,
            "this peer has pins of its own and cannot join another cluster: export them "
            "(ipfs-cluster-service state export), put its data aside (state cleanup), join, and "
            "import them there");
    } else {
        peer_leave_cluster(p, "gives up its own empty cluster to join another one",
                           p->options.bootstrap, p->options.bootstrap_count);
    }
}

static void peer_visit_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer *p = owner;
    struct find_answer answer;
    if (p->visit_is_over || p->life != PEER_MEMBER)
        return;
    if (err == ERR_FOREIGN)
        peer_visit_found_another(p, text);
    else if (err == OK && find_answer_decode(&answer, payload.data, payload.len) == OK)
        p->visit_is_over = answer.kind == FIND_MEMBER; /* of our own cluster */
}

static bool peer_visits(const struct peer *p)
{
    return p->life == PEER_MEMBER && p->options.bootstrap_count > 0 && !p->visit_is_over &&
           !p->is_stopping && !cluster_id_is_none(&p->cluster);
}

void peer_visit_on_deadline(struct peer *p)
{
    if (!peer_visits(p) || p->now_us < p->visit_at_us)
        return;
    if (p->now_us >= p->visit_end_us) {
        p->visit_is_over = true;
        LOG_WARN(p->log, "cluster", "no peer of bootstrap answers: this peer stays where it is");
        return;
    }
    p->visit_at_us = p->now_us + 2 * PEER_FIND_PAUSE_US;
    for (size_t i = 0; i < p->options.bootstrap_count; i++) {
        const struct peer_id *to = &p->options.bootstrap[i].id;
        if (raft_config_member_by_id(raft_config(p->raft), to) != NULL) {
            p->visit_is_over = true; /* it has joined, then or before */
            return;
        }
        (void)rpc_call(&p->rpc, p->now_us, to, RPC_FIND, (struct bytes){ NULL, 0 },
                       PEER_FIND_TIMEOUT_US, peer_visit_answered, p);
    }
}

uint64_t peer_visit_deadline_us(const struct peer *p)
{
    return peer_visits(p) ? p->visit_at_us : RAFT_NEVER;
}
