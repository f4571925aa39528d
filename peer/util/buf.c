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

/* The same, without a call where there is room. */
static inline uint8_t *buf_room(struct buf *b, size_t more)
{
    bool has_room = b->err == OK && b->data != NULL && more <= b->size - b->len &&
                    (b->limit == 0 || b->len + more <= b->limit);
    return has_room ? b->data + b->len : buf_reserve(b, more);
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buf_room(b, len);
    if (to == NULL)
        return;
    memcpy(to, data, len);
    b->len += len;
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

static inline void buf_put_big_endian(struct buf *b, uint64_t value, size_t len)
{
    uint8_t *to = buf_room(b, len);
    if (to == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    b->len += len;
}

void buf_put_u8(struct buf *b, uint8_t value)
{
    buf_put_big_endian(b, value, 1);
}

void buf_put_u16(struct buf *b, uint16_t value)
{
    buf_put_big_endian(b, value, 2);
}

void buf_put_u32(struct buf *b, uint32_t value)
{
    buf_put_big_endian(b, value, 4);
}

void buf_put_u64(struct buf *b, uint64_t value)
{
    buf_put_big_endian(b, value, 8);
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

void reader_fail(struct reader *r)
{
    r->err = ERR_CORRUPT;
    r->left = 0;
}

/* Written out, so that a compiler makes one load of it. */
static inline uint32_t reader_load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The next `len` bytes; zeros, and an error, when there are not so many. */
static inline const uint8_t *reader_next(struct reader *r, size_t len)
{
    static const uint8_t zeros[8];
    if (r->err != OK || len > r->left) {
        reader_fail(r);
        return zeros;
    }
    const uint8_t *at = r->at;
    r->at += len;
    r->left -= len;
    return at;
}

uint8_t reader_u8(struct reader *r)
{
    return *reader_next(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = reader_next(r, 2);
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t reader_u32(struct reader *r)
{
    return reader_load_u32(reader_next(r, 4));
}

uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = reader_next(r, 8);
    return (uint64_t)reader_load_u32(at) << 32 | reader_load_u32(at + 4);
}

uint64_t reader_varint(struct reader *r)
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

struct bytes reader_take(struct reader *r, size_t len)
{
    if (r->err != OK || len > r->left) {
        reader_fail(r);
        return (struct bytes){ NULL, 0 };
    }
    struct bytes run = { r->at, len };
    if (len > 0)
        r->at += len;
    r->left -= len;
    return run;
}

struct bytes reader_run(struct reader *r, size_t len_max)
{
    uint64_t len = reader_varint(r);
    if (r->err == OK && len > len_max)
        reader_fail(r);
    if (r->err != OK)
        return (struct bytes){ NULL, 0 };
    return reader_take(r, (size_t)len);
}

int reader_finish(const struct reader *r)
{
    return r->err == OK && r->left == 0 ? OK : ERR_CORRUPT;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
