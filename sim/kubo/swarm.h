/* swarm.h -- stand-in daemons of one process, connected: how blocks travel between them in virtual time.
 *
 * Shape    Members are numbered 0, 1, ... as they join. Who is linked (swarm/connect, or swarm_link) hears
 *          of the other's wants and gets what the other holds. A block takes a latency and its bytes over
 *          the sender's bandwidth, one after the other.
 * Cut      swarm_cut() keeps two members apart (a partition of the network, one way is both ways):
 *          nothing is transferred and no dial succeeds until swarm_heal(). A link survives a cut.
 * Time     The hooks' clock; swarm_on_wake() when it is due.
 * Owner    The swarm borrows the stand-ins; remove a member before its stand-in is destroyed.
 * Errors   Memory: fatal(), as in standin.h. */
#ifndef SIM_KUBO_SWARM_H
#define SIM_KUBO_SWARM_H

#include "sim/kubo/standin.h"

struct swarm;

struct swarm_options {
    uint64_t latency_us;       /* of a block, and of a dial */
    uint64_t bytes_per_second; /* a member's upload; 0: without limit */
};

struct swarm *swarm_create(const struct swarm_options *options, const struct standin_hooks *hooks);
void swarm_destroy(struct swarm *w);
void swarm_on_wake(struct swarm *w);
/* The options may change at any time; transfers under way keep their end. */
void swarm_set_options(struct swarm *w, const struct swarm_options *options);

/* First the net for standin_create(), then the stand-in that was made with it. */
struct standin_net swarm_net(struct swarm *w, unsigned member);
void swarm_join(struct swarm *w, unsigned member, struct standin *s, const struct multiaddr *addr);
void swarm_leave(struct swarm *w, unsigned member);

void swarm_link(struct swarm *w, unsigned a, unsigned b);
void swarm_unlink(struct swarm *w, unsigned a, unsigned b);
void swarm_cut(struct swarm *w, unsigned a, unsigned b);
void swarm_heal(struct swarm *w, unsigned a, unsigned b);
/* A member that sends nothing for as long as this is set: a silent source. */
void swarm_mute(struct swarm *w, unsigned member, bool mute);

#endif
