#include <criterion/criterion.h>
#include <string.h>

#include "util/err.h"
#include "util/hex.h"

TestSuite(hex, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

Test(hex, there_and_back)
{
    const uint8_t bytes[] = { 0x00, 0x01, 0x7f, 0x80, 0xab, 0xff };
    char text[2 * sizeof(bytes) + 1];
    hex_encode(text, bytes, sizeof(bytes));
    cr_assert_str_eq(text, "00017f80abff");

    uint8_t back[sizeof(bytes)];
    size_t len;
    cr_assert_eq(hex_decode(back, sizeof(back), &len, text_of("00017F80aBFf")), OK);
    cr_assert_eq(len, sizeof(bytes));
    cr_assert_arr_eq(back, bytes, sizeof(bytes));

    struct buf b = { 0 };
    buf_append_text(&b, "x");
    hex_append(&b, bytes, 2);
    cr_assert_str_eq(buf_text(&b), "x0001");
    buf_deinit(&b);
}

Test(hex, refused)
{
    uint8_t out[2];
    size_t len = 77;
    cr_assert_eq(hex_decode(out, 2, &len, text_of("abc")), ERR_INVALID);
    cr_assert_eq(hex_decode(out, 2, &len, text_of("0g")), ERR_INVALID);
    cr_assert_eq(hex_decode(out, 2, &len, text_of(" 0")), ERR_INVALID);
    cr_assert_eq(hex_decode(out, 2, &len, text_of("000000")), ERR_TOO_BIG);
    cr_assert_eq(len, 77, "untouched on error");
    cr_assert_eq(hex_decode_exact(out, 2, text_of("00")), ERR_INVALID);
    cr_assert_eq(hex_decode_exact(out, 2, text_of("000102")), ERR_INVALID);
    cr_assert_eq(hex_decode_exact(out, 2, text_of("0102")), OK);
    cr_assert_eq(out[1], 2);
}
