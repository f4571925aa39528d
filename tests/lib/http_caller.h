/* http_caller.h -- both ends of a test of http_client: a daemon whose answer the path chooses, and a
 * caller who notes everything and checks that each hook runs when it may. */
#ifndef TESTS_LIB_HTTP_CALLER_H
#define TESTS_LIB_HTTP_CALLER_H

#include <stdint.h>

#include "tests/lib/http_fixture.h"
#include "util/buf.h"

/* /whole answers with what was asked, /echo with the body while it comes, /204, /zero, /refuse at
 * once; at /hold the test answers. */
struct http_daemon {
    struct http_exchange *x; /* the last one that runs */
    struct buf body;
    int requests_count;
    int body_ends_count;
    int aborts_count;
    bool is_full; /* /echo: its answer stands in the way */
    bool holds;   /* on_body takes nothing */
};
extern struct http_daemon daemon_;

void daemon_on_request(void *owner, struct http_exchange *x);
void daemon_answer(struct http_exchange *x, int status, const char *text);

struct caller {
    struct http_fixture *fx;
    struct http_call call;
    int heads_count;
    int status;
    struct buf fields; /* "name=value\n" */
    struct buf body;
    struct buf trailer; /* as fields */
    int pieces_count;
    int drains_count;
    int dones_count;
    int err;
    char cancels_at; /* 'h' head, 'b' body, 't' trailer */
    bool pauses_at_each_piece;
    bool is_over; /* no hook may run any more but done */
    uint64_t upload_sent;
    uint64_t upload_len;
};

void caller_init(struct caller *c, struct http_fixture *fx, const char *method, const char *target);
void caller_deinit(struct caller *c);
/* The port's functions, with a check that no hook runs from inside them. */
int caller_start(struct caller *c);
size_t caller_write(struct caller *c, const void *bytes, size_t len);
void caller_do(struct caller *c, void (*what)(struct http_client *, struct http_call *));
void caller_cancel(struct caller *c);
/* Pushes the generated body on (upload_len bytes of it), as far as it goes, and ends it. */
void caller_push(struct caller *c);
uint8_t upload_byte(uint64_t at);

void turn(struct http_fixture *fx);
void turn_some(struct http_fixture *fx);
void finish(struct caller *c);     /* waits for done() */
void caller_run(struct caller *c); /* start and finish */
void wait_for_request(struct http_fixture *fx);
/* A further call shows that nothing was left broken. */
void check_all_is_well(struct http_fixture *fx);

#endif
