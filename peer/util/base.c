#include "util/base.h"

#include <stdbool.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

struct base_spec {
    char prefix;      /* multibase's name of it */
    uint8_t radix;    /* also the length of the alphabet */
    uint8_t bits;     /* of one digit; 0: the big-number bases */
    uint8_t group;    /* digits up to which padding fills; 0: no padding */
    bool any_case;    /* read in either case */
    bool skips_lines; /* CR and LF between digits are not seen */
    char alphabet[65];
};

static const struct base_spec base_specs[BASE_COUNT] = {
    [BASE2] = { '0', 2, 1, 0, false, false, "01" },
    [BASE16] = { 'f', 16, 4, 0, true, false, DIGITS "abcdef" },
    [BASE16_UPPER] = { 'F', 16, 4, 0, true, false, DIGITS "ABCDEF" },
    [BASE32] = { 'b', 32, 5, 0, true, true, LOWER "234567" },
    [BASE32_UPPER] = { 'B', 32, 5, 0, true, true, UPPER "234567" },
    [BASE32_PAD] = { 'c', 32, 5, 8, true, true, LOWER "234567" },
    [BASE32_PAD_UPPER] = { 'C', 32, 5, 8, true, true, UPPER "234567" },
    [BASE32_HEX] = { 'v', 32, 5, 0, true, true, DIGITS "abcdefghijklmnopqrstuv" },
    [BASE32_HEX_UPPER] = { 'V', 32, 5, 0, true, true, DIGITS "ABCDEFGHIJKLMNOPQRSTUV" },
    [BASE32_HEX_PAD] = { 't', 32, 5, 8, true, true, DIGITS "abcdefghijklmnopqrstuv" },
    [BASE32_HEX_PAD_UPPER] = { 'T', 32, 5, 8, true, true, DIGITS "ABCDEFGHIJKLMNOPQRSTUV" },
    [BASE36] = { 'k', 36, 0, 0, true, false, DIGITS LOWER },
    [BASE36_UPPER] = { 'K', 36, 0, 0, true, false, DIGITS UPPER },
    [BASE58_BTC] = { 'z', 58, 0, 0, false, false,
                     "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz" },
    [BASE58_FLICKR] = { 'Z', 58, 0, 0, false, false,
                        "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ" },
    [BASE64] = { 'm', 64, 6, 0, false, true, UPPER LOWER DIGITS "+/" },
    [BASE64_PAD] = { 'M', 64, 6, 4, false, true, UPPER LOWER DIGITS "+/" },
    [BASE64_URL] = { 'u', 64, 6, 0, false, true, UPPER LOWER DIGITS "-_" },
    [BASE64_URL_PAD] = { 'U', 64, 6, 4, false, true, UPPER LOWER DIGITS "-_" },
};

static const struct base_spec *base_spec_of(enum base base)
{
    ASSERT((unsigned)base < BASE_COUNT);
    return &base_specs[base];
}

static char base_other_case(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

/* The value of a digit, or -1. */
static int base_digit(const struct base_spec *spec, char c)
{
    const char *at = memchr(spec->alphabet, c, spec->radix);
    if (at == NULL && spec->any_case)
        at = memchr(spec->alphabet, base_other_case(c), spec->radix);
    return at != NULL ? (int)(at - spec->alphabet) : -1;
}

static void base_reverse(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t kept = bytes[i];
        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = kept;
    }
}

/* ---- bases of a power of two ---- */

static int base_encode_bits(const struct base_spec *spec, char *out, size_t size, struct bytes data)
{
    if (data.len > SIZE_MAX / 16)
        return ERR_TOO_BIG;
    size_t digits = (8 * data.len + spec->bits - 1) / spec->bits;
    size_t padding = spec->group > 0 ? (spec->group - digits % spec->group) % spec->group : 0;
    if (digits + padding >= size)
        return ERR_TOO_BIG;

    const uint8_t *byte = data.data;
    const uint8_t *end = data.len > 0 ? byte + data.len : byte;
    uint32_t held = 0; /* bits not written yet, in its low end */
    unsigned held_count = 0;
    for (size_t i = 0; i < digits; i++) {
        if (held_count < spec->bits) { /* zeros fill the last digit */
            held = held << 8 | (byte < end ? *byte++ : 0u);
            held_count += 8;
        }
        held_count -= spec->bits;
        out[i] = spec->alphabet[held >> held_count & (spec->radix - 1u)];
    }
    memset(out + digits, '=', padding);
    out[digits + padding] = '\0';
    return OK;
}

/* How much of the text is digits: a base with padding has exactly what fills its last group. */
static int base_strip_padding(const struct base_spec *spec, struct bytes *text)
{
    if (spec->group == 0)
        return OK;
    const char *c = text->data;
    size_t digits = 0, padding = 0, end = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (c[i] == '\r' || c[i] == '\n')
            continue;
        if (c[i] == '=') {
            padding += 1;
            continue;
        }
        if (padding > 0)
            return ERR_INVALID; /* a digit behind the padding */
        digits += 1;
        end = i + 1;
    }
    if (padding != (spec->group - digits % spec->group) % spec->group)
        return ERR_INVALID;
    text->len = end;
    return OK;
}

static int base_decode_bits(const struct base_spec *spec, uint8_t *out, size_t size,
                            size_t *out_len, struct bytes text)
{
    if (base_strip_padding(spec, &text) != OK)
        return ERR_INVALID;
    const char *c = text.data;
    uint32_t held = 0;
    unsigned held_count = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (spec->skips_lines && (c[i] == '\r' || c[i] == '\n'))
            continue;
        int digit = base_digit(spec, c[i]);
        if (digit < 0)
            return ERR_INVALID;
        held = held << spec->bits | (uint32_t)digit;
        held_count += spec->bits;
        if (held_count < 8)
            continue;
        if (len == size)
            return ERR_TOO_BIG;
        held_count -= 8;
        out[len++] = (uint8_t)(held >> held_count);
    }
    if (held_count >= spec->bits)
        return ERR_INVALID; /* a last digit that carries nothing: no encoder writes it */
    *out_len = len;
    return OK;
}

/* ---- big-number bases ----
 *
 * The number grows in the caller's room, least significant place first; at the end the room is turned
 * round. A pass over the places multiplies by the other base and adds a digit; as most of its cost is
 * the division at each place, digits are held back until one pass can take in several: six bytes, or
 * nine digits of base 58. */

struct base_number {
    uint8_t *places; /* least significant first */
    size_t len;
    size_t size;
    unsigned radix;  /* of one place */
    uint64_t factor; /* held back: number * factor + add is meant */
    uint64_t add;
};

#define BASE_FACTOR_MAX ((uint64_t)1 << 55) /* times a place, and a carry: fits 64 bits */

/* Inlined for each radix that is often met: a compiler divides by a constant without dividing. */
static inline int base_number_settle_in(struct base_number *n, unsigned radix)
{
    uint64_t carry = n->add;
    for (size_t i = 0; i < n->len; i++) {
        carry += n->places[i] * n->factor;
        n->places[i] = (uint8_t)(carry % radix);
        carry /= radix;
    }
    for (; carry > 0; carry /= radix) {
        if (n->len == n->size)
            return ERR_TOO_BIG;
        n->places[n->len++] = (uint8_t)(carry % radix);
    }
    n->factor = 1;
    n->add = 0;
    return OK;
}

static int base_number_settle(struct base_number *n)
{
    switch (n->radix) {
    case 256:
        return base_number_settle_in(n, 256);
    case 58:
        return base_number_settle_in(n, 58);
    default:
        return base_number_settle_in(n, n->radix);
    }
}

/* number = number * radix + digit */
static int base_number_shift_in(struct base_number *n, unsigned radix, unsigned digit)
{
    n->factor *= radix;
    n->add = n->add * radix + digit;
    return n->factor > BASE_FACTOR_MAX / radix ? base_number_settle(n) : OK;
}

static int base_number_pad(struct base_number *n, size_t zeros)
{
    if (zeros > n->size - n->len)
        return ERR_TOO_BIG;
    memset(n->places + n->len, 0, zeros);
    n->len += zeros;
    return OK;
}

static int base_encode_number(const struct base_spec *spec, char *out, size_t size,
                              struct bytes data)
{
    if (size == 0)
        return ERR_TOO_BIG;
    const uint8_t *byte = data.data;
    struct base_number n = { (uint8_t *)out, 0, size - 1, spec->radix, 1, 0 };
    size_t zeros = 0;
    while (zeros < data.len && byte[zeros] == 0)
        zeros += 1;
    for (size_t i = zeros; i < data.len; i++) {
        if (base_number_shift_in(&n, 256, byte[i]) != OK)
            return ERR_TOO_BIG;
    }
    if (base_number_settle(&n) != OK || base_number_pad(&n, zeros) != OK)
        return ERR_TOO_BIG;
    base_reverse(n.places, n.len);
    for (size_t i = 0; i < n.len; i++)
        out[i] = spec->alphabet[n.places[i]];
    out[n.len] = '\0';
    return OK;
}

static int base_decode_number(const struct base_spec *spec, uint8_t *out, size_t size,
                              size_t *out_len, struct bytes text)
{
    const char *c = text.data;
    struct base_number n = { out, 0, size, 256, 1, 0 };
    size_t zeros = 0;
    while (zeros < text.len && base_digit(spec, c[zeros]) == 0)
        zeros += 1;
    for (size_t i = zeros; i < text.len; i++) {
        int digit = base_digit(spec, c[i]);
        if (digit < 0)
            return ERR_INVALID;
        int err = base_number_shift_in(&n, spec->radix, (unsigned)digit);
        if (err != OK)
            return err;
    }
    int err = base_number_settle(&n);
    if (err == OK)
        err = base_number_pad(&n, zeros);
    if (err != OK)
        return err;
    base_reverse(out, n.len);
    *out_len = n.len;
    return OK;
}

/* ---- the four doors ---- */

int base_encode(enum base base, char *out, size_t size, struct bytes data)
{
    const struct base_spec *spec = base_spec_of(base);
    return spec->bits > 0 ? base_encode_bits(spec, out, size, data)
                          : base_encode_number(spec, out, size, data);
}

int base_decode(enum base base, uint8_t *out, size_t size, size_t *out_len, struct bytes text)
{
    const struct base_spec *spec = base_spec_of(base);
    return spec->bits > 0 ? base_decode_bits(spec, out, size, out_len, text)
                          : base_decode_number(spec, out, size, out_len, text);
}

int multibase_encode(enum base base, char *out, size_t size, struct bytes data)
{
    if (size == 0)
        return ERR_TOO_BIG;
    out[0] = base_spec_of(base)->prefix;
    return base_encode(base, out + 1, size - 1, data);
}

int multibase_decode(uint8_t *out, size_t size, size_t *out_len, struct bytes text)
{
    if (text.len == 0)
        return ERR_INVALID;
    const char *c = text.data;
    for (int base = 0; base < BASE_COUNT; base++) {
        if (base_specs[base].prefix == c[0])
            return base_decode((enum base)base, out, size, out_len,
                               (struct bytes){ c + 1, text.len - 1 });
    }
    return ERR_INVALID;
}
