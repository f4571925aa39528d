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
void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_text(struct buf *b, const char *text); /* without its NUL */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_put_u8(struct buf *b, uint8_t value);
void buf_put_u16(struct buf *b, uint16_t value);
void buf_put_u32(struct buf *b, uint32_t value);
void buf_put_u64(struct buf *b, uint64_t value);
void buf_put_varint(struct buf *b, uint64_t value);
/* A length (varint), then the bytes: what reader_run() reads. */
void buf_put_run(struct buf *b, const void *data, size_t len);
/* Takes `count` bytes off the front. */
void buf_consume(struct buf *b, size_t count);
/* The bytes as a C string: a NUL is kept behind data[len]; "" when empty or out of memory. */
const char *buf_text(struct buf *b);

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
void reader_fail(struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint64_t reader_varint(struct reader *r); /* refuses more than 64 bits and padded forms */
struct bytes reader_take(struct reader *r, size_t len);
struct bytes reader_run(struct reader *r, size_t len_max); /* what buf_put_run() wrote */
/* OK only when nothing went wrong and nothing is left over. */
int reader_finish(const struct reader *r);

/* Byte order of memcmp, shorter first when one is a prefix of the other. */
int bytes_compare(struct bytes a, struct bytes b);
bool bytes_equal(struct bytes a, struct bytes b);

#endif
