/* proxy_int.h -- the parts of the proxy among themselves: proxy.c (which request goes where, answers),
 * forward.c (to the daemon and back), add.c, pins.c (add, rm, update), body_args.c, pin_ls.c, repo.c,
 * origin.c, extract.c. */
#ifndef HTTP_PROXY_PROXY_INT_H
#define HTTP_PROXY_PROXY_INT_H

#include <stdbool.h>

#include "http/proxy/proxy.h"
#include "http/wire/multipart.h"
#include "util/http_field.h"
#include "util/list.h"

enum { PROXY_ORIGIN_SIZE = 256, PROXY_TRUSTED_MAX = 16 };

/* What the daemon last said of a web page's origin. */
struct proxy_trust {
    char origin[PROXY_ORIGIN_SIZE];
    char allow[PROXY_ORIGIN_SIZE]; /* "": it may not */
    bool with_credentials;
};

/* Fields of the daemon's for our own answers. */
struct proxy_extract {
    struct http_call call;
    bool is_running;
    bool is_known;            /* once at least */
    bool has_failed;          /* the last time */
    uint64_t asked_us;        /* when that was over */
    struct buf fields;        /* as they stand in a head */
    struct buf exposed;       /* Access-Control-Expose-Headers: its value */
    struct list_link waiting; /* struct proxy_waiting */
};

struct proxy {
    const struct proxy_ops *ops;
    void *impl;
    struct http_client *client;
    struct proxy_options options;
    size_t calls_count;
    struct list_link jobs; /* struct proxy_job: all that has memory */
    struct buf server;     /* "ipfs-cluster/ipfsproxy/1.1.6" */
    struct proxy_trust trusted[PROXY_TRUSTED_MAX];
    size_t trusted_next;
    struct proxy_extract extract;
};

/* What every request in progress has, as its first member. */
struct proxy_job {
    struct list_link link;
    struct proxy *proxy;
    struct http_exchange *x; /* NULL: the client has gone, or its answer is complete */
    void (*free)(struct proxy_job *job);
};

/* A cleared job of that size, in the proxy's list. NULL: no memory, and that is answered. */
void *proxy_job_create(struct proxy *p, struct http_exchange *x, size_t size,
                       void (*free_job)(struct proxy_job *job));
void proxy_job_destroy(struct proxy_job *job);

/* ---- answers (proxy.c) ---- */

enum { PROXY_FIELDS_MAX = 4 };
/* The fields of every answer made here; `streams` adds X-Chunked-Output. Returns how many. */
size_t proxy_fields(const struct proxy *p, bool streams, struct http_field out[PROXY_FIELDS_MAX]);
void proxy_reply(const struct proxy *p, struct http_exchange *x, int status,
                 const struct buf *document);
void proxy_reply_error(const struct proxy *p, struct http_exchange *x, int status,
                       const char *message);

/* ---- requests (proxy.c) ---- */

/* The nth argument: ?arg=, or the segment behind the command. ERR_NOT_FOUND: no more; ERR_INVALID. */
int proxy_arg(const struct http_request *r, const char *command, unsigned nth, struct buf *out);
/* An option's value, by its name or the daemon's short one. ERR_NOT_FOUND: it is absent. */
int proxy_option(const struct http_request *r, const char *name, const char *short_name,
                 struct buf *out);
/* A boolean option, as Go reads one; `otherwise` when it is absent or none. */
bool proxy_flag(const struct http_request *r, const char *name, bool otherwise);

/* ---- arguments in the body (body_args.c) ---- */

struct proxy_body_args {
    struct http_multipart multipart;
    struct buf lines;
    size_t lines_taken;
};

/* ERR_NOT_FOUND: this request's body has none. A cleared struct before, proxy_body_args_deinit() in any case. */
int proxy_body_args_begin(struct proxy_body_args *b, const struct http_request *r);
int proxy_body_args_feed(struct proxy_body_args *b, const void *bytes, size_t len);
/* The body is over. ERR_CLOSED: too early. */
int proxy_body_args_end(const struct proxy_body_args *b);
/* The next one into `out`. ERR_NOT_FOUND: no more; ERR_INVALID: it is no text. */
int proxy_body_args_next(struct proxy_body_args *b, struct buf *out);
void proxy_body_args_deinit(struct proxy_body_args *b);

/* ---- a request's way to the daemon and back (forward.c) ---- */

struct proxy_forward {
    struct proxy_job job;
    struct http_call call; /* method may be set before; else it is the client's */
    struct buf target;
    char *method;         /* copies: the call may outlive the exchange */
    void *request_memory; /* the fields */
    void *trailer_memory;
    struct http_field *trailer;
    size_t trailer_count;
    bool call_runs;
    bool upload_waits; /* the client's body, until the call drains */
    bool is_mute; /* set by on_head at the latest: the answer's body is for the listener only */
    /* For whoever listens in; may be NULL. */
    void (*on_head)(struct proxy_forward *f, int status);
    void (*on_body)(struct proxy_forward *f, const void *bytes, size_t len);
    void (*on_trailer)(struct proxy_forward *f, const struct http_field *fields, size_t count);
    /* The daemon's answer is over, by this code. True: the listener ends the client's answer itself,
     * with proxy_forward_end(); the client may have gone meanwhile. */
    bool (*on_end)(struct proxy_forward *f, int err);
};

/* Asks the daemon for `target` (f->target, already written). Takes the job. */
void proxy_forward_start(struct proxy_forward *f);
/* Completes the client's answer with the daemon's trailer, or (error not NULL) with that one as
 * X-Stream-Error. The job is gone afterwards. */
void proxy_forward_end(struct proxy_forward *f, const char *error);
void proxy_forward_free(struct proxy_forward *f); /* what it holds, not itself */
void proxy_pass(struct proxy *p, struct http_exchange *x);
/* The target as the daemon shall see it. */
void proxy_put_target(struct buf *out, const struct http_request *r);

/* ---- the daemon's fields (extract.c) ---- */

void proxy_extract_init(struct proxy_extract *e);
void proxy_extract_deinit(struct proxy_extract *e);
/* Goes on with `handle` once the daemon's fields are known, or cannot be, as far as this request's answer needs them. */
void proxy_extract_before(struct proxy *p, struct http_exchange *x,
                          void (*handle)(struct proxy *p, struct http_exchange *x));

/* ---- web pages (origin.c) ---- */

/* Does the browser say that another site's page sent it, and not which? Programs say nothing of that kind. */
bool proxy_page_is_hidden(const struct http_request *r);
/* 403, as the daemon says it. */
void proxy_refuse_page(struct http_exchange *x);
/* Goes on with `handle` if the request is of no page, or of one that the daemon lets; else answers 403. */
void proxy_ask_origin(struct proxy *p, struct http_exchange *x,
                      void (*handle)(struct proxy *p, struct http_exchange *x));
/* Is it one whose answer is made here, not passed on? (proxy.c) */
bool proxy_is_answered_here(const struct http_request *r);

/* ---- what is answered here ---- */

void proxy_add(struct proxy *p, struct http_exchange *x);
void proxy_pin_add(struct proxy *p, struct http_exchange *x);
void proxy_pin_rm(struct proxy *p, struct http_exchange *x);
void proxy_pin_update(struct proxy *p, struct http_exchange *x);
void proxy_pin_ls(struct proxy *p, struct http_exchange *x);
void proxy_block_put(struct proxy *p, struct http_exchange *x);
void proxy_dag_put(struct proxy *p, struct http_exchange *x);
void proxy_repo_stat(struct proxy *p, struct http_exchange *x);
void proxy_repo_gc(struct proxy *p, struct http_exchange *x);

#endif
