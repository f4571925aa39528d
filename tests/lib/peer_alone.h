/* peer_alone.h -- one whole peer, a cluster of its own, on a simulated disk; nobody else is there, nor an IPFS daemon.
 *
 * Memory   All that the peer does is bracketed by test_memory_begin() and _end(), what its ports do is not: so the n-th
 *          allocation that fails is one of the peer's own.
 * Owner    peer_alone_init() to peer_alone_deinit(); start and stop any number of times between. */
#ifndef TESTS_LIB_PEER_ALONE_H
#define TESTS_LIB_PEER_ALONE_H

#include "peer.h"
#include "sim/world/disk.h"
#include "tests/lib/mini_world.h"
#include "util/list.h"

struct peer_alone {
    struct mini_world world;
    struct disk *disk;
    struct peer *peer; /* NULL: does not run */
    struct peer_ports ports;
    struct store inner;
    struct list_link owed; /* completions of the disk that the peer waits for */
    uint64_t random;
    unsigned life;
    uint32_t level; /* 0: all that it knows; else as a peer that knows the formats up to it */
    bool is_ready;
    bool has_stopped; /* by itself */
    char why[200];    /* it stopped */
};

void peer_alone_init(struct peer_alone *a, uint64_t seed);
void peer_alone_deinit(struct peer_alone *a);
int peer_alone_start(struct peer_alone *a);
/* The process is gone, as a crash leaves it. */
void peer_alone_crash(struct peer_alone *a);
/* The next event, whatever it is. Destroys the peer once it has stopped by itself. */
void peer_alone_step(struct peer_alone *a);
/* A request on a connection of its own. The status of the answer; 0: none came before the peer was gone, or in time. */
int peer_alone_ask(struct peer_alone *a, const char *method, const char *target);

#endif
