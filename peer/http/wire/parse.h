/* parse.h -- the bytes of a request: the head cut into words and fields, the body freed of its
 * framing, percent-encoding undone. Strict: what two readers could understand in two ways is
 * refused.
 *
 * Shape    struct http_head collects bytes up to the empty line and parses them then; struct
 *          http_body steps over framing and says how many of the next bytes are content. Both take
 *          bytes in pieces of any size, and the cut changes nothing.
 * Owner    The head owns its bytes and the fields that point into them; http_head_reset() frees.
 * Errors   A head that is refused says so by `refusal`: the status to answer, and one sentence.
 * Limits   LIMIT_HTTP_HEADERS_COUNT fields; lengths of 18 digits; 15 hex digits a chunk.
 * Source   RFC 9112 §2 to §7, RFC 9110 §5. Choices: a bare CR or LF, folded lines, both or two
 *          lengths: 400. TE other than chunked: 501. Chunk extensions and trailers are checked and
 *          dropped: nobody here reads them. */
#ifndef HTTP_WIRE_PARSE_H
#define HTTP_WIRE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "util/buf.h"
#include "util/http_field.h"

struct http_refusal {
    int status; /* 0: nothing to refuse */
    const char *why;
};

enum http_head_at {
    HTTP_HEAD_LINE_START,
    HTTP_HEAD_LINE,
    HTTP_HEAD_LINE_END,  /* a line's LF must come */
    HTTP_HEAD_EMPTY_LINE /* the LF of the empty line must come */
};

struct http_head {
    struct buf bytes; /* as it came; parsing puts NULs behind the words of the first line */
    struct buf words; /* path and query, each with a NUL behind it */
    struct http_field *fields;
    enum http_head_at at;
    size_t lines_count;
    bool blank_skipped; /* one empty line before a request is forgiven (RFC 9112 §2.2) */
    bool is_complete;
    struct http_refusal refusal;
    /* What it says, once complete. */
    struct http_request request;
    bool keeps_alive;
    bool expects_continue;
};

void http_head_reset(struct http_head *h); /* {0}, and its memory freed */
/* Takes bytes up to the head's end and returns how many; then is_complete or refusal is set. */
size_t http_head_feed(struct http_head *h, size_t bytes_max, const void *bytes, size_t len);
static inline bool http_head_is_empty(const struct http_head *h)
{
    return h->bytes.len == 0;
}

enum http_body_at {
    HTTP_BODY_CONTENT, /* `left` bytes of it; of this chunk, if chunked */
    HTTP_BODY_CHUNK_SIZE,
    HTTP_BODY_CHUNK_EXTENSION,
    HTTP_BODY_CHUNK_SIZE_LF,
    HTTP_BODY_CHUNK_CR,
    HTTP_BODY_CHUNK_LF,
    HTTP_BODY_TRAILER_START,
    HTTP_BODY_TRAILER_NAME,
    HTTP_BODY_TRAILER_VALUE,
    HTTP_BODY_TRAILER_LF,
    HTTP_BODY_LAST_LF,
    HTTP_BODY_COMPLETE,
    HTTP_BODY_BROKEN
};

struct http_body {
    enum http_body_at at;
    bool is_chunked;
    uint64_t left;
    uint32_t digits_count;
    uint32_t framing_len; /* of this chunk's line, or of all trailers */
};

void http_body_begin(struct http_body *b, int64_t body_len); /* -1: chunked */
/* Steps over framing; returns how many bytes that took. */
size_t http_body_skip_framing(struct http_body *b, const void *bytes, size_t len);
/* How many of the next `len` bytes are content. */
size_t http_body_content(const struct http_body *b, size_t len);
void http_body_took(struct http_body *b, size_t len);

/* Appends the decoded text. ERR_INVALID for a broken escape and for %00, which no text of ours may
 * hold. */
int http_percent_decode(struct buf *out, const char *text, size_t len, bool plus_is_space);
/* One pair of a query, decoded into the two cleared bufs; *rest moves on. ERR_NOT_FOUND at the end;
 * ERR_INVALID for a broken escape (the walk may go on). */
int http_query_next(const char **rest, struct buf *name, struct buf *value);

bool http_is_token_char(uint8_t c);

#endif
