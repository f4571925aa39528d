/* OpenSSL's client against the server, both on one loop in one thread. */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_http.h"
#include "tests/lib/test_cert.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(os_tls, .timeout = 60);

enum { TICK_US = 1000, ANSWER_BYTES = 3 * 1000 * 1000 };

struct fixture {
    char folder[TEST_DIR_SIZE];
    struct os_loop loop;
    struct os_timer tick; /* so that the loop returns even when nothing happens */
    struct os_tls *tls;
    struct os_http *server;
    struct multiaddr addr;
    uint64_t body_bytes;
};

struct client {
    struct fixture *f;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static void on_tick(void *owner)
{
    struct fixture *f = owner;
    os_timer_set(&f->tick, os_clock_mono_us() + TICK_US);
}

/* ---- the server ---- */

static size_t on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)bytes;
    ((struct fixture *)x->owner)->body_bytes += len;
    return len;
}

static void on_body_end(struct http_exchange *x)
{
    static const char answer[ANSWER_BYTES];
    http_reply_begin(x, 200, NULL, 0, sizeof answer);
    http_reply_write(x, answer, sizeof answer);
    http_reply_end(x, NULL, 0);
}

static void on_request(void *owner, struct http_exchange *x)
{
    x->owner = owner;
    if (strcmp(x->request.path, "/big") == 0) {
        x->on_body = on_body;
        x->on_body_end = on_body_end;
        return;
    }
    http_reply_begin(x, 200, NULL, 0, 5);
    http_reply_write(x, "hello", 5);
    http_reply_end(x, NULL, 0);
}

static int on_open(void *owner, void (*on_progress)(void *), void *progress_owner,
                   struct http_conn **out)
{
    struct http_conn_options options = { .head_bytes_max = 4096,
                                         .output_high_bytes = 64 * 1024,
                                         .output_low_bytes = 1024 };
    struct http_conn_hooks hooks = { on_request, owner, on_progress, progress_owner };
    return http_conn_create(out, &options, &hooks);
}

static int tls_of(struct fixture *f, const char *cert, const char *key, struct buf *why)
{
    char cert_path[512], key_path[512];
    snprintf(cert_path, sizeof cert_path, "%s/%s", f->folder, cert);
    snprintf(key_path, sizeof key_path, "%s/%s", f->folder, key);
    return os_tls_create(&f->tls, cert_path, key_path, why);
}

/* `head_timeout_us` 0: patient enough for a client that a busy machine keeps from its turns. */
static void fixture_open(struct fixture *f, uint64_t head_timeout_us)
{
    struct os_http_hooks hooks = { on_open, f };
    struct os_http_options options = os_http_options_default();
    struct multiaddr addr;
    struct buf why = { 0 };
    test_dir_make(f->folder);
    test_cert_make(f->folder);
    cr_assert_eq(tls_of(f, "cert.pem", "key.pem", &why), OK, "%s", buf_text(&why));
    options.sweep_us = 5000;
    if (head_timeout_us != 0)
        options.head_timeout_us = head_timeout_us;
    options.tls = f->tls;
    cr_assert_eq(os_loop_init(&f->loop), OK);
    os_timer_init(&f->tick, &f->loop, on_tick, f);
    on_tick(f);
    cr_assert_eq(os_http_create(&f->server, &f->loop, &options, &hooks, NULL), OK);
    cr_assert_eq(multiaddr_parse(&addr, "/ip4/127.0.0.1/tcp/0"), OK);
    cr_assert_eq(os_http_listen(f->server, &addr, &f->addr, &why), OK, "%s", buf_text(&why));
    buf_deinit(&why);
}

static void fixture_close(struct fixture *f)
{
    os_http_destroy(f->server);
    os_tls_destroy(f->tls);
    os_timer_stop(&f->tick);
    os_loop_deinit(&f->loop);
    test_dir_remove(f->folder);
}

/* ---- the client ---- */

static int dial(struct fixture *f)
{
    struct multiaddr_endpoint endpoint;
    cr_assert_eq(multiaddr_endpoint(&f->addr, &endpoint), OK);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(endpoint.port) };
    cr_assert_eq(inet_pton(AF_INET, endpoint.host, &to.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* True: try again, the server has had a turn. */
static bool client_waits(struct client *c, int result)
{
    int code = SSL_get_error(c->ssl, result);
    if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE)
        return false;
    os_loop_run_once(&c->f->loop);
    return true;
}

static struct client client_open(struct fixture *f, int version_max)
{
    struct client c = { .f = f, .fd = dial(f), .ctx = SSL_CTX_new(TLS_client_method()) };
    SSL_CTX_set_max_proto_version(c.ctx, version_max);
    SSL_CTX_set_mode(c.ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* So that the client's side of old versions would do them. */
    SSL_CTX_set_min_proto_version(c.ctx, 0);
    SSL_CTX_set_security_level(c.ctx, 0);
    SSL_CTX_set_alpn_protos(c.ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    c.ssl = SSL_new(c.ctx);
    SSL_set_fd(c.ssl, c.fd);
    cr_assert_eq(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
    return c;
}

static bool client_greet(struct client *c)
{
    int result;
    while ((result = SSL_connect(c->ssl)) != 1) {
        if (!client_waits(c, result))
            return false;
    }
    return true;
}

static void client_say(struct client *c, const char *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        size_t more = 0;
        int result = SSL_write_ex(c->ssl, bytes + sent, len - sent, &more);
        if (result == 1)
            sent += more;
        else
            cr_assert(client_waits(c, result), "the connection broke after %zu bytes", sent);
    }
}

static void client_hear(struct client *c, struct buf *out, size_t len)
{
    static char piece[64 * 1024];
    while (out->len < len) {
        size_t more = 0;
        int result = SSL_read_ex(c->ssl, piece, sizeof piece, &more);
        if (result == 1)
            buf_append(out, piece, more);
        else if (!client_waits(c, result))
            return;
    }
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static const char get_now[] = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

/* ---- tests ---- */

Test(os_tls, both_versions_answer)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture f = { 0 };
    fixture_open(&f, 0);
    for (size_t i = 0; i < 2; i++) {
        struct client c = client_open(&f, versions[i]);
        struct buf out = { 0 };
        cr_assert(client_greet(&c));
        cr_assert_eq(SSL_version(c.ssl), versions[i]);
        const unsigned char *protocol;
        unsigned protocol_len;
        SSL_get0_alpn_selected(c.ssl, &protocol, &protocol_len);
        cr_assert_eq(protocol_len, 8);
        cr_assert_eq(memcmp(protocol, "http/1.1", 8), 0);
        for (int n = 0; n < 3; n++) {
            client_say(&c, get_now, strlen(get_now));
            while (strstr(buf_text(&out), "\r\n\r\nhello") == NULL)
                client_hear(&c, &out, out.len + 1);
            buf_clear(&out);
        }
        client_close(&c);
        buf_deinit(&out);
    }
    fixture_close(&f);
}

Test(os_tls, old_versions_are_refused)
{
    struct fixture f = { 0 };
    fixture_open(&f, 0);
    struct client c = client_open(&f, TLS1_1_VERSION);
    cr_assert_not(client_greet(&c));
    client_close(&c);
    fixture_close(&f);
}

/* Records of 16 KiB, buffers of 64: what is left inside of OpenSSL must not be forgotten. */
Test(os_tls, much_goes_both_ways)
{
    static char piece[1000 * 1000];
    struct fixture f = { 0 };
    fixture_open(&f, 0);
    struct client c = client_open(&f, TLS1_3_VERSION);
    struct buf out = { 0 };
    cr_assert(client_greet(&c));
    const char head[] = "POST /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                        "Content-Length: 4000000\r\n\r\n";
    client_say(&c, head, strlen(head));
    for (int i = 0; i < 4; i++)
        client_say(&c, piece, sizeof piece);
    client_hear(&c, &out, SIZE_MAX);
    cr_assert_eq(f.body_bytes, 4 * 1000 * 1000);
    cr_assert_gt(out.len, ANSWER_BYTES);
    cr_assert_eq(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN,
                 "the end was not said");
    client_close(&c);
    buf_deinit(&out);
    fixture_close(&f);
}

static void hear_raw(struct fixture *f, int fd, struct buf *out)
{
    char piece[512];
    for (;;) {
        ssize_t len = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (len > 0)
            buf_append(out, piece, (size_t)len);
        else if (len < 0 && errno == EAGAIN)
            os_loop_run_once(&f->loop);
        else
            return;
    }
}

Test(os_tls, whoever_speaks_something_else_is_let_go)
{
    static const struct {
        const char *says;
        size_t len;
        const char *hears; /* NULL: whatever */
    } cases[] = {
        { get_now, sizeof get_now - 1, "HTTPS server" },
        { "SSH-2.0-x\r\n", 11, NULL },
        { "\x16\x03\x01\xff\xff\x01\x00", 7, NULL },
    };
    struct fixture f = { 0 };
    fixture_open(&f, 0);
    struct client good = client_open(&f, TLS1_3_VERSION);
    cr_assert(client_greet(&good));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = { 0 };
        int fd = dial(&f);
        cr_assert_eq(send(fd, cases[i].says, cases[i].len, 0), (ssize_t)cases[i].len);
        hear_raw(&f, fd, &out);
        cr_assert(cases[i].hears == NULL || strstr(buf_text(&out), cases[i].hears) != NULL,
                  "case %zu: %s", i, buf_text(&out));
        close(fd);
        buf_deinit(&out);
    }
    /* Nobody else noticed. */
    client_close(&good);
    struct client next = client_open(&f, TLS1_3_VERSION);
    cr_assert(client_greet(&next));
    client_close(&next);
    while (os_http_connections_count(f.server) > 0)
        os_loop_run_once(&f.loop);
    fixture_close(&f);
}

Test(os_tls, whoever_does_not_finish_its_greeting_is_let_go)
{
    static const struct {
        const char *says;
        size_t len;
    } cases[] = { { "\x16\x03\x01\x02\x00\x01\x00", 7 }, { "", 0 } };
    struct fixture f = { 0 };
    fixture_open(&f, 50000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = { 0 };
        int fd = dial(&f);
        cr_assert_eq(send(fd, cases[i].says, cases[i].len, 0), (ssize_t)cases[i].len);
        hear_raw(&f, fd, &out); /* returns when the server has closed it */
        close(fd);
        buf_deinit(&out);
    }
    fixture_close(&f);
}

Test(os_tls, bad_files_are_named)
{
    static const struct {
        const char *cert, *key;
        int err;
        const char *says;
    } cases[] = {
        { "none.pem", "key.pem", ERR_IO, "none.pem: No such file" },
        { "cert.pem", "none.pem", ERR_IO, "none.pem: No such file" },
        { "key.pem", "key.pem", ERR_INVALID, "no certificate in PEM form" },
        { "cert.pem", "cert.pem", ERR_INVALID, "no private key in PEM form" },
        { "cert.pem", "other/key.pem", ERR_INVALID, "not the key of the certificate" },
        { "cert.pem", "locked.pem", ERR_INVALID, "without a passphrase" },
    };
    struct fixture f = { 0 };
    char other[512];
    test_dir_make(f.folder);
    test_cert_make(f.folder);
    test_cert_make_locked_key(f.folder);
    snprintf(other, sizeof other, "%s/other", f.folder);
    cr_assert_eq(mkdir(other, 0700), 0);
    test_cert_make(other);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf why = { 0 };
        cr_assert_eq(tls_of(&f, cases[i].cert, cases[i].key, &why), cases[i].err, "case %zu: %s", i,
                     buf_text(&why));
        cr_assert(strstr(buf_text(&why), cases[i].says) != NULL, "case %zu: %s", i, buf_text(&why));
        buf_deinit(&why);
    }
    test_dir_remove(f.folder);
}
