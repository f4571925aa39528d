/* api_rows.c -- a list that is told one row after another, as the rows of an answer. */
#include "http/api/api_int.h"

static void api_rows_destroy(struct api_rows *rows)
{
    if (rows->listing != NULL)
        rows->kind->close(rows);
    buf_deinit(&rows->stream.error);
    arena_deinit(&rows->arena);
    mem_free(rows);
}

static void api_rows_done(struct http_stream *stream)
{
    api_rows_destroy(stream->owner);
}

static enum http_row api_rows_next(struct http_stream *stream, struct buf *out)
{
    struct api_rows *rows = stream->owner;
    struct json_writer json = json_writer_to(out);
    arena_reset(&rows->arena);
    switch (rows->kind->next(rows, &json)) {
    case API_NEXT_ROW:
        return HTTP_ROW_READY;
    case API_NEXT_WAIT:
        return HTTP_ROW_WAIT;
    case API_NEXT_END:
        return HTTP_ROW_END;
    case API_NEXT_FAILED:
        break;
    }
    buf_append_text(&stream->error, rows->kind->failed);
    return HTTP_ROW_FAILED;
}

struct api_rows *api_rows_create(struct api *api, const struct api_rows_kind *kind)
{
    struct api_rows *rows = mem_zalloc(sizeof(*rows));
    if (rows == NULL)
        return NULL;
    rows->api = api;
    rows->kind = kind;
    rows->stream.owner = rows;
    rows->stream.next_row = api_rows_next;
    rows->stream.done = api_rows_done;
    return rows;
}

void api_rows_wake(void *owner)
{
    struct api_rows *rows = owner;
    http_stream_wake(&rows->stream);
}

void api_rows_answer(struct api_rows *rows, struct http_exchange *x, int err, const char *why)
{
    if (err == OK) {
        http_stream_start(&rows->stream, x);
        return;
    }
    api_reply_err(x, err, why);
    if (rows != NULL)
        api_rows_destroy(rows);
}
