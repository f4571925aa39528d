/* os_store_log_lmdb.c -- the log as it was kept before there were segments: in an LMDB environment. It is read once, and
 * moved. */
#include "os/os_store_int.h"

#include <errno.h>
#include <string.h>

#include "util/err.h"

enum { GROUP_BYTES = 1024 * 1024, TABLE_META = 1, TABLE_RECORDS = 2 };

/* True, and the index, for a row of the records' table. */
static bool log_index(const MDB_val *key, uint64_t *index)
{
    struct reader r = reader_of(key->mv_data, key->mv_size);
    if (reader_u8(&r) != TABLE_RECORDS)
        return false;
    *index = reader_u64(&r);
    return reader_finish(&r) == OK;
}

/* ---- reading ---- */

struct log_walk {
    struct os_env env;
    struct buf *meta;
    struct log_extent extent;
    log_record_hook on_record;
    void *owner;
};

static int log_walk_row(struct log_walk *walk, const MDB_val *key, const MDB_val *value)
{
    struct view_row row;
    int err = os_env_check(ROOM_LOG, key, value, &row);
    if (err != OK)
        return err;
    struct log_record record = { .bytes = row.value };
    if (!log_index(key, &record.index)) {
        if (*(const uint8_t *)key->mv_data == TABLE_META)
            buf_append(walk->meta, row.value.data, row.value.len);
        return walk->meta->err;
    }
    if (walk->extent.last > 0 && record.index != walk->extent.last + 1)
        return ERR_CORRUPT;
    if (walk->extent.first == 0)
        walk->extent.first = record.index;
    walk->extent.last = record.index;
    return walk->on_record(walk->owner, &record);
}

static int log_walk_rows(struct log_walk *walk, MDB_txn *txn)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, walk->env.dbi, &cursor);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    MDB_val key, value;
    int err = OK;
    while (err == OK && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS)
        err = log_walk_row(walk, &key, &value);
    mdb_cursor_close(cursor);
    return err != OK || rc == MDB_NOTFOUND ? err : os_env_err(rc);
}

int os_log_lmdb_walk(const struct os_store *s, const char *path, struct buf *meta,
                     struct log_extent *extent, log_record_hook on_record, void *owner)
{
    struct log_walk walk = { .meta = meta, .on_record = on_record, .owner = owner };
    struct os_env_options options = s->env_options;
    options.is_read_only = true; /* also when we move it: nothing is changed there */
    int err = os_env_open(&walk.env, path, ROOM_LOG, &options);
    if (err != OK)
        return err;
    MDB_txn *txn;
    err = os_env_err(mdb_txn_begin(walk.env.env, NULL, MDB_RDONLY, &txn));
    if (err == OK) {
        err = log_walk_rows(&walk, txn);
        mdb_txn_abort(txn);
    }
    os_env_close(&walk.env);
    if (err == OK)
        *extent = walk.extent;
    return err;
}

/* ---- moving ---- */

struct move {
    struct os_segments to;
    struct buf group;
    uint64_t count;
};

static int move_write(struct move *m)
{
    int err = m->group.err;
    if (err == OK)
        err = os_segments_write(&m->to, &m->group, false);
    buf_clear(&m->group);
    log_group_begin(&m->group);
    return err;
}

static int move_record(void *owner, const struct log_record *record)
{
    struct move *m = owner;
    struct log_item item = { .kind = LOG_ITEM_RECORD,
                             .index = record->index,
                             .bytes = record->bytes };
    log_item_put(&m->group, &item);
    m->count += 1;
    return m->group.len < GROUP_BYTES ? m->group.err : move_write(m);
}

static int move_all(struct os_store *s, struct move *m, const char *from)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    log_group_begin(&m->group);
    int err = os_log_lmdb_walk(s, from, &meta, &extent, move_record, m);
    if (err == OK && meta.len > 0) {
        struct log_item item = { .kind = LOG_ITEM_META, .bytes = buf_bytes(&meta) };
        log_item_put(&m->group, &item);
    }
    if (err == OK && m->group.len > LOG_GROUP_HEAD_LEN)
        err = move_write(m);
    if (err == OK)
        err = os_segments_sync(&m->to);
    buf_deinit(&meta);
    return err;
}

int os_log_lmdb_move(struct os_store *s, const char *from, const char *to)
{
    struct os_segments_options options = { .log = s->log, .is_scratch = true };
    struct move m = { .count = 0 };
    LOG_INFO(s->log, "store", "%s is of an older format: it is being moved", from);
    int err = os_segments_make(to, &options);
    if (err == OK) {
        err = os_segments_open(&m.to, to, &options);
        if (err == OK)
            err = move_all(s, &m, from);
        os_segments_close(&m.to);
    }
    buf_deinit(&m.group);
    if (err == OK)
        LOG_INFO(s->log, "store", "%s: %llu records were moved", from, (unsigned long long)m.count);
    else
        LOG_ERROR(s->log, "store", "%s cannot be moved: %s", from, err_text(err));
    return err;
}
