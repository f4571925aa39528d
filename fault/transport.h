/* transport.h -- a transport in front of another: now and then a frame is lost, sent twice, or refused.
 *
 * Shape    What one call does. What the network is between calls (slow, cut, broken) is sim/world/net.h.
 * Owner    Borrows the plan, which may change at any time. */
#ifndef FAULT_TRANSPORT_H
#define FAULT_TRANSPORT_H

#include "fault/plan.h"
#include "port/transport.h"

struct fault_transport {
    struct transport inner;
    const struct fault_plan *plan;
    struct fault_dice dice;
};

struct transport fault_transport_port(struct fault_transport *f);

#endif
