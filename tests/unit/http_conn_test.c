#include <criterion/criterion.h>
#include <string.h>

#include "http/wire/conn.h"
#include "util/err.h"
#include "util/mem.h"

TestSuite(http_conn, .timeout = 60);

/* A server whose answer is chosen by the path. */
struct fixture {
    struct http_conn *conn;
    struct http_exchange *x; /* the last one that is open */
    struct buf body;         /* of the running exchange */
    struct buf sent;         /* everything that left */
    size_t take_max;         /* on_body takes no more than this a call; 0: everything */
    int progress_count;
    int body_ends_count;
    int drains_count;
    int aborts_count;
};

static void fixture_end_with_body(struct http_exchange *x)
{
    struct fixture *f = x->owner;
    struct http_field trailer = HTTP_FIELD("X-Stream-Error", "bad\r\nX: y");
    http_reply_begin(x, 200, NULL, 0, -1);
    http_reply_write(x, f->body.data, f->body.len);
    f->body_ends_count += 1;
    f->x = NULL;
    http_reply_end(x, &trailer, 1);
}

static void fixture_end(struct http_exchange *x)
{
    struct fixture *f = x->owner;
    f->body_ends_count += 1;
    f->x = NULL;
    http_reply_end(x, NULL, 0);
}

static size_t fixture_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct fixture *f = x->owner;
    size_t took = f->take_max > 0 && len > f->take_max ? f->take_max : len;
    buf_append(&f->body, bytes, took);
    return took;
}

static void fixture_on_drain(struct http_exchange *x)
{
    ((struct fixture *)x->owner)->drains_count += 1;
}

static void fixture_on_abort(struct http_exchange *x)
{
    struct fixture *f = x->owner;
    f->aborts_count += 1;
    f->x = NULL;
}

static void fixture_answer_now(struct http_exchange *x, int status, const char *text)
{
    struct http_field field = HTTP_FIELD("X-Kind", "now");
    ((struct fixture *)x->owner)->x = NULL;
    http_reply_begin(x, status, &field, 1, (int64_t)strlen(text));
    http_reply_write(x, text, strlen(text));
    http_reply_end(x, NULL, 0);
}

static void fixture_on_request(void *owner, struct http_exchange *x)
{
    struct fixture *f = owner;
    const char *path = x->request.path;
    buf_clear(&f->body);
    x->owner = f;
    x->on_drain = fixture_on_drain;
    x->on_abort = fixture_on_abort;
    f->x = x;
    if (strcmp(path, "/now") == 0) {
        fixture_answer_now(x, 200, "hello");
    } else if (strcmp(path, "/no") == 0) {
        fixture_answer_now(x, 403, "");
    } else if (strcmp(path, "/empty") == 0) {
        http_reply_begin(x, 204, NULL, 0, -1);
        fixture_end(x);
    } else if (strcmp(path, "/body") == 0) {
        x->on_body = fixture_on_body;
        x->on_body_end = fixture_end_with_body;
    } else if (strcmp(path, "/early") == 0) {
        x->on_body = fixture_on_body;
        x->on_body_end = fixture_end;
        http_reply_begin(x, 200, NULL, 0, -1);
        http_reply_write(x, "early", 5);
    }
    /* "/later": the test answers. */
}

static void fixture_on_progress(void *owner)
{
    ((struct fixture *)owner)->progress_count += 1;
}

static void fixture_open(struct fixture *f, size_t output_high_bytes)
{
    struct http_conn_options options = { .head_bytes_max = 512,
                                         .output_high_bytes = output_high_bytes,
                                         .output_low_bytes = output_high_bytes / 4 };
    struct http_conn_hooks hooks = { fixture_on_request, f, fixture_on_progress, f };
    cr_assert_eq(http_conn_create(&f->conn, &options, &hooks), OK);
}

static void fixture_close(struct fixture *f)
{
    http_conn_destroy(f->conn);
    buf_deinit(&f->body);
    buf_deinit(&f->sent);
}

static void fixture_send(struct fixture *f)
{
    struct bytes out = http_conn_output(f->conn);
    buf_append(&f->sent, out.data, out.len);
    http_conn_output_taken(f->conn, out.len);
}

/* Offers the bytes; they must all be taken. */
static void fixture_receive(struct fixture *f, const char *bytes, size_t len)
{
    size_t used = 0;
    while (used < len) {
        size_t took = http_conn_on_bytes(f->conn, bytes + used, len - used);
        cr_assert(took > 0 || (f->x != NULL && f->take_max > 0), "stuck at %s", bytes + used);
        used += took;
        if (used < len && f->x != NULL)
            http_exchange_resume(f->x);
    }
}

static const struct {
    const char *input;
    const char *output;
    bool closes;
} talks[] = {
    { "GET /now HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\n\r\nhello", false },
    { "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false },
    { "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\n\r\n", false },
    { "HEAD /body HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false },
    /* Pipelined, the last one asks to close. What comes behind is dropped. */
    { "GET /now HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /now HTTP/1.1\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      true },
    /* Bodies, and the request behind them. A trailer's line ends are no way out of its line. */
    { "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
      "X-Stream-Error: bad  X: y\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      false },
    { "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\na\r\n2;x\r\nbc\r\n0\r\nT: u\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
      "X-Stream-Error: bad  X: y\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      false },
    { "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
      "X-Stream-Error: bad  X: y\r\n\r\n",
      false },
    /* A small body that nobody wants is read over; an endless one is not. */
    { "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 204 No Content\r\n\r\n",
      false },
    { "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      true },
    { "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      true },
    /* An answer that begins before the request has ended. */
    { "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "5\r\nearly\r\n0\r\n\r\n",
      true },
    /* Expect: an answer is announced first, a refusal is not. */
    { "POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\na\r\n0\r\nX-Stream-Error: bad  X: y\r\n\r\n",
      false },
    { "POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nearly\r\n0\r\n\r\n",
      false },
    { "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
      "HTTP/1.1 403 Forbidden\r\nX-Kind: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      true },
    { "GET /now HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\n\r\nhello", false },
    /* HTTP/1.0 */
    { "GET /now HTTP/1.0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      true },
    { "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /empty HTTP/1.0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Kind: now\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"
      "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
      true },
    { "POST /body HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab", true },
    /* Garbage, alone and behind a good request; nothing behind it is read as a request. */
    { "nonsense\r\n\r\nGET /now HTTP/1.1\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 48\r\n"
      "Connection: close\r\n\r\n{\"code\":400,\"message\":\"malformed request line\"}\n",
      true },
    { "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n\x01GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 65\r\n"
      "Connection: close\r\n\r\n"
      "{\"code\":400,\"message\":\"control character in the request's head\"}\n",
      true },
    { "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 48\r\n"
      "Connection: close\r\n\r\n{\"code\":400,\"message\":\"malformed chunked body\"}\n",
      true },
};

static void check_talk(size_t i, size_t first_len, size_t piece_len, size_t take_max)
{
    struct fixture f = { 0 };
    f.take_max = take_max;
    fixture_open(&f, 100000);
    size_t len = strlen(talks[i].input);
    for (size_t at = 0; at < len;) {
        size_t rest = at == 0 ? first_len : piece_len;
        rest = rest < len - at ? rest : len - at;
        fixture_receive(&f, talks[i].input + at, rest);
        at += rest;
        if (piece_len == 1)
            fixture_send(&f);
    }
    fixture_send(&f);
    cr_assert_str_eq(buf_text(&f.sent), talks[i].output, "%s\ncut at %zu gave\n%s", talks[i].input,
                     first_len, buf_text(&f.sent));
    cr_assert_eq(http_conn_wants_close(f.conn), talks[i].closes, "%s", talks[i].input);
    cr_assert(!http_conn_was_killed(f.conn));
    cr_assert_null(f.x);
    cr_assert_eq(http_conn_is_idle(f.conn), !talks[i].closes);
    fixture_close(&f);
}

Test(http_conn, a_talk_is_the_same_however_it_is_cut)
{
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        size_t len = strlen(talks[i].input);
        for (size_t cut = 1; cut <= len; cut++)
            check_talk(i, cut, len, 0);
        check_talk(i, 1, 1, 0);
        check_talk(i, len, len, 1);
    }
}

static const char later[] = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";

Test(http_conn, one_exchange_at_a_time)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    fixture_receive(&f, later, strlen(later));
    cr_assert_not_null(f.x);
    cr_assert_eq(http_conn_on_bytes(f.conn, later, strlen(later)), 0);
    cr_assert(http_conn_is_paused(f.conn));
    int progress_count = f.progress_count;
    struct http_exchange *x = f.x;
    http_reply_begin(x, 200, NULL, 0, 0);
    http_reply_end(x, NULL, 0);
    cr_assert_gt(f.progress_count, progress_count);
    cr_assert(!http_conn_is_paused(f.conn));
    fixture_receive(&f, later, strlen(later));
    fixture_close(&f);
    cr_assert_eq(f.aborts_count, 1);
}

Test(http_conn, a_body_that_is_not_taken_waits)
{
    struct fixture f = { 0 };
    f.take_max = 2;
    fixture_open(&f, 1000);
    const char *head = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    fixture_receive(&f, head, strlen(head));
    cr_assert_eq(http_conn_on_bytes(f.conn, "abcde", 5), 2);
    cr_assert_eq(http_conn_on_bytes(f.conn, "cde", 3), 0);
    cr_assert(http_conn_is_paused(f.conn));
    http_exchange_resume(f.x);
    cr_assert_eq(http_conn_on_bytes(f.conn, "cde", 3), 2);
    http_exchange_resume(f.x);
    cr_assert_eq(http_conn_on_bytes(f.conn, "e", 1), 1);
    cr_assert_eq(f.body_ends_count, 1);
    fixture_close(&f);
}

Test(http_conn, a_writer_hears_when_the_output_is_high_and_when_it_is_low_again)
{
    struct fixture f = { 0 };
    fixture_open(&f, 100);
    fixture_receive(&f, later, strlen(later));
    struct http_exchange *x = f.x;
    char piece[60] = { 0 };
    memset(piece, 'x', sizeof piece);
    http_reply_begin(x, 200, NULL, 0, 180);
    size_t head_len = http_conn_output(f.conn).len;
    http_conn_output_taken(f.conn, head_len);
    cr_assert(http_reply_write(x, piece, 60));
    cr_assert(!http_reply_write(x, piece, 60));
    http_conn_output_taken(f.conn, 94);
    cr_assert_eq(f.drains_count, 0);
    http_conn_output_taken(f.conn, 1);
    cr_assert_eq(f.drains_count, 1);
    cr_assert(http_reply_write(x, piece, 60));
    http_reply_end(x, NULL, 0);
    http_conn_output_taken(f.conn, http_conn_output(f.conn).len);
    cr_assert_eq(f.drains_count, 1);
    cr_assert(http_conn_is_idle(f.conn));
    fixture_close(&f);
}

Test(http_conn, who_asks_without_reading_is_not_served_without_end)
{
    struct fixture f = { 0 };
    fixture_open(&f, 100);
    const char *ask = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    int asked = 0;
    while (asked < 100 && http_conn_on_bytes(f.conn, ask, strlen(ask)) > 0)
        asked += 1;
    cr_assert_eq(asked, 2);
    fixture_send(&f);
    cr_assert_gt(http_conn_on_bytes(f.conn, ask, strlen(ask)), 0);
    fixture_close(&f);
}

Test(http_conn, a_client_that_leaves_aborts_its_exchange)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    const char *half = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    fixture_receive(&f, half, strlen(half));
    http_conn_on_eof(f.conn);
    cr_assert_eq(f.aborts_count, 1);
    cr_assert(http_conn_was_killed(f.conn));
    fixture_close(&f);
    cr_assert_eq(f.aborts_count, 1);
}

Test(http_conn, a_complete_answer_outlives_the_clients_half_close)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    const char *ask = "GET /now HTTP/1.1\r\nHost: a\r\n\r\nGET /no";
    fixture_receive(&f, ask, strlen(ask));
    http_conn_on_eof(f.conn);
    cr_assert(http_conn_wants_close(f.conn));
    cr_assert(!http_conn_was_killed(f.conn));
    cr_assert_gt(http_conn_output(f.conn).len, 0);
    cr_assert_eq(f.aborts_count, 0);
    fixture_close(&f);
}

Test(http_conn, half_a_request_in_time)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    cr_assert(http_conn_is_idle(f.conn));
    cr_assert(!http_conn_is_answering(f.conn));
    fixture_receive(&f, "GET /no", 7);
    cr_assert(!http_conn_is_idle(f.conn));
    cr_assert(!http_conn_is_answering(f.conn));
    http_conn_on_timeout(f.conn);
    fixture_send(&f);
    cr_assert(strstr(buf_text(&f.sent), "HTTP/1.1 408 Request Timeout\r\n") != NULL);
    cr_assert(http_conn_wants_close(f.conn));
    fixture_close(&f);
}

Test(http_conn, an_idle_connection_is_closed_without_a_word)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    http_conn_on_timeout(f.conn);
    cr_assert(http_conn_wants_close(f.conn));
    cr_assert_eq(http_conn_output(f.conn).len, 0);
    fixture_close(&f);
}

Test(http_conn, a_killed_answer_is_broken_off)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    fixture_receive(&f, later, strlen(later));
    http_reply_begin(f.x, 200, NULL, 0, -1);
    http_reply_write(f.x, "half", 4);
    http_reply_kill(f.x);
    cr_assert(http_conn_was_killed(f.conn));
    fixture_close(&f);
    cr_assert_eq(f.aborts_count, 0);
}

Test(http_conn, a_body_that_breaks_under_a_begun_answer_kills_it)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    const char *bad = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    fixture_receive(&f, bad, strlen(bad));
    cr_assert_eq(f.aborts_count, 1);
    cr_assert(http_conn_was_killed(f.conn));
    fixture_close(&f);
}

Test(http_conn, heads_beyond_the_limit_get_431)
{
    struct fixture f = { 0 };
    fixture_open(&f, 1000);
    char bomb[600];
    memset(bomb, 'a', sizeof bomb);
    memcpy(bomb, "GET /", 5);
    fixture_receive(&f, bomb, sizeof bomb);
    fixture_send(&f);
    cr_assert(strstr(buf_text(&f.sent), "HTTP/1.1 431 ") != NULL);
    cr_assert(http_conn_wants_close(f.conn));
    fixture_close(&f);
}

Test(http_conn, date_and_server_are_sent_when_given)
{
    struct fixture f = { 0 };
    struct http_conn_options options = { .head_bytes_max = 512,
                                         .output_high_bytes = 100,
                                         .server = "holdfast" };
    struct http_conn_hooks hooks = { fixture_on_request, &f, fixture_on_progress, &f };
    cr_assert_eq(http_conn_create(&f.conn, &options, &hooks), OK);
    http_conn_set_date(f.conn, "today");
    const char *ask = "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n";
    fixture_receive(&f, ask, strlen(ask));
    fixture_send(&f);
    cr_assert_str_eq(buf_text(&f.sent),
                     "HTTP/1.1 204 No Content\r\nDate: today\r\nServer: holdfast\r\n\r\n");
    fixture_close(&f);
}
