#include "sim/real/real_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "util/err.h"

uint64_t real_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void real_call_end(struct real_call *c, int err)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->is_done = true;
    c->err = err;
}

void real_call_start(struct real_call *c, unsigned port, const char *method, const char *target,
                     const char *head, struct bytes body, uint64_t timeout_us)
{
    *c = (struct real_call){ .sent_max = SIZE_MAX, .give_up_us = real_now_us() + timeout_us };
    buf_printf(&c->request,
               "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n"
               "%s\r\n",
               method, target, body.len, head != NULL ? head : "");
    buf_append(&c->request, body.data, body.len);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool fails = c->fd < 0 ||
                 (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS);
    if (fails || c->request.err != OK)
        real_call_end(c, fails ? ERR_UNREACHABLE : c->request.err);
}

static void real_call_send(struct real_call *c)
{
    size_t end = c->sent_max < c->request.len ? c->sent_max : c->request.len;
    while (!c->is_done && c->sent < end) {
        ssize_t n = send(c->fd, c->request.data + c->sent, end - c->sent, MSG_NOSIGNAL);
        if (n > 0)
            c->sent += (size_t)n;
        else if (errno == EAGAIN || errno == ENOTCONN)
            return;
        else
            real_call_end(c, c->sent == 0 ? ERR_UNREACHABLE : ERR_CLOSED);
    }
    if (!c->is_done && end < c->request.len)
        real_call_end(c, ERR_CLOSED);
}

static void real_call_read(struct real_call *c)
{
    char piece[16 * 1024];
    while (!c->is_done && c->sent == c->request.len) {
        ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return;
        if (n <= 0)
            real_call_end(c, ERR_CLOSED);
        else if (http_reply_feed(&c->reply, piece, (size_t)n) != OK)
            real_call_end(c, ERR_CORRUPT);
        else if (c->reply.is_complete)
            real_call_end(c, http_reply_has_stream_error(&c->reply) ? ERR_CORRUPT : OK);
    }
}

void real_call_step(struct real_call *c)
{
    if (c->is_done)
        return;
    if (c->fd < 0) { /* nobody took it */
        real_call_end(c, ERR_UNREACHABLE);
        return;
    }
    real_call_send(c);
    real_call_read(c);
    if (!c->is_done && real_now_us() >= c->give_up_us)
        real_call_end(c, ERR_TIMEOUT);
}

void real_call_deinit(struct real_call *c)
{
    if (c->fd >= 0 && !c->is_done)
        close(c->fd);
    buf_deinit(&c->request);
    http_reply_deinit(&c->reply);
}

int real_ask(unsigned port, const char *method, const char *target, struct bytes body,
             uint64_t timeout_us, struct http_reply *reply)
{
    struct real_call c;
    real_call_start(&c, port, method, target, NULL, body, timeout_us);
    while (!c.is_done) {
        struct pollfd fd = { .fd = c.fd, .events = c.sent < c.request.len ? POLLOUT : POLLIN };
        (void)poll(&fd, 1, 20);
        real_call_step(&c);
    }
    *reply = c.reply;
    c.reply = (struct http_reply){ 0 };
    real_call_deinit(&c);
    return c.err;
}
