#include "os/os_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"

int os_address_of_endpoint(struct os_address *out, const struct multiaddr_endpoint *endpoint)
{
    struct os_address address = { .len = 0 };
    if (endpoint->kind == MULTIADDR_IP4) {
        struct sockaddr_in *in4 = (struct sockaddr_in *)&address.storage;
        in4->sin_family = AF_INET;
        in4->sin_port = htons(endpoint->port);
        address.len = sizeof(*in4);
        if (inet_pton(AF_INET, endpoint->host, &in4->sin_addr) != 1)
            return ERR_INVALID;
    } else if (endpoint->kind == MULTIADDR_IP6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(endpoint->port);
        address.len = sizeof(*in6);
        if (inet_pton(AF_INET6, endpoint->host, &in6->sin6_addr) != 1)
            return ERR_INVALID;
    } else {
        return ERR_UNSUPPORTED;
    }
    *out = address;
    return OK;
}

/* The IP as text and the port; false for a family that has neither. */
static bool os_address_split(const struct os_address *address, char ip[INET6_ADDRSTRLEN],
                             uint16_t *port)
{
    const void *raw;
    if (address->storage.ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address->storage;
        raw = &in4->sin_addr;
        *port = ntohs(in4->sin_port);
    } else if (address->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
        raw = &in6->sin6_addr;
        *port = ntohs(in6->sin6_port);
    } else {
        return false;
    }
    return inet_ntop(address->storage.ss_family, raw, ip, INET6_ADDRSTRLEN) != NULL;
}

struct os_address_text os_address_print(const struct os_address *address)
{
    struct os_address_text out = { "?" };
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;
    if (os_address_split(address, ip, &port))
        snprintf(out.text, sizeof(out.text),
                 address->storage.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, port);
    return out;
}

int os_address_multiaddr(const struct os_address *address, uint16_t port, struct multiaddr *out)
{
    char ip[INET6_ADDRSTRLEN];
    uint16_t own_port;
    if (!os_address_split(address, ip, &own_port))
        return ERR_UNSUPPORTED;
    return multiaddr_of_ip_port(out, ip, port != 0 ? port : own_port);
}

static bool os_address_is_offered(const struct ifaddrs *at, int family, bool loopback)
{
    if (at->ifa_addr == NULL || at->ifa_addr->sa_family != family || !(at->ifa_flags & IFF_UP))
        return false;
    if (family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at->ifa_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
            return false; /* means something else on every machine */
    }
    return !(at->ifa_flags & IFF_LOOPBACK) == !loopback;
}

static size_t os_address_collect(const struct ifaddrs *all, int family, bool loopback,
                                 uint16_t port, struct multiaddr *out, size_t max)
{
    size_t count = 0;
    for (const struct ifaddrs *at = all; at != NULL && count < max; at = at->ifa_next) {
        if (!os_address_is_offered(at, family, loopback))
            continue;
        struct os_address address = { .len = 0 };
        memcpy(&address.storage, at->ifa_addr,
               family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        if (os_address_multiaddr(&address, port, &out[count]) == OK)
            count++;
    }
    return count;
}

size_t os_address_of_interfaces(int family, uint16_t port, struct multiaddr *out, size_t max)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return 0;
    size_t count = os_address_collect(all, family, false, port, out, max);
    if (count == 0)
        count = os_address_collect(all, family, true, port, out, max);
    freeifaddrs(all);
    return count;
}
