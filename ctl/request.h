/* request.h -- one request to the REST API of a peer, from its first byte to the end of the answer.
 *
 * Shape    A remote is the peer to talk to, with its event loop and connection; requests run on it one
 *          after another, each blocking until it is over. The addresses of --host are tried in
 *          order, and the first that can be reached is kept. Only a connection that could not be
 *          made moves on to the next: what may have reached a peer is never sent twice.
 * Units    Times are microseconds; 0: none.
 * Owner    The caller owns hosts and everything in a request until request_run() returns.
 * Errors   None are returned: what went wrong is in the failure. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/answer.h"
#include "ctl/failure.h"
#include "ctl/hosts.h"
#include "os/os_http_client.h"
#include "os/os_loop.h"

struct remote {
    const struct hosts *hosts;
    size_t at; /* the host that is being talked to */
    uint64_t timeout_us;
    bool shows_traffic; /* on stderr */
    bool trusts_anyone;
    const char *ca_file;      /* NULL: the system's */
    struct buf authorization; /* "Basic ...", or empty: nobody in particular */
    struct os_loop loop;
    struct os_http_client *client; /* to that host; NULL: not yet */
};

/* A body that is too long for memory, piece by piece. Who gives up has words of its own: the connection is cut, and
 * there is no failure beside them. */
#define UPLOAD_GIVES_UP SIZE_MAX
struct upload {
    size_t (*read)(void *owner, void *into, size_t size); /* 0: that was all; or UPLOAD_GIVES_UP */
    bool (*rewind)(void *owner); /* to its beginning, for another host; false: cannot */
    void *owner;
    const char *content_type; /* NULL: JSON */
};

struct request {
    const char *method;
    const char *target; /* path and query, percent-encoded */
    const char *body;   /* JSON; NULL: none */
    struct answer_sink sink;
    const struct upload *upload; /* instead of `body`; NULL: none */
};

int remote_init(struct remote *r, const struct hosts *hosts);
void remote_deinit(struct remote *r);
/* "user:password" */
int remote_log_in(struct remote *r, const char *credentials);
/* True when a whole, good answer has come; otherwise the failure says why, unless the sink wanted no
 * more, or the upload gave up. */
bool request_run(struct remote *r, const struct request *q, struct failure *failure);
/* Sleeps, with the connection kept. */
void remote_pause(struct remote *r, uint64_t us);

#endif
