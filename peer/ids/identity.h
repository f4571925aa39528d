/* identity.h -- who we are: an ed25519 key pair, and what others need to check that it was us.
 *
 * Shape    The secret key is libsodium's: 32 bytes of seed, then the public key. identity.json is
 *          {"id": ..., "private_key": base64 of the libp2p private key}, indented by four, no final
 *          newline.
 * Owner    Plain memory; identity_wipe() before it is let go. Only os/ draws seeds and reads files.
 * Needs    sodium_init() once, by the program, before anything here.
 * Errors   ERR_INVALID: not the bytes or the text of a key. ERR_UNSUPPORTED: a key of another type
 *          (RSA of old files). ERR_CORRUPT: the parts do not belong together.
 * Source   libp2p peer-ids r2 (keys), RFC 8032; vectors keys.json. */
#ifndef IDS_IDENTITY_H
#define IDS_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "util/buf.h"

enum {
    IDENTITY_SEED_BYTES = 32,
    IDENTITY_PUBLIC_KEY_BYTES = 32,
    IDENTITY_SIGNATURE_BYTES = 64,
    IDENTITY_PRIVATE_PROTOBUF_BYTES = 68,
    IDENTITY_PUBLIC_PROTOBUF_BYTES = 36,
    IDENTITY_PRIVATE_TEXT_SIZE = 93 /* base64 and a NUL */
};

struct identity {
    struct peer_id id;
    uint8_t secret_key[IDENTITY_SEED_BYTES + IDENTITY_PUBLIC_KEY_BYTES];
};

struct identity_text {
    char text[IDENTITY_PRIVATE_TEXT_SIZE];
};

void identity_from_seed(struct identity *out, const uint8_t seed[IDENTITY_SEED_BYTES]);
void identity_wipe(struct identity *identity);
const uint8_t *identity_public_key(const struct identity *identity);

/* The private key as libp2p writes it, and as base64 of that. Reading also takes the old form in
 * which the public key stands twice. */
void identity_marshal(const struct identity *identity,
                      uint8_t out[IDENTITY_PRIVATE_PROTOBUF_BYTES]);
int identity_unmarshal(struct identity *out, const void *bytes, size_t len);
struct identity_text identity_print(const struct identity *identity); /* wipe it too */
int identity_parse(struct identity *out, const char *text, size_t len);

/* identity.json. Reading wants the id to be that of the key. */
void identity_json_write(const struct identity *identity, struct buf *out);
int identity_json_read(struct identity *out, const char *json, size_t len);

void identity_sign(const struct identity *identity, const void *bytes, size_t len,
                   uint8_t out[IDENTITY_SIGNATURE_BYTES]);
/* OK, or ERR_AUTH when that key did not sign these bytes. */
int identity_verify(const uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES], const void *bytes,
                    size_t len, const uint8_t signature[IDENTITY_SIGNATURE_BYTES]);

/* The public key as libp2p writes it: what is hashed into a peer id and sent in handshakes. */
void identity_public_marshal(const uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES],
                             uint8_t out[IDENTITY_PUBLIC_PROTOBUF_BYTES]);
int identity_public_unmarshal(uint8_t out[IDENTITY_PUBLIC_KEY_BYTES], const void *bytes,
                              size_t len);

#endif
