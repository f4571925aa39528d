/* base.h -- bytes as text in the bases of multibase, and multibase itself: one character that names
 * the base, then the digits.
 *
 * Shape    One table, two ways to count. Bases of a power of two (2, 16, 32, 64; RFC 4648) cut the
 *          bytes into runs of bits; the others (36, 58) read them as one big number, in which
 *          leading zero bytes stay visible as leading zero digits.
 * Reading  As Go's decoders do: any case where an alphabet has one case only; CR and LF between
 *          digits of base 32 and 64 skipped; spare bits behind the last byte ignored; padding
 *          exact where the base has it, refused where it has not.
 * Units    `size` is room in bytes.
 * Errors   ERR_INVALID: no such digit or base, or a number of digits that no bytes have.
 *          ERR_TOO_BIG: more than `size`, or a big number of more than BASE_NUMBER_BYTES_MAX bytes
 *          (its cost grows with the square). On an error the room may be partly written.
 * Source   multiformats/multibase, go-multibase's choices; vectors bases.json, cids.json. */
#ifndef UTIL_BASE_H
#define UTIL_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum base {
    BASE2,
    BASE16,
    BASE16_UPPER,
    BASE32,
    BASE32_UPPER,
    BASE32_PAD,
    BASE32_PAD_UPPER,
    BASE32_HEX,
    BASE32_HEX_UPPER,
    BASE32_HEX_PAD,
    BASE32_HEX_PAD_UPPER,
    BASE36,
    BASE36_UPPER,
    BASE58_BTC,
    BASE58_FLICKR,
    BASE64,
    BASE64_PAD, /* what most people call base64 */
    BASE64_URL,
    BASE64_URL_PAD,
    BASE_COUNT
};

enum { BASE_NUMBER_BYTES_MAX = 256 };

/* The digits and a NUL. */
int base_encode(enum base base, char *out, size_t size, struct bytes data);
int base_decode(enum base base, uint8_t *out, size_t size, size_t *out_len, struct bytes text);
/* The same with the base's character in front. */
int multibase_encode(enum base base, char *out, size_t size, struct bytes data);
int multibase_decode(uint8_t *out, size_t size, size_t *out_len, struct bytes text);
/* Room that base64 in any form takes for `len` bytes, NUL included. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

#endif
