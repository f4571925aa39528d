#include <criterion/criterion.h>
#include <string.h>

#include "http/wire/parse.h"
#include "util/err.h"

TestSuite(http_parse, .timeout = 60);

/* Feeds everything in pieces of `piece_len`; returns how many bytes belonged to the head. */
static size_t feed(struct http_head *h, size_t bytes_max, const char *text, size_t piece_len)
{
    size_t len = strlen(text);
    size_t used = 0;
    while (used < len && !h->is_complete && h->refusal.status == 0) {
        size_t rest = len - used < piece_len ? len - used : piece_len;
        used += http_head_feed(h, bytes_max, text + used, rest);
    }
    return used;
}

static const struct {
    const char *head;
    int status; /* 0: understood */
} verdicts[] = {
    { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "GET / HTTP/1.0\r\n\r\n", 0 },
    { "GET http://a:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n", 0 },
    { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 0 },
    { "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:  b \t\r\n\r\n", 0 },
    /* First lines. */
    { "\r\n\r\n", 400 },
    { "GET /\r\n\r\n", 400 },
    { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
    { " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400 },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
    { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
    /* Line ends and characters. */
    { "GET / HTTP/1.1\nHost: a\n\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400 },
    { "GET / HTTP/1.1\r\nX: \x01\r\n\r\n", 400 },
    { "\x16\x03\x01\x02", 400 },
    /* Fields. */
    { "GET / HTTP/1.1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400 },
    /* Framing. */
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000000\r\n\r\n", 413 },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
    { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
      "chunked\r\n\r\n",
      400 },
    { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
      501 },
    { "GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417 },
};

Test(http_parse, heads_get_the_same_verdict_however_they_are_cut)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        for (size_t piece_len = 1; piece_len <= strlen(verdicts[i].head); piece_len++) {
            struct http_head h = { 0 };
            feed(&h, 1024, verdicts[i].head, piece_len);
            cr_assert_eq(h.refusal.status, verdicts[i].status, "%s in pieces of %zu: %d (%s)",
                         verdicts[i].head, piece_len, h.refusal.status, h.refusal.why);
            cr_assert_eq(h.is_complete, verdicts[i].status == 0);
            http_head_reset(&h);
        }
    }
}

Test(http_parse, a_head_is_cut_into_words_and_fields)
{
    const char *text =
        "POST /a%20b/?x=1&y HTTP/1.1\r\nHost: h:1\r\nX-One:  two words \r\n"
        "Content-Length: 3\r\nConnection: TE, Close\r\nExpect: 100-Continue\r\n\r\nabc";
    struct http_head h = { 0 };
    cr_assert_eq(feed(&h, 1024, text, 7), strlen(text) - 3);
    cr_assert(h.is_complete);
    cr_assert_str_eq(h.request.method, "POST");
    cr_assert_str_eq(h.request.target, "/a%20b/?x=1&y");
    cr_assert_str_eq(h.request.path, "/a%20b/");
    cr_assert_str_eq(h.request.query, "x=1&y");
    cr_assert_eq(h.request.fields_count, 5);
    cr_assert(
        bytes_equal(http_request_field(&h.request, "x-oNE"), (struct bytes){ "two words", 9 }));
    cr_assert_null(http_request_field(&h.request, "X-Two").data);
    cr_assert_eq(h.request.body_len, 3);
    cr_assert(h.request.has_body);
    cr_assert(!h.keeps_alive);
    cr_assert(h.expects_continue);
    http_head_reset(&h);
}

Test(http_parse, an_absolute_target_loses_its_front)
{
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        { "http://h:1/a?b", "/a", "b" },      { "https://h", "/", "" }, { "http://h?b", "/", "b" },
        { "/http://h/a", "/http://h/a", "" }, { "/?", "/", "" },        { "/a?b?c", "/a", "b?c" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = { 0 };
        buf_printf(&text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].target);
        struct http_head h = { 0 };
        feed(&h, 1024, buf_text(&text), 1024);
        cr_assert(h.is_complete);
        cr_assert_str_eq(h.request.target, cases[i].target);
        cr_assert_str_eq(h.request.path, cases[i].path);
        cr_assert_str_eq(h.request.query, cases[i].query);
        http_head_reset(&h);
        buf_deinit(&text);
    }
}

Test(http_parse, header_bombs_are_refused)
{
    struct http_head h = { 0 };
    struct buf text = { 0 };
    buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 100; i++)
        buf_append_text(&text, "a: b\r\n");
    feed(&h, 4096, buf_text(&text), 100);
    cr_assert_eq(h.refusal.status, 431);
    http_head_reset(&h);

    feed(&h, 64, "GET /0123456789012345678901234567890123456789012345678901234567890", 9);
    cr_assert_eq(h.refusal.status, 431);
    cr_assert_leq(h.bytes.len, 64);
    http_head_reset(&h);

    /* A head of exactly the limit passes. */
    const char *fits = "GET / HTTP/1.0\r\n\r\n";
    feed(&h, strlen(fits), fits, 5);
    cr_assert(h.is_complete);
    http_head_reset(&h);
    buf_deinit(&text);
}

/* ---- bodies ---- */

/* Decodes in pieces; the content lands in `out`, the number of used bytes is returned. */
static size_t decode(struct http_body *b, const char *text, size_t piece_len, struct buf *out)
{
    size_t len = strlen(text);
    size_t used = 0;
    while (used < len && b->at != HTTP_BODY_COMPLETE && b->at != HTTP_BODY_BROKEN) {
        size_t rest = len - used < piece_len ? len - used : piece_len;
        size_t framing_len = http_body_skip_framing(b, text + used, rest);
        size_t content_len = http_body_content(b, rest - framing_len);
        buf_append(out, text + used + framing_len, content_len);
        http_body_took(b, content_len);
        used += framing_len + content_len;
    }
    return used;
}

static const struct {
    const char *text;
    const char *content; /* NULL: broken; else what comes out, and nothing behind it is used */
} chunkeds[] = {
    { "0\r\n\r\n", "" },
    { "3\r\nabc\r\n0\r\n\r\n", "abc" },
    { "3;a=\"b\"\r\nabc\r\n00A ; x\r\n0123456789\r\n000\r\n\r\n", "abc0123456789" },
    { "1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "a" },
    { "\r\n", NULL },
    { ";a\r\n", NULL },
    { "g\r\n", NULL },
    { "-1\r\n", NULL },
    { "0x1\r\na\r\n", NULL },
    { "1\na\n", NULL },
    { "1\r\nab", NULL },
    { "1\r\na\rX", NULL },
    { "1;\x01\r\n", NULL },
    { "1000000000000000\r\n", NULL },
    { "0\r\n: x\r\n\r\n", NULL },
    { "0\r\nX\r\n\r\n", NULL },
    { "0\r\nX: \x01\r\n\r\n", NULL },
    { "0\r\nX: y\n", NULL },
    { "0\r\n\rX", NULL },
};

Test(http_parse, chunks_come_out_the_same_however_they_are_cut)
{
    for (size_t i = 0; i < sizeof chunkeds / sizeof chunkeds[0]; i++) {
        for (size_t piece_len = 1; piece_len <= strlen(chunkeds[i].text); piece_len++) {
            struct http_body b;
            struct buf out = { 0 };
            http_body_begin(&b, -1);
            size_t used = decode(&b, chunkeds[i].text, piece_len, &out);
            if (chunkeds[i].content == NULL) {
                cr_assert_eq(b.at, HTTP_BODY_BROKEN, "%s in %zu", chunkeds[i].text, piece_len);
            } else {
                cr_assert_eq(b.at, HTTP_BODY_COMPLETE, "%s in %zu", chunkeds[i].text, piece_len);
                cr_assert_eq(used, strlen(chunkeds[i].text));
                cr_assert_str_eq(buf_text(&out), chunkeds[i].content);
            }
            buf_deinit(&out);
        }
    }
}

Test(http_parse, endless_framing_is_refused)
{
    struct http_body b;
    struct buf text = { 0 };
    struct buf out = { 0 };
    buf_append_text(&text, "1;");
    for (int i = 0; i < 300; i++)
        buf_append_text(&text, "x");
    http_body_begin(&b, -1);
    decode(&b, buf_text(&text), 1000, &out);
    cr_assert_eq(b.at, HTTP_BODY_BROKEN);

    buf_clear(&text);
    buf_append_text(&text, "0\r\n");
    for (int i = 0; i < 5000; i++)
        buf_append_text(&text, "x: y\r\n");
    http_body_begin(&b, -1);
    decode(&b, buf_text(&text), 1000, &out);
    cr_assert_eq(b.at, HTTP_BODY_BROKEN);
    buf_deinit(&text);
    buf_deinit(&out);
}

Test(http_parse, a_body_of_known_length_ends_there)
{
    struct http_body b;
    struct buf out = { 0 };
    http_body_begin(&b, 0);
    cr_assert_eq(b.at, HTTP_BODY_COMPLETE);
    http_body_begin(&b, 4);
    cr_assert_eq(decode(&b, "abcdef", 3, &out), 4);
    cr_assert_eq(b.at, HTTP_BODY_COMPLETE);
    cr_assert_str_eq(buf_text(&out), "abcd");
    buf_deinit(&out);
}

/* ---- queries ---- */

Test(http_parse, parameters_are_decoded)
{
    struct http_request r = { .query =
                                  "arg=a%20b+c&arg=second&empty=&flag&&b%61d=%zz&meta%2Dk=v%26" };
    static const struct {
        const char *name;
        unsigned nth;
        int err;
        const char *value;
    } cases[] = {
        { "arg", 0, OK, "a b c" },
        { "arg", 1, OK, "second" },
        { "arg", 2, ERR_NOT_FOUND, NULL },
        { "empty", 0, OK, "" },
        { "flag", 0, OK, "" },
        { "bad", 0, ERR_INVALID, NULL },
        { "meta-k", 0, OK, "v&" },
        { "ar", 0, ERR_NOT_FOUND, NULL },
        { "", 0, ERR_NOT_FOUND, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = { 0 };
        buf_append_text(&out, "before");
        cr_assert_eq(http_request_param(&r, cases[i].name, cases[i].nth, &out), cases[i].err, "%s",
                     cases[i].name);
        cr_assert_str_eq(buf_text(&out), cases[i].err == OK ? cases[i].value : "before");
        buf_deinit(&out);
    }
}

Test(http_parse, broken_escapes_are_refused)
{
    static const char *const broken[] = { "%", "%1", "a%1", "%g0", "%0g", "%00", "a%00b" };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct buf out = { 0 };
        cr_assert_eq(http_percent_decode(&out, broken[i], strlen(broken[i]), false), ERR_INVALID);
        buf_deinit(&out);
    }
    struct buf out = { 0 };
    cr_assert_eq(http_percent_decode(&out, "%C3%a9+%2B", 10, false), OK);
    cr_assert_str_eq(buf_text(&out), "\xc3\xa9++");
    buf_deinit(&out);
}

Test(http_parse, names_and_lists_compare_without_case)
{
    cr_assert(http_list_has((struct bytes){ "TE,\tclose ,x", 12 }, "CLOSE"));
    cr_assert(!http_list_has((struct bytes){ "closed, x", 9 }, "close"));
    cr_assert(!http_list_has((struct bytes){ NULL, 0 }, "close"));
}
