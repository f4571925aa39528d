#include "os/os_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "os/os_file.h"
#include "util/err.h"
#include "util/mem.h"

enum { WRITER_BYTES = 256 * 1024 }; /* of each buffer: the second-level cache has both */

struct os_writer {
    int fd;
    pthread_t thread;
    uint8_t *filling; /* the caller's */
    size_t filling_len;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    uint8_t *full; /* the thread's while full_len is not 0 */
    size_t full_len;
    bool is_ending;
    int number; /* of the first failure; 0: none */

    uint8_t buffers[2][WRITER_BYTES];
};

static void *os_writer_run(void *arg)
{
    struct os_writer *w = arg;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (w->full_len == 0 && !w->is_ending)
            pthread_cond_wait(&w->changed, &w->mutex);
        if (w->full_len == 0)
            break;
        bool has_failed = w->number != 0;
        pthread_mutex_unlock(&w->mutex);
        bool fails = !has_failed && os_file_write(w->fd, w->full, w->full_len) != 0;
        int number = errno;
        pthread_mutex_lock(&w->mutex);
        if (fails)
            w->number = number;
        w->full_len = 0;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* The filled buffer to the thread, when that has written the other one. The errno of a failure so far. */
static int os_writer_hand_over(struct os_writer *w, bool is_ending)
{
    pthread_mutex_lock(&w->mutex);
    while (w->full_len > 0)
        pthread_cond_wait(&w->changed, &w->mutex);
    uint8_t *written = w->full;
    w->full = w->filling;
    w->full_len = w->filling_len;
    w->filling = written;
    w->filling_len = 0;
    w->is_ending = is_ending;
    int number = w->number;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    return number;
}

static int os_writer_err(int number)
{
    if (number == 0)
        return OK;
    return number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
}

int os_writer_begin(struct os_writer **out, int fd)
{
    struct os_writer *w = mem_zalloc(sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->fd = fd;
    w->filling = w->buffers[0];
    w->full = w->buffers[1];
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    if (pthread_create(&w->thread, NULL, os_writer_run, w) != 0) {
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->mutex);
        mem_free(w);
        return ERR_NOMEM;
    }
    *out = w;
    return OK;
}

int os_writer_put(struct os_writer *w, const void *data, size_t len)
{
    const uint8_t *at = data;
    int number = 0;
    while (len > 0) {
        size_t room = WRITER_BYTES - w->filling_len;
        size_t taken = len < room ? len : room;
        memcpy(w->filling + w->filling_len, at, taken);
        w->filling_len += taken;
        at += taken;
        len -= taken;
        if (w->filling_len == WRITER_BYTES)
            number = os_writer_hand_over(w, false);
    }
    return os_writer_err(number);
}

int os_writer_end(struct os_writer *w, int *number)
{
    os_writer_hand_over(w, true);
    pthread_join(w->thread, NULL);
    *number = w->number;
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    mem_free(w);
    return os_writer_err(*number);
}
