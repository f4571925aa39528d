/* os_file.h -- the few things that programs do with files at start and stop, whole and blocking.
 *
 * Errors   ERR_NOT_FOUND, ERR_AUTH (permissions), ERR_EXISTS, ERR_FULL, ERR_TOO_BIG, ERR_BUSY (a lock that
 *          another process holds), ERR_IO. `why`, where there is one, gets a sentence with the path. */
#ifndef OS_OS_FILE_H
#define OS_OS_FILE_H

#include <stdbool.h>

#include "util/buf.h"

/* Appends the whole file; its size is at most out->limit (0: 64 MiB). */
int os_file_read(const char *path, struct buf *out, struct buf *why);
/* The file has these bytes whole, durably, or its old ones: temporary file, sync, rename, sync the folder. */
int os_file_replace(const char *path, const void *data, size_t len, unsigned mode, struct buf *why);
/* All of it, where the descriptor stands; -1: errno says why. */
int os_file_write(int fd, const void *data, size_t len);
bool os_file_exists(const char *path);
int os_file_remove(const char *path, struct buf *why);
/* With the folders above it, durably; OK when it is there. */
int os_dir_make(const char *path, unsigned mode, struct buf *why);
/* With all that is in it; OK when it is not there. */
int os_dir_remove(const char *path, struct buf *why);
int os_dir_rename(const char *from, const char *to, struct buf *why); /* durably */
/* path becomes path.old.0, path.old.0 becomes path.old.1 and so on; the one numbered `keep` is removed. OK when
 * there is nothing to move. */
int os_dir_rotate(const char *path, unsigned keep, struct buf *why);

/* A lock on a file, held until os_lock_release() or the process ends. The file says the holder's process id, for the
 * words of whoever finds it locked. */
struct os_lock {
    int fd;
    struct buf path;
};
int os_lock_take(struct os_lock *lock, const char *path, struct buf *why);
void os_lock_release(struct os_lock *lock); /* removes the file, too */

#endif
