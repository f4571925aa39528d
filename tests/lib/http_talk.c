#include "tests/lib/http_talk.h"

#include <stdint.h>

#include "util/assert.h"
#include "util/err.h"

static void http_talk_on_request(void *owner, struct http_exchange *x)
{
    struct http_talk *t = owner;
    t->on_request(t->owner, x);
}

static void http_talk_on_progress(void *owner)
{
    (void)owner;
}

static void http_talk_put_fields(void *owner, const struct http_exchange *x, int status,
                                 struct buf *out)
{
    struct http_talk *t = owner;
    if (t->put_fields != NULL)
        t->put_fields(t->owner, x, status, out);
}

void http_talk_open(struct http_talk *t, size_t output_high_bytes)
{
    struct http_conn_options options = { .head_bytes_max = 4096,
                                         .output_high_bytes = output_high_bytes,
                                         .output_low_bytes = output_high_bytes / 4,
                                         .is_kubo_like = t->is_kubo_like,
                                         .put_fields = http_talk_put_fields };
    struct http_conn_hooks hooks = { http_talk_on_request, t, http_talk_on_progress, NULL };
    ASSERT(http_conn_create(&t->conn, &options, &hooks) == OK);
}

void http_talk_close(struct http_talk *t)
{
    http_conn_destroy(t->conn);
    t->conn = NULL;
    buf_deinit(&t->waiting);
    buf_deinit(&t->sent);
}

void http_talk_receive(struct http_talk *t, const char *text)
{
    buf_append_text(&t->waiting, text);
    size_t took = http_conn_on_bytes(t->conn, t->waiting.data, t->waiting.len);
    buf_consume(&t->waiting, took);
}

void http_talk_send(struct http_talk *t, size_t len_max)
{
    struct bytes out = http_conn_output(t->conn);
    size_t len = out.len < len_max ? out.len : len_max;
    buf_append(&t->sent, out.data, len);
    http_conn_output_taken(t->conn, len);
}

const char *http_talk_ask(struct http_talk *t, const char *text)
{
    buf_clear(&t->sent);
    http_talk_receive(t, text);
    while (http_conn_output(t->conn).len > 0) {
        http_talk_send(t, SIZE_MAX);
        http_talk_receive(t, "");
    }
    return buf_text(&t->sent);
}
