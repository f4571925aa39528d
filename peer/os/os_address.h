/* os_address.h -- socket addresses, as the kernel wants them, from and to multiaddrs.
 *
 * Errors   ERR_UNSUPPORTED: the host is a name; ask os_resolver.h. */
#ifndef OS_OS_ADDRESS_H
#define OS_OS_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ids/multiaddr.h"

struct os_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

struct os_address_text {
    char text[64]; /* "127.0.0.1:9096", "[::1]:9096" */
};

int os_address_of_endpoint(struct os_address *out, const struct multiaddr_endpoint *endpoint);
struct os_address_text os_address_print(const struct os_address *address);
/* /ip4/../tcp/.. of it, with another port unless that is 0. ERR_UNSUPPORTED for other families. */
int os_address_multiaddr(const struct os_address *address, uint16_t port, struct multiaddr *out);
/* The addresses of this machine's interfaces that others may reach, of one family (AF_INET or AF_INET6),
 * as /ip../tcp/`port`: what "all interfaces" means. Loopback only when there is nothing else. Returns
 * how many, at most `max`. */
size_t os_address_of_interfaces(int family, uint16_t port, struct multiaddr *out, size_t max);

#endif
