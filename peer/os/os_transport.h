/* os_transport.h -- port/transport.h over TCP, speaking libp2p (p2p/session.h).
 *
 * Shape    It listens on multiaddrs, dials the peers it was told addresses of, and keeps at most one
 *          connection a pair. On it each side opens four streams, one for each enum stream; a frame
 *          is its length (u32) and its bytes. What is sent waits in a bounded queue for each peer and
 *          stream until a stream takes it, also while there is no connection.
 * Who      With a secret only those who know it get a word in. Whoever proves an identity then is
 *          reported with it; what he may ask is for the layer above. Self is refused.
 * Dialling One address after the other; when all failed, a pause that grows up to pause_max_us, with
 *          jitter. As long as transport_connect() was asked for, or frames wait. Names are resolved
 *          by os_resolver.h.
 * Two at once
 *          When both sides dial, both keep the connection that the peer with the smaller id dialled;
 *          the other one is read to its end before it is closed, so that nothing is lost.
 * Loss     Frames that a broken connection had taken are lost, and frames that waited for longer than
 *          frame_age_us without a connection are dropped: their senders have long given up.
 * Limits   queue_bytes_max (then ERR_BUSY); connections_max, beyond it newcomers are refused;
 *          unproven_max, beyond it the oldest that has not proven who it is makes room.
 * Log      One line when a peer is connected, is lost, cannot be reached any more; one when refusals
 *          begin and one when they have ended.
 * Owner    Identity and log are borrowed, the rest of the options is copied. One thread: the loop's.
 * Errors   create: as os_socket_listen(), with a sentence in `why`; ERR_NOMEM. */
#ifndef OS_OS_TRANSPORT_H
#define OS_OS_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "ids/identity.h"
#include "ids/multiaddr.h"
#include "os/os_loop.h"
#include "port/transport.h"
#include "util/buf.h"
#include "util/log.h"

struct os_transport;

struct os_transport_options {
    struct os_loop *loop;
    const struct log *log;
    const struct identity *identity;
    const uint8_t *secret;          /* 32 bytes; NULL: none, anybody may connect */
    const struct multiaddr *listen; /* port 0: any that is free */
    size_t listen_count;
    const struct multiaddr *announce; /* said instead of where we listen; 0: the latter */
    size_t announce_count;

    size_t queue_bytes_max; /* of one peer and stream; room for one frame at least */
    size_t connections_max;
    size_t unproven_max;
    uint64_t handshake_timeout_us;
    uint64_t ping_us;    /* nothing heard for so long: ask */
    uint64_t silence_us; /* nothing heard for so long: dead */
    uint64_t pause_first_us;
    uint64_t pause_max_us;
    uint64_t frame_age_us;
    uint64_t retire_us; /* how long a connection that lost to another one is still read */
};

void os_transport_options_default(struct os_transport_options *o);
int os_transport_create(struct os_transport **out, const struct os_transport_options *options,
                        struct buf *why);
/* Says goodbye to everybody; no hook runs any more. From outside of hooks. */
void os_transport_destroy(struct os_transport *t);
struct transport os_transport_port(struct os_transport *t);

#endif
