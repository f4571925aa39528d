#include "peer_traffic.h"

#include <string.h>

#include "peer_int.h"

enum { TRAFFIC_MARK_US = 10 * 1000 * 1000 };

static void traffic_mark(struct peer *p)
{
    struct peer_traffic *t = &p->traffic;
    if (p->now_us - t->mark_us[1] < TRAFFIC_MARK_US)
        return;
    memcpy(t->marks[0], t->marks[1], sizeof(t->marks[0]));
    memcpy(t->marks[1], t->total, sizeof(t->marks[1]));
    t->mark_us[0] = t->mark_us[1];
    t->mark_us[1] = p->now_us;
}

void peer_traffic_came(struct peer *p, enum stream stream, size_t len)
{
    traffic_mark(p);
    p->traffic.total[stream].in += len;
}

const char *peer_traffic_name(enum stream stream)
{
    static const char *const names[STREAM_COUNT] = {
        [STREAM_CONTROL] = "control",
        [STREAM_CALLS] = "calls",
        [STREAM_BULK] = "bulk",
        [STREAM_UPLOADS] = "uploads",
    };
    return names[stream];
}

struct peer_traffic_total peer_traffic_rate(const struct peer *p, enum stream stream)
{
    const struct peer_traffic *t = &p->traffic;
    uint64_t past_us = p->now_us - t->mark_us[0];
    const struct peer_traffic_total *then = &t->marks[0][stream], *now = &t->total[stream];
    uint64_t per = past_us > 0 ? past_us : 1;
    return (struct peer_traffic_total){ .in = (now->in - then->in) * 1000 * 1000 / per,
                                        .out = (now->out - then->out) * 1000 * 1000 / per };
}

/* ---- between the peer and its transport ---- */

static void traffic_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    transport_set_hooks(&((struct peer *)impl)->traffic.inner, hooks);
}

static int traffic_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                        size_t len)
{
    struct peer *p = impl;
    int err = transport_send(&p->traffic.inner, to, stream, bytes, len);
    if (err == 0) {
        traffic_mark(p);
        p->traffic.total[stream].out += len;
    }
    return err;
}

static int traffic_set_addresses(void *impl, const struct peer_id *peer,
                                 const struct multiaddr *addrs, size_t count)
{
    return transport_set_addresses(&((struct peer *)impl)->traffic.inner, peer, addrs, count);
}

static void traffic_connect(void *impl, const struct peer_id *peer)
{
    transport_connect(&((struct peer *)impl)->traffic.inner, peer);
}

static size_t traffic_listen_addresses(void *impl, struct multiaddr *out, size_t max)
{
    return transport_listen_addresses(&((struct peer *)impl)->traffic.inner, out, max);
}

static const struct transport_ops traffic_ops = {
    .set_hooks = traffic_set_hooks,
    .send = traffic_send,
    .set_addresses = traffic_set_addresses,
    .connect = traffic_connect,
    .listen_addresses = traffic_listen_addresses,
};

void peer_traffic_wrap(struct peer *p)
{
    p->traffic.inner = p->ports.transport;
    p->traffic.mark_us[0] = p->now_us;
    p->traffic.mark_us[1] = p->now_us;
    p->ports.transport = (struct transport){ &traffic_ops, p };
}
