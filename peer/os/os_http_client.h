/* os_http_client.h -- port/http_client.h on real connections: libcurl's multi interface on the loop.
 *
 * Shape    One client, one endpoint: /ip4, /ip6 or /dns* with /tcp, or /unix; HTTP/1.1, over TLS if
 *          asked to. Calls share its connections.
 * Promises Those of the port. Beyond them: the request's target and fields go out as given, nothing
 *          is followed, decoded, proxied or sent a second time.
 * Limits   calls_max under way; upload_bytes of a streamed body in memory a call.
 * Owner    os_http_client_destroy() completes what runs with ERR_CANCELED, and refuses new calls
 *          meanwhile (ERR_CANCELED): whoever is called by done() must still be there.
 * Errors   create: ERR_UNSUPPORTED for another kind of endpoint, ERR_NOMEM.
 * Process  Ignores SIGPIPE for the whole process.
 * Source   libcurl 7.88; DEPENDENCIES of the project names the traps that the .c steps around. */
#ifndef OS_OS_HTTP_CLIENT_H
#define OS_OS_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "ids/multiaddr.h"
#include "os/os_loop.h"
#include "port/http_client.h"
#include "util/log.h"

struct os_http_client_options {
    size_t calls_max;
    size_t connections_max; /* kept open for the next call */
    size_t upload_bytes;
    uint64_t connect_timeout_us;
    const char *user_agent; /* NULL: none is sent */
    bool speaks_tls;
    bool trusts_anyone;  /* whatever certificate the server shows */
    const char *ca_file; /* certificates to trust instead of the system's; NULL: those */
};

static inline struct os_http_client_options os_http_client_options_default(void)
{
    return (struct os_http_client_options){
        .calls_max = 1024,
        .connections_max = 256,
        .upload_bytes = 512 * 1024,
        .connect_timeout_us = 10 * 1000 * 1000,
        .user_agent = NULL,
    };
}

struct os_http_client;

int os_http_client_create(struct os_http_client **out, struct os_loop *loop,
                          const struct multiaddr *endpoint,
                          const struct os_http_client_options *options, const struct log *log);
void os_http_client_destroy(struct os_http_client *client);
struct http_client os_http_client_port(struct os_http_client *client);
/* Words about the call that failed last, for a person ("Connection refused"); "" without one. */
const char *os_http_client_why(const struct os_http_client *client);

#endif
