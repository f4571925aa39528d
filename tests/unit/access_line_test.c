#include <criterion/criterion.h>
#include <string.h>

#include "http/gate/access_line.h"
#include "http/gate/gate.h"
#include "http/wire/reply.h"
#include "util/err.h"

TestSuite(access_line, .timeout = 60);

static const int64_t now_us =
    INT64_C(1795610203) * 1000000 + 999999; /* 2026-11-25T12:36:43.999999Z */

Test(access_line, lines)
{
    static const struct http_request plain = { .method = "GET",
                                               .target = "/pins?local=true",
                                               .minor_version = 1 };
    static const struct http_request sly = { .method = "P\"T",
                                             .target = "/a b\" 200 1\n\\\x7f\xc3\xa9",
                                             .minor_version = 0 };
    static const struct {
        struct http_record record;
        const char *line;
    } rows[] = {
        { { &plain, "127.0.0.1", "ann", 200, 312 },
          "127.0.0.1 - ann [25/Nov/2026:12:36:43 +0000] \"GET /pins?local=true HTTP/1.1\" 200 "
          "312" },
        { { &plain, "::1", NULL, 0, 0 },
          "::1 - - [25/Nov/2026:12:36:43 +0000] \"GET /pins?local=true HTTP/1.1\" 499 0" },
        { { NULL, NULL, NULL, 400, 45 }, "- - - [25/Nov/2026:12:36:43 +0000] \"-\" 400 45" },
        { { NULL, "", "", 431, UINT64_MAX },
          "- - - [25/Nov/2026:12:36:43 +0000] \"-\" 431 18446744073709551615" },
        /* Who makes up words does not make up lines, or fields. */
        { { &sly, "10.0.0.1", "a \"b\"\n", 200, 1 },
          "10.0.0.1 - a\\x20\\x22b\\x22\\x0a [25/Nov/2026:12:36:43 +0000] "
          "\"P\\x22T /a b\\x22 200 1\\x0a\\x5c\\x7f\\xc3\\xa9 HTTP/1.0\" 200 1" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = { 0 };
        access_line_put(&out, &rows[i].record, now_us);
        cr_assert_str_eq(buf_text(&out), rows[i].line);
        buf_deinit(&out);
    }
}

/* ---- what a connection tells ---- */

struct door {
    struct gate_options gate;
    struct http_conn *conn;
    struct http_exchange *x; /* of /later, /half: not answered yet */
    struct buf lines;
};

static size_t take_nothing(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)x, (void)bytes, (void)len;
    return 0;
}

static void answer_body(struct http_exchange *x)
{
    http_reply_begin(x, 200, NULL, 0, -1);
    http_reply_write(x, "12345", 5);
    http_reply_write(x, "678", 3);
    http_reply_end(x, NULL, 0);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct door *d = owner;
    if (!gate_admits(&d->gate, x, now_us))
        return;
    if (strcmp(x->request.path, "/body") == 0) {
        x->on_body_end = answer_body;
    } else if (strcmp(x->request.path, "/later") == 0) {
        x->on_body = take_nothing;
        d->x = x;
    } else if (strcmp(x->request.path, "/half") == 0) {
        http_reply_begin(x, 206, NULL, 0, -1);
        http_reply_write(x, "123", 3);
        d->x = x;
    } else {
        http_reply_begin(x, 201, NULL, 0, 4);
        http_reply_write(x, "1234", 4);
        http_reply_end(x, NULL, 0);
    }
}

static void on_record(void *owner, const struct http_record *record)
{
    struct door *d = owner;
    access_line_put(&d->lines, record, now_us);
    buf_append_text(&d->lines, "\n");
}

static void on_progress(void *owner)
{
    (void)owner;
}

static void door_open(struct door *d)
{
    struct http_conn_options options = { .head_bytes_max = 512,
                                         .output_high_bytes = 65536,
                                         .on_record = on_record };
    struct http_conn_hooks hooks = { on_request, d, on_progress, NULL };
    cr_assert_eq(http_conn_create(&d->conn, &options, &hooks), OK);
    http_conn_set_remote(d->conn, "10.1.2.3");
}

static void door_send(struct door *d, const char *bytes)
{
    http_conn_on_bytes(d->conn, bytes, strlen(bytes));
}

/* What was told, without who and when; and once only. */
static void door_told(struct door *d, const char *expected)
{
    static const char begins[] = "10.1.2.3 - - [25/Nov/2026:12:36:43 +0000] ";
    struct buf all = { 0 };
    for (const char *at = expected; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        buf_printf(&all, "%s%.*s\n", begins, (int)len, at);
        at += len + (at[len] == '\n');
    }
    cr_assert_str_eq(buf_text(&d->lines), buf_text(&all));
    buf_deinit(&all);
    buf_clear(&d->lines);
}

static void door_close(struct door *d)
{
    http_conn_destroy(d->conn);
    door_told(d, "");
    buf_deinit(&d->lines);
}

Test(access_line, answers_one_by_one)
{
    struct door d = { 0 };
    door_open(&d);
    door_send(&d, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b?c=d HTTP/1.1\r\nHost: a\r\n\r\n"
                  "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    door_told(&d, "\"GET /a HTTP/1.1\" 201 4\n\"HEAD /b?c=d HTTP/1.1\" 201 0\n");
    door_send(&d, "c");
    door_told(&d, "\"POST /body HTTP/1.1\" 200 8\n");
    door_send(&d, "NONSENSE\r\n\r\n");
    door_told(&d, "\"-\" 400 48\n");
    door_close(&d);
}

Test(access_line, a_user_who_was_let_in_has_a_name)
{
    static const struct gate_pair users[] = { { "ann", "pass1" } };
    struct door d = { .gate = { .users = users, .users_count = 1 } };
    door_open(&d);
    door_send(&d, "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5uOnBhc3Mx\r\n\r\n"
                  "GET /b HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5uOnBhc3My\r\n\r\n");
    const char *text = buf_text(&d.lines);
    cr_assert(strstr(text, "10.1.2.3 - ann [") == text, "%s", text);
    cr_assert(strstr(text, "\n10.1.2.3 - - [") != NULL && strstr(text, "\" 401 ") != NULL, "%s",
              text);
    buf_clear(&d.lines);
    door_close(&d);
}

/* Each way in which a request can end without its whole answer. */
Test(access_line, endings)
{
    enum ending { LEAVES, TIME_IS_UP, KILLED, DESTROYED };
    static const struct {
        const char *request;
        enum ending ending;
        const char *told;
    } rows[] = {
        { "GET /later", LEAVES, "\"GET /later HTTP/1.1\" 499 0\n" },
        { "GET /later", TIME_IS_UP, "\"GET /later HTTP/1.1\" 499 0\n" },
        { "GET /later", KILLED, "\"GET /later HTTP/1.1\" 499 0\n" },
        { "GET /later", DESTROYED, "\"GET /later HTTP/1.1\" 499 0\n" },
        { "GET /half", LEAVES, "\"GET /half HTTP/1.1\" 206 3\n" },
        { "GET /half", TIME_IS_UP, "\"GET /half HTTP/1.1\" 206 3\n" },
        { "GET /half", KILLED, "\"GET /half HTTP/1.1\" 206 3\n" },
        { "GET /half", DESTROYED, "\"GET /half HTTP/1.1\" 206 3\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct door d = { 0 };
        struct buf request = { 0 };
        door_open(&d);
        buf_printf(&request, "%s HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].request);
        door_send(&d, buf_text(&request));
        door_told(&d, "");
        switch (rows[i].ending) {
        case LEAVES:
            http_conn_on_eof(d.conn);
            break;
        case TIME_IS_UP:
            http_conn_on_timeout(d.conn);
            break;
        case KILLED:
            http_reply_kill(d.x);
            break;
        case DESTROYED:
            http_conn_destroy(d.conn);
            d.conn = NULL;
            break;
        }
        door_told(&d, rows[i].told);
        door_close(&d);
        buf_deinit(&request);
    }
}

Test(access_line, a_request_that_stays_half_or_breaks)
{
    struct door d = { 0 };
    door_open(&d);
    door_send(&d, "GET /hal");
    http_conn_on_timeout(d.conn);
    door_told(&d, "\"-\" 408 60\n");
    door_close(&d);
    door_open(&d);
    door_send(&d, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    http_conn_on_timeout(d.conn);
    door_told(&d, "\"POST /later HTTP/1.1\" 408 60\n");
    door_close(&d);
    door_open(&d);
    door_send(&d,
              "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
    door_told(&d, "\"POST /body HTTP/1.1\" 400 48\n");
    door_close(&d);
    door_open(&d);
    http_conn_on_timeout(d.conn);
    door_close(&d); /* who asked for nothing is not told of */
}
