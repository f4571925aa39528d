#include "http/wire/json_reply.h"

#include "http/wire/reply.h"
#include "util/err.h"
#include "util/json.h"

enum { JSON_REPLY_FIELDS_MAX = 32 };

/* The head with Content-Type in front of the caller's fields. */
static void http_reply_json_head(struct http_exchange *x, int status,
                                 const struct http_field *fields, size_t count, int64_t body_len)
{
    struct http_field all[1 + JSON_REPLY_FIELDS_MAX] = { HTTP_FIELD("Content-Type",
                                                                    "application/json") };
    ASSERT(count <= JSON_REPLY_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        all[1 + i] = fields[i];
    http_reply_begin(x, status, all, 1 + count, body_len);
}

void http_reply_json(struct http_exchange *x, int status, const struct buf *document,
                     const struct http_field *fields, size_t count)
{
    if (document->err != OK) {
        http_reply_error(x, 500, err_text(document->err), fields, count);
        return;
    }
    http_reply_json_head(x, status, fields, count, (int64_t)document->len + 1);
    http_reply_write(x, document->data, document->len);
    http_reply_write(x, "\n", 1);
    http_reply_end(x, NULL, 0);
}

void http_reply_empty(struct http_exchange *x, int status, const struct http_field *fields,
                      size_t count)
{
    http_reply_json_head(x, status, fields, count, 0);
    http_reply_end(x, NULL, 0);
}

void http_reply_error(struct http_exchange *x, int status, const char *message,
                      const struct http_field *fields, size_t count)
{
    struct buf document = { 0 };
    struct json_writer w = json_writer_to(&document);
    json_object_begin(&w);
    json_key_i64(&w, "code", status);
    json_key_string(&w, "message", message != NULL ? message : http_status_text(status));
    json_object_end(&w);
    if (document.err == OK)
        http_reply_json(x, status, &document, fields, count);
    else
        http_reply_empty(x, status, NULL, 0); /* not even memory for the words */
    buf_deinit(&document);
}

void http_reply_err(struct http_exchange *x, int err, const char *message,
                    const struct http_field *fields, size_t count)
{
    http_reply_error(x, http_status_of(err), message != NULL ? message : err_text(err), fields,
                     count);
}

int http_status_of(int err)
{
    switch ((enum err)err) {
    case OK:
        return 200;
    case ERR_INVALID:
        return 400;
    case ERR_AUTH:
        return 401;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_EXISTS:
    case ERR_STALE:
    case ERR_FOREIGN:
        return 409;
    case ERR_TOO_BIG:
        return 413;
    case ERR_UNSUPPORTED:
        return 501;
    case ERR_UNREACHABLE:
        return 502;
    case ERR_NOMEM:
    case ERR_BUSY:
    case ERR_FULL:
    case ERR_NO_LEADER:
    case ERR_NOT_LEADER:
    case ERR_NOT_ENOUGH_PEERS:
    case ERR_CANCELED: /* only a stopping peer cancels what a client waits for */
        return 503;
    case ERR_OUTCOME_UNKNOWN:
    case ERR_TIMEOUT:
        return 504;
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_REFUSED:
    case ERR_CLOSED:
    case ERR_MORE:
    case ERR_VERSION:
        return 500;
    }
    return 500;
}
