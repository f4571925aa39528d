/* http_client.h -- requests to this peer's IPFS daemon, streaming both ways (DESIGN 16).
 *
 * Shape    One struct http_call, one request. The request's body is either `body` (whole, known) or
 *          pushed in pieces by http_client_write()/http_client_end() when `streams_body` is set.
 *          The answer arrives by hooks: on_head once, on_body any number of times, on_trailer, then
 *          done exactly once.
 * Flow     write takes fewer bytes than offered when its buffer is full; on_drain says "go on".
 *          pause stops on_body (at most one more piece may come), resume starts it again.
 * Owner    The caller owns the call and all it points at until done() ran, and may reuse it then.
 *          Bytes handed to a hook live until it returns. Copies are made of nothing but the pieces
 *          of http_client_write().
 * Errors   start: ERR_BUSY (too many calls under way). By done(): OK the answer was complete,
 *          whatever its status; ERR_UNREACHABLE not connected, ERR_CLOSED broken off (before or in
 *          the middle of the answer), ERR_TIMEOUT (`head_timeout_us`), ERR_CANCELED, ERR_CORRUPT no
 *          HTTP.
 * Hooks    Never from inside start, write, end, pause, resume; cancel makes done(ERR_CANCELED) run
 *          later, once, and no other hook before it. Repeating a call that broke is the caller's
 *          decision: an implementation never sends a request twice. */
#ifndef PORT_HTTP_CLIENT_H
#define PORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/assert.h"
#include "util/buf.h"
#include "util/http_field.h"
#include "util/list.h"

struct http_call {
    /* The request. */
    const char *method;
    const char *target; /* path and query, percent-encoded: "/api/v0/pin/ls?type=recursive" */
    const struct http_field *fields;
    size_t fields_count;
    struct bytes body;
    bool streams_body;
    int64_t body_len;         /* with streams_body: announced length, or -1 for chunked */
    uint64_t head_timeout_us; /* from start to the answer's head; 0: none */
    /* The answer. Each hook may be NULL but done. */
    void (*on_head)(struct http_call *call, int status, const struct http_field *fields,
                    size_t count);
    void (*on_body)(struct http_call *call, const void *bytes, size_t len);
    void (*on_trailer)(struct http_call *call, const struct http_field *fields, size_t count);
    void (*on_drain)(struct http_call *call);
    void (*done)(struct http_call *call, int err);
    void *owner;
    /* The implementation's, while the call is under way. */
    struct list_link link;
    void *state;
};

struct http_client_ops {
    int (*start)(void *impl, struct http_call *call);
    size_t (*write)(void *impl, struct http_call *call, const void *bytes, size_t len);
    void (*end)(void *impl, struct http_call *call);
    void (*pause)(void *impl, struct http_call *call);
    void (*resume)(void *impl, struct http_call *call);
    void (*cancel)(void *impl, struct http_call *call);
};

struct http_client {
    const struct http_client_ops *ops;
    void *impl;
};

static inline int http_client_start(struct http_client *c, struct http_call *call)
{
    ASSERT(call->method != NULL && call->target != NULL && call->done != NULL);
    ASSERT(!call->streams_body || call->body.len == 0);
    return c->ops->start(c->impl, call);
}

/* How many of the bytes were taken (copied). */
static inline size_t http_client_write(struct http_client *c, struct http_call *call,
                                       const void *bytes, size_t len)
{
    ASSERT(call->streams_body);
    return c->ops->write(c->impl, call, bytes, len);
}

static inline void http_client_end(struct http_client *c, struct http_call *call)
{
    ASSERT(call->streams_body);
    c->ops->end(c->impl, call);
}

static inline void http_client_pause(struct http_client *c, struct http_call *call)
{
    c->ops->pause(c->impl, call);
}

static inline void http_client_resume(struct http_client *c, struct http_call *call)
{
    c->ops->resume(c->impl, call);
}

static inline void http_client_cancel(struct http_client *c, struct http_call *call)
{
    c->ops->cancel(c->impl, call);
}

#endif
