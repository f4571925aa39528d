/* forward.c -- a request's way to the daemon and the answer's way back, piece by piece.
 *
 *      client --on_body--> http_client_write --> daemon        full: on_body takes less, until on_drain
 *      client <-reply_write-- on_body <--------- daemon        full: pause, until the client's on_drain
 *
 * Two ends, each of which may end first. The exchange is over when we ended or killed it, or the client
 * left (job.x is NULL then); the call is over when done() ran, and with it the memory goes, for the
 * call points into it. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/parse.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

/* ---- fields that pass, and those that are about one connection only (RFC 9110 §7.6.1) ---- */

#define PROXY_NAME(text)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Is it about this connection, or said anew for the next one? */
static bool proxy_is_ours(struct bytes name)
{
    static const struct bytes ours[] = {
        PROXY_NAME("Connection"),
        PROXY_NAME("Keep-Alive"),
        PROXY_NAME("Proxy-Connection"),
        PROXY_NAME("Proxy-Authenticate"),
        PROXY_NAME("Upgrade"),
        PROXY_NAME("TE"),
        PROXY_NAME("Transfer-Encoding"),
        PROXY_NAME("Proxy-Authorization"),
        PROXY_NAME("Host"),
        PROXY_NAME("Expect"),
        PROXY_NAME("Content-Length"),
        PROXY_NAME("Date"),
    };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (name.len == ours[i].len && http_name_is(name, ours[i].data))
            return true;
    }
    return false;
}

static bool proxy_is_token(struct bytes name)
{
    const uint8_t *at = name.data;
    for (size_t i = 0; i < name.len; i++) {
        if (!http_is_token_char(at[i]))
            return false;
    }
    return name.len > 0;
}

/* Does the Connection field name it, too? */
static bool proxy_is_named(struct bytes name, struct bytes connection)
{
    char text[64];
    if (name.len >= sizeof(text) || connection.len == 0)
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = 0;
    return http_list_has(connection, text);
}

static bool proxy_field_passes(const struct http_field *field, struct bytes connection)
{
    return proxy_is_token(field->name) && !proxy_is_ours(field->name) &&
           !proxy_is_named(field->name, connection);
}

/* The passing ones of `fields`, into `out`, which has room for all. */
static size_t proxy_filter(const struct http_field *fields, size_t count, struct http_field *out)
{
    struct bytes connection = http_field_value(fields, count, "Connection");
    size_t passing = 0;
    for (size_t i = 0; i < count; i++) {
        if (proxy_field_passes(&fields[i], connection))
            out[passing++] = fields[i];
    }
    return passing;
}

/* A copy of them in one piece of memory, which starts with the array. NULL: none, or no memory. */
static void *proxy_copy(const struct http_field *fields, size_t count)
{
    size_t size = count * sizeof(*fields);
    for (size_t i = 0; i < count; i++)
        size += fields[i].name.len + fields[i].value.len;
    struct http_field *copy = size > 0 ? mem_alloc(size) : NULL;
    if (copy == NULL)
        return NULL;
    char *text = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        struct bytes name = fields[i].name;
        struct bytes value = fields[i].value;
        copy[i] = (struct http_field){ { text, name.len }, { text + name.len, value.len } };
        if (name.len > 0)
            memcpy(text, name.data, name.len);
        if (value.len > 0)
            memcpy(text + name.len, value.data, value.len);
        text += name.len + value.len;
    }
    return copy;
}

/* ---- ending ---- */

void proxy_forward_free(struct proxy_forward *f)
{
    buf_deinit(&f->target);
    mem_free(f->method);
    mem_free(f->request_memory);
    mem_free(f->trailer_memory);
}

static void proxy_forward_free_job(struct proxy_job *job)
{
    proxy_forward_free((struct proxy_forward *)job);
}

/* A failure that only a trailer can tell, and a client that has none: the connection has to break. */
static bool proxy_must_break(const struct http_exchange *x, const struct http_field *trailer,
                             size_t count)
{
    return x->request.minor_version == 0 &&
           http_field_value(trailer, count, "X-Stream-Error").len > 0;
}

static void proxy_end_exchange(struct http_exchange *x, const struct http_field *trailer,
                               size_t count)
{
    if (proxy_must_break(x, trailer, count))
        http_reply_kill(x);
    else
        http_reply_end(x, trailer, count);
}

void proxy_forward_end(struct proxy_forward *f, const char *error)
{
    struct http_exchange *x = f->job.x;
    ASSERT(!f->call_runs);
    if (x != NULL && error != NULL) {
        struct http_field trailer = { { "X-Stream-Error", 14 }, { error, strlen(error) } };
        proxy_end_exchange(x, &trailer, 1);
    } else if (x != NULL) {
        proxy_end_exchange(x, f->trailer, f->trailer_count);
    }
    proxy_job_destroy(&f->job);
}

/* There is no whole answer of the daemon's. */
static void proxy_forward_break(struct proxy_forward *f, int err)
{
    struct http_exchange *x = f->job.x;
    if (x->reply_begun) {
        http_reply_kill(x);
    } else {
        struct buf message = { 0 };
        buf_printf(&message, "error forwarding request to the IPFS daemon: %s", err_text(err));
        proxy_reply_error(f->job.proxy, x, err == ERR_TIMEOUT ? 504 : 502, buf_text(&message));
        buf_deinit(&message);
    }
}

/* ---- from the daemon ---- */

/* -1: the answer is to be chunked. The client of the port has held the body to this length. */
static int64_t proxy_length_of(const struct http_field *fields, size_t count)
{
    struct bytes value = http_field_value(fields, count, "Content-Length");
    if (http_field_value(fields, count, "Transfer-Encoding").len > 0)
        return -1; /* it wins, if there are both */
    const char *digits = value.data;
    int64_t len = value.len > 0 && value.len <= 18 ? 0 : -1;
    for (size_t i = 0; i < value.len && len >= 0; i++)
        len = digits[i] >= '0' && digits[i] <= '9' ? len * 10 + (digits[i] - '0') : -1;
    return len;
}

static void proxy_forward_on_head(struct http_call *call, int status,
                                  const struct http_field *fields, size_t count)
{
    struct proxy_forward *f = call->owner;
    struct http_field passing[LIMIT_HTTP_HEADERS_COUNT];
    ASSERT(count <= LIMIT_HTTP_HEADERS_COUNT);
    if (f->job.x == NULL)
        return;
    if (f->on_head != NULL)
        f->on_head(f, status);
    size_t passing_count = proxy_filter(fields, count, passing);
    int64_t len = f->is_mute ? -1 : proxy_length_of(fields, count);
    http_reply_begin(f->job.x, status, passing, passing_count, len);
}

static void proxy_forward_on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct proxy_forward *f = call->owner;
    if (f->on_body != NULL)
        f->on_body(f, bytes, len);
    if (f->job.x != NULL && !f->is_mute && !http_reply_write(f->job.x, bytes, len))
        http_client_pause(f->job.proxy->client, call);
}

static void proxy_forward_on_trailer(struct http_call *call, const struct http_field *fields,
                                     size_t count)
{
    struct proxy_forward *f = call->owner;
    struct http_field passing[LIMIT_HTTP_HEADERS_COUNT];
    ASSERT(count <= LIMIT_HTTP_HEADERS_COUNT);
    if (f->on_trailer != NULL)
        f->on_trailer(f, fields, count);
    size_t passing_count = proxy_filter(fields, count, passing);
    f->trailer_memory = proxy_copy(passing, passing_count);
    f->trailer = f->trailer_memory;
    f->trailer_count = f->trailer != NULL ? passing_count : 0;
}

static void proxy_forward_done(struct http_call *call, int err)
{
    struct proxy_forward *f = call->owner;
    f->call_runs = false;
    f->job.proxy->calls_count -= 1;
    if (f->job.x != NULL && err != OK) {
        proxy_forward_break(f, err);
        f->job.x = NULL;
    }
    if (f->on_end == NULL || !f->on_end(f, err))
        proxy_forward_end(f, NULL);
}

/* ---- from the client ---- */

static size_t proxy_forward_on_upload(struct http_exchange *x, const void *bytes, size_t len)
{
    struct proxy_forward *f = x->owner;
    if (!f->call_runs)
        return len;
    size_t took = http_client_write(f->job.proxy->client, &f->call, bytes, len);
    f->upload_waits = took < len;
    return took;
}

static void proxy_forward_on_upload_drain(struct http_call *call)
{
    struct proxy_forward *f = call->owner;
    if (f->job.x == NULL || !f->upload_waits)
        return;
    f->upload_waits = false;
    http_exchange_resume(f->job.x);
}

static void proxy_forward_on_upload_end(struct http_exchange *x)
{
    struct proxy_forward *f = x->owner;
    if (f->call_runs && f->call.streams_body)
        http_client_end(f->job.proxy->client, &f->call);
}

static void proxy_forward_on_drain(struct http_exchange *x)
{
    struct proxy_forward *f = x->owner;
    if (f->call_runs)
        http_client_resume(f->job.proxy->client, &f->call);
}

static void proxy_forward_on_abort(struct http_exchange *x)
{
    struct proxy_forward *f = x->owner;
    f->job.x = NULL;
    if (f->call_runs)
        http_client_cancel(f->job.proxy->client, &f->call);
}

/* ---- starting ---- */

void proxy_put_target(struct buf *out, const struct http_request *r)
{
    if (r->target[0] == '/') {
        buf_append_text(out, r->target);
        return;
    }
    buf_append_text(out, r->path); /* "http://host/path", or "*" */
    if (r->query[0] != 0)
        buf_printf(out, "?%s", r->query);
}

static int proxy_forward_prepare(struct proxy_forward *f)
{
    const struct http_request *r = &f->job.x->request;
    struct http_field passing[LIMIT_HTTP_HEADERS_COUNT];
    size_t count = proxy_filter(r->fields, r->fields_count, passing);
    f->request_memory = proxy_copy(passing, count);
    f->method = mem_strdup(r->method);
    if (f->method == NULL || (f->request_memory == NULL && count > 0))
        return ERR_NOMEM;
    if (f->call.method == NULL)
        f->call.method = f->method;
    f->call.target = buf_text(&f->target);
    f->call.fields = f->request_memory;
    f->call.fields_count = count;
    f->call.streams_body = r->has_body;
    f->call.body_len = r->body_len;
    f->call.on_head = proxy_forward_on_head;
    f->call.on_body = proxy_forward_on_body;
    f->call.on_trailer = proxy_forward_on_trailer;
    f->call.on_drain = proxy_forward_on_upload_drain;
    f->call.done = proxy_forward_done;
    f->call.owner = f;
    return f->target.err;
}

void proxy_forward_start(struct proxy_forward *f)
{
    struct proxy *p = f->job.proxy;
    struct http_exchange *x = f->job.x;
    int err = p->calls_count < p->options.calls_max ? OK : ERR_BUSY;
    if (err == OK)
        err = proxy_forward_prepare(f);
    if (err == OK)
        err = http_client_start(p->client, &f->call);
    if (err != OK) {
        proxy_reply_error(p, x, 503, err_text(err));
        proxy_job_destroy(&f->job);
        return;
    }
    f->call_runs = true;
    p->calls_count += 1;
    x->on_body = f->call.streams_body ? proxy_forward_on_upload : NULL;
    x->on_body_end = proxy_forward_on_upload_end;
    x->on_drain = proxy_forward_on_drain;
    x->on_abort = proxy_forward_on_abort;
}

void proxy_pass(struct proxy *p, struct http_exchange *x)
{
    struct proxy_forward *f = proxy_job_create(p, x, sizeof(*f), proxy_forward_free_job);
    if (f == NULL)
        return;
    proxy_put_target(&f->target, &x->request);
    proxy_forward_start(f);
}
