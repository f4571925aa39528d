/* http_reply.h -- one HTTP answer, read from bytes as they come: status, body, the one trailer that matters.
 *
 * Shape    http_reply_feed() takes bytes in pieces of any size until is_complete.
 * Owner    The reply owns its body.
 * Errors   feed: ERR_CORRUPT, this is no answer. An answer that ends in the middle: is_complete stays false. */
#ifndef SIM_WORLD_HTTP_REPLY_H
#define SIM_WORLD_HTTP_REPLY_H

#include <stdbool.h>

#include "http/wire/parse.h"
#include "util/buf.h"

struct http_reply {
    struct buf head;
    bool head_is_complete;
    bool is_complete;
    int status;
    struct http_body framing;
    struct buf framing_bytes; /* chunk sizes and trailers, as they came */
    struct buf body;
};

void http_reply_deinit(struct http_reply *r);
int http_reply_feed(struct http_reply *r, const void *bytes, size_t len);
/* The number behind a field of the head (its name in lower case, with "\r\n" in front and ':' behind); 0 without. */
bool http_reply_has(const struct http_reply *r, const char *name);
uint64_t http_reply_number(const struct http_reply *r, const char *name);
/* A stream that ended with X-Stream-Error: the answer is not whole. */
bool http_reply_has_stream_error(const struct http_reply *r);

#endif
