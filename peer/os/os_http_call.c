/* os_http_call.c -- one request: what libcurl is told, and what its callbacks do.
 *
 * A hook of the caller runs from inside libcurl's callbacks, and may then pause, write or cancel. All
 * of these only change our own flags: the callback's next answer tells libcurl (PAUSE, end), or the
 * client's task does, outside. The other way round curl_easy_pause() runs callbacks before it
 * returns, so nothing that the caller calls may reach it directly: hooks must not run from inside
 * write or resume. */
#include <string.h>

#include "os/os_clock.h"
#include "os/os_http_client_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"

enum { HEAD_BYTES_MAX = 64 * 1024 };

/* ---- the answer ---- */

/* One line of a head or trailer, its end cut off. */
static struct bytes os_line_cut(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    return (struct bytes){ text, len };
}

static void os_lines_clear(struct os_call *c)
{
    buf_clear(&c->lines);
    c->lines_count = 0;
}

static bool os_is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct http_field os_field_of(const char *line)
{
    const char *colon = strchr(line, ':');
    const char *name_end = colon != NULL ? colon : line + strlen(line);
    const char *value = colon != NULL ? colon + 1 : name_end;
    const char *end = value + strlen(value);
    while (os_is_space(*value))
        value++;
    while (end > value && os_is_space(end[-1]))
        end--;
    return (struct http_field){ { line, (size_t)(name_end - line) },
                                { value, (size_t)(end - value) } };
}

static void os_lines_parse(const struct os_call *c, struct http_field *out)
{
    const char *line = (const char *)c->lines.data;
    for (size_t i = 0; i < c->lines_count; i++) {
        out[i] = os_field_of(line);
        line += strlen(line) + 1;
    }
}

/* Two lengths are two answers: whoever passes them on must not choose (RFC 9112, 6.3). */
static bool os_lengths_agree(const struct http_field *fields, size_t count)
{
    struct bytes first = http_field_value(fields, count, "Content-Length");
    for (size_t i = 0; i < count; i++) {
        if (http_name_is(fields[i].name, "Content-Length") && !bytes_equal(fields[i].value, first))
            return false;
    }
    return true;
}

/* False: it makes no sense. */
static bool os_call_tell_head(struct os_call *c)
{
    struct http_field fields[LIMIT_HTTP_HEADERS_COUNT];
    os_lines_parse(c, fields);
    if (!os_lengths_agree(fields, c->lines_count))
        return false;
    os_timer_stop(&c->head_timer);
    c->stage = CALL_BODY;
    if (c->call->on_head != NULL)
        c->call->on_head(c->call, c->status, fields, c->lines_count);
    os_lines_clear(c);
    return true;
}

void os_call_tell_trailer(struct os_call *c)
{
    struct http_field fields[LIMIT_HTTP_HEADERS_COUNT];
    if (c->lines_count == 0 || c->call->on_trailer == NULL)
        return;
    os_lines_parse(c, fields);
    c->call->on_trailer(c->call, fields, c->lines_count);
}

/* "HTTP/1.1 200 OK" */
static int os_status_of(const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    int status = 0;
    if (space == NULL)
        return 0;
    for (const char *at = space + 1; at < line + len && *at >= '0' && *at <= '9'; at++)
        status = status < 1000 ? status * 10 + (*at - '0') : status;
    return status;
}

/* False: too many of them, or too long. */
static bool os_lines_add(struct os_call *c, struct bytes line)
{
    if (c->lines_count == LIMIT_HTTP_HEADERS_COUNT || memchr(line.data, 0, line.len) != NULL)
        return false;
    buf_append(&c->lines, line.data, line.len);
    buf_put_u8(&c->lines, 0);
    c->lines_count += 1;
    return c->lines.err == OK && c->lines.len <= HEAD_BYTES_MAX;
}

/* The end of a head. Interim answers (1xx) are passed over: another status line comes. But 101 is the last one, and speaks
 * something else from here on, which nobody has asked for. */
static bool os_call_on_head_end(struct os_call *c)
{
    enum { SWITCHING_PROTOCOLS = 101 };
    return c->status >= 200 ? os_call_tell_head(c) : c->status != SWITCHING_PROTOCOLS;
}

/* Lines of the head, and after the body those of the trailer. */
static size_t os_call_on_line(char *text, size_t size, size_t count, void *owner)
{
    struct os_call *c = owner;
    size_t len = size * count;
    struct bytes line = os_line_cut(text, len);
    bool is_good = true;
    if (c->is_canceled)
        return 0;
    if (c->stage == CALL_HEAD && len >= 5 && memcmp(text, "HTTP/", 5) == 0) {
        c->status = os_status_of(text, line.len);
        os_lines_clear(c);
    } else if (line.len == 0) {
        is_good = c->stage != CALL_HEAD || os_call_on_head_end(c);
    } else {
        is_good = os_lines_add(c, line);
    }
    if (!is_good)
        c->err = ERR_CORRUPT;
    return is_good ? len : 0;
}

static size_t os_call_on_body(char *bytes, size_t size, size_t count, void *owner)
{
    struct os_call *c = owner;
    if (c->is_canceled)
        return 0;
    if (c->is_paused) {
        c->receives_wait = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    c->client->body_bytes += size * count;
    if (c->call->on_body != NULL)
        c->call->on_body(c->call, bytes, size * count);
    return size * count;
}

/* ---- the request's body ---- */

static size_t os_call_upload_len(const struct os_call *c)
{
    return c->upload.len - c->upload_sent;
}

static size_t os_call_take_whole(struct os_call *c, char *out, size_t size)
{
    size_t left = c->call->body.len - c->upload_sent;
    size_t len = left < size ? left : size;
    if (len > 0)
        memcpy(out, (const char *)c->call->body.data + c->upload_sent, len);
    c->upload_sent += len;
    return len;
}

static size_t os_call_take_streamed(struct os_call *c, char *out, size_t size)
{
    size_t left = os_call_upload_len(c);
    size_t len = left < size ? left : size;
    if (len > 0)
        memcpy(out, c->upload.data + c->upload_sent, len);
    c->upload_sent += len;
    if (c->upload_sent > c->upload.len / 2) {
        buf_consume(&c->upload, c->upload_sent);
        c->upload_sent = 0;
    }
    return len;
}

static size_t os_call_on_send(char *out, size_t size, size_t count, void *owner)
{
    struct os_call *c = owner;
    c->answer_is_whole = c->reads_no_more;
    if (c->is_canceled || c->answer_is_whole)
        return CURL_READFUNC_ABORT;
    if (!c->call->streams_body)
        return os_call_take_whole(c, out, size * count);
    size_t len = os_call_take_streamed(c, out, size * count);
    if (c->drain_due && os_call_upload_len(c) <= c->client->options.upload_bytes / 2) {
        c->drain_due = false;
        if (c->call->on_drain != NULL)
            c->call->on_drain(c->call);
    }
    if (len > 0 || c->upload_ended)
        return len;
    if (os_call_upload_len(c) > 0) /* on_drain has brought more */
        return os_call_take_streamed(c, out, size * count);
    c->sends_wait = true;
    return CURL_READFUNC_PAUSE;
}

size_t os_call_write(struct os_call *c, const void *bytes, size_t len)
{
    size_t room = c->client->options.upload_bytes - os_call_upload_len(c);
    size_t took = len < room ? len : room;
    ASSERT(!c->upload_ended);
    buf_append(&c->upload, bytes, took);
    if (c->upload.err != OK) { /* a body with a hole must not arrive as a whole one */
        c->err = ERR_NOMEM;
        c->is_canceled = true;
        os_call_mark(c);
        return len;
    }
    c->upload_total += (int64_t)took;
    if (took < len)
        c->drain_due = true;
    if (c->sends_wait && took > 0)
        os_call_mark(c);
    return took;
}

void os_call_end(struct os_call *c)
{
    ASSERT(!c->upload_ended);
    ASSERT(c->call->body_len < 0 || c->call->body_len == c->upload_total || c->is_canceled);
    c->upload_ended = true;
    if (c->sends_wait)
        os_call_mark(c);
}

/* An answer may be complete before its request is. libcurl then stops to read, and waits for the rest
 * of the body; if that waits for the caller, who waits for done(), nothing would happen any more. What
 * gives it away is that libcurl does not watch for input. */
void os_call_on_watch(struct os_call *c, int what)
{
    if (c->stage != CALL_BODY || !c->sends_wait || c->receives_wait || (what & CURL_POLL_IN) != 0)
        return;
    c->reads_no_more = true;
    os_call_mark(c);
}

/* libcurl wants to send the request again, from the start. */
static int os_call_on_rewind(void *owner, curl_off_t offset, int origin)
{
    (void)owner;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* Before the request goes out. A kept connection that the server closed just then makes libcurl try
 * another one, and whether the first request was obeyed, nobody knows: so once only. */
static int os_call_before_request(void *owner, char *remote_ip, char *local_ip, int remote_port,
                                  int local_port)
{
    struct os_call *c = owner;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    if (c->was_sent) {
        c->err = ERR_CLOSED;
        return CURL_PREREQFUNC_ABORT;
    }
    c->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- what libcurl is told ---- */

/* Only tells how much room the lines below will need. */
static size_t os_call_fields_len(const struct http_call *call)
{
    size_t len = 64; /* for what is added to them */
    for (size_t i = 0; i < call->fields_count; i++)
        len += call->fields[i].name.len + call->fields[i].value.len + 3;
    return len;
}

/* One more line of the list that libcurl is handed. There is room for its bytes, so they stay where they are. */
static void os_field_add(struct os_call *c, struct bytes name, const char *mark, struct bytes value)
{
    struct curl_slist *node = &c->fields[c->fields_count];
    ASSERT(c->fields_count < OS_CALL_FIELDS_MAX);
    *node = (struct curl_slist){ .data = (char *)c->field_lines.data + c->field_lines.len };
    buf_append(&c->field_lines, name.data, name.len);
    buf_append_text(&c->field_lines, mark);
    buf_append(&c->field_lines, value.data, value.len);
    buf_put_u8(&c->field_lines, 0);
    if (c->fields_count > 0)
        node[-1].next = node;
    c->fields_count += 1;
}

static void os_field_add_text(struct os_call *c, const char *line)
{
    static const struct bytes nothing;
    os_field_add(c, (struct bytes){ line, strlen(line) }, "", nothing);
}

/* Our fields, and none of libcurl's own. */
static int os_call_put_fields(struct os_call *c, bool has_body, bool tells_empty)
{
    const struct http_call *call = c->call;
    ASSERT(call->fields_count <= LIMIT_HTTP_HEADERS_COUNT);
    if (buf_reserve(&c->field_lines, os_call_fields_len(call)) == NULL)
        return ERR_NOMEM;
    if (has_body)
        os_field_add_text(c, "Expect:"); /* or each upload waits a second for a 100 */
    if (http_field_value(call->fields, call->fields_count, "Accept").data == NULL)
        os_field_add_text(c, "Accept:");
    for (size_t i = 0; i < call->fields_count; i++) {
        const struct http_field *field = &call->fields[i];
        ASSERT(!http_name_is(field->name, "Content-Length") &&
               !http_name_is(field->name, "Transfer-Encoding"));
        /* ';': a field without value */
        os_field_add(c, field->name, field->value.len > 0 ? ": " : ";", field->value);
    }
    if (tells_empty)
        os_field_add_text(c, "Content-Length: 0");
    ASSERT(c->field_lines.err == OK);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->fields_count > 0 ? c->fields : NULL);
    return OK;
}

static bool os_method_has_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* What libcurl takes it for. A body makes it an "upload": the only kind whose body comes by a callback, chunked when its
 * length is not known. All else is a "get" (half the work), also a POST without content, whose length we say ourselves. */
int os_call_prepare(struct os_call *c)
{
    const struct http_call *call = c->call;
    int64_t len = call->streams_body ? call->body_len : (int64_t)call->body.len;
    curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    if (len != 0) {
        curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(c->easy, CURLOPT_REQUEST_TARGET, call->target); /* not a byte is changed */
    return os_call_put_fields(c, len != 0, len == 0 && os_method_has_body(call->method));
}

static void os_call_put_callbacks(struct os_call *c)
{
    CURL *easy = c->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, os_call_on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, os_call_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, os_call_on_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, c);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, os_call_on_rewind);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, os_call_before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, c);
}

void os_call_equip(struct os_call *c, const struct os_http_client *client)
{
    CURL *easy = c->easy;
    curl_easy_setopt(easy, CURLOPT_CURLU, client->url);
    if (client->unix_path.len > 0)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->unix_path.data);
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, client->ip_version);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, client->options.speaks_tls ? "https" : "http");
    if (client->options.trusts_anyone) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (client->options.ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->options.ca_file);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever http_proxy says in the environment */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)OS_CALL_READ_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)OS_CALL_SEND_BYTES);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(client->options.connect_timeout_us / 1000));
    if (client->options.user_agent != NULL)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, client->options.user_agent);
    os_call_put_callbacks(c);
}

/* ---- how it ended ---- */

int os_call_err(const struct os_call *c, CURLcode code)
{
    if (c->err != OK)
        return c->err;
    if (c->is_canceled)
        return ERR_CANCELED;
    if (c->answer_is_whole)
        return OK;
    switch (code) {
    case CURLE_OK:
        return c->stage == CALL_BODY ? OK : ERR_CLOSED; /* it ended within the head */
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: /* only connecting has a limit of libcurl's */
        return ERR_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_AUTH;
    case CURLE_SSL_CONNECT_ERROR:
        return ERR_CORRUPT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: no status line */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_BAD_FUNCTION_ARGUMENT: /* a Content-Length that is none, say */
        return ERR_CORRUPT;
    default:
        return ERR_CLOSED;
    }
}
