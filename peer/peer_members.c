/* peer_members.c -- who belongs (DESIGN 7; who votes: peer_roles.c).
 *
 * Every change is one configuration entry, one at a time: admit a learner, remove a member, correct addresses. Whoever wants a change asks the leader and asks again until it has happened; the
 * leader keeps no queue. So a change of leader loses nothing but a question. */
#include "peer_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

_Static_assert((int)JOIN_ADDRS_MAX <= (int)RAFT_MEMBER_ADDRS_MAX,
               "a request's addresses fit a member");

const struct raft_member *peer_leader(const struct peer *p)
{
    if (p->raft == NULL)
        return NULL;
    return raft_config_member(raft_config(p->raft), raft_leader(p->raft));
}

bool peer_leads(const struct peer *p)
{
    return p->raft != NULL && raft_state(p->raft) == RAFT_LEADER;
}

/* ---- answers that wait for a configuration to be committed ---- */

struct peer_change {
    struct list_link link;
    struct raft_pos pos;
    struct rpc_asker asker; /* another peer's question, or */
    peer_change_done done;  /* our own door's */
    void *owner;
    struct buf answer;
};

static void peer_change_finish(struct peer *p, struct peer_change *change, int err)
{
    list_remove(&change->link);
    if (change->done != NULL)
        change->done(change->owner, err, err_text(err));
    else if (err == OK)
        rpc_reply(&p->rpc, &change->asker, buf_bytes(&change->answer));
    else
        rpc_refuse(&p->rpc, &change->asker, err, err_text(err));
    buf_deinit(&change->answer);
    mem_free(change);
}

int peer_change_propose(struct peer *p, const struct raft_config *next, struct peer_change **out)
{
    struct peer_change *change = mem_zalloc(sizeof(*change));
    if (change == NULL)
        return ERR_NOMEM;
    int err = raft_propose_config(p->raft, next, &change->pos);
    if (err != OK) {
        mem_free(change);
        return err;
    }
    list_push_back(&p->changes, &change->link);
    *out = change;
    return OK;
}

void peer_change_await(struct peer_change *change, peer_change_done done, void *owner)
{
    change->done = done;
    change->owner = owner;
}

struct buf *peer_change_answer(struct peer_change *change)
{
    return &change->answer;
}

void peer_change_await_call(struct peer_change *change, const struct rpc_asker *asker)
{
    change->asker = *asker;
}

static void peer_change_nobody_waits(void *owner, int err, const char *why)
{
    (void)owner;
    (void)err;
    (void)why;
}

void peer_changes_forget(struct peer *p, const void *owner)
{
    list_for_each (at, &p->changes) {
        struct peer_change *change = list_entry(at, struct peer_change, link);
        if (change->done != NULL && change->owner == owner)
            peer_change_await(change, peer_change_nobody_waits, NULL);
    }
}

void peer_changes_settle(struct peer *p)
{
    list_for_each_safe (at, after, &p->changes) {
        struct peer_change *change = list_entry(at, struct peer_change, link);
        if (raft_committed(p->raft) >= change->pos.index) {
            bool ours = raft_term_at(p->raft, change->pos.index) == change->pos.term;
            peer_change_finish(p, change, ours ? OK : ERR_OUTCOME_UNKNOWN);
        } else if (raft_state(p->raft) != RAFT_LEADER) {
            peer_change_finish(p, change, ERR_OUTCOME_UNKNOWN);
        }
    }
}

void peer_changes_end(struct peer *p, int err)
{
    while (!list_is_empty(&p->changes))
        peer_change_finish(p, list_entry(p->changes.next, struct peer_change, link), err);
}

/* ---- admitting ---- */

/* A founder's address stands in the configuration only when a leader has heard it; until then what the operator
 * wrote is all there is, and must not be lost: it is how the others are found after a restart. */
static size_t peer_told_addresses(const struct peer *p, const struct raft_member *m,
                                  struct peer_address *rows, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < m->addrs_count && count < room; i++)
        rows[count++] = (struct peer_address){ .id = m->id, .addr = m->addrs[i] };
    if (m->addrs_count > 0)
        return count;
    for (size_t i = 0; i < p->options.cluster_peers_count && count < room; i++) {
        if (peer_id_equal(&p->options.cluster_peers[i].id, &m->id))
            rows[count++] = p->options.cluster_peers[i];
    }
    return count;
}

/* A founder whose address no leader has heard yet is known to the others by their own lists, but not to one who comes later:
 * those two would never meet. So it is told what our list says, until the founder is heard. */
static void peer_fill_addresses(const struct peer *p, struct raft_config *next)
{
    for (size_t i = 0; i < next->count; i++) {
        struct raft_member *m = &next->members[i];
        struct peer_address rows[RAFT_MEMBER_ADDRS_MAX];
        size_t count =
            m->addrs_count > 0 ? 0 : peer_told_addresses(p, m, rows, RAFT_MEMBER_ADDRS_MAX);
        for (size_t k = 0; k < count; k++)
            m->addrs[m->addrs_count++] = rows[k].addr;
    }
}

/* Puts the stranger into `next` as a learner with the next number. A known id has lost its disk, or never got
 * our answer and lives another life: its old number goes in the same step. */
static int peer_admission(struct peer *p, const struct join_request *r, struct raft_config *next,
                          uint64_t *number)
{
    const struct raft_member *known = raft_config_member_by_id(next, &r->id);
    int err = OK;
    if (known != NULL) {
        LOG_INFO(p->log, "cluster", "%s asks to join again: member %llu is retired",
                 peer_id_print(&r->id).text, (unsigned long long)known->number);
        err = raft_config_remove(next, known->number);
    }
    struct raft_member member = { .number = next->next_number,
                                  .role = RAFT_LEARNER,
                                  .id = r->id,
                                  .addrs_count = r->addrs_count };
    memcpy(member.addrs, r->addrs, member.addrs_count * sizeof(member.addrs[0]));
    next->next_number += 1;
    *number = member.number;
    peer_fill_addresses(p, next);
    return err == OK ? raft_config_add(next, &member) : err;
}

static int peer_admit(struct peer *p, const struct rpc_asker *asker, const struct join_request *r)
{
    struct join_answer answer = { .number = join_desk_number(&p->desk, r) };
    memcpy(answer.cluster_id, p->cluster.bytes, CLUSTER_ID_BYTES);
    if (answer.number != 0 && raft_config_member(raft_config(p->raft), answer.number) != NULL) {
        if (!raft_config_is_committed(p->raft))
            return ERR_BUSY; /* a number is told only when its entry is committed */
        struct buf out = { 0 };
        join_answer_encode(&answer, &out);
        rpc_reply(&p->rpc, asker, buf_bytes(&out));
        buf_deinit(&out);
        return OK;
    }
    struct raft_config next;
    int err = raft_config_copy(&next, raft_config(p->raft));
    if (err != OK)
        return err;
    struct peer_change *change;
    err = peer_admission(p, r, &next, &answer.number);
    if (err == OK)
        err = peer_change_propose(p, &next, &change);
    raft_config_deinit(&next);
    if (err != OK)
        return err;
    peer_change_await_call(change, asker);
    join_answer_encode(&answer, &change->answer);
    join_desk_admit(&p->desk, r, answer.number);
    return OK;
}

/* A question for the leader that came to somebody else: pass it on, and the answer back. */
struct peer_relay {
    struct peer *peer;
    struct rpc_asker asker;
};

static void peer_relay_done(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer_relay *relay = owner;
    if (err == OK)
        rpc_reply(&relay->peer->rpc, &relay->asker, payload);
    else if (err != ERR_CANCELED)
        rpc_refuse(&relay->peer->rpc, &relay->asker, err, text);
    mem_free(relay);
}

/* Never in a circle: what a member passed on to us as the leader is not passed on again. */
static void peer_relay(struct peer *p, const struct rpc_asker *asker, enum rpc_method method,
                       struct bytes payload, bool was_passed_on)
{
    const struct raft_member *leader = peer_leader(p);
    if (leader == NULL || leader->number == raft_number(p->raft) || was_passed_on) {
        rpc_refuse(&p->rpc, asker, leader == NULL ? ERR_NO_LEADER : ERR_NOT_LEADER,
                   err_text(leader == NULL ? ERR_NO_LEADER : ERR_NOT_LEADER));
        return;
    }
    struct peer_relay *relay = mem_alloc(sizeof(*relay));
    if (relay == NULL) {
        rpc_refuse(&p->rpc, asker, ERR_NOMEM, err_text(ERR_NOMEM));
        return;
    }
    *relay = (struct peer_relay){ .peer = p, .asker = *asker };
    int err = rpc_call(&p->rpc, p->now_us, &leader->id, method, payload, PEER_JOIN_TIMEOUT_US,
                       peer_relay_done, relay);
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        mem_free(relay);
    }
}

/* What the cluster writes, it could not read (DESIGN 10). */
static void peer_refuse_old(struct peer *p, const struct rpc_asker *asker,
                            const struct join_request *r)
{
    char why[160];
    peer_words(why, sizeof(why),
               "this cluster's data has format level %u, and the peer that asks to join knows "
               "levels up to %u: upgrade it",
               pinset_facts(p->pinset)->level, r->level);
    LOG_WARN(p->log, "cluster", "%s is not admitted: %s", peer_id_print(&r->id).text, why);
    rpc_refuse(&p->rpc, asker, ERR_VERSION, why);
}

void peer_on_join(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct join_request request;
    int err = join_request_decode(&request, payload.data, payload.len);
    bool from_member =
        p->raft != NULL && raft_config_member_by_id(raft_config(p->raft), &asker->from) != NULL;
    if (err == OK && !from_member && !peer_id_equal(&request.id, &asker->from))
        err = ERR_AUTH; /* a stranger speaks for itself only */
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    if (!peer_leads(p)) {
        /* A peer that asks for itself may be a member by its id: it has lost its disk (DESIGN 7). */
        peer_relay(p, asker, RPC_JOIN, payload, !peer_id_equal(&request.id, &asker->from));
        return;
    }
    if (request.level < pinset_facts(p->pinset)->level) {
        peer_refuse_old(p, asker, &request);
        return;
    }
    if (cluster_id_is_none(&p->cluster) || p->level_is_proposed)
        err = ERR_BUSY; /* no newcomer before the cluster has a name, or while its level rises */
    else
        err = peer_admit(p, asker, &request);
    if (err != OK)
        rpc_refuse(&p->rpc, asker, err, err_text(err));
}

/* ---- inviting (peers add) ---- */

struct peer_inviting {
    struct peer *peer;
    struct peer_id id;
    peer_change_done done;
    void *owner;
};

static void peer_invite_done(void *owner, int err, struct bytes payload, const char *text)
{
    (void)payload;
    struct peer_inviting *inviting = owner;
    inviting->done(inviting->owner, err, text);
    mem_free(inviting);
}

int peer_member_invite(struct peer *p, const struct peer_address *address, peer_change_done done,
                       void *owner)
{
    if (p->raft == NULL || peer_leader(p) == NULL)
        return ERR_NO_LEADER;
    struct join_request here = { .id = p->options.id, .ticket = 1, .level = p->options.level };
    here.addrs_count = transport_listen_addresses(&p->ports.transport, here.addrs, JOIN_ADDRS_MAX);
    struct peer_inviting *inviting = mem_alloc(sizeof(*inviting));
    if (inviting == NULL)
        return ERR_NOMEM;
    *inviting =
        (struct peer_inviting){ .peer = p, .id = address->id, .done = done, .owner = owner };
    struct buf out = { 0 };
    join_request_encode(&here, &out);
    int err = out.err;
    if (err == OK && address->addr.len > 0) /* else it is known, or nobody can be asked */
        err = transport_set_addresses(&p->ports.transport, &address->id, &address->addr, 1);
    if (err == OK)
        err = rpc_call(&p->rpc, p->now_us, &address->id, RPC_INVITE, buf_bytes(&out),
                       p->options.commit_timeout_us, peer_invite_done, inviting);
    buf_deinit(&out);
    if (err != OK)
        mem_free(inviting);
    return err;
}

/* A cluster of one without pins may move to another cluster; one with pins would lose them (DESIGN 8). */
void peer_on_invite(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct join_request there;
    int err = join_request_decode(&there, payload.data, payload.len);
    if (err == OK && !peer_id_equal(&there.id, &asker->from))
        err = ERR_AUTH;
    if (err != OK || there.addrs_count == 0) {
        rpc_refuse(&p->rpc, asker, err != OK ? err : ERR_INVALID,
                   "an invitation says where to come");
        return;
    }
    if (p->raft == NULL || raft_config(p->raft)->count > 1) {
        rpc_refuse(&p->rpc, asker, ERR_EXISTS,
                   "this peer belongs to a cluster already: remove it there first");
        return;
    }
    if (pinset_facts(p->pinset)->pins_count > 0) {
        rpc_refuse(
            &p->rpc, asker, ERR_EXISTS,
            "this peer has pins of its own: export them (state export) and clean its state first");
        return;
    }
    struct peer_address via[JOIN_ADDRS_MAX];
    for (size_t i = 0; i < there.addrs_count; i++)
        via[i] = (struct peer_address){ .id = there.id, .addr = there.addrs[i] };
    rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
    peer_leave_cluster(p, "moves to the cluster that invited it", via, there.addrs_count);
}

/* Was this number given out once, and is it a member no more? Numbers only grow, so a peer that has not yet
 * heard of an admission cannot be mistaken. */
bool peer_was_removed(const struct peer *p, uint64_t number)
{
    const struct raft_config *c = raft_config(p->raft);
    return raft_config_is_committed(p->raft) && number != RAFT_NOBODY && number < c->next_number &&
           raft_config_member(c, number) == NULL;
}

/* ---- addresses ---- */

static void peer_propose_addresses(struct peer *p, uint64_t number, const struct multiaddr *addrs,
                                   size_t addrs_count)
{
    struct raft_config next;
    if (raft_config_copy(&next, raft_config(p->raft)) != OK)
        return; /* again after the pause */
    struct raft_pos pos;
    int err = raft_config_set_addrs(&next, number, addrs, addrs_count);
    if (err == OK)
        err = raft_propose_config(p->raft, &next, &pos);
    if (err == OK)
        LOG_INFO(p->log, "cluster", "member %llu has new addresses", (unsigned long long)number);
    raft_config_deinit(&next);
}

/* A member says where it listens; the configuration is corrected by an entry (DESIGN 7). Leader only. */
void peer_note_addresses(struct peer *p, const struct peer_id *id, const struct multiaddr *addrs,
                         size_t count)
{
    if (!peer_leads(p) || count == 0 || !raft_config_is_committed(p->raft))
        return;
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), id);
    if (m == NULL)
        return;
    if (count > RAFT_MEMBER_ADDRS_MAX)
        count = RAFT_MEMBER_ADDRS_MAX;
    bool same = m->addrs_count == count;
    for (size_t i = 0; i < count && same; i++)
        same = multiaddr_equal(&m->addrs[i], &addrs[i]);
    if (!same)
        peer_propose_addresses(p, m->number, addrs, count);
}

/* The first leader gives the cluster its name; it holds once committed and applied (DESIGN 8). */
static void peer_name_cluster(struct peer *p)
{
    if (!cluster_id_is_none(&p->cluster) || p->cluster_id_proposed)
        return;
    struct pin_entry entry = { .kind = PIN_ENTRY_CLUSTER_ID };
    rng_bytes(&p->ports.rng, RNG_IDENTITY, entry.cluster_id, sizeof(entry.cluster_id));
    entry.cluster_id[0] |= 1; /* all zeroes would mean none */
    struct buf payload = { 0 };
    pin_entry_encode(&entry, &payload);
    struct raft_pos pos;
    int err = payload.err;
    if (err == OK)
        err = raft_propose(p->raft, payload.data, payload.len, &pos);
    p->cluster_id_proposed = err == OK;
    buf_deinit(&payload);
}

void peer_members_on_deadline(struct peer *p)
{
    if (!peer_leads(p) || p->now_us < p->roles_at_us)
        return;
    p->roles_at_us = p->now_us + PEER_ROLES_PAUSE_US;
    struct multiaddr own[RAFT_MEMBER_ADDRS_MAX];
    size_t count = transport_listen_addresses(&p->ports.transport, own, RAFT_MEMBER_ADDRS_MAX);
    peer_note_addresses(p, &p->options.id, own, count);
    peer_name_cluster(p);
    peer_retire_step(p);
    peer_departures_step(p);
    peer_roles_step(p);
}

uint64_t peer_members_deadline_us(const struct peer *p)
{
    return peer_leads(p) ? p->roles_at_us : RAFT_NEVER;
}

/* ---- a new configuration is in force ---- */

size_t peer_others(const struct peer *p, struct peer_address *rows, size_t room)
{
    const struct raft_config *c = raft_config(p->raft);
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        if (!peer_id_equal(&m->id, &p->options.id))
            count += peer_told_addresses(p, m, rows + count, room - count);
    }
    return count;
}

void peer_tell_members(struct peer *p)
{
    if (p->edit_is_open)
        return; /* what the operator wrote is not ours to overwrite yet */
    if (raft_config(p->raft)->count == 0)
        return; /* admitted, and not told yet among whom: the list is how they are found if the disk is lost now */
    struct peer_address rows[LIMIT_MEMBERS_COUNT];
    size_t count = peer_others(p, rows, LIMIT_MEMBERS_COUNT);
    if (p->hooks.on_members != NULL)
        p->hooks.on_members(p->hooks.owner, rows, count);
}

/* Where the configuration says, and then where the operator has written: who was away while others moved may
 * know better from a file that was edited since. */
static void peer_dial_at(struct peer *p, const struct raft_member *m)
{
    struct multiaddr addrs[LIMIT_PEER_ADDRESSES_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < m->addrs_count; i++)
        addrs[count++] = m->addrs[i];
    for (size_t i = 0; i < p->options.cluster_peers_count; i++) {
        const struct peer_address *row = &p->options.cluster_peers[i];
        bool is_new = peer_id_equal(&row->id, &m->id) && count < LIMIT_PEER_ADDRESSES_COUNT;
        for (size_t k = 0; k < count && is_new; k++)
            is_new = !multiaddr_equal(&addrs[k], &row->addr);
        if (is_new)
            addrs[count++] = row->addr;
    }
    if (count > 0)
        (void)transport_set_addresses(&p->ports.transport, &m->id, addrs, count);
}

void peer_on_config_changed(struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        if (m->number == raft_number(p->raft))
            continue;
        peer_dial_at(p, m);
        transport_connect(&p->ports.transport, &m->id);
    }
    peer_health_on_config(p, c);
    peer_swarm_again(p);
    peer_tell_config(p, c);
    peer_tell_members(p);
}
