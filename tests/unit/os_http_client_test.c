/* The client against a server that says exactly what the test wants, byte by byte. What every
 * implementation of the port must do is in tests/contract/http_client_test.c. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_http_client.h"
#include "os/os_socket.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(os_http_client, .timeout = 60);

struct fixture {
    struct os_loop loop;
    struct os_timer tick;
    struct multiaddr addr;
    int listener;
    int fd; /* the accepted connection, or -1 */
    int accepts_count;
    struct buf heard; /* by the server, on this connection */
    struct os_http_client *client;
    struct http_client port;
};

struct caller {
    struct http_call call;
    int heads_count;
    int status;
    int dones_count;
    int err;
    struct buf body;
};

static void on_tick(void *owner)
{
    struct fixture *f = owner;
    os_timer_set(&f->tick, os_clock_mono_us() + 1000);
}

static void fixture_open(struct fixture *f, const char *listen)
{
    struct multiaddr addr;
    struct os_http_client_options options = os_http_client_options_default();
    cr_assert_eq(os_loop_init(&f->loop), OK);
    os_timer_init(&f->tick, &f->loop, on_tick, f);
    on_tick(f);
    cr_assert_eq(multiaddr_parse(&addr, listen), OK);
    cr_assert_eq(os_socket_listen(&addr, &f->listener, &f->addr, NULL), OK);
    f->fd = -1;
    cr_assert_eq(os_http_client_create(&f->client, &f->loop, &f->addr, &options, NULL), OK);
    f->port = os_http_client_port(f->client);
}

static void fixture_close(struct fixture *f)
{
    os_http_client_destroy(f->client);
    os_timer_stop(&f->tick);
    os_loop_deinit(&f->loop);
    close(f->listener);
    if (f->fd >= 0)
        close(f->fd);
    buf_deinit(&f->heard);
}

/* The server's turn: takes a connection, or what came on it. */
static void serve(struct fixture *f)
{
    char piece[4096];
    os_loop_run_once(&f->loop);
    int fd = accept(f->listener, NULL, NULL);
    if (fd >= 0) {
        if (f->fd >= 0)
            close(f->fd);
        f->fd = fd;
        f->accepts_count += 1;
        buf_clear(&f->heard);
    }
    ssize_t len = f->fd >= 0 ? recv(f->fd, piece, sizeof piece, MSG_DONTWAIT) : 0;
    if (len > 0)
        buf_append(&f->heard, piece, (size_t)len);
}

/* Until the server has heard something that ends so. */
static void serve_until(struct fixture *f, const char *end)
{
    size_t end_len = strlen(end);
    while (f->heard.len < end_len ||
           memcmp(f->heard.data + f->heard.len - end_len, end, end_len) != 0)
        serve(f);
}

static void say(struct fixture *f, const char *text)
{
    cr_assert_eq(send(f->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hang_up(struct fixture *f)
{
    close(f->fd);
    f->fd = -1;
}

static void on_head(struct http_call *call, int status, const struct http_field *fields,
                    size_t count)
{
    struct caller *c = call->owner;
    (void)fields;
    (void)count;
    c->heads_count += 1;
    c->status = status;
}

static void on_body(struct http_call *call, const void *bytes, size_t len)
{
    buf_append(&((struct caller *)call->owner)->body, bytes, len);
}

static void on_done(struct http_call *call, int err)
{
    struct caller *c = call->owner;
    c->dones_count += 1;
    c->err = err;
}

static void start(struct fixture *f, struct caller *c, const char *method, const char *target)
{
    c->call.method = method;
    c->call.target = target;
    c->call.on_head = on_head;
    c->call.on_body = on_body;
    c->call.done = on_done;
    c->call.owner = c;
    cr_assert_eq(http_client_start(&f->port, &c->call), OK);
}

static void finish(struct fixture *f, struct caller *c)
{
    while (c->dones_count == 0)
        serve(f);
    buf_deinit(&c->body);
}

/* ---- what goes out ---- */

Test(os_http_client, nothing_is_added_to_a_request)
{
    struct fixture f = { 0 };
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* would be refused */
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    struct multiaddr_endpoint endpoint;
    struct buf expected = { 0 };
    cr_assert_eq(multiaddr_endpoint(&f.addr, &endpoint), OK);

    struct caller c = { 0 };
    struct http_field fields[] = { HTTP_FIELD("X-A", "b: c"), HTTP_FIELD("X-Empty", "") };
    c.call.fields = fields;
    c.call.fields_count = 2;
    start(&f, &c, "POST", "/api/../v0//x?arg=%2f&b=\xc3\xa9");
    serve_until(&f, "\r\n\r\n");
    buf_printf(&expected,
               "POST /api/../v0//x?arg=%%2f&b=\xc3\xa9 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
               "X-A: b: c\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
               endpoint.port);
    cr_assert_str_eq(buf_text(&f.heard), buf_text(&expected));
    say(&f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    finish(&f, &c);
    cr_assert_eq(c.err, OK);

    /* The same connection again, and no wait for a 100-continue. */
    struct caller upload = { .call = { .streams_body = true, .body_len = -1 } };
    buf_clear(&f.heard);
    buf_clear(&expected);
    start(&f, &upload, "POST", "/add");
    cr_assert_eq(http_client_write(&f.port, &upload.call, "abc", 3), 3);
    http_client_end(&f.port, &upload.call);
    serve_until(&f, "0\r\n\r\n");
    buf_printf(&expected,
               "POST /add HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\n\r\n",
               endpoint.port);
    cr_assert_str_eq(buf_text(&f.heard), buf_text(&expected));
    say(&f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    finish(&f, &upload);
    cr_assert_eq(upload.err, OK);
    cr_assert_eq(f.accepts_count, 1);
    buf_deinit(&expected);
    fixture_close(&f);
}

Test(os_http_client, a_get_has_no_body_and_says_nothing_of_one)
{
    struct fixture f = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    struct caller c = { 0 };
    start(&f, &c, "GET", "/id");
    serve_until(&f, "\r\n\r\n");
    cr_assert(strstr(buf_text(&f.heard), "Content-Length") == NULL);
    cr_assert(strstr(buf_text(&f.heard), "Transfer-Encoding") == NULL);
    say(&f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    finish(&f, &c);
    cr_assert_eq(c.err, OK);
    fixture_close(&f);
}

/* Handles are used again as they are: nothing of one call may be seen in the next, however that one ended. */
Test(os_http_client, a_call_has_nothing_of_the_one_before)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    struct fixture f = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    struct multiaddr_endpoint endpoint;
    cr_assert_eq(multiaddr_endpoint(&f.addr, &endpoint), OK);

    struct caller head = { 0 };
    start(&f, &head, "HEAD", "/head");
    serve_until(&f, "\r\n\r\n");
    say(&f, answer);
    finish(&f, &head);
    cr_assert_eq(head.err, OK);

    struct http_field field = HTTP_FIELD("Accept", "text/plain");
    struct caller upload = { .call = { .streams_body = true, .body_len = 1000 } };
    upload.call.fields = &field;
    upload.call.fields_count = 1;
    buf_clear(&f.heard);
    start(&f, &upload, "PUT", "/upload");
    cr_assert_eq(http_client_write(&f.port, &upload.call, "abc", 3), 3);
    serve_until(&f, "abc");
    http_client_cancel(&f.port, &upload.call);
    finish(&f, &upload);
    cr_assert_eq(upload.err, ERR_CANCELED);

    struct buf expected = { 0 };
    const char *const methods[] = { "GET", "POST", "GET" };
    for (size_t i = 0; i < 3; i++) {
        struct caller c = { 0 };
        buf_clear(&f.heard);
        buf_clear(&expected);
        start(&f, &c, methods[i], "/x");
        serve_until(&f, "\r\n\r\n");
        buf_printf(&expected, "%s /x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", methods[i],
                   endpoint.port, i == 1 ? "Content-Length: 0\r\n" : "");
        cr_assert_str_eq(buf_text(&f.heard), buf_text(&expected));
        say(&f, answer);
        say(&f, "ok");
        while (c.dones_count == 0)
            serve(&f);
        cr_assert_eq(c.err, OK);
        cr_assert_str_eq(buf_text(&c.body), "ok");
        buf_deinit(&c.body);
    }
    buf_deinit(&expected);
    fixture_close(&f);
}

/* A kept connection that the server closes as the next request comes: whether it obeyed, nobody
 * knows. */
Test(os_http_client, a_request_is_never_sent_twice)
{
    static const struct {
        const char *method, *body;
    } cases[] = { { "GET", "" }, { "POST", "" }, { "POST", "body" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = { 0 };
        fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
        struct caller first = { 0 };
        start(&f, &first, "POST", "/first");
        serve_until(&f, "\r\n\r\n");
        say(&f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        finish(&f, &first);
        struct caller second = { 0 };
        buf_clear(&f.heard);
        second.call.body = (struct bytes){ cases[i].body, strlen(cases[i].body) };
        start(&f, &second, cases[i].method, "/second");
        serve_until(&f, cases[i].body[0] != 0 ? cases[i].body : "\r\n\r\n");
        hang_up(&f);
        finish(&f, &second);
        cr_assert_eq(second.err, ERR_CLOSED);
        buf_clear(&f.heard);
        for (int turn = 0; turn < 30; turn++)
            serve(&f);
        cr_assert_eq(f.heard.len, 0, "%s", buf_text(&f.heard));
        fixture_close(&f);
    }
}

/* ---- what comes in ---- */

Test(os_http_client, answers_that_are_none)
{
    static const struct {
        const char *answer;
        int err;
        int status;
    } cases[] = {
        { "SSH-2.0-x\r\n\r\n", ERR_CORRUPT, 0 },
        { "\x15\x03\x01\x00\x02\x02\x46", ERR_CORRUPT, 0 },
        { "", ERR_CLOSED, 0 },
        { "HTTP/1.1 200 OK\r\nContent-Le", ERR_CLOSED, 0 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", ERR_CLOSED, 200 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ERR_CLOSED, 200 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", ERR_CLOSED, 200 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ERR_CLOSED, 200 },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
          "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
          OK, 202 },
        { "HTTP/1.0 200 OK\r\n\r\nup to the end", OK, 200 },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nwhat follows", ERR_CORRUPT, 0 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", OK, 200 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok", ERR_CORRUPT,
          0 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\ncontent-length: 2\r\n\r\nok", ERR_CORRUPT, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = { 0 };
        struct caller c = { 0 };
        fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
        start(&f, &c, "POST", "/");
        serve_until(&f, "\r\n\r\n");
        say(&f, cases[i].answer);
        hang_up(&f);
        finish(&f, &c);
        cr_assert_eq(c.err, cases[i].err, "%s: %s", cases[i].answer, err_name(c.err));
        cr_assert_eq(c.status, cases[i].status);
        cr_assert_leq(c.heads_count, 1);
        fixture_close(&f);
    }
}

Test(os_http_client, a_head_without_end)
{
    struct fixture f = { 0 };
    struct caller c = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    start(&f, &c, "POST", "/");
    serve_until(&f, "\r\n\r\n");
    say(&f, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 200; i++)
        say(&f, "X-Bomb: 0123456789\r\n");
    finish(&f, &c);
    cr_assert_eq(c.err, ERR_CORRUPT);
    cr_assert_eq(c.heads_count, 0);
    fixture_close(&f);
}

Test(os_http_client, redirects_are_not_followed)
{
    struct fixture f = { 0 };
    struct caller c = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    start(&f, &c, "GET", "/");
    serve_until(&f, "\r\n\r\n");
    say(&f, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    finish(&f, &c);
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.status, 307);
    fixture_close(&f);
}

/* ---- where to ---- */

Test(os_http_client, names_and_unix_sockets)
{
    struct fixture f = { 0 };
    struct caller c = { 0 };
    char folder[TEST_DIR_SIZE];
    char listen[TEST_DIR_SIZE + 16];
    test_dir_make(folder);
    snprintf(listen, sizeof listen, "/unix%s/s", folder);
    fixture_open(&f, listen);
    start(&f, &c, "GET", "/over/unix");
    serve_until(&f, "\r\n\r\n");
    cr_assert_eq(strncmp(buf_text(&f.heard), "GET /over/unix HTTP/1.1\r\n", 25), 0);
    say(&f, "HTTP/1.1 204 No Content\r\n\r\n");
    finish(&f, &c);
    cr_assert_eq(c.err, OK);
    fixture_close(&f);
    test_dir_remove(folder);

    struct fixture g = { 0 };
    struct caller named = { 0 };
    fixture_open(&g, "/dns4/localhost/tcp/0");
    start(&g, &named, "GET", "/");
    serve_until(&g, "\r\n\r\n");
    say(&g, "HTTP/1.1 204 No Content\r\n\r\n");
    finish(&g, &named);
    cr_assert_eq(named.err, OK);
    fixture_close(&g);
}

Test(os_http_client, an_endpoint_that_is_no_http)
{
    struct os_loop loop;
    struct multiaddr addr;
    struct os_http_client *client = NULL;
    struct os_http_client_options options = os_http_client_options_default();
    cr_assert_eq(os_loop_init(&loop), OK);
    cr_assert_eq(multiaddr_parse(&addr, "/ip4/127.0.0.1/udp/1"), OK);
    cr_assert_eq(os_http_client_create(&client, &loop, &addr, &options, NULL), ERR_UNSUPPORTED);
    cr_assert_null(client);
    os_loop_deinit(&loop);
}

Test(os_http_client, destroy_completes_what_runs)
{
    struct fixture f = { 0 };
    struct caller waiting = { 0 };
    struct caller fresh = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    start(&f, &waiting, "POST", "/");
    serve_until(&f, "\r\n\r\n");
    start(&f, &fresh, "POST", "/");
    os_http_client_destroy(f.client);
    f.client = NULL;
    cr_assert_eq(waiting.err, ERR_CANCELED);
    cr_assert_eq(fresh.err, ERR_CANCELED);
    cr_assert_eq(waiting.dones_count + fresh.dones_count, 2);
    fixture_close(&f);
}

Test(os_http_client, the_reason_in_words)
{
    struct fixture f = { 0 };
    struct caller c = { 0 };
    fixture_open(&f, "/ip4/127.0.0.1/tcp/0");
    close(f.listener);
    f.listener = open("/dev/null", 0);
    start(&f, &c, "POST", "/");
    while (c.dones_count == 0)
        os_loop_run_once(&f.loop);
    cr_assert_eq(c.err, ERR_UNREACHABLE);
    cr_assert(strstr(os_http_client_why(f.client), "onnect") != NULL, "%s",
              os_http_client_why(f.client));
    fixture_close(&f);
}
