/* multipart.h -- a multipart/form-data body looked at while it passes: where its parts begin and end, and whether
 * it came whole. Nothing of it is changed or kept.
 *
 * Shape    Feed the body in pieces of any size; the cut changes nothing. on_part runs when a part's header is
 *          complete, on_content for each piece of its content.
 * Reads    What Kubo's reader reads: lines end in CRLF, "--boundary" may stand at the very beginning of the body and
 *          of a part's content without one, blanks may follow it. A line that only begins like the boundary is content.
 * Owner    The caller owns the struct and deinits it. Bytes handed to a hook live until it returns.
 * Errors   ERR_INVALID it is no such body; sticks. http_multipart_end(): ERR_CLOSED it ends before its closing boundary.
 * Limits   HTTP_MULTIPART_HEAD_BYTES_MAX a part's header; a boundary has 1 to HTTP_MULTIPART_BOUNDARY_MAX characters.
 * Source   RFC 2046 §5.1, RFC 7578. */
#ifndef HTTP_WIRE_MULTIPART_H
#define HTTP_WIRE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

enum { HTTP_MULTIPART_BOUNDARY_MAX = 70, HTTP_MULTIPART_HEAD_BYTES_MAX = 16 * 1024 };

enum http_multipart_at {
    HTTP_MULTIPART_PREAMBLE, /* before the first boundary */
    HTTP_MULTIPART_CONTENT,
    HTTP_MULTIPART_BEHIND,  /* a boundary: "--", or blanks and the line's end */
    HTTP_MULTIPART_DASH,    /* one '-' of the two came */
    HTTP_MULTIPART_PADDING, /* blanks, and then the line's end */
    HTTP_MULTIPART_LF,
    HTTP_MULTIPART_HEAD,
    HTTP_MULTIPART_CLOSED,
    HTTP_MULTIPART_BROKEN,
};

struct http_multipart {
    /* The caller's; may be NULL. */
    void (*on_part)(void *owner, struct bytes head);
    void (*on_content)(void *owner, const void *bytes, size_t len);
    void *owner;
    /* The reader's. */
    size_t parts_count;
    enum http_multipart_at at;
    char delimiter[4 + HTTP_MULTIPART_BOUNDARY_MAX]; /* CR LF - - boundary */
    size_t delimiter_len;
    size_t matched; /* of the delimiter */
    size_t
        assumed; /* of that, what did not really come: the CRLF at the beginning of a body or content */
    struct buf head;
};

/* The boundary that a Content-Type names, into `out`. ERR_INVALID: it is not multipart/form-data, or names none. */
int http_multipart_boundary(struct bytes content_type, char out[HTTP_MULTIPART_BOUNDARY_MAX + 1]);
void http_multipart_init(struct http_multipart *m, const char *boundary);
void http_multipart_deinit(struct http_multipart *m);
int http_multipart_feed(struct http_multipart *m, const void *bytes, size_t len);
/* The body is over. */
int http_multipart_end(const struct http_multipart *m);
/* The name that a part's header gives the file, percent-decoding undone; appended. ERR_NOT_FOUND: none. */
int http_multipart_file_name(struct bytes head, struct buf *out);

#endif
