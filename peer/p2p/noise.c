/* The handshake is written down the way the Noise specification states it: a symmetric state (h, ck, k,
 * n) with MixHash, MixKey, EncryptAndHash and DecryptAndHash, and per message the tokens of the XX
 * pattern, one line a token. So each line below can be laid beside the specification, and the vectors
 * pin h, ck and k after every message. What libp2p adds is the payload: noise_payload.c. */
#include "p2p/noise.h"

#include <sodium.h>
#include <string.h>

#include "p2p/noise_payload.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { NOISE_MESSAGES = 3 };

/* ---- cipher of the handshake: ChaCha20-Poly1305, the nonce counts messages ---- */

static int noise_cipher_seal(struct noise_cipher *c, struct bytes ad, struct bytes plain,
                             struct buf *out)
{
    uint8_t nonce[NOISE_NONCE_BYTES];
    uint8_t *to = buf_reserve(out, plain.len + NOISE_TAG_BYTES);
    if (to == NULL)
        return out->err;
    ASSERT(c->nonce < UINT64_MAX); /* at a message a nanosecond, five centuries away */
    noise_nonce_put(nonce, c->nonce++);
    crypto_aead_chacha20poly1305_ietf_encrypt(to, NULL, plain.data, plain.len, ad.data, ad.len,
                                              NULL, nonce, c->key);
    out->len += plain.len + NOISE_TAG_BYTES;
    return OK;
}

static int noise_cipher_open(struct noise_cipher *c, struct bytes ad, struct bytes sealed,
                             struct buf *out)
{
    uint8_t nonce[NOISE_NONCE_BYTES];
    if (sealed.len < NOISE_TAG_BYTES)
        return ERR_CORRUPT;
    uint8_t *to = buf_reserve(out, sealed.len); /* never 0: room for the tag is not needed */
    if (to == NULL)
        return out->err;
    ASSERT(c->nonce < UINT64_MAX);
    noise_nonce_put(nonce, c->nonce++);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(to, NULL, NULL, sealed.data, sealed.len, ad.data,
                                                  ad.len, nonce, c->key) != 0)
        return ERR_CORRUPT;
    out->len += sealed.len - NOISE_TAG_BYTES;
    return OK;
}

/* ---- the symmetric state ---- */

static void noise_hmac(uint8_t out[32], const uint8_t key[32], struct bytes first,
                       struct bytes second)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, 32);
    crypto_auth_hmacsha256_update(&state, first.data, first.len);
    crypto_auth_hmacsha256_update(&state, second.data, second.len);
    crypto_auth_hmacsha256_final(&state, out);
    mem_wipe(&state, sizeof(state));
}

/* HKDF with two outputs; libsodium 1.0.18 has none yet. `one` may be `chain` itself. */
static void noise_hkdf(const uint8_t chain[32], struct bytes input, uint8_t one[32],
                       uint8_t two[32])
{
    static const uint8_t first_block = 1, second_block = 2;
    uint8_t extracted[32];
    noise_hmac(extracted, chain, input, (struct bytes){ NULL, 0 });
    noise_hmac(one, extracted, (struct bytes){ &first_block, 1 }, (struct bytes){ NULL, 0 });
    noise_hmac(two, extracted, (struct bytes){ one, 32 }, (struct bytes){ &second_block, 1 });
    mem_wipe(extracted, sizeof(extracted));
}

static void noise_mix_hash(struct noise *n, struct bytes data)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, n->hash, sizeof(n->hash));
    crypto_hash_sha256_update(&state, data.data, data.len);
    crypto_hash_sha256_final(&state, n->hash);
}

/* MixKey(DH(private, public)). The curve refuses points that give all zeroes. */
static int noise_mix_dh(struct noise *n, const uint8_t private_key[32],
                        const uint8_t public_key[32])
{
    uint8_t shared[32];
    if (crypto_scalarmult_curve25519(shared, private_key, public_key) != 0)
        return ERR_CORRUPT;
    noise_hkdf(n->chain, (struct bytes){ shared, sizeof(shared) }, n->chain, n->cipher.key);
    n->cipher.nonce = 0;
    n->has_key = true;
    mem_wipe(shared, sizeof(shared));
    return OK;
}

static int noise_encrypt_and_hash(struct noise *n, struct bytes plain, struct buf *out)
{
    ASSERT(n->has_key);
    size_t before = out->len;
    int err = noise_cipher_seal(&n->cipher, (struct bytes){ n->hash, 32 }, plain, out);
    if (err == OK)
        noise_mix_hash(n, (struct bytes){ out->data + before, out->len - before });
    return err;
}

static int noise_decrypt_and_hash(struct noise *n, struct bytes sealed, struct buf *plain)
{
    ASSERT(n->has_key);
    int err = noise_cipher_open(&n->cipher, (struct bytes){ n->hash, 32 }, sealed, plain);
    if (err == OK)
        noise_mix_hash(n, sealed);
    return err;
}

/* ---- tokens of a message ---- */

static void noise_write_e(struct noise *n, struct buf *out)
{
    buf_append(out, n->ephemeral_public, NOISE_KEY_BYTES);
    noise_mix_hash(n, (struct bytes){ n->ephemeral_public, NOISE_KEY_BYTES });
}

static int noise_read_e(struct noise *n, struct reader *in)
{
    struct bytes e = reader_take(in, NOISE_KEY_BYTES);
    if (in->err != OK)
        return ERR_CORRUPT;
    memcpy(n->remote_ephemeral, e.data, NOISE_KEY_BYTES);
    noise_mix_hash(n, e);
    return OK;
}

static int noise_write_s(struct noise *n, struct buf *out)
{
    return noise_encrypt_and_hash(n, (struct bytes){ n->static_public, NOISE_KEY_BYTES }, out);
}

static int noise_read_s(struct noise *n, struct reader *in)
{
    struct buf plain = { 0 };
    int err = noise_decrypt_and_hash(n, reader_take(in, NOISE_KEY_BYTES + NOISE_TAG_BYTES), &plain);
    if (err == OK)
        memcpy(n->remote_static, plain.data, NOISE_KEY_BYTES);
    buf_deinit(&plain);
    return err;
}

static int noise_mix_ee(struct noise *n)
{
    return noise_mix_dh(n, n->ephemeral_private, n->remote_ephemeral);
}

/* The initiator's e with the responder's s, from either end. */
static int noise_mix_es(struct noise *n)
{
    return n->is_initiator ? noise_mix_dh(n, n->ephemeral_private, n->remote_static)
                           : noise_mix_dh(n, n->static_private, n->remote_ephemeral);
}

/* The initiator's s with the responder's e. */
static int noise_mix_se(struct noise *n)
{
    return n->is_initiator ? noise_mix_dh(n, n->static_private, n->remote_ephemeral)
                           : noise_mix_dh(n, n->ephemeral_private, n->remote_static);
}

static int noise_write_payload(struct noise *n, struct buf *out)
{
    return noise_encrypt_and_hash(n, buf_bytes(&n->payload), out);
}

static void noise_decide_muxer(struct noise *n, const struct noise_payload *remote)
{
    if (n->muxer_name == NULL || !remote->lists_muxers)
        n->muxer = NOISE_MUXER_OPEN;
    else
        n->muxer = remote->lists_ours ? NOISE_MUXER_AGREED : NOISE_MUXER_NONE;
}

static int noise_read_payload(struct noise *n, struct reader *in)
{
    struct buf plain = { 0 };
    struct noise_payload payload;
    int err = noise_decrypt_and_hash(n, reader_take(in, in->left), &plain);
    if (err == OK)
        err = noise_payload_decode(&payload, buf_bytes(&plain), n->remote_static, n->muxer_name);
    if (err == OK) {
        n->remote = payload.who;
        n->remote_is_known = true;
        noise_decide_muxer(n, &payload);
    }
    buf_deinit(&plain);
    return err;
}

/* ---- messages ---- */

static int noise_write_a(struct noise *n, struct buf *out)
{
    noise_write_e(n, out);
    noise_mix_hash(n, (struct bytes){ NULL, 0 }); /* the payload, empty and with no key yet */
    return OK;
}

static int noise_read_a(struct noise *n, struct reader *in)
{
    int err = noise_read_e(n, in);
    if (err == OK && in->left > 0)
        err = ERR_CORRUPT; /* a payload here would be neither secret nor authentic */
    if (err == OK)
        noise_mix_hash(n, (struct bytes){ NULL, 0 });
    return err;
}

static int noise_write_b(struct noise *n, struct buf *out)
{
    noise_write_e(n, out);
    int err = noise_mix_ee(n);
    if (err == OK)
        err = noise_write_s(n, out);
    if (err == OK)
        err = noise_mix_es(n);
    return err == OK ? noise_write_payload(n, out) : err;
}

static int noise_read_b(struct noise *n, struct reader *in)
{
    int err = noise_read_e(n, in);
    if (err == OK)
        err = noise_mix_ee(n);
    if (err == OK)
        err = noise_read_s(n, in);
    if (err == OK)
        err = noise_mix_es(n);
    return err == OK ? noise_read_payload(n, in) : err;
}

static int noise_write_c(struct noise *n, struct buf *out)
{
    int err = noise_write_s(n, out);
    if (err == OK)
        err = noise_mix_se(n);
    return err == OK ? noise_write_payload(n, out) : err;
}

static int noise_read_c(struct noise *n, struct reader *in)
{
    int err = noise_read_s(n, in);
    if (err == OK)
        err = noise_mix_se(n);
    return err == OK ? noise_read_payload(n, in) : err;
}

/* Split(): from here on one key a direction, and what led to them is of no more use. */
static int noise_split(struct noise *n)
{
    uint8_t one[32], two[32];
    noise_hkdf(n->chain, (struct bytes){ NULL, 0 }, one, two);
    int err = noise_channel_set_key(&n->send, n->is_initiator ? one : two);
    if (err == OK)
        err = noise_channel_set_key(&n->receive, n->is_initiator ? two : one);
    mem_wipe(one, sizeof(one));
    mem_wipe(two, sizeof(two));
    mem_wipe(n->static_private, sizeof(n->static_private));
    mem_wipe(n->ephemeral_private, sizeof(n->ephemeral_private));
    mem_wipe(n->chain, sizeof(n->chain));
    mem_wipe(&n->cipher, sizeof(n->cipher));
    buf_deinit(&n->payload);
    return err;
}

static int noise_count_message(struct noise *n)
{
    n->messages++;
    return n->messages == NOISE_MESSAGES ? noise_split(n) : OK;
}

/* ---- the handshake from outside ---- */

int noise_start(struct noise *n, bool is_initiator, const struct noise_keys *keys,
                const char *muxer_name)
{
    static const char name[] = "Noise_XX_25519_ChaChaPoly_SHA256";
    _Static_assert(sizeof(name) - 1 == sizeof(n->hash), "used as it is, not hashed");
    memset(n, 0, sizeof(*n));
    n->is_initiator = is_initiator;
    n->muxer_name = muxer_name;
    memcpy(n->hash, name, sizeof(n->hash));
    memcpy(n->chain, name, sizeof(n->chain));
    noise_mix_hash(n, (struct bytes){ NULL, 0 }); /* the prologue: empty, yet mixed in */
    memcpy(n->static_private, keys->static_private, NOISE_KEY_BYTES);
    memcpy(n->ephemeral_private, keys->ephemeral_private, NOISE_KEY_BYTES);
    crypto_scalarmult_curve25519_base(n->static_public, n->static_private);
    crypto_scalarmult_curve25519_base(n->ephemeral_public, n->ephemeral_private);
    noise_payload_encode(&n->payload, keys->identity, n->static_public, muxer_name);
    int err = noise_channel_init(&n->send);
    if (err == OK)
        err = noise_channel_init(&n->receive);
    return err == OK ? n->payload.err : err;
}

void noise_wipe(struct noise *n)
{
    buf_deinit(&n->payload);
    noise_channel_wipe(&n->send);
    noise_channel_wipe(&n->receive);
    mem_wipe(n, sizeof(*n));
}

bool noise_is_done(const struct noise *n)
{
    return n->messages == NOISE_MESSAGES;
}

bool noise_is_our_turn(const struct noise *n)
{
    bool is_initiators = n->messages % 2 == 0;
    return !noise_is_done(n) && is_initiators == n->is_initiator;
}

int noise_write(struct noise *n, struct buf *out)
{
    ASSERT(noise_is_our_turn(n));
    size_t head = out->len;
    buf_put_u16(out, 0); /* the length, once it is known */
    int err = n->messages == 0   ? noise_write_a(n, out)
              : n->messages == 1 ? noise_write_b(n, out)
                                 : noise_write_c(n, out);
    if (err == OK)
        err = out->err;
    if (err != OK)
        return err;
    size_t len = out->len - head - NOISE_HEAD_BYTES;
    out->data[head] = (uint8_t)(len >> 8);
    out->data[head + 1] = (uint8_t)len;
    return noise_count_message(n);
}

int noise_read(struct noise *n, struct bytes message)
{
    ASSERT(!noise_is_our_turn(n) && !noise_is_done(n));
    struct reader in = reader_of(message.data, message.len);
    int err = n->messages == 0   ? noise_read_a(n, &in)
              : n->messages == 1 ? noise_read_b(n, &in)
                                 : noise_read_c(n, &in);
    return err == OK ? noise_count_message(n) : err;
}

const struct peer_id *noise_remote(const struct noise *n)
{
    return n->remote_is_known ? &n->remote : NULL;
}

enum noise_muxer noise_muxer(const struct noise *n)
{
    ASSERT(noise_is_done(n));
    return n->muxer;
}

/* ---- the channel ---- */

int noise_take_frame(struct bytes *in, struct bytes *message)
{
    const uint8_t *at = in->data;
    if (in->len < NOISE_HEAD_BYTES)
        return ERR_MORE;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (in->len - NOISE_HEAD_BYTES < len)
        return ERR_MORE;
    *message = (struct bytes){ at + NOISE_HEAD_BYTES, len };
    *in = (struct bytes){ at + NOISE_HEAD_BYTES + len, in->len - NOISE_HEAD_BYTES - len };
    return OK;
}

int noise_seal(struct noise *n, struct bytes plain, struct buf *out)
{
    ASSERT(noise_is_done(n));
    const uint8_t *at = plain.data;
    size_t left = plain.len;
    do {
        size_t part = left < NOISE_PLAINTEXT_MAX ? left : NOISE_PLAINTEXT_MAX;
        buf_put_u16(out, (uint16_t)(part + NOISE_TAG_BYTES));
        int err = noise_channel_seal(&n->send, (struct bytes){ at, part }, out);
        if (err != OK)
            return err;
        at = part < left ? at + part : at; /* nothing is added to the NULL of no bytes */
        left -= part;
    } while (left > 0);
    return OK;
}

int noise_open(struct noise *n, struct bytes message, struct buf *plain)
{
    ASSERT(noise_is_done(n));
    return noise_channel_open(&n->receive, message, plain);
}
