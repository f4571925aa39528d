#include "members/depart.h"

#include "util/err.h"

enum { DEPART_VERSION = 1 };

/* 0 or 1: every value has one form. */
static bool depart_bool(struct reader *r)
{
    uint8_t value = reader_u8(r);
    if (value > 1)
        reader_fail(r);
    return value == 1;
}

/* The end of a message: all was there, nothing behind it, and of a version that we know. */
static int depart_finish(struct reader *r, uint8_t version)
{
    if (r->err != OK || version == 0)
        return ERR_CORRUPT;
    return version > DEPART_VERSION ? ERR_VERSION : reader_finish(r);
}

void depart_question_encode(const struct depart_question *q, struct buf *out)
{
    buf_put_u8(out, DEPART_VERSION);
    buf_put_u64(out, q->index);
    buf_put_u8(out, q->gives_all_up);
}

int depart_question_decode(struct depart_question *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    struct depart_question q = { .index = reader_u64(&r) };
    q.gives_all_up = depart_bool(&r);
    int err = depart_finish(&r, version);
    if (err == OK)
        *out = q;
    return err;
}

void depart_kept_encode(uint64_t count, struct buf *out)
{
    buf_put_u8(out, DEPART_VERSION);
    buf_put_u64(out, count);
}

int depart_kept_decode(uint64_t *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    uint64_t count = reader_u64(&r);
    int err = depart_finish(&r, version);
    if (err == OK)
        *out = count;
    return err;
}

void depart_dismissed_encode(bool is_gone, struct buf *out)
{
    buf_put_u8(out, DEPART_VERSION);
    buf_put_u8(out, is_gone);
}

int depart_dismissed_decode(bool *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    bool is_gone = depart_bool(&r);
    int err = depart_finish(&r, version);
    if (err == OK)
        *out = is_gone;
    return err;
}
