/* peer_depart.c -- members on their way out: the leader lets one go when nothing is lost with it.
 *
 *      marked in the configuration: LEAVING by its own wish (peer_leave.c), DISMISSED by the operator (peer_removal.c)
 *         |    repair gives what the state has for it to others, as of a peer that is gone
 *         v
 *      the state has nothing more for it
 *         |    KEEPS? ---> the member: how many pins do I hold that those others have not pinned yet (peer_surplus.c)?
 *         v    <---------- asked again until the answer is none
 *      removed
 *
 * An allocation is a plan, no copy. Who switches a machine off because its peer is out must not lose the only one, so the
 * last word has the member that holds it, after it has heard from the others. One that is down has nothing to say, and is
 * removed.
 *
 * What all peers hold names nobody and never moves: a member on its way out holds it until somebody who stays has it. And
 * some pins cannot move, because too few peers would be left for their factor: when the state has only such pins for a
 * dismissed member, it is told to give them up, too, each once somebody who stays has it. A leaver is not told: its time is
 * short anyway (shutdown_timeout), and others may come meanwhile.
 *
 * The mark stands in the configuration, and everything else is looked at anew: a new leader goes on. */
#include "peer_int.h"

#include "members/depart.h"
#include "util/err.h"

enum { DEPART_PINS_A_STEP = LIMIT_VIEW_STEPS_COUNT / 8 };

/* ---- the mark ---- */

int peer_mark(struct peer *p, const struct raft_member *m, enum raft_role_in_config role,
              struct peer_change **change)
{
    if (m->role == RAFT_VOTER && !peer_can_spare_vote(p, m->number))
        return ERR_NOT_ENOUGH_PEERS;
    struct raft_config next;
    int err = raft_config_copy(&next, raft_config(p->raft));
    if (err != OK)
        return err;
    err = raft_config_set_role(&next, m->number, role);
    if (err == OK)
        err = peer_change_propose(p, &next, change);
    raft_config_deinit(&next);
    return err;
}

bool peer_stays(const struct peer *p, const struct peer_id *id)
{
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), id);
    return m != NULL && !raft_member_goes(m);
}

/* ---- the leader: what the state has for it ---- */

static struct peer_departure *peer_departure_of(struct peer *p, const struct raft_member *m)
{
    const struct raft_config *c = raft_config(p->raft);
    struct peer_departure *d = NULL;
    for (size_t i = 0; i < PEER_DEPARTURES_MAX; i++) {
        struct peer_departure *one = &p->departures[i];
        if (one->number == m->number) {
            d = one;
            break;
        }
        if (d == NULL && raft_config_member(c, one->number) == NULL)
            d = one;
    }
    bool is_old = d != NULL &&
                  (d->number != m->number || d->index != c->index || d->term != raft_term(p->raft));
    if (is_old) {
        rpc_forget(&p->rpc, d);
        *d = (struct peer_departure){
            .peer = p, .number = m->number, .index = c->index, .term = raft_term(p->raft)
        };
    }
    return d;
}

static size_t peer_count_takers(const struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count +=
            !raft_member_goes(&c->members[i]) && !pinset_is_drained(p->pinset, &c->members[i].id);
    return count;
}

/* ERR_BUSY: it will move. */
static int peer_departure_pass(struct view *view, const struct cid *cid, size_t takers)
{
    struct pin pin;
    struct arena arena = { 0 };
    int err = pinset_get(view, cid, &arena, &pin);
    bool moves = err == OK && pin.replication_min <= (int32_t)takers;
    arena_deinit(&arena);
    return moves ? ERR_BUSY : err;
}

/* Goes on over what the state has for it. True: there is nothing, or only what cannot move. */
static bool peer_departure_walk(struct peer *p, struct peer_departure *d, const struct peer_id *id)
{
    struct view view;
    if (p->applied < raft_config(p->raft)->index || peer_view(p, &view) != OK)
        return false; /* the state must have all that was proposed before the mark */
    size_t takers = peer_count_takers(p);
    struct pinset_held_cursor cursor = pinset_held_after(&view, id, &d->at);
    struct cid held;
    int err = OK;
    bool is_through = false;
    for (size_t i = 0; i < DEPART_PINS_A_STEP && err == OK && !is_through; i++) {
        err = pinset_next_held(&cursor, &held);
        is_through = err == ERR_NOT_FOUND;
        if (err == OK)
            err = peer_departure_pass(&view, &held, takers);
        if (err == OK) {
            d->at = held;
            d->is_stuck = true;
        }
    }
    peer_view_end(p, &view);
    return is_through;
}

/* ---- the leader: what it says itself ---- */

static void peer_departure_answered(void *owner, int err, struct bytes payload, const char *text)
{
    (void)text;
    struct peer_departure *d = owner;
    uint64_t kept;
    d->is_asked = false;
    if (err == OK && depart_kept_decode(&kept, payload.data, payload.len) == OK)
        d->is_empty = kept == 0;
    if (d->is_empty)
        d->peer->roles_at_us = d->peer->now_us;
}

static void peer_departure_ask(struct peer *p, struct peer_departure *d,
                               const struct raft_member *m)
{
    if (d->is_asked || p->now_us < d->ask_at_us)
        return;
    d->ask_at_us = p->now_us + PEER_LEAVE_PAUSE_US;
    struct depart_question q = { .index = d->index,
                                 .gives_all_up = d->is_stuck && m->role == RAFT_DISMISSED };
    struct buf out = { 0 };
    depart_question_encode(&q, &out);
    d->is_asked = out.err == OK && rpc_call(&p->rpc, p->now_us, &m->id, RPC_KEEPS, buf_bytes(&out),
                                            PEER_FIND_TIMEOUT_US, peer_departure_answered, d) == OK;
    buf_deinit(&out);
}

static bool peer_may_go(struct peer *p, const struct raft_member *m)
{
    if (monitor_liveness(p->monitor, p->now_us, &m->id) == LIVENESS_DOWN)
        return true;
    struct peer_departure *d = peer_departure_of(p, m);
    if (d == NULL || !peer_departure_walk(p, d, &m->id) || (d->is_stuck && m->role == RAFT_LEAVING))
        return false;
    if (d->is_empty || pinset_facts(p->pinset)->level < PINSET_LEVEL_DISMISSAL)
        return true;
    peer_departure_ask(p, d, m);
    return false;
}

void peer_departures_step(struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    for (size_t i = 0; i < c->count && raft_config_is_committed(p->raft); i++) {
        const struct raft_member *m = &c->members[i];
        if (!raft_member_goes(m) || !peer_may_go(p, m))
            continue;
        struct raft_config next;
        struct raft_pos pos;
        if (raft_config_copy(&next, c) != OK)
            return; /* again after the pause */
        LOG_INFO(p->log, "cluster", "member %llu has left", (unsigned long long)m->number);
        int err = raft_config_remove(&next, m->number);
        if (err == OK)
            err = raft_propose_config(p->raft, &next, &pos);
        raft_config_deinit(&next);
        return; /* `c` is another one now */
    }
}

/* ---- the member ---- */

static const struct raft_member *peer_going_member(const struct peer *p)
{
    const struct raft_member *self =
        p->raft == NULL ? NULL : raft_config_member(raft_config(p->raft), raft_number(p->raft));
    return self != NULL && raft_member_goes(self) ? self : NULL;
}

bool peer_count_kept(const struct peer *p, uint64_t *count)
{
    return peer_going_member(p) != NULL && tracker_kept(p->tracker, count);
}

void peer_on_keeps(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct depart_question q;
    uint64_t kept;
    int err = depart_question_decode(&q, payload.data, payload.len);
    if (err == OK && (p->applied < q.index || !peer_count_kept(p, &kept)))
        err = ERR_BUSY;
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    p->gives_all_up = q.gives_all_up;
    struct buf out = { 0 };
    depart_kept_encode(kept, &out);
    rpc_reply(&p->rpc, asker, buf_bytes(&out));
    buf_deinit(&out);
}

/* Before the tracker's turn. A mark that is not committed may be taken back: until then all stays as it was. */
void peer_grip_settle(struct peer *p)
{
    if (!raft_config_is_committed(p->raft))
        return;
    bool goes = peer_going_member(p) != NULL;
    p->gives_all_up = p->gives_all_up && goes;
    enum tracker_grip grip = p->gives_all_up ? GRIP_NOTHING : goes ? GRIP_NAMED : GRIP_ALL;
    tracker_set_grip(p->tracker, grip);
}
