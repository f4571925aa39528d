/* peer_surplus.c -- may this peer let go of a pin that moved to others? It asks those who should hold it.
 *
 * One question a pin and holder (HOLDS: peer_holds.c), a few pins at a time; the tracker keeps the pin, and asks anew, until
 * at least the minimum of copies is pinned elsewhere. Who does not answer has nothing. Neither has a peer of an older version,
 * which does not know the question: its status would say what its daemon had once. While a cluster is being upgraded, what
 * moved to peers that are still to come stays. */
#include "peer_int.h"

#include "util/err.h"

enum { SURPLUS_ASKED_OF_ALL = 4 }; /* of those who should hold what everybody holds */

/* The answers of one more holder. */
static void surplus_settle(struct peer_surplus *ask)
{
    if (ask->open > 0)
        return;
    ask->is_busy = false;
    tracker_on_surplus(ask->peer->tracker, &ask->cid, ask->pinned >= ask->needed);
}

static void surplus_answered(void *owner, int err, struct bytes payload, const char *text)
{
    (void)payload;
    (void)text;
    struct peer_surplus *ask = owner;
    ask->pinned += err == OK;
    ask->open -= 1;
    surplus_settle(ask);
}

/* A holder that is gone must not keep the question open for long. */
uint64_t peer_surplus_patience_us(const struct peer *p)
{
    return p->options.calls_timeout_us < p->options.metric_ttl_us ? p->options.calls_timeout_us
                                                                  : p->options.metric_ttl_us;
}

static void surplus_ask_one(struct peer_surplus *ask, const struct peer_id *holder)
{
    struct peer *p = ask->peer;
    struct bytes cid = { ask->cid.bytes, ask->cid.len };
    ask->open += rpc_call(&p->rpc, p->now_us, holder, RPC_HOLDS, cid, peer_surplus_patience_us(p),
                          surplus_answered, ask) == OK;
}

/* Copies of members that are on their way out themselves do not count: two would wave each other through. */
static size_t surplus_ask_named(struct peer_surplus *ask, const struct pin *pin)
{
    size_t staying = 0;
    for (size_t i = 0; i < pin->allocations_count; i++) {
        if (!peer_stays(ask->peer, &pin->allocations[i]))
            continue;
        staying += 1;
        surplus_ask_one(ask, &pin->allocations[i]);
    }
    return staying;
}

/* Some of all, others each time. */
static void surplus_ask_some(struct peer_surplus *ask)
{
    struct peer *p = ask->peer;
    const struct raft_config *c = raft_config(p->raft);
    p->surplus_turn += 1;
    for (size_t i = 0; i < c->count && ask->open < SURPLUS_ASKED_OF_ALL; i++) {
        const struct raft_member *m = &c->members[(p->surplus_turn + i) % c->count];
        if (!raft_member_goes(m) && !peer_id_equal(&m->id, &p->options.id))
            surplus_ask_one(ask, &m->id);
    }
}

static void surplus_ask(struct peer_surplus *ask, const struct pin *pin)
{
    const struct peer *p = ask->peer;
    if (pin->allocations_count == 0) {
        surplus_ask_some(ask);
        return;
    }
    size_t minimum = pin->replication_min > 0 ? (size_t)pin->replication_min : 1;
    size_t staying = surplus_ask_named(ask, pin);
    /* One that cannot move has no more of them than these. */
    size_t most = pin_is_held_by(pin, &p->options.id) ? staying : pin->allocations_count;
    ask->needed = minimum < most ? minimum : most;
    if (ask->needed == 0)
        ask->needed = 1;
}

/* Ours again, or nobody's by now? The tracker will see that for itself. */
static bool surplus_is_one(const struct peer *p, const struct pin *pin)
{
    if (pin->allocations_count == 0)
        return !peer_stays(p, &p->options.id);
    return p->gives_all_up || !pin_is_held_by(pin, &p->options.id);
}

static void surplus_begin(struct peer *p, struct peer_surplus *ask, const struct cid *cid)
{
    *ask = (struct peer_surplus){ .peer = p, .cid = *cid, .is_busy = true, .needed = 1 };
    struct view view;
    struct pin pin;
    if (peer_view(p, &view) == OK) {
        bool is_surplus = pinset_get(&view, cid, &p->arena, &pin) == OK && surplus_is_one(p, &pin);
        peer_view_end(p, &view);
        if (is_surplus)
            surplus_ask(ask, &pin);
    }
    surplus_settle(ask);
}

void peer_surplus_step(struct peer *p)
{
    struct cid cid;
    for (size_t i = 0; i < PEER_SURPLUS_ASKS_MAX; i++) {
        struct peer_surplus *ask = &p->surplus[i];
        if (ask->is_busy)
            continue;
        if (p->is_stopping || !tracker_next_surplus(p->tracker, &cid))
            return;
        surplus_begin(p, ask, &cid);
    }
}
