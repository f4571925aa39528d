/* protobuf.h -- the fields of a protobuf message, one at a time, over struct reader and struct buf.
 *
 * Shape    Reading: protobuf_next() until it says false; then reader_finish() tells an orderly end
 *          from damage. Unknown fields are for the caller to skip: simply call again. The last
 *          one counts when a field that may stand once stands twice.
 * Units    Numbers from 1. Fixed fields are little endian, as protobuf has them; varints minimal.
 * Owner    `data` points into what the reader walks.
 * Errors   A broken tag, a group, a field number 0, a length beyond the end: the reader's err.
 * Source   protobuf encoding; libp2p's keys, Noise payload and identify need no more. */
#ifndef UTIL_PROTOBUF_H
#define UTIL_PROTOBUF_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;    /* of the number kinds */
    struct bytes data; /* of PROTOBUF_BYTES: bytes, text or a message */
};

bool protobuf_next(struct reader *r, struct protobuf_field *field);
/* The field, if it is that one: for `if (protobuf_is(&f, 1, PROTOBUF_BYTES))`. */
static inline bool protobuf_is(const struct protobuf_field *field, uint32_t number,
                               enum protobuf_wire wire)
{
    return field->number == number && field->wire == wire;
}

void protobuf_put_varint(struct buf *out, uint32_t number, uint64_t value);
void protobuf_put_bytes(struct buf *out, uint32_t number, const void *data, size_t len);

#endif
