/* peer_propose.c -- writes on their way through the log.
 *
 * A proposal carries (our member number, a sequence), and the state remembers which it has applied (DESIGN 14).
 * So there is one way to learn the outcome, whoever leads: our own state applies the entry. And there is one
 * cure for every loss on the way there: send it again. What remains after the deadline is honest: "no
 * leader" when it never left, "outcome unknown" when it may stand in somebody's log.
 *
 *      client ---> proposal ---> leader's log (ours, or by RPC_PROPOSE) ---> applied here ---> done
 *                      ^______________ again after a pause, a lost call, a new leader ______/ */
#include "peer_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* A write on its way: ends when its entry is applied here, whoever appended it. */
struct peer_proposal {
    struct list_link link;   /* in order of sequence */
    struct list_link outbox; /* in p->outbox: it leaves at this event's end */
    uint64_t sequence;
    struct buf request; /* what RPC_PROPOSE carries */
    uint64_t deadline_us;
    uint64_t retry_at_us;
    bool in_flight;     /* a forwarding call is pending */
    bool may_be_logged; /* it reached a leader, perhaps: the outcome is open until it is applied */
    peer_proposal_done done;
    void *owner;
    struct peer *peer;
};

static void peer_proposal_finish(struct peer *p, struct peer_proposal *proposal, int err,
                                 const struct pinset_applied *applied, const char *why)
{
    list_remove(&proposal->link);
    list_remove(&proposal->outbox);
    p->proposals_count -= 1;
    if (proposal->in_flight)
        rpc_forget(&p->rpc, proposal);
    peer_proposal_done done = proposal->done;
    void *owner = proposal->owner;
    buf_deinit(&proposal->request);
    mem_free(proposal);
    done(owner, err, applied, why);
}

/* ---- the request: the entry, and whom the client prefers ---- */

enum { PROPOSE_PRIORITY_MAX = LIMIT_MEMBERS_COUNT };

static void peer_request_encode(const struct pin_entry *entry, const struct peer_id *priority,
                                size_t priority_count, struct buf *out)
{
    struct buf bytes = { 0 };
    pin_entry_encode(entry, &bytes);
    if (bytes.err != OK)
        out->err = bytes.err;
    buf_put_run(out, bytes.data, bytes.len);
    buf_put_u16(out, (uint16_t)priority_count);
    for (size_t i = 0; i < priority_count; i++)
        buf_put_run(out, priority[i].bytes, priority[i].len);
    buf_deinit(&bytes);
}

static int peer_request_decode(struct peer *p, struct bytes request, struct pin_entry *entry,
                               struct peer_id **priority, size_t *priority_count)
{
    struct reader r = reader_of(request.data, request.len);
    struct bytes bytes = reader_run(&r, LIMIT_ENTRY_BYTES);
    *priority_count = reader_u16(&r);
    if (r.err != OK || *priority_count > PROPOSE_PRIORITY_MAX)
        return ERR_CORRUPT;
    *priority = arena_array(&p->arena, *priority_count + 1, sizeof(**priority));
    if (*priority == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < *priority_count; i++) {
        struct bytes id = reader_run(&r, LIMIT_PEER_ID_BYTES);
        if (r.err != OK || peer_id_from_bytes(&(*priority)[i], id.data, id.len) != OK)
            return ERR_CORRUPT;
    }
    int err = reader_finish(&r);
    return err == OK ? pin_entry_decode(entry, &p->arena, bytes.data, bytes.len) : err;
}

/* ---- the leader's side ---- */

static int peer_append_entry(struct peer *p, const struct pin_entry *entry, struct buf *why)
{
    const char *wrong = NULL;
    if (entry->kind == PIN_ENTRY_PIN && pin_check(&entry->pin, &wrong) != OK) {
        buf_append_text(why, wrong);
        return ERR_INVALID;
    }
    /* Who was asked may be new, or behind, and not know the member yet. */
    if (entry->kind == PIN_ENTRY_DRAIN &&
        raft_config_member_by_id(raft_config(p->raft), &entry->peer) == NULL) {
        buf_append_text(why, "there is no such peer in the cluster");
        return ERR_NOT_FOUND;
    }
    struct buf payload = { .limit = LIMIT_ENTRY_BYTES };
    pin_entry_encode(entry, &payload);
    struct raft_pos pos;
    int err = payload.err;
    if (err == OK)
        err = raft_propose(p->raft, payload.data, payload.len, &pos);
    buf_deinit(&payload);
    return err;
}

/* Appends what a request asks for, after deciding who shall hold the pin: only the leader hears everybody's
 * metrics at once (DESIGN "One picture"). A pin that comes with holders (a repair) keeps them. */
static int peer_append(struct peer *p, struct bytes request, struct buf *why)
{
    if (!peer_leads(p))
        return ERR_NOT_LEADER;
    struct pin_entry entry;
    struct peer_id *priority;
    size_t priority_count;
    int err = peer_request_decode(p, request, &entry, &priority, &priority_count);
    if (err != OK)
        return err;
    bool decides = entry.kind == PIN_ENTRY_PIN && entry.pin.allocations_count == 0;
    struct allocate_request asked = { .priority = priority, .priority_count = priority_count };
    if (decides)
        err = peer_allocate(p, &entry.pin, &asked, why);
    if (err == OK)
        err = peer_append_entry(p, &entry, why);
    if (decides && (err == OK || err == ERR_NOT_ENOUGH_PEERS))
        peer_note_decision(p, DECISION_WRITE, entry.origin.number, &entry.pin, &asked, err);
    return err;
}

void peer_on_propose(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct buf why = { 0 };
    int err = peer_append(p, payload, &why);
    if (err == OK)
        rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
    else
        rpc_refuse(&p->rpc, asker, err, why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&why);
}

/* ---- the origin's side ---- */

/* The leader said no, and would again: the client gets its words. */
static bool peer_refusal_is_final(int err)
{
    return err == ERR_NOT_ENOUGH_PEERS || err == ERR_TOO_BIG || err == ERR_INVALID ||
           err == ERR_CORRUPT || err == ERR_VERSION || err == ERR_NOT_FOUND;
}

/* All sequences below it have an outcome: the state may forget them. */
static uint64_t peer_proposals_floor(const struct peer *p)
{
    if (list_is_empty(&p->proposals))
        return p->next_sequence;
    return list_entry(p->proposals.next, struct peer_proposal, link)->sequence;
}

/* Looked at again at that time, or before. */
static void peer_proposal_retry_at(struct peer *p, struct peer_proposal *proposal, uint64_t at_us)
{
    proposal->retry_at_us = at_us;
    if (at_us < p->proposals_due_us)
        p->proposals_due_us = at_us;
}

static void peer_proposal_answered(struct peer *p, struct peer_proposal *proposal, int err,
                                   const char *why)
{
    if (peer_refusal_is_final(err) && !proposal->may_be_logged) {
        peer_proposal_finish(p, proposal, err, NULL, why);
        return;
    }
    /* Refused for sure, it is in nobody's log because of this call; else it may be. */
    bool refused = err == ERR_NOT_LEADER || err == ERR_BUSY || err == ERR_AUTH;
    if (!refused)
        proposal->may_be_logged = true;
    uint64_t pause_us = err == OK ? p->options.commit_timeout_us / 2 : PEER_PROPOSE_PAUSE_US;
    peer_proposal_retry_at(p, proposal, p->now_us + pause_us);
}

static void peer_proposal_forwarded(void *owner, int err, struct bytes payload, const char *text)
{
    (void)payload;
    struct peer_proposal *proposal = owner;
    proposal->in_flight = false;
    peer_proposal_answered(proposal->peer, proposal, err, text);
}

static void peer_proposal_forward(struct peer *p, struct peer_proposal *proposal,
                                  const struct peer_id *leader)
{
    int err = rpc_call(&p->rpc, p->now_us, leader, RPC_PROPOSE, buf_bytes(&proposal->request),
                       PEER_FIND_TIMEOUT_US, peer_proposal_forwarded, proposal);
    proposal->in_flight = err == OK;
    LOG_DEBUG(p->log, "cluster", "write %llu goes to the leader, %s",
              (unsigned long long)proposal->sequence, peer_id_print(leader).text);
    peer_proposal_retry_at(p, proposal,
                           err == OK ? RAFT_NEVER /* the call's end sets it */
                                     : p->now_us + PEER_PROPOSE_PAUSE_US);
}

static void peer_proposal_send(struct peer *p, struct peer_proposal *proposal)
{
    if (p->raft == NULL || proposal->in_flight)
        return;
    const struct raft_member *leader = peer_leader(p);
    if (peer_leads(p)) {
        struct buf why = { 0 };
        int err = peer_append(p, buf_bytes(&proposal->request), &why);
        peer_proposal_answered(p, proposal, err, why.len > 0 ? buf_text(&why) : err_text(err));
        buf_deinit(&why);
    } else if (leader != NULL) {
        peer_proposal_forward(p, proposal, &leader->id);
    } else {
        peer_proposal_retry_at(p, proposal, p->now_us + PEER_PROPOSE_PAUSE_US);
    }
}

int peer_propose(struct peer *p, struct pin_entry *entry, const struct peer_id *priority,
                 size_t priority_count, peer_proposal_done done, void *owner)
{
    ASSERT(done != NULL);
    if (p->life != PEER_MEMBER || p->is_stopping)
        return ERR_NO_LEADER;
    if (peer_has_no_room(p))
        return ERR_FULL; /* what cannot be stored here cannot be answered from here */
    uint64_t floor = peer_proposals_floor(p);
    if (p->proposals_count >= p->options.proposals_max ||
        p->next_sequence - floor >= LIMIT_ORIGIN_WINDOW_COUNT)
        return ERR_BUSY;
    struct peer_proposal *proposal = mem_zalloc(sizeof(*proposal));
    if (proposal == NULL)
        return ERR_NOMEM;
    entry->origin = (struct pin_origin){ .number = raft_number(p->raft),
                                         .sequence = p->next_sequence,
                                         .floor = floor };
    proposal->request.limit = LIMIT_ENTRY_BYTES;
    peer_request_encode(entry, priority, priority_count, &proposal->request);
    if (proposal->request.err != OK) {
        int err = proposal->request.err;
        buf_deinit(&proposal->request);
        mem_free(proposal);
        return err;
    }
    proposal->sequence = p->next_sequence++;
    proposal->deadline_us = p->now_us + p->options.commit_timeout_us;
    proposal->retry_at_us = RAFT_NEVER;
    if (proposal->deadline_us < p->proposals_due_us)
        p->proposals_due_us = proposal->deadline_us;
    proposal->done = done;
    proposal->owner = owner;
    proposal->peer = p;
    LOG_DEBUG(p->log, "cluster", "write %llu of this peer, of kind %d",
              (unsigned long long)proposal->sequence, (int)entry->kind);
    list_push_back(&p->proposals, &proposal->link);
    list_push_back(&p->outbox, &proposal->outbox); /* done never runs from inside here */
    p->proposals_count += 1;
    return OK;
}

void peer_proposals_on_applied(struct peer *p, const struct pinset_applied *applied)
{
    if (applied->origin.number != raft_number(p->raft))
        return;
    list_for_each (at, &p->proposals) {
        struct peer_proposal *proposal = list_entry(at, struct peer_proposal, link);
        if (proposal->sequence == applied->origin.sequence) {
            peer_proposal_finish(p, proposal, OK, applied, "");
            return;
        }
    }
}

/* A new leader, or none: what was under way may be lost, so it goes out again. */
void peer_proposals_on_role(struct peer *p)
{
    list_for_each (at, &p->proposals) {
        struct peer_proposal *proposal = list_entry(at, struct peer_proposal, link);
        if (proposal->in_flight) {
            rpc_forget(&p->rpc, proposal);
            proposal->in_flight = false;
            proposal->may_be_logged = true;
        }
        list_remove(&proposal->outbox);
        list_push_back(&p->outbox, &proposal->outbox);
    }
}

/* A call that is under way may have arrived already. */
static bool peer_proposal_is_open(const struct peer_proposal *proposal)
{
    return proposal->may_be_logged || proposal->in_flight;
}

/* What is left to say when the time is over. */
static void peer_proposal_expire(struct peer *p, struct peer_proposal *proposal)
{
    bool no_leader = peer_leader(p) == NULL;
    if (!peer_proposal_is_open(proposal))
        peer_proposal_finish(p, proposal, ERR_NO_LEADER, NULL, err_text(ERR_NO_LEADER));
    else
        peer_proposal_finish(p, proposal, ERR_OUTCOME_UNKNOWN, NULL,
                             no_leader ? "no leader any more: outcome unknown; safe to repeat"
                                       : err_text(ERR_OUTCOME_UNKNOWN));
}

static uint64_t peer_proposal_due_us(const struct peer_proposal *proposal)
{
    return proposal->retry_at_us < proposal->deadline_us ? proposal->retry_at_us
                                                         : proposal->deadline_us;
}

/* Those whose time has come; and when the next one's will. */
static void peer_proposals_look(struct peer *p)
{
    p->proposals_due_us = RAFT_NEVER;
    list_for_each_safe (at, after, &p->proposals) {
        struct peer_proposal *proposal = list_entry(at, struct peer_proposal, link);
        if (proposal->deadline_us <= p->now_us) {
            peer_proposal_expire(p, proposal);
            continue;
        }
        if (proposal->retry_at_us <= p->now_us) {
            list_remove(&proposal->outbox);
            list_push_back(&p->outbox, &proposal->outbox);
        } else if (peer_proposal_due_us(proposal) < p->proposals_due_us) {
            p->proposals_due_us = peer_proposal_due_us(proposal);
        }
    }
}

/* At every event's end: what was proposed in it leaves with it. Thousands may be on their way, so they are only
 * walked over when one of them may be due: proposals_due_us is never too late, and seldom too early. */
void peer_proposals_on_deadline(struct peer *p)
{
    if (p->proposals_due_us <= p->now_us)
        peer_proposals_look(p);
    struct list_link *link;
    while ((link = list_pop_front(&p->outbox)) != NULL) {
        struct peer_proposal *proposal = list_entry(link, struct peer_proposal, outbox);
        if (proposal->deadline_us < p->proposals_due_us)
            p->proposals_due_us = proposal->deadline_us;
        peer_proposal_send(p, proposal);
    }
}

uint64_t peer_proposals_deadline_us(const struct peer *p)
{
    if (list_is_empty(&p->proposals))
        return RAFT_NEVER;
    return list_is_empty(&p->outbox) ? p->proposals_due_us : p->now_us;
}

void peer_proposals_end(struct peer *p, int err)
{
    while (!list_is_empty(&p->proposals)) {
        struct peer_proposal *proposal = list_entry(p->proposals.next, struct peer_proposal, link);
        if (peer_proposal_is_open(proposal))
            peer_proposal_finish(p, proposal, ERR_OUTCOME_UNKNOWN, NULL,
                                 err_text(ERR_OUTCOME_UNKNOWN));
        else
            peer_proposal_finish(p, proposal, err, NULL, err_text(err));
    }
}
