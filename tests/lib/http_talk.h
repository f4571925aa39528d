/* http_talk.h -- a client of an http_conn without a socket: text in, text out. */
#ifndef TESTS_LIB_HTTP_TALK_H
#define TESTS_LIB_HTTP_TALK_H

#include "http/wire/conn.h"
#include "util/buf.h"

struct http_talk {
    struct http_conn *conn;
    void (*on_request)(void *owner, struct http_exchange *x);
    void *owner;
    /* The connection's, with this owner; NULL: none. */
    void (*put_fields)(void *owner, const struct http_exchange *x, int status, struct buf *out);
    bool is_kubo_like;  /* the connection's */
    struct buf waiting; /* input that the connection did not take yet */
    struct buf sent;    /* all output so far */
};

/* on_request and owner are set before. */
void http_talk_open(struct http_talk *t, size_t output_high_bytes);
void http_talk_close(struct http_talk *t);
/* Offers what waits and the text. */
void http_talk_receive(struct http_talk *t, const char *text);
/* Takes up to `len_max` bytes of output. */
void http_talk_send(struct http_talk *t, size_t len_max);
/* Asks, takes all output until nothing moves, and gives what was answered to this. */
const char *http_talk_ask(struct http_talk *t, const char *text);

#endif
