#include "http/wire/collect.h"

#include "http/wire/json_reply.h"
#include "util/err.h"

static void http_collect_gone(struct http_collect *c)
{
    buf_deinit(&c->body);
    c->on_gone(c);
}

static void http_collect_refuse(struct http_collect *c, struct http_exchange *x, int err)
{
    http_reply_err(x, err, err == ERR_TOO_BIG ? "request body too large" : NULL, c->fields,
                   c->fields_count);
    http_collect_gone(c);
}

static size_t http_collect_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct http_collect *c = x->owner;
    buf_append(&c->body, bytes, len);
    if (c->body.err != OK)
        http_collect_refuse(c, x, c->body.err);
    return len;
}

static void http_collect_on_body_end(struct http_exchange *x)
{
    struct http_collect *c = x->owner;
    struct buf body = c->body;
    c->body = (struct buf){ 0 };
    x->on_body = NULL;
    x->on_body_end = NULL;
    x->on_abort = NULL;
    c->on_whole(c, x, buf_bytes(&body));
    buf_deinit(&body);
}

static void http_collect_on_abort(struct http_exchange *x)
{
    http_collect_gone(x->owner);
}

void http_collect_start(struct http_collect *c, struct http_exchange *x, size_t len_max)
{
    c->body = (struct buf){ .limit = len_max };
    x->owner = c;
    x->on_body = http_collect_on_body;
    x->on_body_end = http_collect_on_body_end;
    x->on_abort = http_collect_on_abort;
    if (x->request.body_len > (int64_t)len_max)
        http_collect_refuse(c, x, ERR_TOO_BIG);
}
