/* net.h -- the network between the machines (port/transport.h): slow, in disorder, cut, breaking.
 *
 *      send --> [waiting: dialling] --> in flight --> on_frame        one path for each direction,
 *                     \______ held while the path is cut ______/      three streams each
 *
 * Shape    A pair of machines has at most one connection. It is dialled, again and again, as long as frames wait
 *          for it or connect() asked for it; it breaks at random, when one side dies, and when one side has
 *          heard nothing for a while: after a cut, or when the other process stands still. Frames of one stream
 *          arrive in order as long as the connection lives; of a broken one some are lost, the others come late
 *          and out of order. So does os/os_transport.h; one contract test holds both.
 * Stricter On the control stream single frames overtake others without a break (reorder_per_million): Raft
 *          must not lean on order.
 * Cut      A cut direction holds what is sent into it, until its queue is full (ERR_BUSY); healing lets it go
 *          all at once, long after it was said. So does TCP; and `--real` does it by a proxy that stops.
 * Clogged  A clogged direction lets so little through that no frame is whole, and neither side finds the other silent: the
 *          connection lives as long as it lasts, nothing is lost, and a new one gets through no handshake. What is sent
 *          waits in order, until its queue is full; healing lets it go all at once.
 * Mangled  With mangle_per_million every fourth connection is a wire: the bytes of its frames pass the sessions of production. A damaged one must end the
 *          connection, and nothing of it may be heard: on_lie() otherwise.
 * Chance   CHOICE_NET_DELAY, CHOICE_NET_FAULT, CHOICE_LINK, each by the sender.
 * Trace    A SIM_FRAME event at the receiver, with the hash of its bytes.
 * Units    Microseconds; *_per_million are chances.
 * Owner    Frames are copied, into parcels that are reused. */
#ifndef SIM_WORLD_NET_H
#define SIM_WORLD_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/transport.h"
#include "sim/kernel/sim.h"

struct net_options {
    uint64_t delay_us; /* of every frame, at least */
    uint64_t jitter_us;
    uint64_t tail_per_million; /* of the frames take up to tail_us longer */
    uint64_t tail_us;
    uint64_t reorder_per_million; /* of the control frames do not wait for those before them */
    uint64_t break_per_million;   /* chance that a frame's sending breaks the connection */
    uint64_t mangle_per_million; /* of the frames: cut off in the middle, or a bit turns (wire.h) */
    uint64_t dial_us;            /* making a connection */
    uint64_t redial_us;          /* pause after a failed attempt, doubled after each up to ... */
    uint64_t redial_max_us;
    uint64_t silence_us;    /* a connection on which nothing is heard for so long is dead */
    uint64_t frame_age_us;  /* what waited so long for a connection is lost */
    size_t queue_bytes_max; /* of one stream and direction */
    size_t queue_frames_max;
};

void net_options_default(struct net_options *o);

struct net;

struct net *net_create(struct sim *sim, unsigned machines_count, const struct net_options *options);
void net_destroy(struct net *n);
struct net_options *net_options(struct net *n); /* may be changed at any time */
/* A frame came out of a connection that nobody had put into it. */
void net_on_lie(struct net *n, void (*on_lie)(void *owner, const char *text), void *owner);

/* Machine `who` (from 1) is known by this id from now on, and listens at net_address(who), until it moves. */
void net_name(struct net *n, unsigned who, const struct peer_id *id);
struct multiaddr net_address(unsigned who);
/* A machine that is not attached gets another address. */
void net_move(struct net *n, unsigned who);
struct multiaddr net_address_now(const struct net *n, unsigned who);

/* A process on machine `who` opens its transport, or is gone: by a crash (silent: the others notice only when
 * they get no answer) or in an orderly way. */
struct transport net_attach(struct net *n, unsigned who);
void net_detach(struct net *n, unsigned who, bool silently);

void net_cut(struct net *n, unsigned from, unsigned to);  /* one direction */
void net_clog(struct net *n, unsigned from, unsigned to); /* likewise */
void net_heal(struct net *n, unsigned from, unsigned to);
/* Cut, or clogged: nothing passes. */
bool net_is_stopped(const struct net *n, unsigned from, unsigned to);
/* Frames that were sent, and have not arrived. */
size_t net_waiting(const struct net *n, unsigned from, unsigned to);
bool net_is_linked(const struct net *n, unsigned a, unsigned b);
void net_break(struct net *n, unsigned a, unsigned b); /* the connection, if there is one */
/* The process stands still, or goes on: the others do not wait for it longer than silence_us. */
void net_pause(struct net *n, unsigned who);
void net_resume(struct net *n, unsigned who);

struct net_counts {
    uint64_t sent;
    uint64_t delivered;
    uint64_t lost;
    uint64_t refused;
    uint64_t breaks;
    uint64_t mangled;
    uint64_t clogged; /* sent into a clogged direction */
};
struct net_counts net_counts(const struct net *n);

#endif
