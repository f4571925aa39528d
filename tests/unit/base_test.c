#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/test_file.h"
#include "util/base.h"
#include "util/err.h"

TestSuite(base, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

static const struct {
    const char *name;
    enum base base;
} columns[] = {
    { "base16", BASE16 },
    { "base32", BASE32 },
    { "base32upper", BASE32_UPPER },
    { "base32pad", BASE32_PAD },
    { "base32hex", BASE32_HEX },
    { "base36", BASE36 },
    { "base58btc", BASE58_BTC },
    { "base64", BASE64 },
    { "base64pad", BASE64_PAD },
    { "base64url", BASE64_URL },
    { "base64urlpad", BASE64_URL_PAD },
};

Test(base, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/bases.json", &text, &doc);
    unsigned checked = 0;
    int rows = json_member(&doc, 0, "vectors");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes bytes = test_json_hex(&doc, row, "bytes");
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
            struct bytes want = test_json_text(&doc, row, columns[i].name);
            char out[2048];
            cr_assert_eq(multibase_encode(columns[i].base, out, sizeof(out), bytes), OK);
            cr_assert_str_eq(out, want.data);
            uint8_t back[1024];
            size_t len;
            cr_assert_eq(multibase_decode(back, sizeof(back), &len, want), OK, "%s", out);
            cr_assert(bytes_equal((struct bytes){ back, len }, bytes), "%s", out);
            checked += 1;
        }
    }
    cr_assert_eq(checked, 18 * 11);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

/* Where a carry is largest. */
Test(base, the_largest_bytes_there_and_back)
{
    uint8_t bytes[100], back[100];
    memset(bytes, 0xff, sizeof(bytes));
    for (int base = 0; base < BASE_COUNT; base++) {
        char text[1000];
        size_t len;
        struct bytes all = { bytes, sizeof(bytes) };
        cr_assert_eq(base_encode((enum base)base, text, sizeof(text), all), OK);
        cr_assert_eq(base_decode((enum base)base, back, sizeof(back), &len, text_of(text)), OK);
        cr_assert(bytes_equal((struct bytes){ back, len }, all), "%s", text);
    }
}

/* One byte longer is refused, in both directions; zeros in front cost nothing. */
Test(base, a_big_number_has_an_end)
{
    uint8_t bytes[BASE_NUMBER_BYTES_MAX + 9], back[sizeof(bytes)];
    memset(bytes, 0, sizeof(bytes));
    memset(bytes + 8, 0xff, BASE_NUMBER_BYTES_MAX + 1);
    for (int i = 0; i < 2; i++) {
        enum base base = i == 0 ? BASE58_BTC : BASE36;
        char text[1000];
        size_t len;
        struct bytes longest = { bytes, sizeof(bytes) - 1 }, longer = { bytes, sizeof(bytes) };
        cr_assert_eq(base_encode(base, text, sizeof(text), longest), OK);
        cr_assert_eq(base_decode(base, back, sizeof(back), &len, text_of(text)), OK);
        cr_assert(bytes_equal((struct bytes){ back, len }, longest));
        cr_assert_eq(base_encode(base, text, sizeof(text), longer), ERR_TOO_BIG);
        strcat(text, "zz");
        cr_assert_eq(base_decode(base, back, sizeof(back), &len, text_of(text)), ERR_TOO_BIG);
        memset(text, 'z', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        cr_assert_eq(base_decode(base, back, sizeof(back), &len, text_of(text)), ERR_TOO_BIG);
    }
}

Test(base, every_base_there_and_back_for_every_length)
{
    uint8_t bytes[40];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i < 3 ? 0 : i * 37);
    for (int base = 0; base < BASE_COUNT; base++) {
        for (size_t len = 0; len <= sizeof(bytes); len++) {
            char text[400];
            uint8_t back[sizeof(bytes)];
            size_t back_len;
            cr_assert_eq(
                base_encode((enum base)base, text, sizeof(text), (struct bytes){ bytes, len }), OK);
            cr_assert_eq(base_decode((enum base)base, back, len, &back_len, text_of(text)), OK,
                         "%s", text);
            cr_assert_eq(back_len, len);
            cr_assert_arr_eq(back, bytes, len);
            char tight[400];
            size_t size = strlen(text) + 1;
            cr_assert_eq(base_encode((enum base)base, tight, size, (struct bytes){ bytes, len }),
                         OK);
            cr_assert_eq(
                base_encode((enum base)base, tight, size - 1, (struct bytes){ bytes, len }),
                ERR_TOO_BIG);
            if (len > 0)
                cr_assert_eq(base_decode((enum base)base, back, len - 1, &back_len, text_of(text)),
                             ERR_TOO_BIG);
        }
    }
}

/* Groups are read at once, lines' ends and strangers one by one: at each place of a text of zeros, and of others. */
Test(base, base32_skips_line_ends_and_refuses_strangers_anywhere)
{
    static const uint8_t zeros[25], ones[25] = { [0 ... 24] = 0xff };
    for (int i = 0; i < 2; i++) {
        char text[64], with[80];
        uint8_t back[25];
        size_t len;
        struct bytes all = { i == 0 ? zeros : ones, sizeof(zeros) };
        cr_assert_eq(base_encode(BASE32, text, sizeof(text), all), OK);
        for (size_t at = 0; at <= strlen(text); at++) {
            snprintf(with, sizeof(with), "%.*s\n%s", (int)at, text, text + at);
            cr_assert_eq(base_decode(BASE32, back, sizeof(back), &len, text_of(with)), OK, "%s",
                         with);
            cr_assert(bytes_equal((struct bytes){ back, len }, all), "%s", with);
            for (const char *stranger = "@[`{18=\x7f\x80\xff"; *stranger != '\0'; stranger++) {
                with[at] = *stranger;
                cr_assert_eq(base_decode(BASE32, back, sizeof(back), &len, text_of(with)),
                             ERR_INVALID, "%s", with);
            }
        }
        cr_assert_eq(base_decode(BASE32, back, sizeof(back) - 1, &len, text_of(text)), ERR_TOO_BIG);
    }
}

Test(base, refused)
{
    static const char *const bad[] = {
        "",    "x",     "Q00",  "f0",       "fg0",        "ba",        "baaa", "baaaaaa",
        "b1a", "caa",   "caa=", "caa=====", "caa=======", "caa=a====", "c=",   "baa======",
        "mA",  "mAA==", "MAA",  "MAA=",     "MAA===",     "MA=A=",     "uA+8", "m_w",
        "z0",  "zO",    "zl",   "k-",       "0101",       "000000002",
    };
    uint8_t out[64];
    size_t len;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(multibase_decode(out, sizeof(out), &len, text_of(bad[i])), ERR_INVALID, "%s",
                     bad[i]);
}

Test(base, reads_as_go_does)
{
    static const struct {
        const char *text;
        const char *bytes;
    } good[] = {
        { "bMFRGG", "abc" },    { "BMfrgg", "abc" },
        { "cmfrgg===", "abc" }, { "cmfr\r\ngg=\n==\n", "abc" },
        { "bmfrgh", "abc" },    { "mYWJj\n", "abc" },
        { "MYWI=", "ab" },      { "MYWJ=", "ab" },
        { "F616263", "abc" },   { "001100001", "a" },
        { "KAND", "" },
    };
    uint8_t out[64];
    size_t len;
    for (size_t i = 0; i + 1 < sizeof(good) / sizeof(good[0]); i++) {
        cr_assert_eq(multibase_decode(out, sizeof(out), &len, text_of(good[i].text)), OK, "%s",
                     good[i].text);
        cr_assert(bytes_equal((struct bytes){ out, len }, text_of(good[i].bytes)), "%s",
                  good[i].text);
    }
    size_t len_upper;
    uint8_t upper[64];
    cr_assert_eq(multibase_decode(out, sizeof(out), &len, text_of("kand")), OK);
    cr_assert_eq(multibase_decode(upper, sizeof(upper), &len_upper, text_of("KanD")), OK);
    cr_assert(bytes_equal((struct bytes){ out, len }, (struct bytes){ upper, len_upper }));
}
