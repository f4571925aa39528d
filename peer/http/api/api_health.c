/* api_health.c -- /health/alerts, /health/bandwidth, /repair/plan: what is wrong, and what will be done about it. */
#include "http/api/api_int.h"

API_HANDLER(api_get_alerts)
{
    (void)params;
    struct api *api = owner;
    if (!api_hears(api, x, false))
        return;
    struct arena arena = { 0 };
    const struct api_alert *alerts;
    size_t count;
    int err = api->ops->alerts(api->impl, &arena, &alerts, &count);
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        json_array_begin(&json);
        for (size_t i = 0; i < count; i++)
            api_write_alert(&json, &alerts[i]);
        json_array_end(&json);
        api_reply_json(x, 200, &document);
    } else {
        api_reply_err(x, err, NULL);
    }
    arena_deinit(&arena);
}

/* ---- GET /health/bandwidth ---- */

API_HANDLER(api_get_bandwidth)
{
    (void)params;
    struct api *api = owner;
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    struct api_bandwidth b;
    json_object_begin(&json);
    for (size_t i = 0; api->ops->bandwidth(api->impl, i, &b); i++) {
        json_key(&json, b.name);
        json_object_begin(&json);
        json_key_u64(&json, "total_in", b.total_in);
        json_key_u64(&json, "total_out", b.total_out);
        json_key_u64(&json, "rate_in", b.rate_in);
        json_key_u64(&json, "rate_out", b.rate_out);
        json_object_end(&json);
    }
    json_object_end(&json);
    api_reply_json(x, 200, &document);
}

/* ---- GET /repair/plan: a line a pin ---- */

struct api_moves {
    struct api *api;
    struct api_plan *plan;
    struct http_stream stream;
    struct arena arena;
};

static void api_moves_done(struct http_stream *stream)
{
    struct api_moves *m = stream->owner;
    m->api->ops->plan_close(m->plan);
    buf_deinit(&stream->error);
    arena_deinit(&m->arena);
    mem_free(m);
}

static enum http_row api_moves_row(struct http_stream *stream, struct buf *out)
{
    struct api_moves *m = stream->owner;
    struct api_move move;
    int err;
    do {
        arena_reset(&m->arena);
        err = m->api->ops->plan_next(m->plan, &m->arena, &move);
    } while (err == ERR_MORE);
    if (err == ERR_NOT_FOUND)
        return HTTP_ROW_END;
    if (err != OK) {
        buf_append_text(&stream->error, err_text(err));
        return HTTP_ROW_FAILED;
    }
    struct json_writer json = json_writer_to(out);
    api_write_move(&json, &move);
    return HTTP_ROW_READY;
}

API_HANDLER(api_get_repair_plan)
{
    (void)params;
    struct api *api = owner;
    if (!api_hears(api, x, false))
        return;
    struct api_moves *m = mem_zalloc(sizeof(*m));
    int err = m == NULL ? ERR_NOMEM : api->ops->plan_open(api->impl, &m->plan);
    if (err != OK) {
        api_reply_err(x, err, NULL);
        mem_free(m);
        return;
    }
    m->api = api;
    m->stream.owner = m;
    m->stream.next_row = api_moves_row;
    m->stream.done = api_moves_done;
    http_stream_start(&m->stream, x);
}
