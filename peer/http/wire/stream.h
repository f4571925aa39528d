/* stream.h -- a list as an answer: one JSON object a line, as long as the list may be, in little
 * memory.
 *
 * Shape    The stream asks next_row for one row after another while the connection has room, and
 *          goes on by itself when it has room again. A row that is not there yet: HTTP_ROW_WAIT,
 *          then http_stream_wake(). Rows that come at once share a chunk.
 * Answers  No row at all: 204. Failed before the first row: an error document. Failed later: the
 *          status is out, so the trailer X-Stream-Error says it (HTTP/1.0 has none: there the
 *          connection breaks). After a whole list the trailer is there and empty.
 * Owner    The caller owns the stream until done() ran, exactly once, when the answer is complete
 *          or the client has gone. `fields` live as long.
 * Hooks    done() may run from inside http_stream_start() and http_stream_wake(), as their last
 *          act; next_row() must not call either.
 * Source   SPEC.md 1.8. */
#ifndef HTTP_WIRE_STREAM_H
#define HTTP_WIRE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

enum http_row {
    HTTP_ROW_READY, /* `out` holds one document, without a newline */
    HTTP_ROW_WAIT,
    HTTP_ROW_END,
    HTTP_ROW_FAILED /* the words are in s->error */
};

struct http_stream {
    /* The caller's. */
    enum http_row (*next_row)(struct http_stream *s, struct buf *out); /* appends */
    void (*done)(struct http_stream *s);
    void *owner;
    const struct http_field *fields; /* for the head */
    size_t fields_count;
    int failure_status; /* of a failure before the first row; 0: 500 */
    /* As IPFS daemons do it: no row at all is a 200 without a body, and a whole list has no trailer. */
    bool is_kubo_like;
    bool rows_are_raw; /* no newline is added */
    /* Answers a failure before the first row in other words; NULL: the usual document. */
    void (*refuse)(struct http_stream *s, const char *error);
    struct buf error; /* appended by next_row */
    /* The stream's. */
    struct http_exchange *x;
    struct buf rows; /* written by next_row, not yet handed to the connection */
    bool is_running;
    bool has_room;
};

/* Takes the exchange over: its owner and hooks are the stream's from now on. */
void http_stream_start(struct http_stream *s, struct http_exchange *x);
void http_stream_wake(struct http_stream *s);

#endif
