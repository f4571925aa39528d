#include "ids/peer_id.h"

#include <string.h>

#include "ids/cid.h"
#include "ids/multihash.h"
#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"

enum { PEER_ID_CODEC = 0x72 }; /* libp2p-key, when written as a CID */

/* An ed25519 id: identity multihash of the public key's protobuf {1: type 1, 2: 32 bytes}. */
static const uint8_t peer_id_ed25519_head[] = { 0x00, 0x24, 0x08, 0x01, 0x12, 0x20 };
enum { PEER_ID_ED25519_LEN = sizeof(peer_id_ed25519_head) + 32 };

int peer_id_from_bytes(struct peer_id *out, const void *bytes, size_t len)
{
    struct multihash hash;
    if (len > LIMIT_PEER_ID_BYTES ||
        multihash_from_bytes(&hash, (struct bytes){ bytes, len }) != OK)
        return ERR_INVALID;
    bool is_hashed = hash.code == MULTIHASH_SHA2_256 && hash.digest.len == 32;
    bool is_key = hash.code == MULTIHASH_IDENTITY && hash.digest.len > 0;
    if (!is_hashed && !is_key)
        return ERR_INVALID;
    *out = (struct peer_id){ .len = (uint8_t)len };
    memcpy(out->bytes, bytes, len);
    return OK;
}

static int peer_id_parse_base58(struct peer_id *out, struct bytes text)
{
    uint8_t bytes[LIMIT_PEER_ID_BYTES];
    size_t len;
    if (base_decode(BASE58_BTC, bytes, sizeof(bytes), &len, text) != OK)
        return ERR_INVALID;
    return peer_id_from_bytes(out, bytes, len);
}

int peer_id_parse_len(struct peer_id *out, const char *text, size_t len)
{
    bool is_base58 = (len >= 1 && text[0] == '1') || (len >= 2 && memcmp(text, "Qm", 2) == 0);
    if (is_base58)
        return peer_id_parse_base58(out, (struct bytes){ text, len });
    struct cid cid;
    if (cid_parse_len(&cid, text, len) != OK || cid_codec(&cid) != PEER_ID_CODEC)
        return ERR_INVALID;
    struct bytes hash = cid_multihash(&cid);
    return peer_id_from_bytes(out, hash.data, hash.len);
}

int peer_id_parse(struct peer_id *out, const char *text)
{
    return peer_id_parse_len(out, text, strlen(text));
}

struct peer_id_text peer_id_print(const struct peer_id *id)
{
    struct peer_id_text out = { "" };
    int err =
        base_encode(BASE58_BTC, out.text, sizeof(out.text), (struct bytes){ id->bytes, id->len });
    ASSERT(err == OK);
    return out;
}

int peer_id_compare(const struct peer_id *a, const struct peer_id *b)
{
    return bytes_compare((struct bytes){ a->bytes, a->len }, (struct bytes){ b->bytes, b->len });
}

bool peer_id_equal(const struct peer_id *a, const struct peer_id *b)
{
    return peer_id_compare(a, b) == 0;
}

bool peer_id_is_nobody(const struct peer_id *id)
{
    return id->len == 0;
}

int peer_id_public_key(const struct peer_id *id, uint8_t out[32])
{
    size_t head_len = sizeof(peer_id_ed25519_head);
    if (id->len != PEER_ID_ED25519_LEN || memcmp(id->bytes, peer_id_ed25519_head, head_len) != 0)
        return ERR_UNSUPPORTED;
    memcpy(out, id->bytes + head_len, 32);
    return OK;
}

struct peer_id peer_id_of_public_key(const uint8_t public_key[32])
{
    struct peer_id id = { .len = PEER_ID_ED25519_LEN };
    memcpy(id.bytes, peer_id_ed25519_head, sizeof(peer_id_ed25519_head));
    memcpy(id.bytes + sizeof(peer_id_ed25519_head), public_key, 32);
    return id;
}
