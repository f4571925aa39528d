/* proxy_world.h -- the proxy between a client (http_talk), a daemon that does what the test says, and a
 * cluster that is an array. */
#ifndef TESTS_LIB_PROXY_WORLD_H
#define TESTS_LIB_PROXY_WORLD_H

#include "http/proxy/proxy.h"
#include "tests/lib/http_fixture.h"
#include "tests/lib/http_talk.h"

enum { PINS_MAX = 8, WINDOW_BYTES = 64 * 1024 };

struct proxy_world {
    struct http_talk talk;
    struct http_fixture fx;
    struct proxy *proxy;
    /* The daemon. */
    struct http_exchange *x;
    struct buf heard; /* of the last request: line, fields, body */
    int requests_count;
    int aborts_count;
    int drains_count;
    bool holds; /* takes nothing of a body */
    bool body_ended;
    /* The cluster. */
    struct pin pins[PINS_MAX];
    size_t pins_count;
    struct proxy_write *write; /* under way */
    bool write_removes;
    struct proxy_watch *watch; /* under way */
    struct buf writes;         /* "+CID depth name\n", "-CID\n" */
    int forgets_count;
    int refusal; /* of the next write, at once */
    /* Set before it opens: the proxy takes these fields of the daemon's; NULL: none. */
    const char *extract_path;
    const char *extract_name;
    uint64_t extract_ttl_us;
    uint64_t now_us;
};

void proxy_world_open(struct proxy_world *w);
void proxy_world_close(struct proxy_world *w);
void proxy_world_turn(struct proxy_world *w);
void proxy_world_turn_some(struct proxy_world *w);

/* "POST /path", and the rest of the request behind "Host": fields, an empty line, a body; "": none. */
void proxy_world_ask(struct proxy_world *w, const char *line, const char *rest);
/* The line is a format for the test CIDs a and b. */
void proxy_world_ask_for(struct proxy_world *w, const char *format, uint32_t a, uint32_t b);
/* Everything that was answered until now. */
const char *proxy_world_answered(struct proxy_world *w);
/* The answer's body is this, with the CIDs in it. */
void proxy_check_body(const char *answer, const char *format, uint32_t a, uint32_t b);
bool text_holds(const char *text, const char *part);

void proxy_world_wait_for_daemon(struct proxy_world *w);
void proxy_daemon_write(struct proxy_world *w, const char *text);
void proxy_daemon_end(struct proxy_world *w, const char *stream_error);

void proxy_cluster_holds(struct proxy_world *w, uint32_t n, bool direct, const char *name);
/* The write under way is committed, or fails. */
void proxy_cluster_finish(struct proxy_world *w, int err, const char *why);
/* What was written since the last time: "+CID depth name\n", "-CID\n". */
void proxy_check_writes(struct proxy_world *w, const char *format, uint32_t a, uint32_t b);

#endif
