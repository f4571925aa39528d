#include "util/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { BUF_SIZE_FIRST = 256 };

void buf_deinit(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){ .limit = b->limit };
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL)
        mem_wipe(b->data, b->size);
    buf_deinit(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = OK;
}

uint8_t *buf_reserve(struct buf *b, size_t more)
{
    if (b->err != OK)
        return NULL;
    if (more > SIZE_MAX / 4 - b->len || (b->limit > 0 && b->len + more > b->limit)) {
        b->err = ERR_TOO_BIG;
        return NULL;
    }
    if (b->len + more > b->size || b->data == NULL) {
        size_t size = b->size < BUF_SIZE_FIRST ? BUF_SIZE_FIRST : b->size;
        while (size < b->len + more)
            size *= 2;
        uint8_t *data = mem_realloc(b->data, size);
        if (data == NULL) {
            b->err = ERR_NOMEM;
            return NULL;
        }
        b->data = data;
        b->size = size;
    }
    return b->data + b->len;
}

void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    if (buf_reserve(b, 1) == NULL)
        return;
    va_copy(again, args);
    size_t size = b->limit > 0 && b->limit < b->size ? b->limit : b->size;
    int len = vsnprintf((char *)b->data + b->len, size - b->len, format, args);
    ASSERT(len >= 0);
    size_t needed = (size_t)len + 1; /* vsnprintf() writes a NUL behind the text */
    bool fits = needed <= size - b->len;
    if (!fits && buf_reserve(b, needed) != NULL) {
        vsnprintf((char *)b->data + b->len, needed, format, again);
        fits = true;
    }
    b->len += fits ? (size_t)len : 0;
    va_end(again);
}

void buf_put_varint(struct buf *b, uint64_t value)
{
    uint8_t out[10];
    size_t len = 0;
    while (value >= 0x80) {
        out[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[len++] = (uint8_t)value;
    buf_append(b, out, len);
}

void buf_put_run(struct buf *b, const void *data, size_t len)
{
    buf_put_varint(b, len);
    buf_append(b, data, len);
}

void buf_consume(struct buf *b, size_t count)
{
    ASSERT(count <= b->len);
    b->len -= count;
    if (b->len > 0 && count > 0)
        memmove(b->data, b->data + count, b->len);
}

const char *buf_text(struct buf *b)
{
    uint8_t *end = buf_reserve(b, 1);
    if (end == NULL)
        return "";
    *end = 0;
    return (const char *)b->data;
}

uint64_t reader_long_varint(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = *reader_next(r, 1);
        if (r->err != OK)
            return 0;
        if (shift == 63 && byte > 1)
            break; /* more than 64 bits */
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if (byte == 0 && shift > 0)
                break; /* padded: the same number has a shorter form */
            return value;
        }
    }
    reader_fail(r);
    return 0;
}
