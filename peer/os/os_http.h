/* os_http.h -- an HTTP server's sockets: it accepts, and moves bytes between sockets and http_conn.
 *
 * Shape    One server, any number of addresses, one kind of connection: on_open makes the http_conn
 *          that understands the bytes. What a door is (API, proxy), the hook's owner knows.
 * Limits   connections_max: at the limit a connection is closed for a new one: the longest idle, else
 *          one whose client has left us waiting for idle_timeout_us; when there is none, new ones
 *          wait in the kernel.
 * Times    0: no limit. head_timeout_us: from the start of a request (or of the connection) to the
 *          end of its head. read_timeout_us: to the end of its body. write_timeout_us: from the end
 *          of the head to the end of the answer. idle_timeout_us: between requests, between two bytes
 *          of a body that we are ready to take, and for an answer that is complete and not taken. A
 *          client that has gone is noticed even while it is not read.
 * TLS      With options.tls all addresses speak it, and nothing else.
 * Owner    The server owns its connections; os_http_destroy() aborts what runs. The hooks' owner
 *          and the log outlive it.
 * Errors   os_http_listen: as os_socket_listen(), with a sentence in `why`.
 * Process  Ignores SIGPIPE for the whole process. */
#ifndef OS_OS_HTTP_H
#define OS_OS_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "http/wire/conn.h"
#include "ids/multiaddr.h"
#include "os/os_loop.h"
#include "os/os_tls.h"
#include "util/buf.h"
#include "util/log.h"

struct os_http_options {
    size_t connections_max;
    uint64_t head_timeout_us;
    uint64_t read_timeout_us;
    uint64_t write_timeout_us;
    uint64_t idle_timeout_us;
    uint64_t linger_timeout_us; /* how long input is dropped after an answer that closes */
    uint64_t sweep_us;          /* how often all this is looked at */
    struct os_tls *tls;         /* NULL: none; borrowed */
};

static inline struct os_http_options os_http_options_default(void)
{
    return (struct os_http_options){
        .connections_max = 1024,
        .head_timeout_us = 5 * 1000 * 1000,
        .idle_timeout_us = 120 * 1000 * 1000,
        .linger_timeout_us = 2 * 1000 * 1000,
        .sweep_us = 1000 * 1000,
    };
}

struct os_http_hooks {
    /* OK and a connection with this on_progress, or an error: then the socket is closed. */
    int (*on_open)(void *owner, void (*on_progress)(void *progress_owner), void *progress_owner,
                   struct http_conn **out);
    void *owner;
};

struct os_http;

int os_http_create(struct os_http **out, struct os_loop *loop,
                   const struct os_http_options *options, const struct os_http_hooks *hooks,
                   const struct log *log);
void os_http_destroy(struct os_http *s);
/* *out_real (may be NULL): where it really listens, if port 0 was asked for. */
int os_http_listen(struct os_http *s, const struct multiaddr *addr, struct multiaddr *out_real,
                   struct buf *why);
/* No new connections; those that are open go on. */
void os_http_stop_listening(struct os_http *s);
size_t os_http_connections_count(const struct os_http *s);

#endif
