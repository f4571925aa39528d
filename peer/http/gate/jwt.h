/* jwt.h -- JSON web tokens as the API issues and takes them: signed with a shared secret, naming an issuer.
 *
 * Shape    jwt_parse() takes a token apart and believes nothing; jwt_is_valid() says whether that key signed it
 *          and its time has come and not passed. Between the two the caller looks the issuer's key up.
 * Limits   JWT_BYTES_MAX for the whole token. HS256, HS384, HS512; every other algorithm, "none" too, is refused.
 * Owner    struct jwt owns nothing: it points into the token and its own room.
 * Errors   ERR_INVALID: no such token. Source: RFC 7519, 7515; SPEC 1.6. */
#ifndef HTTP_GATE_JWT_H
#define HTTP_GATE_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum { JWT_BYTES_MAX = 4096, JWT_ISSUER_SIZE = 256, JWT_SIGNATURE_MAX = 64 };

enum jwt_algorithm { JWT_HS256, JWT_HS384, JWT_HS512 };

struct jwt {
    enum jwt_algorithm algorithm;
    char issuer[JWT_ISSUER_SIZE];
    int64_t expires_s; /* INT64_MAX: never */
    int64_t begins_s;  /* nbf and iat, the later one; INT64_MIN: always */
    struct bytes covered;
    uint8_t signature[JWT_SIGNATURE_MAX];
    size_t signature_len;
};

int jwt_parse(struct jwt *out, struct bytes token);
bool jwt_is_valid(const struct jwt *jwt, struct bytes key, int64_t now_s);
/* Appends one that never expires, HS256, with nothing but the issuer in it. */
void jwt_issue(struct buf *out, const char *issuer, struct bytes key);

#endif
