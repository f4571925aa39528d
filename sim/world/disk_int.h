/* disk_int.h -- between the files of the simulated disk. */
#ifndef SIM_WORLD_DISK_INT_H
#define SIM_WORLD_DISK_INT_H

#include "sim/world/disk.h"
#include "sim/world/rows.h"

/* In the log room a record's table is LOG_TABLE_RECORDS and its key the index, big endian. */
enum { LOG_TABLE_META = 1, LOG_TABLE_RECORDS = 2, LOG_KEY_LEN = 8 };

enum { DISK_KEY_SIZE = 1 + LIMIT_MAP_KEY_BYTES };

enum disk_request_kind {
    DISK_LOG_UNIT,
    DISK_LOG_FETCH,
    DISK_LOG_TRIM,
    DISK_MAP_BATCH,
    DISK_MAP_JOB,
    DISK_FILE_JOB,
};

struct disk_request {
    struct list_link link;
    enum disk_request_kind kind;
    void *port;        /* the caller's struct log_unit, log_fetch, ... */
    struct rows after; /* unit, batch: the room behind it. Export: what it shows */
    uint64_t round;    /* see disk_room.refused_below */
    int err;
};

struct disk_room {
    struct disk *disk;
    enum disk_room_name name;
    enum disk_health health;
    struct rows durable;       /* the first three rooms only */
    struct rows newest;        /* durable, and everything submitted */
    struct list_link queued;   /* in order of submission */
    struct list_link finished; /* done() still to run, in the same order */
    struct list_link trims;    /* half done */
    struct list_link
        lost;           /* versions whose sync failed: a crash may find them there all the same */
    size_t group_count; /* the first so many of `queued` are being synced; 0: none */
    size_t in_flight;
    bool is_dead;               /* a sync failed */
    bool has_rotted;            /* since it was empty */
    bool is_stalled;            /* hung, and the end of a sync came up meanwhile */
    size_t trims_stalled_count; /* likewise */
    /* After ERR_FULL every write is refused that was submitted before its done() ran: the room counts
     * rounds, and those below this one are refused. */
    uint64_t round;
    uint64_t refused_below;
};

struct disk_generation {
    struct list_link link;
    uint64_t number;
    struct rows rows;
};

struct disk_write {
    uint64_t offset;
    struct buf bytes;
};

struct disk_file {
    struct list_link link;
    uint64_t no;
    bool is_durable; /* its name is in the folder for good */
    struct buf durable;
    struct buf now;
    struct disk_write *writes; /* between the two, in order */
    size_t writes_count;
    size_t writes_size;
};

struct disk_cursor {
    enum { CURSOR_BEFORE, CURSOR_ON, CURSOR_AFTER } at;
    size_t key_len;
    uint8_t key[DISK_KEY_SIZE]; /* with the table in front */
};

struct disk_view {
    bool is_open;
    enum store_room room;
    struct rows rows;
    struct disk_cursor cursors[LIMIT_MAP_TABLES_COUNT];
};

struct disk {
    struct disk_options options;
    struct world_hooks hooks;
    struct disk_room rooms[DISK_ROOMS_COUNT];
    struct list_link generations; /* all but the open one */
    uint64_t generation;          /* the open one, in rooms[DISK_STATE]; 0: shut */
    struct list_link files;
    struct disk_view views[LIMIT_VIEWS_COUNT];
    struct list_link events; /* given to the kernel, not run yet */
    uint64_t life;           /* counts crashes and closings */
    bool log_is_open;
    bool is_closing; /* takes nothing more */
};

/* ---- disk_rows.c: records inside a version ---- */
void disk_rows_put(struct rows *r, enum store_room room, unsigned table, struct bytes key,
                   struct bytes value);
void disk_rows_delete(struct rows *r, unsigned table, struct bytes key);
/* ERR_CORRUPT when the checksum does not fit. `row` comes from the version, and is stripped of table
 * and checksum. */
int disk_rows_check(enum store_room room, struct view_row *row);
/* `has_rotted`: the records need not join without gaps. */
void disk_unit_apply(struct rows *r, const struct log_unit *unit, bool has_rotted);
void disk_batch_apply(struct rows *r, const struct map_batch *batch);
void disk_log_trim(struct rows *r, uint64_t first_kept);
struct log_extent disk_log_extent(const struct rows *r);
int disk_log_fetch(const struct rows *r, struct log_fetch *fetch);
int disk_log_walk(const struct rows *r, struct buf *meta, struct log_extent *extent,
                  log_record_hook on_record, void *owner);

/* ---- disk_view.c ---- */
int disk_view_open(void *impl, enum map_area area, struct view *view);
void disk_view_close(void *impl, struct view *view);

/* ---- disk_file.c ---- */
struct disk_file *disk_file_find(struct disk *d, uint64_t no);
void disk_file_sync(struct disk_file *f);
int disk_file_run(struct disk *d, struct file_job *job);
void disk_file_replace(struct disk *d, uint64_t no, const struct buf *content); /* synced */
void disk_file_remove(struct disk_file *f);
void disk_files_crash(struct disk *d);
int disk_export(struct disk *d, struct map_job *job, const struct rows *rows);
int disk_import(struct disk *d, const struct map_job *job, struct rows *out);

/* ---- disk_image.c ---- */
void disk_generations_wipe(struct list_link *generations);
struct disk_generation *disk_generation_find(struct disk *d, uint64_t number);
void disk_generation_add(struct list_link *generations, uint64_t number, const struct rows *rows);

#endif
