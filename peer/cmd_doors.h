/* cmd_doors.h -- the peer's HTTP servers, as the configuration wants them: REST API, IPFS proxy, metrics.
 *
 * Shape    doors_prepare() before the peer is made: its options and ports point into the doors. doors_open() listens,
 *          once there is a peer to ask; doors_close() before the peer ends.
 * Owner    The configuration outlives the doors.
 * Errors   Codes, with one sentence in `why` that names the address or the file. */
#ifndef PEER_CMD_DOORS_H
#define PEER_CMD_DOORS_H

#include "cmd.h"
#include "config/config.h"
#include "http/gate/gate.h"
#include "os/os_http.h"
#include "os/os_loop.h"
#include "os/os_request_log.h"
#include "os/os_tls.h"
#include "peer.h"

struct doors {
    const struct service *service;
    const struct config *config;
    struct os_loop *loop;
    struct peer *peer;
    struct gate_options gate;
    struct gate_pair *users;
    struct gate_pair *headers;
    struct os_tls *tls;
    struct os_http *api;
    struct os_http *proxy;
    struct os_http *metrics;
    struct os_request_log *api_log;
    struct os_request_log *proxy_log;
};

int doors_prepare(struct doors *d, const struct service *service, const struct config *config,
                  struct os_loop *loop, struct peer_options *options, struct buf *why);
int doors_open(struct doors *d, struct peer *peer, struct buf *why);
void doors_close(struct doors *d);

#endif
