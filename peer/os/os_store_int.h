/* os_store_int.h -- between the files of the real store. */
#ifndef OS_OS_STORE_INT_H
#define OS_OS_STORE_INT_H

#include "os/os_file.h"
#include "os/os_lmdb.h"
#include "os/os_room.h"
#include "os/os_segments.h"
#include "os/os_store.h"

enum os_request_kind {
    OS_LOG_UNIT,
    OS_LOG_FETCH,
    OS_LOG_TRIM,
    OS_MAP_BATCH,
    OS_MAP_JOB,
    OS_FILE_JOB,
};

enum { OS_ROOM_LOG, OS_ROOM_STATE, OS_ROOM_LOCAL, OS_ROOM_JOBS, OS_ROOM_FILES, OS_ROOMS_COUNT };

/* The map's table t is stored as MAP_TABLE_FIRST + t. */
enum { MAP_TABLE_FIRST = 1 };

/* A generation of STATE. The loop's, save that exports hold it open. */
struct os_generation {
    struct list_link link;
    uint64_t number;
    size_t exports_count; /* the loop's: submitted, not told */
    struct os_env env;
};

struct os_view {
    bool is_open;
    struct os_env *env;
    MDB_txn *txn;
    MDB_cursor *cursors[LIMIT_MAP_TABLES_COUNT]; /* NULL: not used yet */
    enum { VIEW_BEFORE, VIEW_ON, VIEW_AFTER } at[LIMIT_MAP_TABLES_COUNT];
};

/* An export between its event and its worker; in its job's slot. */
struct os_export {
    struct os_store *store;
    struct map_job *job;
    struct os_generation *generation;
    MDB_txn *txn; /* begun on the loop: the version that a view showed then */
};

enum { OS_FDS_COUNT = 4 };

struct os_fd {
    uint64_t file_no;
    int fd; /* -1: free */
    uint64_t used_at;
};

struct os_store {
    struct os_env_options env_options;
    uint64_t log_segment_bytes;
    struct os_loop *loop;
    const struct log *log;
    char *dir;
    struct os_lock lock;
    struct os_room rooms[OS_ROOMS_COUNT];
    struct os_segments segments; /* the log worker's, once it is open */
    struct buf log_group;        /* and what it writes */
    struct os_env local_env;
    bool log_is_open;
    bool local_is_open;
    struct list_link generations; /* the current one, and those that an export still reads */
    struct os_generation *current;
    struct os_view views[LIMIT_VIEWS_COUNT];
    struct os_fd fds[OS_FDS_COUNT]; /* the file worker's */
    uint64_t fds_clock;
};

/* A path below the folder, as text; the caller frees it (mem_free). NULL: out of memory. */
char *os_store_path(const struct os_store *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- os_store_log.c ---- */
int os_log_open(void *impl, struct buf *meta, struct log_extent *extent, log_record_hook on_record,
                void *owner);
int os_log_write(void *impl, struct log_unit *unit);
int os_log_fetch(void *impl, struct log_fetch *fetch);
int os_log_trim(void *impl, struct log_trim *trim);
void os_log_run(struct os_room *room, struct list_link *group);
void os_log_rest(struct os_room *room);
void os_log_close(struct os_store *s);

/* ---- os_store_log_lmdb.c: the older format ---- */
int os_log_lmdb_walk(const struct os_store *s, const char *path, struct buf *meta,
                     struct log_extent *extent, log_record_hook on_record, void *owner);
/* Makes the segments in the folder `to`, durably; ERR_CORRUPT when the old log is damaged. */
int os_log_lmdb_move(struct os_store *s, const char *from, const char *to);

/* ---- os_store_map.c ---- */
int os_map_write(void *impl, struct map_batch *batch);
void os_map_run(struct os_room *room, struct list_link *group);
/* Of one op of a batch: the memory that it may take in a transaction. */
size_t os_map_op_weight(const struct os_room *room);

/* ---- os_store_view.c ---- */
int os_view_open(void *impl, enum map_area area, struct view *view);
void os_view_close(void *impl, struct view *view);

/* ---- os_store_job.c ---- */
int os_map_open(void *impl, uint64_t generation);
int os_map_job(void *impl, struct map_job *job);
void os_job_run(struct os_room *room, struct list_link *group);
/* Before an export's done(): lets go of the generation. */
void os_job_told(struct os_store *s, struct map_job *job);
void os_generations_close(struct os_store *s);

/* ---- os_store_file.c ---- */
int os_file_job(void *impl, struct file_job *job);
void os_file_run(struct os_room *room, struct list_link *group);
void os_files_close(struct os_store *s);
int os_write_all(int fd, const void *data, size_t len, uint64_t offset);

#endif
