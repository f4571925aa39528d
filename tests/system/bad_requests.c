/* bad_requests.c -- so many requests that no peer should like, each on a connection of its own: are they answered with
 * the right code, in time, and does the peer live on?
 *
 *      bad_requests SEED COUNT REST TLS PROXY USER:PASSWORD-IN-BASE64     ports on 127.0.0.1
 *      bad_requests slow REST PROXY USER:PASSWORD-IN-BASE64               clients that are slow on purpose
 *
 * The same seed makes the same requests. What was wrong is printed, with the request; exit code 1 then. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"

enum { ANSWER_MS_MAX = 10000, CODES_MAX = 5, SHOWN_MAX = 20 };

struct attempt {
    const char *kind;
    int port;
    struct buf request;
    int codes[CODES_MAX]; /* any of these; 0: closed without an answer */
    size_t codes_count;
    bool half_closes;
};

struct run {
    uint64_t state;
    int rest, tls, proxy;
    const char *user;
    unsigned wrong;
};

/* ---- chance ---- */

static uint64_t draw(struct run *r)
{
    r->state ^= r->state << 13; /* xorshift64 */
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

static size_t below(struct run *r, size_t n)
{
    return (size_t)(draw(r) % n);
}

#define PICK(run, list) ((list)[below((run), sizeof(list) / sizeof((list)[0]))])

static void put_noise(struct run *r, struct buf *out, size_t len)
{
    while (len-- > 0)
        buf_put_u8(out, (uint8_t)draw(r));
}

static void put_word(struct run *r, struct buf *out, size_t len)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    while (len-- > 0)
        buf_put_u8(out, (uint8_t)letters[below(r, sizeof(letters) - 1)]);
}

static void expect(struct attempt *a, int code)
{
    a->codes[a->codes_count++] = code;
}

/* The head's end, with who we are. */
static void put_end(struct run *r, struct attempt *a)
{
    buf_printf(&a->request, "Host: x\r\nAuthorization: Basic %s\r\nConnection: close\r\n\r\n",
               r->user);
}

/* ---- kinds of bad requests ---- */

static void bad_verb(struct run *r, struct attempt *a)
{
    static const char *const verbs[] = { "PUT", "PATCH", "TRACE", "CONNECT",
                                         "FOO", "HEAD",  "get",   "DELETE_" };

    static const char *const paths[] = { "/id",           "/version",      "/peers",
                                         "/pins",         "/allocations",  "/ipfs/gc",
                                         "/health",       "/health/graph", "/monitor/metrics",
                                         "/pins/recover", "/token",        "/add" };
    const char *verb = PICK(r, verbs);
    bool is_tunnel = strcmp(verb, "CONNECT") == 0;
    buf_printf(&a->request, "%s %s HTTP/1.1\r\n", verb, PICK(r, paths));
    put_end(r, a);
    expect(a, is_tunnel ? 501 : 405);
}

static void bad_path(struct run *r, struct attempt *a)
{
    size_t segments = 1 + below(r, 5);
    buf_append_text(&a->request, "GET ");
    for (size_t i = 0; i < segments; i++) {
        buf_append_text(&a->request, "/zz");
        put_word(r, &a->request, below(r, 20));
        buf_append_text(&a->request, "z");
    }
    buf_append_text(&a->request, " HTTP/1.1\r\n");
    put_end(r, a);
    expect(a, 404);
}

static void bad_cid(struct run *r, struct attempt *a)
{
    static const char *const fronts[] = { "GET /pins/",    "GET /allocations/", "POST /pins/",
                                          "DELETE /pins/", "POST /pins/ipfs/",  "GET /pins?cids=" };
    buf_append_text(&a->request, PICK(r, fronts));
    buf_append_text(&a->request, "x"); /* begins no CID */
    put_word(r, &a->request, below(r, 80));
    buf_append_text(&a->request, " HTTP/1.1\r\n");
    put_end(r, a);
    expect(a, 400);
}

static void bad_option(struct run *r, struct attempt *a)
{
    static const char cid[] = "QmYjtig7VJQ6XsnUjqqJvj7QaMcCAwtrgNdahSiFofrE7o";
    static const char *const options[] = {
        "replication-min=x", "replication-max=1.5", "replication=9999999999999",
        "expire-in=soon",    "expire-at=now",       "shard-size=-1",
        "origins=x",         "pin-update=x",        "expire-in=1ns"
    };
    buf_printf(&a->request, "POST /pins/%s?name=%zu&%s HTTP/1.1\r\n", cid, below(r, 1000),
               PICK(r, options));
    put_end(r, a);
    expect(a, 400);
}

static void bad_encoding(struct run *r, struct attempt *a)
{
    static const char *const paths[] = { "/pins/%zz",      "/pins/%",
                                         "/pins/%0",       "/allocations/%00",
                                         "/pins/Qm%g0",    "/monitor/metrics/%00ping",
                                         "/pins?cids=%zz", "/pins?filter=x%0" };
    buf_printf(&a->request, "GET %s HTTP/1.1\r\n", PICK(r, paths));
    put_end(r, a);
    expect(a, 400);
}

static void bad_line(struct run *r, struct attempt *a)
{
    static const char *const lines[] = { "GET  /id HTTP/1.1\r\n",
                                         "GET /id\r\n",
                                         "GET\r\n",
                                         "GET /id HTTP/1.1 \r\n",
                                         " GET /id HTTP/1.1\r\n",
                                         "G\x01T /id HTTP/1.1\r\n",
                                         "GET /i\x7f HTTP/1.1\r\n",
                                         "GET /id HTTP/1.1\nHost: x\n\n",
                                         "GET /id HTTP/1,1\r\n",
                                         "/id HTTP/1.1\r\n",
                                         "GET /id http/1.1\r\n" };
    buf_append_text(&a->request, PICK(r, lines));
    put_end(r, a);
    expect(a, 400);
}

static void bad_version(struct run *r, struct attempt *a)
{
    buf_printf(&a->request, "GET /id HTTP/%zu.%zu\r\n", 2 + below(r, 8), below(r, 10));
    put_end(r, a);
    expect(a, 505);
}

static void bad_field(struct run *r, struct attempt *a)
{
    static const char *const fields[] = { "X y: z\r\n",     ": z\r\n",   "X\r\n",
                                          "X: a\r\n b\r\n", "X : z\r\n", "X: a\x01z\r\n",
                                          "X: a\rb\r\n",    "\tX: y\r\n" };
    buf_printf(&a->request, "GET /id HTTP/1.1\r\nX-Fine: %zu\r\n%s", below(r, 1000),
               PICK(r, fields));
    put_end(r, a);
    expect(a, 400);
}

static void bad_length(struct run *r, struct attempt *a)
{
    static const char *const fields[] = { "Content-Length: x\r\n",
                                          "Content-Length: -1\r\n",
                                          "Content-Length: +1\r\n",
                                          "Content-Length: 1, 2\r\n",
                                          "Content-Length: 1\r\nContent-Length: 2\r\n",
                                          "Content-Length: 99999999999999999999\r\n",
                                          "Content-Length: 0x10\r\n",
                                          "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                                          "Content-Length:\r\n" };
    buf_printf(&a->request, "POST /peers HTTP/1.1\r\nX-Fine: %zu\r\n%s", below(r, 1000),
               PICK(r, fields));
    put_end(r, a);
    buf_append_text(&a->request, "abc");
    expect(a, 400);
    expect(a, 413);
}

static void bad_transfer(struct run *r, struct attempt *a)
{
    static const char *const codings[] = { "gzip", "chunked, gzip", "x", "identity",
                                           "gzip, chunked" };
    buf_printf(&a->request, "POST /peers HTTP/1.1\r\nTransfer-Encoding: %s\r\n", PICK(r, codings));
    put_end(r, a);
    expect(a, 501);
    expect(a, 400);
}

static void bad_chunk(struct run *r, struct attempt *a)
{
    static const char *const bodies[] = { "zz\r\nabc\r\n0\r\n\r\n", "-1\r\na\r\n",
                                          "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\r\n",
                                          "ffffffffffffffffff\r\n", "\r\n",
                                          "3 \x01\r\nabc\r\n",      "3\r\nabc0\r\n\r\n",
                                          "0x3\r\nabc\r\n0\r\n\r\n" };
    buf_append_text(&a->request, "POST /peers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n");
    put_end(r, a);
    buf_append_text(&a->request, PICK(r, bodies));
    expect(a, 400);
}

static void bad_body(struct run *r, struct attempt *a)
{
    static const char *const bodies[] = { "",
                                          "x",
                                          "{",
                                          "[]",
                                          "{\"peer_id\":7}",
                                          "{\"peer_id\":\"x\"}",
                                          "{\"peer_multiaddress\":\"/ip4/1.2.3.4\"}",
                                          "null",
                                          "{\"peer_id\":\"\\u0000\"}" };
    const char *body = PICK(r, bodies);
    buf_printf(&a->request, "POST /peers HTTP/1.1\r\nContent-Length: %zu\r\n", strlen(body));
    put_end(r, a);
    buf_append_text(&a->request, body);
    expect(a, 400);
}

static void bad_upload(struct run *r, struct attempt *a)
{
    static const char *const types[] = { "text/plain", "multipart/form-data",
                                         "multipart/mixed; boundary=x", "" };
    buf_printf(&a->request, "POST /add?x=%zu HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: 5\r\n",
               below(r, 1000), PICK(r, types));
    put_end(r, a);
    buf_append_text(&a->request, "hello");
    expect(a, 400);
}

static void big_head(struct run *r, struct attempt *a)
{
    bool one = below(r, 2) == 0;
    buf_append_text(&a->request, "GET /id HTTP/1.1\r\n");
    for (size_t i = 0; i < (one ? 1 : 120); i++) {
        buf_printf(&a->request, "X-%zu: ", i);
        put_word(r, &a->request, one ? 20000 + below(r, 50000) : below(r, 40));
        buf_append_text(&a->request, "\r\n");
    }
    put_end(r, a);
    expect(a, 431);
}

static void stranger(struct run *r, struct attempt *a)
{
    static const char *const schemes[] = { "Basic", "Bearer", "Digest", "basic", "bearer", "" };
    static const char *const paths[] = { "/id",  "/nowhere", "/pins",
                                         "/add", "/token",   "/state/export" };
    buf_printf(&a->request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
               below(r, 2) ? "GET" : "POST", PICK(r, paths));
    if (below(r, 4) > 0) {
        buf_printf(&a->request, "Authorization: %s ", PICK(r, schemes));
        put_word(r, &a->request, below(r, 200));
        buf_append_text(&a->request, "\r\n");
    }
    buf_append_text(&a->request, "\r\n");
    expect(a, 401);
}

/* A token of the right form and the wrong key, or of a changed part. */
static void forged(struct run *r, struct attempt *a)
{
    static const char *const heads[] = { "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
                                         "eyJhbGciOiJub25lIn0",
                                         "eyJhbGciOiJIUzM4NCJ9",
                                         "eyJhbGciOiJIUzUxMiJ9",
                                         "e30",
                                         "" };
    buf_printf(&a->request,
               "GET /id HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
               "%s.eyJpc3MiOiJhbm4ifQ.",
               PICK(r, heads));
    put_word(r, &a->request, below(r, 90));
    buf_append_text(&a->request, "\r\n\r\n");
    expect(a, 401);
}

static void noise(struct run *r, struct attempt *a)
{
    buf_put_u8(&a->request, (uint8_t)(1 + below(r, 8))); /* no letter: no method begins so */
    put_noise(r, &a->request, 1 + below(r, 300));
    a->half_closes = true;
    expect(a, 400);
    expect(a, 431);
    expect(a, 0);
}

static void half(struct run *r, struct attempt *a)
{
    static const char whole[] =
        "POST /peers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"peer";
    buf_append(&a->request, whole, 1 + below(r, sizeof(whole) - 2));
    a->half_closes = true;
    expect(a, 0);
    expect(a, 400);
    expect(a, 401);
}

static void tls_noise(struct run *r, struct attempt *a)
{
    a->port = r->tls;
    if (below(r, 2) == 0)
        buf_append(&a->request, "\x16\x03\x01", 3);
    put_noise(r, &a->request, 1 + below(r, 300));
    a->half_closes = true;
    expect(a, 0);
    expect(a, -1); /* an alert is no HTTP */
    expect(a, 400);
}

static void tls_plain(struct run *r, struct attempt *a)
{
    static const char *const verbs[] = { "GET", "POST", "HEAD", "PUT" };
    a->port = r->tls;
    buf_printf(&a->request, "%s /id HTTP/1.1\r\n", PICK(r, verbs));
    put_end(r, a);
    expect(a, 400);
}

static void proxy_arg(struct run *r, struct attempt *a)
{
    static const char *const commands[] = { "pin/add", "pin/rm", "pin/ls", "pin/update",
                                            "pin/add/x%zz" };
    a->port = r->proxy;
    buf_printf(&a->request, "POST /api/v0/%s?arg=x", PICK(r, commands));
    put_word(r, &a->request, below(r, 80));
    buf_append_text(&a->request, " HTTP/1.1\r\n");
    put_end(r, a);
    expect(a, 500);
    expect(a, 400);
}

static void proxy_line(struct run *r, struct attempt *a)
{
    (below(r, 2) ? bad_line : bad_length)(r, a);
    a->port = r->proxy;
}

static const struct {
    const char *name;
    void (*make)(struct run *r, struct attempt *a);
} kinds[] = {
    { "verb", bad_verb },         { "path", bad_path },         { "cid", bad_cid },
    { "option", bad_option },     { "encoding", bad_encoding }, { "line", bad_line },
    { "version", bad_version },   { "field", bad_field },       { "length", bad_length },
    { "transfer", bad_transfer }, { "chunk", bad_chunk },       { "body", bad_body },
    { "upload", bad_upload },     { "big head", big_head },     { "stranger", stranger },
    { "forged token", forged },   { "noise", noise },           { "half", half },
    { "TLS noise", tls_noise },   { "TLS plain", tls_plain },   { "proxy argument", proxy_arg },
    { "proxy line", proxy_line },
};

/* ---- the wire ---- */

static int dial(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The status of what comes back until the connection ends; 0: nothing came; -1: no HTTP; -2: no end. */
static int hear(int fd, struct buf *out)
{
    for (;;) {
        char piece[4096];
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (poll(&wait, 1, ANSWER_MS_MAX) <= 0)
            return -2;
        ssize_t len = recv(fd, piece, sizeof piece, 0);
        if (len <= 0)
            break; /* a reset is an end, too */
        buf_append(out, piece, (size_t)len);
    }
    int code;
    if (out->len == 0)
        return 0;
    return sscanf(buf_text(out), "HTTP/1.%*d %d", &code) == 1 ? code : -1;
}

static bool is_expected(const struct attempt *a, int code)
{
    for (size_t i = 0; i < a->codes_count; i++) {
        if (a->codes[i] == code)
            return true;
    }
    return false;
}

static void complain(struct run *r, struct attempt *a, int code, struct buf *answer)
{
    if (r->wrong++ >= SHOWN_MAX)
        return;
    printf("%s: %d, not %d, to: %.300s\n answer: %.200s\n", a->kind, code, a->codes[0],
           buf_text(&a->request), buf_text(answer));
}

static void attempt(struct run *r)
{
    struct attempt a = { .port = r->rest };
    struct buf answer = { 0 };
    size_t kind = below(r, sizeof(kinds) / sizeof(kinds[0]));
    a.kind = kinds[kind].name;
    kinds[kind].make(r, &a);
    int fd = dial(a.port);
    if (fd < 0) {
        printf("%s: nobody listens any more\n", a.kind);
        r->wrong += 1;
        buf_deinit(&a.request);
        return;
    }
    (void)!send(fd, a.request.data, a.request.len,
                MSG_NOSIGNAL); /* refused half-way: the answer says it */
    if (a.half_closes)
        shutdown(fd, SHUT_WR);
    int code = hear(fd, &answer);
    if (!is_expected(&a, code))
        complain(r, &a, code, &answer);
    close(fd);
    buf_deinit(&answer);
    buf_deinit(&a.request);
}

/* ---- clients that are slow on purpose ---- */

enum { DRIP_MS = 50, PATIENCE_MS = 5000 };

/* Says it byte by byte, or (drip_ms 0) at once, and then nothing. What is heard until the connection ends by itself. */
static int linger(int port, const char *text, unsigned drip_ms, struct buf *answer)
{
    int fd = dial(port);
    if (fd < 0)
        return -2;
    size_t len = strlen(text), said = 0;
    int code = -2;
    for (unsigned waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += DRIP_MS) {
        size_t step = drip_ms == 0 ? len - said : said < len ? 1 : 0;
        if (step > 0)
            (void)!send(fd, text + said, step, MSG_NOSIGNAL);
        said += step;
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (poll(&wait, 1, DRIP_MS) > 0) {
            code = hear(fd, answer);
            break;
        }
    }
    close(fd);
    return code;
}

static int slow_clients(char **argv)
{
    char body[512];
    snprintf(body, sizeof body,
             "POST /peers HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: "
             "100\r\n\r\n{",
             argv[4]);
    const struct {
        const char *name, *text;
        int port;
        unsigned drip_ms;
        int code;
    } cases[] = {
        { "head", "GET /id HTTP/1.1\r\nHost", atoi(argv[2]), DRIP_MS, 408 },
        { "head at the proxy", "GET /api/v0/id HTTP/1.1\r\nHost", atoi(argv[3]), DRIP_MS, 408 },
        { "body", body, atoi(argv[2]), 0, 408 },
        { "silence after an answer", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", atoi(argv[2]), 0,
          204 },
        { "silence", "", atoi(argv[2]), 0, 0 },
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf answer = { 0 };
        int code = linger(cases[i].port, cases[i].text, cases[i].drip_ms, &answer);
        if (code != cases[i].code)
            printf("slow %s: %d, not %d: %.200s\n", cases[i].name, code, cases[i].code,
                   buf_text(&answer));
        wrong += code != cases[i].code;
        buf_deinit(&answer);
    }
    return wrong > 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && strcmp(argv[1], "slow") == 0)
        return slow_clients(argv);
    if (argc != 7) {
        fprintf(stderr, "usage: bad_requests SEED COUNT REST TLS PROXY CREDENTIALS\n"
                        "       bad_requests slow REST PROXY CREDENTIALS\n");
        return 2;
    }
    struct run r = { .state = strtoull(argv[1], NULL, 10) * 2654435761u + 1,
                     .rest = atoi(argv[3]),
                     .tls = atoi(argv[4]),
                     .proxy = atoi(argv[5]),
                     .user = argv[6] };
    unsigned long count = strtoul(argv[2], NULL, 10);
    for (unsigned long i = 0; i < count; i++)
        attempt(&r);
    printf("%lu bad requests, %u answered wrongly\n", count, r.wrong);
    return r.wrong > 0;
}
