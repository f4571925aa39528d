/* noise.h -- Noise_XX_25519_ChaChaPoly_SHA256 as libp2p speaks it: a secret channel, and proof of
 * who is at its other end.
 *
 * Shape    Three handshake messages (A and C of the initiator, B between), then a stream of sealed
 *          messages each way. Every message travels as: length (u16), message. noise_write() and
 *          noise_read() are called in turn until noise_is_done(); then noise_seal(), noise_open().
 *              A  -> e                    B  <- e, ee, s, es, payload      C  -> s, se, payload
 *          The payload of B and C holds the sender's identity key (ed25519) and its signature over
 *          the static key, so that whoever finishes the handshake owns that identity.
 * Muxer    The payload may also list muxers. When both sides list one, theirs need not be selected
 *          by multistream any more: noise_muxer().
 * Units    Frame borders mean nothing to what is inside; an empty sealed message is legal.
 * Owner    The caller's memory; noise_wipe() when done. Keys are handed in: `static_private` and
 *          `ephemeral_private` are random and of this one connection.
 * Errors   noise_read, noise_open: ERR_CORRUPT (does not decrypt, cut short), ERR_AUTH (no identity,
 *          or its signature is wrong), ERR_UNSUPPORTED (an identity key that is not ed25519), ERR_NOMEM.
 *          After any of them the connection is of no more use.
 * Source   libp2p noise r5, Noise 34 XX; vectors noise.json. */
#ifndef P2P_NOISE_H
#define P2P_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/identity.h"
#include "p2p/noise_channel.h"
#include "util/buf.h"

enum {
    NOISE_HEAD_BYTES = 2,
    NOISE_MESSAGE_MAX = 65535,
    NOISE_PLAINTEXT_MAX = NOISE_MESSAGE_MAX - NOISE_TAG_BYTES,
};

struct noise_keys {
    const struct identity *identity; /* borrowed during noise_start() */
    uint8_t static_private[NOISE_KEY_BYTES];
    uint8_t ephemeral_private[NOISE_KEY_BYTES];
};

/* A key and how many messages it has sealed: the nonce of the next. */
struct noise_cipher {
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t nonce;
};

enum noise_muxer {
    NOISE_MUXER_OPEN,   /* one side listed none: select it inside the channel */
    NOISE_MUXER_AGREED, /* both list ours */
    NOISE_MUXER_NONE,   /* both have lists, and nothing in common: give up */
};

struct noise {
    bool is_initiator;
    uint8_t messages; /* written and read so far: 3 is all */
    bool has_key;
    struct noise_cipher cipher; /* of the handshake, once a key is mixed in */
    uint8_t hash[32];           /* h: everything both sides have seen */
    uint8_t chain[32];          /* ck: everything both sides have agreed on */
    uint8_t static_private[NOISE_KEY_BYTES];
    uint8_t static_public[NOISE_KEY_BYTES];
    uint8_t ephemeral_private[NOISE_KEY_BYTES];
    uint8_t ephemeral_public[NOISE_KEY_BYTES];
    uint8_t remote_static[NOISE_KEY_BYTES];
    uint8_t remote_ephemeral[NOISE_KEY_BYTES];
    struct peer_id remote;
    bool remote_is_known;
    const char *muxer_name; /* ours, listed in the payload; NULL: we list none */
    enum noise_muxer muxer;
    struct buf payload; /* ours, until it is sent */
    struct noise_channel send;
    struct noise_channel receive;
};

/* `muxer_name` is borrowed. ERR_NOMEM, ERR_UNSUPPORTED; noise_wipe() in any case. */
int noise_start(struct noise *n, bool is_initiator, const struct noise_keys *keys,
                const char *muxer_name);
void noise_wipe(struct noise *n);
bool noise_is_done(const struct noise *n);
bool noise_is_our_turn(const struct noise *n); /* to write a handshake message */
int noise_write(struct noise *n, struct buf *out);
int noise_read(struct noise *n, struct bytes message);
/* Who is at the other end: known to the initiator after B, so before it shows itself in C; to the
 * responder after C. NULL before. */
const struct peer_id *noise_remote(const struct noise *n);
enum noise_muxer noise_muxer(const struct noise *n); /* when done */

/* Takes one frame off the front of `in`; ERR_MORE while it is not whole. */
int noise_take_frame(struct bytes *in, struct bytes *message);
/* Appends sealed frames, as many as `plain` needs and at least one. */
int noise_seal(struct noise *n, struct bytes plain, struct buf *out);
/* Appends what one frame's message held. */
int noise_open(struct noise *n, struct bytes message, struct buf *plain);

#endif
