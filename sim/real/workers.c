#include "sim/real/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

enum { TICK_MS = 200 };

struct worker {
    pid_t pid; /* 0: none */
    int to;
    int from;
    bool is_busy;
    uint64_t since_us; /* busy with this job */
    struct buf job;
    struct buf in;
};

struct crew {
    struct workers *w;
    struct worker workers[WORKERS_MAX];
    bool is_over; /* no more jobs */
};

static uint64_t workers_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

unsigned workers_cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

/* ---- frames: length, bytes ---- */

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t len)
{
    char *at = bytes;
    while (len > 0) {
        ssize_t n = read(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool frame_write(int fd, const struct buf *b)
{
    uint64_t len = b->len;
    return b->err == OK && write_all(fd, &len, sizeof(len)) && write_all(fd, b->data, b->len);
}

static bool frame_read(int fd, struct buf *out)
{
    uint64_t len;
    if (!read_all(fd, &len, sizeof(len)) || len > WORKERS_RESULT_BYTES_MAX)
        return false;
    buf_clear(out);
    uint8_t *to = len > 0 ? buf_reserve(out, (size_t)len) : NULL;
    if (len > 0 && (to == NULL || !read_all(fd, to, (size_t)len)))
        return false;
    out->len = (size_t)len;
    return true;
}

/* ---- a child ---- */

static void worker_live(struct workers *w, int from, int to)
{
    struct buf job = { 0 }, result = { 0 };
    while (frame_read(from, &job)) {
        buf_clear(&result);
        w->work(w->owner, buf_bytes(&job), &result);
        if (!frame_write(to, &result))
            break;
    }
    _exit(0);
}

static int worker_start(struct crew *crew, struct worker *worker)
{
    int down[2], up[2];
    if (pipe(down) != 0)
        return ERR_IO;
    if (pipe(up) != 0) {
        close(down[0]), close(down[1]);
        return ERR_IO;
    }
    fflush(NULL); /* or the child would print it, too */
    pid_t pid = fork();
    if (pid == 0) {
        /* The others' pipes are not this child's: they must see each other's ends close. */
        for (unsigned i = 0; i < crew->w->count; i++)
            if (crew->workers[i].pid > 0)
                close(crew->workers[i].to), close(crew->workers[i].from);
        close(down[1]), close(up[0]);
        worker_live(crew->w, down[0], up[1]);
    }
    close(down[0]), close(up[1]);
    if (pid < 0) {
        close(down[1]), close(up[0]);
        return ERR_IO;
    }
    worker->pid = pid;
    worker->to = down[1];
    worker->from = up[0];
    worker->is_busy = false;
    return OK;
}

static int worker_end(struct worker *worker, bool by_force)
{
    int status = 0;
    if (worker->pid == 0)
        return 0;
    if (by_force)
        kill(worker->pid, SIGKILL);
    close(worker->to), close(worker->from);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker->pid = 0;
    worker->is_busy = false;
    return status;
}

/* ---- the crew ---- */

static void worker_died(struct crew *crew, struct worker *worker, bool is_late)
{
    char how[64];
    int status = worker_end(worker, is_late);
    if (is_late)
        snprintf(how, sizeof(how), "it did not end within %llu s",
                 (unsigned long long)(crew->w->limit_us / 1000000));
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), "the simulator died of signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof(how), "the simulator ended with exit code %d", WEXITSTATUS(status));
    crew->w->on_death(crew->w->owner, buf_bytes(&worker->job), how);
}

static int worker_feed(struct crew *crew, struct worker *worker)
{
    while (!worker->is_busy && !crew->is_over) {
        buf_clear(&worker->job);
        if (!crew->w->next(crew->w->owner, &worker->job)) {
            crew->is_over = true;
            break;
        }
        int err = worker->pid == 0 ? worker_start(crew, worker) : OK;
        if (err != OK)
            return err;
        worker->is_busy = true;
        worker->since_us = workers_now_us();
        if (!frame_write(worker->to, &worker->job))
            worker_died(crew, worker, true);
    }
    return OK;
}

static void worker_collect(struct crew *crew, struct worker *worker)
{
    if (!frame_read(worker->from, &worker->in)) {
        worker_died(crew, worker, false);
        return;
    }
    worker->is_busy = false;
    crew->w->on_result(crew->w->owner, buf_bytes(&worker->job), buf_bytes(&worker->in));
}

/* Waits for somebody; false: nobody is busy. */
static bool crew_wait(struct crew *crew)
{
    struct pollfd fds[WORKERS_MAX];
    struct worker *busy[WORKERS_MAX];
    nfds_t count = 0;
    for (unsigned i = 0; i < crew->w->count; i++)
        if (crew->workers[i].is_busy) {
            busy[count] = &crew->workers[i];
            fds[count++] = (struct pollfd){ .fd = crew->workers[i].from, .events = POLLIN };
        }
    if (count == 0)
        return false;
    int ready = poll(fds, count, TICK_MS);
    for (nfds_t i = 0; ready > 0 && i < count; i++)
        if (fds[i].revents != 0)
            worker_collect(crew, busy[i]);
    uint64_t now_us = workers_now_us();
    for (nfds_t i = 0; crew->w->limit_us > 0 && i < count; i++)
        if (busy[i]->is_busy && now_us - busy[i]->since_us > crew->w->limit_us)
            worker_died(crew, busy[i], true);
    if (crew->w->on_tick != NULL)
        crew->w->on_tick(crew->w->owner);
    return true;
}

int workers_run(struct workers *w)
{
    struct crew *crew = mem_zalloc(sizeof(*crew));
    if (crew == NULL)
        return ERR_NOMEM;
    crew->w = w;
    if (w->count < 1 || w->count > WORKERS_MAX)
        w->count = w->count < 1 ? 1 : WORKERS_MAX;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int err = OK;
    do {
        for (unsigned i = 0; i < w->count && err == OK; i++)
            err = worker_feed(crew, &crew->workers[i]);
    } while (err == OK && crew_wait(crew));
    for (unsigned i = 0; i < w->count; i++) {
        worker_end(&crew->workers[i], crew->workers[i].is_busy);
        buf_deinit(&crew->workers[i].job);
        buf_deinit(&crew->workers[i].in);
    }
    signal(SIGPIPE, before);
    mem_free(crew);
    return err;
}
