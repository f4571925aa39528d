/* faults.c -- LD_PRELOAD: a disk that fails while a test says so.
 *
 *      FAULTS=/path/to/order FAULTS_FOLDER=/path/to/peer LD_PRELOAD=build/tests/faults.so ipfs-cluster-service ...
 *
 * Order    A file that may come and go while the process runs, with one line: CALL ERRNO [PART]. CALL is write, sync or
 *          open (to write); ERRNO is ENOSPC, EIO, EROFS, EMFILE, or "hang": the call waits until the order is another.
 *          PART: only files with this in their path.
 * Full     ENOSPC lets pass what needs no new block: a write that ends before the file does.
 * Where    Files below FAULTS_FOLDER; the C library's calls by which our code and LMDB write. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HANGS = -1, LINE_SIZE = 128, PATH_SIZE = 512 };

/* What the order says for this call on this path: an errno, HANGS, or 0. */
static int order_for(const char *call, const char *path)
{
    static const struct {
        const char *name;
        int number;
    } numbers[] = { { "ENOSPC", ENOSPC },
                    { "EIO", EIO },
                    { "EROFS", EROFS },
                    { "EMFILE", EMFILE },
                    { "hang", HANGS } };
    char line[LINE_SIZE + 1], what[LINE_SIZE], number[LINE_SIZE], part[LINE_SIZE] = "";
    const char *order = getenv("FAULTS"), *folder = getenv("FAULTS_FOLDER");
    size_t len_folder = folder != NULL ? strlen(folder) : 0;
    if (order == NULL || len_folder == 0 || strncmp(path, folder, len_folder) != 0 ||
        path[len_folder] != '/')
        return 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, order, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, line, LINE_SIZE);
    syscall(SYS_close, fd);
    line[len > 0 ? len : 0] = '\0';
    if (sscanf(line, "%127s %127s %127s", what, number, part) < 2 || strcmp(what, call) != 0 ||
        strstr(path, part) == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (strcmp(numbers[i].name, number) == 0)
            return numbers[i].number;
    return 0;
}

/* True: the call fails, errno is set. */
static bool fails(const char *call, const char *path)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    int number;
    while ((number = order_for(call, path)) == HANGS)
        nanosleep(&pause, NULL);
    if (number != 0)
        errno = number;
    return number != 0;
}

static const char *path_of(int fd, char path[PATH_SIZE])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_SIZE - 1);
    path[len > 0 ? len : 0] = '\0';
    return path;
}

static bool write_fails(int fd, const struct iovec *parts, int count, off_t offset)
{
    char path[PATH_SIZE];
    struct stat st;
    if (!fails("write", path_of(fd, path)))
        return false;
    off_t end = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    for (int i = 0; i < count; i++)
        end += (off_t)parts[i].iov_len;
    return errno != ENOSPC || fstat(fd, &st) != 0 || end > st.st_size;
}

static int sync_or_fail(int fd, long call)
{
    char path[PATH_SIZE];
    return fails("sync", path_of(fd, path)) ? -1 : (int)syscall(call, fd);
}

static int open_or_fail(int at, const char *path, int flags, mode_t mode)
{
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && fails("open", path))
        return -1;
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct iovec part = { (void *)(uintptr_t)data, len };
    return write_fails(fd, &part, 1, -1) ? -1 : syscall(SYS_write, fd, data, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_fails(fd, parts, count, -1) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    struct iovec part = { (void *)(uintptr_t)data, len };
    return write_fails(fd, &part, 1, offset) ? -1 : syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    return pwrite(fd, data, len, offset);
}

int ftruncate(int fd, off_t len)
{
    return write_fails(fd, NULL, 0, len) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    return write_fails(fd, NULL, 0, offset + len)
               ? -1
               : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fsync(int fd)
{
    return sync_or_fail(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_or_fail(fd, SYS_fdatasync);
}

#define OPEN_BODY(at)                                                                              \
    va_list args;                                                                                  \
    va_start(args, flags);                                                                         \
    mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;                                    \
    va_end(args);                                                                                  \
    return open_or_fail(at, path, flags, mode)

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
