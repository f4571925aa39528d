#include "os/os_transport.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_socket.h"
#include "os/os_transport_int.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    ACCEPT_PAUSE_US = 500 * 1000,
    REFUSALS_QUIET_US = 10 * 1000 * 1000, /* so long without one: they have ended */
    ACCEPTS_A_TURN = 32,
};

void os_transport_options_default(struct os_transport_options *o)
{
    *o = (struct os_transport_options){
        .queue_bytes_max = 4 * 1024 * 1024,
        .connections_max = 1024,
        .unproven_max = 64,
        .handshake_timeout_us = 6 * 1000 * 1000,
        .ping_us = 5 * 1000 * 1000,
        .silence_us = 15 * 1000 * 1000,
        .pause_first_us = 200 * 1000,
        .pause_max_us = 5 * 1000 * 1000,
        .frame_age_us = 10 * 1000 * 1000,
        .retire_us = 5 * 1000 * 1000,
    };
}

/* ---- refusals: a line when they begin, a line when they have ended ---- */

void os_transport_refused(struct os_transport *t, const struct os_address *from, const char *why)
{
    os_timer_set(&t->refusals_end, os_clock_mono_us() + REFUSALS_QUIET_US);
    if (t->is_refusing) {
        t->refusals_count++;
        return;
    }
    t->is_refusing = true;
    t->refusals_count = 0;
    LOG_WARN(t->log, "p2p", "refused a connection from=%s: %s", os_address_print(from).text, why);
}

static void os_transport_on_refusals_end(void *owner)
{
    struct os_transport *t = owner;
    t->is_refusing = false;
    if (t->refusals_count > 0)
        LOG_WARN(t->log, "p2p", "refused more connections count=%zu, and none for a while now",
                 t->refusals_count);
}

/* ---- listening ---- */

/* Whoever floods us with connections pushes out his own; a peer is through in a few milliseconds. */
static void os_transport_make_room(struct os_transport *t)
{
    struct os_link *oldest = NULL;
    size_t unproven_count = 0;
    list_for_each (at, &t->links) {
        struct os_link *l = list_entry(at, struct os_link, link);
        if (!l->is_inbound || l->is_up || l->is_closing)
            continue;
        unproven_count++;
        if (oldest == NULL)
            oldest = l;
    }
    if (oldest != NULL && unproven_count >= t->options.unproven_max)
        os_link_close(oldest, ERR_BUSY, "too many others want to connect, too");
}

static void os_transport_take(struct os_transport *t, int fd, const struct os_address *from)
{
    os_transport_make_room(t);
    if (t->links_count >= t->options.connections_max) {
        os_transport_refused(t, from, "there are too many connections");
        close(fd);
    } else if (os_link_accept(t, fd, from) != OK) {
        os_transport_refused(t, from, "out of memory");
    }
}

static void os_transport_watch_listeners(struct os_transport *t, int want)
{
    for (size_t i = 0; i < t->listeners_count; i++)
        os_watch_set(&t->listeners[i].watch, want);
}

static void os_transport_on_accept_again(void *owner)
{
    os_transport_watch_listeners(owner, OS_READ);
}

/* Without descriptors accept() fails and the socket stays ready: do not spin, wait a little. */
static void os_transport_on_accept_failed(struct os_transport *t)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED)
        return;
    LOG_WARN(t->log, "p2p", "cannot accept connections: %s", strerrordesc_np(errno));
    os_transport_watch_listeners(t, 0);
    os_timer_set(&t->accept_again, os_clock_mono_us() + ACCEPT_PAUSE_US);
}

static void os_transport_on_accept(void *owner, int ready)
{
    struct os_listener *listener = owner;
    (void)ready;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct os_address from = { .len = sizeof(from.storage) };
        int fd = accept4(listener->fd, (struct sockaddr *)&from.storage, &from.len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            os_transport_on_accept_failed(listener->transport);
            return;
        }
        os_transport_take(listener->transport, fd, &from);
    }
}

static int os_transport_listen(struct os_transport *t, const struct multiaddr *addr,
                               struct buf *why)
{
    if (t->listeners_count == TRANSPORT_LISTENERS_MAX)
        return ERR_TOO_BIG;
    struct os_listener *listener = &t->listeners[t->listeners_count];
    int err = os_socket_listen(addr, &listener->fd, &listener->real, why);
    if (err != OK)
        return err;
    listener->transport = t;
    os_watch_init(&listener->watch, t->loop, listener->fd, os_transport_on_accept, listener);
    os_watch_set(&listener->watch, OS_READ);
    t->listeners_count++;
    return OK;
}

/* ---- the port ---- */

static void os_transport_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    struct os_transport *t = impl;
    t->hooks = *hooks;
}

static bool os_transport_is_self(const struct os_transport *t, const struct peer_id *id)
{
    return peer_id_equal(id, &t->options.identity->id);
}

static int os_transport_send(void *impl, const struct peer_id *to, enum stream stream,
                             const void *bytes, size_t len)
{
    struct os_transport *t = impl;
    if (len > LIMIT_FRAME_BYTES)
        return ERR_TOO_BIG;
    struct os_peer *p = os_peer_find(t, to);
    if (p == NULL || (p->up == NULL && p->addresses_count == 0))
        return ERR_NOT_FOUND;
    return os_peer_send(p, stream, bytes, len);
}

static int os_transport_set_addresses(void *impl, const struct peer_id *peer,
                                      const struct multiaddr *addrs, size_t count)
{
    struct os_transport *t = impl;
    if (os_transport_is_self(t, peer))
        return ERR_INVALID;
    struct os_peer *p = count > 0 ? os_peer_get(t, peer) : os_peer_find(t, peer);
    if (p == NULL)
        return count > 0 ? ERR_NOMEM : OK;
    return os_peer_set_addresses(p, addrs, count);
}

static void os_transport_connect(void *impl, const struct peer_id *peer)
{
    struct os_transport *t = impl;
    struct os_peer *p = os_transport_is_self(t, peer) ? NULL : os_peer_get(t, peer);
    if (p == NULL)
        return;
    p->is_wanted = true;
    os_peer_consider(p);
}

static size_t os_transport_expand(const struct multiaddr *real, struct multiaddr *out, size_t max)
{
    struct multiaddr_endpoint endpoint;
    if (max == 0)
        return 0;
    if (!multiaddr_is_unspecified(real) || multiaddr_endpoint(real, &endpoint) != OK) {
        out[0] = *real;
        return 1;
    }
    int family = endpoint.kind == MULTIADDR_IP6 ? AF_INET6 : AF_INET;
    return os_address_of_interfaces(family, endpoint.port, out, max);
}

static size_t os_transport_listen_addresses(void *impl, struct multiaddr *out, size_t max)
{
    struct os_transport *t = impl;
    size_t count = 0;
    for (; count < t->options.announce_count && count < max; count++)
        out[count] = t->announce[count];
    if (t->options.announce_count > 0)
        return count;
    for (size_t i = 0; i < t->listeners_count; i++)
        count += os_transport_expand(&t->listeners[i].real, out + count, max - count);
    return count;
}

struct transport os_transport_port(struct os_transport *t)
{
    static const struct transport_ops ops = { os_transport_set_hooks, os_transport_send,
                                              os_transport_set_addresses, os_transport_connect,
                                              os_transport_listen_addresses };
    return (struct transport){ &ops, t };
}

/* ---- life ---- */

static void os_transport_copy_options(struct os_transport *t,
                                      const struct os_transport_options *options)
{
    t->options = *options;
    t->loop = options->loop;
    t->log = options->log;
    if (options->secret != NULL) {
        memcpy(t->secret, options->secret, sizeof(t->secret));
        t->options.secret = t->secret;
    }
    size_t count = options->announce_count;
    if (count > LIMIT_PEER_ADDRESSES_COUNT)
        count = LIMIT_PEER_ADDRESSES_COUNT;
    for (size_t i = 0; i < count; i++) {
        t->announce[i] = options->announce[i];
        multiaddr_strip_peer(&t->announce[i]);
    }
    t->options.announce_count = count;
}

static int os_transport_start(struct os_transport *t, const struct os_transport_options *options,
                              struct buf *why)
{
    int err = sodium_init() >= 0 ? os_resolver_create(&t->resolver, t->loop) : ERR_IO;
    for (size_t i = 0; i < options->listen_count && err == OK; i++)
        err = os_transport_listen(t, &options->listen[i], why);
    return err;
}

int os_transport_create(struct os_transport **out, const struct os_transport_options *options,
                        struct buf *why)
{
    struct os_transport *t = mem_zalloc(sizeof(*t));
    if (t == NULL)
        return ERR_NOMEM;
    os_transport_copy_options(t, options);
    os_rng_init(&t->rng);
    list_init(&t->peers);
    list_init(&t->links);
    os_timer_init(&t->accept_again, t->loop, os_transport_on_accept_again, t);
    os_timer_init(&t->refusals_end, t->loop, os_transport_on_refusals_end, t);
    int err = os_transport_start(t, options, why);
    if (err != OK)
        os_transport_destroy(t);
    else
        *out = t;
    return err;
}

void os_transport_destroy(struct os_transport *t)
{
    if (t == NULL)
        return;
    os_timer_stop(&t->accept_again);
    os_timer_stop(&t->refusals_end);
    for (size_t i = 0; i < t->listeners_count; i++) {
        os_watch_set(&t->listeners[i].watch, 0);
        close(t->listeners[i].fd);
    }
    list_for_each_safe (link, next_link, &t->links)
        os_link_destroy(list_entry(link, struct os_link, link));
    list_for_each_safe (peer, next_peer, &t->peers)
        os_peer_destroy(list_entry(peer, struct os_peer, link));
    map_deinit(&t->peers_by_id);
    os_resolver_destroy(t->resolver);
    os_rng_deinit(&t->rng);
    mem_wipe(t->secret, sizeof(t->secret));
    mem_free(t);
}
