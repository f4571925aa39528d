/* transport.h -- frames to and from other peers, named by peer id.
 *
 * Shape    Four streams a pair: control (Raft), calls (requests and answers), bulk (snapshot
 *          chunks) and uploads, both paced by their callers, who wait for an answer before they send
 *          more. One frame is one message, whole.
 * Promise  Little: a frame may be lost, copied, late, or overtake one of another stream; within one
 *          stream order holds until a connection breaks. The sender that a frame is reported with
 *          is proven (Noise).
 * Owner    `bytes` are copied by send; a frame handed to on_frame lives until the hook returns.
 * Errors   send: ERR_NOT_FOUND no address is known, ERR_BUSY the queue to that peer is full (the
 *          frame is dropped), ERR_TOO_BIG beyond LIMIT_FRAME_BYTES. No call blocks; hooks never run
 *          from inside a call.
 * Hooks    Set once, by whoever joins the parts, before the first event. */
#ifndef PORT_TRANSPORT_H
#define PORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/assert.h"
#include "util/limits.h"

enum stream { STREAM_CONTROL, STREAM_CALLS, STREAM_BULK, STREAM_UPLOADS, STREAM_COUNT };

struct transport_hooks {
    void (*on_frame)(void *owner, const struct peer_id *from, enum stream stream, const void *bytes,
                     size_t len);
    /* The pair's connection came up (after the handshake) or went down, in either direction of
     * dialling; also "down" whenever it was dialled in vain. */
    void (*on_link)(void *owner, const struct peer_id *peer, bool up);
    void *owner;
};

struct transport_ops {
    void (*set_hooks)(void *impl, const struct transport_hooks *hooks);
    int (*send)(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                size_t len);
    /* Replaces what is known of where `peer` listens; count 0 forgets it and closes the link. */
    int (*set_addresses)(void *impl, const struct peer_id *peer, const struct multiaddr *addrs,
                         size_t count);
    /* Dial now and keep dialling; without it a link is made when there is something to send. */
    void (*connect)(void *impl, const struct peer_id *peer);
    /* Where we listen, as others may dial it (without /p2p/). Returns how many, at most `max`. */
    size_t (*listen_addresses)(void *impl, struct multiaddr *out, size_t max);
};

struct transport {
    const struct transport_ops *ops;
    void *impl;
};

static inline void transport_set_hooks(struct transport *t, const struct transport_hooks *hooks)
{
    t->ops->set_hooks(t->impl, hooks);
}

static inline int transport_send(struct transport *t, const struct peer_id *to, enum stream stream,
                                 const void *bytes, size_t len)
{
    ASSERT(len > 0);
    return t->ops->send(t->impl, to, stream, bytes, len);
}

static inline int transport_set_addresses(struct transport *t, const struct peer_id *peer,
                                          const struct multiaddr *addrs, size_t count)
{
    ASSERT(count <= LIMIT_PEER_ADDRESSES_COUNT);
    return t->ops->set_addresses(t->impl, peer, addrs, count);
}

static inline void transport_connect(struct transport *t, const struct peer_id *peer)
{
    t->ops->connect(t->impl, peer);
}

static inline size_t transport_listen_addresses(struct transport *t, struct multiaddr *out,
                                                size_t max)
{
    return t->ops->listen_addresses(t->impl, out, max);
}

#endif
