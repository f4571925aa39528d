#include "http/wire/conn.h"

#include <string.h>

#include "http/wire/parse.h"
#include "http/wire/reply.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* What an answered request may still have to say, so that reading and dropping it is cheaper than a
 * new connection. */
enum { LEFTOVER_BYTES_MAX = 64 * 1024 };

enum http_conn_state {
    HTTP_CONN_HEAD,   /* a head is arriving, or nothing */
    HTTP_CONN_BODY,   /* a body is arriving: for the exchange, or left over when it has ended */
    HTTP_CONN_ANSWER, /* the request is read, the exchange goes on */
    HTTP_CONN_CLOSING /* what comes is dropped */
};

enum http_reply_framing {
    HTTP_REPLY_BODILESS,
    HTTP_REPLY_LENGTH,
    HTTP_REPLY_CHUNKED,
    HTTP_REPLY_TO_CLOSE /* HTTP/1.0: the connection's end is the body's */
};

struct http_conn {
    struct http_exchange x;
    struct http_conn_options options;
    struct http_conn_hooks hooks;
    const char *date;
    const char *remote;
    uint64_t requests_count;
    enum http_conn_state state;
    bool exchange_open; /* the handler has neither ended it nor been told on_abort */
    bool body_paused;
    bool continue_due; /* the client waits for "100 Continue" */
    bool keeps_alive;
    bool drain_due; /* a write answered false */
    bool killed;
    bool is_reading;
    bool record_due;     /* the newest request is not over */
    int status;          /* of its answer; 0: none yet */
    uint64_t body_bytes; /* so much of it was written */
    struct http_head head;
    struct http_body body;
    enum http_reply_framing framing;
    uint64_t reply_left; /* of an announced length */
    struct buf output;
    size_t output_sent; /* bytes at the front of `output` that are gone */
};

static const struct http_reply_ops http_conn_reply_ops;

static struct http_conn *http_conn_of(struct http_exchange *x)
{
    ASSERT(x->ops == &http_conn_reply_ops);
    return (struct http_conn *)(void *)((char *)x - offsetof(struct http_conn, x));
}

int http_conn_create(struct http_conn **out, const struct http_conn_options *options,
                     const struct http_conn_hooks *hooks)
{
    ASSERT(hooks->on_request != NULL && hooks->on_progress != NULL);
    ASSERT(options->head_bytes_max > 0);
    ASSERT(options->output_low_bytes <= options->output_high_bytes);
    struct http_conn *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    c->options = *options;
    c->hooks = *hooks;
    *out = c;
    return OK;
}

void http_conn_set_date(struct http_conn *c, const char *text)
{
    c->date = text;
}

void http_conn_set_remote(struct http_conn *c, const char *text)
{
    c->remote = text;
}

/* `request` NULL: what came was none. */
static void http_conn_record(struct http_conn *c, const struct http_request *request, int status,
                             uint64_t body_bytes)
{
    c->record_due = false;
    if (c->options.on_record == NULL)
        return;
    struct http_record record = { .request = request,
                                  .remote = c->remote,
                                  .user = request != NULL ? c->x.user : NULL,
                                  .status = status,
                                  .body_bytes = body_bytes };
    c->options.on_record(c->hooks.owner, &record);
}

/* The newest request is over, if it was not before. */
static void http_conn_request_over(struct http_conn *c)
{
    if (c->record_due)
        http_conn_record(c, &c->x.request, c->status, c->body_bytes);
}

static void http_conn_abort_exchange(struct http_conn *c)
{
    if (!c->exchange_open)
        return;
    c->exchange_open = false;
    if (c->x.on_abort != NULL)
        c->x.on_abort(&c->x);
}

void http_conn_destroy(struct http_conn *c)
{
    if (c == NULL)
        return;
    ASSERT(!c->is_reading);
    http_conn_abort_exchange(c);
    http_conn_request_over(c);
    http_head_reset(&c->head);
    buf_deinit(&c->output);
    mem_free(c);
}

/* ---- output ---- */

static size_t http_conn_output_len(const struct http_conn *c)
{
    return c->output.len - c->output_sent;
}

/* After each change of the output or of what the connection waits for. */
static void http_conn_progress(struct http_conn *c)
{
    if (c->output.err != OK)
        c->killed = true; /* half an answer is in there: only breaking off is honest */
    c->hooks.on_progress(c->hooks.progress_owner);
}

struct bytes http_conn_output(const struct http_conn *c)
{
    if (http_conn_output_len(c) == 0)
        return (struct bytes){ NULL, 0 };
    return (struct bytes){ c->output.data + c->output_sent, http_conn_output_len(c) };
}

void http_conn_output_taken(struct http_conn *c, size_t len)
{
    ASSERT(len <= http_conn_output_len(c));
    c->output_sent += len;
    if (c->output_sent == c->output.len && !c->exchange_open) {
        buf_deinit(&c->output); /* an idle connection holds no buffers */
        c->output_sent = 0;
    } else if (c->output_sent > c->output.len / 2) {
        buf_consume(&c->output, c->output_sent);
        c->output_sent = 0;
    }
    if (http_conn_output_len(c) > c->options.output_low_bytes)
        return;
    if (c->drain_due && c->exchange_open) {
        c->drain_due = false;
        if (c->x.on_drain != NULL)
            c->x.on_drain(&c->x);
    }
    http_conn_progress(c); /* a pipelined request may have waited for room */
}

static void http_conn_put_continue(struct http_conn *c)
{
    c->continue_due = false;
    http_put_status_line(&c->output, 100);
    http_put_head_end(&c->output);
}

/* What no handler asked for: a request that could not be understood. */
static void http_conn_refuse(struct http_conn *c, struct http_refusal refusal)
{
    struct buf body = { 0 };
    if (c->options.is_kubo_like)
        buf_printf(&body, "{\"Message\":\"%s\",\"Code\":0,\"Type\":\"error\"}", refusal.why);
    else
        buf_printf(&body, "{\"code\":%d,\"message\":\"%s\"}\n", refusal.status, refusal.why);
    http_put_status_line(&c->output, refusal.status);
    if (c->date != NULL)
        http_put_field_text(&c->output, "Date", c->date);
    if (c->options.server != NULL)
        http_put_field_text(&c->output, "Server", c->options.server);
    http_put_field_text(&c->output, "Content-Type", "application/json");
    buf_printf(&c->output, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
    buf_append(&c->output, body.data, body.len);
    if (body.err != OK)
        c->output.err = body.err;
    http_conn_record(c, c->record_due ? &c->x.request : NULL, refusal.status, body.len);
    buf_deinit(&body);
    c->state = HTTP_CONN_CLOSING;
    http_conn_progress(c);
}

/* ---- requests ---- */

static void http_conn_next_request(struct http_conn *c)
{
    http_head_reset(&c->head);
    c->state = c->keeps_alive ? HTTP_CONN_HEAD : HTTP_CONN_CLOSING;
    http_conn_progress(c);
}

static void http_conn_body_ended(struct http_conn *c)
{
    if (!c->exchange_open) {
        http_conn_next_request(c);
        return;
    }
    c->state = HTTP_CONN_ANSWER;
    c->x.body_over = true;
    if (c->x.on_body_end != NULL)
        c->x.on_body_end(&c->x);
}

static void http_conn_begin_exchange(struct http_conn *c)
{
    c->x = (struct http_exchange){ .request = c->head.request, .ops = &http_conn_reply_ops };
    http_body_begin(&c->body, c->head.request.body_len);
    c->state = HTTP_CONN_BODY;
    c->exchange_open = true;
    c->body_paused = false;
    c->drain_due = false;
    c->keeps_alive = c->head.keeps_alive;
    c->continue_due = c->head.expects_continue;
    c->record_due = true;
    c->status = 0;
    c->body_bytes = 0;

    c->requests_count += 1;
    c->hooks.on_request(c->hooks.owner, &c->x);
    if (c->continue_due && c->exchange_open && !c->x.reply_begun) {
        http_conn_put_continue(c);
        http_conn_progress(c);
    }
    if (c->state == HTTP_CONN_BODY && c->body.at == HTTP_BODY_COMPLETE)
        http_conn_body_ended(c);
}

static size_t http_conn_read_head(struct http_conn *c, const void *bytes, size_t len)
{
    if (http_conn_output_len(c) > c->options.output_high_bytes)
        return 0; /* a client that asks and asks, and reads no answer */
    size_t used = http_head_feed(&c->head, c->options.head_bytes_max, bytes, len);
    if (c->head.refusal.status != 0)
        http_conn_refuse(c, c->head.refusal);
    else if (c->head.is_complete)
        http_conn_begin_exchange(c);
    return used;
}

static void http_conn_on_broken_body(struct http_conn *c)
{
    bool was_open = c->exchange_open;
    http_conn_abort_exchange(c);
    if (was_open && !c->x.reply_begun) {
        http_conn_refuse(c, (struct http_refusal){ 400, "malformed chunked body" });
        return;
    }
    http_conn_request_over(c);
    c->killed = was_open; /* half an answer must not look like a whole one */
    c->state = HTTP_CONN_CLOSING;
    http_conn_progress(c);
}

/* How much of this content the handler took; without one, or without interest, all of it. */
static size_t http_conn_offer(struct http_conn *c, const uint8_t *bytes, size_t len)
{
    if (!c->exchange_open || c->x.on_body == NULL)
        return len;
    c->body_paused = true; /* until resume, which may run inside on_body */
    size_t took = c->x.on_body(&c->x, bytes, len);
    ASSERT(took <= len);
    if (took == len || !c->exchange_open)
        c->body_paused = false;
    return took;
}

static size_t http_conn_read_body(struct http_conn *c, const uint8_t *bytes, size_t len)
{
    if (c->body_paused)
        return 0;
    size_t used = http_body_skip_framing(&c->body, bytes, len);
    size_t content_len = http_body_content(&c->body, len - used);
    if (content_len > 0) {
        size_t took = http_conn_offer(c, bytes + used, content_len);
        http_body_took(&c->body, took);
        used += took;
    }
    if (c->state != HTTP_CONN_BODY)
        return used; /* the handler ended the exchange, and the connection with it */
    if (c->body.at == HTTP_BODY_BROKEN)
        http_conn_on_broken_body(c);
    else if (c->body.at == HTTP_BODY_COMPLETE)
        http_conn_body_ended(c);
    return used;
}

static size_t http_conn_read(struct http_conn *c, const uint8_t *bytes, size_t len)
{
    switch (c->state) {
    case HTTP_CONN_HEAD:
        return http_conn_read_head(c, bytes, len);
    case HTTP_CONN_BODY:
        return http_conn_read_body(c, bytes, len);
    case HTTP_CONN_ANSWER:
        return 0;
    case HTTP_CONN_CLOSING:
        return len;
    }
    return 0;
}

size_t http_conn_on_bytes(struct http_conn *c, const void *bytes, size_t len)
{
    ASSERT(!c->is_reading);
    c->is_reading = true;
    size_t used = 0;
    while (used < len && !c->killed) {
        size_t took = http_conn_read(c, (const uint8_t *)bytes + used, len - used);
        if (took == 0)
            break;
        used += took;
    }
    c->is_reading = false;
    return c->killed ? len : used;
}

void http_conn_on_eof(struct http_conn *c)
{
    if (c->exchange_open) {
        c->killed = true;
        http_conn_abort_exchange(c);
        http_conn_request_over(c);
    }
    c->state = HTTP_CONN_CLOSING;
    http_conn_progress(c);
}

void http_conn_on_timeout(struct http_conn *c)
{
    bool is_reading = http_conn_is_reading(c);
    bool was_open = c->exchange_open;
    http_conn_abort_exchange(c);
    if (is_reading && !(was_open && c->x.reply_begun)) {
        http_conn_refuse(c, (struct http_refusal){ 408, "the request did not arrive in time" });
        return;
    }
    http_conn_request_over(c);
    c->killed = was_open; /* half an answer must not look like a whole one */
    c->state = HTTP_CONN_CLOSING;
    http_conn_progress(c);
}

bool http_conn_wants_close(const struct http_conn *c)
{
    return c->state == HTTP_CONN_CLOSING;
}

bool http_conn_was_killed(const struct http_conn *c)
{
    return c->killed;
}

bool http_conn_is_idle(const struct http_conn *c)
{
    return c->state == HTTP_CONN_HEAD && http_head_is_empty(&c->head) &&
           http_conn_output_len(c) == 0;
}

bool http_conn_is_answering(const struct http_conn *c)
{
    return c->exchange_open;
}

bool http_conn_is_reading(const struct http_conn *c)
{
    if (c->state == HTTP_CONN_HEAD)
        return !http_head_is_empty(&c->head);
    return c->exchange_open && c->state == HTTP_CONN_BODY;
}

uint64_t http_conn_requests_count(const struct http_conn *c)
{
    return c->requests_count;
}

bool http_conn_is_paused(const struct http_conn *c)
{
    return c->state == HTTP_CONN_ANSWER || (c->state == HTTP_CONN_BODY && c->body_paused) ||
           (c->state == HTTP_CONN_HEAD && http_conn_output_len(c) > c->options.output_high_bytes);
}

/* ---- the answer ---- */

/* Will the connection be at the start of a request again, at a bearable price, when this answer is
 * complete? */
static bool http_conn_reads_on(const struct http_conn *c)
{
    if (c->body.at == HTTP_BODY_COMPLETE)
        return true;
    return !c->body.is_chunked && c->body.left <= LEFTOVER_BYTES_MAX && !c->continue_due;
}

static enum http_reply_framing http_conn_choose_framing(const struct http_conn *c, int status,
                                                        int64_t body_len)
{
    if (http_status_is_bodiless(status) || strcmp(c->x.request.method, "HEAD") == 0)
        return HTTP_REPLY_BODILESS;
    if (body_len >= 0)
        return HTTP_REPLY_LENGTH;
    return c->x.request.minor_version > 0 ? HTTP_REPLY_CHUNKED : HTTP_REPLY_TO_CLOSE;
}

static void http_conn_put_framing(struct http_conn *c, int status, int64_t body_len)
{
    c->framing = http_conn_choose_framing(c, status, body_len);
    if (c->framing == HTTP_REPLY_TO_CLOSE || !http_conn_reads_on(c))
        c->keeps_alive = false;
    if (!http_status_is_bodiless(status)) {
        if (body_len >= 0)
            buf_printf(&c->output, "Content-Length: %lld\r\n", (long long)body_len);
        else if (c->x.request.minor_version > 0)
            http_put_field_text(&c->output, "Transfer-Encoding", "chunked");
    }
    c->reply_left = body_len > 0 ? (uint64_t)body_len : 0;
    if (!c->keeps_alive)
        http_put_field_text(&c->output, "Connection", "close");
    else if (c->x.request.minor_version == 0)
        http_put_field_text(&c->output, "Connection", "keep-alive");
}

static bool http_field_is_ours(struct bytes name)
{
    return http_name_is(name, "Content-Length") || http_name_is(name, "Transfer-Encoding") ||
           http_name_is(name, "Connection") || http_name_is(name, "Date");
}

static void http_conn_reply_begin(struct http_exchange *x, int status,
                                  const struct http_field *fields, size_t count, int64_t body_len)
{
    struct http_conn *c = http_conn_of(x);
    ASSERT(status >= 200);
    c->status = status;
    if (c->continue_due && status < 400)
        http_conn_put_continue(c);
    http_put_status_line(&c->output, status);
    if (c->date != NULL)
        http_put_field_text(&c->output, "Date", c->date);
    if (c->options.server != NULL)
        http_put_field_text(&c->output, "Server", c->options.server);
    if (c->options.put_fields != NULL)
        c->options.put_fields(c->hooks.owner, x, status, &c->output);
    for (size_t i = 0; i < count; i++) {
        ASSERT(!http_field_is_ours(fields[i].name));
        http_put_field(&c->output, fields[i].name, fields[i].value);
    }
    http_conn_put_framing(c, status, body_len);
    http_put_head_end(&c->output);
    http_conn_progress(c);
}

static bool http_conn_reply_write(struct http_exchange *x, const void *bytes, size_t len)
{
    struct http_conn *c = http_conn_of(x);
    if (c->framing != HTTP_REPLY_BODILESS)
        c->body_bytes += len;
    switch (c->framing) {
    case HTTP_REPLY_BODILESS:
        return true;
    case HTTP_REPLY_LENGTH:
        ASSERT(len <= c->reply_left);
        c->reply_left -= len;
        buf_append(&c->output, bytes, len);
        break;
    case HTTP_REPLY_CHUNKED:
        http_put_chunk(&c->output, bytes, len);
        break;
    case HTTP_REPLY_TO_CLOSE:
        buf_append(&c->output, bytes, len);
        break;
    }
    c->drain_due = http_conn_output_len(c) > c->options.output_high_bytes;
    http_conn_progress(c);
    return !c->drain_due;
}

static void http_conn_reply_end(struct http_exchange *x, const struct http_field *trailers,
                                size_t count)
{
    struct http_conn *c = http_conn_of(x);
    if (c->framing == HTTP_REPLY_CHUNKED)
        http_put_last_chunk(&c->output, trailers, count);
    ASSERT(c->framing != HTTP_REPLY_LENGTH || c->reply_left == 0);
    http_conn_request_over(c);
    c->exchange_open = false;
    c->body_paused = false;
    if (!c->keeps_alive)
        c->state = HTTP_CONN_CLOSING;
    else if (c->state == HTTP_CONN_ANSWER)
        http_conn_next_request(c);
    http_conn_progress(c);
}

static void http_conn_reply_resume(struct http_exchange *x)
{
    struct http_conn *c = http_conn_of(x);
    c->body_paused = false;
    http_conn_progress(c);
}

static void http_conn_reply_kill(struct http_exchange *x)
{
    struct http_conn *c = http_conn_of(x);
    http_conn_request_over(c);
    c->exchange_open = false;
    c->killed = true;
    http_conn_progress(c);
}

static const struct http_reply_ops http_conn_reply_ops = {
    .begin = http_conn_reply_begin,
    .write = http_conn_reply_write,
    .end = http_conn_reply_end,
    .resume = http_conn_reply_resume,
    .kill = http_conn_reply_kill,
};
