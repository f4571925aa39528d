/* identity.h -- who we are: an ed25519 key pair, and what others need to check that it was us.
 *
 * Shape    The secret key is libsodium's: 32 bytes of seed, then the public key. Old files may have an RSA
 *          key instead ("Qm..."): such a peer keeps its name; none is ever made. identity.json is
 *          {"id": ..., "private_key": base64 of the libp2p private key}, indented by four, no final
 *          newline.
 * Owner    Plain memory; identity_wipe() before it is let go. Only os/ draws seeds and reads files.
 * Needs    sodium_init() once, by the program, before anything here.
 * Errors   ERR_INVALID: not the bytes or the text of a key. ERR_UNSUPPORTED: a key of another type.
 *          ERR_CORRUPT: the parts do not belong together.
 * Source   libp2p peer-ids r2 (keys), RFC 8032; vectors keys.json. */
#ifndef IDS_IDENTITY_H
#define IDS_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "ids/rsa.h"
#include "util/buf.h"

enum {
    IDENTITY_SEED_BYTES = 32,
    IDENTITY_PUBLIC_KEY_BYTES = 32,
    IDENTITY_SIGNATURE_BYTES = 64,
    IDENTITY_PRIVATE_PROTOBUF_BYTES = 68,
    IDENTITY_PUBLIC_PROTOBUF_BYTES = 36,
    IDENTITY_PRIVATE_TEXT_SIZE = 93, /* base64 and a NUL */
    IDENTITY_RSA_BYTES_MAX = 2400,   /* a private key of 4096 bits */
    IDENTITY_PUBLIC_BYTES_MAX = 600, /* any public key, as libp2p writes it */
    IDENTITY_PROOF_BYTES_MAX = RSA_SIGNATURE_BYTES_MAX
};

struct identity {
    struct peer_id id;
    uint8_t secret_key[IDENTITY_SEED_BYTES + IDENTITY_PUBLIC_KEY_BYTES];
    uint8_t rsa_key[IDENTITY_RSA_BYTES_MAX]; /* PKCS #1 */
    size_t rsa_key_len;                      /* 0: it is ed25519, above */
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

/* ---- any kind of key: what a handshake shows, and how it is checked ---- */

/* Appends the public key as libp2p writes it. */
int identity_show(const struct identity *identity, struct buf *out);
/* Signs these bytes; `out` has room for IDENTITY_PROOF_BYTES_MAX. */
int identity_prove(const struct identity *identity, const void *bytes, size_t len, uint8_t *out,
                   size_t *out_len);
/* Whose key is it, and did it sign these bytes? ERR_INVALID, ERR_UNSUPPORTED: no key that we know.
 * ERR_AUTH: it did not. */
int identity_check_proof(struct peer_id *who, struct bytes public_key, const void *bytes,
                         size_t len, struct bytes proof);

/* ---- ed25519 alone ---- */

/* The public key as libp2p writes it: what is hashed into a peer id and sent in handshakes. */
void identity_public_marshal(const uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES],
                             uint8_t out[IDENTITY_PUBLIC_PROTOBUF_BYTES]);
int identity_public_unmarshal(uint8_t out[IDENTITY_PUBLIC_KEY_BYTES], const void *bytes,
                              size_t len);

#endif
