/* real_proxy.h -- between real peers: every connection to one passes a proxy that can stop, one direction at a time, and
 * treats what passes badly.
 *
 *      peer A --- 127.0.0.1:door of B ---[ proxy, a process of its own ]--- where B listens
 *
 * Shape    A door for each machine, which is what it announces; when it moves, another one, and nobody is at the first. Who dials is told by the kernel: the socket belongs to one of the
 *          processes (/proc/net/tcp names its inode, /proc/PID/fd whose it is). No rights are needed.
 * Cut      A cut direction is not read any more: what is sent into it waits, as in the simulated network.
 * Clogged  A clogged one passes a byte now and then: less than a frame, enough that nobody takes the connection for dead;
 *          what is sent fills the proxy's memory of it, then the kernel's, then the sender's.
 * Weather  Of each piece of bytes, as TCP brings it, in both directions. What is lost to TCP is sent again: it comes later,
 *          and everything behind it. Copies, and one overtaking another, no user of TCP can see.
 * Owner    Shared memory says what is cut and which process is which machine; the proxy looks every few milliseconds.
 * Errors   create: NULL when a socket or the process cannot be had. */
#ifndef SIM_REAL_REAL_PROXY_H
#define SIM_REAL_REAL_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct real_proxy;

struct real_weather {
    uint64_t delay_min_us, delay_max_us;
    uint64_t loss_per_million;
    uint64_t late_per_million, late_us;
    uint64_t breaks_per_million;  /* the connection ends */
    uint64_t mangled_per_million; /* a bit turns: the session has to end */
};

struct real_proxy *real_proxy_create(unsigned machines_count, uint64_t seed);
void real_proxy_destroy(struct real_proxy *p);
/* The port of machine `who` (from 1) that others dial; what comes there goes to `target_port`. */
unsigned real_proxy_door(const struct real_proxy *p, unsigned who);
/* False: it has moved already, there is no third door. */
bool real_proxy_move(struct real_proxy *p, unsigned who);
void real_proxy_lead_to(struct real_proxy *p, unsigned who, unsigned target_port);
void real_proxy_is_process(struct real_proxy *p, unsigned who, pid_t pid); /* 0: none */
/* One direction. */
enum real_way { REAL_WAY_OPEN, REAL_WAY_CUT, REAL_WAY_CLOGGED };
void real_proxy_set(struct real_proxy *p, unsigned from, unsigned to, enum real_way way);
void real_proxy_weather(struct real_proxy *p, const struct real_weather *weather);

#endif
