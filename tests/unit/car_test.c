/* Which roots a CAR says it has. */
#include <criterion/criterion.h>

#include <string.h>

#include "ipfs/car.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(car, .timeout = 60);

static void put_root(struct buf *out, const struct cid *cid)
{
    buf_put_u8(out, 0xd8);
    buf_put_u8(out, 42);
    buf_put_u8(out, 0x58);
    buf_put_u8(out, (uint8_t)(cid->len + 1));
    buf_put_u8(out, 0);
    buf_append(out, cid->bytes, cid->len);
}

/* A version 1 head with `count` roots, and a byte of what follows. */
static void put_car(struct buf *out, uint8_t count, uint8_t version)
{
    struct buf map = { 0 };
    buf_put_u8(&map, 0xa2);
    buf_append_text(&map, "\x65roots");
    buf_put_u8(&map, (uint8_t)(0x80 + count));
    for (uint8_t i = 0; i < count; i++) {
        struct cid cid = test_cid(i + 1);
        put_root(&map, &cid);
    }
    buf_append_text(&map, "\x67version");
    buf_put_u8(&map, version);
    buf_put_run(out, map.data, map.len);
    buf_put_u8(out, 0x77);
    buf_deinit(&map);
}

static int feed(struct car *c, struct bytes bytes, size_t piece_len)
{
    int err = OK;
    for (size_t at = 0; at < bytes.len && err == OK; at += piece_len) {
        size_t len = bytes.len - at < piece_len ? bytes.len - at : piece_len;
        err = car_feed(c, (const uint8_t *)bytes.data + at, len);
    }
    return err;
}

static void check(struct bytes bytes, int err, bool is_known, size_t roots_count)
{
    for (size_t piece_len = 1; piece_len < 200; piece_len += 13) {
        struct car c = { 0 };
        cr_assert_eq(feed(&c, bytes, piece_len), err);
        cr_assert_eq(c.is_known, is_known);
        struct cid first = test_cid(1);
        if (is_known)
            cr_assert_eq(c.roots_count, roots_count);
        if (is_known && roots_count > 0)
            cr_assert(cid_equal(&c.root, &first));
        car_deinit(&c);
    }
}

Test(car, version_1)
{
    for (uint8_t count = 0; count < 4; count++) {
        struct buf file = { 0 };
        put_car(&file, count, 1);
        check(buf_bytes(&file), OK, true, count);
        for (size_t len = 0; len < file.len - 1; len++) /* cut short: not known, not wrong */
            check((struct bytes){ file.data, len }, OK, false, 0);
        buf_deinit(&file);
    }
}

Test(car, version_2_has_one_of_version_1_inside)
{
    struct buf file = { 0 };
    buf_append(&file, "\x0a\xa1\x67version\x02", 11);
    for (int i = 0; i < 16; i++)
        buf_put_u8(&file, 0);
    buf_append(&file, "\x3c\0\0\0\0\0\0\0", 8); /* at 60 */
    for (int i = 0; i < 16 + 9; i++)
        buf_put_u8(&file, 0);
    cr_assert_eq(file.len, 60);
    put_car(&file, 1, 1);
    check(buf_bytes(&file), OK, true, 1);
    file.data[27] = 10; /* inside its own head */
    check(buf_bytes(&file), ERR_CORRUPT, false, 0);
    buf_deinit(&file);
}

Test(car, what_is_none_is_refused)
{
    struct buf file = { 0 };
    put_car(&file, 1, 3);
    check(buf_bytes(&file), ERR_UNSUPPORTED, false, 0);
    buf_clear(&file);
    put_car(&file, 1, 2); /* a version 2 with roots */
    check(buf_bytes(&file), ERR_UNSUPPORTED, false, 0);
    buf_clear(&file);
    put_car(&file, 1, 1);
    file.data[1] = 0xa3; /* a map of three */
    check(buf_bytes(&file), ERR_CORRUPT, false, 0);
    buf_deinit(&file);
    check((struct bytes){ "hello, world", 12 }, OK, false, 0); /* 104 bytes of head are to come */
    check((struct bytes){ "\0\0", 2 }, ERR_CORRUPT, false, 0);
    check((struct bytes){ "\xff\xff\xff\xff\xff\x01", 6 }, ERR_CORRUPT, false, 0);
}
