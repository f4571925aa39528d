/* os_store_log.c -- the log room: a group of units is one transaction. */
#include "os/os_store_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"

enum { TRIM_STEP_COUNT = 1000 }; /* records deleted in one transaction: one or two milliseconds */

/* ---- records as rows ---- */

static struct bytes log_key(uint64_t index, uint8_t out[LOG_KEY_LEN])
{
    for (int i = 0; i < LOG_KEY_LEN; i++)
        out[i] = (uint8_t)(index >> (8 * (LOG_KEY_LEN - 1 - i)));
    return (struct bytes){ out, LOG_KEY_LEN };
}

/* True, and the index, for a row of the records' table. */
static bool log_index(const MDB_val *key, uint64_t *index)
{
    struct reader r = reader_of(key->mv_data, key->mv_size);
    if (reader_u8(&r) != LOG_TABLE_RECORDS)
        return false;
    *index = reader_u64(&r);
    return reader_finish(&r) == OK;
}

/* The first record at or after `index`: MDB_SUCCESS, MDB_NOTFOUND, or an error. */
static int log_seek(MDB_cursor *cursor, uint64_t *index, MDB_val *key, MDB_val *value)
{
    uint8_t raw[LOG_KEY_LEN], stored[OS_ENV_KEY_SIZE];
    *key = os_env_key(LOG_TABLE_RECORDS, log_key(*index, raw), stored);
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    return rc == MDB_SUCCESS && !log_index(key, index) ? MDB_NOTFOUND : rc;
}

/* Of the last record; 0 when there is none. The records' table is the environment's last. */
static int log_last(MDB_cursor *cursor, uint64_t *index)
{
    MDB_val key, value;
    *index = 0;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (rc == MDB_SUCCESS && !log_index(&key, index))
        *index = 0;
    return rc;
}

/* ---- start-up ---- */

struct log_walk {
    struct os_store *s;
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
        if (*(const uint8_t *)key->mv_data == LOG_TABLE_META)
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
    int rc = mdb_cursor_open(txn, walk->s->log_env.dbi, &cursor);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    MDB_val key, value;
    int err = OK;
    while (err == OK && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS)
        err = log_walk_row(walk, &key, &value);
    mdb_cursor_close(cursor);
    return err != OK || rc == MDB_NOTFOUND ? err : os_env_err(rc);
}

/* What LMDB cannot read at all is put aside, for whoever wants to look into it: a log that is damaged must be one that
 * can be written to. ERR_CORRUPT when that is so. */
static int log_replace(struct os_store *s, const char *path)
{
    char *aside = os_store_path(s, "log.damaged");
    int err = aside != NULL ? os_env_remove(aside) : ERR_NOMEM;
    if (err == OK && rename(path, aside) != 0)
        err = os_errno(errno);
    if (err == OK)
        err = os_env_open(&s->log_env, path, ROOM_LOG, &s->env_options);
    mem_free(aside);
    s->log_is_open = err == OK;
    return err == OK ? ERR_CORRUPT : err;
}

int os_log_open(void *impl, struct buf *meta, struct log_extent *extent, log_record_hook on_record,
                void *owner)
{
    struct os_store *s = impl;
    ASSERT(!s->log_is_open);
    char *path = os_store_path(s, "log");
    if (path == NULL)
        return ERR_NOMEM;
    int err = os_env_open(&s->log_env, path, ROOM_LOG, &s->env_options);
    s->log_is_open = err == OK;
    if (err == ERR_CORRUPT && !s->env_options.is_read_only)
        err = log_replace(s, path);
    mem_free(path);
    if (err != OK)
        return err;
    MDB_txn *txn;
    struct log_walk walk = { .s = s, .meta = meta, .on_record = on_record, .owner = owner };
    err = os_env_err(mdb_txn_begin(s->log_env.env, NULL, MDB_RDONLY, &txn));
    if (err != OK)
        return err;
    err = log_walk_rows(&walk, txn);
    mdb_txn_abort(txn);
    if (err == OK)
        *extent = walk.extent;
    return err;
}

/* ---- the worker ---- */

/* Forgets the records from `from` on, up to a count. */
static int log_delete(MDB_cursor *cursor, uint64_t from, uint64_t below, size_t count_max,
                      bool *more)
{
    *more = false;
    for (size_t count = 0;; count++) {
        MDB_val key, value;
        uint64_t index = from;
        int rc = log_seek(cursor, &index, &key, &value);
        if (rc == MDB_NOTFOUND || (rc == MDB_SUCCESS && index >= below))
            return MDB_SUCCESS;
        *more = count == count_max;
        if (rc != MDB_SUCCESS || *more)
            return rc;
        rc = mdb_cursor_del(cursor, 0);
        if (rc != MDB_SUCCESS)
            return rc;
    }
}

static int log_apply_unit(MDB_txn *txn, MDB_dbi dbi, MDB_cursor *cursor,
                          const struct log_unit *unit)
{
    uint8_t raw[LOG_KEY_LEN];
    bool more;
    uint64_t last = 0;
    int rc = MDB_SUCCESS;
    if (unit->cut_from > 0)
        rc = log_delete(cursor, unit->cut_from, UINT64_MAX, SIZE_MAX, &more);
    if (rc == MDB_SUCCESS)
        rc = log_last(cursor, &last);
    ASSERT(rc != MDB_SUCCESS || unit->records_count == 0 || last == 0 ||
           unit->records[0].index == last + 1);
    for (size_t i = 0; rc == MDB_SUCCESS && i < unit->records_count; i++)
        rc = os_env_put(txn, dbi, ROOM_LOG, LOG_TABLE_RECORDS, log_key(unit->records[i].index, raw),
                        unit->records[i].bytes, MDB_APPEND);
    if (rc == MDB_SUCCESS && unit->meta.len > 0)
        rc = os_env_put(txn, dbi, ROOM_LOG, LOG_TABLE_META, (struct bytes){ NULL, 0 }, unit->meta,
                        0);
    return rc;
}

static int fetch_add(struct log_fetch *fetch, uint64_t index, struct bytes bytes)
{
    size_t size = (fetch->records_count + 1) * sizeof(*fetch->records);
    struct log_record *records = mem_realloc(fetch->records, size);
    if (records == NULL)
        return ERR_NOMEM;
    fetch->records = records;
    fetch->records[fetch->records_count++] = (struct log_record){ index, { NULL, bytes.len } };
    buf_append(&fetch->bytes, bytes.data, bytes.len);
    return fetch->bytes.err;
}

static int log_collect(MDB_cursor *cursor, struct log_fetch *fetch)
{
    MDB_val key, value;
    uint64_t index = fetch->first;
    int rc = log_seek(cursor, &index, &key, &value);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    if (index != fetch->first) { /* before the log's first record, or a gap in it */
        rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
        return rc == MDB_SUCCESS && log_index(&key, &index) ? ERR_CORRUPT : ERR_NOT_FOUND;
    }
    for (uint64_t want = fetch->first;; want++) {
        struct view_row row;
        int err = index == want ? os_env_check(ROOM_LOG, &key, &value, &row) : ERR_CORRUPT;
        if (err != OK)
            return err;
        if (fetch->records_count > 0 && fetch->bytes.len + row.value.len > fetch->bytes_max)
            return OK;
        err = fetch_add(fetch, index, row.value);
        if (err != OK)
            return err;
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (rc != MDB_SUCCESS || !log_index(&key, &index))
            return rc == MDB_NOTFOUND ? OK : os_env_err(rc);
    }
}

static int log_run_fetch(MDB_cursor *cursor, struct log_fetch *fetch)
{
    log_fetch_deinit(fetch); /* what an earlier try of this transaction had read */
    int err = log_collect(cursor, fetch);
    if (err != OK)
        log_fetch_deinit(fetch);
    size_t at = 0; /* the bytes have stopped moving */
    for (size_t i = 0; i < fetch->records_count; i++) {
        if (fetch->records[i].bytes.len > 0)
            fetch->records[i].bytes.data = fetch->bytes.data + at;
        at += fetch->records[i].bytes.len;
    }
    return err;
}

/* One try of the group's requests, in order. Units that are refused already (err != OK) are passed over. */
static int log_try_group(struct os_env *e, MDB_txn *txn, struct list_link *group)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, e->dbi, &cursor);
    if (rc != MDB_SUCCESS)
        return rc;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->kind == OS_LOG_UNIT && slot->err == OK)
            rc = log_apply_unit(txn, e->dbi, cursor, list_entry(slot, struct log_unit, slot));
        else if (slot->kind == OS_LOG_FETCH)
            slot->err = log_run_fetch(cursor, list_entry(slot, struct log_fetch, slot));
        if (rc != MDB_SUCCESS)
            break;
    }
    mdb_cursor_close(cursor);
    return rc;
}

/* Admits units; true when one of them is to be written. */
static bool log_admit(struct os_room *room, struct list_link *group)
{
    bool writes = false;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->kind != OS_LOG_UNIT || slot->err != OK)
            continue;
        slot->err = os_room_admit(room, slot);
        writes |= slot->err == OK;
    }
    return writes;
}

static void log_fail_units(struct os_room *room, struct list_link *group, int err)
{
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->kind != OS_LOG_UNIT || slot->err != OK)
            continue;
        slot->err = err;
        if (err == ERR_FULL)
            os_room_refuse(room, slot);
    }
}

static void log_read_group(struct os_env *e, struct list_link *group)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
    if (rc == MDB_SUCCESS) {
        rc = log_try_group(e, txn, group);
        mdb_txn_abort(txn);
    }
    if (rc == MDB_SUCCESS)
        return;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->kind == OS_LOG_FETCH)
            slot->err = os_env_err(rc);
    }
}

static void log_run_group(struct os_room *room, struct list_link *group)
{
    struct os_store *s = room->impl;
    struct os_env *e = &s->log_env;
    while (log_admit(room, group)) {
        MDB_txn *txn;
        int rc = mdb_txn_begin(e->env, NULL, 0, &txn);
        if (rc == MDB_SUCCESS) {
            rc = log_try_group(e, txn, group);
            if (rc == MDB_SUCCESS)
                rc = mdb_txn_commit(txn);
            else
                mdb_txn_abort(txn);
        }
        if (rc == MDB_MAP_FULL) {
            int err = os_env_grow(e);
            if (err == OK)
                continue;
            rc = err == ERR_FULL ? ENOSPC : EIO;
        }
        int err = os_room_judge(room, os_env_err(rc), mdb_strerror(rc));
        if (err == OK)
            return;
        log_fail_units(room, group, err); /* and once more around, for the fetches' sake */
    }
    log_read_group(e, group);
}

/* A step of the oldest trim; when it is through, its slot joins the group of finished requests. */
static void log_trim_step(struct os_room *room, struct list_link *group)
{
    struct os_store *s = room->impl;
    struct store_slot *slot = list_entry(room->later.next, struct store_slot, link);
    struct log_trim *trim = list_entry(slot, struct log_trim, slot);
    struct os_env *e = &s->log_env;
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool more = false;
    int rc = room->is_dead ? EIO : mdb_txn_begin(e->env, NULL, 0, &txn);
    if (rc == MDB_SUCCESS) {
        rc = mdb_cursor_open(txn, e->dbi, &cursor);
        if (rc == MDB_SUCCESS) {
            rc = log_delete(cursor, 0, trim->first_kept, TRIM_STEP_COUNT, &more);
            mdb_cursor_close(cursor);
        }
        if (rc == MDB_SUCCESS)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    if (rc == MDB_MAP_FULL && os_env_grow(e) == OK)
        return; /* the same step again */
    if (rc == MDB_SUCCESS && more)
        return;
    slot->err = os_env_err(rc == MDB_MAP_FULL ? ENOSPC : rc);
    if (slot->err == ERR_FULL)
        slot->err = ERR_BUSY; /* not a refusal: trims have no place in the order of writes */
    else if (slot->err != OK)
        slot->err = os_room_judge(room, slot->err, mdb_strerror(rc));
    list_remove(&slot->link);
    list_push_back(group, &slot->link);
}

void os_log_run(struct os_room *room, struct list_link *group)
{
    if (!list_is_empty(group))
        log_run_group(room, group);
    list_for_each_safe (link, after, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->kind == OS_LOG_TRIM) { /* the units before it are durable now */
            list_remove(link);
            list_push_back(&room->later, link);
        }
    }
    if (!list_is_empty(&room->later))
        log_trim_step(room, group);
}

/* ---- the loop ---- */

int os_log_write(void *impl, struct log_unit *unit)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &unit->slot, OS_LOG_UNIT);
}

int os_log_fetch(void *impl, struct log_fetch *fetch)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    fetch->records = NULL;
    fetch->records_count = 0;
    fetch->bytes = (struct buf){ 0 };
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &fetch->slot, OS_LOG_FETCH);
}

int os_log_trim(void *impl, struct log_trim *trim)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &trim->slot, OS_LOG_TRIM);
}
