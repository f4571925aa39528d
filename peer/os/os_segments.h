/* os_segments.h -- the log room's files: RECORDS/0000000000000001 and so on, each some MiB, written at the end only.
 *
 * Shape    One write and one fdatasync a group (store/log_file.h has the bytes). Zeros are laid ahead of it, so that most
 *          syncs write no inode. A segment that is full is sealed by an end once the next one is durable under its
 *          name; segments that a trim has emptied are removed.
 * Worker   os_segments_open and _close belong to the loop, what is between them to the log's worker.
 * Errors   ERR_FULL: no space, the group is not there, and may be tried again. Any other code of a write ends the room.
 *          A sync that fails is never ERR_FULL: what is on the disk then is not known.
 *          ERR_CORRUPT by open: it can be written to, and the first group has to cut everything. */
#ifndef OS_OS_SEGMENTS_H
#define OS_OS_SEGMENTS_H

#include "store/log_file.h"
#include "store/log_index.h"
#include "util/log.h"

struct os_segment {
    uint64_t number;
    uint64_t nonce; /* 0: the worker has not read it yet */
};

struct os_segments {
    char *path;
    const struct log *log;
    bool is_scratch; /* groups are not synced: os_segments_sync() */
    uint64_t segment_bytes;
    struct os_segment *list; /* oldest first; the last one is written to */
    size_t list_count, list_size;
    struct log_index index;
    struct buf meta;
    uint64_t group_next;
    uint64_t oldest;
    /* The newest segment. */
    int fd;
    uint64_t end;  /* of its groups */
    uint64_t laid; /* the file is that long, zeros behind the groups */
    uint64_t roll_at;
    bool is_sealed;
    bool is_unclean; /* behind the end there may be something else than zeros */
    bool is_damaged; /* what is there is no log */
    /* For reading older ones. */
    int read_fd;
    uint64_t read_number;
};

struct os_segments_options {
    const struct log *log;
    bool is_read_only; /* another process may write meanwhile */
    bool is_scratch;
    uint64_t segment_bytes; /* a segment that long is followed by another; 0: 8 MiB */
};

/* Makes the folder with an empty first segment. Its name is durable when the caller has synced the folder above. */
int os_segments_make(const char *path, const struct os_segments_options *options);
/* Harmless on a failed open, too. */
void os_segments_close(struct os_segments *s);
int os_segments_open(struct os_segments *s, const char *path,
                     const struct os_segments_options *options);

/* The items in `group` (log_group_begin, log_item_put..) become durable, and the index and meta what they say.
 * `cuts_all`: the first item cuts everything. */
int os_segments_write(struct os_segments *s, struct buf *group, bool cuts_all);
int os_segments_trim(struct os_segments *s, uint64_t first_kept);
/* Nothing is to be done at the moment: marks that all is durable, without waiting for the mark to be so. */
void os_segments_seal(struct os_segments *s);
int os_segments_sync(struct os_segments *s); /* of scratch ones */

/* Records first..last in order, until `hook` says something else than OK, which is passed on. */
int os_segments_read(struct os_segments *s, uint64_t first, uint64_t last, log_record_hook hook,
                     void *owner);
int os_segments_remove(const char *path); /* the folder and the segments in it, if it is there */

#endif
