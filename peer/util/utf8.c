#include "util/utf8.h"

#include "util/assert.h"

size_t utf8_decode(uint32_t *out, const char *text, size_t len)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800,
                                         0x10000 }; /* that needs so many bytes */
    const uint8_t *byte = (const uint8_t *)text;
    ASSERT(len > 0);
    if (byte[0] < 0x80) {
        *out = byte[0];
        return 1;
    }
    size_t count = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || count > len)
        return 0;
    uint32_t code = byte[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte[i] & 0x3f);
    }
    if (code < smallest[count] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *out = code;
    return count;
}

size_t utf8_encode(char out[4], uint32_t code)
{
    ASSERT(code <= 0x10ffff);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t count = code >= 0x10000 ? 4 : code >= 0x800 ? 3 : 2;
    for (size_t i = count - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(leads[count] | code);
    return count;
}
