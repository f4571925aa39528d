/* peer_decisions.c -- why these peers: what the leader decided on a pin, and from which metrics; for `explain`.
 *
 * Every peer has room for decisions, and fills it while it leads. The answer is text, made by the leader when it is
 * asked: version u8, then a JSON array. */
#include "peer_decisions.h"

#include "peer_int.h"
#include "util/err.h"
#include "util/json.h"

enum { DECISIONS_VERSION = 1 };

void peer_note_decision(struct peer *p, enum decision_cause cause, uint64_t asker,
                        const struct pin *pin, const struct allocate_request *request, int err)
{
    const struct raft_member *asked = raft_config_member(raft_config(p->raft), asker);
    static const struct peer_id nobody;
    const struct decision one = { .cause = cause,
                                  .err = err,
                                  .cid = pin->cid,
                                  .asked = asked != NULL ? asked->id : nobody,
                                  .at_us = p->wall_us,
                                  .request = request,
                                  .allocations = err == OK ? pin->allocations : NULL,
                                  .allocations_count = err == OK ? pin->allocations_count : 0 };
    decisions_note(p->decisions, &one);
}

/* ---- the leader's side ---- */

void peer_on_decision(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct cid cid;
    struct buf answer = { .limit = LIMIT_FRAME_BYTES / 2 };
    int err = peer_leads(p) ? cid_from_bytes(&cid, payload.data, payload.len) : ERR_NOT_LEADER;
    if (err == OK) {
        buf_put_u8(&answer, DECISIONS_VERSION);
        decisions_print(p->decisions, &cid, &answer);
        err = answer.err;
    }
    if (err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&answer));
    else
        rpc_refuse(&p->rpc, asker, err, err_text(err));
    buf_deinit(&answer);
}

/* ---- the asker's side ---- */

/* The JSON of an answer, if it is some. */
static int peer_decision_decode(struct bytes payload, struct bytes *json)
{
    struct reader r = reader_of(payload.data, payload.len);
    struct json_doc doc;
    uint8_t version = reader_u8(&r);
    if (r.err != OK)
        return ERR_CORRUPT;
    if (version != DECISIONS_VERSION)
        return ERR_VERSION;
    int err = json_parse(&doc, (const char *)r.at, r.left);
    if (err != OK)
        return err == ERR_INVALID ? ERR_CORRUPT : err;
    bool is_array = json_kind(&doc, 0) == JSON_ARRAY;
    json_doc_deinit(&doc);
    *json = (struct bytes){ r.at, r.left };
    return is_array ? OK : ERR_CORRUPT;
}

static void peer_decision_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct api_decision *q = owner;
    struct bytes json = { NULL, 0 };
    q->is_open = false;
    if (err == OK) {
        err = peer_decision_decode(payload, &json);
        text = err_text(err);
    } else if (err == ERR_UNSUPPORTED) {
        text = "the leader is older and does not know this question: upgrade it";
    } else if (err == ERR_TIMEOUT || err == ERR_UNREACHABLE || err == ERR_NOT_LEADER) {
        err = ERR_NO_LEADER; /* it led a moment ago */
        text = "the leader does not answer";
    }
    q->done(q, err, json, text);
}

static int peer_decision_answer(struct peer *p, struct api_decision *q)
{
    struct buf json = { 0 };
    decisions_print(p->decisions, &q->cid, &json);
    int err = json.err;
    if (err == OK)
        q->done(q, OK, buf_bytes(&json), "");
    buf_deinit(&json);
    return err;
}

int peer_decision_ask(void *impl, struct api_decision *q)
{
    struct peer *p = impl;
    peer_enter(p);
    const struct raft_member *leader = p->raft != NULL ? peer_leader(p) : NULL;
    int err = leader == NULL ? ERR_NO_LEADER : OK;
    if (err == OK && peer_leads(p)) {
        err = peer_decision_answer(p, q);
    } else if (err == OK) {
        err = rpc_call(&p->rpc, p->now_us, &leader->id, RPC_DECISION,
                       (struct bytes){ q->cid.bytes, q->cid.len }, PEER_FIND_TIMEOUT_US,
                       peer_decision_answered, q);
        q->is_open = err == OK;
    }
    peer_leave(p);
    return err;
}

void peer_decision_forget(void *impl, struct api_decision *q)
{
    struct peer *p = impl;
    if (q->is_open)
        rpc_forget(&p->rpc, q);
    q->is_open = false;
}
