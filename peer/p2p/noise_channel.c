#include "p2p/noise_channel.h"

#include <openssl/evp.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

void noise_nonce_put(uint8_t out[NOISE_NONCE_BYTES], uint64_t nonce)
{
    memset(out, 0, 4);
    for (int i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(nonce >> (8 * i)); /* little endian, unlike all else here */
}

int noise_channel_init(struct noise_channel *c)
{
    *c = (struct noise_channel){ .evp = EVP_CIPHER_CTX_new() };
    if (c->evp == NULL)
        return ERR_NOMEM;
    if (EVP_CipherInit_ex(c->evp, EVP_chacha20_poly1305(), NULL, NULL, NULL, 1) != 1)
        return ERR_UNSUPPORTED;
    return OK;
}

void noise_channel_wipe(struct noise_channel *c)
{
    EVP_CIPHER_CTX_free(c->evp); /* wipes its own copy of the key */
    mem_wipe(c, sizeof(*c));
}

int noise_channel_set_key(struct noise_channel *c, const uint8_t key[NOISE_KEY_BYTES])
{
    memcpy(c->key, key, sizeof(c->key));
    c->nonce = 0;
    return EVP_CipherInit_ex(c->evp, NULL, NULL, c->key, NULL, -1) == 1 ? OK : ERR_NOMEM;
}

/* The next message, with its own nonce. */
static bool noise_channel_begin(struct noise_channel *c, int seals)
{
    uint8_t nonce[NOISE_NONCE_BYTES];
    ASSERT(c->nonce < UINT64_MAX); /* at a message a nanosecond, five centuries away */
    noise_nonce_put(nonce, c->nonce++);
    return EVP_CipherInit_ex(c->evp, NULL, NULL, NULL, nonce, seals) == 1;
}

int noise_channel_seal(struct noise_channel *c, struct bytes plain, struct buf *out)
{
    int len = 0;
    uint8_t *to = buf_reserve(out, plain.len + NOISE_TAG_BYTES);
    if (to == NULL)
        return out->err;
    bool is_sealed =
        noise_channel_begin(c, 1) &&
        (plain.len == 0 || EVP_CipherUpdate(c->evp, to, &len, plain.data, (int)plain.len) == 1) &&
        EVP_CipherFinal_ex(c->evp, to + plain.len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_GET_TAG, NOISE_TAG_BYTES, to + plain.len) == 1;
    if (!is_sealed)
        return ERR_NOMEM;
    out->len += plain.len + NOISE_TAG_BYTES;
    return OK;
}

int noise_channel_open(struct noise_channel *c, struct bytes sealed, struct buf *out)
{
    uint8_t tag[NOISE_TAG_BYTES];
    int len = 0;
    if (sealed.len < NOISE_TAG_BYTES)
        return ERR_CORRUPT;
    size_t plain_len = sealed.len - NOISE_TAG_BYTES;
    uint8_t *to = buf_reserve(out, sealed.len); /* never 0: room for the tag is not needed */
    if (to == NULL)
        return out->err;
    memcpy(tag, (const uint8_t *)sealed.data + plain_len, sizeof(tag));
    if (!noise_channel_begin(c, 0) ||
        EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_SET_TAG, NOISE_TAG_BYTES, tag) != 1)
        return ERR_NOMEM;
    bool is_genuine =
        (plain_len == 0 || EVP_CipherUpdate(c->evp, to, &len, sealed.data, (int)plain_len) == 1) &&
        EVP_CipherFinal_ex(c->evp, to + plain_len, &len) == 1;
    if (!is_genuine)
        return ERR_CORRUPT;
    out->len += plain_len;
    return OK;
}
