/* wire.h -- the bytes of one connection: two real sessions (p2p/session.h), and what happens to the bytes between them.
 *
 *      frame --> session --> [sealed bytes: cut off, a bit turned] --> session --> frame, or the end of the connection
 *
 * Shape    The simulated network moves whole frames (net.h). Where the plan mangles, a connection gets a wire, and
 *          each frame that arrives has to pass it: what comes out is what the peer hears. Nothing takes time here.
 * Watches  What comes out has to be what was put in, in the order of its stream: else wire_has_lied().
 * Chance   Keys and nonces come from `number`, which nobody has to guess; the damage from the caller.
 * Owner    A wire belongs to its connection and dies with it. */
#ifndef SIM_WORLD_WIRE_H
#define SIM_WORLD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/transport.h"
#include "util/buf.h"

struct wire;

enum wire_damage_kind {
    WIRE_SOUND,
    WIRE_CUT, /* the connection ends behind so many bits (whole bytes of them) of what is sent for the frame */
    WIRE_TURNED, /* this bit of it turns */
};

struct wire_damage {
    enum wire_damage_kind kind;
    uint64_t place; /* any number: taken modulo the bits that there are */
};

struct wire_frame {
    enum stream stream;
    struct bytes bytes;
};

struct wire *wire_create(uint64_t number);
void wire_destroy(struct wire *w); /* NULL is harmless */
/* Sends a frame from side 0 or 1 to the other one. OK: the connection lives; else why it ended, with words in
 * wire_why(). Whatever came out at the other side waits in wire_take(). */
int wire_carry(struct wire *w, unsigned from, enum stream stream, const void *bytes, size_t len,
               const struct wire_damage *damage);
const char *wire_why(const struct wire *w);
/* False: there is none (more). The bytes live until the next call of the wire. */
bool wire_take(struct wire *w, struct wire_frame *out);
/* Something came out that was not put in. */
bool wire_has_lied(const struct wire *w);

#endif
