/* os_http_client_int.h -- a client (os_http_client.c) and one of its calls (os_http_call.c). */
#ifndef OS_OS_HTTP_CLIENT_INT_H
#define OS_OS_HTTP_CLIENT_INT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "os/os_http_client.h"
#include "os/os_loop.h"
#include "util/buf.h"
#include "util/limits.h"
#include "util/list.h"

enum {
    OS_CALL_READ_BYTES = 64 * 1024, /* of an answer at once */
    OS_CALL_SEND_BYTES =
        256 * 1024, /* of a body: the fewer pieces, the less often a daemon wakes up */
    OS_CALL_FIELDS_MAX = LIMIT_HTTP_HEADERS_COUNT + 3, /* of a request: the caller's, and ours */
};

struct os_socket_watch;

struct os_http_client {
    struct os_loop *loop;
    struct os_http_client_options options;
    const struct log *log;
    CURLM *multi;
    struct os_timer timer; /* libcurl's */
    struct os_task task;   /* works off `marked` */
    CURLU *url;            /* "http://127.0.0.1:5001/" */
    struct buf unix_path;  /* or empty */
    long ip_version;       /* CURL_IPRESOLVE_* */
    struct list_link calls;
    struct list_link marked;
    struct list_link pool; /* struct os_call, with their easy handles, the one used last first */
    size_t calls_count;
    size_t pool_count;
    uint64_t body_bytes;             /* of all answers, ever */
    struct os_socket_watch *reading; /* while libcurl reads for it; NULL: it has closed meanwhile */
    bool is_closing;
    char why[CURL_ERROR_SIZE];
};

enum os_call_stage { CALL_HEAD, CALL_BODY };

struct os_call {
    struct list_link link;   /* calls or pool */
    struct list_link marked; /* a direction is to be set going, or the call to be canceled */
    struct os_http_client *client;
    struct http_call *call;
    CURL *easy;
    struct buf field_lines; /* of the request, each with its NUL */
    struct curl_slist
        fields[OS_CALL_FIELDS_MAX]; /* the list that libcurl sees: it points into them */
    size_t fields_count;
    struct os_timer head_timer;
    enum os_call_stage stage;
    int status;
    struct buf lines; /* of the head, later of the trailer: each with a NUL for its CR LF */
    size_t lines_count;
    struct buf upload;
    size_t upload_sent;   /* bytes at its front that libcurl has taken */
    int64_t upload_total; /* ever written, to compare with what was announced */
    bool upload_ended;
    bool drain_due;     /* a write took less than it was offered */
    bool sends_wait;    /* libcurl asked for more of the body, and there was none */
    bool receives_wait; /* libcurl had some of the answer, and the caller had paused */
    bool is_paused;
    bool is_canceled;
    bool was_sent;        /* this request; once is enough */
    bool reads_no_more;   /* libcurl has stopped to look for input */
    bool answer_is_whole; /* though the request is not */
    int err;              /* what we refused it for, if we did */
    char why[CURL_ERROR_SIZE];
};

/* Options that are the same for every call of the client: once for each handle. */
void os_call_equip(struct os_call *c, const struct os_http_client *client);
/* Those that are call->call's. ERR_NOMEM. */
int os_call_prepare(struct os_call *c);
/* To be called once libcurl has finished: the trailer, if one came. */
void os_call_tell_trailer(struct os_call *c);
/* The fate of the call, by libcurl's code. */
int os_call_err(const struct os_call *c, CURLcode code);
/* libcurl watches the call's socket for this (CURL_POLL_*) from now on. */
void os_call_on_watch(struct os_call *c, int what);
/* Something for the client to do outside of libcurl's callbacks. */
void os_call_mark(struct os_call *c);

size_t os_call_write(struct os_call *c, const void *bytes, size_t len);
void os_call_end(struct os_call *c);

#endif
