/* http_client.h -- a peer's requests to its IPFS daemon (port/http_client.h), as exchanges that travel.
 *
 *      http_call  --- request, body pieces --->  http_exchange          each direction in order,
 *                 <-- head, pieces, trailer ---                         each piece with a delay of its own
 *
 * Shape    No bytes of HTTP here: what the wire would do to a message (order, delay, breaking in the middle,
 *          back-pressure) happens to its pieces. The daemon is whatever stands behind sim_http_server.
 * Two ends The client's end is over when done() ran or its process died; the server's when it ended its answer,
 *          or heard of the abort. Each hears of the other's end later.
 * Chance   CHOICE_HTTP_DELAY, CHOICE_HTTP_FAULT of the machine.
 * Owner    Calls belong to the peer until done(); exchanges live in here.
 * Trace    SIM_HTTP events: at the peer with its number, at the daemon with 0. */
#ifndef SIM_WORLD_HTTP_CLIENT_H
#define SIM_WORLD_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "port/http_client.h"
#include "sim/kernel/sim.h"
#include "sim/world/parcels.h"
#include "util/list.h"

struct sim_http_server {
    bool (*accepts)(void *owner); /* false: connection refused */
    void (*on_request)(void *owner, struct http_exchange *x);
    void *owner;
};

struct sim_http_options {
    uint64_t delay_us; /* of a connection and of each piece */
    uint64_t jitter_us;
    uint64_t refuse_per_million; /* connections that are refused though the daemon is up */
    uint64_t break_per_million;  /* pieces of an answer with which the connection breaks */
    size_t calls_max;
    size_t window_bytes; /* on the way in one direction of one call */
};

void sim_http_options_default(struct sim_http_options *o);

struct sim_http {
    struct sim *sim;
    unsigned who;
    struct sim_http_options options; /* may change at any time */
    struct sim_http_server server;
    struct parcels parcels;
    struct list_link calls; /* struct sim_call */
    size_t calls_count;     /* whose client's end is open */
};

void sim_http_init(struct sim_http *h, struct sim *sim, unsigned who,
                   const struct sim_http_options *options, const struct sim_http_server *server);
/* Both ends are gone: no hook of either runs any more. */
void sim_http_deinit(struct sim_http *h);
struct http_client sim_http_port(struct sim_http *h);
/* The peer's process died: no done() runs; the daemon sees its exchanges aborted. */
void sim_http_client_died(struct sim_http *h);

#endif
