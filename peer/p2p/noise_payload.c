#include "p2p/noise_payload.h"

#include <string.h>

#include "util/err.h"
#include "util/protobuf.h"

enum { KEY_BYTES = 32 };

/* Field numbers of the payload and of its extensions. */
enum { FIELD_IDENTITY = 1, FIELD_SIGNATURE = 2, FIELD_EXTENSIONS = 4 };
enum { FIELD_EXT_MUXERS = 2 };

static const char signed_prefix[] = "noise-libp2p-static-key:";
enum { SIGNED_PREFIX_BYTES = sizeof(signed_prefix) - 1 };
enum { SIGNED_BYTES = SIGNED_PREFIX_BYTES + KEY_BYTES };

static void noise_signed_bytes(uint8_t out[SIGNED_BYTES], const uint8_t static_public[KEY_BYTES])
{
    memcpy(out, signed_prefix, SIGNED_PREFIX_BYTES);
    memcpy(out + SIGNED_PREFIX_BYTES, static_public, KEY_BYTES);
}

void noise_payload_encode(struct buf *out, const struct identity *identity,
                          const uint8_t static_public[32], const char *muxer)
{
    struct buf key = { 0 };
    uint8_t to_sign[SIGNED_BYTES];
    uint8_t signature[IDENTITY_PROOF_BYTES_MAX];
    size_t signature_len = 0;
    noise_signed_bytes(to_sign, static_public);
    int err = identity_show(identity, &key);
    if (err == OK)
        err = identity_prove(identity, to_sign, sizeof(to_sign), signature, &signature_len);
    if (err == OK) {
        protobuf_put_bytes(out, FIELD_IDENTITY, key.data, key.len);
        protobuf_put_bytes(out, FIELD_SIGNATURE, signature, signature_len);
    } else {
        out->err = err;
    }
    buf_deinit(&key);
    if (muxer == NULL)
        return;
    struct buf extensions = { 0 };
    protobuf_put_bytes(&extensions, FIELD_EXT_MUXERS, muxer, strlen(muxer));
    if (extensions.err == OK)
        protobuf_put_bytes(out, FIELD_EXTENSIONS, extensions.data, extensions.len);
    else
        out->err = extensions.err;
    buf_deinit(&extensions);
}

static int noise_extensions_decode(struct noise_payload *out, struct bytes extensions,
                                   const char *muxer)
{
    struct reader r = reader_of(extensions.data, extensions.len);
    struct protobuf_field field;
    while (protobuf_next(&r, &field)) {
        if (!protobuf_is(&field, FIELD_EXT_MUXERS, PROTOBUF_BYTES))
            continue;
        out->lists_muxers = true;
        if (muxer != NULL && bytes_equal(field.data, (struct bytes){ muxer, strlen(muxer) }))
            out->lists_ours = true;
    }
    return reader_finish(&r);
}

static int noise_identity_check(struct noise_payload *out, struct bytes key, struct bytes signature,
                                const uint8_t static_public[32])
{
    if (key.len == 0 || signature.len == 0)
        return ERR_AUTH;
    uint8_t was_signed[SIGNED_BYTES];
    noise_signed_bytes(was_signed, static_public);
    int err = identity_check_proof(&out->who, key, was_signed, sizeof(was_signed), signature);
    return err == ERR_INVALID ? ERR_CORRUPT : err;
}

int noise_payload_decode(struct noise_payload *out, struct bytes payload,
                         const uint8_t static_public[32], const char *muxer)
{
    struct reader r = reader_of(payload.data, payload.len);
    struct bytes key = { NULL, 0 }, signature = { NULL, 0 }, extensions = { NULL, 0 };
    struct protobuf_field field;
    while (protobuf_next(&r, &field)) {
        if (protobuf_is(&field, FIELD_IDENTITY, PROTOBUF_BYTES))
            key = field.data;
        else if (protobuf_is(&field, FIELD_SIGNATURE, PROTOBUF_BYTES))
            signature = field.data;
        else if (protobuf_is(&field, FIELD_EXTENSIONS, PROTOBUF_BYTES))
            extensions = field.data;
    }
    *out = (struct noise_payload){ .lists_muxers = false };
    int err = reader_finish(&r);
    if (err == OK)
        err = noise_identity_check(out, key, signature, static_public);
    if (err == OK)
        err = noise_extensions_decode(out, extensions, muxer);
    return err;
}
