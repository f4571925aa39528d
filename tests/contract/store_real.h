/* store_real.h -- the real store as a fixture of the contract, on a disk that fails when told to: this
 * program's own pwrite(), writev() and fdatasync() stand before the C library's, for LMDB too.
 *
 * Shape    Included by one test, so that no other program gets these functions. */
#ifndef TESTS_CONTRACT_STORE_REAL_H
#define TESTS_CONTRACT_STORE_REAL_H

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/os_store.h"
#include "store/log_file.h"
#include "tests/lib/store_fixture.h"
#include "tests/lib/test_dir.h"

static atomic_int disk_write_error; /* errno of every write; 0: they work */
static atomic_int disk_sync_error;
static atomic_bool disk_loses_seals; /* the log's: as if the power went before they were written */

enum { META_PAGES_LEN = 2 * 4096 };

static bool is_of_log(int fd)
{
    char link[64], path[512] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    return len > 0 && strstr(path, "/records/") != NULL;
}

/* LMDB's two meta pages have their blocks since the file was made: a full disk lets them be written. So it does with the
 * zeros ahead of the log, but a test wants to see the end of those at once. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    int error = atomic_load(&disk_write_error);
    if (atomic_load(&disk_loses_seals) && is_of_log(fd) && len == LOG_SECTOR &&
        ((const uint8_t *)data)[1] == LOG_SEAL)
        error = ENOSPC;
    if (error == 0 || (error == ENOSPC && offset < META_PAGES_LEN && !is_of_log(fd)))
        return syscall(SYS_pwrite64, fd, data, len, offset);
    errno = error;
    return -1;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    int error = atomic_load(&disk_write_error);
    if (error == 0)
        return syscall(SYS_writev, fd, parts, count);
    errno = error;
    return -1;
}

int fdatasync(int fd)
{
    int error = atomic_load(&disk_sync_error);
    if (error == 0)
        return (int)syscall(SYS_fdatasync, fd);
    errno = error;
    return -1;
}

struct real {
    struct os_loop loop;
    struct os_store *store;
    char dir[TEST_DIR_SIZE];
};

static void real_create(struct fixture *fx)
{
    struct real *r = mem_zalloc(sizeof(*r));
    ASSERT(r != NULL);
    test_dir_make(r->dir);
    fx->impl = r;
}

static void real_destroy(struct fixture *fx)
{
    struct real *r = fx->impl;
    test_dir_remove(r->dir);
    mem_free(r);
}

static void real_start(struct fixture *fx)
{
    struct real *r = fx->impl;
    /* So small a map that it has to grow again and again, and so small files of the log that there are many. */
    struct os_store_options options = { .dir = r->dir,
                                        .loop = &r->loop,
                                        .map_bytes_first = 64 * 1024,
                                        .log_segment_bytes = 16 * 1024 };
    int err = os_loop_init(&r->loop);
    if (err == OK)
        err = os_store_open(&r->store, &options);
    ASSERT(err == OK);
    fx->store = os_store_port(r->store);
}

static void real_stop(struct fixture *fx)
{
    struct real *r = fx->impl;
    int err = os_store_close(r->store);
    ASSERT(err == OK);
    os_loop_deinit(&r->loop);
}

static void real_turn(struct fixture *fx)
{
    os_loop_run_once(&((struct real *)fx->impl)->loop);
}

static void real_set_full(struct fixture *fx, bool is_full)
{
    (void)fx;
    atomic_store(&disk_write_error, is_full ? ENOSPC : 0);
}

static const struct fixture_ops fixture_real = {
    "real", real_create, real_destroy, real_start, real_stop, real_turn, real_set_full,
};

#endif
