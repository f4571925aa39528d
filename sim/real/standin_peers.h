/* standin_peers.h -- the swarm of stand-in daemons that are processes of their own: HTTP between them.
 *
 *      dial      POST /api/v0/id there, is it who we meant?  then  /standin/v0/link?arg=OUR-ADDRESS
 *      want      /standin/v0/block?arg=KEY, of everyone linked, again and again until somebody has it
 *      alive?    /standin/v0/ping, once a second: who does not answer is no longer linked
 *
 * Shape    Links are symmetrical. The address of a daemon is that of its HTTP port. What the three paths answer
 *          is here too (standin_peers_on_request), untouched by faults: those are the API's, not the swarm's.
 * Owner    Borrows the loop and the stand-in. standin_peers_destroy() after the stand-in's.
 * Errors   Memory: fatal(). */
#ifndef SIM_REAL_STANDIN_PEERS_H
#define SIM_REAL_STANDIN_PEERS_H

#include "os/os_loop.h"
#include "sim/kubo/standin.h"

struct standin_peers;

struct standin_peers *standin_peers_create(struct os_loop *loop);
void standin_peers_destroy(struct standin_peers *p);
struct standin_net standin_peers_net(struct standin_peers *p);
/* Whose swarm it is, and where that one listens. */
void standin_peers_join(struct standin_peers *p, struct standin *s, const struct multiaddr *addr);
/* Connects to an address with a peer id; tries for ever, for daemons that start together. */
void standin_peers_keep(struct standin_peers *p, const struct multiaddr *addr);
/* True: it was one of ours, and is answered. */
bool standin_peers_on_request(struct standin_peers *p, struct http_exchange *x);

#endif
