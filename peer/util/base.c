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

/* ---- bases of a power of two ---- */

/* Five bytes are eight digits of base 32: all CIDs of a listing are written so. */
static size_t base_encode_fives(const struct base_spec *spec, char *out, struct bytes data)
{
    const uint8_t *byte = data.data;
    size_t fives = data.len / 5;
    for (size_t i = 0; i < fives; i++, byte += 5, out += 8) {
        uint64_t held = (uint64_t)byte[0] << 32 | (uint64_t)byte[1] << 24 |
                        (uint64_t)byte[2] << 16 | (uint64_t)byte[3] << 8 | byte[4];
        for (unsigned digit = 0; digit < 8; digit++)
            out[digit] = spec->alphabet[held >> (35 - 5 * digit) & 31];
    }
    return fives;
}

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
    size_t fives = spec->bits == 5 ? base_encode_fives(spec, out, data) : 0;
    if (fives > 0)
        byte += 5 * fives;
    uint32_t held = 0; /* bits not written yet, in its low end */
    unsigned held_count = 0;
    for (size_t i = 8 * fives; i < digits; i++) {
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

/* Base 32 in either case; 32: no digit. */
/* clang-format off */
static const uint8_t base32_digits[256] = {
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 26, 27, 28, 29, 30, 31, 32, 32, 32, 32, 32, 32, 32, 32,
    32,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 32, 32, 32, 32, 32,
    32,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
};
/* clang-format on */

/* base_encode_fives(), back: as many groups of eight digits as stand at the front, and fit. */
static size_t base_decode_fives(uint8_t *out, size_t size, struct bytes text)
{
    const uint8_t *c = text.data;
    size_t fives = 0;
    for (; text.len - 8 * fives >= 8 && size - 5 * fives >= 5; fives++, c += 8, out += 5) {
        uint64_t held = 0;
        uint8_t all = 0;
        for (unsigned i = 0; i < 8; i++) {
            held = held << 5 | base32_digits[c[i]];
            all |= base32_digits[c[i]];
        }
        if (all >= 32)
            break; /* a line's end, or what is no digit */
        for (unsigned i = 0; i < 5; i++)
            out[i] = (uint8_t)(held >> (32 - 8 * i));
    }
    return fives;
}

static bool base_is_32(const struct base_spec *spec)
{
    return spec == &base_specs[BASE32] || spec == &base_specs[BASE32_UPPER];
}

static int base_decode_bits(const struct base_spec *spec, uint8_t *out, size_t size,
                            size_t *out_len, struct bytes text)
{
    if (base_strip_padding(spec, &text) != OK)
        return ERR_INVALID;
    const char *c = text.data;
    uint32_t held = 0;
    unsigned held_count = 0;
    size_t fives = base_is_32(spec) ? base_decode_fives(out, size, text) : 0;
    size_t len = 5 * fives;
    for (size_t i = 8 * fives; i < text.len; i++) {
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
 * The number is kept in limbs, least significant first: of 2^32 while digits become bytes, of the largest power of
 * the base below that while bytes become digits. Most of the cost is the division at each limb, so as much is taken in
 * at once as leaves the sum in 64 bits: four bytes, or a limb's digits. The functions below are inlined for each of the
 * two bases: a compiler divides by a constant without dividing. */

enum {
    NUMBER_LIMBS_MAX = (BASE_NUMBER_BYTES_MAX * 8 + 28) / 29
}; /* the least that a limb holds is log2(58^5) */
#define NUMBER_LIMB ((uint64_t)1 << 32)

struct base_number {
    uint32_t limbs[NUMBER_LIMBS_MAX];
    size_t len;
};

/* number = number * factor + add, with add < factor <= 2^32: no carry reaches `factor`. */
static inline int base_number_take(struct base_number *n, uint64_t limb, uint64_t factor,
                                   uint64_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < n->len; i++) {
        carry += n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)(carry % limb);
        carry /= limb;
    }
    for (; carry > 0; carry /= limb) {
        if (n->len == NUMBER_LIMBS_MAX)
            return ERR_TOO_BIG;
        n->limbs[n->len++] = (uint32_t)(carry % limb);
    }
    return OK;
}

static inline size_t base_digits(const struct base_number *n, uint32_t radix, unsigned limb_digits)
{
    if (n->len == 0)
        return 0;
    size_t digits = (n->len - 1) * limb_digits;
    for (uint32_t left = n->limbs[n->len - 1]; left > 0; left /= radix)
        digits += 1;
    return digits;
}

static inline int base_encode_in(const struct base_spec *spec, uint32_t radix, uint32_t limb,
                                 unsigned limb_digits, char *out, size_t size, struct bytes data)
{
    const uint8_t *byte = data.data;
    struct base_number n;
    size_t zeros = 0;
    n.len = 0;
    while (zeros < data.len && byte[zeros] == 0)
        zeros += 1;
    if (data.len - zeros > BASE_NUMBER_BYTES_MAX)
        return ERR_TOO_BIG;
    uint32_t held = 0;
    for (size_t i = zeros; i < data.len; i++) {
        held = held << 8 | byte[i];
        if ((data.len - i) % 4 == 1) { /* a whole word, or the few bytes in front of all words */
            if (base_number_take(&n, limb, NUMBER_LIMB, held) != OK)
                return ERR_TOO_BIG;
            held = 0;
        }
    }
    size_t digits = base_digits(&n, radix, limb_digits);
    if (zeros >= size || digits >= size - zeros)
        return ERR_TOO_BIG;
    memset(out, spec->alphabet[0], zeros);
    char *at = out + zeros + digits;
    *at = '\0';
    for (size_t i = 0; i + 1 < n.len; i++) {
        uint32_t left = n.limbs[i];
        for (unsigned j = 0; j < limb_digits; j++, left /= radix)
            *--at = spec->alphabet[left % radix];
    }
    for (uint32_t left = n.len > 0 ? n.limbs[n.len - 1] : 0; left > 0; left /= radix)
        *--at = spec->alphabet[left % radix];
    ASSERT(at == out + zeros);
    return OK;
}

static inline int base_decode_in(const struct base_spec *spec, uint32_t radix, uint32_t limb,
                                 unsigned limb_digits, uint8_t *out, size_t size, size_t *out_len,
                                 struct bytes text)
{
    const char *c = text.data;
    struct base_number n;
    size_t zeros = 0;
    n.len = 0;
    while (zeros < text.len && base_digit(spec, c[zeros]) == 0)
        zeros += 1;
    uint32_t held = 0;
    for (size_t i = zeros; i < text.len; i++) {
        int digit = base_digit(spec, c[i]);
        if (digit < 0)
            return ERR_INVALID;
        held = held * radix + (uint32_t)digit;
        if ((text.len - i) % limb_digits == 1) {
            if (base_number_take(&n, NUMBER_LIMB, limb, held) != OK)
                return ERR_TOO_BIG;
            held = 0;
        }
    }
    size_t bytes = base_digits(&n, 256, 4);
    if (bytes > BASE_NUMBER_BYTES_MAX || zeros > size || bytes > size - zeros)
        return ERR_TOO_BIG;
    memset(out, 0, zeros);
    for (size_t i = 0; i < bytes; i++)
        out[zeros + bytes - 1 - i] = (uint8_t)(n.limbs[i / 4] >> i % 4 * 8);
    *out_len = zeros + bytes;
    return OK;
}

static int base_encode_number(const struct base_spec *spec, char *out, size_t size,
                              struct bytes data)
{
    return spec->radix == 58 ? base_encode_in(spec, 58, 656356768, 5, out, size, data)
                             : base_encode_in(spec, 36, 2176782336, 6, out, size, data);
}

static int base_decode_number(const struct base_spec *spec, uint8_t *out, size_t size,
                              size_t *out_len, struct bytes text)
{
    return spec->radix == 58 ? base_decode_in(spec, 58, 656356768, 5, out, size, out_len, text)
                             : base_decode_in(spec, 36, 2176782336, 6, out, size, out_len, text);
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
