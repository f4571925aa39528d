/* noise_payload.h -- what libp2p puts into the Noise handshake: who I am, and the proof.
 *
 * Shape    protobuf: 1 identity key (itself protobuf: type, data), 2 signature over
 *          "noise-libp2p-static-key:" and the sender's static key, 4 extensions {2 muxers, in order of
 *          preference}. Unknown fields are skipped.
 * Errors   decode: ERR_CORRUPT (no protobuf), ERR_AUTH (key or signature missing or wrong),
 *          ERR_UNSUPPORTED (the identity key is none of ours: ed25519 or RSA).
 * Source   libp2p noise r5, peer-ids r2; vectors noise.json payload_checks. */
#ifndef P2P_NOISE_PAYLOAD_H
#define P2P_NOISE_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/identity.h"
#include "util/buf.h"

struct noise_payload {
    struct peer_id who; /* its signature was checked */
    bool lists_muxers;
    bool lists_ours; /* the muxer that decode was asked about is among them */
};

/* `muxer` may be NULL. Appends. */
void noise_payload_encode(struct buf *out, const struct identity *identity,
                          const uint8_t static_public[32], const char *muxer);
int noise_payload_decode(struct noise_payload *out, struct bytes payload,
                         const uint8_t static_public[32], const char *muxer);

#endif
