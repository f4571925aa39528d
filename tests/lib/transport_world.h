/* transport_world.h -- a few peers whose only way to one another is port/transport.h, in one of the
 * worlds that implement it: what tests/contract/transport_test.c runs on.
 *
 * Shape    Peers count from 0, all stopped at first. A world is an ops table; its state is its own.
 * Time     run_until() lets the world run until `done` says so; false when its patience is over (which a
 *          test never waits for, unless it fails). */
#ifndef TESTS_LIB_TRANSPORT_WORLD_H
#define TESTS_LIB_TRANSPORT_WORLD_H

#include <stdbool.h>

#include "port/transport.h"

enum { TRANSPORT_WORLD_PEERS = 3 };

struct transport_world {
    const char *name;
    void *(*create)(void);
    void (*destroy)(void *world);
    /* A process begins, with the peer's id, at its address; and ends, in an orderly way. */
    struct transport (*start)(void *world, unsigned peer);
    void (*stop)(void *world, unsigned peer);
    struct peer_id (*id)(void *world, unsigned peer);
    struct multiaddr (*address)(void *world, unsigned peer);
    bool (*run_until)(void *world, bool (*done)(void *owner), void *owner);
};

extern const struct transport_world transport_world_os;        /* TCP on loopback, one loop */
extern const struct transport_world transport_world_simulated; /* sim/world/net.h */

#endif
