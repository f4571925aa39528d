#include "os/os_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"

enum { OS_FILE_BYTES_MAX = 64 * 1024 * 1024, OS_FILE_PIECE_BYTES = 4096 };

static int os_file_err(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_AUTH;
    case EEXIST:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EWOULDBLOCK:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static int os_file_fail(struct buf *why, const char *doing, const char *path)
{
    int number = errno;
    if (why != NULL)
        buf_printf(why, "%s %s: %s", doing, path, strerror(number));
    return os_file_err(number);
}

int os_file_read(const char *path, struct buf *out, struct buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return os_file_fail(why, "cannot read", path);
    size_t limit = out->limit > 0 ? out->limit : OS_FILE_BYTES_MAX;
    int err = OK;
    for (bool is_over = false; !is_over && err == OK;) {
        uint8_t beyond = 0; /* one byte more than there may be */
        size_t left = limit - out->len;
        size_t want = left < OS_FILE_PIECE_BYTES ? left : OS_FILE_PIECE_BYTES;
        uint8_t *room = want > 0 ? buf_reserve(out, want) : &beyond;
        ssize_t got = room != NULL ? read(fd, room, want > 0 ? want : 1) : 0;
        is_over = got == 0;
        if (room == NULL)
            err = out->err;
        else if (got < 0 && errno != EINTR)
            err = os_file_fail(why, "cannot read", path);
        else if (got > 0 && want == 0)
            err = ERR_TOO_BIG;
        else if (got > 0)
            out->len += (size_t)got;
    }
    if (err == ERR_TOO_BIG && why != NULL)
        buf_printf(why, "%s is too big", path);
    close(fd);
    return err;
}

int os_file_write(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        at += put;
        len -= (size_t)put;
    }
    return 0;
}

/* The folder's entry for a new or renamed file is durable only after this. */
static int os_dir_sync_of(const char *path)
{
    struct buf dir = { 0 };
    const char *slash = strrchr(path, '/');
    buf_append(&dir, slash != NULL ? path : ".", slash != NULL ? (size_t)(slash - path) + 1 : 1);
    int fd = open(buf_text(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_deinit(&dir);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

int os_file_replace(const char *path, const void *data, size_t len, unsigned mode, struct buf *why)
{
    struct buf temp = { 0 };
    buf_printf(&temp, "%s.new", path);
    int err = OK;
    int fd = open(buf_text(&temp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        err = os_file_fail(why, "cannot write", buf_text(&temp));
    } else if (fchmod(fd, mode) != 0 || os_file_write(fd, data, len) != 0 || fsync(fd) != 0) {
        err = os_file_fail(why, "cannot write", buf_text(&temp));
        close(fd);
    } else if (close(fd) != 0 || rename(buf_text(&temp), path) != 0 || os_dir_sync_of(path) != 0) {
        err = os_file_fail(why, "cannot replace", path);
    }
    if (err != OK)
        (void)unlink(buf_text(&temp));
    buf_deinit(&temp);
    return err;
}

bool os_file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int os_file_remove(const char *path, struct buf *why)
{
    return unlink(path) == 0 || errno == ENOENT ? OK : os_file_fail(why, "cannot remove", path);
}

int os_dir_make(const char *path, unsigned mode, struct buf *why)
{
    struct buf upto = { 0 };
    int err = OK;
    for (size_t i = 1; err == OK && i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        buf_clear(&upto);
        buf_append(&upto, path, i);
        bool is_new = mkdir(buf_text(&upto), mode) == 0;
        if ((!is_new && errno != EEXIST) || (is_new && os_dir_sync_of(buf_text(&upto)) != 0))
            err = os_file_fail(why, "cannot make the folder", buf_text(&upto));
    }
    buf_deinit(&upto);
    return err;
}

static int os_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

int os_dir_remove(const char *path, struct buf *why)
{
    if (!os_file_exists(path) || nftw(path, os_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0)
        return OK;
    return os_file_fail(why, "cannot remove", path);
}

int os_dir_rename(const char *from, const char *to, struct buf *why)
{
    return rename(from, to) == 0 && os_dir_sync_of(to) == 0
               ? OK
               : os_file_fail(why, "cannot rename", from);
}

int os_dir_rotate(const char *path, unsigned keep, struct buf *why)
{
    if (!os_file_exists(path))
        return OK;
    struct buf from = { 0 };
    struct buf to = { 0 };
    int err = OK;
    buf_printf(&to, "%s.old.%u", path, keep - 1);
    err = os_dir_remove(buf_text(&to), why);
    for (unsigned n = keep - 1; err == OK && n > 0; n--) {
        buf_clear(&from);
        buf_clear(&to);
        buf_printf(&from, "%s.old.%u", path, n - 1);
        buf_printf(&to, "%s.old.%u", path, n);
        if (os_file_exists(buf_text(&from)) && rename(buf_text(&from), buf_text(&to)) != 0)
            err = os_file_fail(why, "cannot rename", buf_text(&from));
    }
    buf_clear(&to);
    buf_printf(&to, "%s.old.0", path);
    if (err == OK && (rename(path, buf_text(&to)) != 0 || os_dir_sync_of(path) != 0))
        err = os_file_fail(why, "cannot rename", path);
    buf_deinit(&from);
    buf_deinit(&to);
    return err;
}

/* The lock file says who holds it; 0: it does not. */
static long os_lock_holder(int fd)
{
    char text[24] = { 0 };
    long pid = 0;
    if (pread(fd, text, sizeof(text) - 1, 0) > 0)
        pid = strtol(text, NULL, 10);
    return pid > 0 ? pid : 0;
}

static int os_lock_held(struct os_lock *lock, const char *path, struct buf *why)
{
    int err = os_file_err(errno);
    long pid = os_lock_holder(lock->fd);
    if (why != NULL) {
        buf_printf(why, "%s is locked: another ipfs-cluster-service", path);
        if (pid > 0)
            buf_printf(why, ", process %ld,", pid);
        buf_append_text(why, " runs on this folder. Stop it, or use another folder (-c)");
    }
    close(lock->fd);
    lock->fd = -1;
    return err;
}

int os_lock_take(struct os_lock *lock, const char *path, struct buf *why)
{
    *lock = (struct os_lock){ .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) };
    if (lock->fd < 0)
        return os_file_fail(why, "cannot lock", path);
    if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0)
        return os_lock_held(lock, path, why);
    char text[24];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(lock->fd, 0) == 0) /* only words for others: the lock is held all the same */
        (void)!pwrite(lock->fd, text, (size_t)len, 0);
    buf_append_text(&lock->path, path);
    return OK;
}

void os_lock_release(struct os_lock *lock)
{
    if (lock->fd < 0)
        return;
    (void)unlink(buf_text(&lock->path));
    close(lock->fd);
    lock->fd = -1;
    buf_deinit(&lock->path);
}
