/* buf.h -- a growing run of bytes, and a cursor that reads one without trusting it.
 *
 * Shape    struct buf: data[0..len). {0} is an empty, valid buffer. struct bytes: borrowed, never
 *          freed. struct reader: walks borrowed bytes; the first bad read sets `err` and all later
 *          reads give 0.
 * Units    Integers on the wire are big endian unless the name says `varint` (protobuf, unsigned,
 *          minimal).
 * Owner    A buf owns its memory; buf_deinit() frees. Pointers into it die with the next append.
 * Errors   Appends never return a code: the first failure (ERR_NOMEM, ERR_TOO_BIG at `limit`)
 *          sticks in buf.err, later appends do nothing, and the writer looks once, at the end. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include <string.h>

#include "util/err.h"

struct bytes {
    const void *data;
    size_t len;
};

struct buf {
    uint8_t *data;
    size_t len;
    size_t size;
    size_t limit; /* len never passes it; 0: no limit */
    int err;
};

void buf_deinit(struct buf *b);
void buf_wipe(struct buf *b);  /* overwrites, then frees: for secrets */
void buf_clear(struct buf *b); /* len and err to 0, memory kept */
/* Room for `more` bytes behind len, or NULL (and b->err). The caller then adds to b->len what it
 * wrote. */
uint8_t *buf_reserve(struct buf *b, size_t more);
void buf_append_text(struct buf *b, const char *text); /* without its NUL */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
/* A length (varint), then the bytes: what reader_run() reads. */
void buf_put_run(struct buf *b, const void *data, size_t len);
void buf_put_varint(struct buf *b, uint64_t value);
/* Takes `count` bytes off the front. */
void buf_consume(struct buf *b, size_t count);
/* The bytes as a C string: a NUL is kept behind data[len]; "" when empty or out of memory. */
const char *buf_text(struct buf *b);

/* What follows is called for each field of each row, and so stands here. */

/* buf_reserve() without a call where there is room. */
static inline uint8_t *buf_room(struct buf *b, size_t more)
{
    bool has_room = b->err == OK && b->data != NULL && more <= b->size - b->len &&
                    (b->limit == 0 || b->len + more <= b->limit);
    return has_room ? b->data + b->len : buf_reserve(b, more);
}

static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    uint8_t *to = len > 0 ? buf_room(b, len) : NULL;
    if (to == NULL)
        return;
    memcpy(to, data, len);
    b->len += len;
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

static inline void buf_put_u8(struct buf *b, uint8_t value)
{
    buf_put_big_endian(b, value, 1);
}

static inline void buf_put_u16(struct buf *b, uint16_t value)
{
    buf_put_big_endian(b, value, 2);
}

static inline void buf_put_u32(struct buf *b, uint32_t value)
{
    buf_put_big_endian(b, value, 4);
}

static inline void buf_put_u64(struct buf *b, uint64_t value)
{
    buf_put_big_endian(b, value, 8);
}

/* A buf in memory of the caller's, which it fills up to the end and never gives back: ERR_TOO_BIG
 * beyond it, and no buf_deinit(). */
static inline struct buf buf_over(void *memory, size_t size)
{
    return (struct buf){ .data = memory, .size = size, .limit = size };
}

static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){ b->data, b->len };
}

struct reader {
    const uint8_t *at;
    size_t left;
    int err; /* OK or ERR_CORRUPT */
};

static inline struct reader reader_of(const void *data, size_t len)
{
    return (struct reader){ data, len, 0 };
}

/* What it holds is not what it should be: `err` is set, nothing is left. */
static inline void reader_fail(struct reader *r)
{
    r->err = ERR_CORRUPT;
    r->left = 0;
}

/* The next `len` bytes, at most 8; zeros, and an error, when there are not so many. */
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

static inline uint8_t reader_u8(struct reader *r)
{
    return *reader_next(r, 1);
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = reader_next(r, 2);
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Written out, so that a compiler makes one load of it. */
static inline uint32_t reader_load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t reader_u32(struct reader *r)
{
    return reader_load_u32(reader_next(r, 4));
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = reader_next(r, 8);
    return (uint64_t)reader_load_u32(at) << 32 | reader_load_u32(at + 4);
}

/* Refuses more than 64 bits and padded forms. */
uint64_t reader_long_varint(struct reader *r);
static inline uint64_t reader_varint(struct reader *r)
{
    bool is_short = r->err == OK && r->left > 0 && *r->at < 0x80;
    return is_short ? *reader_next(r, 1) : reader_long_varint(r);
}

static inline struct bytes reader_take(struct reader *r, size_t len)
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

/* What buf_put_run() wrote. */
static inline struct bytes reader_run(struct reader *r, size_t len_max)
{
    uint64_t len = reader_varint(r);
    if (r->err == OK && len > len_max)
        reader_fail(r);
    return r->err == OK ? reader_take(r, (size_t)len) : (struct bytes){ NULL, 0 };
}

/* OK only when nothing went wrong and nothing is left over. */
static inline int reader_finish(const struct reader *r)
{
    return r->err == OK && r->left == 0 ? OK : ERR_CORRUPT;
}

/* Byte order of memcmp, shorter first when one is a prefix of the other. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
