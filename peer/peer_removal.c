/* peer_removal.c -- out of the cluster: `peers rm`; and not, after all: `peers rm --cancel`.
 *
 *      asked ---> a wish, kept by the peer that was asked ---> the leader: one entry ---> committed: answered
 *                   ^___ busy with another change, no leader, a new leader: asks again, until its time is over
 *
 * The entry marks the member as dismissed: its pins move first, and it is out when others have them (peer_depart.c).
 * By force, and when there is nobody to ask or nothing to move, it is out with that entry. So it is while a member is
 * left that does not know of dismissal (peer_level.c).
 *
 * A dismissal can be taken back while the member is there: by an entry that makes it a learner. Its seat as a voter, if it
 * had one, it gets back as any learner does; what has moved stays where it is, and what it gave up it pins again. Who
 * leaves by its own wish is not asked to stay: it is stopping.
 *
 * The leader keeps no queue (peer_members.c), so whoever was asked asks again. That is safe: a member that is gone
 * is gone, and "not found" after a question whose outcome was unknown means that it was heard.
 * A leader does not remove itself: it hands over first, and the next one does it. Nobody is removed whose vote the
 * rest cannot spare: those that are down go first. */
#include "peer_int.h"

#include "members/depart.h"
#include "util/err.h"
#include "util/mem.h"

struct peer_removing {
    struct list_link link;
    struct peer *peer;
    struct peer_id id;
    uint64_t deadline_us;
    uint64_t retry_at_us; /* RAFT_NEVER: asked, not answered */
    enum peer_removal_kind kind;
    bool is_gone;     /* else it is on its way out; once done */
    bool may_be_done; /* a question's outcome is unknown */
    int last_err;
    char why[160];
    peer_removal_done done;
    void *owner;
};

/* ---- the leader ---- */

static const char *peer_removal_words(enum peer_removal_kind kind, int err)
{
    switch (err) {
    case ERR_INVALID:
        return "cannot remove ourselves from a 1-peer cluster";
    case ERR_NOT_ENOUGH_PEERS:
        return "without this peer no majority of the voters would be reachable: first start, or "
               "remove, those that are down";
    case ERR_STALE:
        return "this peer leaves by its own wish, and stops: start it again, and it joins";
    case ERR_UNSUPPORTED:
        return "the leader is older, and cannot take a removal back: upgrade it";
    case ERR_NOT_FOUND:
        return kind == PEER_REMOVAL_UNDO ? "this peer is not in the cluster, or not any more"
                                         : err_text(err);
    default:
        return err_text(err);
    }
}

static int peer_removal_propose(struct peer *p, uint64_t number, struct peer_change **change)
{
    struct raft_config next;
    int err = raft_config_copy(&next, raft_config(p->raft));
    if (err != OK)
        return err;
    err = raft_config_remove(&next, number);
    if (err == OK)
        err = peer_change_propose(p, &next, change);
    raft_config_deinit(&next);
    return err;
}

/* Is there nobody to ask, or nothing to ask about? */
static bool peer_goes_at_once(const struct peer *p, const struct raft_member *m)
{
    const struct pinset_facts *facts = pinset_facts(p->pinset);
    return facts->pins_count == 0 || facts->level < PINSET_LEVEL_DISMISSAL ||
           monitor_liveness(p->monitor, p->now_us, &m->id) == LIVENESS_DOWN;
}

/* *change NULL: it is as was asked for already. */
static int peer_removal(struct peer *p, const struct peer_id *id, bool is_forced,
                        struct peer_change **change, bool *is_gone)
{
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), id);
    *change = NULL;
    if (m == NULL)
        return ERR_NOT_FOUND;
    if (raft_config(p->raft)->count == 1)
        return ERR_INVALID;
    *is_gone = is_forced || peer_goes_at_once(p, m);
    if (!*is_gone && m->role == RAFT_DISMISSED)
        return raft_config_is_committed(p->raft) ? OK : ERR_BUSY;
    if (m->role == RAFT_VOTER && !peer_can_spare_vote(p, m->number))
        return ERR_NOT_ENOUGH_PEERS;
    if (m->number == raft_number(p->raft)) {
        (void)raft_transfer(p->raft, p->now_us, RAFT_NOBODY);
        return ERR_BUSY; /* the next leader does it */
    }
    return *is_gone ? peer_removal_propose(p, m->number, change)
                    : peer_mark(p, m, RAFT_DISMISSED, change);
}

/* It stays. *change NULL: it does anyway. */
static int peer_removal_undo(struct peer *p, const struct peer_id *id, struct peer_change **change)
{
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), id);
    *change = NULL;
    if (m == NULL)
        return ERR_NOT_FOUND;
    if (m->role == RAFT_LEAVING)
        return ERR_STALE;
    if (m->role != RAFT_DISMISSED)
        return raft_config_is_committed(p->raft) ? OK : ERR_BUSY;
    LOG_INFO(p->log, "cluster", "member %llu stays: its removal is taken back",
             (unsigned long long)m->number);
    return peer_mark(p, m, RAFT_LEARNER, change);
}

static int peer_removal_do(struct peer *p, const struct peer_id *id, enum peer_removal_kind kind,
                           struct peer_change **change, bool *is_gone)
{
    if (kind == PEER_REMOVAL_UNDO)
        return peer_removal_undo(p, id, change);
    return peer_removal(p, id, kind == PEER_REMOVAL_FORCED, change, is_gone);
}

/* Only DISMISS has more to answer than that it is done. */
static void peer_removal_reply(struct peer *p, const struct rpc_asker *asker,
                               struct peer_change *change, enum peer_removal_kind kind,
                               bool is_gone)
{
    struct buf now = { 0 };
    struct buf *answer = change != NULL ? peer_change_answer(change) : &now;
    if (kind == PEER_REMOVAL_GENTLE)
        depart_dismissed_encode(is_gone, answer);
    if (change != NULL)
        peer_change_await_call(change, asker);
    else
        rpc_reply(&p->rpc, asker, buf_bytes(answer));
    buf_deinit(&now);
}

void peer_on_removal(struct peer *p, const struct rpc_asker *asker, enum peer_removal_kind kind,
                     struct bytes payload)
{
    struct peer_id id;
    if (peer_id_from_bytes(&id, payload.data, payload.len) != OK) {
        rpc_refuse(&p->rpc, asker, ERR_INVALID, "that is no peer id");
        return;
    }
    struct peer_change *change;
    bool is_gone = false;
    int err = peer_leads(p) ? peer_removal_do(p, &id, kind, &change, &is_gone) : ERR_NOT_LEADER;
    if (err == OK)
        peer_removal_reply(p, asker, change, kind, is_gone);
    else
        rpc_refuse(&p->rpc, asker, err, peer_removal_words(kind, err));
}

/* ---- the peer that was asked ---- */

static void peer_removing_end(struct peer_removing *r, int err, const char *why)
{
    list_remove(&r->link);
    r->done(r->owner, err, r->is_gone, why);
    mem_free(r);
}

/* The leader would say so again. */
static bool peer_removal_is_final(int err)
{
    return err == ERR_NOT_FOUND || err == ERR_INVALID || err == ERR_STALE ||
           err == ERR_UNSUPPORTED || err == ERR_CANCELED;
}

static void peer_removing_answered(void *owner, int err, const char *why)
{
    struct peer_removing *r = owner;
    struct peer *p = r->peer;
    bool is_done =
        err == OK || (err == ERR_NOT_FOUND && r->may_be_done && r->kind != PEER_REMOVAL_UNDO);
    r->is_gone = r->is_gone || err == ERR_NOT_FOUND;
    if (is_done || peer_removal_is_final(err)) {
        peer_removing_end(r, is_done ? OK : err, is_done ? "" : why);
        return;
    }
    bool refused = err == ERR_BUSY || err == ERR_NO_LEADER || err == ERR_NOT_LEADER ||
                   err == ERR_NOT_ENOUGH_PEERS;
    r->may_be_done = r->may_be_done || !refused;
    r->last_err = err;
    peer_words(r->why, sizeof(r->why), "%s", why);
    r->retry_at_us = p->now_us + PEER_ROLES_PAUSE_US;
}

static void peer_removing_called(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer_removing *r = owner;
    r->is_gone = r->kind == PEER_REMOVAL_FORCED;
    if (err == OK && r->kind == PEER_REMOVAL_GENTLE)
        err = depart_dismissed_decode(&r->is_gone, payload.data, payload.len);
    peer_removing_answered(owner, err,
                           err == ERR_UNSUPPORTED ? peer_removal_words(r->kind, err) : text);
}

static enum rpc_method peer_removal_method(enum peer_removal_kind kind)
{
    switch (kind) {
    case PEER_REMOVAL_GENTLE:
        break;
    case PEER_REMOVAL_FORCED:
        return RPC_MEMBER_REMOVE;
    case PEER_REMOVAL_UNDO:
        return RPC_STAY;
    }
    return RPC_DISMISS;
}

static void peer_removing_ask(struct peer *p, struct peer_removing *r)
{
    const struct raft_member *leader = peer_leader(p);
    struct peer_change *change = NULL;
    int err = ERR_NO_LEADER;
    r->retry_at_us = RAFT_NEVER;
    if (peer_leads(p)) {
        err = peer_removal_do(p, &r->id, r->kind, &change, &r->is_gone);
        if (change != NULL)
            peer_change_await(change, peer_removing_answered, r);
        else
            peer_removing_answered(r, err, peer_removal_words(r->kind, err));
        return;
    }
    if (leader != NULL)
        err = rpc_call(&p->rpc, p->now_us, &leader->id, peer_removal_method(r->kind),
                       (struct bytes){ r->id.bytes, r->id.len }, PEER_FIND_TIMEOUT_US,
                       peer_removing_called, r);
    if (err != OK)
        peer_removing_answered(r, err, peer_removal_words(r->kind, err));
}

static void peer_removing_expire(struct peer *p, struct peer_removing *r)
{
    if (r->retry_at_us == RAFT_NEVER) {
        rpc_forget(&p->rpc, r);
        peer_changes_forget(p, r);
        r->may_be_done = true;
    }
    if (r->may_be_done)
        peer_removing_end(r, ERR_OUTCOME_UNKNOWN, err_text(ERR_OUTCOME_UNKNOWN));
    else
        peer_removing_end(r, r->last_err, r->why);
}

int peer_member_remove(struct peer *p, const struct peer_id *id, enum peer_removal_kind kind,
                       peer_removal_done done, void *owner)
{
    if (p->life != PEER_MEMBER)
        return ERR_NO_LEADER;
    if (kind == PEER_REMOVAL_GENTLE && pinset_facts(p->pinset)->level < PINSET_LEVEL_DISMISSAL)
        kind = PEER_REMOVAL_FORCED;
    struct peer_removing *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    *r = (struct peer_removing){ .peer = p,
                                 .id = *id,
                                 .kind = kind,
                                 .deadline_us = p->now_us + p->options.commit_timeout_us,
                                 .retry_at_us = p->now_us,
                                 .last_err = ERR_NO_LEADER,
                                 .done = done,
                                 .owner = owner };
    peer_words(r->why, sizeof(r->why), "%s", err_text(ERR_NO_LEADER));
    list_push_back(&p->removals, &r->link);
    return OK;
}

void peer_removals_settle(struct peer *p)
{
    list_for_each_safe (at, after, &p->removals) {
        struct peer_removing *r = list_entry(at, struct peer_removing, link);
        if (r->deadline_us <= p->now_us)
            peer_removing_expire(p, r);
        else if (r->retry_at_us <= p->now_us)
            peer_removing_ask(p, r);
    }
}

uint64_t peer_removals_deadline_us(const struct peer *p)
{
    uint64_t due = RAFT_NEVER;
    list_for_each (at, &p->removals) {
        const struct peer_removing *r = list_entry(at, struct peer_removing, link);
        uint64_t next = r->retry_at_us < r->deadline_us ? r->retry_at_us : r->deadline_us;
        due = next < due ? next : due;
    }
    return due;
}

/* Calls and changes have ended: nobody else holds one of these. */
void peer_removals_end(struct peer *p)
{
    while (!list_is_empty(&p->removals))
        peer_removing_end(list_entry(p->removals.next, struct peer_removing, link), ERR_CANCELED,
                          err_text(ERR_CANCELED));
}
