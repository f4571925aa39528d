/* Raw sockets against the server, both on one loop in one thread. */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_http.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(os_http, .timeout = 60);

enum { TICK_US = 1000, HIGH_BYTES = 64 * 1024 };

struct fixture {
    struct os_loop loop;
    struct os_timer tick; /* so that the loop returns even when nothing happens */
    struct os_http *server;
    struct multiaddr addr;
    struct http_exchange *held; /* the last exchange that waits */
    uint64_t body_bytes;
    uint64_t written_bytes;
    int opens_count;
    int requests_count;
    int drains_count;
    int aborts_count;
    int open_err;
};

static void on_tick(void *owner)
{
    struct fixture *f = owner;
    os_timer_set(&f->tick, os_clock_mono_us() + TICK_US);
}

/* ---- the handler ---- */

static void on_abort(struct http_exchange *x)
{
    struct fixture *f = x->owner;
    f->aborts_count += 1;
    f->held = NULL;
}

static size_t on_body_count(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)bytes;
    ((struct fixture *)x->owner)->body_bytes += len;
    return len;
}

static size_t on_body_refuse(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)x;
    (void)bytes;
    (void)len;
    return 0;
}

static void answer(struct http_exchange *x, const char *text)
{
    http_reply_begin(x, 200, NULL, 0, (int64_t)strlen(text));
    http_reply_write(x, text, strlen(text));
    http_reply_end(x, NULL, 0);
}

static void on_body_end_count(struct http_exchange *x)
{
    char text[32];
    snprintf(text, sizeof text, "%llu",
             (unsigned long long)((struct fixture *)x->owner)->body_bytes);
    answer(x, text);
}

static void stream_on(struct http_exchange *x)
{
    struct fixture *f = x->owner;
    static const char piece[1000];
    do
        f->written_bytes += sizeof piece;
    while (http_reply_write(x, piece, sizeof piece));
}

static void on_drain(struct http_exchange *x)
{
    ((struct fixture *)x->owner)->drains_count += 1;
    stream_on(x);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct fixture *f = owner;
    const char *path = x->request.path;
    f->requests_count += 1;
    x->owner = f;
    x->on_abort = on_abort;
    if (strcmp(path, "/now") == 0) {
        answer(x, "hello");
    } else if (strcmp(path, "/sink") == 0) {
        f->body_bytes = 0;
        x->on_body = on_body_count;
        x->on_body_end = on_body_end_count;
    } else if (strcmp(path, "/hold") == 0) {
        x->on_body = on_body_refuse;
        f->held = x;
    } else if (strcmp(path, "/stream") == 0) {
        x->on_drain = on_drain;
        f->held = x;
        http_reply_begin(x, 200, NULL, 0, -1);
        stream_on(x);
    } else {
        f->held = x;
    }
}

static int on_open(void *owner, void (*on_progress)(void *), void *progress_owner,
                   struct http_conn **out)
{
    struct fixture *f = owner;
    struct http_conn_options options = { .head_bytes_max = 4096,
                                         .output_high_bytes = HIGH_BYTES,
                                         .output_low_bytes = 1024 };
    struct http_conn_hooks hooks = { on_request, f, on_progress, progress_owner };
    f->opens_count += 1;
    return f->open_err != OK ? f->open_err : http_conn_create(out, &options, &hooks);
}

/* ---- set-up ---- */

static struct os_http_options patient(void)
{
    struct os_http_options options = os_http_options_default();
    options.sweep_us = 5000;
    return options;
}

static void fixture_open(struct fixture *f, struct os_http_options options, const char *listen)
{
    struct os_http_hooks hooks = { on_open, f };
    struct multiaddr addr;
    struct buf why = { 0 };
    cr_assert_eq(os_loop_init(&f->loop), OK);
    os_timer_init(&f->tick, &f->loop, on_tick, f);
    on_tick(f);
    cr_assert_eq(os_http_create(&f->server, &f->loop, &options, &hooks, NULL), OK);
    cr_assert_eq(multiaddr_parse(&addr, listen), OK);
    cr_assert_eq(os_http_listen(f->server, &addr, &f->addr, &why), OK, "%s", buf_text(&why));
    buf_deinit(&why);
}

static void fixture_close(struct fixture *f)
{
    os_http_destroy(f->server);
    os_timer_stop(&f->tick);
    os_loop_deinit(&f->loop);
}

static int dial(struct fixture *f)
{
    struct multiaddr_endpoint endpoint;
    cr_assert_eq(multiaddr_endpoint(&f->addr, &endpoint), OK);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(endpoint.port) };
    cr_assert_eq(inet_pton(AF_INET, endpoint.host, &to.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0); /* the backlog takes it */
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the answer ends with `end`, or (NULL) until the connection does. errno of the end. */
static int hear(struct fixture *f, int fd, struct buf *out, const char *end)
{
    for (;;) {
        char piece[4096];
        ssize_t len = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (len == 0)
            return 0;
        if (len < 0 && errno != EAGAIN)
            return errno;
        if (len < 0)
            os_loop_run_once(&f->loop);
        else
            buf_append(out, piece, (size_t)len);
        size_t end_len = end != NULL ? strlen(end) : 0;
        if (end != NULL && out->len >= end_len &&
            memcmp(out->data + out->len - end_len, end, end_len) == 0)
            return 0;
    }
}

static void pump_until_held(struct fixture *f)
{
    while (f->held == NULL)
        os_loop_run_once(&f->loop);
}

static const char get_now[] = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

/* ---- tests ---- */

Test(os_http, many_requests_on_one_connection)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    struct buf out = { 0 };
    for (int i = 0; i < 3; i++) {
        say(fd, get_now);
        cr_assert_eq(hear(&f, fd, &out, "hello"), 0);
        cr_assert(strstr(buf_text(&out), "\r\nDate: ") != NULL);
        buf_clear(&out);
    }
    /* Pipelined, the last half a request that comes later. */
    say(fd, get_now);
    say(fd, get_now);
    say(fd, "GET /now HTTP/1.1\r\nHost:");
    while (f.requests_count < 5)
        os_loop_run_once(&f.loop);
    say(fd, " a\r\nConnection: close\r\n\r\n");
    cr_assert_eq(hear(&f, fd, &out, NULL), 0);
    cr_assert_eq(f.requests_count, 6);
    cr_assert_eq(f.opens_count, 1);
    close(fd);
    while (os_http_connections_count(f.server) > 0)
        os_loop_run_once(&f.loop);
    buf_deinit(&out);
    fixture_close(&f);
}

Test(os_http, ipv6_and_unix_sockets)
{
    struct fixture f = { 0 };
    char path[TEST_DIR_SIZE];
    char listen[TEST_DIR_SIZE + 16];
    test_dir_make(path);
    snprintf(listen, sizeof listen, "/unix%s/s", path);
    fixture_open(&f, patient(), listen);

    struct sockaddr_un to = { .sun_family = AF_UNIX };
    cr_assert_lt(snprintf(to.sun_path, sizeof to.sun_path, "%s/s", path), sizeof to.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct buf out = { 0 };
    say(fd, get_now);
    cr_assert_eq(hear(&f, fd, &out, "hello"), 0);
    close(fd);

    struct buf why = { 0 };
    cr_assert_eq(os_http_listen(f.server, &f.addr, NULL, &why), ERR_EXISTS);
    struct multiaddr addr;
    cr_assert_eq(multiaddr_parse(&addr, "/ip6/::1/tcp/0"), OK);
    int err = os_http_listen(f.server, &addr, &addr, NULL);
    cr_assert(err == OK || err == ERR_INVALID || err == ERR_IO); /* a machine may have no IPv6 */
    os_http_stop_listening(f.server);
    cr_assert_neq(access(to.sun_path, F_OK), 0);

    /* What a dead program left is replaced. */
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(dead, (struct sockaddr *)&to, sizeof to), 0);
    close(dead);
    cr_assert_eq(os_http_listen(f.server, &f.addr, NULL, NULL), OK);
    buf_deinit(&out);
    buf_deinit(&why);
    fixture_close(&f);
    test_dir_remove(path);
}

Test(os_http, a_file_where_the_socket_should_be_is_left_alone)
{
    struct fixture f = { 0 };
    char path[TEST_DIR_SIZE], file[TEST_DIR_SIZE + 8], link[TEST_DIR_SIZE + 8];
    char listen[TEST_DIR_SIZE + 16];
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    test_dir_make(path);
    snprintf(file, sizeof file, "%s/file", path);
    snprintf(link, sizeof link, "%s/link", path);
    FILE *notes = fopen(file, "w");
    cr_assert_not_null(notes);
    fclose(notes);
    cr_assert_eq(symlink("nowhere", link), 0);
    const char *const names[] = { file, link, path };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct multiaddr addr;
        struct buf why = { 0 };
        struct stat after;
        snprintf(listen, sizeof listen, "/unix%s", names[i]);
        cr_assert_eq(multiaddr_parse(&addr, listen), OK);
        cr_assert_eq(os_http_listen(f.server, &addr, NULL, &why), ERR_INVALID);
        cr_assert_not_null(strstr(buf_text(&why), names[i]), "%s", buf_text(&why));
        cr_assert_not_null(strstr(buf_text(&why), "move it away"), "%s", buf_text(&why));
        cr_assert_eq(lstat(names[i], &after), 0);
        cr_assert(!S_ISSOCK(after.st_mode));
        buf_deinit(&why);
    }
    fixture_close(&f);
    test_dir_remove(path);
}

Test(os_http, a_taken_port_is_named)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    struct buf why = { 0 };
    struct buf addr = { 0 };
    multiaddr_print(&f.addr, &addr);
    cr_assert_eq(os_http_listen(f.server, &f.addr, NULL, &why), ERR_EXISTS);
    cr_assert(strstr(buf_text(&why), buf_text(&addr)) != NULL, "%s", buf_text(&why));
    cr_assert(strstr(buf_text(&why), "in use") != NULL, "%s", buf_text(&why));
    buf_deinit(&why);
    buf_deinit(&addr);
    fixture_close(&f);
}

Test(os_http, a_large_upload_arrives)
{
    enum { TOTAL = 8 * 1000 * 1000 };
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    static char piece[100000];
    say(fd, "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n");
    for (size_t sent = 0; sent < TOTAL;) {
        size_t want = TOTAL - sent < sizeof piece ? TOTAL - sent : sizeof piece;
        ssize_t len = send(fd, piece, want, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (len > 0)
            sent += (size_t)len;
        else
            os_loop_run_once(&f.loop);
    }
    struct buf out = { 0 };
    cr_assert_eq(hear(&f, fd, &out, "8000000"), 0);
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

Test(os_http, a_slow_reader_holds_the_writer_back)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    uint64_t written_bytes = 0;
    while (written_bytes != f.written_bytes) { /* until the kernel's buffers are full */
        written_bytes = f.written_bytes;
        for (int i = 0; i < 20; i++)
            os_loop_run_once(&f.loop);
    }
    /* Each byte read makes room, sooner or later, for another one. */
    uint64_t read_bytes = 0;
    while (f.written_bytes < written_bytes + 1000 * 1000) {
        char piece[65536];
        ssize_t len = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (len > 0)
            read_bytes += (uint64_t)len;
        else
            os_loop_run_once(&f.loop);
    }
    cr_assert_gt(f.drains_count, 0);
    cr_assert_lt(f.written_bytes - read_bytes, 64 * 1000 * 1000);
    close(fd);
    while (f.aborts_count == 0)
        os_loop_run_once(&f.loop);
    cr_assert_eq(os_http_connections_count(f.server), 0);
    fixture_close(&f);
}

/* Else a listing of all pins stops the peer for as long as a fast client reads it. */
Test(os_http, a_long_answer_leaves_turns_to_others)
{
    struct fixture f = { .opens_count = 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    static char drop[4 * 1024 * 1024];
    uint64_t most = 0;
    while (f.written_bytes < 32 * 1024 * 1024) {
        uint64_t before = f.written_bytes;
        os_loop_run_once(&f.loop);
        if (f.written_bytes - before > most)
            most = f.written_bytes - before;
        (void)!recv(fd, drop, sizeof drop, MSG_DONTWAIT);
    }
    cr_assert_leq(most, 1024 * 1024, "%llu bytes in one turn", (unsigned long long)most);
    close(fd);
    fixture_close(&f);
}

Test(os_http, an_answer_from_another_event_wakes_the_connection)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    say(fd, get_now); /* waits behind it */
    pump_until_held(&f);
    for (int i = 0; i < 5; i++)
        os_loop_run_once(&f.loop);
    cr_assert_eq(f.requests_count, 1);
    answer(f.held, "later");
    struct buf out = { 0 };
    cr_assert_eq(hear(&f, fd, &out, "hello"), 0);
    cr_assert(strstr(buf_text(&out), "later") != NULL);
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

Test(os_http, an_early_answer_survives_the_unread_upload)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    static char piece[50000];
    say(fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    cr_assert_gt(send(fd, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL), 0);
    while (f.requests_count == 0)
        os_loop_run_once(&f.loop);
    for (int i = 0; i < 20; i++) { /* a client that does not look up from sending */
        cr_assert_gt(send(fd, piece, sizeof piece, MSG_NOSIGNAL), 0);
        os_loop_run_once(&f.loop);
    }
    struct buf out = { 0 };
    cr_assert_eq(hear(&f, fd, &out, NULL), 0, "reset instead of an answer");
    cr_assert(strstr(buf_text(&out), "Connection: close\r\n\r\nhello") != NULL);
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

Test(os_http, a_client_that_leaves_is_noticed)
{
    static const char *const asks[] = {
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
        /* Nobody reads this body, so no read tells; the sweep does. */
        "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    };
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        struct fixture f = { 0 };
        fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
        int fd = dial(&f);
        say(fd, asks[i]);
        pump_until_held(&f);
        close(fd);
        while (f.aborts_count == 0)
            os_loop_run_once(&f.loop);
        cr_assert_eq(os_http_connections_count(f.server), 0);
        fixture_close(&f);
        cr_assert_eq(f.aborts_count, 1);
    }
}

Test(os_http, a_killed_answer_is_a_reset)
{
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    int fd = dial(&f);
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    http_reply_kill(f.held);
    struct buf out = { 0 };
    cr_assert_eq(hear(&f, fd, &out, NULL), ECONNRESET);
    close(fd);
    fixture_close(&f);
    cr_assert_eq(f.aborts_count, 0);
}

Test(os_http, garbage_gets_a_clear_answer_and_the_server_lives_on)
{
    static const struct {
        const char *ask;
        const char *answer; /* its start; "" for none */
    } cases[] = {
        { "\x16\x03\x01\x02\x00\x01\x00", "HTTP/1.1 400 " },
        { "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 400 " },
        { "GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 " },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "HTTP/1.1 501 " },
        { "POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
          "HTTP/1.1 400 " },
    };
    struct fixture f = { 0 };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = dial(&f);
        struct buf out = { 0 };
        say(fd, cases[i].ask);
        cr_assert_eq(hear(&f, fd, &out, NULL), 0);
        cr_assert_eq(strncmp(buf_text(&out), cases[i].answer, strlen(cases[i].answer)), 0, "%s",
                     buf_text(&out));
        cr_assert(strstr(buf_text(&out), "\r\n\r\n{\"code\":") != NULL);
        buf_deinit(&out);
        close(fd);
    }
    int bomber = dial(&f);
    struct buf out = { 0 };
    say(bomber, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 300; i++)
        send(bomber, "X-Bomb: 0123456789\r\n", 20, MSG_NOSIGNAL);
    cr_assert_eq(hear(&f, bomber, &out, NULL), 0);
    cr_assert_eq(strncmp(buf_text(&out), "HTTP/1.1 431 ", 13), 0);
    close(bomber);
    buf_clear(&out);
    int fd = dial(&f);
    say(fd, get_now);
    cr_assert_eq(hear(&f, fd, &out, "hello"), 0);
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

Test(os_http, silence_has_an_end)
{
    struct os_http_options hasty = patient();
    hasty.head_timeout_us = 20000;
    hasty.idle_timeout_us = 20000;
    hasty.linger_timeout_us = 20000;
    struct fixture f = { 0 };
    fixture_open(&f, hasty, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int idle = dial(&f);
    cr_assert_eq(hear(&f, idle, &out, NULL), 0);
    cr_assert_eq(out.len, 0);
    int half = dial(&f);
    say(half, "GET /now HTTP/1.1\r\nHo");
    cr_assert_eq(hear(&f, half, &out, NULL), 0);
    cr_assert_eq(strncmp(buf_text(&out), "HTTP/1.1 408 ", 13), 0);
    /* An exchange that runs is waited for, and a client that does not close is closed. */
    int busy = dial(&f);
    say(busy, "GET /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    pump_until_held(&f);
    uint64_t begun_us = os_clock_mono_us();
    while (os_clock_mono_us() < begun_us + 100000)
        os_loop_run_once(&f.loop);
    cr_assert_eq(f.aborts_count, 0);
    answer(f.held, "later");
    while (os_http_connections_count(f.server) > 0)
        os_loop_run_once(&f.loop);
    buf_clear(&out);
    cr_assert_eq(hear(&f, busy, &out, "later"), 0);
    buf_deinit(&out);
    close(idle);
    close(half);
    close(busy);
    fixture_close(&f);
}

/* A body that comes by the drop. */
Test(os_http, a_slow_sender_is_cut)
{
    struct os_http_options hasty = patient();
    hasty.read_timeout_us = 30000;
    struct fixture f = { 0 };
    fixture_open(&f, hasty, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int fd = dial(&f);
    say(fd, "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    while (recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) < 0) {
        (void)!send(fd, "x", 1, MSG_NOSIGNAL);
        os_loop_run_once(&f.loop);
    }
    cr_assert_eq(hear(&f, fd, &out, NULL), 0);
    cr_assert_eq(strncmp(buf_text(&out), "HTTP/1.1 408 ", 13), 0, "%s", buf_text(&out));
    cr_assert_eq(f.aborts_count, 1);
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

/* A body that stops coming, with all the time in the world for the whole of it. One that we do not take has no end. */
Test(os_http, a_sender_that_falls_silent_is_cut)
{
    struct os_http_options hasty = patient();
    hasty.idle_timeout_us = 60000;
    struct fixture f = { 0 };
    fixture_open(&f, hasty, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int silent = dial(&f);
    int held_back = dial(&f);
    say(held_back, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nxxxx");
    pump_until_held(&f);
    struct http_exchange *held = f.held;
    say(silent, "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nxxxx");
    uint64_t begun_us = os_clock_mono_us();
    cr_assert_eq(hear(&f, silent, &out, NULL), 0);
    cr_assert_eq(strncmp(buf_text(&out), "HTTP/1.1 408 ", 13), 0, "%s", buf_text(&out));
    cr_assert_eq(f.aborts_count, 1);
    while (os_clock_mono_us() < begun_us + 3 * hasty.idle_timeout_us)
        os_loop_run_once(&f.loop);
    cr_assert_eq(f.aborts_count, 1);
    answer(held, "later");
    buf_clear(&out);
    cr_assert_eq(hear(&f, held_back, &out, "later"), 0);
    buf_deinit(&out);
    close(silent);
    close(held_back);
    fixture_close(&f);
}

/* A pause that is shorter than that, again and again, for much longer than that. */
Test(os_http, a_slow_sender_may_take_its_time)
{
    struct os_http_options hasty = patient();
    hasty.idle_timeout_us = 1000000;
    struct fixture f = { 0 };
    fixture_open(&f, hasty, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int fd = dial(&f);
    uint64_t begun_us = os_clock_mono_us();
    say(fd, "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n");
    for (int sent = 0; sent < 300; sent++) {
        uint64_t at_us = begun_us + (uint64_t)sent * 5000;
        while (os_clock_mono_us() < at_us)
            os_loop_run_once(&f.loop);
        say(fd, "x");
    }
    cr_assert_eq(hear(&f, fd, &out, "\r\n\r\n300"), 0);
    cr_assert_eq(strncmp(buf_text(&out), "HTTP/1.1 200 ", 13), 0, "%s", buf_text(&out));
    buf_deinit(&out);
    close(fd);
    fixture_close(&f);
}

/* An answer that nobody takes, while others go on. */
Test(os_http, a_client_that_does_not_read_is_cut)
{
    struct os_http_options hasty = patient();
    hasty.write_timeout_us = 60000;
    struct fixture f = { 0 };
    fixture_open(&f, hasty, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int deaf = dial(&f);
    int other = dial(&f);
    say(deaf, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    while (f.aborts_count == 0)
        os_loop_run_once(&f.loop);
    say(other, get_now);
    cr_assert_eq(hear(&f, other, &out, "hello"), 0);
    buf_deinit(&out);
    close(deaf);
    close(other);
    while (os_http_connections_count(f.server) > 0)
        os_loop_run_once(&f.loop);
    fixture_close(&f);
}

/* At the limit, one that keeps us waiting gives way; one that we keep waiting does not. */
Test(os_http, at_the_limit_the_stalled_make_room)
{
    struct os_http_options options = patient();
    options.connections_max = 2;
    options.idle_timeout_us = 30000;
    struct fixture f = { 0 };
    fixture_open(&f, options, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int busy = dial(&f);
    say(busy, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    struct http_exchange *busy_exchange = f.held;
    f.held = NULL;
    int deaf = dial(&f);
    say(deaf, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    int next = dial(&f);
    say(next, get_now);
    cr_assert_eq(hear(&f, next, &out, "hello"), 0);
    cr_assert_eq(f.aborts_count, 1);
    answer(busy_exchange, "later");
    buf_clear(&out);
    cr_assert_eq(hear(&f, busy, &out, "later"), 0);
    buf_deinit(&out);
    close(busy);
    close(deaf);
    close(next);
    fixture_close(&f);
}

Test(os_http, at_the_limit_the_idle_make_room_and_the_busy_do_not)
{
    struct os_http_options options = patient();
    options.connections_max = 2;
    struct fixture f = { 0 };
    fixture_open(&f, options, "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int first = dial(&f);
    say(first, get_now);
    cr_assert_eq(hear(&f, first, &out, "hello"), 0);
    int busy = dial(&f);
    say(busy, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    struct http_exchange *busy_exchange = f.held;
    f.held = NULL;
    int second = dial(&f); /* takes the place of the first */
    say(second, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    pump_until_held(&f);
    cr_assert_eq(hear(&f, first, &out, NULL), 0);
    int waiting = dial(&f);
    say(waiting, get_now);
    for (int i = 0; i < 20; i++)
        os_loop_run_once(&f.loop);
    cr_assert_eq(os_http_connections_count(f.server), 2);
    answer(busy_exchange, "later");
    buf_clear(&out);
    cr_assert_eq(hear(&f, waiting, &out, "hello"), 0);
    buf_deinit(&out);
    close(first);
    close(busy);
    close(second);
    close(waiting);
    fixture_close(&f);
}

Test(os_http, a_door_that_does_not_open)
{
    struct fixture f = { .open_err = ERR_NOMEM };
    fixture_open(&f, patient(), "/ip4/127.0.0.1/tcp/0");
    struct buf out = { 0 };
    int fd = dial(&f);
    int code = hear(&f, fd, &out, NULL);
    cr_assert(code == 0 || code == ECONNRESET);
    cr_assert_eq(os_http_connections_count(f.server), 0);
    close(fd);
    buf_deinit(&out);
    fixture_close(&f);
}
