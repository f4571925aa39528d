#include "util/hex.h"

#include "util/err.h"

static const char hex_digits[] = "0123456789abcdef";

void hex_encode(char *out, const void *bytes, size_t len)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[byte[i] >> 4];
        out[2 * i + 1] = hex_digits[byte[i] & 15];
    }
    out[2 * len] = '\0';
}

void hex_append(struct buf *out, const void *bytes, size_t len)
{
    if (len > SIZE_MAX / 4) {
        out->err = ERR_TOO_BIG;
        return;
    }
    uint8_t *to = buf_reserve(out, 2 * len + 1);
    if (to == NULL)
        return;
    hex_encode((char *)to, bytes, len);
    out->len += 2 * len;
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_decode(uint8_t *out, size_t size, size_t *out_len, struct bytes text)
{
    if (text.len % 2 != 0)
        return ERR_INVALID;
    if (text.len / 2 > size)
        return ERR_TOO_BIG;
    const char *digit = text.data;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_digit(digit[2 * i]);
        int low = hex_digit(digit[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_INVALID;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *out_len = text.len / 2;
    return OK;
}

int hex_decode_exact(uint8_t *out, size_t out_len, struct bytes text)
{
    if (text.len != 2 * out_len)
        return ERR_INVALID;
    size_t len;
    return hex_decode(out, out_len, &len, text);
}
