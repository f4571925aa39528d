/* peer_swarm.c -- connects the members' IPFS daemons to one another, so that a pin finds its blocks.
 *
 * Level-triggered: each member is either connected since the last peer_swarm_again(), or still to be tried. A round asks
 * one such member for its daemon's addresses (RPC_ID), gives them to our daemon one after the other until one connects,
 * and goes on with the next. A round that left somebody out is followed by another after connect_swarms_delay. */
#include "peer_int.h"

#include <string.h>

#include "http/api/api.h"
#include "ipfs/kubo_request.h"
#include "peer_ask.h"
#include "peer_pages.h"
#include "util/err.h"
#include "util/mem.h"

enum { SWARM_ADDRS_MAX = 16 };

enum swarm_step { SWARM_IDLE, SWARM_ASKING, SWARM_CONNECTING };

struct peer_swarm {
    enum swarm_step step;
    bool is_stopped;
    bool missed_one;
    uint64_t round_at_us; /* RAFT_NEVER: everybody is connected */
    size_t at;            /* in the configuration, of this round */
    struct peer_id done[LIMIT_MEMBERS_COUNT];
    size_t done_count;
    struct peer_id asked;
    struct multiaddr addrs[SWARM_ADDRS_MAX];
    size_t addrs_count;
    size_t addrs_at;
    struct peer_ask *ask; /* NULL: none is open */
    uint64_t give_up_us;  /* that one */
};

int peer_swarm_start(struct peer *p)
{
    p->swarm = mem_zalloc(sizeof(*p->swarm));
    if (p->swarm == NULL)
        return ERR_NOMEM;
    p->swarm->round_at_us = RAFT_NEVER;
    return OK;
}

void peer_swarm_end(struct peer *p)
{
    mem_free(p->swarm);
}

void peer_swarm_stop(struct peer *p)
{
    p->swarm->is_stopped = true;
}

void peer_swarm_again(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    if (p->options.connect_swarms_delay_us == 0)
        return;
    s->done_count = 0;
    s->missed_one = true;
    s->round_at_us = p->now_us + p->options.connect_swarms_delay_us;
}

static bool swarm_is_done(const struct peer_swarm *s, const struct peer_id *id)
{
    for (size_t i = 0; i < s->done_count; i++) {
        if (peer_id_equal(&s->done[i], id))
            return true;
    }
    return false;
}

/* ---- one member ---- */

static void swarm_next_member(struct peer *p);
static void swarm_next_address(struct peer *p);

static void swarm_connected(void *owner, int err, const char *text)
{
    struct peer *p = owner;
    struct peer_swarm *s = p->swarm;
    (void)text;
    s->ask = NULL;
    s->step = SWARM_IDLE;
    if (err == OK) {
        if (s->done_count < LIMIT_MEMBERS_COUNT)
            s->done[s->done_count++] = s->asked;
        swarm_next_member(p);
    } else {
        s->addrs_at += 1;
        swarm_next_address(p);
    }
}

static bool swarm_connect(struct peer *p, const struct multiaddr *addr)
{
    struct peer_swarm *s = p->swarm;
    s->ask = peer_ask_new(p, KUBO_SWARM_CONNECT, NULL, swarm_connected, p);
    if (s->ask == NULL)
        return false;
    kubo_request_swarm_connect(&s->ask->target, addr);
    s->give_up_us = p->now_us + 2 * p->options.calls_timeout_us;
    s->step = SWARM_CONNECTING;
    if (peer_ask_start(s->ask, p->options.calls_timeout_us) == OK)
        return true;
    s->ask = NULL;
    s->step = SWARM_IDLE;
    return false;
}

static void swarm_next_address(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    if (s->is_stopped || p->life == PEER_STOPPED)
        return;
    if (s->addrs_at < s->addrs_count && swarm_connect(p, &s->addrs[s->addrs_at]))
        return;
    s->missed_one = true;
    swarm_next_member(p);
}

static void swarm_described(void *owner, int err, struct bytes payload, const char *text)
{
    (void)text;
    struct peer *p = owner;
    struct peer_swarm *s = p->swarm;
    struct api_id id;
    s->step = SWARM_IDLE;
    s->addrs_count = 0;
    s->addrs_at = 0;
    if (err == OK)
        err = page_id_decode(&id, &p->arena, payload);
    for (size_t i = 0; err == OK && i < id.ipfs_addrs_count && s->addrs_count < SWARM_ADDRS_MAX;
         i++) {
        struct multiaddr *addr = &s->addrs[s->addrs_count];
        struct peer_id peer;
        s->addrs_count +=
            multiaddr_parse_len(addr, id.ipfs_addrs[i].data, id.ipfs_addrs[i].len) == OK &&
            multiaddr_peer(addr, &peer) == OK;
    }
    swarm_next_address(p); /* none: missed */
}

/* ---- a round ---- */

static void swarm_next_member(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    const struct raft_config *c = raft_config(p->raft);
    for (; s->at < c->count && !s->is_stopped && p->life != PEER_STOPPED; s->at++) {
        const struct peer_id *id = &c->members[s->at].id;
        if (peer_id_equal(id, &p->options.id) || swarm_is_done(s, id))
            continue;
        s->asked = *id;
        s->step = SWARM_ASKING;
        if (rpc_call(&p->rpc, p->now_us, id, RPC_ID, (struct bytes){ NULL, 0 },
                     p->options.calls_timeout_us, swarm_described, p) == OK) {
            s->at += 1;
            return;
        }
        s->step = SWARM_IDLE;
        s->missed_one = true;
    }
    s->round_at_us = s->missed_one ? p->now_us + p->options.connect_swarms_delay_us : RAFT_NEVER;
}

/* It began to answer, and stopped: the next address may do better. */
static void swarm_give_up(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    peer_ask_forget(s->ask);
    swarm_connected(p, ERR_TIMEOUT, "");
}

void peer_swarm_on_deadline(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    if (p->now_us < peer_swarm_deadline_us(p))
        return;
    if (s->step == SWARM_CONNECTING) {
        swarm_give_up(p);
        return;
    }
    s->round_at_us = RAFT_NEVER;
    s->missed_one = false;
    s->at = 0;
    swarm_next_member(p);
}

uint64_t peer_swarm_deadline_us(const struct peer *p)
{
    const struct peer_swarm *s = p->swarm;
    if (p->raft == NULL || s->is_stopped || s->step == SWARM_ASKING)
        return RAFT_NEVER;
    return s->step == SWARM_CONNECTING ? s->give_up_us : s->round_at_us;
}
