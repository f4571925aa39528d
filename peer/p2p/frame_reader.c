#include "p2p/frame_reader.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"

enum { FRAME_READER_KEPT_BYTES = 64 * 1024 }; /* a larger buffer is given back after its frame */

/* How many bytes have to be there, head included, before `head` can be a whole frame. */
static int frame_reader_want(struct bytes head, size_t *want)
{
    if (head.len < FRAME_LEN_BYTES) {
        *want = FRAME_LEN_BYTES;
        return OK;
    }
    struct reader r = reader_of(head.data, head.len);
    uint32_t len = reader_u32(&r);
    if (len == 0 || len > LIMIT_FRAME_BYTES)
        return ERR_CORRUPT;
    *want = FRAME_LEN_BYTES + (size_t)len;
    return OK;
}

static struct bytes frame_reader_body(const void *whole, size_t len)
{
    return (struct bytes){ (const uint8_t *)whole + FRAME_LEN_BYTES, len - FRAME_LEN_BYTES };
}

/* Takes from the input what the frame under way lacks: first its head, then the rest. */
static int frame_reader_gather(struct frame_reader *r, struct session_stream *t, size_t want)
{
    struct bytes in = session_stream_input(t);
    size_t lacks = want - r->partial.len;
    size_t part = in.len < lacks ? in.len : lacks;
    buf_append(&r->partial, in.data, part);
    if (r->partial.err != OK)
        return r->partial.err;
    session_stream_taken(t, part);
    return OK;
}

int frame_reader_next(struct frame_reader *r, struct session_stream *t, struct bytes *frame)
{
    ASSERT(r->shown == 0);
    *frame = (struct bytes){ 0 };
    for (;;) {
        struct bytes in = session_stream_input(t);
        size_t want = 0;
        if (in.len == 0)
            return OK;
        int err = frame_reader_want(r->partial.len > 0 ? buf_bytes(&r->partial) : in, &want);
        if (err != OK)
            return err;
        if (r->partial.len == 0 && want > FRAME_LEN_BYTES && in.len >= want) {
            r->shown = want;
            *frame = frame_reader_body(in.data, want);
            return OK;
        }
        err = frame_reader_gather(r, t, want);
        if (err != OK)
            return err;
        if (want > FRAME_LEN_BYTES && r->partial.len == want) {
            *frame = frame_reader_body(r->partial.data, want);
            return OK;
        }
    }
}

void frame_reader_drop(struct frame_reader *r, struct session_stream *t)
{
    if (r->shown > 0)
        session_stream_taken(t, r->shown);
    r->shown = 0;
    buf_clear(&r->partial);
    if (r->partial.size > FRAME_READER_KEPT_BYTES)
        buf_deinit(&r->partial);
}

void frame_reader_deinit(struct frame_reader *r)
{
    buf_deinit(&r->partial);
}
