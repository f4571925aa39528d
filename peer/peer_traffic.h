/* peer_traffic.h -- bytes between this peer and the others, by stream: counted where the transport is used.
 *
 * Shape    peer_traffic_wrap() puts itself between the peer and its transport; arrivals are told by
 *          peer_traffic_came().
 * Units    Bytes of frames, without what encryption and framing add. Rates are bytes a second over the last 10 to
 *          20 seconds. */
#ifndef PEER_PEER_TRAFFIC_H
#define PEER_PEER_TRAFFIC_H

#include <stdint.h>

#include "port/transport.h"

struct peer;

struct peer_traffic_total {
    uint64_t in;
    uint64_t out;
};

struct peer_traffic {
    struct transport inner;
    struct peer_traffic_total total[STREAM_COUNT];
    /* Two marks of the past, to make rates from. */
    struct peer_traffic_total marks[2][STREAM_COUNT];
    uint64_t mark_us[2];
};

void peer_traffic_wrap(struct peer *p);
void peer_traffic_came(struct peer *p, enum stream stream, size_t len);
/* What is said of a stream in GET /health/bandwidth. */
const char *peer_traffic_name(enum stream stream);
struct peer_traffic_total peer_traffic_rate(const struct peer *p, enum stream stream);

#endif
