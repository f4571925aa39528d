/* standin_server.h -- the stand-in IPFS daemon on real sockets: `ipfs-cluster-sim ipfs`.
 *
 * Shape    standin_server_run() serves until SIGTERM or SIGINT. When it listens it prints one line to stdout:
 *          "listening on /ip4/127.0.0.1/tcp/5001/p2p/12D3Koo...", the address for others to connect to.
 * Errors   A sentence on stderr. */
#ifndef SIM_REAL_STANDIN_SERVER_H
#define SIM_REAL_STANDIN_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "ids/multiaddr.h"

enum { STANDIN_SERVER_SWARM_MAX = 64 };

struct standin_server_options {
    struct multiaddr listen;                          /* port 0: the kernel's choice */
    struct multiaddr swarm[STANDIN_SERVER_SWARM_MAX]; /* others to connect to, with peer ids */
    size_t swarm_count;
    bool offline;
    uint64_t everything_bytes; /* sim/kubo/standin.h */
};

/* The exit code: 0, or 1 when it cannot listen. */
int standin_server_run(const struct standin_server_options *options);

#endif
