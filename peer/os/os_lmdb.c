#include "os/os_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_damage.h"
#include "util/err.h"

#define MAP_BYTES_FIRST ((size_t)1 << 30)

enum { FORMAT_TABLE = 0 };

static const char format_key[] = "format";

/* ---- codes ---- */

int os_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOENT:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

int os_env_err(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_VERSION;
    default:
        return rc > 0 ? os_errno(rc) : ERR_IO;
    }
}

/* ---- rows ---- */

MDB_val os_env_key(unsigned table, struct bytes key, uint8_t out[OS_ENV_KEY_SIZE])
{
    ASSERT(key.len < OS_ENV_KEY_SIZE && table <= UINT8_MAX);
    out[0] = (uint8_t)table;
    if (key.len > 0)
        memcpy(out + 1, key.data, key.len);
    return (MDB_val){ key.len + 1, out };
}

int os_env_put(MDB_txn *txn, MDB_dbi dbi, enum store_room room, unsigned table, struct bytes key,
               struct bytes value, unsigned flags)
{
    uint8_t raw[OS_ENV_KEY_SIZE];
    MDB_val stored_key = os_env_key(table, key, raw);
    MDB_val room_for = { OS_ENV_CHECKSUM_LEN + value.len, NULL };
    int rc = mdb_put(txn, dbi, &stored_key, &room_for, flags | MDB_RESERVE);
    if (rc != MDB_SUCCESS)
        return rc;
    uint8_t *to = room_for.mv_data;
    uint64_t checksum = store_checksum(room, table, key, value);
    for (int i = 0; i < OS_ENV_CHECKSUM_LEN; i++)
        to[i] = (uint8_t)(checksum >> (8 * (OS_ENV_CHECKSUM_LEN - 1 - i)));
    if (value.len > 0)
        memcpy(to + OS_ENV_CHECKSUM_LEN, value.data, value.len);
    return MDB_SUCCESS;
}

int os_env_delete(MDB_txn *txn, MDB_dbi dbi, unsigned table, struct bytes key)
{
    uint8_t raw[OS_ENV_KEY_SIZE];
    MDB_val stored_key = os_env_key(table, key, raw);
    int rc = mdb_del(txn, dbi, &stored_key, NULL);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int os_env_check(enum store_room room, const MDB_val *stored_key, const MDB_val *stored_value,
                 struct view_row *row)
{
    struct reader key = reader_of(stored_key->mv_data, stored_key->mv_size);
    struct reader value = reader_of(stored_value->mv_data, stored_value->mv_size);
    unsigned table = reader_u8(&key);
    uint64_t checksum = reader_u64(&value);
    struct view_row found = { { key.at, key.left }, { value.at, value.left } };
    if (key.err != OK || value.err != OK ||
        store_checksum(room, table, found.key, found.value) != checksum)
        return ERR_CORRUPT;
    *row = found;
    return OK;
}

/* ---- the format row ---- */

static int os_env_write_format(struct os_env *e, MDB_txn *txn)
{
    MDB_stat stat;
    int rc = mdb_stat(txn, e->dbi, &stat);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    if (stat.ms_entries > 0)
        return ERR_CORRUPT; /* rows, but not ours */
    uint8_t format[2] = { (uint8_t)e->room, OS_ENV_FORMAT_VERSION };
    struct bytes key = { format_key, sizeof(format_key) - 1 };
    return os_env_err(os_env_put(txn, e->dbi, e->room, FORMAT_TABLE, key,
                                 (struct bytes){ format, sizeof(format) }, 0));
}

static int os_env_check_format(struct os_env *e, MDB_txn *txn, bool is_read_only)
{
    uint8_t raw[OS_ENV_KEY_SIZE];
    MDB_val key =
        os_env_key(FORMAT_TABLE, (struct bytes){ format_key, sizeof(format_key) - 1 }, raw);
    MDB_val value;
    struct view_row row;
    int rc = mdb_get(txn, e->dbi, &key, &value);
    if (rc == MDB_NOTFOUND && !is_read_only)
        return os_env_write_format(e, txn);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    int err = os_env_check(e->room, &key, &value, &row); /* also says whose folder it is */
    if (err != OK)
        return err;
    struct reader r = reader_of(row.value.data, row.value.len);
    (void)reader_u8(&r);
    return reader_u8(&r) > OS_ENV_FORMAT_VERSION ? ERR_VERSION : OK;
}

static int os_env_begin(struct os_env *e, bool is_read_only)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(e->env, NULL, is_read_only ? MDB_RDONLY : 0, &txn);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    rc = mdb_dbi_open(txn, NULL, 0, &e->dbi);
    int err = rc == MDB_SUCCESS ? os_env_check_format(e, txn, is_read_only) : os_env_err(rc);
    if (err != OK) {
        mdb_txn_abort(txn);
        return err;
    }
    return os_env_err(mdb_txn_commit(txn));
}

/* ---- folders ---- */

int os_folder_sync(const char *path, const struct log *log)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (number != 0)
        LOG_ERROR(log, "store", "%s cannot be synced: %s", path, strerror(number));
    return number == 0 ? OK : os_errno(number);
}

static int os_parent_sync(const char *path, const struct log *log)
{
    struct buf parent = { 0 };
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        buf_append_text(&parent, ".");
    else
        buf_append(&parent, path, (size_t)(slash - path) + 1);
    const char *text = buf_text(&parent);
    int err = parent.err == OK ? os_folder_sync(text, log) : parent.err;
    buf_deinit(&parent);
    return err;
}

int os_folder_make(const char *path, const struct log *log)
{
    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return OK;
        LOG_ERROR(log, "store", "%s cannot be made: %s", path, strerror(errno));
        return os_errno(errno);
    }
    return os_parent_sync(path, log);
}

/* ---- life ---- */

static unsigned os_env_flags(const struct os_env_options *options)
{
    return MDB_NOTLS | (options->is_read_only ? MDB_RDONLY : 0u) |
           (options->is_scratch ? MDB_NOSYNC : 0u);
}

static int os_env_remove_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return unlink(path) == 0 || errno == ENOENT ? OK : os_errno(errno);
}

int os_env_remove(const char *path)
{
    os_damage_mark(path, OS_DAMAGE_NONE);
    int err = os_env_remove_file(path, "data.mdb");
    if (err == OK)
        err = os_env_remove_file(path, "lock.mdb");
    if (err == OK)
        if (err == OK && rmdir(path) != 0 && errno != ENOENT)
            err = os_errno(errno);
    return err;
}

static void os_env_on_assert(MDB_env *env, const char *message)
{
    const char *path;
    (void)message; /* LMDB prints it, and aborts */
    if (mdb_env_get_path(env, &path) == MDB_SUCCESS)
        os_damage_mark(path, OS_DAMAGE_CORRUPT);
}

int os_env_put_aside(const char *folder, const struct log *log)
{
    struct buf aside = { 0 };
    buf_printf(&aside, "%s.damaged", folder);
    int err = aside.err == OK ? os_env_remove(buf_text(&aside)) : aside.err;
    if (err == OK && rename(folder, buf_text(&aside)) != 0)
        err = os_errno(errno);
    if (err == OK)
        LOG_ERROR(log, "store", "%s cannot be read: put aside as %s", folder, buf_text(&aside));
    else
        LOG_ERROR(log, "store", "%s cannot be read, and not be put aside: %s", folder,
                  err_text(err));
    buf_deinit(&aside);
    return err;
}

/* Opens what is in the folder, or makes it there. Logs what goes wrong. */
static int os_env_start(struct os_env *e, const char *path, size_t map_bytes,
                        const struct os_env_options *options)
{
    int rc = mdb_env_create(&e->env);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_mapsize(e->env, map_bytes);
    if (rc == MDB_SUCCESS && !options->is_read_only)
        rc = mdb_env_set_assert(e->env, os_env_on_assert);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(e->env, path, os_env_flags(options), 0600);
    int err = os_env_err(rc);
    if (err == OK)
        err = os_env_begin(e, options->is_read_only);
    if (err == OK && !options->is_read_only && !e->is_fresh)
        err = os_folder_sync(path, options->log);
    if (err != OK) {
        LOG_ERROR(options->log, "store", "%s cannot be opened: %s", path,
                  rc != MDB_SUCCESS ? mdb_strerror(rc) : err_text(err));
        if (e->env != NULL)
            mdb_env_close(e->env);
    }
    return err;
}

/* Under another name at first: LMDB's first pages are not durable at once, and half of them are no environment.
 * So a folder that has its own name is whole, whenever the power went; and one sync of all of it is enough. */
static int os_env_make(const char *path, enum store_room room, size_t map_bytes,
                       const struct os_env_options *options)
{
    struct os_env e = { .room = room };
    struct os_env_options once = *options;
    once.is_scratch = true;
    struct buf fresh = { 0 };
    buf_printf(&fresh, "%s.new", path);
    int err = fresh.err == OK ? os_env_remove(buf_text(&fresh)) : fresh.err;
    if (err == OK && mkdir(buf_text(&fresh), 0700) != 0) {
        LOG_ERROR(options->log, "store", "%s cannot be made: %s", buf_text(&fresh),
                  strerror(errno));
        err = os_errno(errno);
    }
    if (err == OK)
        err = os_env_start(&e, buf_text(&fresh), map_bytes, &once);
    if (err == OK) {
        err = os_env_sync(&e);
        mdb_env_close(e.env);
    }
    if (err == OK && rename(buf_text(&fresh), path) != 0)
        err = os_errno(errno);
    buf_deinit(&fresh);
    return err;
}

/* Reads a value from end to end: a long one lies on pages of its own. */
static void os_env_touch(const MDB_val *value)
{
    enum { PAGE = 4096 };
    const volatile uint8_t *bytes = value->mv_data;
    for (size_t i = 0; i < value->mv_size; i += PAGE)
        (void)bytes[i];
    if (value->mv_size > 0)
        (void)bytes[value->mv_size - 1];
}

static int os_env_walk_table(const struct os_env *e, MDB_txn *txn, MDB_dbi dbi, bool has_rows)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct view_row row;
    int err = OK, rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    while (err == OK && rc == MDB_SUCCESS) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (rc == MDB_SUCCESS && has_rows)
            err = os_env_check(e->room, &key, &value, &row);
        else if (rc == MDB_SUCCESS)
            os_env_touch(&value);
    }
    mdb_cursor_close(cursor); /* reading, it does not end with its transaction */
    return err != OK || rc == MDB_NOTFOUND ? err : os_env_err(rc);
}

/* Every page that a transaction may read: rows, and LMDB's own list of pages that are free, its table 0. */
static int os_env_walk(const struct os_env *e)
{
    enum { FREE_PAGES = 0 };
    MDB_txn *txn;
    int rc = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    int err = os_env_walk_table(e, txn, FREE_PAGES, false);
    if (err == OK)
        err = os_env_walk_table(e, txn, e->dbi, true);
    mdb_txn_abort(txn);
    return err;
}

/* The last run could not read it: is it whole by now? Marked as given up meanwhile, should this run end likewise. */
static int os_env_reopen(struct os_env *e, const char *path, size_t map_bytes,
                         const struct os_env_options *options)
{
    LOG_WARN(options->log, "store", "%s could not be read the last time: reading all of it", path);
    os_damage_mark(path, OS_DAMAGE_CORRUPT);
    int err = os_env_start(e, path, map_bytes, options);
    if (err != OK)
        return err;
    err = os_env_walk(e);
    if (err == OK)
        os_damage_mark(path, OS_DAMAGE_NONE);
    else
        mdb_env_close(e->env);
    return err;
}

int os_env_open(struct os_env *e, const char *path, enum store_room room,
                const struct os_env_options *options)
{
    size_t map_bytes = options->map_bytes_first > 0 ? options->map_bytes_first : MAP_BYTES_FIRST;
    enum os_damage damage = options->is_read_only ? OS_DAMAGE_NONE : os_damage_of(path);
    *e = (struct os_env){ .room = room, .map_bytes_max = options->map_bytes_max };
    int err = damage == OS_DAMAGE_CORRUPT ? ERR_CORRUPT : OK;
    if (err == OK && options->is_scratch) /* whoever makes it gives it its name, too */
        err = os_folder_make(path, options->log);
    else if (err == OK && !options->is_read_only && access(path, F_OK) != 0) {
        err = os_env_make(path, room, map_bytes, options);
        e->is_fresh = err == OK;
    }
    if (err == OK && damage == OS_DAMAGE_UNREADABLE)
        err = os_env_reopen(e, path, map_bytes, options);
    else if (err == OK)
        err = os_env_start(e, path, map_bytes, options);
    if (err != OK)
        return err;
    /* A process that was killed in a commit may have left its page in the kernel's cache and not on the disk. What we
     * find we take for durable, and trim the log by it. */
    if (!options->is_read_only && !options->is_scratch && !e->is_fresh)
        err = os_env_sync(e);
    if (err != OK) {
        LOG_ERROR(options->log, "store", "%s cannot be synced: %s", path, err_text(err));
        mdb_env_close(e->env);
        return err;
    }
    MDB_envinfo info;
    mdb_env_info(e->env, &info);
    e->map_bytes = info.me_mapsize; /* a large file wants more than we asked for */
    pthread_mutex_init(&e->mutex, NULL);
    pthread_cond_init(&e->changed, NULL);
    return OK;
}

int os_env_open_or_replace(struct os_env *e, const char *path, enum store_room room,
                           const struct os_env_options *options)
{
    int err = os_env_open(e, path, room, options);
    if (err != ERR_CORRUPT || options->is_read_only)
        return err;
    err = os_env_put_aside(path, options->log);
    return err == OK ? os_env_open(e, path, room, options) : err;
}

void os_env_close(struct os_env *e)
{
    ASSERT(e->short_readers == 0 && e->long_readers == 0);
    if (e->idle != NULL)
        mdb_txn_abort(e->idle);
    mdb_env_close(e->env);
    pthread_mutex_destroy(&e->mutex);
    pthread_cond_destroy(&e->changed);
}

int os_env_sync(struct os_env *e)
{
    return os_env_err(mdb_env_sync(e->env, 1));
}

/* ---- readers, and a map that grows ---- */

void os_env_reader_enter(struct os_env *e, bool is_long)
{
    pthread_mutex_lock(&e->mutex);
    /* Whoever is in already would wait for itself: the second view of one event passes. */
    while (e->is_growing && e->short_readers == 0)
        pthread_cond_wait(&e->changed, &e->mutex);
    *(is_long ? &e->long_readers : &e->short_readers) += 1;
    pthread_mutex_unlock(&e->mutex);
}

void os_env_reader_leave(struct os_env *e, bool is_long)
{
    pthread_mutex_lock(&e->mutex);
    *(is_long ? &e->long_readers : &e->short_readers) -= 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->mutex);
}

/* Several are begun in each event: renewing an old one costs a tenth of making one. */
int os_env_read_begin(struct os_env *e, MDB_txn **out)
{
    MDB_txn *txn = e->idle;
    os_env_reader_enter(e, false);
    int rc = txn != NULL ? mdb_txn_renew(txn) : mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS) {
        os_env_reader_leave(e, false);
        return rc;
    }
    e->idle = NULL;
    *out = txn;
    return MDB_SUCCESS;
}

void os_env_read_end(struct os_env *e, MDB_txn *txn)
{
    if (e->idle == NULL) {
        mdb_txn_reset(txn);
        e->idle = txn;
    } else {
        mdb_txn_abort(txn);
    }
    os_env_reader_leave(e, false);
}

int os_env_grow(struct os_env *e)
{
    size_t map_bytes = e->map_bytes * 2;
    if (e->map_bytes_max > 0 && map_bytes > e->map_bytes_max)
        map_bytes = e->map_bytes_max;
    if (map_bytes <= e->map_bytes)
        return ERR_FULL;
    pthread_mutex_lock(&e->mutex);
    while (e->long_readers + e->short_readers > 0) {
        /* The loop is made to wait only for its own views, never for an export. */
        e->is_growing = e->long_readers == 0;
        pthread_cond_wait(&e->changed, &e->mutex);
    }
    int rc = mdb_env_set_mapsize(e->env, map_bytes);
    e->is_growing = false;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->mutex);
    if (rc == MDB_SUCCESS)
        e->map_bytes = map_bytes;
    return os_env_err(rc);
}
