/* os_http.c -- sockets on one side, http_conn on the other.
 *
 * Everything that can happen to a connection (bytes came, there is room to send, the handler made
 * progress, time is up) ends in the same place, os_conn_work(): offer input and send output until
 * neither moves, then os_conn_settle() decides from the connection's state alone what to wait for.
 * So no wake-up can be forgotten on a path of its own, and a connection is freed in one place, which
 * no hook of http_conn is ever under.
 *
 * Time     Each connection is in the list of its phase, the longest unchanged first, so one sweep
 *          looks at list heads only. A running exchange has no limit; there the sweep asks the
 *          kernel whether the client still exists, because a socket that is not read does not tell.
 * Closing  An answer that ends a connection while input is unread would be destroyed by the reset
 *          that close() sends then. So: end the sending side, drop what comes, close a little later. */
#include "os/os_http.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_socket.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"

enum {
    READ_BYTES = 64 * 1024,
    ROUNDS_MAX = 64,         /* of one connection in one turn; then the others have theirs */
    TURN_BYTES = 256 * 1024, /* sent in one turn, however fast the client reads */
    ACCEPTS_MAX = 64,
    LISTENERS_MAX = 16,
    DATE_SIZE = 32,
};

enum os_conn_phase {
    PHASE_IDLE,
    PHASE_HEAD,   /* a head has begun; or a body that nobody wants */
    PHASE_BUSY,   /* an exchange runs */
    PHASE_FLUSH,  /* it is over, and its answer not sent to the end */
    PHASE_LINGER, /* our side is closed, what comes is dropped */
    PHASE_COUNT
};

struct os_conn {
    struct list_link link;  /* in the list of its phase */
    struct list_link dirty; /* in the server's list of those to look at */
    struct os_http *server;
    struct os_watch watch;
    int fd;
    struct http_conn *http;
    struct buf in; /* what http_conn did not take yet; while it holds bytes nothing is read */
    enum os_conn_phase phase;
    uint64_t since_us;
    uint64_t requests_seen;
    bool has_progress; /* http_conn changed since we last looked */
    bool is_working;
    bool has_eof;
    bool is_broken;
};

struct os_listener {
    struct os_http *server;
    struct os_watch watch;
    int fd;
    struct multiaddr addr;
};

struct os_http {
    struct os_loop *loop;
    struct os_http_options options;
    struct os_http_hooks hooks;
    const struct log *log;
    struct os_listener listeners[LISTENERS_MAX];
    size_t listeners_count;
    bool accepts;
    bool is_starved; /* the process has no descriptors or no memory left */
    struct list_link phases[PHASE_COUNT];
    struct list_link dirty;
    struct os_task task; /* looks at the dirty ones */
    struct os_timer sweep;
    size_t conns_count;
    time_t date_s;
    char date[DATE_SIZE];
    uint8_t scratch[READ_BYTES];
};

static void os_conn_work(struct os_conn *c);

/* ---- the Date field ---- */

static void os_http_refresh_date(struct os_http *s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now_s = time(NULL);
    struct tm tm;
    if (now_s == s->date_s || gmtime_r(&now_s, &tm) == NULL)
        return;
    s->date_s = now_s;
    /* Names by hand: strftime() would use those of the operator's language. */
    strftime(s->date, sizeof s->date, "ddd, %d mmm %Y %H:%M:%S GMT", &tm);
    memcpy(s->date, days + 3 * tm.tm_wday, 3);
    memcpy(s->date + 8, months + 3 * tm.tm_mon, 3);
}

/* ---- accepting ---- */

static void os_http_set_accepting(struct os_http *s, bool accepts)
{
    s->accepts = accepts;
    for (size_t i = 0; i < s->listeners_count; i++)
        os_watch_set(&s->listeners[i].watch, accepts ? OS_READ : 0);
}

/* ---- one connection: life ---- */

static void os_conn_enter(struct os_conn *c, enum os_conn_phase phase)
{
    struct os_http *s = c->server;
    c->phase = phase;
    c->since_us = os_clock_mono_us();
    list_remove(&c->link);
    list_push_back(&s->phases[phase], &c->link);
    if (phase == PHASE_IDLE && !s->accepts)
        os_http_set_accepting(s, true); /* it could make room for another one */
}

static void os_conn_close(struct os_conn *c)
{
    struct os_http *s = c->server;
    ASSERT(!c->is_working);
    os_watch_set(&c->watch, 0);
    if (http_conn_was_killed(c->http))
        os_socket_close_with_reset(c->fd);
    else
        close(c->fd);
    c->is_working = true; /* progress reported from now on means nothing */
    http_conn_destroy(c->http);
    list_remove(&c->link);
    list_remove(&c->dirty);
    buf_deinit(&c->in);
    mem_free(c);
    s->conns_count -= 1;
    if (!s->accepts)
        os_http_set_accepting(s, true);
}

/* From inside any reply call, in any event: only marks. */
static void os_conn_on_progress(void *progress_owner)
{
    struct os_conn *c = progress_owner;
    c->has_progress = true;
    if (c->is_working || !list_is_empty(&c->dirty))
        return;
    if (list_is_empty(&c->server->dirty))
        os_loop_post(c->server->loop, &c->server->task);
    list_push_back(&c->server->dirty, &c->dirty);
}

static void os_http_look_at_dirty(void *owner)
{
    struct os_http *s = owner;
    struct list_link now;
    struct list_link *link;
    list_init(&now);
    while ((link = list_pop_front(&s->dirty)) != NULL) /* those marked meanwhile: the next turn */
        list_push_back(&now, link);
    while ((link = list_pop_front(&now)) != NULL)
        os_conn_work(list_entry(link, struct os_conn, dirty));
}

/* ---- one connection: bytes (TLS will sit in these two) ---- */

/* > 0 bytes, 0 nothing now; is_broken or has_eof say the rest. */
static size_t os_conn_recv(struct os_conn *c, void *bytes, size_t size)
{
    ssize_t len = recv(c->fd, bytes, size, 0);
    if (len > 0)
        return (size_t)len;
    if (len == 0)
        c->has_eof = true;
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        c->is_broken = true;
    return 0;
}

static size_t os_conn_send(struct os_conn *c, struct bytes bytes)
{
    ssize_t len = send(c->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (len >= 0)
        return (size_t)len;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        c->is_broken = true;
    return 0;
}

/* ---- one connection: work ---- */

static void os_conn_receive(struct os_conn *c)
{
    struct os_http *s = c->server;
    ASSERT(c->in.len == 0);
    size_t len = os_conn_recv(c, s->scratch, sizeof s->scratch);
    size_t took = 0;
    if (len > 0 && c->phase == PHASE_LINGER)
        took = len;
    else if (len > 0)
        took = http_conn_on_bytes(c->http, s->scratch, len);
    buf_append(&c->in, s->scratch + took, len - took);
    if (c->in.err != OK)
        c->is_broken = true;
    if (c->has_eof && c->phase != PHASE_LINGER)
        http_conn_on_eof(c->http);
}

static bool os_conn_offer(struct os_conn *c)
{
    if (c->in.len == 0)
        return false;
    size_t took = http_conn_on_bytes(c->http, c->in.data, c->in.len);
    buf_consume(&c->in, took);
    if (c->in.len == 0)
        buf_deinit(&c->in);
    return took > 0;
}

static size_t os_conn_flush(struct os_conn *c)
{
    struct bytes out = http_conn_output(c->http);
    if (out.len == 0)
        return 0;
    size_t sent = os_conn_send(c, out);
    if (sent > 0)
        http_conn_output_taken(c->http, sent);
    return sent;
}

static bool os_conn_is_over(const struct os_conn *c)
{
    return c->is_broken || http_conn_was_killed(c->http);
}

/* The answer is out and the connection is to end. */
static void os_conn_linger(struct os_conn *c)
{
    buf_deinit(&c->in);
    shutdown(c->fd, SHUT_WR);
    os_conn_enter(c, PHASE_LINGER);
}

static enum os_conn_phase os_conn_phase_now(const struct os_conn *c)
{
    if (http_conn_is_answering(c->http))
        return PHASE_BUSY;
    if (http_conn_output(c->http).len > 0)
        return PHASE_FLUSH;
    return http_conn_is_idle(c->http) ? PHASE_IDLE : PHASE_HEAD;
}

/* Puts it where its state says, and waits for what can change that. May free it. */
static void os_conn_settle(struct os_conn *c)
{
    if (os_conn_is_over(c)) {
        os_conn_close(c);
        return;
    }
    bool has_output = http_conn_output(c->http).len > 0;
    if (http_conn_wants_close(c->http) && !has_output && c->phase != PHASE_LINGER)
        os_conn_linger(c);
    if (c->phase == PHASE_LINGER) {
        if (c->has_eof)
            os_conn_close(c);
        else
            os_watch_set(&c->watch, OS_READ);
        return;
    }
    enum os_conn_phase phase = os_conn_phase_now(c);
    uint64_t requests_count = http_conn_requests_count(c->http);
    if (phase != c->phase || requests_count != c->requests_seen)
        os_conn_enter(c, phase);
    c->requests_seen = requests_count;
    bool reads = c->in.len == 0 && !c->has_eof;
    os_watch_set(&c->watch, (reads ? OS_READ : 0) | (has_output ? OS_WRITE : 0));
}

static void os_conn_work(struct os_conn *c)
{
    os_http_refresh_date(c->server);
    c->is_working = true;
    bool moves = true;
    size_t sent_total = 0;
    for (int round = 0; moves && round < ROUNDS_MAX && sent_total < TURN_BYTES; round++) {
        if (os_conn_is_over(c))
            break;
        c->has_progress = false;
        bool took = c->phase != PHASE_LINGER && os_conn_offer(c);
        size_t sent = os_conn_flush(c);
        sent_total += sent;
        moves = took || sent > 0 || c->has_progress;
    }
    c->is_working = false;
    if (moves && !os_conn_is_over(c))
        os_conn_on_progress(c); /* more next turn */
    os_conn_settle(c);
}

static void os_conn_on_ready(void *owner, int ready)
{
    struct os_conn *c = owner;
    c->is_working = true;
    os_http_refresh_date(c->server);
    if ((ready & OS_READ) != 0)
        os_conn_receive(c);
    os_conn_work(c);
}

/* ---- new connections ---- */

static int os_conn_create(struct os_http *s, int fd)
{
    struct os_conn *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    list_init(&c->link);
    list_init(&c->dirty);
    c->server = s;
    c->fd = fd;
    os_watch_init(&c->watch, s->loop, fd, os_conn_on_ready, c);
    c->is_working = true;
    int err = s->hooks.on_open(s->hooks.owner, os_conn_on_progress, c, &c->http);
    c->is_working = false;
    if (err != OK) {
        mem_free(c);
        return err;
    }
    http_conn_set_date(c->http, s->date);
    s->conns_count += 1;
    os_socket_tune(fd);
    os_conn_enter(c, PHASE_IDLE);
    os_conn_settle(c);
    if (s->conns_count == 1)
        os_timer_set(&s->sweep, os_clock_mono_us() + s->options.sweep_us);
    return OK;
}

/* The one that nobody uses longest; NULL when all are in use. */
static struct os_conn *os_http_oldest_idle(struct os_http *s)
{
    struct list_link *oldest = s->phases[PHASE_IDLE].next;
    return oldest != &s->phases[PHASE_IDLE] ? list_entry(oldest, struct os_conn, link) : NULL;
}

static bool os_http_is_full(const struct os_http *s)
{
    return s->conns_count >= s->options.connections_max;
}

/* Until the next sweep, or until a connection closes. */
static void os_http_starve(struct os_http *s)
{
    if (!s->is_starved)
        LOG_WARN(s->log, "http", "no new connections for now error=%s", strerror(errno));
    s->is_starved = true;
    os_http_set_accepting(s, false);
    os_timer_set(&s->sweep, os_clock_mono_us() + s->options.sweep_us);
}

static void os_http_welcome(struct os_http *s, int fd)
{
    if (s->is_starved)
        LOG_WARN(s->log, "http", "new connections again");
    s->is_starved = false;
    if (os_http_is_full(s))
        os_conn_close(os_http_oldest_idle(s));
    if (os_conn_create(s, fd) != OK)
        close(fd);
}

static void os_listener_on_ready(void *owner, int ready)
{
    struct os_listener *l = owner;
    struct os_http *s = l->server;
    (void)ready;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        if (os_http_is_full(s) && os_http_oldest_idle(s) == NULL) {
            os_http_set_accepting(s, false); /* until one closes */
            return;
        }
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            os_http_starve(s);
        if (fd < 0)
            return; /* no more, or one that has given up already */
        os_http_welcome(s, fd);
    }
}

/* ---- time ---- */

static void os_http_sweep_phase(struct os_http *s, enum os_conn_phase phase, uint64_t now_us,
                                uint64_t timeout_us)
{
    list_for_each_safe (link, after, &s->phases[phase]) {
        struct os_conn *c = list_entry(link, struct os_conn, link);
        if (now_us - c->since_us < timeout_us)
            return;
        if (phase == PHASE_LINGER || phase == PHASE_FLUSH) {
            os_conn_close(c);
            continue;
        }
        c->is_working = true;
        http_conn_on_timeout(c->http);
        os_conn_work(c);
    }
}

/* Of a client that we do not read, only the kernel knows that it has left. */
static void os_http_sweep_busy(struct os_http *s)
{
    list_for_each_safe (link, after, &s->phases[PHASE_BUSY]) {
        struct os_conn *c = list_entry(link, struct os_conn, link);
        struct pollfd state = { .fd = c->fd, .events = POLLRDHUP };
        if (c->in.len == 0 || c->has_eof || poll(&state, 1, 0) <= 0)
            continue;
        c->is_working = true;
        c->has_eof = true;
        http_conn_on_eof(c->http);
        os_conn_work(c);
    }
}

static void os_http_on_sweep(void *owner)
{
    struct os_http *s = owner;
    uint64_t now_us = os_clock_mono_us();
    os_http_sweep_phase(s, PHASE_IDLE, now_us, s->options.idle_timeout_us);
    os_http_sweep_phase(s, PHASE_HEAD, now_us, s->options.head_timeout_us);
    os_http_sweep_phase(s, PHASE_FLUSH, now_us, s->options.idle_timeout_us);
    os_http_sweep_phase(s, PHASE_LINGER, now_us, s->options.linger_timeout_us);
    os_http_sweep_busy(s);
    if (!s->accepts && (!os_http_is_full(s) || os_http_oldest_idle(s) != NULL))
        os_http_set_accepting(s, true);
    if (s->conns_count > 0)
        os_timer_set(&s->sweep, now_us + s->options.sweep_us);
}

/* ---- the server ---- */

int os_http_create(struct os_http **out, struct os_loop *loop,
                   const struct os_http_options *options, const struct os_http_hooks *hooks,
                   const struct log *log)
{
    ASSERT(options->connections_max > 0 && options->sweep_us > 0 && hooks->on_open != NULL);
    struct os_http *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    signal(SIGPIPE, SIG_IGN);
    s->loop = loop;
    s->options = *options;
    s->hooks = *hooks;
    s->log = log;
    s->accepts = true;
    for (int i = 0; i < PHASE_COUNT; i++)
        list_init(&s->phases[i]);
    list_init(&s->dirty);
    os_task_init(&s->task, os_http_look_at_dirty, s);
    os_timer_init(&s->sweep, loop, os_http_on_sweep, s);
    os_http_refresh_date(s);
    *out = s;
    return OK;
}

void os_http_destroy(struct os_http *s)
{
    if (s == NULL)
        return;
    os_http_stop_listening(s);
    for (int i = 0; i < PHASE_COUNT; i++) {
        list_for_each_safe (link, after, &s->phases[i])
            os_conn_close(list_entry(link, struct os_conn, link));
    }
    os_timer_stop(&s->sweep);
    os_loop_unpost(s->loop, &s->task);
    mem_free(s);
}

int os_http_listen(struct os_http *s, const struct multiaddr *addr, struct multiaddr *out_real,
                   struct buf *why)
{
    if (s->listeners_count == LISTENERS_MAX)
        return ERR_BUSY;
    struct os_listener *l = &s->listeners[s->listeners_count];
    int err = os_socket_listen(addr, &l->fd, &l->addr, why);
    if (err != OK)
        return err;
    l->server = s;
    os_watch_init(&l->watch, s->loop, l->fd, os_listener_on_ready, l);
    os_watch_set(&l->watch, s->accepts ? OS_READ : 0);
    s->listeners_count += 1;
    if (out_real != NULL)
        *out_real = l->addr;
    return OK;
}

void os_http_stop_listening(struct os_http *s)
{
    for (size_t i = 0; i < s->listeners_count; i++) {
        struct buf path = { 0 };
        os_watch_set(&s->listeners[i].watch, 0);
        close(s->listeners[i].fd);
        if (multiaddr_unix_path(&s->listeners[i].addr, &path) == OK)
            unlink(buf_text(&path));
        buf_deinit(&path);
    }
    s->listeners_count = 0;
}

size_t os_http_connections_count(const struct os_http *s)
{
    return s->conns_count;
}
