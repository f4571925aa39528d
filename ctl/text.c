#include "ctl/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/utf8.h"

static bool text_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* One character; *columns grows by what it takes on the terminal. Returns how many bytes it was. */
static size_t text_put_one(struct buf *out, const char *at, size_t len, size_t *columns)
{
    uint32_t code;
    size_t taken = utf8_decode(&code, at, len);
    if (taken > 0 && !text_is_control(code)) {
        buf_append(out, at, taken);
        *columns += 1;
        return taken;
    }
    buf_printf(out, "\\x%02x", taken > 0 ? (unsigned)code : (unsigned)(uint8_t)*at);
    *columns += sizeof("\\x1b") - 1;
    return taken > 0 ? taken : 1;
}

static size_t text_put_counted(struct buf *out, struct bytes text)
{
    const char *at = text.data;
    size_t columns = 0;
    for (size_t i = 0; i < text.len;)
        i += text_put_one(out, at + i, text.len - i, &columns);
    return columns;
}

void text_put(struct buf *out, struct bytes text)
{
    (void)text_put_counted(out, text);
}

void text_put_lines(struct buf *out, struct bytes text)
{
    const char *at = text.data;
    const char *newline;
    while (text.len > 0 && (newline = memchr(at, '\n', text.len)) != NULL) {
        size_t len = (size_t)(newline - at);
        text_put(out, (struct bytes){ at, len });
        buf_put_u8(out, '\n');
        at += len + 1;
        text.len -= len + 1;
    }
    text_put(out, (struct bytes){ at, text.len });
}

void text_put_padded(struct buf *out, struct bytes text, size_t width)
{
    for (size_t columns = text_put_counted(out, text); columns < width; columns++)
        buf_put_u8(out, ' ');
}
