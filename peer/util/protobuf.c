#include "util/protobuf.h"

#include "util/assert.h"
#include "util/err.h"

enum { PROTOBUF_NUMBER_MAX = (1 << 29) - 1 };

static uint64_t protobuf_little_endian(struct reader *r, size_t len)
{
    struct bytes run = reader_take(r, len);
    const uint8_t *at = run.data;
    uint64_t value = 0;
    for (size_t i = run.len; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

bool protobuf_next(struct reader *r, struct protobuf_field *field)
{
    if (r->err != OK || r->left == 0)
        return false;
    uint64_t tag = reader_varint(r);
    *field = (struct protobuf_field){ .number = (uint32_t)(tag >> 3), .wire = tag & 7 };
    if (tag >> 3 == 0 || tag >> 3 > PROTOBUF_NUMBER_MAX)
        reader_fail(r);
    switch (tag & 7) {
    case PROTOBUF_VARINT:
        field->value = reader_varint(r);
        break;
    case PROTOBUF_FIXED64:
        field->value = protobuf_little_endian(r, 8);
        break;
    case PROTOBUF_BYTES:
        field->data = reader_run(r, r->left);
        break;
    case PROTOBUF_FIXED32:
        field->value = protobuf_little_endian(r, 4);
        break;
    default: /* groups, and what nobody ever defined */
        reader_fail(r);
    }
    return r->err == OK;
}

static void protobuf_put_tag(struct buf *out, uint32_t number, enum protobuf_wire wire)
{
    ASSERT(number > 0 && number <= PROTOBUF_NUMBER_MAX);
    buf_put_varint(out, (uint64_t)number << 3 | wire);
}

void protobuf_put_varint(struct buf *out, uint32_t number, uint64_t value)
{
    protobuf_put_tag(out, number, PROTOBUF_VARINT);
    buf_put_varint(out, value);
}

void protobuf_put_bytes(struct buf *out, uint32_t number, const void *data, size_t len)
{
    protobuf_put_tag(out, number, PROTOBUF_BYTES);
    buf_put_run(out, data, len);
}
