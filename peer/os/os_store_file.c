/* os_store_file.c -- numbered files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_store_int.h"
#include "util/err.h"

int os_write_all(int fd, const void *data, size_t len, uint64_t offset)
{
    const uint8_t *from = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, from, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_errno(errno);
        from += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return OK;
}

static int file_read_all(int fd, struct file_job *job)
{
    uint8_t *to = job->into;
    while (job->len_done < job->len) {
        ssize_t n = pread(fd, to + job->len_done, job->len - job->len_done,
                          (off_t)(job->offset + job->len_done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_errno(errno);
        if (n == 0)
            break;
        job->len_done += (size_t)n;
    }
    return OK;
}

/* ---- open files: a write and the sync that follows meet on one descriptor, so no error is lost ---- */

static void fd_close(struct os_fd *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static struct os_fd *fd_find(struct os_store *s, uint64_t no)
{
    for (size_t i = 0; i < OS_FDS_COUNT; i++)
        if (s->fds[i].fd >= 0 && s->fds[i].file_no == no)
            return &s->fds[i];
    return NULL;
}

static struct os_fd *fd_oldest(struct os_store *s)
{
    struct os_fd *oldest = &s->fds[0];
    for (size_t i = 1; i < OS_FDS_COUNT; i++)
        if (s->fds[i].used_at < oldest->used_at)
            oldest = &s->fds[i];
    return oldest;
}

/* Makes the file when it is missing, and its name durable. */
static int file_make(const struct os_store *s, const char *path, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return os_errno(errno);
    char *folder = os_store_path(s, "files");
    int err = folder != NULL ? os_folder_sync(folder, NULL) : ERR_NOMEM;
    mem_free(folder);
    if (err != OK)
        close(*fd);
    return err;
}

/* An export puts a new file under the name. */
static bool fd_is_current(const struct os_fd *f, const char *path)
{
    struct stat by_fd, by_name;
    return fstat(f->fd, &by_fd) == 0 && stat(path, &by_name) == 0 &&
           by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev;
}

static int fd_open(struct os_store *s, uint64_t no, const char *path, bool make, struct os_fd **out)
{
    struct os_fd *f = fd_find(s, no);
    if (f != NULL && !fd_is_current(f, path))
        fd_close(f);
    if (f == NULL || f->fd < 0) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        int err = fd >= 0 ? OK : os_errno(errno);
        if (err == ERR_NOT_FOUND && make)
            err = file_make(s, path, &fd);
        if (err != OK)
            return err;
        f = fd_oldest(s);
        fd_close(f);
        *f = (struct os_fd){ .file_no = no, .fd = fd };
    }
    f->used_at = ++s->fds_clock;
    *out = f;
    return OK;
}

static int fd_get(struct os_store *s, uint64_t no, bool make, int *fd)
{
    char *path = os_store_path(s, "files/%llu", (unsigned long long)no);
    struct os_fd *f = NULL;
    int err = path != NULL ? fd_open(s, no, path, make, &f) : ERR_NOMEM;
    if (err == OK)
        *fd = f->fd;
    mem_free(path);
    return err;
}

static int file_drop(struct os_store *s, uint64_t no)
{
    struct os_fd *f = fd_find(s, no);
    if (f != NULL)
        fd_close(f);
    char *path = os_store_path(s, "files/%llu", (unsigned long long)no);
    char *folder = os_store_path(s, "files");
    int err = path != NULL && folder != NULL ? OK : ERR_NOMEM;
    if (err == OK && unlink(path) != 0 && errno != ENOENT)
        err = os_errno(errno);
    if (err == OK)
        err = os_folder_sync(folder, NULL);
    mem_free(path);
    mem_free(folder);
    return err;
}

/* ---- the worker ---- */

static int file_run(struct os_store *s, struct file_job *job)
{
    int fd = -1;
    if (job->what == FILE_DROP)
        return file_drop(s, job->file_no);
    int err = fd_get(s, job->file_no, job->what == FILE_WRITE, &fd);
    if (err != OK)
        return err;
    switch (job->what) {
    case FILE_WRITE:
        err = os_write_all(fd, job->data, job->len, job->offset);
        job->len_done = err == OK ? job->len : 0;
        return err;
    case FILE_READ:
        return file_read_all(fd, job);
    case FILE_SYNC:
        return fdatasync(fd) == 0 ? OK : os_errno(errno);
    case FILE_DROP:
        break;
    }
    return OK;
}

void os_file_run(struct os_room *room, struct list_link *group)
{
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        struct file_job *job = list_entry(slot, struct file_job, slot);
        bool writes = job->what == FILE_WRITE || job->what == FILE_SYNC;
        if (writes && room->is_dead) {
            slot->err = ERR_IO;
            continue;
        }
        slot->err = file_run(room->impl, job);
        if (writes && slot->err != ERR_NOT_FOUND)
            slot->err = os_room_judge(room, slot->err, err_text(slot->err));
    }
}

void os_files_close(struct os_store *s)
{
    for (size_t i = 0; i < OS_FDS_COUNT; i++)
        fd_close(&s->fds[i]);
}

/* ---- the loop ---- */

int os_file_job(void *impl, struct file_job *job)
{
    struct os_store *s = impl;
    job->len_done = 0;
    return os_room_submit(&s->rooms[OS_ROOM_FILES], &job->slot, OS_FILE_JOB);
}
