#include "os/os_writer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "os/os_file.h"
#include "os/os_stage.h"
#include "util/err.h"
#include "util/mem.h"

enum { WRITER_BYTES = 256 * 1024 }; /* of each buffer: the second-level cache has both */

struct os_writer_buffer {
    size_t len;
    int number; /* of the first failure until it was written; 0: none */
    uint8_t bytes[WRITER_BYTES];
};

struct os_writer {
    int fd;
    int number; /* of the first failure: the stage's */
    struct os_stage *stage;
    struct os_writer_buffer *filling;
    struct os_writer_buffer buffers[2];
};

static void os_writer_work(void *owner, void *slot)
{
    struct os_writer *w = owner;
    struct os_writer_buffer *b = slot;
    if (w->number == 0 && os_file_write(w->fd, b->bytes, b->len) != 0)
        w->number = errno;
    b->number = w->number;
    b->len = 0;
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
    w->filling = &w->buffers[0];
    int err = os_stage_begin(&w->stage, os_writer_work, w, &w->buffers[0], &w->buffers[1]);
    if (err != OK) {
        mem_free(w);
        return err;
    }
    *out = w;
    return OK;
}

int os_writer_put(struct os_writer *w, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        struct os_writer_buffer *b = w->filling;
        size_t room = WRITER_BYTES - b->len;
        size_t taken = len < room ? len : room;
        memcpy(b->bytes + b->len, at, taken);
        b->len += taken;
        at += taken;
        len -= taken;
        if (b->len == WRITER_BYTES)
            w->filling = os_stage_next(w->stage);
    }
    return os_writer_err(w->filling->number);
}

int os_writer_end(struct os_writer *w, int *number)
{
    (void)os_stage_next(w->stage);
    os_stage_end(w->stage);
    *number = w->number;
    mem_free(w);
    return os_writer_err(*number);
}
