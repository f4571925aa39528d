/* conn.h -- the server's side of one HTTP/1.1 connection: bytes in, exchanges out, bytes out. No
 * socket.
 *
 * Shape    One exchange at a time; pipelined requests wait in the input. on_request hands out an
 *          exchange whose head is complete. What is to be sent stands in http_conn_output().
 * Flow     http_conn_on_bytes() returns how many bytes it took; the rest is offered again when
 *          on_progress ran.
 * Owner    The caller owns the connection; the connection owns its exchange and buffers.
 * Errors   A request that is no HTTP, too long (431), or ambiguous (both lengths, two lengths; 400)
 *          is answered here with {"code","message"}, or as the IPFS daemon words its errors (is_kubo_like), and the
 *          connection closes after it.
 * Closing  http_conn_wants_close(): once the output is empty, end the sending side, and drop what
 *          still arrives for a while. A plain close with unread input becomes a reset, and the
 *          client may lose the answer.
 * Keeps    An answer that begins before its request was read closes the connection, unless little
 *          is left to read. A client that waits for "100 Continue" gets it ahead of the answer,
 *          but not ahead of an error.
 * Time     None here: the owner closes connections that are silent too long (http_conn_is_idle,
 *          http_conn_is_answering) and keeps the Date fresh.
 * Source   RFC 9110, 9112. Strict: tokens, lengths and chunk sizes are checked, TE other than
 *          chunked is 501. */
#ifndef HTTP_WIRE_CONN_H
#define HTTP_WIRE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

struct http_conn_hooks {
    void (*on_request)(void *owner, struct http_exchange *x);
    void *owner;
    /* There is output to send, input may be offered again, or the connection wants to close: look.
     * May run from inside any reply call, so it only marks; it must not call back into the
     * connection. */
    void (*on_progress)(void *progress_owner);
    void *progress_owner;
};

/* What there is to say of a request when it is over: answered, refused, or broken off. */
struct http_record {
    const struct http_request *request; /* NULL: what came was none */
    const char *remote;                 /* the client's address; NULL: not known */
    const char *user;                   /* NULL: nobody in particular */
    int status;                         /* 0: there was no answer */
    uint64_t body_bytes; /* of the answer, as far as it was given to the connection */
};

struct http_conn_options {
    size_t head_bytes_max;    /* beyond it 431 */
    size_t output_high_bytes; /* http_reply_write() answers false above it */
    size_t output_low_bytes;  /* on_drain below it */
    const char *server;       /* value of the Server field; NULL: none */
    bool is_kubo_like;        /* what is refused here: {"Message","Code","Type"} */
    /* Writes fields that each answer of an exchange has, whoever makes it; NULL: none. `owner` is that of
     * on_request. */
    void (*put_fields)(void *owner, const struct http_exchange *x, int status, struct buf *out);
    /* Runs once a request, when it is over; NULL: nobody asks. May run from inside any call; it must not call back
     * into the connection. `owner` is that of on_request. */
    void (*on_record)(void *owner, const struct http_record *record);
};

struct http_conn;

int http_conn_create(struct http_conn **out, const struct http_conn_options *options,
                     const struct http_conn_hooks *hooks);
/* The text of the Date field, which the owner rewrites in place as time passes; NULL (as at first):
 * none. */
void http_conn_set_date(struct http_conn *c, const char *text);
/* The client's address, for records; the text is the caller's, and lives as long as the connection. */
void http_conn_set_remote(struct http_conn *c, const char *text);
/* A running exchange gets on_abort first. */
void http_conn_destroy(struct http_conn *c);
size_t http_conn_on_bytes(struct http_conn *c, const void *bytes, size_t len);
/* The other side will send no more. A running exchange is aborted, for this is how a client that
 * gave up looks; an answer that stands complete in the output is still worth sending. */
void http_conn_on_eof(struct http_conn *c);
/* The owner's patience has ended. What runs is aborted; 408 if the request has begun and was not
 * answered yet. */
void http_conn_on_timeout(struct http_conn *c);
struct bytes http_conn_output(const struct http_conn *c);
void http_conn_output_taken(struct http_conn *c, size_t len);
bool http_conn_wants_close(const struct http_conn *c);
bool http_conn_was_killed(const struct http_conn *c);   /* close with a reset, at once */
bool http_conn_is_idle(const struct http_conn *c);      /* between requests, nothing to send */
bool http_conn_is_answering(const struct http_conn *c); /* an exchange runs */
bool http_conn_is_reading(const struct http_conn *c);   /* its request has not come to the end */
uint64_t http_conn_requests_count(const struct http_conn *c); /* handed out so far */
/* Would http_conn_on_bytes() take nothing now? */
bool http_conn_is_paused(const struct http_conn *c);

#endif
