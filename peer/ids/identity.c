/* libp2p wants the protobuf of a key to be deterministic: both fields, in order, shortest varints,
 * nothing else. Then an ed25519 key has exactly one form, a fixed head and the key, and comparing
 * the head is the whole parser. RSA keys, of files from before 2019, go through the protobuf. */
#include "ids/identity.h"

#include <sodium.h>
#include <string.h>

#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/protobuf.h"

enum { KEY_HEAD_BYTES = 4, KEY_TYPE_RSA = 0, KEY_TYPE_ED25519 = 1, KEY_TYPE_MAX = 3 };

/* Field 1: type 1 (ed25519). Field 2: so many bytes. */
static const uint8_t private_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 64 };
static const uint8_t private_old_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 96 };
static const uint8_t public_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 32 };

static bool key_has_form(struct bytes bytes, const uint8_t head[KEY_HEAD_BYTES])
{
    return bytes.len == (size_t)KEY_HEAD_BYTES + head[KEY_HEAD_BYTES - 1] &&
           memcmp(bytes.data, head, KEY_HEAD_BYTES) == 0;
}

/* The DER inside the protobuf of an RSA key; else why it is none that we know. */
static int key_take_rsa(struct bytes bytes, struct bytes *der)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    struct protobuf_field type, data;
    bool is_key = protobuf_next(&r, &type) && protobuf_is(&type, 1, PROTOBUF_VARINT) &&
                  protobuf_next(&r, &data) && protobuf_is(&data, 2, PROTOBUF_BYTES) &&
                  reader_finish(&r) == OK;
    if (!is_key || type.value == KEY_TYPE_ED25519 || type.value > KEY_TYPE_MAX)
        return ERR_INVALID;
    if (type.value != KEY_TYPE_RSA)
        return ERR_UNSUPPORTED;
    *der = data.data;
    return OK;
}

static void key_put_rsa(struct bytes der, struct buf *out)
{
    protobuf_put_varint(out, 1, KEY_TYPE_RSA);
    protobuf_put_bytes(out, 2, der.data, der.len);
}

/* A key that is longer than 42 bytes is named by its hash. */
static struct peer_id key_hash_id(struct bytes key)
{
    struct peer_id id = { .len = 2 + crypto_hash_sha256_BYTES };
    id.bytes[0] = 0x12; /* SHA-256 */
    id.bytes[1] = crypto_hash_sha256_BYTES;
    crypto_hash_sha256(id.bytes + 2, key.data, key.len);
    return id;
}

void identity_from_seed(struct identity *out, const uint8_t seed[IDENTITY_SEED_BYTES])
{
    uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES];
    *out = (struct identity){ .rsa_key_len = 0 };
    crypto_sign_seed_keypair(public_key, out->secret_key, seed);
    out->id = peer_id_of_public_key(public_key);
}

void identity_wipe(struct identity *identity)
{
    mem_wipe(identity, sizeof(*identity));
}

const uint8_t *identity_public_key(const struct identity *identity)
{
    ASSERT(identity->rsa_key_len == 0);
    return identity->secret_key + IDENTITY_SEED_BYTES;
}

void identity_marshal(const struct identity *identity, uint8_t out[IDENTITY_PRIVATE_PROTOBUF_BYTES])
{
    ASSERT(identity->rsa_key_len == 0);
    memcpy(out, private_head, KEY_HEAD_BYTES);
    memcpy(out + KEY_HEAD_BYTES, identity->secret_key, sizeof(identity->secret_key));
}

static int identity_unmarshal_rsa(struct identity *out, struct bytes run)
{
    struct bytes der;
    struct buf key = { 0 };
    int err = key_take_rsa(run, &der);
    if (err == OK && der.len > IDENTITY_RSA_BYTES_MAX)
        err = ERR_INVALID;
    struct identity identity = { .rsa_key_len = err == OK ? der.len : 0 };
    if (err == OK) {
        memcpy(identity.rsa_key, der.data, der.len);
        err = identity_show(&identity, &key);
    }
    if (err == OK) {
        identity.id = key_hash_id(buf_bytes(&key));
        *out = identity;
    }
    identity_wipe(&identity);
    buf_deinit(&key);
    return err;
}

int identity_unmarshal(struct identity *out, const void *bytes, size_t len)
{
    struct bytes run = { bytes, len };
    bool is_old = key_has_form(run, private_old_head);
    if (!is_old && !key_has_form(run, private_head))
        return identity_unmarshal_rsa(out, run);

    const uint8_t *seed = (const uint8_t *)bytes + KEY_HEAD_BYTES;
    const uint8_t *public_key = seed + IDENTITY_SEED_BYTES;
    const uint8_t *again = public_key + IDENTITY_PUBLIC_KEY_BYTES; /* in the old form */
    struct identity identity;
    identity_from_seed(&identity, seed);
    int err = OK;
    if (memcmp(identity_public_key(&identity), public_key, IDENTITY_PUBLIC_KEY_BYTES) != 0)
        err = ERR_CORRUPT;
    if (is_old && memcmp(public_key, again, IDENTITY_PUBLIC_KEY_BYTES) != 0)
        err = ERR_CORRUPT;
    if (err == OK)
        *out = identity;
    identity_wipe(&identity);
    return err;
}

struct identity_text identity_print(const struct identity *identity)
{
    struct identity_text out = { "" };
    uint8_t bytes[IDENTITY_PRIVATE_PROTOBUF_BYTES];
    identity_marshal(identity, bytes);
    int err =
        base_encode(BASE64_PAD, out.text, sizeof(out.text), (struct bytes){ bytes, sizeof(bytes) });
    mem_wipe(bytes, sizeof(bytes));
    ASSERT(err == OK);
    return out;
}

int identity_parse(struct identity *out, const char *text, size_t len)
{
    uint8_t bytes[IDENTITY_RSA_BYTES_MAX + 16];
    size_t bytes_len;
    int err =
        base_decode(BASE64_PAD, bytes, sizeof(bytes), &bytes_len, (struct bytes){ text, len });
    if (err == OK)
        err = identity_unmarshal(out, bytes, bytes_len);
    else if (err == ERR_TOO_BIG)
        err = ERR_UNSUPPORTED;
    mem_wipe(bytes, sizeof(bytes));
    return err;
}

static void identity_put_text(const struct identity *identity, struct buf *out)
{
    char text[(IDENTITY_RSA_BYTES_MAX + 16) / 3 * 4 + 8];
    struct buf bytes = { 0 };
    if (identity->rsa_key_len == 0) {
        struct identity_text key = identity_print(identity);
        buf_append_text(out, key.text);
        mem_wipe(&key, sizeof(key));
        return;
    }
    key_put_rsa((struct bytes){ identity->rsa_key, identity->rsa_key_len }, &bytes);
    int err = bytes.err;
    if (err == OK)
        err = base_encode(BASE64_PAD, text, sizeof(text), buf_bytes(&bytes));
    if (err == OK)
        buf_append_text(out, text);
    else
        out->err = err;
    mem_wipe(text, sizeof(text));
    buf_wipe(&bytes);
}

void identity_json_write(const struct identity *identity, struct buf *out)
{
    buf_printf(out, "{\n    \"id\": \"%s\",\n    \"private_key\": \"",
               peer_id_print(&identity->id).text);
    identity_put_text(identity, out);
    buf_append_text(out, "\"\n}");
}

static int identity_json_take(struct identity *out, const struct json_doc *doc, struct buf *text)
{
    struct peer_id id;
    struct identity identity;
    char id_text[2 * PEER_ID_TEXT_SIZE];
    int err = json_text_into(doc, json_member(doc, 0, "id"), id_text, sizeof(id_text));
    if (err == OK)
        err = peer_id_parse(&id, id_text);
    if (err != OK)
        return ERR_INVALID;
    err = json_text(doc, json_member(doc, 0, "private_key"), text);
    if (err == OK)
        err = identity_parse(&identity, (const char *)text->data, text->len);
    if (err != OK)
        return err;
    if (peer_id_equal(&id, &identity.id))
        *out = identity;
    else
        err = ERR_CORRUPT;
    identity_wipe(&identity);
    return err;
}

int identity_json_read(struct identity *out, const char *json, size_t len)
{
    struct json_doc doc;
    struct buf text = { 0 };
    int err = json_parse(&doc, json, len);
    if (err == OK)
        err = identity_json_take(out, &doc, &text);
    buf_wipe(&text);
    json_doc_deinit(&doc);
    return err;
}

/* ---- any kind of key ---- */

int identity_show(const struct identity *identity, struct buf *out)
{
    if (identity->rsa_key_len == 0) {
        uint8_t key[IDENTITY_PUBLIC_PROTOBUF_BYTES];
        identity_public_marshal(identity_public_key(identity), key);
        buf_append(out, key, sizeof(key));
        return out->err;
    }
    struct buf der = { 0 };
    int err = rsa_public_of((struct bytes){ identity->rsa_key, identity->rsa_key_len }, &der);
    if (err == OK)
        key_put_rsa(buf_bytes(&der), out);
    buf_deinit(&der);
    return err == OK ? out->err : err;
}

int identity_prove(const struct identity *identity, const void *bytes, size_t len, uint8_t *out,
                   size_t *out_len)
{
    if (identity->rsa_key_len > 0)
        return rsa_sign((struct bytes){ identity->rsa_key, identity->rsa_key_len }, bytes, len, out,
                        out_len);
    identity_sign(identity, bytes, len, out);
    *out_len = IDENTITY_SIGNATURE_BYTES;
    return OK;
}

int identity_check_proof(struct peer_id *who, struct bytes public_key, const void *bytes,
                         size_t len, struct bytes proof)
{
    uint8_t key[IDENTITY_PUBLIC_KEY_BYTES];
    struct bytes der;
    int err;
    if (key_has_form(public_key, public_head)) {
        (void)identity_public_unmarshal(key, public_key.data, public_key.len);
        *who = peer_id_of_public_key(key);
        return proof.len == IDENTITY_SIGNATURE_BYTES ? identity_verify(key, bytes, len, proof.data)
                                                     : ERR_AUTH;
    }
    if (public_key.len > IDENTITY_PUBLIC_BYTES_MAX)
        return ERR_INVALID;
    err = key_take_rsa(public_key, &der);
    if (err != OK)
        return err;
    *who = key_hash_id(public_key);
    return rsa_verify(der, bytes, len, proof);
}

/* ---- ed25519 alone ---- */

void identity_sign(const struct identity *identity, const void *bytes, size_t len,
                   uint8_t out[IDENTITY_SIGNATURE_BYTES])
{
    ASSERT(identity->rsa_key_len == 0);
    crypto_sign_detached(out, NULL, bytes, len, identity->secret_key);
}

int identity_verify(const uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES], const void *bytes,
                    size_t len, const uint8_t signature[IDENTITY_SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, bytes, len, public_key) == 0 ? OK : ERR_AUTH;
}

void identity_public_marshal(const uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES],
                             uint8_t out[IDENTITY_PUBLIC_PROTOBUF_BYTES])
{
    memcpy(out, public_head, KEY_HEAD_BYTES);
    memcpy(out + KEY_HEAD_BYTES, public_key, IDENTITY_PUBLIC_KEY_BYTES);
}

int identity_public_unmarshal(uint8_t out[IDENTITY_PUBLIC_KEY_BYTES], const void *bytes, size_t len)
{
    struct bytes run = { bytes, len };
    struct bytes der;
    if (!key_has_form(run, public_head)) {
        int err = key_take_rsa(run, &der);
        return err == OK ? ERR_UNSUPPORTED : err;
    }
    memcpy(out, (const uint8_t *)bytes + KEY_HEAD_BYTES, IDENTITY_PUBLIC_KEY_BYTES);
    return OK;
}
