/* peer_audit.c -- the hashes of the states are compared (members/audit.h).
 *
 * Each follower asks the leader now and then. When they differ, two peers have made something else of the same entries, and
 * nobody can tell by himself which of them is right: both say so, loudly, and go on; what the majority has is for
 * people to find out. Damage of rows looks otherwise, and is healed (peer_damage.c). */
#include "peer_int.h"

#include "util/err.h"

#define AUDIT_PAUSE_US   ((uint64_t)30 * 1000 * 1000)
#define AUDIT_TIMEOUT_US ((uint64_t)5 * 1000 * 1000)

void peer_audit_on_applied(struct peer *p)
{
    if (audit_is_due(p->applied))
        audit_note(&p->audit, p->applied, pinset_hash(p->pinset));
}

static void audit_alarm(struct peer *p, const char *other, uint64_t index)
{
    p->audit_differences += 1;
    LOG_ERROR(
        p->log, "cluster",
        "the state behind entry %llu is not the one of %s: one of the two has applied an entry "
        "wrongly; compare `state info` of all peers, and delete the consensus data of the odd one",
        (unsigned long long)index, other);
}

/* ---- the leader ---- */

void peer_on_audit(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct audit_mark theirs;
    int err = audit_mark_decode(&theirs, payload);
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    enum audit_verdict verdict = audit_judge(&p->audit, &theirs);
    if (verdict == AUDIT_OTHER)
        audit_alarm(p, peer_id_print(&asker->from).text, theirs.index);
    uint8_t answer = (uint8_t)verdict;
    rpc_reply(&p->rpc, asker, (struct bytes){ &answer, 1 });
}

/* ---- a follower ---- */

static void audit_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer *p = owner;
    (void)text;
    struct reader in = reader_of(payload.data, payload.len);
    if (err == OK && reader_u8(&in) == AUDIT_OTHER)
        audit_alarm(p, "the leader", p->audit_asked);
}

static void audit_ask(struct peer *p)
{
    const struct raft_member *leader = peer_leader(p);
    struct audit_mark mark;
    if (leader == NULL || peer_leads(p) || p->state_is_damaged || !audit_newest(&p->audit, &mark) ||
        mark.index == p->audit_asked)
        return;
    struct buf out = { 0 };
    audit_mark_encode(&mark, &out);
    if (out.err == OK && rpc_call(&p->rpc, p->now_us, &leader->id, RPC_AUDIT, buf_bytes(&out),
                                  AUDIT_TIMEOUT_US, audit_answered, p) == OK)
        p->audit_asked = mark.index;
    buf_deinit(&out);
}

void peer_audit_on_deadline(struct peer *p)
{
    if (p->raft == NULL || p->now_us < p->audit_at_us)
        return;
    p->audit_at_us = p->now_us + AUDIT_PAUSE_US;
    audit_ask(p);
}

uint64_t peer_audit_deadline_us(const struct peer *p)
{
    return p->raft != NULL ? p->audit_at_us : RAFT_NEVER;
}
