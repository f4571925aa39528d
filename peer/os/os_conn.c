/* All work happens in two places: os_conn_on_ready(), when the socket has something, and
 * os_conn_on_turn(), a task that os_conn_kick() posts. Both end in os_conn_settle(): write what is to
 * be written, then see whether the connection has ended. Ending is two steps: first `err` is set, by
 * whoever noticed; then the task runs on_closed and frees, where nothing of ours is on the stack. */
#include "os/os_conn.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_socket.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    CONN_READ_BYTES = 64 * 1024,
    CONN_TURN_BYTES = 256 * 1024, /* read or written before others have a turn */
};

struct os_conn {
    struct os_conn_options options;
    struct os_conn_hooks hooks;
    struct session *session;
    struct os_address address;
    int fd;
    bool is_connecting;
    int err; /* not OK: it ends */
    const char *why;
    uint64_t born_us;
    uint64_t heard_us; /* when the last bytes came */
    uint64_t pinged_us;
    uint32_t pings;
    struct os_watch watch;
    struct os_timer timer;
    struct os_task turn;
};

/* ---- ending ---- */

static void os_conn_fail(struct os_conn *c, int err, const char *why)
{
    if (c->err != OK)
        return; /* the first reason is the reason */
    c->err = err;
    c->why = why;
    os_loop_post(c->options.loop, &c->turn);
}

static void os_conn_fail_errno(struct os_conn *c)
{
    int code = errno;
    bool is_way = code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH ||
                  code == ETIMEDOUT || code == EADDRNOTAVAIL;
    if (code == ECONNRESET || code == EPIPE)
        os_conn_fail(c, ERR_CLOSED, "the other side broke the connection off");
    else
        os_conn_fail(c, is_way ? ERR_UNREACHABLE : ERR_IO, strerrordesc_np(code));
}

/* A goodbye, or why we give up; if the socket does not take it, it is not said. */
static void os_conn_say_last(struct os_conn *c)
{
    session_close(c->session);
    struct bytes last = session_output(c->session);
    if (last.len > 0 && !c->is_connecting)
        (void)!send(c->fd, last.data, last.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void os_conn_destroy(struct os_conn *c)
{
    if (c == NULL)
        return;
    os_conn_say_last(c);
    os_timer_stop(&c->timer);
    os_watch_set(&c->watch, 0);
    os_loop_unpost(c->options.loop, &c->turn);
    session_destroy(c->session);
    close(c->fd);
    mem_free(c);
}

static void os_conn_end(struct os_conn *c)
{
    struct os_conn_hooks hooks = c->hooks;
    int err = c->err;
    const char *why = c->why;
    hooks.on_closed(hooks.owner, err, why); /* streams are still there, for their owner to let go */
    os_conn_destroy(c);
}

void os_conn_close(struct os_conn *c, int err, const char *why)
{
    os_conn_fail(c, err, why);
}

/* ---- bytes ---- */

static void os_conn_set_timer(struct os_conn *c)
{
    const struct os_conn_options *o = &c->options;
    if (!session_is_established(c->session)) {
        os_timer_set(&c->timer, c->born_us + o->handshake_timeout_us);
        return;
    }
    bool has_pinged = c->pinged_us > c->heard_us;
    uint64_t due_us = c->heard_us + (has_pinged ? o->silence_us : o->ping_us);
    if (due_us < c->timer.at_us) /* a later one is set when the earlier one has fired */
        os_timer_set(&c->timer, due_us);
}

/* False: the socket takes no more for now. */
static bool os_conn_send(struct os_conn *c, struct bytes out)
{
    ssize_t sent = send(c->fd, out.data, out.len, MSG_NOSIGNAL);
    if (sent >= 0) {
        session_output_taken(c->session, (size_t)sent);
        return (size_t)sent == out.len;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        os_conn_fail_errno(c);
    return false;
}

/* Streams are pumped before each look at the output, so that what they had to hold back follows. */
static bool os_conn_flush(struct os_conn *c)
{
    size_t written = 0;
    while (written < CONN_TURN_BYTES && c->err == OK) {
        if (session_is_established(c->session))
            c->hooks.on_pump(c->hooks.owner);
        struct bytes out = session_output(c->session);
        if (out.len == 0)
            return true;
        if (!os_conn_send(c, out))
            return false;
        written += out.len;
    }
    os_conn_kick(c);
    return true;
}

static void os_conn_settle(struct os_conn *c)
{
    bool is_blocked = c->is_connecting;
    if (c->err == OK && !c->is_connecting)
        is_blocked = !os_conn_flush(c);
    if (session_err(c->session) != OK)
        os_conn_fail(c, session_err(c->session), session_why(c->session));
    if (c->err != OK) {
        os_watch_set(&c->watch, 0);
        os_timer_stop(&c->timer);
        return;
    }
    os_watch_set(&c->watch, c->is_connecting ? OS_WRITE : OS_READ | (is_blocked ? OS_WRITE : 0));
    os_conn_set_timer(c);
}

static void os_conn_read(struct os_conn *c)
{
    uint8_t bytes[CONN_READ_BYTES];
    for (size_t total = 0; total < CONN_TURN_BYTES && c->err == OK;) {
        ssize_t got = recv(c->fd, bytes, sizeof(bytes), 0);
        if (got == 0)
            os_conn_fail(c, ERR_CLOSED, "the other side closed the connection");
        else if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            os_conn_fail_errno(c);
        if (got <= 0)
            return;
        total += (size_t)got;
        c->heard_us = os_clock_mono_us();
        if (session_on_bytes(c->session, (struct bytes){ bytes, (size_t)got }) != OK)
            return;
        if ((size_t)got < sizeof(bytes))
            return; /* most likely all; if not, the loop says so */
    }
}

static void os_conn_on_connected(struct os_conn *c)
{
    int code = 0;
    socklen_t len = sizeof(code);
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
        code = errno;
    c->is_connecting = false;
    if (code != 0) {
        errno = code;
        os_conn_fail_errno(c);
        return;
    }
    os_socket_tune(c->fd);
    c->heard_us = os_clock_mono_us();
}

static void os_conn_on_ready(void *owner, int ready)
{
    struct os_conn *c = owner;
    if (c->is_connecting)
        os_conn_on_connected(c);
    else if (ready & OS_READ)
        os_conn_read(c);
    os_conn_settle(c);
}

static void os_conn_on_turn(void *owner)
{
    struct os_conn *c = owner;
    if (c->err == OK)
        os_conn_settle(c);
    if (c->err != OK)
        os_conn_end(c);
}

/* ---- time ---- */

/* When the whole process stood still, what proves life may be waiting in the socket: so look there
 * before a connection is called dead. */
static bool os_conn_is_silent(struct os_conn *c)
{
    if (os_clock_mono_us() < c->heard_us + c->options.silence_us)
        return false;
    os_conn_read(c);
    return os_clock_mono_us() >= c->heard_us + c->options.silence_us;
}

static void os_conn_on_timer(void *owner)
{
    struct os_conn *c = owner;
    if (!session_is_established(c->session)) {
        os_conn_fail(c, ERR_TIMEOUT,
                     c->is_connecting ? "no answer" : "the handshake takes too long");
        return;
    }
    if (os_conn_is_silent(c))
        os_conn_fail(c, ERR_TIMEOUT, "nothing was heard for too long");
    uint64_t now_us = os_clock_mono_us();
    if (c->pinged_us <= c->heard_us && now_us >= c->heard_us + c->options.ping_us &&
        session_is_established(c->session)) {
        c->pinged_us = now_us;
        session_ping(c->session, ++c->pings);
    }
    os_conn_settle(c); /* sends the ping, and sets the timer anew */
}

void os_conn_kick(struct os_conn *c)
{
    os_loop_post(c->options.loop, &c->turn);
}

/* ---- the session's hooks ---- */

static void os_conn_on_established(void *owner, const struct peer_id *remote)
{
    struct os_conn *c = owner;
    c->hooks.on_up(c->hooks.owner, remote);
}

static bool os_conn_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct os_conn *c = owner;
    return c->err == OK && c->hooks.on_stream(c->hooks.owner, t, protocol);
}

static void os_conn_on_look(void *owner, struct session_stream *t)
{
    struct os_conn *c = owner;
    if (c->err == OK)
        c->hooks.on_look(c->hooks.owner, t);
}

/* Any byte that is heard proves life; which ping it answers does not matter. */
static void os_conn_on_pong(void *owner, uint32_t value)
{
    (void)owner;
    (void)value;
}

/* ---- life ---- */

static void os_conn_draw(struct os_conn *c, struct session_random *random)
{
    os_rng_fill(c->options.rng, random->nonce, sizeof(random->nonce));
    os_rng_fill(c->options.rng, random->static_private, sizeof(random->static_private));
    os_rng_fill(c->options.rng, random->ephemeral_private, sizeof(random->ephemeral_private));
}

static int os_conn_create(struct os_conn **out, const struct os_conn_options *options,
                          const struct os_conn_hooks *hooks, int fd, bool is_dialer)
{
    struct os_conn *c = mem_zalloc(sizeof(*c));
    if (c == NULL)
        return ERR_NOMEM;
    c->options = *options;
    c->hooks = *hooks;
    c->fd = fd;
    c->is_connecting = is_dialer;
    c->born_us = os_clock_mono_us();
    c->heard_us = c->born_us;
    struct session_options s = { .is_dialer = is_dialer,
                                 .secret = options->secret,
                                 .identity = options->identity,
                                 .expected = options->expected,
                                 .streams_max = options->streams_max,
                                 .write_bytes_max = options->write_bytes_max,
                                 .lists_no_muxer = options->lists_no_muxer };
    struct session_hooks session_hooks = { os_conn_on_established, os_conn_on_stream,
                                           os_conn_on_look, os_conn_on_pong, c };
    os_conn_draw(c, &s.random);
    int err = session_create(&c->session, &s, &session_hooks);
    mem_wipe(&s.random, sizeof(s.random));
    if (err != OK) {
        mem_free(c);
        return err;
    }
    os_watch_init(&c->watch, options->loop, fd, os_conn_on_ready, c);
    os_timer_init(&c->timer, options->loop, os_conn_on_timer, c);
    os_task_init(&c->turn, os_conn_on_turn, c);
    os_conn_kick(c); /* the first turn starts the watch and the timer */
    *out = c;
    return OK;
}

int os_conn_accept(struct os_conn **out, const struct os_conn_options *options,
                   const struct os_conn_hooks *hooks, int fd, const struct os_address *from)
{
    os_socket_tune(fd);
    int err = os_conn_create(out, options, hooks, fd, false);
    if (err == OK)
        (*out)->address = *from;
    else
        close(fd);
    return err;
}

int os_conn_dial(struct os_conn **out, const struct os_conn_options *options,
                 const struct os_conn_hooks *hooks, const struct os_address *to)
{
    int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    int err = os_conn_create(out, options, hooks, fd, true);
    if (err != OK) {
        close(fd);
        return err;
    }
    (*out)->address = *to;
    if (connect(fd, (const struct sockaddr *)&to->storage, to->len) != 0 && errno != EINPROGRESS)
        os_conn_fail_errno(*out); /* heard of by on_closed, like any other end */
    return OK;
}

struct session *os_conn_session(struct os_conn *c)
{
    return c->session;
}

const struct os_address *os_conn_address(const struct os_conn *c)
{
    return &c->address;
}
