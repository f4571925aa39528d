#include <criterion/criterion.h>

#include "util/err.h"
#include "util/protobuf.h"

TestSuite(protobuf, .timeout = 60);

Test(protobuf, what_is_put_is_read_back)
{
    struct buf b = { 0 };
    protobuf_put_varint(&b, 1, 0);
    protobuf_put_varint(&b, 536870911, UINT64_MAX);
    protobuf_put_bytes(&b, 2, "hello", 5);
    protobuf_put_bytes(&b, 3, NULL, 0);
    buf_append(&b, "\x21\x01\x02\x03\x04\x05\x06\x07\x08", 9); /* field 4, 64 bits */
    buf_append(&b, "\x2d\x01\x02\x03\x04", 5);                 /* field 5, 32 bits */
    struct reader r = reader_of(b.data, b.len);
    struct protobuf_field f;
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 1, PROTOBUF_VARINT) && f.value == 0);
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 536870911, PROTOBUF_VARINT));
    cr_assert_eq(f.value, UINT64_MAX);
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 2, PROTOBUF_BYTES));
    cr_assert(bytes_equal(f.data, (struct bytes){ "hello", 5 }));
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 3, PROTOBUF_BYTES) && f.data.len == 0);
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 4, PROTOBUF_FIXED64));
    cr_assert_eq(f.value, UINT64_C(0x0807060504030201));
    cr_assert(protobuf_next(&r, &f) && protobuf_is(&f, 5, PROTOBUF_FIXED32));
    cr_assert_eq(f.value, 0x04030201);
    cr_assert_not(protobuf_next(&r, &f));
    cr_assert_eq(reader_finish(&r), OK);
    buf_deinit(&b);
}

Test(protobuf, damage)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "\x00\x00", 2 }, /* field 0 */
        { "\x08", 1 },     /* no value */
        { "\x0a\x05"
          "abc",
          5 },                             /* runs past the end */
        { "\x0b\x0c", 2 },                 /* a group */
        { "\x0e\x00", 2 },                 /* wire type 6 */
        { "\x88\x00\x01", 3 },             /* a padded tag */
        { "\x0d\x01\x02", 3 },             /* half a fixed field */
        { "\x80\x80\x80\x80\x10\x01", 6 }, /* a number beyond 2^29 */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reader r = reader_of(rows[i].bytes, rows[i].len);
        struct protobuf_field f;
        cr_assert_not(protobuf_next(&r, &f), "row %zu", i);
        cr_assert_eq(reader_finish(&r), ERR_CORRUPT, "row %zu", i);
        cr_assert_not(protobuf_next(&r, &f));
    }
}
