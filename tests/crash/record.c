/* record.c -- LD_PRELOAD: writes down what a process does to a folder, and what it tells its clients (tape.h).
 *
 *      CRASH_FOLDER=/path CRASH_TAPE=/path LD_PRELOAD=build/tests/record.so ipfs-cluster-service -c /path daemon
 *
 * Shape    The C library's calls by which our code and LMDB change files stand here under both their names. A write and
 *          its event are one step (a mutex), so that the tape has the kernel's order; a sync is not, so that rooms go on
 *          writing while another one syncs, as they do without us.
 * Whole    What is missing here would be missing from every image. So crash.c compares: the tape's last image, with
 *          nothing lost, must be the folder that the process left behind, byte for byte.
 * Limits   Descriptors below FDS_MAX; paths are taken as the program gives them, absolute (-c /path). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/tape.h"

enum { FDS_MAX = 1024, PARTS_MAX = 128 };

static struct {
    pthread_mutex_t mutex;
    const char *folder; /* NULL: nothing is recorded */
    size_t folder_len;
    int tape;
    uint64_t numbers; /* of syncs, so far; unique over processes by the pid */
    /* mutex: what an open descriptor is */
    uint64_t ino[FDS_MAX]; /* 0: none of ours */
    bool syncs_itself[FDS_MAX];
} rec = { .mutex = PTHREAD_MUTEX_INITIALIZER, .tape = -1 };

/* ---- the tape ---- */

static void rec_die(const char *what)
{
    dprintf(STDERR_FILENO, "record: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static void rec_put(struct tape_event e, const struct iovec *parts, int count)
{
    struct iovec all[PARTS_MAX + 1] = { { &e, sizeof(e) } };
    if (count > PARTS_MAX)
        rec_die("too many pieces");
    for (int i = 0; i < count; i++) {
        all[i + 1] = parts[i];
        e.len += (uint32_t)parts[i].iov_len;
    }
    ssize_t len = syscall(SYS_writev, rec.tape, all, count + 1);
    if (len != (ssize_t)(sizeof(e) + e.len))
        rec_die("the tape");
}

static void rec_put_text(struct tape_event e, const char *text, size_t len)
{
    struct iovec part = { (void *)(uintptr_t)text, len };
    rec_put(e, &part, 1);
}

static uint64_t rec_number(void)
{
    return ((uint64_t)getpid() << 32) + __atomic_add_fetch(&rec.numbers, 1, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void rec_begin(void)
{
    const char *folder = getenv("CRASH_FOLDER"), *tape = getenv("CRASH_TAPE");
    struct stat st;
    if (folder == NULL || tape == NULL)
        return;
    if (stat(folder, &st) != 0)
        rec_die(folder);
    rec.tape =
        (int)syscall(SYS_openat, AT_FDCWD, tape, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (rec.tape < 0)
        rec_die(tape);
    rec.folder = folder;
    rec.folder_len = strlen(folder);
    rec_put((struct tape_event){ .what = TAPE_START, .ino = st.st_ino }, NULL, 0);
}

/* The path below our folder; NULL: it is elsewhere. */
static const char *rec_below(const char *path)
{
    if (rec.folder == NULL || strncmp(path, rec.folder, rec.folder_len) != 0)
        return NULL;
    path += rec.folder_len;
    if (*path != '/' && *path != '\0')
        return NULL;
    while (*path == '/')
        path += 1;
    return path;
}

static uint64_t rec_ino(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? rec.ino[fd] : 0;
}

static void lock(void)
{
    pthread_mutex_lock(&rec.mutex);
}

/* Keeps errno for the caller. */
static void unlock(void)
{
    int number = errno;
    pthread_mutex_unlock(&rec.mutex);
    errno = number;
}

/* ---- opening and closing ---- */

static void rec_opened(int fd, const char *below, int flags, bool was_there)
{
    struct stat st;
    if (fd >= FDS_MAX || fstat(fd, &st) != 0)
        rec_die("a descriptor");
    rec.ino[fd] = st.st_ino;
    rec.syncs_itself[fd] = (flags & O_DSYNC) != 0; /* O_SYNC has that bit, too */
    if (!was_there)
        rec_put_text((struct tape_event){ .what = TAPE_CREATE, .ino = st.st_ino }, below,
                     strlen(below));
    else if ((flags & O_TRUNC) != 0)
        rec_put((struct tape_event){ .what = TAPE_SIZE, .ino = st.st_ino }, NULL, 0);
}

static int rec_open(int at, const char *path, int flags, mode_t mode)
{
    const char *below = rec_below(path);
    if (below == NULL)
        return (int)syscall(SYS_openat, at, path, flags, mode);
    lock();
    struct stat st;
    bool was_there = stat(path, &st) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0)
        rec_opened(fd, below, flags, was_there);
    unlock();
    return fd;
}

static mode_t rec_mode(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN_BODY(at)                                                                              \
    va_list args;                                                                                  \
    va_start(args, flags);                                                                         \
    mode_t mode = rec_mode(flags, args);                                                           \
    va_end(args);                                                                                  \
    return rec_open(at, path, flags, mode)

int open(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

int open64(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

int openat(int at, const char *path, int flags, ...)
{
    OPEN_BODY(at);
}

int openat64(int at, const char *path, int flags, ...)
{
    OPEN_BODY(at);
}

int creat(const char *path, mode_t mode)
{
    return rec_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* What stdio writes does not come by here: that the file is there, and nothing about what is in it. */
FILE *fopen(const char *path, const char *mode)
{
    bool writes = strpbrk(mode, "wa+") != NULL;
    int flags = !writes ? O_RDONLY : strchr(mode, '+') ? O_RDWR : O_WRONLY;
    if (strchr(mode, 'r') == NULL)
        flags |= O_CREAT | (strchr(mode, 'w') != NULL ? O_TRUNC : O_APPEND);
    int fd = rec_open(AT_FDCWD, path, flags | (strchr(mode, 'e') != NULL ? O_CLOEXEC : 0), 0666);
    if (fd >= 0 && writes && rec_ino(fd) != 0) {
        lock();
        rec_put((struct tape_event){ .what = TAPE_MAPPED, .ino = rec.ino[fd] }, NULL, 0);
        unlock();
    }
    return fd >= 0 ? fdopen(fd, mode) : NULL;
}

int close(int fd)
{
    if (rec_ino(fd) == 0)
        return (int)syscall(SYS_close, fd);
    lock();
    rec.ino[fd] = 0;
    int result = (int)syscall(SYS_close, fd);
    unlock();
    return result;
}

/* ---- writing ---- */

/* The event first, then the bytes: nobody can see what is not on the tape. A short write would make it lie. */
static ssize_t rec_write(int fd, const struct iovec *parts, int count, off_t offset, bool moves)
{
    uint64_t ino = rec.ino[fd], number = rec.syncs_itself[fd] ? rec_number() : 0;
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    struct tape_event e = { .what = TAPE_WRITE, .ino = ino, .number = number };
    lock();
    if (moves)
        offset = lseek(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
    e.offset = (uint64_t)offset;
    rec_put(e, parts, count);
    if (number > 0)
        unlock(); /* it waits for the disk */
    ssize_t done = moves ? syscall(SYS_writev, fd, parts, count)
                         : syscall(SYS_pwritev, fd, parts, count, offset, 0);
    if (done >= 0 && done != (ssize_t)len)
        rec_die("a short write");
    if (number > 0)
        lock();
    if (number > 0 && done >= 0)
        rec_put((struct tape_event){ .what = TAPE_SYNCED, .ino = ino, .number = number }, NULL, 0);
    unlock();
    return done;
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct iovec part = { (void *)(uintptr_t)data, len };
    return rec_ino(fd) == 0 ? syscall(SYS_write, fd, data, len) : rec_write(fd, &part, 1, 0, true);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return rec_ino(fd) == 0 ? syscall(SYS_writev, fd, parts, count)
                            : rec_write(fd, parts, count, 0, true);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    struct iovec part = { (void *)(uintptr_t)data, len };
    return rec_ino(fd) == 0 ? syscall(SYS_pwrite64, fd, data, len, offset)
                            : rec_write(fd, &part, 1, offset, false);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    return pwrite(fd, data, len, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return rec_ino(fd) == 0 ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                            : rec_write(fd, parts, count, offset, false);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(fd, parts, count, offset);
}

static int rec_resize(int fd, off_t len, long call)
{
    lock();
    if (rec_ino(fd) != 0)
        rec_put(
            (struct tape_event){ .what = TAPE_SIZE, .ino = rec.ino[fd], .offset = (uint64_t)len },
            NULL, 0);
    int result = (int)(call == SYS_ftruncate ? syscall(SYS_ftruncate, fd, len)
                                             : syscall(SYS_fallocate, fd, 0, 0, len));
    unlock();
    return result;
}

int ftruncate(int fd, off_t len)
{
    return rec_resize(fd, len, SYS_ftruncate);
}

int ftruncate64(int fd, off_t len)
{
    return rec_resize(fd, len, SYS_ftruncate);
}

/* Only room at the end of a file is something that this recorder understands. */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
    struct stat st;
    if (rec_ino(fd) == 0)
        return (int)syscall(SYS_fallocate, fd, mode, offset, len);
    if (mode != 0 || fstat(fd, &st) != 0)
        rec_die("fallocate with a mode");
    return offset + len > st.st_size ? rec_resize(fd, offset + len, SYS_fallocate)
                                     : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off_t offset, off_t len)
{
    return fallocate(fd, mode, offset, len);
}

int posix_fallocate(int fd, off_t offset, off_t len)
{
    return fallocate(fd, 0, offset, len) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off_t offset, off_t len)
{
    return posix_fallocate(fd, offset, len);
}

/* LMDB's lock file, and nothing else: a map with data in it would have to be recorded page by page. */
void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (rec_ino(fd) != 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) {
        lock();
        rec_put((struct tape_event){ .what = TAPE_MAPPED, .ino = rec.ino[fd] }, NULL, 0);
        unlock();
    }
    return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    return mmap(at, len, protection, flags, fd, offset);
}

/* ---- syncing ---- */

static int rec_sync(int fd, long call)
{
    uint64_t ino = rec_ino(fd), number = rec_number();
    if (ino == 0)
        return (int)syscall(call, fd);
    lock();
    rec_put((struct tape_event){ .what = TAPE_SYNC, .ino = ino, .number = number }, NULL, 0);
    unlock();
    int result = (int)syscall(call, fd);
    lock();
    if (result == 0)
        rec_put((struct tape_event){ .what = TAPE_SYNCED, .ino = ino, .number = number }, NULL, 0);
    unlock();
    return result;
}

int fsync(int fd)
{
    return rec_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return rec_sync(fd, SYS_fdatasync);
}

int msync(void *at, size_t len, int flags)
{
    return (int)syscall(SYS_msync, at, len, flags); /* of the lock file at most: see mmap() */
}

/* ---- names ---- */

static int rec_named(enum tape_what what, const char *path, int result)
{
    struct stat st;
    const char *below = rec_below(path);
    if (result == 0) {
        struct tape_event e = { .what = what };
        if (what == TAPE_MKDIR && stat(path, &st) == 0)
            e.ino = st.st_ino;
        rec_put_text(e, below, strlen(below));
    }
    unlock();
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    if (rec_below(path) == NULL)
        return (int)syscall(SYS_mkdir, path, mode);
    lock();
    return rec_named(TAPE_MKDIR, path, (int)syscall(SYS_mkdir, path, mode));
}

int unlink(const char *path)
{
    if (rec_below(path) == NULL)
        return (int)syscall(SYS_unlink, path);
    lock();
    return rec_named(TAPE_UNLINK, path, (int)syscall(SYS_unlink, path));
}

int rmdir(const char *path)
{
    if (rec_below(path) == NULL)
        return (int)syscall(SYS_rmdir, path);
    lock();
    return rec_named(TAPE_UNLINK, path, (int)syscall(SYS_rmdir, path));
}

int remove(const char *path)
{
    struct stat st;
    bool is_folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return is_folder ? rmdir(path) : unlink(path);
}

int rename(const char *from, const char *to)
{
    const char *old = rec_below(from), *new = rec_below(to);
    if (old == NULL || new == NULL)
        return (int)syscall(SYS_rename, from, to);
    lock();
    int result = (int)syscall(SYS_rename, from, to);
    if (result == 0) {
        struct iovec parts[2] = { { (void *)(uintptr_t)old, strlen(old) + 1 },
                                  { (void *)(uintptr_t) new, strlen(new) } };
        rec_put((struct tape_event){ .what = TAPE_RENAME }, parts, 2);
    }
    unlock();
    return result;
}

/* ---- what clients are told ---- */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    if (rec.folder != NULL) {
        lock();
        rec_put_text((struct tape_event){ .what = TAPE_SENT, .number = (uint64_t)fd }, data, len);
        unlock();
    }
    return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}
