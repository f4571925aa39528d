/* exchange.h -- one HTTP request and its answer, seen by whoever answers: REST API, proxy, stand-in
 * IPFS daemon.
 *
 * Shape    The request's head is complete when the handler sees the exchange; its body comes by
 *          on_body. The answer is: begin (status, fields), any number of writes, end (with
 *          trailers, if chunked). It may begin while the body is still arriving.
 * Flow     on_body returns how many bytes it took; fewer stops reading until
 *          http_exchange_resume(). A write takes everything, and answers false above the high-water
 *          mark: wait for on_drain.
 * Owner    The connection (or the simulator) owns the exchange; the handler hangs its state on
 *          `owner` and frees it when exactly one of these happened: it called http_reply_end() or
 *          http_reply_kill(), or on_abort ran. After it the handler must not touch the exchange
 *          again.
 * Hooks    May be NULL: without on_body the body is read and dropped. on_body_end runs once the
 *          whole body was read, also when there is none; whoever takes the exchange over later sees body_over.
 *          Never run from inside a reply call.
 * Errors   Replying twice, or writing before begin, is our bug, and asserts. */
#ifndef HTTP_WIRE_EXCHANGE_H
#define HTTP_WIRE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/assert.h"
#include "util/buf.h"
#include "util/http_field.h"

struct http_request {
    const char *method; /* "GET" */
    const char *target; /* as it came: "/pins/Qm...?local=true" */
    const char *path;   /* the target up to '?', still percent-encoded */
    const char *query;  /* behind '?', "" without one */
    const struct http_field *fields;
    size_t fields_count;
    bool has_body;     /* false for an announced length of 0, too */
    int64_t body_len;  /* -1: chunked */
    int minor_version; /* of HTTP/1.x */
};

struct http_exchange;

struct http_reply_ops {
    void (*begin)(struct http_exchange *x, int status, const struct http_field *fields,
                  size_t count, int64_t body_len);
    bool (*write)(struct http_exchange *x, const void *bytes, size_t len);
    void (*end)(struct http_exchange *x, const struct http_field *trailers, size_t count);
    void (*resume)(struct http_exchange *x);
    /* Break the connection off in the middle: the client must see a failure. */
    void (*kill)(struct http_exchange *x);
};

struct http_exchange {
    struct http_request request;
    /* The handler's. */
    size_t (*on_body)(struct http_exchange *x, const void *bytes, size_t len);
    void (*on_body_end)(struct http_exchange *x);
    void (*on_drain)(struct http_exchange *x);
    void (*on_abort)(struct http_exchange *x); /* the client is gone */
    void *owner;
    const char *user; /* as whom the client was let in; NULL: nobody in particular; for records */
    /* The implementation's. */
    const struct http_reply_ops *ops;
    bool body_over; /* the whole body was read */
    bool reply_begun;
    bool reply_ended;
};

/* body_len -1: chunked (or up to the connection's end for HTTP/1.0). Content-Length,
 * Transfer-Encoding, Connection and Date are the implementation's; all other fields the caller's.
 */
static inline void http_reply_begin(struct http_exchange *x, int status,
                                    const struct http_field *fields, size_t count, int64_t body_len)
{
    ASSERT(!x->reply_begun);
    x->reply_begun = true;
    x->ops->begin(x, status, fields, count, body_len);
}

static inline bool http_reply_write(struct http_exchange *x, const void *bytes, size_t len)
{
    ASSERT(x->reply_begun && !x->reply_ended);
    return len == 0 || x->ops->write(x, bytes, len);
}

static inline void http_reply_end(struct http_exchange *x, const struct http_field *trailers,
                                  size_t count)
{
    ASSERT(x->reply_begun && !x->reply_ended);
    x->reply_ended = true;
    x->ops->end(x, trailers, count);
}

static inline void http_exchange_resume(struct http_exchange *x)
{
    x->ops->resume(x);
}

static inline void http_reply_kill(struct http_exchange *x)
{
    ASSERT(!x->reply_ended);
    x->reply_ended = true;
    x->ops->kill(x);
}

/* The value of a request's header field, case-insensitive name; {NULL, 0} when absent. */
struct bytes http_request_field(const struct http_request *r, const char *name);
/* A query parameter, percent-decoded into `out`: ERR_NOT_FOUND when absent; the first if it stands
 * twice. `nth` counts repetitions from 0. */
int http_request_param(const struct http_request *r, const char *name, unsigned nth,
                       struct buf *out);

#endif
