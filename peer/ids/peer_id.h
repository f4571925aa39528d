/* peer_id.h -- who somebody is: a libp2p peer id, the multihash of a public key.
 *
 * Shape    bytes[0..len) is the multihash; text is base58btc of it ("12D3KooW...", "Qm...").
 * Errors   ERR_INVALID for anything that is no peer id.
 * Source   libp2p peer-ids r2; vectors keys.json. */
#ifndef IDS_PEER_ID_H
#define IDS_PEER_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

enum { PEER_ID_TEXT_SIZE = 64 }; /* the longest text and its NUL */

struct peer_id {
    uint8_t len; /* 0: nobody */
    uint8_t bytes[LIMIT_PEER_ID_BYTES];
};

struct peer_id_text {
    char text[PEER_ID_TEXT_SIZE];
};

int peer_id_from_bytes(struct peer_id *out, const void *bytes, size_t len);
/* base58 multihash, or a CIDv1 of codec libp2p-key in any multibase. */
int peer_id_parse(struct peer_id *out, const char *text);
int peer_id_parse_len(struct peer_id *out, const char *text, size_t len);
struct peer_id_text peer_id_print(const struct peer_id *id); /* "" for nobody */
/* Order of the bytes, as memcmp. */
int peer_id_compare(const struct peer_id *a, const struct peer_id *b);
bool peer_id_equal(const struct peer_id *a, const struct peer_id *b);
bool peer_id_is_nobody(const struct peer_id *id);
/* The ed25519 public key inside an identity id; ERR_UNSUPPORTED for hashed or other keys. */
int peer_id_public_key(const struct peer_id *id, uint8_t out[32]);
/* The id of an ed25519 public key. */
struct peer_id peer_id_of_public_key(const uint8_t public_key[32]);

#endif
