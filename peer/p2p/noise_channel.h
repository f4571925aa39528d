/* noise_channel.h -- one direction of a channel whose handshake is done: ChaCha20-Poly1305, the nonce counts messages.
 *
 * Source   OpenSSL's, where the rest of Noise has libsodium's: all that peers send goes through here, uploads too, and with
 *          wide registers (AVX-512) it is twice as fast. For the few small messages of a handshake it makes no difference.
 * Owner    The caller's memory, cleared or initialised before noise_channel_wipe().
 * Errors   init: ERR_NOMEM, ERR_UNSUPPORTED when the system's OpenSSL has no such cipher. open: ERR_CORRUPT. */
#ifndef P2P_NOISE_CHANNEL_H
#define P2P_NOISE_CHANNEL_H

#include <stdint.h>

#include "util/buf.h"

enum {
    NOISE_KEY_BYTES = 32,
    NOISE_TAG_BYTES = 16,
    NOISE_NONCE_BYTES = 12,
};

struct noise_channel {
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t nonce; /* of the next message */
    void *evp;      /* OpenSSL's EVP_CIPHER_CTX */
};

/* What stands for the number on the wire of the cipher. */
void noise_nonce_put(uint8_t out[NOISE_NONCE_BYTES], uint64_t nonce);

int noise_channel_init(struct noise_channel *c);
void noise_channel_wipe(struct noise_channel *c);
/* Once, before the first message. The two directions of a connection seal, and open, with a key each. */
int noise_channel_set_key(struct noise_channel *c, const uint8_t key[NOISE_KEY_BYTES]);
/* Append a sealed message, or what one held. */
int noise_channel_seal(struct noise_channel *c, struct bytes plain, struct buf *out);
int noise_channel_open(struct noise_channel *c, struct bytes sealed, struct buf *out);

#endif
