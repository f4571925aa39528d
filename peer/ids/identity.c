/* libp2p wants the protobuf of a key to be deterministic: both fields, in order, shortest varints,
 * nothing else. Then an ed25519 key has exactly one form, a fixed head and the key, and comparing
 * the head is the whole parser. */
#include "ids/identity.h"

#include <sodium.h>
#include <string.h>

#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/protobuf.h"

enum { KEY_HEAD_BYTES = 4, KEY_TYPE_ED25519 = 1 };

/* Field 1: type 1 (ed25519). Field 2: so many bytes. */
static const uint8_t private_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 64 };
static const uint8_t private_old_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 96 };
static const uint8_t public_head[KEY_HEAD_BYTES] = { 0x08, 0x01, 0x12, 32 };

static bool key_has_form(struct bytes bytes, const uint8_t head[KEY_HEAD_BYTES])
{
    return bytes.len == (size_t)KEY_HEAD_BYTES + head[KEY_HEAD_BYTES - 1] &&
           memcmp(bytes.data, head, KEY_HEAD_BYTES) == 0;
}

/* The code for bytes that are no ed25519 key: another known type, or nothing we know. */
static int key_refusal(struct bytes bytes)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    struct protobuf_field type, data;
    bool is_key = protobuf_next(&r, &type) && protobuf_is(&type, 1, PROTOBUF_VARINT) &&
                  protobuf_next(&r, &data) && protobuf_is(&data, 2, PROTOBUF_BYTES) &&
                  reader_finish(&r) == OK;
    return is_key && type.value != KEY_TYPE_ED25519 && type.value <= 3 ? ERR_UNSUPPORTED
                                                                       : ERR_INVALID;
}

void identity_from_seed(struct identity *out, const uint8_t seed[IDENTITY_SEED_BYTES])
{
    uint8_t public_key[IDENTITY_PUBLIC_KEY_BYTES];
    crypto_sign_seed_keypair(public_key, out->secret_key, seed);
    out->id = peer_id_of_public_key(public_key);
}

void identity_wipe(struct identity *identity)
{
    mem_wipe(identity, sizeof(*identity));
}

const uint8_t *identity_public_key(const struct identity *identity)
{
    return identity->secret_key + IDENTITY_SEED_BYTES;
}

void identity_marshal(const struct identity *identity, uint8_t out[IDENTITY_PRIVATE_PROTOBUF_BYTES])
{
    memcpy(out, private_head, KEY_HEAD_BYTES);
    memcpy(out + KEY_HEAD_BYTES, identity->secret_key, sizeof(identity->secret_key));
}

int identity_unmarshal(struct identity *out, const void *bytes, size_t len)
{
    struct bytes run = { bytes, len };
    bool is_old = key_has_form(run, private_old_head);
    if (!is_old && !key_has_form(run, private_head))
        return key_refusal(run);

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
    uint8_t bytes[KEY_HEAD_BYTES + 96];
    size_t bytes_len;
    int err =
        base_decode(BASE64_PAD, bytes, sizeof(bytes), &bytes_len, (struct bytes){ text, len });
    if (err == OK)
        err = identity_unmarshal(out, bytes, bytes_len);
    else if (err == ERR_TOO_BIG) /* an RSA key has more than a thousand bytes */
        err = ERR_UNSUPPORTED;
    mem_wipe(bytes, sizeof(bytes));
    return err;
}

void identity_json_write(const struct identity *identity, struct buf *out)
{
    struct identity_text key = identity_print(identity);
    buf_printf(out, "{\n    \"id\": \"%s\",\n    \"private_key\": \"%s\"\n}",
               peer_id_print(&identity->id).text, key.text);
    mem_wipe(&key, sizeof(key));
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

void identity_sign(const struct identity *identity, const void *bytes, size_t len,
                   uint8_t out[IDENTITY_SIGNATURE_BYTES])
{
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
    if (!key_has_form(run, public_head))
        return key_refusal(run);
    memcpy(out, (const uint8_t *)bytes + KEY_HEAD_BYTES, IDENTITY_PUBLIC_KEY_BYTES);
    return OK;
}
