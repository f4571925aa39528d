/* p2p_echo -- our libp2p on a real socket, for tests against other libp2p implementations (p2p.sh).
 *
 *   p2p_echo listen                   listens on loopback, prints "LISTEN ADDRESS", serves until SIGTERM
 *   p2p_echo dial ADDRESS/p2p/ID      dials, checks the echo of the other side, prints PASS and FAIL lines
 *
 * Environment: SEED and PSK (64 hex digits each; PSK absent: no pnet); NO_EARLY_MUXER; EXPECT=fail: the dial
 * must fail. Serves /check/echo/1.0.0 and, which is an echo too, /ipfs/ping/1.0.0. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_conn.h"
#include "os/os_socket.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hex.h"

static const char echo_protocol[] = "/check/echo/1.0.0";
static const char ping_protocol[] = "/ipfs/ping/1.0.0";

enum { STREAMS_MAX = 64, PATIENCE_US = 10 * 1000 * 1000 };

struct program {
    struct os_loop loop;
    struct os_rng rng;
    struct identity identity;
    uint8_t psk[32];
    bool has_psk;
    struct os_signal terminate;
    struct os_watch listener;
};

static void program_stop(void *owner)
{
    struct program *p = owner;
    os_loop_stop(&p->loop);
}

static bool program_key(const char *variable, uint8_t out[32])
{
    const char *text = getenv(variable);
    if (text == NULL)
        return false;
    ASSERT(hex_decode_exact(out, 32, (struct bytes){ text, strlen(text) }) == OK);
    return true;
}

static void program_init(struct program *p)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    ASSERT(os_loop_init(&p->loop) == OK);
    os_rng_init(&p->rng);
    os_rng_fill(&p->rng, seed, sizeof(seed));
    (void)program_key("SEED", seed);
    identity_from_seed(&p->identity, seed);
    p->has_psk = program_key("PSK", p->psk);
    os_signal_init(&p->terminate, &p->loop, SIGTERM, program_stop, p);
}

static struct os_conn_options program_options(struct program *p, const struct peer_id *expected)
{
    return (struct os_conn_options){ .loop = &p->loop,
                                     .rng = &p->rng,
                                     .identity = &p->identity,
                                     .secret = p->has_psk ? p->psk : NULL,
                                     .expected = expected,
                                     .streams_max = STREAMS_MAX,
                                     .write_bytes_max = 64 * 1024,
                                     .lists_no_muxer = getenv("NO_EARLY_MUXER") != NULL,
                                     .handshake_timeout_us = 5 * 1000 * 1000,
                                     .ping_us = 5 * 1000 * 1000,
                                     .silence_us = 15 * 1000 * 1000 };
}

/* ---- listening: echo ---- */

struct client {
    struct os_conn *conn;
    struct session_stream *streams[STREAMS_MAX]; /* holes are NULL */
};

/* What fits goes back; the rest stays unread, so that the other side's window closes. */
static void client_echo(struct client *c, struct session_stream **t)
{
    struct bytes in = session_stream_input(*t);
    session_stream_taken(*t, session_stream_write(*t, in.data, in.len));
    if (!session_stream_is_at_end(*t))
        return;
    session_stream_close(*t);
    session_stream_release(*t);
    *t = NULL;
    os_conn_kick(c->conn);
}

static void client_on_up(void *owner, const struct peer_id *remote)
{
    (void)owner;
    printf("UP %s\n", peer_id_print(remote).text);
}

static bool client_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct client *c = owner;
    if (strcmp(protocol, echo_protocol) != 0 && strcmp(protocol, ping_protocol) != 0)
        return false;
    for (int i = 0; i < STREAMS_MAX; i++)
        if (c->streams[i] == NULL) {
            c->streams[i] = t;
            return true;
        }
    return false;
}

static void client_on_look(void *owner, struct session_stream *t)
{
    struct client *c = owner;
    for (int i = 0; i < STREAMS_MAX; i++)
        if (c->streams[i] == t)
            client_echo(c, &c->streams[i]);
}

static void client_on_pump(void *owner)
{
    struct client *c = owner;
    for (int i = 0; i < STREAMS_MAX; i++)
        if (c->streams[i] != NULL)
            client_echo(c, &c->streams[i]);
}

static void client_on_closed(void *owner, int err, const char *why)
{
    printf("CLOSED %s: %s\n", err_name(err), why);
    free(owner);
}

static void program_on_accept(void *owner, int ready)
{
    struct program *p = owner;
    struct os_address from = { .len = sizeof(from.storage) };
    struct client *c = calloc(1, sizeof(*c));
    (void)ready;
    int fd = accept4(p->listener.ev.fd, (struct sockaddr *)&from.storage, &from.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    ASSERT(c != NULL && fd >= 0);
    struct os_conn_options options = program_options(p, NULL);
    struct os_conn_hooks hooks = { client_on_up,   client_on_stream, client_on_look,
                                   client_on_pump, client_on_closed, c };
    ASSERT(os_conn_accept(&c->conn, &options, &hooks, fd, &from) == OK);
}

static int program_listen(struct program *p)
{
    struct multiaddr addr, real;
    struct buf text = { 0 };
    int fd;
    ASSERT(multiaddr_parse(&addr, "/ip4/127.0.0.1/tcp/0") == OK);
    ASSERT(os_socket_listen(&addr, &fd, &real, NULL) == OK);
    ASSERT(multiaddr_with_peer(&real, &p->identity.id) == OK);
    multiaddr_print(&real, &text);
    printf("LISTEN %s\n", buf_text(&text));
    buf_deinit(&text);
    os_watch_init(&p->listener, &p->loop, fd, program_on_accept, p);
    os_watch_set(&p->listener, OS_READ);
    os_loop_run(&p->loop);
    return 0;
}

/* ---- dialling: what was said must come back ---- */

/* A run of bytes that its two ends make for themselves. */
struct lcg {
    uint32_t x;
};

static uint8_t lcg_next(struct lcg *g)
{
    g->x = g->x * 1664525u + 1013904223u;
    return (uint8_t)(g->x >> 24);
}

struct echo {
    struct session_stream *stream;
    size_t size, sent, got;
    struct lcg says, hears;
    bool is_wrong;
    bool is_done;
};

struct caller {
    struct program *program;
    struct os_conn *conn;
    bool is_up;
    char why[120];
    struct echo echoes[STREAMS_MAX];
    size_t echoes_count;
    int passed, failed;
};

static void echo_send(struct echo *e)
{
    uint8_t bytes[8192];
    while (e->stream != NULL && e->sent < e->size) {
        size_t room = session_stream_room(e->stream), part = e->size - e->sent;
        part = part < room ? part : room;
        part = part < sizeof(bytes) ? part : sizeof(bytes);
        if (part == 0)
            return;
        for (size_t i = 0; i < part; i++)
            bytes[i] = lcg_next(&e->says);
        ASSERT(session_stream_write(e->stream, bytes, part) == part);
        e->sent += part;
    }
    if (e->stream != NULL)
        session_stream_close(e->stream);
}

static void echo_hear(struct echo *e)
{
    struct bytes in = session_stream_input(e->stream);
    const uint8_t *at = in.data;
    for (size_t i = 0; i < in.len; i++)
        e->is_wrong = e->is_wrong || at[i] != lcg_next(&e->hears);
    e->got += in.len;
    session_stream_taken(e->stream, in.len);
    if (!session_stream_is_at_end(e->stream))
        return;
    e->is_wrong = e->is_wrong || e->got != e->size || session_stream_err(e->stream) != OK;
    e->is_done = true;
    session_stream_release(e->stream);
    e->stream = NULL;
}

static void caller_on_up(void *owner, const struct peer_id *remote)
{
    struct caller *c = owner;
    (void)remote;
    c->is_up = true;
}

static bool caller_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    (void)owner;
    (void)t;
    (void)protocol;
    return false; /* identify and whatever else it would like to know */
}

static void caller_on_look(void *owner, struct session_stream *t)
{
    struct caller *c = owner;
    for (size_t i = 0; i < c->echoes_count; i++)
        if (c->echoes[i].stream == t)
            echo_hear(&c->echoes[i]);
}

static void caller_on_pump(void *owner)
{
    struct caller *c = owner;
    for (size_t i = 0; i < c->echoes_count; i++)
        echo_send(&c->echoes[i]);
}

static void caller_on_closed(void *owner, int err, const char *why)
{
    struct caller *c = owner;
    snprintf(c->why, sizeof(c->why), "%s: %s", err_name(err), why);
    c->conn = NULL;
}

static void caller_tell(struct caller *c, const char *what, bool passed)
{
    printf("%s  %s\n", passed ? "PASS" : "FAIL", what);
    c->passed += passed;
    c->failed += !passed;
}

static bool caller_is_done(const struct caller *c)
{
    for (size_t i = 0; i < c->echoes_count; i++)
        if (!c->echoes[i].is_done)
            return false;
    return true;
}

static void caller_nothing(void *owner)
{
    (void)owner;
}

static void caller_run(struct caller *c)
{
    struct os_timer patience;
    uint64_t end_us = os_clock_mono_us() + PATIENCE_US;
    os_timer_init(&patience, &c->program->loop, caller_nothing, NULL);
    os_timer_set(&patience, end_us);
    while (c->conn != NULL && os_clock_mono_us() < end_us && !(c->is_up && caller_is_done(c)))
        os_loop_run_once(&c->program->loop);
    os_timer_stop(&patience);
}

/* `count` streams at once, of size, 2 * size, ... bytes. */
static bool caller_try(struct caller *c, size_t count, size_t size)
{
    bool passed = c->conn != NULL;
    memset(c->echoes, 0, sizeof(c->echoes));
    c->echoes_count = passed ? count : 0;
    for (size_t i = 0; i < c->echoes_count; i++) {
        struct echo *e = &c->echoes[i];
        e->size = (i + 1) * size;
        e->says.x = e->hears.x = (uint32_t)(size + i);
        ASSERT(session_open(os_conn_session(c->conn), echo_protocol, e, &e->stream) == OK);
    }
    if (passed)
        os_conn_kick(c->conn);
    caller_run(c);
    for (size_t i = 0; i < c->echoes_count; i++)
        passed = passed && c->echoes[i].is_done && !c->echoes[i].is_wrong;
    return passed;
}

static void caller_check(struct caller *c, const char *what, size_t count, size_t size)
{
    caller_tell(c, what, caller_try(c, count, size));
}

static void caller_check_all(struct caller *c)
{
    caller_check(c, "echo of nothing", 1, 0);
    caller_check(c, "echo of a byte", 1, 1);
    caller_check(c, "echo of 65519 bytes and one more", 2, 65519);
    caller_check(c, "echo of one window", 1, 262144);
    caller_check(c, "echo of one byte more than a window", 1, 262145);
    caller_check(c, "echo of 4 MiB", 1, 4 * 1024 * 1024);
    caller_check(c, "20 streams at once", 20, 10000);
    bool passed = true;
    for (int i = 0; i < 100 && passed; i++)
        passed = caller_try(c, 1, 100);
    caller_tell(c, "100 streams one after another", passed);
}

static int program_dial(struct program *p, const char *text)
{
    struct caller c = { .program = p };
    struct multiaddr addr;
    struct multiaddr_endpoint endpoint;
    struct os_address address;
    struct peer_id expected;
    ASSERT(multiaddr_parse(&addr, text) == OK && multiaddr_peer(&addr, &expected) == OK);
    ASSERT(multiaddr_endpoint(&addr, &endpoint) == OK);
    ASSERT(os_address_of_endpoint(&address, &endpoint) == OK);
    struct os_conn_options options = program_options(p, &expected);
    struct os_conn_hooks hooks = { caller_on_up,   caller_on_stream, caller_on_look,
                                   caller_on_pump, caller_on_closed, &c };
    ASSERT(os_conn_dial(&c.conn, &options, &hooks, &address) == OK);
    caller_run(&c);
    const char *expect = getenv("EXPECT");
    if (expect != NULL && strcmp(expect, "fail") == 0) {
        caller_tell(&c, "the dial fails", !c.is_up && c.conn == NULL);
    } else {
        caller_tell(&c, "dial", c.is_up);
        caller_check_all(&c);
        caller_tell(&c, "the connection is still there", c.conn != NULL);
    }
    if (c.why[0] != 0)
        printf("      %s\n", c.why);
    if (c.conn != NULL)
        os_conn_destroy(c.conn);
    printf("%d passed, %d failed\n", c.passed, c.failed);
    return c.failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct program program;
    setvbuf(stdout, NULL, _IOLBF, 0);
    program_init(&program);
    if (argc == 2 && strcmp(argv[1], "listen") == 0)
        return program_listen(&program);
    if (argc == 3 && strcmp(argv[1], "dial") == 0)
        return program_dial(&program, argv[2]);
    fprintf(stderr, "usage: p2p_echo listen | dial ADDRESS/p2p/ID\n");
    return 2;
}
