#include <criterion/criterion.h>
#include <string.h>

#include "http/wire/collect.h"
#include "http/wire/json_reply.h"
#include "http/wire/stream.h"
#include "tests/lib/http_talk.h"
#include "util/err.h"

TestSuite(http_stream, .timeout = 60);

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/* Rows by a script, one letter a call: r a row, w wait, e the end, f a failure; '*' rows without
 * end. */
struct list {
    struct http_stream stream;
    const char *script;
    int rows_count;
    int done_count;
};

static enum http_row list_next_row(struct http_stream *s, struct buf *out)
{
    struct list *l = s->owner;
    if (*l->script == '*') {
        buf_printf(out, "{\"n\":%d,\"padding\":\"0123456789\"}", l->rows_count++);
        return HTTP_ROW_READY;
    }
    switch (*l->script++) {
    case 'r':
        buf_printf(out, "{\"n\":%d}", l->rows_count++);
        return HTTP_ROW_READY;
    case 'w':
        return HTTP_ROW_WAIT;
    case 'f':
        buf_append_text(&s->error, "no \"luck\"\nat all");
        return HTTP_ROW_FAILED;
    default:
        return HTTP_ROW_END;
    }
}

static void list_done(struct http_stream *s)
{
    ((struct list *)s->owner)->done_count += 1;
}

static void list_on_request(void *owner, struct http_exchange *x)
{
    static const struct http_field field = HTTP_FIELD("X-Ours", "1");
    struct list *l = owner;
    l->stream = (struct http_stream){ .next_row = list_next_row,
                                      .done = list_done,
                                      .owner = l,
                                      .fields = &field,
                                      .fields_count = 1 };
    http_stream_start(&l->stream, x);
}

#define HEAD_200                                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTrailer: X-Stream-Error\r\nX-Ours: "     \
    "1\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *script;
    const char *answer;
} lists[] = {
    { "re", HEAD_200 "8\r\n{\"n\":0}\n\r\n0\r\nX-Stream-Error: \r\n\r\n" },
    { "rre", HEAD_200 "10\r\n{\"n\":0}\n{\"n\":1}\n\r\n0\r\nX-Stream-Error: \r\n\r\n" },
    { "wrwwre", HEAD_200 "8\r\n{\"n\":0}\n\r\n8\r\n{\"n\":1}\n\r\n0\r\nX-Stream-Error: \r\n\r\n" },
    { "rf", HEAD_200 "8\r\n{\"n\":0}\n\r\n0\r\nX-Stream-Error: no \"luck\" at all\r\n\r\n" },
    { "we", "HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n"
            "Trailer: X-Stream-Error\r\nX-Ours: 1\r\n\r\n" },
    { "f", "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nX-Ours: 1\r\n"
           "Content-Length: 45\r\n\r\n{\"code\":500,\"message\":\"no \\\"luck\\\"\\nat all\"}\n" },
};

Test(http_stream, every_kind_of_list)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct list l = { .script = lists[i].script };
        struct http_talk t = { .on_request = list_on_request, .owner = &l };
        http_talk_open(&t, 4096);
        http_talk_receive(&t, get);
        while (l.done_count == 0)
            http_stream_wake(&l.stream);
        cr_assert_str_eq(http_talk_ask(&t, ""), lists[i].answer);
        cr_assert_eq(l.done_count, 1);
        cr_assert(http_conn_is_idle(t.conn));
        http_talk_close(&t);
        cr_assert_eq(l.done_count, 1);
    }
}

Test(http_stream, an_endless_list_waits_for_its_reader)
{
    struct list l = { .script = "*" };
    struct http_talk t = { .on_request = list_on_request, .owner = &l };
    http_talk_open(&t, 64 * 1024);
    http_talk_receive(&t, get);
    for (int i = 0; i < 50; i++) {
        cr_assert_leq(http_conn_output(t.conn).len, 64 * 1024 + 17 * 1024);
        int rows_count = l.rows_count;
        http_stream_wake(&l.stream); /* while there is no room: nothing */
        cr_assert_eq(l.rows_count, rows_count);
        http_talk_send(&t, 68 * 1024);
        cr_assert_gt(l.rows_count, rows_count);
    }
    cr_assert_eq(l.done_count, 0);
    l.script = "e";
    http_talk_ask(&t, "");
    cr_assert_eq(l.done_count, 1);
    http_talk_close(&t);
}

Test(http_stream, a_reader_that_leaves_ends_it)
{
    struct list l = { .script = "rw" };
    struct http_talk t = { .on_request = list_on_request, .owner = &l };
    http_talk_open(&t, 4096);
    http_talk_receive(&t, get);
    cr_assert_eq(l.done_count, 0);
    http_conn_on_eof(t.conn);
    cr_assert_eq(l.done_count, 1);
    http_talk_close(&t);
}

Test(http_stream, http_1_0_sees_a_late_failure_as_a_broken_connection)
{
    struct list l = { .script = "rf" };
    struct http_talk t = { .on_request = list_on_request, .owner = &l };
    http_talk_open(&t, 4096);
    http_talk_receive(&t, "GET / HTTP/1.0\r\n\r\n");
    cr_assert(http_conn_was_killed(t.conn));
    cr_assert_eq(l.done_count, 1);
    http_talk_close(&t);
}

/* ---- whole documents ---- */

static void json_on_request(void *owner, struct http_exchange *x)
{
    int *err = owner;
    struct http_field field = HTTP_FIELD("Retry-After", "1");
    struct buf document = { 0 };
    if (*err == OK) {
        buf_append_text(&document, "{\"version\":\"1\"}");
        http_reply_json(x, 200, &document, &field, 1);
    } else if (*err == ERR_IO) {
        document.err = ERR_NOMEM;
        http_reply_json(x, 200, &document, NULL, 0);
    } else {
        http_reply_err(x, *err, NULL, &field, 1);
    }
    buf_deinit(&document);
}

Test(http_stream, documents_and_errors)
{
    static const struct {
        int err;
        const char *answer;
    } cases[] = {
        { OK, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
              "Content-Length: 16\r\n\r\n{\"version\":\"1\"}\n" },
        { ERR_BUSY, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                    "Retry-After: 1\r\nContent-Length: 58\r\n\r\n"
                    "{\"code\":503,\"message\":\"too much is under way; try again\"}\n" },
        { ERR_IO, "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                  "Content-Length: 39\r\n\r\n{\"code\":500,\"message\":\"out of memory\"}\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int err = cases[i].err;
        struct http_talk t = { .on_request = json_on_request, .owner = &err };
        http_talk_open(&t, 4096);
        cr_assert_str_eq(http_talk_ask(&t, get), cases[i].answer);
        http_talk_close(&t);
    }
}

/* ---- small bodies ---- */

struct post {
    struct http_collect collect;
    int whole_count;
    int gone_count;
};

static void post_on_whole(struct http_collect *c, struct http_exchange *x, struct bytes body)
{
    ((struct post *)c->owner)->whole_count += 1;
    http_reply_begin(x, 200, NULL, 0, (int64_t)body.len);
    http_reply_write(x, body.data, body.len);
    http_reply_end(x, NULL, 0);
}

static void post_on_gone(struct http_collect *c)
{
    ((struct post *)c->owner)->gone_count += 1;
}

static void post_on_request(void *owner, struct http_exchange *x)
{
    struct post *p = owner;
    p->collect =
        (struct http_collect){ .on_whole = post_on_whole, .on_gone = post_on_gone, .owner = p };
    http_collect_start(&p->collect, x, 8);
}

Test(http_stream, small_bodies_come_whole)
{
    static const struct {
        const char *ask;
        const char *answer; /* its start */
        int whole_count;
    } cases[] = {
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678",
          "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "4\r\n1234\r\n3\r\n567\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n1234567", 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 413 ", 0 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n",
          "HTTP/1.1 413 ", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct post p = { .whole_count = 0 };
        struct http_talk t = { .on_request = post_on_request, .owner = &p };
        http_talk_open(&t, 4096);
        const char *answered = http_talk_ask(&t, cases[i].ask);
        cr_assert_eq(strncmp(answered, cases[i].answer, strlen(cases[i].answer)), 0, "%s",
                     answered);
        cr_assert_eq(p.whole_count, cases[i].whole_count);
        cr_assert_eq(p.gone_count, 1 - cases[i].whole_count);
        http_talk_close(&t);
    }
}
