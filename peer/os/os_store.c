/* os_store.c -- the rooms together: opening, closing, the table of the port. */
#include "os/os_store.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "os/os_store_int.h"
#include "util/err.h"

enum { OP_WEIGHT = 1024, JOB_WEIGHT = 1024 * 1024 * 1024 }; /* a job is a group of its own */

char *os_store_path(const struct os_store *s, const char *format, ...)
{
    struct buf path = { 0 };
    va_list args;
    va_start(args, format);
    buf_printf(&path, "%s/", s->dir);
    buf_vprintf(&path, format, args);
    va_end(args);
    char *text = mem_strdup(buf_text(&path));
    if (path.err != OK) {
        mem_free(text);
        text = NULL;
    }
    buf_deinit(&path);
    return text;
}

/* ---- requests ---- */

static void os_store_tell(struct store_slot *slot)
{
    int err = slot->err;
    switch ((enum os_request_kind)slot->kind) {
    case OS_LOG_UNIT: {
        struct log_unit *unit = list_entry(slot, struct log_unit, slot);
        unit->done(unit, err);
        break;
    }
    case OS_LOG_FETCH: {
        struct log_fetch *fetch = list_entry(slot, struct log_fetch, slot);
        fetch->done(fetch, err);
        break;
    }
    case OS_LOG_TRIM: {
        struct log_trim *trim = list_entry(slot, struct log_trim, slot);
        trim->done(trim, err);
        break;
    }
    case OS_MAP_BATCH: {
        struct map_batch *batch = list_entry(slot, struct map_batch, slot);
        batch->done(batch, err);
        break;
    }
    case OS_MAP_JOB: {
        struct map_job *job = list_entry(slot, struct map_job, slot);
        struct os_export *export = slot->impl;
        if (job->what == MAP_EXPORT)
            os_job_told(export->store, job);
        job->done(job, err);
        break;
    }
    case OS_FILE_JOB: {
        struct file_job *job = list_entry(slot, struct file_job, slot);
        job->done(job, err);
        break;
    }
    }
}

static size_t os_store_weigh(const struct os_room *room, const struct store_slot *slot)
{
    size_t weight = OP_WEIGHT;
    if (slot->kind == OS_LOG_UNIT) {
        const struct log_unit *unit = list_entry(slot, const struct log_unit, slot);
        weight += unit->meta.len;
        for (size_t i = 0; i < unit->records_count; i++)
            weight += unit->records[i].bytes.len;
    } else if (slot->kind == OS_MAP_BATCH) {
        const struct map_batch *batch = list_entry(slot, const struct map_batch, slot);
        weight += batch->ops_count * os_map_op_weight(room);
    } else if (slot->kind == OS_MAP_JOB) {
        weight = JOB_WEIGHT;
    } else if (slot->kind == OS_FILE_JOB) {
        weight += list_entry(slot, const struct file_job, slot)->len;
    }
    return weight;
}

/* ---- the port ---- */

static const struct store_ops os_store_ops = {
    .log_open = os_log_open,
    .log_write = os_log_write,
    .log_fetch = os_log_fetch,
    .log_trim = os_log_trim,
    .map_open = os_map_open,
    .map_write = os_map_write,
    .map_job = os_map_job,
    .view_open = os_view_open,
    .view_close = os_view_close,
    .file_job = os_file_job,
};

struct store os_store_port(struct os_store *s)
{
    return (struct store){ &os_store_ops, s };
}

/* ---- life ---- */

static const struct {
    const char *name;
    void (*run)(struct os_room *room, struct list_link *group);
    void (*rest)(struct os_room *room);
} os_rooms[OS_ROOMS_COUNT] = {
    [OS_ROOM_LOG] = { "log", os_log_run, os_log_rest },
    [OS_ROOM_STATE] = { "state", os_map_run, NULL },
    [OS_ROOM_LOCAL] = { "local", os_map_run, NULL },
    [OS_ROOM_JOBS] = { "jobs", os_job_run, NULL },
    [OS_ROOM_FILES] = { "files", os_file_run, NULL },
};

static int os_store_make_folder(struct os_store *s)
{
    int err = os_folder_make(s->dir, s->log);
    char *files = os_store_path(s, "files"), *lock = os_store_path(s, "LOCK");
    if (err == OK && (files == NULL || lock == NULL))
        err = ERR_NOMEM;
    if (err == OK) {
        struct buf why = { 0 };
        err = os_lock_take(&s->lock, lock, &why);
        if (err != OK)
            LOG_ERROR(s->log, "store", "%s", buf_text(&why));
        buf_deinit(&why);
    }
    /* Its name is durable with the log's, which is opened next. */
    if (err == OK && mkdir(files, 0700) != 0 && errno != EEXIST) {
        LOG_ERROR(s->log, "store", "%s cannot be made: %s", files, strerror(errno));
        err = os_errno(errno);
    }
    mem_free(files);
    mem_free(lock);
    return err;
}

static void os_store_free(struct os_store *s)
{
    os_files_close(s);
    os_generations_close(s);
    os_log_close(s);
    os_lock_release(&s->lock);
    mem_free(s->dir);
    mem_free(s);
}

static int os_store_sync(struct os_store *s)
{
    int err = s->log_is_open ? os_segments_sync(&s->segments) : OK;
    if (err == OK && s->current != NULL)
        err = os_env_sync(&s->current->env);
    if (err == OK && s->local_is_open)
        err = os_env_sync(&s->local_env);
    if (err != OK)
        LOG_ERROR(s->log, "store", "%s cannot be synced: %s", s->dir, err_text(err));
    return err;
}

int os_store_close(struct os_store *s)
{
    int err = OK;
    for (size_t i = 0; i < OS_ROOMS_COUNT; i++)
        if (s->rooms[i].run != NULL && os_room_stop(&s->rooms[i], LIMIT_SHUTDOWN_US) != OK)
            err = ERR_TIMEOUT;
    if (err != OK) {
        LOG_ERROR(s->log, "store", "the disk hangs: %s is not closed cleanly", s->dir);
        return err;
    }
    for (size_t i = 0; i < OS_ROOMS_COUNT; i++)
        if (s->rooms[i].run != NULL)
            os_room_deinit(&s->rooms[i]);
    err = s->env_options.is_scratch ? os_store_sync(s) : OK;
    os_store_free(s);
    return err;
}

int os_store_open(struct os_store **out, const struct os_store_options *options)
{
    struct os_store *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return ERR_NOMEM;
    s->loop = options->loop;
    s->log = options->log;
    s->env_options =
        (struct os_env_options){ options->map_bytes_first, options->map_bytes_max,
                                 options->is_read_only, options->is_scratch, options->log };
    s->log_segment_bytes = options->log_segment_bytes;
    s->segments.fd = s->segments.read_fd = -1;
    s->lock.fd = -1;
    list_init(&s->generations);
    for (size_t i = 0; i < OS_FDS_COUNT; i++)
        s->fds[i].fd = -1;
    s->dir = mem_strdup(options->dir);
    int err = s->dir != NULL ? OK : ERR_NOMEM;
    if (err == OK && !options->is_read_only)
        err = os_store_make_folder(s);
    for (size_t i = 0; err == OK && i < OS_ROOMS_COUNT; i++) {
        struct os_room *room = &s->rooms[i];
        *room = (struct os_room){ .name = os_rooms[i].name,
                                  .loop = s->loop,
                                  .log = s->log,
                                  .impl = s,
                                  .run = os_rooms[i].run,
                                  .rest = os_rooms[i].rest,
                                  .tell = os_store_tell,
                                  .weigh = os_store_weigh };
        err = os_room_start(room);
        if (err != OK)
            room->run = NULL; /* never started */
    }
    if (err != OK) {
        (void)os_store_close(s);
        return err;
    }
    *out = s;
    return OK;
}
