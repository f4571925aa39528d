/* os_http_client.c -- libcurl's multi handle on the loop.
 *
 * libcurl says which sockets and which one timer it waits for; we say what happened. Finished calls
 * are collected after each of our steps, never from inside a callback, and so is everything that a
 * caller asked for from inside one (os_call_mark). */
#include "os/os_http_client.h"

#include <signal.h>
#include <string.h>

#include "os/os_clock.h"
#include "os/os_http_client_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    POOL_MAX = 64,
    KEPT_BYTES_MAX = 4096, /* of each buffer of a call in it */
};

static void os_client_collect(struct os_http_client *client);

/* ---- what libcurl waits for ---- */

/* A long answer comes in pieces as the daemon writes them, some tens of KiB each; to wake up for every one costs more than
 * to carry it, on both sides. So after a piece of that size the socket is left alone for a moment, and then all is read
 * that has come meanwhile. Small answers, and rows that come one by one, never wait. */
enum {
    BULK_BYTES = 16 * 1024,
    BULK_REST_US = 1000,
    BULK_READS_MAX = 16, /* at once; then others have their turn */
};

struct os_socket_watch {
    struct os_watch watch;
    struct os_http_client *client;
    int fd;
    int wanted;           /* by libcurl */
    struct os_timer rest; /* while it runs nothing is read */
    bool rests;
};

static void os_client_act(struct os_http_client *client, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(client->multi, fd, events, &running);
    os_client_collect(client);
}

static void os_socket_heed(struct os_socket_watch *w)
{
    os_watch_set(&w->watch, w->rests ? w->wanted & ~OS_READ : w->wanted);
}

static void os_socket_on_rested(void *owner)
{
    struct os_socket_watch *w = owner;
    w->rests = false;
    os_socket_heed(w);
}

/* One step of libcurl's. How many bytes of answers it brought; w may be gone afterwards (client->reading is NULL then). */
static uint64_t os_socket_step(struct os_http_client *client, struct os_socket_watch *w, int events)
{
    uint64_t before = client->body_bytes;
    os_client_act(client, w->fd, events);
    return client->body_bytes - before;
}

static void os_client_on_ready(void *owner, int ready)
{
    struct os_socket_watch *w = owner;
    struct os_http_client *client = w->client;
    int events =
        (ready & OS_READ ? CURL_CSELECT_IN : 0) | (ready & OS_WRITE ? CURL_CSELECT_OUT : 0);
    client->reading = w;
    uint64_t got = os_socket_step(client, w, events);
    bool is_bulk = got >= BULK_BYTES;
    for (int i = 1; i < BULK_READS_MAX && client->reading == w && got >= OS_CALL_READ_BYTES / 2;
         i++)
        got = os_socket_step(client, w, CURL_CSELECT_IN);
    if (client->reading == w && is_bulk && (w->wanted & OS_READ) != 0) {
        w->rests = true;
        os_socket_heed(w);
        os_timer_set(&w->rest, os_clock_mono_us() + BULK_REST_US);
    }
    client->reading = NULL;
}

static int os_client_on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
    struct os_http_client *client = owner;
    struct os_socket_watch *w = assigned;
    struct os_call *c = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
    if (c != NULL)
        os_call_on_watch(c, what == CURL_POLL_REMOVE ? 0 : what);
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            os_watch_set(&w->watch, 0);
            os_timer_stop(&w->rest);
        }
        if (client->reading == w)
            client->reading = NULL;
        mem_free(w);
        return 0;
    }
    if (w == NULL) {
        w = mem_zalloc(sizeof *w);
        if (w == NULL)
            return -1;
        w->client = client;
        w->fd = fd;
        os_watch_init(&w->watch, client->loop, fd, os_client_on_ready, w);
        os_timer_init(&w->rest, client->loop, os_socket_on_rested, w);
        curl_multi_assign(client->multi, fd, w);
    }
    w->wanted = (what & CURL_POLL_IN ? OS_READ : 0) | (what & CURL_POLL_OUT ? OS_WRITE : 0);
    os_socket_heed(w);
    return 0;
}

/* Only sets the timer: libcurl must not be entered from its own callback. */
static int os_client_on_timeout(CURLM *multi, long timeout_ms, void *owner)
{
    struct os_http_client *client = owner;
    (void)multi;
    if (timeout_ms < 0)
        os_timer_stop(&client->timer);
    else
        os_timer_set(&client->timer, os_clock_mono_us() + (uint64_t)timeout_ms * 1000);
    return 0;
}

static void os_client_on_timer(void *owner)
{
    os_client_act(owner, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- calls: memory ---- */

static void os_call_free(struct os_call *c)
{
    curl_easy_cleanup(c->easy);
    buf_deinit(&c->field_lines);
    buf_deinit(&c->lines);
    buf_deinit(&c->upload);
    mem_free(c);
}

static struct os_call *os_call_alloc(struct os_http_client *client)
{
    struct list_link *pooled = list_pop_front(&client->pool);
    if (pooled != NULL) {
        client->pool_count -= 1;
        return list_entry(pooled, struct os_call, link);
    }
    struct os_call *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return NULL;
    c->easy = curl_easy_init();
    if (c->easy == NULL) {
        mem_free(c);
        return NULL;
    }
    list_init(&c->link);
    os_call_equip(c, client);
    return c;
}

/* Its memory for the next one, unless it is much. */
static struct buf os_call_keep(struct buf *b)
{
    if (b->size > KEPT_BYTES_MAX)
        buf_deinit(b);
    buf_clear(b);
    return *b;
}

/* Back to the pool, with its handle, equipped as it is, and nothing of the call in it. */
static void os_call_release(struct os_call *c)
{
    struct os_http_client *client = c->client;
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    buf_deinit(&c->upload);
    *c = (struct os_call){ .easy = c->easy,
                           .field_lines = os_call_keep(&c->field_lines),
                           .lines = os_call_keep(&c->lines) };
    list_init(&c->link);
    if (client->pool_count == POOL_MAX) {
        os_call_free(c);
        return;
    }
    list_push_front(&client->pool, &c->link);
    client->pool_count += 1;
}

/* ---- calls: life ---- */

static void os_call_finish(struct os_call *c, int err)
{
    struct os_http_client *client = c->client;
    struct http_call *call = c->call;
    curl_multi_remove_handle(client->multi, c->easy);
    if (err == OK)
        os_call_tell_trailer(c);
    if (err == OK && c->is_canceled)
        err = ERR_CANCELED; /* by that hook */
    if (err != OK && err != ERR_CANCELED) {
        memcpy(client->why, c->why, sizeof client->why);
        LOG_DEBUG(client->log, "ipfshttp", "call failed target=%s error=%s (%s)", call->target,
                  err_text(err), c->why);
    }
    os_timer_stop(&c->head_timer);
    list_remove(&c->marked);
    list_remove(&c->link);
    client->calls_count -= 1;
    os_call_release(c);
    call->state = NULL;
    call->done(call, err);
}

/* Those that libcurl is through with. */
static void os_client_collect(struct os_http_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct os_call *c = NULL;
        CURLcode code = message->data.result; /* dies with the handle's removal */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        os_call_finish(c, os_call_err(c, code));
    }
}

static void os_call_on_head_timeout(void *owner)
{
    struct os_call *c = owner;
    strcpy(c->why, "no answer in time");
    os_call_finish(c, ERR_TIMEOUT);
}

void os_call_mark(struct os_call *c)
{
    struct os_http_client *client = c->client;
    if (!list_is_empty(&c->marked))
        return;
    if (list_is_empty(&client->marked))
        os_loop_post(client->loop, &client->task);
    list_push_back(&client->marked, &c->marked);
}

/* libcurl knows one set of paused directions; what still has reason to wait must stay in it. */
static void os_call_set_going(struct os_call *c)
{
    bool receives = c->receives_wait && !c->is_paused;
    bool sends =
        c->sends_wait && (c->upload.len > c->upload_sent || c->upload_ended || c->reads_no_more);
    if (!receives && !sends)
        return;
    c->receives_wait = c->receives_wait && !receives;
    c->sends_wait = c->sends_wait && !sends;
    CURLcode code = curl_easy_pause(c->easy, (c->receives_wait ? CURLPAUSE_RECV : 0) |
                                                 (c->sends_wait ? CURLPAUSE_SEND : 0));
    if (code != CURLE_OK)
        os_call_finish(c, os_call_err(c, code));
}

static void os_client_on_marked(void *owner)
{
    struct os_http_client *client = owner;
    struct list_link now;
    struct list_link *link;
    list_init(&now);
    while ((link = list_pop_front(&client->marked)) != NULL)
        list_push_back(&now, link);
    while ((link = list_pop_front(&now)) != NULL) {
        struct os_call *c = list_entry(link, struct os_call, marked);
        if (c->is_canceled)
            os_call_finish(c, c->err != OK ? c->err : ERR_CANCELED);
        else
            os_call_set_going(c);
    }
    os_client_collect(client);
}

/* ---- the port ---- */

static int os_client_start(void *impl, struct http_call *call)
{
    struct os_http_client *client = impl;
    if (client->is_closing)
        return ERR_CANCELED;
    if (client->calls_count == client->options.calls_max)
        return ERR_BUSY;
    struct os_call *c = os_call_alloc(client);
    if (c == NULL)
        return ERR_NOMEM;
    c->client = client;
    c->call = call;
    list_init(&c->marked);
    os_timer_init(&c->head_timer, client->loop, os_call_on_head_timeout, c);
    int err = os_call_prepare(c);
    if (err == OK && curl_multi_add_handle(client->multi, c->easy) != CURLM_OK)
        err = ERR_NOMEM;
    if (err != OK) {
        os_call_release(c);
        return err;
    }
    list_push_back(&client->calls, &c->link);
    client->calls_count += 1;
    call->state = c;
    LOG_DEBUG(client->log, "ipfshttp", "%s %s", call->method, call->target);
    if (call->head_timeout_us > 0)
        os_timer_set(&c->head_timer, os_clock_mono_us() + call->head_timeout_us);
    return OK;
}

static size_t os_client_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    (void)impl;
    return os_call_write(call->state, bytes, len);
}

static void os_client_end(void *impl, struct http_call *call)
{
    (void)impl;
    os_call_end(call->state);
}

static void os_client_pause(void *impl, struct http_call *call)
{
    struct os_call *c = call->state;
    (void)impl;
    c->is_paused = true;
}

static void os_client_resume(void *impl, struct http_call *call)
{
    struct os_call *c = call->state;
    (void)impl;
    c->is_paused = false;
    if (c->receives_wait)
        os_call_mark(c);
}

static void os_client_cancel(void *impl, struct http_call *call)
{
    struct os_call *c = call->state;
    (void)impl;
    c->is_canceled = true;
    os_call_mark(c);
}

struct http_client os_http_client_port(struct os_http_client *client)
{
    static const struct http_client_ops ops = {
        .start = os_client_start,
        .write = os_client_write,
        .end = os_client_end,
        .pause = os_client_pause,
        .resume = os_client_resume,
        .cancel = os_client_cancel,
    };
    return (struct http_client){ &ops, client };
}

const char *os_http_client_why(const struct os_http_client *client)
{
    return client->why;
}

/* ---- the client ---- */

static int os_client_set_url(struct os_http_client *client, const struct multiaddr_endpoint *tcp)
{
    const char *scheme = client->options.speaks_tls ? "https" : "http";
    struct buf url = { 0 };
    if (tcp == NULL)
        buf_printf(&url, "%s://localhost/", scheme);
    else
        buf_printf(&url, tcp->kind == MULTIADDR_IP6 ? "%s://[%s]:%u/" : "%s://%s:%u/", scheme,
                   tcp->host, tcp->port);
    client->url = curl_url();
    int err = client->url != NULL ? url.err : ERR_NOMEM;
    if (err == OK && curl_url_set(client->url, CURLUPART_URL, buf_text(&url), 0) != CURLUE_OK)
        err = ERR_UNSUPPORTED;
    buf_deinit(&url);
    return err;
}

static int os_client_set_endpoint(struct os_http_client *client, const struct multiaddr *endpoint)
{
    struct multiaddr_endpoint tcp;
    client->ip_version = CURL_IPRESOLVE_WHATEVER;
    if (multiaddr_unix_path(endpoint, &client->unix_path) == OK) {
        buf_put_u8(&client->unix_path, 0);
        return client->unix_path.err != OK ? client->unix_path.err
                                           : os_client_set_url(client, NULL);
    }
    int err = multiaddr_endpoint(endpoint, &tcp);
    if (err != OK)
        return err;
    if (tcp.kind == MULTIADDR_DNS4)
        client->ip_version = CURL_IPRESOLVE_V4;
    if (tcp.kind == MULTIADDR_DNS6)
        client->ip_version = CURL_IPRESOLVE_V6;
    return os_client_set_url(client, &tcp);
}

static int os_client_open_multi(struct os_http_client *client)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_NOMEM;
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        curl_global_cleanup();
        return ERR_NOMEM;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, os_client_on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, os_client_on_timeout);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.connections_max);
    return OK;
}

int os_http_client_create(struct os_http_client **out, struct os_loop *loop,
                          const struct multiaddr *endpoint,
                          const struct os_http_client_options *options, const struct log *log)
{
    ASSERT(options->calls_max > 0 && options->upload_bytes > 0);
    struct os_http_client *client = mem_zalloc(sizeof *client);
    if (client == NULL)
        return ERR_NOMEM;
    signal(SIGPIPE, SIG_IGN);
    client->loop = loop;
    client->options = *options;
    client->log = log;
    list_init(&client->calls);
    list_init(&client->marked);
    list_init(&client->pool);
    os_task_init(&client->task, os_client_on_marked, client);
    os_timer_init(&client->timer, loop, os_client_on_timer, client);
    int err = os_client_set_endpoint(client, endpoint);
    if (err == OK)
        err = os_client_open_multi(client);
    if (err != OK) {
        os_http_client_destroy(client);
        return err;
    }
    *out = client;
    return OK;
}

void os_http_client_destroy(struct os_http_client *client)
{
    struct list_link *link;
    if (client == NULL)
        return;
    client->is_closing = true;
    while (!list_is_empty(&client->calls))
        os_call_finish(list_entry(client->calls.next, struct os_call, link), ERR_CANCELED);
    while ((link = list_pop_front(&client->pool)) != NULL)
        os_call_free(list_entry(link, struct os_call, link));
    if (client->multi != NULL) {
        curl_multi_cleanup(client->multi); /* closes connections, which ends their watches */
        curl_global_cleanup();
    }
    os_timer_stop(&client->timer);
    os_loop_unpost(client->loop, &client->task);
    curl_url_cleanup(client->url);
    buf_deinit(&client->unix_path);
    mem_free(client);
}
