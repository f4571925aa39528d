/* json_reply.h -- whole answers in JSON.
 *
 * Shape    One document and a newline, as Go's encoder writes it; an error is
 *          {"code":404,"message":"..."}. `fields` are added to the head: configured ones, or a
 *          handler's.
 * Rule     Each of these answers completely: the exchange is not to be touched afterwards.
 * Source   SPEC.md 1.1. */
#ifndef HTTP_WIRE_JSON_REPLY_H
#define HTTP_WIRE_JSON_REPLY_H

#include <stddef.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

/* A document that could not be written (document->err) becomes a 500. */
void http_reply_json(struct http_exchange *x, int status, const struct buf *document,
                     const struct http_field *fields, size_t count);
/* No body; also for 204. */
void http_reply_empty(struct http_exchange *x, int status, const struct http_field *fields,
                      size_t count);
/* message NULL: the status' own name. */
void http_reply_error(struct http_exchange *x, int status, const char *message,
                      const struct http_field *fields, size_t count);
/* The same for an error code: its status, and its words when message is NULL. */
void http_reply_err(struct http_exchange *x, int err, const char *message,
                    const struct http_field *fields, size_t count);

/* The one table from error codes to statuses. */
int http_status_of(int err);

#endif
