/* os_http.c -- sockets on one side, http_conn on the other.
 *
 * Everything that can happen to a connection (bytes came, there is room to send, the handler made
 * progress, time is up) ends in the same place, os_conn_work(): offer input and send output until
 * neither moves, then os_conn_settle() decides from the connection's state alone what to wait for.
 * So no wake-up can be forgotten on a path of its own, and a connection is freed in one place, which
 * no hook of http_conn is ever under.
 *
 * Time     Each connection is in the list of its phase, the longest unchanged first. A sweep, every
 *          second or so, compares each with its deadline (os_conn_deadline_us); of those with a
 *          running exchange it also asks the kernel whether the client still exists, because a
 *          socket that is not read does not tell.
 * Closing  An answer that ends a connection while input is unread would be destroyed by the reset
 *          that close() sends then. So: end the sending side, drop what comes, close a little later. */
#include "os/os_http.h"

#include <arpa/inet.h>
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
    PHASE_NEW, /* nothing was asked for yet */
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
    struct os_tls_conn *tls; /* NULL: none is spoken */
    struct http_conn *http;
    struct buf in; /* what http_conn did not take yet; while it holds bytes nothing is read */
    enum os_conn_phase phase;
    uint64_t since_us;   /* in this phase */
    uint64_t request_us; /* when the request began that is being read or answered */
    uint64_t answer_us;  /* when its head was complete */
    uint64_t moved_us;   /* when a byte last came or went */
    uint64_t requests_seen;
    bool has_progress; /* http_conn changed since we last looked */
    bool is_working;
    bool has_eof;
    bool is_broken;
    bool may_hold_more;            /* TLS: decrypted bytes that the kernel knows nothing of */
    bool read_needs_write;         /* TLS: a handshake that waits for room in the socket */
    char remote[INET6_ADDRSTRLEN]; /* "": it came through a unix socket */
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
static void os_conn_look(struct os_conn *c);

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
    bool had_begun = c->phase == PHASE_HEAD;
    c->phase = phase;
    c->since_us = os_clock_mono_us();
    if (!had_begun)
        c->request_us = c->since_us;
    if (phase == PHASE_BUSY)
        c->answer_us = c->since_us;
    list_remove(&c->link);
    list_push_back(&s->phases[phase], &c->link);
    if ((phase == PHASE_IDLE || phase == PHASE_NEW) && !s->accepts)
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
    if (c->tls != NULL)
        os_tls_conn_destroy(c->tls);
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
        os_conn_look(list_entry(link, struct os_conn, dirty));
}

/* ---- one connection: bytes ---- */

/* A client that does not know that this is a TLS port sees a sentence instead of noise. */
static void os_conn_answer_plainly(struct os_conn *c)
{
    static const char answer[] = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n"
                                 "Connection: close\r\n\r\n"
                                 "Client sent an HTTP request to an HTTPS server.\n";
    (void)!send(c->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    http_conn_on_eof(c->http); /* and lingers, so that the sentence arrives */
}

static void os_conn_heed(struct os_conn *c, struct os_tls_outcome outcome)
{
    if (outcome.is_broken && os_tls_met_plain_http(c->tls)) {
        os_conn_answer_plainly(c);
        return;
    }
    if (outcome.is_broken && os_tls_why(c->tls)[0] != 0)
        LOG_DEBUG(c->server->log, "http", "a TLS connection failed: %s", os_tls_why(c->tls));
    c->has_eof = c->has_eof || outcome.has_eof;
    c->is_broken = c->is_broken || outcome.is_broken;
}

/* > 0 bytes, 0 nothing now; is_broken or has_eof say the rest. */
static size_t os_conn_recv(struct os_conn *c, void *bytes, size_t size)
{
    if (c->tls != NULL && c->phase != PHASE_LINGER) {
        struct os_tls_outcome outcome = os_tls_read(c->tls, bytes, size);
        c->may_hold_more = outcome.len == size;
        c->read_needs_write = outcome.needs_write;
        os_conn_heed(c, outcome);
        return outcome.len;
    }
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
    if (c->tls != NULL) {
        struct os_tls_outcome outcome = os_tls_write(c->tls, bytes);
        os_conn_heed(c, outcome);
        return outcome.len;
    }
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
    if (len > 0)
        c->moved_us = os_clock_mono_us();
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
    if (took > 0)
        c->moved_us = os_clock_mono_us(); /* now it is the client's turn again */
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
    if (sent > 0) {
        c->moved_us = os_clock_mono_us();
        http_conn_output_taken(c->http, sent);
    }
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
    c->may_hold_more = false;
    if (c->tls != NULL)
        os_tls_finish(c->tls);
    shutdown(c->fd, SHUT_WR);
    os_conn_enter(c, PHASE_LINGER);
}

static enum os_conn_phase os_conn_phase_now(const struct os_conn *c)
{
    if (http_conn_is_answering(c->http))
        return PHASE_BUSY;
    if (http_conn_output(c->http).len > 0)
        return PHASE_FLUSH;
    if (!http_conn_is_idle(c->http))
        return PHASE_HEAD;
    return http_conn_requests_count(c->http) > 0 ? PHASE_IDLE : PHASE_NEW;
}

static bool os_conn_reads(const struct os_conn *c)
{
    return c->in.len == 0 && !c->has_eof;
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
    bool reads = os_conn_reads(c);
    bool writes = has_output || (reads && c->read_needs_write);
    os_watch_set(&c->watch, (reads ? OS_READ : 0) | (writes ? OS_WRITE : 0));
    if (reads && c->may_hold_more)
        os_conn_on_progress(c); /* no event will come for it */
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
    if ((ready & OS_READ) != 0 || c->read_needs_write)
        os_conn_receive(c);
    os_conn_work(c);
}

/* Somebody marked it. */
static void os_conn_look(struct os_conn *c)
{
    c->is_working = true;
    if (c->may_hold_more && os_conn_reads(c))
        os_conn_receive(c);
    os_conn_work(c);
}

/* ---- new connections ---- */

static void os_conn_name(struct os_conn *c, const struct sockaddr_storage *from)
{
    const void *addr = NULL;
    if (from->ss_family == AF_INET)
        addr = &((const struct sockaddr_in *)from)->sin_addr;
    else if (from->ss_family == AF_INET6)
        addr = &((const struct sockaddr_in6 *)from)->sin6_addr;
    if (addr == NULL || inet_ntop(from->ss_family, addr, c->remote, sizeof c->remote) == NULL)
        c->remote[0] = '\0';
}

static int os_conn_create(struct os_http *s, int fd, const struct sockaddr_storage *from)
{
    struct os_conn *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    list_init(&c->link);
    list_init(&c->dirty);
    c->server = s;
    c->fd = fd;
    os_watch_init(&c->watch, s->loop, fd, os_conn_on_ready, c);
    int err = s->options.tls != NULL ? os_tls_accept(&c->tls, s->options.tls, fd) : OK;
    c->is_working = true;
    if (err == OK)
        err = s->hooks.on_open(s->hooks.owner, os_conn_on_progress, c, &c->http);
    c->is_working = false;
    if (err != OK) {
        if (c->tls != NULL)
            os_tls_conn_destroy(c->tls);
        mem_free(c);
        return err;
    }
    os_conn_name(c, from);
    http_conn_set_date(c->http, s->date);
    http_conn_set_remote(c->http, c->remote);
    s->conns_count += 1;
    os_socket_tune(fd);
    os_conn_enter(c, PHASE_NEW);
    c->moved_us = c->since_us;
    os_conn_settle(c);
    if (s->conns_count == 1)
        os_timer_set(&s->sweep, os_clock_mono_us() + s->options.sweep_us);
    return OK;
}

static struct os_conn *os_http_oldest_of(struct os_http *s, enum os_conn_phase phase)
{
    struct list_link *oldest = s->phases[phase].next;
    return oldest != &s->phases[phase] ? list_entry(oldest, struct os_conn, link) : NULL;
}

/* Is it the client's turn, to send or to take something? */
static bool os_conn_waits_for_client(const struct os_conn *c)
{
    return http_conn_output(c->http).len > 0 ||
           (http_conn_is_reading(c->http) && !http_conn_is_paused(c->http));
}

/* The first whose client has let us wait too long in the middle of an exchange. */
static struct os_conn *os_http_stalled(struct os_http *s)
{
    uint64_t now_us = os_clock_mono_us();
    list_for_each_safe (link, after, &s->phases[PHASE_BUSY]) {
        struct os_conn *c = list_entry(link, struct os_conn, link);
        if (s->options.idle_timeout_us > 0 && now_us - c->moved_us >= s->options.idle_timeout_us &&
            os_conn_waits_for_client(c))
            return c;
    }
    return NULL;
}

/* Whoever can best be spared for a new one; NULL when all are in use. */
static struct os_conn *os_http_dispensable(struct os_http *s)
{
    struct os_conn *c = os_http_oldest_of(s, PHASE_IDLE);
    if (c == NULL)
        c = os_http_oldest_of(s, PHASE_NEW);
    return c != NULL ? c : os_http_stalled(s);
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

static void os_http_welcome(struct os_http *s, int fd, const struct sockaddr_storage *from)
{
    if (s->is_starved)
        LOG_WARN(s->log, "http", "new connections again");
    s->is_starved = false;
    if (os_http_is_full(s))
        os_conn_close(os_http_dispensable(s));
    if (os_conn_create(s, fd, from) != OK)
        close(fd);
}

static void os_listener_on_ready(void *owner, int ready)
{
    struct os_listener *l = owner;
    struct os_http *s = l->server;
    (void)ready;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        if (os_http_is_full(s) && os_http_dispensable(s) == NULL) {
            os_http_set_accepting(s, false); /* until one closes */
            return;
        }
        struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
        socklen_t from_len = sizeof from;
        int fd = accept4(l->fd, (struct sockaddr *)&from, &from_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            os_http_starve(s);
        if (fd < 0)
            return; /* no more, or one that has given up already */
        os_http_welcome(s, fd, &from);
    }
}

/* ---- time ---- */

static uint64_t os_conn_after(uint64_t from_us, uint64_t timeout_us)
{
    return timeout_us > 0 ? from_us + timeout_us : UINT64_MAX;
}

static uint64_t os_conn_earlier(uint64_t a_us, uint64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* All of a body may take read_timeout_us; and when it is the client's turn, no pause idle_timeout_us. */
static uint64_t os_conn_body_deadline_us(const struct os_conn *c)
{
    const struct os_http_options *o = &c->server->options;
    if (!http_conn_is_reading(c->http))
        return UINT64_MAX;
    uint64_t read_us = os_conn_after(c->request_us, o->read_timeout_us);
    bool waits_for_us = http_conn_is_paused(c->http);
    return waits_for_us ? read_us
                        : os_conn_earlier(read_us, os_conn_after(c->moved_us, o->idle_timeout_us));
}

/* When what it is in has taken too long. */
static uint64_t os_conn_deadline_us(const struct os_conn *c)
{
    const struct os_http_options *o = &c->server->options;
    uint64_t read_us = os_conn_after(c->request_us, o->read_timeout_us);
    uint64_t write_us = os_conn_after(c->answer_us, o->write_timeout_us);
    switch (c->phase) {
    case PHASE_NEW:
    case PHASE_HEAD:
        return os_conn_earlier(read_us, os_conn_after(c->since_us, o->head_timeout_us));
    case PHASE_IDLE:
        return os_conn_after(c->since_us, o->idle_timeout_us);
    case PHASE_BUSY:
        return os_conn_earlier(os_conn_body_deadline_us(c), write_us);
    case PHASE_FLUSH:
        return os_conn_earlier(write_us, os_conn_after(c->moved_us, o->idle_timeout_us));
    case PHASE_LINGER:
        return os_conn_after(c->since_us, o->linger_timeout_us);
    case PHASE_COUNT:
        break;
    }
    return UINT64_MAX;
}

static void os_http_sweep_phase(struct os_http *s, enum os_conn_phase phase, uint64_t now_us)
{
    list_for_each_safe (link, after, &s->phases[phase]) {
        struct os_conn *c = list_entry(link, struct os_conn, link);
        if (now_us < os_conn_deadline_us(c))
            continue;
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
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        os_http_sweep_phase(s, (enum os_conn_phase)phase, now_us);
    os_http_sweep_busy(s);
    if (!s->accepts && (!os_http_is_full(s) || os_http_dispensable(s) != NULL))
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
