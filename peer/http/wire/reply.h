/* reply.h -- the bytes of an answer: status line, fields, chunks, trailers.
 *
 * Shape    Everything is appended to a buf, whose err tells at the end whether all went well.
 * Errors   A value may come from outside (the text of an error): CR, LF and NUL in it become spaces,
 *          so that no value can end a line. */
#ifndef HTTP_WIRE_REPLY_H
#define HTTP_WIRE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/http_field.h"

/* "Not Found"; "" for a status without a name here. */
const char *http_status_text(int status);
/* An answer that never has a body: 1xx, 204, 304. */
bool http_status_is_bodiless(int status);

void http_put_status_line(struct buf *out, int status);
void http_put_field(struct buf *out, struct bytes name, struct bytes value);
void http_put_field_text(struct buf *out, const char *name, const char *value);
void http_put_head_end(struct buf *out);
/* Nothing for no bytes: an empty chunk would end the body. */
void http_put_chunk(struct buf *out, const void *bytes, size_t len);
void http_put_last_chunk(struct buf *out, const struct http_field *trailers, size_t count);

#endif
