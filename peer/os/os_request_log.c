#include "os/os_request_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

/* More than this does not wait for the end of the turn. */
enum { GATHER_BYTES = 64 * 1024 };

struct os_request_log {
    struct os_loop *loop;
    const struct log *log;
    struct os_task task;
    int fd;
    struct buf path;
    struct buf waiting;
    uint64_t lost_count; /* since it began to fail */
    bool is_failing;
    bool is_torn; /* the file ends in the middle of a line */
};

static uint64_t os_request_log_lines(const uint8_t *bytes, size_t len)
{
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += bytes[i] == '\n';
    return count;
}

static void os_request_log_on_failure(struct os_request_log *l, uint64_t lost_count,
                                      const char *what)
{
    if (!l->is_failing)
        LOG_ERROR(l->log, "http", "requests are not logged for now: %s: %s", buf_text(&l->path),
                  what);
    l->is_failing = true;
    l->lost_count += lost_count;
}

static void os_request_log_on_success(struct os_request_log *l)
{
    if (l->is_failing)
        LOG_WARN(l->log, "http", "requests are logged again: %s lost=%llu", buf_text(&l->path),
                 (unsigned long long)l->lost_count);
    l->is_failing = false;
    l->lost_count = 0;
}

static ssize_t os_request_log_put(struct os_request_log *l, const void *bytes, size_t len)
{
    ssize_t wrote;
    do
        wrote = write(l->fd, bytes, len);
    while (wrote < 0 && errno == EINTR);
    return wrote;
}

/* What does not go now is lost: requests do not wait for their lines. */
static void os_request_log_write(void *owner)
{
    struct os_request_log *l = owner;
    size_t len = l->waiting.len;
    if (len == 0)
        return;
    if (l->is_torn) /* what is left of a line shall not become one with the next */
        l->is_torn = os_request_log_put(l, "\n", 1) != 1;
    ssize_t wrote = os_request_log_put(l, l->waiting.data, len);
    const char *what = wrote < 0 ? strerror(errno) : "there is no room";
    size_t kept = wrote > 0 ? (size_t)wrote : 0;
    if (kept == len)
        os_request_log_on_success(l);
    else
        os_request_log_on_failure(l, os_request_log_lines(l->waiting.data + kept, len - kept),
                                  what);
    if (kept > 0)
        l->is_torn = l->waiting.data[kept - 1] != '\n';
    buf_clear(&l->waiting);
}

static void os_request_log_append(void *impl, struct bytes line)
{
    struct os_request_log *l = impl;
    if (l->waiting.len == 0)
        os_loop_post(l->loop, &l->task);
    buf_append(&l->waiting, line.data, line.len);
    buf_put_u8(&l->waiting, '\n');
    if (l->waiting.err != OK) {
        uint64_t lines = os_request_log_lines(l->waiting.data, l->waiting.len);
        os_request_log_on_failure(l, lines + 1, err_text(l->waiting.err));
        buf_clear(&l->waiting);
    } else if (l->waiting.len >= GATHER_BYTES) {
        os_request_log_write(l);
    }
}

static const struct request_log_ops os_request_log_ops = { .append = os_request_log_append };

struct request_log os_request_log_port(struct os_request_log *l)
{
    return (struct request_log){ .ops = l != NULL ? &os_request_log_ops : NULL, .impl = l };
}

static int os_request_log_refuse(const char *path, struct buf *why)
{
    int number = errno;
    buf_printf(why, "%s cannot be opened for the log of requests: %s", path,
               number == ENXIO ? "nobody reads from this FIFO" : strerror(number));
    switch (number) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_AUTH;
    case EISDIR:
    case ENOTDIR:
    case ENXIO:
    case ELOOP:
    case ENAMETOOLONG:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

int os_request_log_open(struct os_request_log **out, struct os_loop *loop, const char *path,
                        const struct log *log, struct buf *why)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0)
        return os_request_log_refuse(path, why);
    struct os_request_log *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    l->loop = loop;
    l->log = log;
    l->fd = fd;
    buf_append_text(&l->path, path);
    os_task_init(&l->task, os_request_log_write, l);
    *out = l;
    return OK;
}

void os_request_log_close(struct os_request_log *l)
{
    if (l == NULL)
        return;
    os_request_log_write(l);
    os_loop_unpost(l->loop, &l->task);
    close(l->fd);
    buf_deinit(&l->waiting);
    buf_deinit(&l->path);
    mem_free(l);
}
