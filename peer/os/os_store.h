/* os_store.h -- the store on a real disk: LMDB for the map, files of our own for the log, plain files for the rest.
 *
 *      DIR/LOCK               held while the store is open
 *      DIR/records/           the log room's files (os_segments.h)
 *      DIR/log                a word to versions that keep their log there in an LMDB environment
 *      DIR/state.<generation> one of the map's STATE area, a generation each
 *      DIR/local/             one of its LOCAL area
 *      DIR/import.<g>         a generation being built; renamed to state.<g> when it is whole
 *      DIR/files/<no>         files; <no>.new is an export being written
 *
 * Shape    One worker thread for the log, each area of the map, the map's long jobs, and the files.
 *          Requests wait in the room's queue; all that wait when a sync ends go into the next
 *          transaction or group. done() runs on the loop, by os_loop_post().
 * Threads  All calls come from the loop's thread.
 * Owner    The options' strings are copied; loop and log outlive the store.
 * Errors   open: ERR_BUSY another process has the folder, ERR_VERSION written by a newer version, ERR_CORRUPT,
 *          ERR_IO, ERR_NOMEM; each with a log line. The *_open calls of the port: the same.
 * Limits   A damaged block device may answer a read of LMDB's memory map with SIGBUS: the process ends, and
 *          the supervisor starts it anew.
 * Source   DESIGN 3, 4; docs/STORE.md for the bytes. */
#ifndef OS_OS_STORE_H
#define OS_OS_STORE_H

#include "os/os_loop.h"
#include "port/store.h"
#include "util/log.h"

struct os_store_options {
    const char *dir; /* made when it is missing; its parent exists */
    struct os_loop *loop;
    const struct log *log;
    size_t
        map_bytes_first; /* address space an environment begins with; 0: 1 GiB. It doubles on demand. */
    size_t map_bytes_max;       /* beyond it ERR_FULL; 0: no bound but the disk's */
    uint64_t log_segment_bytes; /* of a file of the log, about; 0: 8 MiB */
    /* Only looks, also while another process has the folder; nothing may be submitted. The rooms are those that are
     * there: ERR_NOT_FOUND for one that was never made. */
    bool is_read_only;
    /* Nothing is durable before os_store_close() has said OK: for a folder that is built and then renamed. done() says
     * only that the request was carried out. */
    bool is_scratch;
};

struct os_store;

int os_store_open(struct os_store **out, const struct os_store_options *options);
struct store os_store_port(struct os_store *s);
/* Completes everything from inside this call (ERR_CANCELED what was not begun) and frees the store.
 * ERR_TIMEOUT: a worker hangs in the disk; the store stays as it is, and the process had better end. Any other code:
 * a scratch store, now closed, that could not be synced. */
int os_store_close(struct os_store *s);

#endif
