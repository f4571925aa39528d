#include "os/os_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/err.h"

enum { LISTEN_BACKLOG = 512 };

static int os_socket_err(int code)
{
    switch (code) {
    case EADDRINUSE:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_AUTH;
    case EADDRNOTAVAIL:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

/* The one sentence for the operator. */
static int os_socket_explain(const struct multiaddr *addr, int err, const char *reason,
                             struct buf *why)
{
    if (why != NULL) {
        buf_append_text(why, "cannot listen on ");
        multiaddr_print(addr, why);
        buf_printf(why, ": %s", reason);
        if (err == ERR_EXISTS)
            buf_append_text(why, " (does another program, or another peer, run here?)");
    }
    return err;
}

/* errno is still that of the failed call. */
static int os_socket_fail(const struct multiaddr *addr, int fd, struct buf *why)
{
    int code = errno;
    if (fd >= 0)
        close(fd);
    return os_socket_explain(addr, os_socket_err(code), strerror(code), why);
}

/* ---- TCP ---- */

static int os_socket_family(enum multiaddr_host_kind kind)
{
    switch (kind) {
    case MULTIADDR_IP4:
    case MULTIADDR_DNS4:
        return AF_INET;
    case MULTIADDR_IP6:
    case MULTIADDR_DNS6:
        return AF_INET6;
    case MULTIADDR_DNS:
        return AF_UNSPEC;
    }
    return AF_UNSPEC;
}

/* What the kernel says the socket is bound to. */
static int os_socket_real_address(int fd, struct multiaddr *out)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t bound_len = sizeof bound;
    char ip[INET6_ADDRSTRLEN];
    const void *address;
    uint16_t port;
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0)
        return ERR_IO;
    if (bound.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&bound;
        address = &in6->sin6_addr;
        port = ntohs(in6->sin6_port);
    } else {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)&bound;
        address = &in4->sin_addr;
        port = ntohs(in4->sin_port);
    }
    if (inet_ntop(bound.ss_family, address, ip, sizeof ip) == NULL)
        return ERR_IO;
    return multiaddr_of_ip_port(out, ip, port);
}

static int os_socket_bind_tcp(const struct addrinfo *info)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) /* /ip6/:: leaves /ip4/0.0.0.0 free */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static int os_socket_listen_tcp(const struct multiaddr *addr,
                                const struct multiaddr_endpoint *endpoint, int *out_fd,
                                struct multiaddr *out_real, struct buf *why)
{
    bool is_number = endpoint->kind == MULTIADDR_IP4 || endpoint->kind == MULTIADDR_IP6;
    struct addrinfo hints = { .ai_family = os_socket_family(endpoint->kind),
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags =
                                  AI_PASSIVE | AI_NUMERICSERV | (is_number ? AI_NUMERICHOST : 0) };
    struct addrinfo *info = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", endpoint->port);
    int code = getaddrinfo(endpoint->host, port, &hints, &info);
    if (code != 0)
        return os_socket_explain(addr, ERR_INVALID, gai_strerror(code), why);
    int fd = os_socket_bind_tcp(info);
    int bind_errno = errno;
    freeaddrinfo(info);
    errno = bind_errno;
    if (fd < 0)
        return os_socket_fail(addr, fd, why);
    int err = os_socket_real_address(fd, out_real);
    if (err != OK) {
        close(fd);
        return os_socket_explain(addr, err, err_text(err), why);
    }
    *out_fd = fd;
    return OK;
}

/* ---- unix ---- */

enum os_socket_place {
    PLACE_FREE,
    PLACE_DEAD, /* a socket that nobody listens behind any more */
    PLACE_LIVE,
    PLACE_OTHER, /* a file of somebody's: connecting to it fails as it does for a dead socket */
};

static enum os_socket_place os_socket_place(const struct sockaddr_un *name)
{
    struct stat file;
    if (lstat(name->sun_path, &file) != 0)
        return PLACE_FREE; /* or out of reach: bind() says what is wrong */
    if (!S_ISSOCK(file.st_mode))
        return PLACE_OTHER;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return PLACE_LIVE;
    bool is_dead =
        connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED;
    close(fd);
    return is_dead ? PLACE_DEAD : PLACE_LIVE;
}

static int os_socket_listen_unix(const struct multiaddr *addr, const char *path, int *out_fd,
                                 struct multiaddr *out_real, struct buf *why)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof name.sun_path)
        return os_socket_explain(addr, ERR_INVALID, "path too long for a socket", why);
    memcpy(name.sun_path, path, strlen(path));
    enum os_socket_place place = os_socket_place(&name);
    if (place == PLACE_OTHER)
        return os_socket_explain(addr, ERR_INVALID,
                                 "what stands at this path is not a socket, and is left alone: "
                                 "move it away, or listen on another path",
                                 why);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return os_socket_fail(addr, fd, why);
    if (place == PLACE_DEAD)
        unlink(path);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
        return os_socket_fail(addr, fd, why);
    *out_fd = fd;
    *out_real = *addr;
    return OK;
}

int os_socket_listen(const struct multiaddr *addr, int *out_fd, struct multiaddr *out_real,
                     struct buf *why)
{
    struct multiaddr_endpoint endpoint;
    if (multiaddr_endpoint(addr, &endpoint) == OK)
        return os_socket_listen_tcp(addr, &endpoint, out_fd, out_real, why);
    struct buf path = { 0 };
    int err = multiaddr_unix_path(addr, &path);
    if (err == OK)
        err = os_socket_listen_unix(addr, buf_text(&path), out_fd, out_real, why);
    else
        os_socket_explain(addr, err, "only /tcp and /unix addresses are listened on", why);
    buf_deinit(&path);
    return err;
}

/* ---- connected ---- */

void os_socket_tune(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void os_socket_close_with_reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

void os_socket_allow_many(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* else it stays as it is, and os_http makes do */
}
