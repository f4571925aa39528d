/* pnet.h -- the outermost layer: nobody without the cluster's secret reads a byte.
 *
 * Shape    One keystream a direction. Each side sends 24 random bytes in clear, and from then on
 *          every byte it sends is XORed with XSalsa20(secret, those 24 bytes). The keystream runs on
 *          over all writes; where they are cut means nothing.
 * Promise  Secrecy against strangers, no integrity: that is Noise's, one layer further in. A wrong
 *          secret shows as garbage there.
 * Owner    The caller's memory; pnet_wipe() when done.
 * Source   libp2p pnet r0; vectors pnet.json. */
#ifndef P2P_PNET_H
#define P2P_PNET_H

#include <stddef.h>
#include <stdint.h>

enum { PNET_SECRET_BYTES = 32, PNET_NONCE_BYTES = 24, PNET_BLOCK_BYTES = 64 };

struct pnet {
    uint8_t secret[PNET_SECRET_BYTES];
    uint8_t nonce[PNET_NONCE_BYTES];
    uint64_t offset; /* bytes of keystream used so far */
};

/* `nonce` is the one that the sender of this direction sent. */
void pnet_init(struct pnet *p, const uint8_t secret[PNET_SECRET_BYTES],
               const uint8_t nonce[PNET_NONCE_BYTES]);
/* Encrypts or decrypts (the same operation) the next `len` bytes of the direction, in place. */
void pnet_apply(struct pnet *p, uint8_t *bytes, size_t len);
void pnet_wipe(struct pnet *p);

#endif
