#include <criterion/criterion.h>

#include "util/buf.h"
#include "util/err.h"

TestSuite(buf, .timeout = 60);

Test(buf, what_is_put_is_read_back)
{
    struct buf b = { 0 };
    buf_put_u8(&b, 0xab);
    buf_put_u16(&b, 0x1234);
    buf_put_u32(&b, 0xdeadbeef);
    buf_put_u64(&b, 0x0123456789abcdef);
    buf_put_varint(&b, UINT64_MAX);
    buf_put_varint(&b, 300);
    buf_put_run(&b, "hello", 5);
    cr_assert_eq(b.err, OK);

    struct reader r = reader_of(b.data, b.len);
    cr_assert_eq(reader_u8(&r), 0xab);
    cr_assert_eq(reader_u16(&r), 0x1234);
    cr_assert_eq(reader_u32(&r), 0xdeadbeef);
    cr_assert_eq(reader_u64(&r), 0x0123456789abcdef);
    cr_assert_eq(reader_varint(&r), UINT64_MAX);
    cr_assert_eq(reader_varint(&r), 300);
    struct bytes run = reader_run(&r, 5);
    cr_assert(bytes_equal(run, (struct bytes){ "hello", 5 }));
    cr_assert_eq(reader_finish(&r), OK);
    buf_deinit(&b);
}

Test(buf, a_reader_that_failed_stays_failed)
{
    struct reader r = reader_of("\x01\x02", 2);
    cr_assert_eq(reader_u32(&r), 0);
    cr_assert_eq(reader_u8(&r), 0);
    cr_assert_eq(reader_finish(&r), ERR_CORRUPT);
}

Test(buf, padded_and_oversized_varints_are_refused)
{
    struct reader padded = reader_of("\x80\x00", 2);
    reader_varint(&padded);
    cr_assert_eq(padded.err, ERR_CORRUPT);
    struct reader wide = reader_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    reader_varint(&wide);
    cr_assert_eq(wide.err, ERR_CORRUPT);
}

Test(buf, the_limit_sticks)
{
    struct buf b = { .limit = 4 };
    buf_append(&b, "123", 3);
    buf_append(&b, "45", 2);
    cr_assert_eq(b.err, ERR_TOO_BIG);
    buf_append(&b, "4", 1);
    cr_assert_eq(b.len, 3);
    buf_deinit(&b);
}

Test(buf, printf_and_consume)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s=%d", "term", 7);
    cr_assert_str_eq(buf_text(&b), "term=7");
    buf_consume(&b, 5);
    cr_assert_str_eq(buf_text(&b), "7");
    buf_deinit(&b);
}
