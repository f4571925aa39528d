#include "http/wire/stream.h"

#include <string.h>

#include "http/wire/json_reply.h"
#include "util/assert.h"
#include "util/err.h"

enum {
    STREAM_CHUNK_BYTES = 16 * 1024, /* rows gathered before they are handed on */
    STREAM_FIELDS_MAX = 32,
};

static void http_stream_finish(struct http_stream *s)
{
    buf_deinit(&s->rows);
    buf_deinit(&s->error);
    s->x = NULL;
    s->done(s);
}

static void http_stream_begin(struct http_stream *s)
{
    struct http_field all[2 + STREAM_FIELDS_MAX] = { HTTP_FIELD("Content-Type", "application/json"),
                                                     HTTP_FIELD("Trailer", "X-Stream-Error") };
    for (size_t i = 0; i < s->fields_count; i++)
        all[2 + i] = s->fields[i];
    http_reply_begin(s->x, 200, all, 2 + s->fields_count, -1);
}

/* Hands the gathered rows on; the first ones bring the head with them. */
static void http_stream_flush(struct http_stream *s)
{
    if (s->rows.len == 0)
        return;
    if (!s->x->reply_begun)
        http_stream_begin(s);
    s->has_room = http_reply_write(s->x, s->rows.data, s->rows.len);
    buf_clear(&s->rows);
}

/* `error` is "" after a whole list. */
static void http_stream_end(struct http_stream *s, const char *error)
{
    struct http_field trailer = { { "X-Stream-Error", 14 }, { error, strlen(error) } };
    if (s->x->request.minor_version == 0 && error[0] != 0)
        http_reply_kill(s->x);
    else
        http_reply_end(s->x, &trailer, error[0] == 0 && s->is_kubo_like ? 0 : 1);
}

/* There was not one row. */
static void http_stream_end_empty(struct http_stream *s)
{
    if (s->is_kubo_like) {
        http_stream_begin(s);
        http_stream_end(s, "");
        return;
    }
    struct http_field all[1 + STREAM_FIELDS_MAX] = { HTTP_FIELD("Trailer", "X-Stream-Error") };
    for (size_t i = 0; i < s->fields_count; i++)
        all[1 + i] = s->fields[i];
    http_reply_empty(s->x, 204, all, 1 + s->fields_count);
}

static void http_stream_fail(struct http_stream *s)
{
    const char *error = s->rows.err != OK ? err_text(s->rows.err) : buf_text(&s->error);
    if (error[0] == 0)
        error = "unknown error";
    if (s->x->reply_begun)
        http_stream_end(s, error);
    else if (s->refuse != NULL)
        s->refuse(s, error);
    else
        http_reply_error(s->x, s->failure_status != 0 ? s->failure_status : 500, error, s->fields,
                         s->fields_count);
}

/* Rows until there is no room, no row, or no more. */
static enum http_row http_stream_pump(struct http_stream *s)
{
    enum http_row row = HTTP_ROW_WAIT;
    while (s->has_room) {
        row = s->next_row(s, &s->rows);
        if (row == HTTP_ROW_READY && !s->rows_are_raw)
            buf_put_u8(&s->rows, '\n');
        if (s->rows.err != OK)
            return HTTP_ROW_FAILED;
        if (row != HTTP_ROW_READY || s->rows.len >= STREAM_CHUNK_BYTES)
            http_stream_flush(s);
        if (row != HTTP_ROW_READY)
            return row;
    }
    return HTTP_ROW_WAIT;
}

static void http_stream_run(struct http_stream *s)
{
    ASSERT(!s->is_running);
    s->is_running = true;
    enum http_row row = http_stream_pump(s);
    s->is_running = false;
    switch (row) {
    case HTTP_ROW_READY:
    case HTTP_ROW_WAIT:
        return;
    case HTTP_ROW_FAILED:
        http_stream_fail(s);
        break;
    case HTTP_ROW_END:
        if (s->x->reply_begun)
            http_stream_end(s, "");
        else
            http_stream_end_empty(s);
        break;
    }
    http_stream_finish(s);
}

void http_stream_wake(struct http_stream *s)
{
    if (s->has_room)
        http_stream_run(s);
}

static void http_stream_on_drain(struct http_exchange *x)
{
    struct http_stream *s = x->owner;
    s->has_room = true;
    http_stream_run(s);
}

static void http_stream_on_abort(struct http_exchange *x)
{
    http_stream_finish(x->owner);
}

void http_stream_start(struct http_stream *s, struct http_exchange *x)
{
    ASSERT(s->next_row != NULL && s->done != NULL);
    ASSERT(s->fields_count <= STREAM_FIELDS_MAX);
    s->x = x;
    s->is_running = false;
    s->has_room = true;
    x->owner = s;
    x->on_body = NULL;
    x->on_body_end = NULL;
    x->on_drain = http_stream_on_drain;
    x->on_abort = http_stream_on_abort;
    http_stream_run(s);
}
