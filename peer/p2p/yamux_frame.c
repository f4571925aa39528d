#include "p2p/yamux_frame.h"

#include "util/err.h"

void yamux_frame_put(struct buf *out, const struct yamux_frame *frame)
{
    buf_put_u8(out, 0);
    buf_put_u8(out, (uint8_t)frame->type);
    buf_put_u16(out, frame->flags);
    buf_put_u32(out, frame->stream);
    buf_put_u32(out, frame->length);
}

int yamux_frame_decode(struct yamux_frame *out, const uint8_t head[YAMUX_HEAD_BYTES])
{
    struct reader r = reader_of(head, YAMUX_HEAD_BYTES);
    uint8_t version = reader_u8(&r);
    uint8_t type = reader_u8(&r);
    if (version != 0 || type >= YAMUX_TYPE_COUNT)
        return ERR_CORRUPT;
    struct yamux_frame frame = { .type = (enum yamux_type)type };
    frame.flags = reader_u16(&r);
    frame.stream = reader_u32(&r);
    frame.length = reader_u32(&r);
    bool is_of_session = type == YAMUX_PING || type == YAMUX_GO_AWAY;
    if (is_of_session != (frame.stream == 0))
        return ERR_CORRUPT;
    *out = frame;
    return OK;
}
