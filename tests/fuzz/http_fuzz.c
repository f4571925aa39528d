/* covers: peer/http/wire/parse.c peer/http/wire/conn.c */
/* Bytes of a client against the server's side of a connection. Beyond "it does not fall over": the
 * same bytes in other pieces must give the same answers. */
#include <stdint.h>
#include <string.h>

#include "http/wire/conn.h"
#include "http/wire/parse.h"
#include "util/assert.h"
#include "util/err.h"

struct talk {
    struct http_conn *conn;
    struct http_exchange *x;
    struct buf body;
    struct buf sent;
    size_t take_max;
};

static void talk_on_body_end(struct http_exchange *x)
{
    struct talk *t = x->owner;
    struct http_field field = { { "X-Body", 6 }, buf_bytes(&t->body) };
    t->x = NULL;
    http_reply_begin(x, 200, NULL, 0, x->request.minor_version > 0 ? -1 : (int64_t)t->body.len);
    http_reply_write(x, t->body.data, t->body.len);
    http_reply_end(x, &field, 1);
}

static void talk_on_end_of_early(struct http_exchange *x)
{
    ((struct talk *)x->owner)->x = NULL;
    http_reply_end(x, NULL, 0);
}

static void talk_on_end_of_bad(struct http_exchange *x)
{
    ((struct talk *)x->owner)->x = NULL;
    http_reply_kill(x);
}

static size_t talk_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct talk *t = x->owner;
    size_t took = len < t->take_max ? len : t->take_max;
    buf_append(&t->body, bytes, took);
    return took;
}

static void talk_on_abort(struct http_exchange *x)
{
    struct talk *t = x->owner;
    t->x = NULL;
}

static void talk_walk(struct talk *t, const struct http_request *r)
{
    struct buf name = { 0 };
    struct buf value = { 0 };
    const char *rest = r->query;
    int err = OK;
    while ((err = http_query_next(&rest, &name, &value)) != ERR_NOT_FOUND) {
        buf_append(&t->body, name.data, name.len);
        if (err == OK && name.len > 0)
            ASSERT(http_request_param(r, buf_text(&name), 0, &value) == OK ||
                   memchr(r->query, '%', strlen(r->query)) != NULL);
    }
    http_request_param(r, "arg", 1, &value);
    buf_deinit(&name);
    buf_deinit(&value);
}

static void talk_on_request(void *owner, struct http_exchange *x)
{
    struct talk *t = owner;
    t->x = x;
    x->owner = t;
    x->on_abort = talk_on_abort;
    buf_clear(&t->body);
    buf_append_text(&t->body, x->request.path);
    talk_walk(t, &x->request);
    if (strncmp(x->request.path, "/n", 2) == 0) {
        t->x = NULL;
        http_reply_begin(x, 404, NULL, 0, 0);
        http_reply_end(x, NULL, 0);
        return;
    }
    if (strncmp(x->request.path, "/s", 2) == 0) {
        x->on_body_end = talk_on_end_of_early;
        http_reply_begin(x, 200, NULL, 0, -1);
        http_reply_write(x, x->request.path, strlen(x->request.path));
        return;
    }
    if (strncmp(x->request.path, "/e", 2) != 0)
        x->on_body = talk_on_body;
    x->on_body_end = strncmp(x->request.path, "/k", 2) == 0 ? talk_on_end_of_bad : talk_on_body_end;
}

static void talk_on_progress(void *owner)
{
    (void)owner;
}

static void talk_send(struct talk *t)
{
    struct bytes out = http_conn_output(t->conn);
    buf_append(&t->sent, out.data, out.len);
    http_conn_output_taken(t->conn, out.len);
}

/* All of the input, in pieces of `piece_len`, of which the handler takes `take_max` at a time. */
static bool talk_run(struct talk *t, const uint8_t *data, size_t size, size_t piece_len)
{
    struct http_conn_options options = {
        .head_bytes_max = 1024, .output_high_bytes = 64, .output_low_bytes = 16, .server = "fuzz"
    };
    struct http_conn_hooks hooks = { talk_on_request, t, talk_on_progress, t };
    ASSERT(http_conn_create(&t->conn, &options, &hooks) == OK);
    http_conn_set_date(t->conn, "today");
    for (size_t at = 0; at < size && !http_conn_was_killed(t->conn);) {
        size_t len = size - at < piece_len ? size - at : piece_len;
        at += http_conn_on_bytes(t->conn, data + at, len);
        if (t->x != NULL)
            http_exchange_resume(t->x);
        talk_send(t);
    }
    bool killed = http_conn_was_killed(t->conn);
    if (size % 2 == 0)
        http_conn_on_eof(t->conn);
    else if (t->x == NULL)
        http_conn_on_timeout(t->conn);
    talk_send(t);
    ASSERT(size % 2 == 1 || http_conn_wants_close(t->conn));
    http_conn_destroy(t->conn);
    ASSERT(t->x == NULL);
    buf_deinit(&t->body);
    return killed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct talk whole = { .take_max = SIZE_MAX };
    struct talk cut = { .take_max = size % 7 + 1 };
    bool whole_killed = talk_run(&whole, data, size, size);
    bool cut_killed = talk_run(&cut, data, size, size % 3 + 1);
    ASSERT(whole_killed == cut_killed);
    ASSERT(bytes_equal(buf_bytes(&whole.sent), buf_bytes(&cut.sent)));
    buf_deinit(&whole.sent);
    buf_deinit(&cut.sent);
    return 0;
}
