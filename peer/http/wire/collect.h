/* collect.h -- a request's body, whole, in memory: for small documents.
 *
 * Shape    http_collect_start() takes the exchange over; on_whole runs once with the body, and the
 *          exchange is the caller's again. A body beyond len_max is answered with 413 here.
 * Owner    The caller owns the struct until on_whole or on_gone ran, exactly one of them, once.
 * Hooks    Either may run from inside http_collect_start() (no body, or too long by announcement). */
#ifndef HTTP_WIRE_COLLECT_H
#define HTTP_WIRE_COLLECT_H

#include <stddef.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

struct http_collect {
    /* The caller's. */
    void (*on_whole)(struct http_collect *c, struct http_exchange *x, struct bytes body);
    void (*on_gone)(struct http_collect *c); /* the client has left, or was refused */
    void *owner;
    const struct http_field *fields; /* for the head of a 413 */
    size_t fields_count;
    /* The collector's. */
    struct buf body;
};

void http_collect_start(struct http_collect *c, struct http_exchange *x, size_t len_max);

#endif
