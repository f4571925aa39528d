/* os_resolver.h -- names to addresses, without the loop waiting for a name server.
 *
 * Shape    os_resolver_lookup() hands the name to a worker thread (getaddrinfo, so /etc/hosts and all
 *          that the machine is set up for count); `done` runs on the loop. No thread exists before
 *          the first lookup.
 * Owner    The resolver owns its lookups. os_lookup_cancel() before `done`: it will not run. After
 *          `done` the handle is gone.
 * Threads  A worker that is inside getaddrinfo cannot be stopped, and may stay there for half a minute.
 *          os_resolver_destroy() does not wait: the worker finds out when it returns, and cleans up.
 *          `done` never runs after destroy.
 * Errors   lookup: ERR_NOMEM, ERR_IO (no thread), ERR_BUSY (too many wait). done: ERR_NOT_FOUND, with the system's
 *          words in `why`. */
#ifndef OS_OS_RESOLVER_H
#define OS_OS_RESOLVER_H

#include <stddef.h>

#include "ids/multiaddr.h"
#include "os/os_address.h"
#include "os/os_loop.h"

enum {
    OS_RESOLVER_WORKERS = 4,   /* a dead name server holds up one each */
    OS_RESOLVER_LOOKUPS = 256, /* waiting and running */
    OS_LOOKUP_ADDRESSES = 8,   /* more of one name are not tried */
};

struct os_resolver;
struct os_lookup;

struct os_lookup_hooks {
    void (*on_done)(void *owner, int err, const char *why, const struct os_address *addresses,
                    size_t count);
    void *owner;
};

int os_resolver_create(struct os_resolver **out, struct os_loop *loop);
void os_resolver_destroy(struct os_resolver *r);
int os_resolver_lookup(struct os_resolver *r, const struct multiaddr_endpoint *endpoint,
                       const struct os_lookup_hooks *hooks, struct os_lookup **out);
void os_lookup_cancel(struct os_lookup *l);

#endif
