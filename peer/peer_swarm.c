/* peer_swarm.c -- connects the members' IPFS daemons to one another, so that a pin finds its blocks.
 *
 * Level-triggered: each member is either connected since the last peer_swarm_again(), or still to be tried. A round asks
 * one such member for its daemon's addresses (RPC_ID), gives them to our daemon one after the other until one connects,
 * and goes on with the next. A round that left somebody out is followed by another after connect_swarms_delay. */
#include "peer_int.h"

#include <string.h>

#include "http/api/api.h"
#include "ipfs/kubo_reply.h"
#include "ipfs/kubo_request.h"
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
    struct http_call call;
    struct kubo_reply reply;
    struct buf target;
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
    struct peer_swarm *s = p->swarm;
    if (s == NULL)
        return;
    if (s->step == SWARM_CONNECTING)
        kubo_reply_deinit(&s->reply);
    buf_deinit(&s->target);
    mem_free(s);
}

void peer_swarm_stop(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    s->is_stopped = true;
    if (s->step == SWARM_CONNECTING)
        http_client_cancel(&p->ports.http_client, &s->call);
}

bool peer_swarm_is_idle(const struct peer *p)
{
    return p->swarm->step != SWARM_CONNECTING;
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

static void swarm_on_head(struct http_call *call, int status, const struct http_field *fields,
                          size_t count)
{
    (void)fields;
    (void)count;
    kubo_reply_on_head(&((struct peer *)call->owner)->swarm->reply, status);
}

static void swarm_on_body(struct http_call *call, const void *bytes, size_t len)
{
    kubo_reply_on_body(&((struct peer *)call->owner)->swarm->reply, bytes, len);
}

static void swarm_connected(struct http_call *call, int err)
{
    struct peer *p = call->owner;
    struct peer_swarm *s = p->swarm;
    peer_enter(p);
    err = kubo_reply_end(&s->reply, err);
    kubo_reply_deinit(&s->reply);
    s->step = SWARM_IDLE;
    if (err == OK) {
        if (s->done_count < LIMIT_MEMBERS_COUNT)
            s->done[s->done_count++] = s->asked;
        swarm_next_member(p);
    } else {
        s->addrs_at += 1;
        swarm_next_address(p);
    }
    peer_leave(p);
}

static void swarm_next_address(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    if (s->is_stopped || p->life == PEER_STOPPED)
        return;
    if (s->addrs_at == s->addrs_count) {
        s->missed_one = true;
        swarm_next_member(p);
        return;
    }
    buf_clear(&s->target);
    kubo_request_swarm_connect(&s->target, &s->addrs[s->addrs_at]);
    kubo_reply_init(&s->reply, KUBO_SWARM_CONNECT, NULL, NULL);
    s->call = (struct http_call){ .method = KUBO_METHOD,
                                  .target = buf_text(&s->target),
                                  .head_timeout_us = p->options.calls_timeout_us,
                                  .on_head = swarm_on_head,
                                  .on_body = swarm_on_body,
                                  .done = swarm_connected,
                                  .owner = p };
    s->step = SWARM_CONNECTING;
    if (http_client_start(&p->ports.http_client, &s->call) == OK)
        return;
    kubo_reply_deinit(&s->reply);
    s->step = SWARM_IDLE;
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

void peer_swarm_on_deadline(struct peer *p)
{
    struct peer_swarm *s = p->swarm;
    if (p->raft == NULL || s->step != SWARM_IDLE || p->now_us < s->round_at_us || s->is_stopped)
        return;
    s->round_at_us = RAFT_NEVER;
    s->missed_one = false;
    s->at = 0;
    swarm_next_member(p);
}

uint64_t peer_swarm_deadline_us(const struct peer *p)
{
    const struct peer_swarm *s = p->swarm;
    return p->raft == NULL || s->step != SWARM_IDLE || s->is_stopped ? RAFT_NEVER : s->round_at_us;
}
