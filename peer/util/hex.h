/* hex.h -- bytes as pairs of hex digits. Written in lower case, read in any.
 *
 * Errors   ERR_INVALID: an odd number of digits, or something that is no digit. ERR_TOO_BIG: more
 *          bytes than there is room for. The room may be partly written then. */
#ifndef UTIL_HEX_H
#define UTIL_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

/* 2 * len digits and a NUL: `out` has room for 2 * len + 1. */
void hex_encode(char *out, const void *bytes, size_t len);
void hex_append(struct buf *out, const void *bytes, size_t len);
int hex_decode(uint8_t *out, size_t size, size_t *out_len, struct bytes text);
/* Exactly out_len bytes, no more and no fewer: a secret, a key, a hash. */
int hex_decode_exact(uint8_t *out, size_t out_len, struct bytes text);
/* The value of one digit, or -1. */
int hex_digit(char c);

#endif
