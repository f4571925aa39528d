/* log_index.h -- where in the log's files a record is.
 *
 * Shape    A mark stands for a stretch of records that follow one another in one segment, from its item on; the next
 *          stretch begins with the next mark. A stretch is closed after LOG_INDEX_STRETCH_BYTES, by a cut, and where a
 *          segment begins, so marks are few: 2 MiB of them for a log of 1 GiB.
 * Holds    Marks rise in index. Every record of the extent is in the stretch of the last mark at or below it.
 * Errors   ERR_NOMEM. Adding another index than last + 1 is our bug, and asserts. */
#ifndef STORE_LOG_INDEX_H
#define STORE_LOG_INDEX_H

#include "port/store.h"

enum { LOG_INDEX_STRETCH_BYTES = 16 * 1024 };

struct log_mark {
    uint64_t first;    /* index of its first record */
    uint64_t segment;  /* number */
    uint64_t group_at; /* offset of the group that has it */
    uint64_t item_at;  /* and of its item, in the group's body */
};

struct log_index {
    struct log_extent extent; /* 0 and 0: no record */
    struct log_mark *marks;
    size_t marks_count;
    size_t marks_size;
    bool is_cut; /* the next record begins a stretch */
};

int log_index_add(struct log_index *x, const struct log_mark *where); /* the record where->first */
void log_index_cut(struct log_index *x, uint64_t from);
void log_index_trim(struct log_index *x, uint64_t first_kept);
/* Of the stretch that has this record; NULL: none has. */
const struct log_mark *log_index_find(const struct log_index *x, uint64_t index);
/* The index behind the stretch. */
uint64_t log_index_stretch_end(const struct log_index *x, const struct log_mark *mark);
/* The segment that has the first record at or after `first_kept`; `newest` when there is none. */
uint64_t log_index_oldest(const struct log_index *x, uint64_t first_kept, uint64_t newest);
void log_index_deinit(struct log_index *x);

#endif
