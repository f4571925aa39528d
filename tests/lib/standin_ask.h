/* standin_ask.h -- a stand-in IPFS daemon in a test: a clock that jumps, requests without a wire, answers whole.
 *
 * Shape    standin_ask() hands one request over and keeps all that is answered; time stands still meanwhile.
 *          standin_world_run() lets it go on. Several stand-ins share a world, and may share a swarm.
 * Owner    The ask owns what it keeps; standin_ask_end() also breaks off what is not answered yet. */
#ifndef TESTS_LIB_STANDIN_ASK_H
#define TESTS_LIB_STANDIN_ASK_H

#include "http/wire/exchange.h"
#include "sim/kubo/standin.h"
#include "sim/kubo/swarm.h"

enum { STANDIN_WORLD_MAX = 4 };

struct standin_world {
    uint64_t now_us;
    unsigned count;
    struct standin_world_one {
        struct standin_world *world;
        struct standin *s;
        uint64_t wake_us;
    } ones[STANDIN_WORLD_MAX];
    struct swarm *swarm;
    uint64_t swarm_wake_us;
    struct swarm_options options;
};

/* `count` daemons, each listening at /ip4/127.0.0.1/tcp/4001 + its number, none connected. */
void standin_world_begin(struct standin_world *w, unsigned count);
/* One more, with options of its own (its addresses must outlive it). */
void standin_world_add(struct standin_world *w, const struct standin_options *options);
void standin_world_end(struct standin_world *w);
/* Everything up to now + duration happens. */
void standin_world_run(struct standin_world *w, uint64_t duration_us);
/* The address of a daemon, with its peer id. */
const char *standin_world_address(struct standin_world *w, unsigned number);

struct standin_ask {
    struct http_exchange x; /* first */
    /* The request. */
    char *target;
    struct buf body; /* still to be offered */
    bool body_ended;
    struct http_field fields[8];
    size_t fields_count;
    /* What was answered. */
    int status;          /* 0: nothing yet */
    struct buf head;     /* "Name: value\n" each */
    struct buf text;     /* the body */
    struct buf trailers; /* "Name: value\n" each */
    unsigned writes;
    bool is_ended;
    bool is_killed;
    bool is_slow; /* the test sets it: each write is told to wait, until standin_ask_drain() */
};

void standin_ask_begin(struct standin_ask *a, const char *method, const char *target);
void standin_ask_field(struct standin_ask *a, const char *name, const char *value);
void standin_ask_body(struct standin_ask *a, const void *bytes, size_t len);
void standin_ask_go(struct standin_ask *a, struct standin *s);
void standin_ask_drain(struct standin_ask *a);
void standin_ask_end(struct standin_ask *a);

/* POST, and the body of the answer (NUL-terminated), which lives until the ask ends. */
const char *standin_ask(struct standin_ask *a, struct standin *s, const char *target);
/* POST of one part. */
const char *standin_ask_upload(struct standin_ask *a, struct standin *s, const char *target,
                               const char *file_name, struct bytes content);
/* The value of a header field that was answered, "" when there is none. */
const char *standin_ask_head(struct standin_ask *a, const char *name);

#endif
