#include "ids/rsa.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "util/err.h"

/* Takes the key; NULL when it is none that we know. */
static EVP_PKEY *rsa_known(EVP_PKEY *key)
{
    bool is_known = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
                    EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
                    EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
    if (is_known)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* Nothing may stand behind the key. */
static EVP_PKEY *rsa_private(struct bytes der)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
    if (key != NULL && at != (const unsigned char *)der.data + der.len) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return rsa_known(key);
}

static EVP_PKEY *rsa_public(struct bytes der)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    if (key != NULL && at != (const unsigned char *)der.data + der.len) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return rsa_known(key);
}

int rsa_public_of(struct bytes private_key, struct buf *out)
{
    enum { DER_BYTES_MAX = 1024 };
    unsigned char der[DER_BYTES_MAX], *at = der;
    EVP_PKEY *key = rsa_private(private_key);
    if (key == NULL)
        return ERR_INVALID;
    int len = i2d_PUBKEY(key, NULL);
    bool fits = len > 0 && len <= DER_BYTES_MAX && i2d_PUBKEY(key, &at) == len;
    EVP_PKEY_free(key);
    if (!fits)
        return ERR_INVALID;
    buf_append(out, der, (size_t)len);
    return out->err;
}

int rsa_sign(struct bytes private_key, const void *bytes, size_t len,
             uint8_t out[RSA_SIGNATURE_BYTES_MAX], size_t *out_len)
{
    EVP_PKEY *key = rsa_private(private_key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t signature_len = RSA_SIGNATURE_BYTES_MAX;
    int err = key == NULL ? ERR_INVALID : ctx == NULL ? ERR_NOMEM : OK;
    if (err == OK && (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
                      EVP_DigestSign(ctx, out, &signature_len, bytes, len) != 1))
        err = ERR_INVALID;
    if (err == OK)
        *out_len = signature_len;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return err;
}

int rsa_verify(struct bytes public_key, const void *bytes, size_t len, struct bytes signature)
{
    EVP_PKEY *key = rsa_public(public_key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int err = key == NULL ? ERR_INVALID : ctx == NULL ? ERR_NOMEM : OK;
    if (err == OK && (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
                      EVP_DigestVerify(ctx, signature.data, signature.len, bytes, len) != 1))
        err = ERR_AUTH;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return err;
}
