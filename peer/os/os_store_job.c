/* os_store_job.c -- generations: opening, switching, and the long jobs on them.
 *
 * A generation is a folder. An import builds import.<g> and renames it to state.<g> when all of it is on
 * disk, so that a folder called state.* is whole, whenever the power went. An export reads the
 * transaction that was begun on the loop, in the event that asked for it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_store_int.h"
#include "util/err.h"
#include "util/row_file.h"

enum {
    IMPORT_TXN_ROWS = 16384, /* rows, and bytes, in one transaction of an import */
    IMPORT_TXN_BYTES = 16 * 1024 * 1024,
    PIECE_BYTES = 1024 * 1024, /* read or written at once */
    MAP_PER_FILE_BYTE = 8, /* the smallest rows take less than eight times their bytes in LMDB */
};

/* ---- folders ---- */

static int remove_generation(const struct os_store *s, uint64_t number)
{
    char *path = os_store_path(s, "state.%llu", (unsigned long long)number);
    int err = path != NULL ? os_env_remove(path) : ERR_NOMEM;
    mem_free(path);
    return err == OK ? os_folder_sync(s->dir, s->log) : err;
}

/* ---- opening ---- */

static struct os_generation *generation_find(struct os_store *s, uint64_t number)
{
    list_for_each (link, &s->generations) {
        struct os_generation *g = list_entry(link, struct os_generation, link);
        if (g->number == number)
            return g;
    }
    return NULL;
}

static int generation_open(struct os_store *s, uint64_t number, struct os_generation **out)
{
    struct os_generation *g = mem_zalloc(sizeof(*g));
    char *path = os_store_path(s, "state.%llu", (unsigned long long)number);
    int err = g != NULL && path != NULL ? OK : ERR_NOMEM;
    if (err == OK)
        err = os_env_open_or_replace(&g->env, path, ROOM_STATE, &s->env_options);
    mem_free(path);
    if (err != OK) {
        mem_free(g);
        return err;
    }
    g->number = number;
    list_push_back(&s->generations, &g->link);
    *out = g;
    return OK;
}

static void generation_close(struct os_generation *g)
{
    list_remove(&g->link);
    os_env_close(&g->env);
    mem_free(g);
}

/* Closes and deletes a generation that is neither current nor read. What cannot be deleted now is found by
 * the next start. */
static void generation_retire(struct os_store *s, struct os_generation *g)
{
    if (g == s->current || g->exports_count > 0)
        return;
    uint64_t number = g->number;
    generation_close(g);
    if (remove_generation(s, number) != OK)
        LOG_WARN(s->log, "store", "the old state.%llu could not be removed",
                 (unsigned long long)number);
}

/* Deletes what no log names: other generations, imports that broke off, environments that were being made. */
static void sweep_folder(struct os_store *s)
{
    DIR *dir = opendir(s->dir);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unsigned long long number;
        char end;
        bool is_import = sscanf(entry->d_name, "import.%llu%c", &number, &end) == 1;
        bool is_state = sscanf(entry->d_name, "state.%llu%c", &number, &end) == 1;
        size_t len = strlen(entry->d_name);
        bool is_new = len > 4 && strcmp(entry->d_name + len - 4, ".new") == 0;
        if (!is_new && !is_import && (!is_state || generation_find(s, number) != NULL))
            continue;
        char *path = os_store_path(s, "%s", entry->d_name);
        if (path == NULL || os_env_remove(path) != OK)
            LOG_WARN(s->log, "store", "%s could not be removed", entry->d_name);
        mem_free(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static int local_open(struct os_store *s)
{
    char *path = os_store_path(s, "local");
    int err = ERR_NOMEM;
    if (path != NULL)
        err = os_env_open_or_replace(&s->local_env, path, ROOM_LOCAL, &s->env_options);
    mem_free(path);
    s->local_is_open = err == OK;
    return err;
}

int os_map_open(void *impl, uint64_t generation)
{
    struct os_store *s = impl;
    bool is_start = s->current == NULL;
    ASSERT(generation > 0 && s->rooms[OS_ROOM_STATE].in_flight == 0);
    for (size_t i = 0; i < LIMIT_VIEWS_COUNT; i++)
        ASSERT(!s->views[i].is_open);
    struct os_generation *g = generation_find(s, generation);
    int err = s->local_is_open ? OK : local_open(s);
    if (err == OK && g == NULL)
        err = generation_open(s, generation, &g);
    if (err == OK && (s->local_env.is_fresh || g->env.is_fresh))
        err = os_folder_sync(s->dir, s->log);
    if (err != OK)
        return err;
    struct os_generation *old = s->current;
    s->current = g;
    if (old != NULL && old != g)
        generation_retire(s, old);
    /* Later on, an import may be at work in a folder of its own. */
    if (!s->env_options.is_read_only && (is_start || s->rooms[OS_ROOM_JOBS].in_flight == 0))
        sweep_folder(s);
    return OK;
}

void os_generations_close(struct os_store *s)
{
    list_for_each_safe (link, after, &s->generations)
        generation_close(list_entry(link, struct os_generation, link));
    if (s->local_is_open)
        os_env_close(&s->local_env);
    s->local_is_open = false;
    s->current = NULL;
}

/* ---- export, on the worker ---- */

struct export_run {
    struct row_file_writer writer;
    struct buf out;
    int fd;
    uint64_t file_len;
};

static int export_flush(struct export_run *run, size_t least)
{
    if (run->out.err != OK)
        return run->out.err;
    if (run->out.len < least)
        return OK;
    int err = os_write_all(run->fd, run->out.data, run->out.len, run->file_len);
    run->file_len += run->out.len;
    buf_clear(&run->out);
    return err;
}

static int export_row(struct export_run *run, unsigned tables_count, const MDB_val *key,
                      const MDB_val *value)
{
    unsigned table = *(const uint8_t *)key->mv_data;
    if (table < MAP_TABLE_FIRST)
        return OK; /* the environment's own */
    if (table >= MAP_TABLE_FIRST + tables_count)
        return ERR_NOT_FOUND; /* done */
    struct view_row row;
    int err = os_env_check(ROOM_STATE, key, value, &row);
    if (err != OK)
        return err;
    row_file_add(&run->writer,
                 &(struct row_file_row){ table - MAP_TABLE_FIRST, row.key, row.value });
    return export_flush(run, PIECE_BYTES);
}

static int export_rows(struct export_run *run, const struct os_export *x)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_cursor_open(x->txn, x->generation->env.dbi, &cursor);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    int err = OK;
    while (err == OK && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS)
        err = export_row(run, x->job->tables_count, &key, &value);
    mdb_cursor_close(cursor);
    if (err == ERR_NOT_FOUND || (err == OK && rc == MDB_NOTFOUND))
        return OK;
    return err != OK ? err : os_env_err(rc);
}

static int export_to(struct export_run *run, const struct os_export *x, const char *path)
{
    run->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (run->fd < 0)
        return os_errno(errno);
    row_file_begin(&run->writer, x->job->tables_count, &run->out);
    int err = export_rows(run, x);
    if (err == OK)
        err = row_file_end(&run->writer, NULL);
    else
        row_file_abandon(&run->writer);
    if (err == OK)
        err = export_flush(run, 0);
    if (err == OK && fdatasync(run->fd) != 0)
        err = os_errno(errno);
    close(run->fd);
    buf_deinit(&run->out);
    return err;
}

static int job_export(struct os_store *s, const struct os_export *x)
{
    unsigned long long no = x->job->file_no;
    char *path = os_store_path(s, "files/%llu", no),
         *fresh = os_store_path(s, "files/%llu.new", no);
    char *folder = os_store_path(s, "files");
    struct export_run run = { .fd = -1 };
    int err = path != NULL && fresh != NULL && folder != NULL ? OK : ERR_NOMEM;
    if (err == OK)
        err = export_to(&run, x, fresh);
    if (err == OK && rename(fresh, path) != 0)
        err = os_errno(errno);
    if (err == OK)
        err = os_folder_sync(folder, NULL);
    if (err == OK)
        x->job->file_len = run.file_len;
    else if (fresh != NULL)
        (void)unlink(fresh);
    mem_free(path);
    mem_free(fresh);
    mem_free(folder);
    return err;
}

/* ---- import, on the worker ---- */

struct import_run {
    struct row_file_reader reader;
    struct os_env env;
    MDB_txn *txn; /* NULL: none is open */
    size_t txn_rows;
    size_t txn_bytes;
    int fd;
    uint64_t offset;
};

static int import_commit(struct import_run *run)
{
    if (run->txn == NULL)
        return OK;
    int rc = mdb_txn_commit(run->txn);
    run->txn = NULL;
    run->txn_rows = run->txn_bytes = 0;
    return rc == MDB_MAP_FULL ? ERR_FULL : os_env_err(rc);
}

static int import_row(struct import_run *run, const struct row_file_row *row)
{
    if (row->table >= LIMIT_MAP_TABLES_COUNT || row->key.len == 0 ||
        row->key.len > LIMIT_MAP_KEY_BYTES || row->value.len > LIMIT_MAP_VALUE_BYTES)
        return ERR_CORRUPT;
    int rc = MDB_SUCCESS;
    if (run->txn == NULL)
        rc = mdb_txn_begin(run->env.env, NULL, 0, &run->txn);
    if (rc == MDB_SUCCESS) /* ascending keys: pages are filled to the brim */
        rc = os_env_put(run->txn, run->env.dbi, ROOM_STATE, MAP_TABLE_FIRST + row->table, row->key,
                        row->value, MDB_APPEND);
    if (rc != MDB_SUCCESS)
        return rc == MDB_MAP_FULL ? ERR_FULL : os_env_err(rc);
    run->txn_rows += 1;
    run->txn_bytes += row->value.len;
    bool is_enough = run->txn_rows >= IMPORT_TXN_ROWS || run->txn_bytes >= IMPORT_TXN_BYTES;
    return is_enough ? import_commit(run) : OK;
}

/* The next piece of the file; ERR_CORRUPT where it ends too early. */
static int import_feed(struct import_run *run, uint8_t *piece)
{
    ssize_t n = pread(run->fd, piece, PIECE_BYTES, (off_t)run->offset);
    if (n < 0)
        return errno == EINTR ? OK : os_errno(errno);
    if (n == 0)
        return ERR_CORRUPT;
    run->offset += (uint64_t)n;
    row_file_push(&run->reader, piece, (size_t)n);
    return OK;
}

static int import_rows(struct import_run *run, uint8_t *piece)
{
    for (;;) {
        struct row_file_row row;
        int err = row_file_next(&run->reader, &row);
        if (err == OK)
            err = import_row(run, &row);
        else if (err == ERR_MORE)
            err = import_feed(run, piece);
        else if (err == ERR_NOT_FOUND)
            return import_commit(run);
        if (err != OK)
            return err;
    }
}

static int import_into(struct os_store *s, struct import_run *run, const char *path)
{
    struct stat stat;
    if (fstat(run->fd, &stat) != 0)
        return os_errno(errno);
    struct os_env_options options = s->env_options;
    size_t map_bytes = (size_t)stat.st_size * MAP_PER_FILE_BYTE + PIECE_BYTES;
    if (options.map_bytes_max > 0 && map_bytes > options.map_bytes_max)
        map_bytes = options.map_bytes_max;
    if (map_bytes > options.map_bytes_first)
        options.map_bytes_first = map_bytes;
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    if (piece == NULL)
        return ERR_NOMEM;
    int err = os_env_open(&run->env, path, ROOM_STATE, &options);
    if (err == OK) {
        row_file_reader_init(&run->reader);
        err = import_rows(run, piece);
        row_file_reader_deinit(&run->reader);
        if (run->txn != NULL)
            mdb_txn_abort(run->txn);
        os_env_close(&run->env);
    }
    mem_free(piece);
    return err;
}

static int import_publish(struct os_store *s, const char *fresh, uint64_t number)
{
    int err = remove_generation(s, number);
    char *path = os_store_path(s, "state.%llu", (unsigned long long)number);
    if (err == OK && path == NULL)
        err = ERR_NOMEM;
    if (err == OK && rename(fresh, path) != 0)
        err = os_errno(errno);
    if (err == OK)
        err = os_folder_sync(s->dir, NULL);
    mem_free(path);
    return err;
}

static int job_import(struct os_store *s, const struct map_job *job)
{
    char *file = os_store_path(s, "files/%llu", (unsigned long long)job->file_no);
    char *fresh = os_store_path(s, "import.%llu", (unsigned long long)job->generation);
    int err = file != NULL && fresh != NULL ? os_env_remove(fresh) : ERR_NOMEM;
    if (err == OK) {
        struct import_run run = { .fd = open(file, O_RDONLY | O_CLOEXEC) };
        err = run.fd >= 0 ? import_into(s, &run, fresh) : os_errno(errno);
        if (run.fd >= 0)
            close(run.fd);
        if (err == OK)
            err = import_publish(s, fresh, job->generation);
        if (err != OK)
            (void)os_env_remove(fresh);
    }
    mem_free(file);
    mem_free(fresh);
    return err;
}

/* ---- the queue of jobs ---- */

/* The reader goes as soon as the worker has read: a map may be waiting to grow. */
static void export_end(struct os_export *x)
{
    if (x->txn == NULL)
        return;
    mdb_txn_abort(x->txn);
    x->txn = NULL;
    os_env_reader_leave(&x->generation->env, true);
}

void os_job_run(struct os_room *room, struct list_link *group)
{
    struct os_store *s = room->impl;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        struct map_job *job = list_entry(slot, struct map_job, slot);
        switch (job->what) {
        case MAP_EXPORT: {
            struct os_export *x = slot->impl;
            slot->err = job_export(s, x);
            export_end(x);
            break;
        }
        case MAP_IMPORT:
            slot->err = job_import(s, job);
            break;
        case MAP_DROP:
            slot->err = remove_generation(s, job->generation);
            break;
        }
    }
}

void os_job_told(struct os_store *s, struct map_job *job)
{
    struct os_export *x = job->slot.impl;
    struct os_generation *g = x->generation;
    ASSERT(x->job == job);
    export_end(x); /* one that was canceled before it ran */
    mem_free(x);
    g->exports_count -= 1;
    generation_retire(s, g);
}

static int export_begin(struct os_store *s, struct map_job *job)
{
    struct os_export *x = mem_zalloc(sizeof(*x));
    if (x == NULL)
        return ERR_NOMEM;
    x->store = s;
    x->job = job;
    x->generation = s->current;
    os_env_reader_enter(&s->current->env, true);
    int rc = mdb_txn_begin(s->current->env.env, NULL, MDB_RDONLY, &x->txn);
    if (rc != MDB_SUCCESS) {
        os_env_reader_leave(&s->current->env, true);
        mem_free(x);
        return os_env_err(rc);
    }
    s->current->exports_count += 1;
    job->slot.impl = x;
    return OK;
}

int os_map_job(void *impl, struct map_job *job)
{
    struct os_store *s = impl;
    ASSERT(s->current != NULL);
    ASSERT((job->what == MAP_EXPORT) == (job->generation == s->current->number));
    if (job->what != MAP_EXPORT && generation_find(s, job->generation) != NULL)
        return ERR_BUSY; /* an old one that an export still reads */
    int err = job->what == MAP_EXPORT ? export_begin(s, job) : OK;
    if (err == OK) {
        err = os_room_submit(&s->rooms[OS_ROOM_JOBS], &job->slot, OS_MAP_JOB);
        if (err != OK && job->what == MAP_EXPORT)
            os_job_told(s, job);
    }
    return err;
}
