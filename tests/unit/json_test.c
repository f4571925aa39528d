#include <criterion/criterion.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"

TestSuite(json, .timeout = 60);

static int parse(struct json_doc *doc, const char *text)
{
    return json_parse(doc, text, strlen(text));
}

Test(json, written)
{
    struct buf b = { 0 };
    struct json_writer w = json_writer_to(&b);
    json_object_begin(&w);
    json_key_string(&w, "name", "a");
    json_key_i64(&w, "low", INT64_MIN);
    json_key_u64(&w, "high", UINT64_MAX);
    json_key(&w, "list");
    json_array_begin(&w);
    json_i64(&w, 1);
    json_array_begin(&w);
    json_array_end(&w);
    json_object_begin(&w);
    json_object_end(&w);
    json_raw(&w, "{\"x\":1}", 7);
    json_string(&w, NULL);
    json_array_end(&w);
    json_key_bool(&w, "yes", true);
    json_key_null(&w, "no");
    json_object_end(&w);
    cr_assert_str_eq(buf_text(&b), "{\"name\":\"a\",\"low\":-9223372036854775808,"
                                   "\"high\":18446744073709551615,"
                                   "\"list\":[1,[],{},{\"x\":1},null],\"yes\":true,\"no\":null}");
    buf_deinit(&b);
}

Test(json, a_text_is_made_in_its_place)
{
    struct buf b = { 0 };
    struct json_writer w = json_writer_to(&b);
    json_array_begin(&w);
    for (size_t len = 0; len < 600; len += 299) { /* the buffer grows */
        char *text = json_text_begin(&w, 600);
        memset(text, 'x', len);
        json_text_end(&w, len);
    }
    json_array_end(&w);
    struct json_doc doc;
    cr_assert_eq(json_parse(&doc, buf_text(&b), b.len), OK);
    cr_assert_eq(b.len, 1 + 2 + 1 + 301 + 1 + 600 + 1);
    json_doc_deinit(&doc);
    buf_deinit(&b);

    struct buf small = { .limit = 10 };
    w = json_writer_to(&small);
    cr_assert_null(json_text_begin(&w, 9));
    cr_assert_eq(small.err, ERR_TOO_BIG);
    buf_deinit(&small);
}

Test(json, strings_are_escaped_as_go_escapes_them)
{
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        { "", "\"\"" },
        { "\"\\/", "\"\\\"\\\\/\"" },
        { "\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"" },
        { "<a href=\"x\">&", "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\"" },
        { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa5", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa5\"" },
        { "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
        { "a\xff\xc3", "\"a\\ufffd\\ufffd\"" },
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
        { "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
        { "\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b = { 0 };
        struct json_writer w = json_writer_to(&b);
        json_string(&w, rows[i].text);
        cr_assert_str_eq(buf_text(&b), rows[i].json);
        buf_deinit(&b);
    }
}

/* A writer may look at many characters at once; each is written as if it stood alone. */
Test(json, strings_are_escaped_wherever_it_stands)
{
    for (int c = 1; c < 0x80; c++) {
        char alone[2] = { (char)c };
        struct buf one = { 0 };
        struct json_writer w = json_writer_to(&one);
        json_string(&w, alone);
        for (size_t at = 0; at < 40; at++) {
            char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
            struct buf out = { 0 }, expected = { 0 };
            buf_printf(&expected, "\"%.*s%.*s%s\"", (int)at, text, (int)one.len - 2,
                       (const char *)one.data + 1, text + at + 1);
            text[at] = (char)c;
            w = json_writer_to(&out);
            json_string(&w, text);
            cr_assert(bytes_equal(buf_bytes(&out), buf_bytes(&expected)), "%d at %zu", c, at);
            buf_deinit(&out);
            buf_deinit(&expected);
        }
        buf_deinit(&one);
    }
}

Test(json, a_document_is_walked)
{
    struct json_doc doc;
    const char *text =
        " {\"a\": [1, \"two\", {\"b\":null}], \"c\":{}, \"d\":[], \"\\u0061\":true}\n";
    cr_assert_eq(parse(&doc, text), OK);
    cr_assert_eq(json_kind(&doc, 0), JSON_OBJECT);
    cr_assert_eq(json_count(&doc, 0), 4);
    bool last;
    cr_assert_eq(json_get_bool(&doc, json_member(&doc, 0, "a"), &last), OK, "the last of two wins");
    cr_assert(last);

    int list = json_value_of(&doc, json_first(&doc, 0));
    cr_assert_eq(json_kind(&doc, list), JSON_ARRAY);
    cr_assert_eq(json_count(&doc, list), 3);
    int two = json_next(&doc, json_first(&doc, list));
    cr_assert(json_text_is(&doc, two, "two"));
    cr_assert_not(json_text_is(&doc, two, "tw"));
    cr_assert_not(json_text_is(&doc, two, "twoo"));
    int third = json_next(&doc, two);
    cr_assert_eq(json_kind(&doc, json_member(&doc, third, "b")), JSON_NULL);
    cr_assert_eq(json_next(&doc, third), JSON_NONE);
    cr_assert_eq(json_first(&doc, json_member(&doc, 0, "c")), JSON_NONE);
    cr_assert_eq(json_count(&doc, json_member(&doc, 0, "d")), 0);
    json_doc_deinit(&doc);
}

Test(json, what_is_not_there_is_taken_calmly)
{
    struct json_doc doc;
    struct buf b = { 0 };
    int64_t number = 5;
    cr_assert_eq(parse(&doc, "[\"x\"]"), OK);
    int none = json_member(&doc, json_member(&doc, JSON_NONE, "a"), "b");
    cr_assert_eq(none, JSON_NONE);
    cr_assert_eq(json_member(&doc, 0, "x"), JSON_NONE, "an array has no members");
    cr_assert_eq(json_kind(&doc, none), JSON_NOTHING);
    cr_assert_eq(json_first(&doc, none), JSON_NONE);
    cr_assert_eq(json_next(&doc, none), JSON_NONE);
    cr_assert_eq(json_value_of(&doc, none), JSON_NONE);
    cr_assert_eq(json_count(&doc, none), 0);
    cr_assert_eq(json_text(&doc, none, &b), ERR_INVALID);
    cr_assert_eq(json_get_i64(&doc, none, &number), ERR_INVALID);
    cr_assert_not(json_text_is(&doc, none, ""));
    cr_assert_eq(number, 5);
    json_doc_deinit(&doc);
}

Test(json, integers_are_exact)
{
    static const struct {
        const char *text;
        bool is_i64, is_u64;
        int64_t i64;
        uint64_t u64;
    } rows[] = {
        { "0", true, true, 0, 0 },
        { "-0", true, true, 0, 0 },
        { "9007199254740993", true, true, 9007199254740993, 9007199254740993 },
        { "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
        { "9223372036854775808", false, true, 0, UINT64_C(9223372036854775808) },
        { "-9223372036854775808", true, false, INT64_MIN, 0 },
        { "-9223372036854775809", false, false, 0, 0 },
        { "18446744073709551615", false, true, 0, UINT64_MAX },
        { "18446744073709551616", false, false, 0, 0 },
        { "99999999999999999999999", false, false, 0, 0 },
        { "-1", true, false, -1, 0 },
        { "1.0", false, false, 0, 0 },
        { "1e3", false, false, 0, 0 },
        { "\"1\"", false, false, 0, 0 },
        { "true", false, false, 0, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_doc doc;
        int64_t i64 = 0;
        uint64_t u64 = 0;
        cr_assert_eq(parse(&doc, rows[i].text), OK);
        cr_assert_eq(json_get_i64(&doc, 0, &i64) == OK, rows[i].is_i64, "%s", rows[i].text);
        cr_assert_eq(json_get_u64(&doc, 0, &u64) == OK, rows[i].is_u64, "%s", rows[i].text);
        cr_assert_eq(i64, rows[i].i64, "%s", rows[i].text);
        cr_assert_eq(u64, rows[i].u64, "%s", rows[i].text);
        json_doc_deinit(&doc);
    }
}

Test(json, strings_are_unescaped)
{
    static const struct {
        const char *json;
        const char *text;
        size_t len;
    } rows[] = {
        { "\"\"", "", 0 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"a\\u00e9\\u20aCz\"", "a\xc3\xa9\xe2\x82\xacz", 7 },
        { "\"\\uD83D\\uDCA5\"", "\xf0\x9f\x92\xa5", 4 },
        { "\"\\ud83d\"", "\xef\xbf\xbd", 3 },
        { "\"\\udca5\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", 6 },
        { "\"\\udca5\\udca5\"", "\xef\xbf\xbd\xef\xbf\xbd", 6 },
        { "\"\\ud83dx\"", "\xef\xbf\xbdx", 4 },
        { "\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4 },
        { "\"\\ud83d\\u0041\"",
          "\xef\xbf\xbd"
          "A",
          4 },
        { "\"\\u0000\"", "\0", 1 },
        { "\"\xf0\x9f\x92\xa5\"", "\xf0\x9f\x92\xa5", 4 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_doc doc;
        struct buf b = { 0 };
        cr_assert_eq(parse(&doc, rows[i].json), OK, "%s", rows[i].json);
        cr_assert_eq(json_text(&doc, 0, &b), OK);
        cr_assert_eq(b.len, rows[i].len, "%s", rows[i].json);
        cr_assert_eq(memcmp(buf_text(&b), rows[i].text, b.len), 0, "%s", rows[i].json);
        buf_deinit(&b);
        json_doc_deinit(&doc);
    }
}

Test(json, text_into_room)
{
    struct json_doc doc;
    char out[4] = "old";
    cr_assert_eq(parse(&doc, "[\"ab\\u0063\",\"abcd\",\"a\\u0000\",7]"), OK);
    int at = json_first(&doc, 0);
    cr_assert_eq(json_text_into(&doc, at, out, 3), ERR_TOO_BIG);
    cr_assert_str_eq(out, "old", "untouched on error");
    cr_assert_eq(json_text_into(&doc, at, out, 4), OK);
    cr_assert_str_eq(out, "abc");
    at = json_next(&doc, at);
    cr_assert_eq(json_text_into(&doc, at, out, 4), ERR_TOO_BIG);
    at = json_next(&doc, at);
    cr_assert_eq(json_text_into(&doc, at, out, 4), ERR_TOO_BIG);
    at = json_next(&doc, at);
    cr_assert_eq(json_text_into(&doc, at, out, 4), ERR_INVALID);
    json_doc_deinit(&doc);
}

Test(json, refused)
{
    static const struct {
        const char *text;
        size_t error_at;
    } rows[] = {
        { "", 0 },
        { "  ", 2 },
        { "{", 1 },
        { "[", 1 },
        { "[1", 2 },
        { "[1,]", 3 },
        { "[,1]", 1 },
        { "[1 2]", 3 },
        { "{\"a\"}", 4 },
        { "{\"a\":}", 5 },
        { "{\"a\":1,}", 7 },
        { "{a:1}", 1 },
        { "{'a':1}", 1 },
        { "{1:1}", 1 },
        { "nul", 3 },
        { "nulL", 3 },
        { "True", 0 },
        { "01", 1 },
        { "-", 1 },
        { "+1", 0 },
        { ".5", 0 },
        { "1.", 2 },
        { "1e", 2 },
        { "1e+", 3 },
        { "0x10", 1 },
        { "NaN", 0 },
        { "\"", 1 },
        { "\"a", 2 },
        { "\"\\", 2 },
        { "\"\\x\"", 2 },
        { "\"\\u12\"", 5 },
        { "\"\\u12g4\"", 5 },
        { "\"a\nb\"", 2 },
        { "\"\x01\"", 1 },
        { "\"\xff\"", 1 },
        { "\"\xc3\"", 1 },
        { "\"\xc0\xaf\"", 1 },
        { "\"\xed\xa0\x80\"", 1 },
        { "\xef\xbb\xbf{}", 0 },
        { "{} x", 3 },
        { "{}{}", 2 },
        { "1 1", 2 },
        { "[1]]", 3 },
        { "/* */1", 0 },
        { "[1}", 2 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_doc doc;
        cr_assert_eq(parse(&doc, rows[i].text), ERR_INVALID, "%s", rows[i].text);
        cr_assert_eq(doc.error_at, rows[i].error_at, "%s: %zu", rows[i].text, doc.error_at);
        json_doc_deinit(&doc);
    }
    struct json_doc doc;
    cr_assert_eq(json_parse(&doc, "1\0", 2), ERR_INVALID, "a NUL is garbage like any other");
    cr_assert_eq(json_parse(&doc, "\"\\\0\"", 4), ERR_INVALID);
}

Test(json, depth)
{
    struct json_doc doc;
    char text[2 * JSON_DEPTH_MAX + 2];
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        int want = depth <= JSON_DEPTH_MAX ? OK : ERR_INVALID;
        cr_assert_eq(json_parse(&doc, text, 2 * (size_t)depth), want);
        json_doc_deinit(&doc);
    }
}

Test(json, too_many_tokens)
{
    struct buf b = { 0 };
    struct json_doc doc;
    buf_append_text(&b, "[0");
    for (int i = 0; i < JSON_TOKENS_MAX - 2; i++)
        buf_append(&b, ",0", 2);
    buf_append_text(&b, "]");
    cr_assert_eq(json_parse(&doc, (const char *)b.data, b.len), OK);
    cr_assert_eq(json_count(&doc, 0), JSON_TOKENS_MAX - 1);
    json_doc_deinit(&doc);
    b.len -= 1;
    buf_append_text(&b, ",0]");
    cr_assert_eq(json_parse(&doc, (const char *)b.data, b.len), ERR_TOO_BIG);
    json_doc_deinit(&doc);
    buf_deinit(&b);
}

Test(json, laid_out)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "1", "1" },
        { " [ ] ", "[]" },
        { "{}", "{}" },
        { "[[],{}]", "[\n  [],\n  {}\n]" },
        { "{\"a\":1,\"b\":[true,\"x,:{}[]\\\" y\"]}",
          "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    \"x,:{}[]\\\" y\"\n  ]\n}" },
        { "{ \"a\" :\n[ ],\"\\\\\":null }", "{\n  \"a\": [],\n  \"\\\\\": null\n}" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf once = { 0 }, twice = { 0 };
        json_indent(&once, rows[i].in, strlen(rows[i].in), 2);
        cr_assert_str_eq(buf_text(&once), rows[i].out);
        json_indent(&twice, (const char *)once.data, once.len, 2);
        cr_assert_str_eq(buf_text(&twice), rows[i].out);
        buf_deinit(&once);
        buf_deinit(&twice);
    }
}
