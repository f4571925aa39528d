#include "ids/cid.h"

#include <string.h>

#include "ids/multihash.h"
#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"

enum {
    CID_V0_BYTES = 34,      /* 12 20, then sha2-256 */
    CID_V0_TEXT_LEN = 46,   /* of its base58 */
    CID_CODEC_DAG_PB = 0x70 /* what a v0 always names */
};
/* Base 2 is the longest. Longer text cannot be a CID that fits, and is not worth decoding. */
enum { CID_PARSE_LEN_MAX = 1 + 8 * LIMIT_CID_BYTES };

static bool cid_is_v0(struct bytes bytes)
{
    const uint8_t *byte = bytes.data;
    return bytes.len >= 2 && byte[0] == MULTIHASH_SHA2_256 && byte[1] == 32;
}

/* As nearly all are: version 1, and each of the three numbers behind it takes one byte. */
static bool cid_is_plain(struct bytes bytes)
{
    const uint8_t *byte = bytes.data;
    return bytes.len >= 4 && byte[0] == 1 && (byte[1] | byte[2] | byte[3]) < 0x80 &&
           bytes.len - 4 == byte[3];
}

/* What a CID says: its codec, and which of its bytes are the multihash. */
static int cid_dissect(struct bytes bytes, uint64_t *codec, struct bytes *hash)
{
    if (cid_is_plain(bytes)) {
        const uint8_t *byte = bytes.data;
        *codec = byte[1];
        *hash = (struct bytes){ byte + 2, bytes.len - 2 };
        return OK;
    }
    struct reader r = reader_of(bytes.data, bytes.len);
    *codec = CID_CODEC_DAG_PB;
    if (!cid_is_v0(bytes)) {
        if (multihash_read_varint(&r) != 1)
            return ERR_INVALID;
        *codec = multihash_read_varint(&r);
    }
    *hash = (struct bytes){ r.at, r.left };
    struct multihash parts = multihash_read(&r);
    if (reader_finish(&r) != OK)
        return ERR_INVALID;
    return parts.digest.len > LIMIT_DIGEST_BYTES ? ERR_TOO_BIG : OK;
}

int cid_from_bytes(struct cid *out, const void *bytes, size_t len)
{
    uint64_t codec;
    struct bytes hash;
    if (len > LIMIT_CID_BYTES)
        return ERR_TOO_BIG;
    int err = cid_dissect((struct bytes){ bytes, len }, &codec, &hash);
    if (err != OK)
        return err;
    *out = (struct cid){ .len = (uint8_t)len };
    memcpy(out->bytes, bytes, len);
    return OK;
}

int cid_parse_len(struct cid *out, const char *text, size_t len)
{
    uint8_t bytes[LIMIT_CID_BYTES];
    size_t bytes_len;
    if (len > CID_PARSE_LEN_MAX)
        return ERR_TOO_BIG;
    struct bytes run = { text, len };
    int err = len == CID_V0_TEXT_LEN && memcmp(text, "Qm", 2) == 0
                  ? base_decode(BASE58_BTC, bytes, sizeof(bytes), &bytes_len, run)
                  : multibase_decode(bytes, sizeof(bytes), &bytes_len, run);
    return err == OK ? cid_from_bytes(out, bytes, bytes_len) : err;
}

int cid_parse(struct cid *out, const char *text)
{
    return cid_parse_len(out, text, strlen(text));
}

const char *cid_parse_note(int err)
{
    _Static_assert(LIMIT_DIGEST_BYTES == 128, "as the words say");
    return err == ERR_TOO_BIG ? " (too long: IPFS takes digests of up to 128 bytes)" : "";
}

size_t cid_print_to(char out[CID_TEXT_SIZE], const struct cid *cid)
{
    struct bytes bytes = { cid->bytes, cid->len };
    out[0] = '\0';
    if (cid->len == 0)
        return 0;
    bool is_v0 = cid_is_v0(bytes);
    int err = is_v0 ? base_encode(BASE58_BTC, out, CID_TEXT_SIZE, bytes)
                    : multibase_encode(BASE32, out, CID_TEXT_SIZE, bytes);
    ASSERT(err == OK);
    return is_v0 ? strlen(out) : 1 + (8 * bytes.len + 4) / 5;
}

struct cid_text cid_print(const struct cid *cid)
{
    struct cid_text out;
    out.text[0] = '\0'; /* static analysis does not see that the next line does it */
    (void)cid_print_to(out.text, cid);
    return out;
}

uint64_t cid_codec(const struct cid *cid)
{
    uint64_t codec;
    struct bytes hash;
    int err = cid_dissect((struct bytes){ cid->bytes, cid->len }, &codec, &hash);
    ASSERT(err == OK);
    return codec;
}

struct bytes cid_multihash(const struct cid *cid)
{
    uint64_t codec;
    struct bytes hash;
    int err = cid_dissect((struct bytes){ cid->bytes, cid->len }, &codec, &hash);
    ASSERT(err == OK);
    return hash;
}
