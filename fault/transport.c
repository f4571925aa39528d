#include "fault/transport.h"

#include "util/err.h"

static void fault_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    struct fault_transport *f = impl;
    transport_set_hooks(&f->inner, hooks);
}

static int fault_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                      size_t len)
{
    struct fault_transport *f = impl;
    if (fault_strikes(&f->dice, f->plan->refusals_per_million))
        return ERR_BUSY;
    if (fault_strikes(&f->dice, f->plan->loss_per_million))
        return OK;
    if (fault_strikes(&f->dice, f->plan->copies_per_million))
        (void)transport_send(&f->inner, to, stream, bytes, len);
    return transport_send(&f->inner, to, stream, bytes, len);
}

static int fault_set_addresses(void *impl, const struct peer_id *peer,
                               const struct multiaddr *addrs, size_t count)
{
    struct fault_transport *f = impl;
    return transport_set_addresses(&f->inner, peer, addrs, count);
}

static void fault_connect(void *impl, const struct peer_id *peer)
{
    struct fault_transport *f = impl;
    transport_connect(&f->inner, peer);
}

static size_t fault_listen_addresses(void *impl, struct multiaddr *out, size_t max)
{
    struct fault_transport *f = impl;
    return transport_listen_addresses(&f->inner, out, max);
}

struct transport fault_transport_port(struct fault_transport *f)
{
    static const struct transport_ops ops = { .set_hooks = fault_set_hooks,
                                              .send = fault_send,
                                              .set_addresses = fault_set_addresses,
                                              .connect = fault_connect,
                                              .listen_addresses = fault_listen_addresses };
    return (struct transport){ &ops, f };
}
