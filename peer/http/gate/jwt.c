#include "http/gate/jwt.h"

#include <sodium.h>
#include <string.h>

#include "util/base.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

/* ---- signatures ---- */

enum { SHA512_BLOCK = 128, SHA384_BYTES = 48 };

/* libsodium has no SHA-384, which is SHA-512 begun with other numbers and cut (FIPS 180-4, 5.3.4). */
static void jwt_sha384_init(crypto_hash_sha512_state *s)
{
    static const uint64_t first[8] = { 0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
                                       0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
                                       0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4 };
    crypto_hash_sha512_init(s);
    memcpy(s->state, first, sizeof(first));
}

static void jwt_hash384(uint8_t out[SHA384_BYTES], struct bytes a, struct bytes b)
{
    crypto_hash_sha512_state s;
    uint8_t whole[crypto_hash_sha512_BYTES];
    jwt_sha384_init(&s);
    crypto_hash_sha512_update(&s, a.data, a.len);
    crypto_hash_sha512_update(&s, b.data, b.len);
    crypto_hash_sha512_final(&s, whole);
    memcpy(out, whole, SHA384_BYTES);
    mem_wipe(&s, sizeof(s));
}

/* RFC 2104 */
static void jwt_hmac384(uint8_t out[SHA384_BYTES], struct bytes key, struct bytes message)
{
    uint8_t pad[SHA512_BLOCK] = { 0 }, inner[SHA384_BYTES];
    if (key.len > sizeof(pad))
        jwt_hash384(pad, key, (struct bytes){ "", 0 });
    else
        memcpy(pad, key.data, key.len);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    jwt_hash384(inner, (struct bytes){ pad, sizeof(pad) }, message);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    jwt_hash384(out, (struct bytes){ pad, sizeof(pad) }, (struct bytes){ inner, sizeof(inner) });
    mem_wipe(pad, sizeof(pad));
}

static size_t jwt_sign(enum jwt_algorithm algorithm, struct bytes key, struct bytes message,
                       uint8_t out[JWT_SIGNATURE_MAX])
{
    switch (algorithm) {
    case JWT_HS256: {
        crypto_auth_hmacsha256_state s;
        crypto_auth_hmacsha256_init(&s, key.data, key.len);
        crypto_auth_hmacsha256_update(&s, message.data, message.len);
        crypto_auth_hmacsha256_final(&s, out);
        mem_wipe(&s, sizeof(s));
        return crypto_auth_hmacsha256_BYTES;
    }
    case JWT_HS384:
        jwt_hmac384(out, key, message);
        return SHA384_BYTES;
    case JWT_HS512: {
        crypto_auth_hmacsha512_state s;
        crypto_auth_hmacsha512_init(&s, key.data, key.len);
        crypto_auth_hmacsha512_update(&s, message.data, message.len);
        crypto_auth_hmacsha512_final(&s, out);
        mem_wipe(&s, sizeof(s));
        return crypto_auth_hmacsha512_BYTES;
    }
    }
    return 0;
}

/* ---- reading ---- */

static int jwt_decode(struct bytes text, uint8_t *out, size_t size, size_t *len)
{
    return base_decode(BASE64_URL, out, size, len, text);
}

/* Up to the next dot; ERR_INVALID when there is none. */
static int jwt_part(struct bytes *rest, struct bytes *out)
{
    const char *from = rest->data;
    const char *dot = rest->len > 0 ? memchr(from, '.', rest->len) : NULL;
    if (dot == NULL)
        return ERR_INVALID;
    *out = (struct bytes){ from, (size_t)(dot - from) };
    *rest = (struct bytes){ dot + 1, rest->len - out->len - 1 };
    return OK;
}

static int jwt_read_header(struct jwt *out, const struct json_doc *doc)
{
    static const char *const names[] = { "HS256", "HS384", "HS512" };
    int algorithm = json_member(doc, 0, "alg");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_text_is(doc, algorithm, names[i])) {
            out->algorithm = (enum jwt_algorithm)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

/* Whole seconds of a number that may have a fraction; OK and untouched when it is absent. */
static int jwt_read_time(const struct json_doc *doc, const char *claim, int64_t *out)
{
    int token = json_member(doc, 0, claim);
    enum json_kind kind = json_kind(doc, token);
    if (kind == JSON_NOTHING || kind == JSON_NULL)
        return OK;
    if (kind != JSON_NUMBER)
        return ERR_INVALID;
    const char *text = doc->text + doc->tokens[token].start;
    size_t len = doc->tokens[token].end - doc->tokens[token].start;
    const char *point = memchr(text, '.', len);
    if (point == NULL)
        return json_get_i64(doc, token, out);
    if (memchr(text, 'e', len) != NULL || memchr(text, 'E', len) != NULL)
        return ERR_INVALID;
    struct json_doc whole;
    int err = json_parse(&whole, text, (size_t)(point - text));
    if (err == OK)
        err = json_get_i64(&whole, 0, out);
    json_doc_deinit(&whole);
    return err;
}

static int jwt_read_claims(struct jwt *out, const struct json_doc *doc)
{
    int64_t not_before = INT64_MIN, issued = INT64_MIN;
    out->expires_s = INT64_MAX;
    int err = json_text_into(doc, json_member(doc, 0, "iss"), out->issuer, sizeof(out->issuer));
    if (err == OK)
        err = jwt_read_time(doc, "exp", &out->expires_s);
    if (err == OK)
        err = jwt_read_time(doc, "nbf", &not_before);
    if (err == OK)
        err = jwt_read_time(doc, "iat", &issued);
    out->begins_s = not_before > issued ? not_before : issued;
    return err == OK ? OK : ERR_INVALID;
}

static int jwt_read_part(struct jwt *out, struct bytes text,
                         int (*read)(struct jwt *out, const struct json_doc *doc))
{
    uint8_t json[JWT_BYTES_MAX];
    size_t len;
    struct json_doc doc;
    if (jwt_decode(text, json, sizeof(json), &len) != OK)
        return ERR_INVALID;
    int err = json_parse(&doc, (const char *)json, len);
    if (err == OK)
        err = json_kind(&doc, 0) == JSON_OBJECT ? read(out, &doc) : ERR_INVALID;
    json_doc_deinit(&doc);
    return err;
}

int jwt_parse(struct jwt *out, struct bytes token)
{
    struct bytes header, claims, rest = token;
    *out = (struct jwt){ .expires_s = 0 };
    if (token.len > JWT_BYTES_MAX || jwt_part(&rest, &header) != OK ||
        jwt_part(&rest, &claims) != OK)
        return ERR_INVALID;
    if (jwt_decode(rest, out->signature, sizeof(out->signature), &out->signature_len) != OK)
        return ERR_INVALID;
    out->covered = (struct bytes){ token.data, header.len + 1 + claims.len };
    int err = jwt_read_part(out, header, jwt_read_header);
    return err == OK ? jwt_read_part(out, claims, jwt_read_claims) : err;
}

bool jwt_is_valid(const struct jwt *jwt, struct bytes key, int64_t now_s)
{
    uint8_t expected[JWT_SIGNATURE_MAX];
    size_t len = jwt_sign(jwt->algorithm, key, jwt->covered, expected);
    bool is_signed = jwt->signature_len == len && sodium_memcmp(expected, jwt->signature, len) == 0;
    mem_wipe(expected, sizeof(expected));
    return is_signed && now_s < jwt->expires_s && now_s >= jwt->begins_s;
}

/* ---- writing ---- */

static void jwt_encode(struct buf *out, struct bytes data)
{
    size_t size = BASE64_SIZE(data.len);
    uint8_t *at = buf_reserve(out, size);
    if (at != NULL && base_encode(BASE64_URL, (char *)at, size, data) == OK)
        out->len += strlen((const char *)at);
}

void jwt_issue(struct buf *out, const char *issuer, struct bytes key)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    struct buf claims = { 0 };
    struct json_writer w = json_writer_to(&claims);
    uint8_t signature[JWT_SIGNATURE_MAX];
    size_t start = out->len;
    json_object_begin(&w);
    json_key_string(&w, "iss", issuer);
    json_object_end(&w);
    jwt_encode(out, (struct bytes){ header, sizeof(header) - 1 });
    buf_append(out, ".", 1);
    jwt_encode(out, buf_bytes(&claims));
    if (claims.err != OK)
        out->err = claims.err;
    buf_deinit(&claims);
    if (out->err != OK)
        return;
    size_t len =
        jwt_sign(JWT_HS256, key, (struct bytes){ out->data + start, out->len - start }, signature);
    buf_append(out, ".", 1);
    jwt_encode(out, (struct bytes){ signature, len });
}
