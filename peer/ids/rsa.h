/* rsa.h -- the keys of old libp2p identities ("Qm..."), by OpenSSL's pure functions: bytes in, bytes out.
 *
 * Shape    Private keys are PKCS #1, public ones SubjectPublicKeyInfo, both DER. Signatures are PKCS #1 v1.5
 *          over SHA-256: the same bytes always give the same.
 * Errors   ERR_INVALID: no RSA key, or one of less than 2048 or more than 4096 bits. ERR_AUTH. ERR_NOMEM.
 * Source   libp2p peer-ids r2; RFC 8017. */
#ifndef IDS_RSA_H
#define IDS_RSA_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096, RSA_SIGNATURE_BYTES_MAX = RSA_BITS_MAX / 8 };

/* Appends the public key that belongs to a private one. */
int rsa_public_of(struct bytes private_key, struct buf *out);
int rsa_sign(struct bytes private_key, const void *bytes, size_t len,
             uint8_t out[RSA_SIGNATURE_BYTES_MAX], size_t *out_len);
/* OK, or ERR_AUTH when that key did not sign these bytes. */
int rsa_verify(struct bytes public_key, const void *bytes, size_t len, struct bytes signature);

#endif
