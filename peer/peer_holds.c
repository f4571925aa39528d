/* peer_holds.c -- another peer asks whether this one has a pin, to let go of its own copy (peer_surplus.c).
 *
 * A row says what the daemon answered once. It may have lost its repository since, which is found at the next sync only, and
 * the copy that is asked for may be the last one. So a row is enough for a no, never for a yes: that is the daemon's to
 * say, now. What it lacks, the tracker is told to look at.
 *
 * A few questions at a time: who is refused as busy keeps its copy, and asks again. */
#include "peer_int.h"

#include "ipfs/kubo_request.h"
#include "peer_ask.h"
#include "tracker/tracker_status.h"
#include "util/err.h"

static void holds_answer(struct peer *p, const struct rpc_asker *asker, int err, const char *text)
{
    if (err == OK)
        rpc_reply(&p->rpc, asker, (struct bytes){ NULL, 0 });
    else
        rpc_refuse(&p->rpc, asker, err, text);
}

static void holds_said(void *owner, int err, const char *text)
{
    struct peer_holding *h = owner;
    struct peer *p = h->peer;
    h->is_busy = false;
    if (err == ERR_NOT_FOUND)
        tracker_sync(p->tracker, &h->cid);
    holds_answer(p, &h->asker, err, text);
}

/* OK: our row says so, too, and this is how the state wants it pinned. */
static int holds_by_row(struct peer *p, const struct cid *cid, enum kubo_pin_type *type)
{
    struct view state, local;
    struct tracker_info info;
    struct pin pin;
    if (p->raft == NULL)
        return ERR_BUSY;
    int err = peer_view(p, &state);
    if (err != OK)
        return err;
    err = peer_local_view(p, &local);
    if (err == OK) {
        err = tracker_status_of(p->tracker, &state, &local, cid, &p->arena, &info);
        peer_local_view_end(p, &local);
    }
    if (err == OK)
        err = info.status == TRACKER_PINNED ? pinset_get(&state, cid, &p->arena, &pin)
                                            : ERR_NOT_FOUND;
    peer_view_end(p, &state);
    if (err == OK)
        *type = pin.max_depth == PIN_DEPTH_DIRECT ? KUBO_PIN_DIRECT : KUBO_PIN_RECURSIVE;
    return err;
}

static int holds_ask(struct peer *p, struct peer_holding *h, enum kubo_pin_type type)
{
    struct peer_ask *ask = peer_ask_new(p, KUBO_PIN_LS_ONE, NULL, holds_said, h);
    if (ask == NULL)
        return ERR_NOMEM;
    kubo_request_pin_ls_one(&ask->target, &h->cid, type);
    return peer_ask_start(ask, peer_surplus_patience_us(p)); /* nobody waits longer */
}

static struct peer_holding *holds_free_one(struct peer *p)
{
    for (size_t i = 0; i < PEER_HOLDINGS_MAX; i++) {
        if (!p->holdings[i].is_busy)
            return &p->holdings[i];
    }
    return NULL;
}

void peer_on_holds(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct peer_holding *h = holds_free_one(p);
    struct cid cid;
    enum kubo_pin_type type;
    int err = cid_from_bytes(&cid, payload.data, payload.len);
    if (err == OK && h == NULL)
        err = ERR_BUSY;
    if (err == OK)
        err = holds_by_row(p, &cid, &type);
    if (err == OK) {
        *h = (struct peer_holding){ .peer = p, .cid = cid, .asker = *asker, .is_busy = true };
        err = holds_ask(p, h, type);
        h->is_busy = err == OK;
    }
    if (err != OK)
        holds_answer(p, asker, err, err_text(err));
}
