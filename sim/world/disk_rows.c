/* disk_rows.c -- records and rows inside one version of a room.
 *
 * A stored key is the table's number and the caller's key; a stored value is the checksum, big endian,
 * and the caller's value: what os/ keeps, so that rot is found in the same way. */
#include "sim/world/disk_int.h"

#include <string.h>

#include "util/err.h"

enum { CHECKSUM_LEN = 8 };

static struct bytes disk_key(unsigned table, struct bytes key, uint8_t out[DISK_KEY_SIZE])
{
    ASSERT(key.len < DISK_KEY_SIZE);
    out[0] = (uint8_t)table;
    if (key.len > 0)
        memcpy(out + 1, key.data, key.len);
    return (struct bytes){ out, key.len + 1 };
}

void disk_rows_put(struct rows *r, enum store_room room, unsigned table, struct bytes key,
                   struct bytes value)
{
    uint8_t raw[DISK_KEY_SIZE];
    struct buf stored = { 0 };
    buf_put_u64(&stored, store_checksum(room, table, key, value));
    buf_append(&stored, value.data, value.len);
    ASSERT(stored.err == OK);
    rows_put(r, disk_key(table, key, raw), buf_bytes(&stored));
    buf_deinit(&stored);
}

void disk_rows_delete(struct rows *r, unsigned table, struct bytes key)
{
    uint8_t raw[DISK_KEY_SIZE];
    rows_delete(r, disk_key(table, key, raw));
}

int disk_rows_check(enum store_room room, struct view_row *row)
{
    struct reader key = reader_of(row->key.data, row->key.len);
    struct reader value = reader_of(row->value.data, row->value.len);
    unsigned table = reader_u8(&key);
    uint64_t checksum = reader_u64(&value);
    row->key = (struct bytes){ key.at, key.left };
    row->value = (struct bytes){ value.at, value.left };
    if (key.err != OK || value.err != OK)
        return ERR_CORRUPT;
    return store_checksum(room, table, row->key, row->value) == checksum ? OK : ERR_CORRUPT;
}

/* ---- the log ---- */

static struct bytes log_key(uint64_t index, uint8_t out[LOG_KEY_LEN])
{
    for (int i = 0; i < LOG_KEY_LEN; i++)
        out[i] = (uint8_t)(index >> (8 * (LOG_KEY_LEN - 1 - i)));
    return (struct bytes){ out, LOG_KEY_LEN };
}

/* A row of the records' table; false for any other. */
static bool log_index(const struct view_row *row, uint64_t *index)
{
    struct reader key = reader_of(row->key.data, row->key.len);
    if (reader_u8(&key) != LOG_TABLE_RECORDS)
        return false;
    *index = reader_u64(&key);
    return true;
}

struct log_extent disk_log_extent(const struct rows *r)
{
    const uint8_t records = LOG_TABLE_RECORDS, behind = LOG_TABLE_RECORDS + 1;
    struct view_row row;
    struct log_extent extent = { 0, 0 };
    if (rows_at_or_after(r, (struct bytes){ &records, 1 }, &row) &&
        log_index(&row, &extent.first)) {
        bool found = rows_before(r, (struct bytes){ &behind, 1 }, &row);
        ASSERT(found && log_index(&row, &extent.last));
    }
    return extent;
}

void disk_unit_apply(struct rows *r, const struct log_unit *unit, bool has_rotted)
{
    uint8_t raw[LOG_KEY_LEN];
    struct log_extent extent = disk_log_extent(r);
    if (unit->cut_from > 0 && extent.first > 0) {
        uint64_t from = unit->cut_from > extent.first ? unit->cut_from : extent.first;
        for (uint64_t i = from; i <= extent.last; i++)
            disk_rows_delete(r, LOG_TABLE_RECORDS, log_key(i, raw));
        extent = disk_log_extent(r);
    }
    for (size_t i = 0; i < unit->records_count; i++) {
        const struct log_record *record = &unit->records[i];
        ASSERT(has_rotted || extent.last == 0 || record->index == extent.last + 1 + i);
        disk_rows_put(r, ROOM_LOG, LOG_TABLE_RECORDS, log_key(record->index, raw), record->bytes);
    }
    if (unit->meta.len > 0)
        disk_rows_put(r, ROOM_LOG, LOG_TABLE_META, (struct bytes){ NULL, 0 }, unit->meta);
}

void disk_log_trim(struct rows *r, uint64_t first_kept)
{
    uint8_t raw[LOG_KEY_LEN];
    struct log_extent extent = disk_log_extent(r);
    for (uint64_t i = extent.first; i > 0 && i < first_kept && i <= extent.last; i++)
        disk_rows_delete(r, LOG_TABLE_RECORDS, log_key(i, raw));
}

/* One more record behind the others, whose bytes lie in fetch->bytes (pointers follow at the end:
 * the bytes still move). */
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

static void fetch_point(struct log_fetch *fetch)
{
    size_t at = 0;
    for (size_t i = 0; i < fetch->records_count; i++) {
        if (fetch->records[i].bytes.len > 0)
            fetch->records[i].bytes.data = fetch->bytes.data + at;
        at += fetch->records[i].bytes.len;
    }
}

int disk_log_fetch(const struct rows *r, struct log_fetch *fetch)
{
    uint8_t raw[LOG_KEY_LEN], stored[DISK_KEY_SIZE];
    struct log_extent extent = disk_log_extent(r);
    if (extent.first == 0 || fetch->first < extent.first || fetch->first > extent.last)
        return ERR_NOT_FOUND;
    int err = OK;
    for (uint64_t index = fetch->first; err == OK && index <= extent.last; index++) {
        struct view_row row = { .key = disk_key(LOG_TABLE_RECORDS, log_key(index, raw), stored) };
        if (!rows_get(r, row.key, &row.value))
            err = ERR_CORRUPT; /* a gap */
        else
            err = disk_rows_check(ROOM_LOG, &row);
        if (err == OK && fetch->records_count > 0 &&
            fetch->bytes.len + row.value.len > fetch->bytes_max)
            break;
        if (err == OK)
            err = fetch_add(fetch, index, row.value);
    }
    fetch_point(fetch);
    if (err != OK)
        log_fetch_deinit(fetch);
    return err;
}

int disk_log_walk(const struct rows *r, struct buf *meta, struct log_extent *extent,
                  log_record_hook on_record, void *owner)
{
    const uint8_t meta_key = LOG_TABLE_META, records = LOG_TABLE_RECORDS;
    struct view_row row = { .key = { &meta_key, 1 } };
    int err = OK;
    if (rows_get(r, row.key, &row.value)) {
        err = disk_rows_check(ROOM_LOG, &row);
        if (err == OK)
            buf_append(meta, row.value.data, row.value.len);
    }
    struct log_extent seen = { 0, 0 };
    bool found = rows_at_or_after(r, (struct bytes){ &records, 1 }, &row);
    while (err == OK && found) {
        struct view_row plain = row;
        struct log_record record = { 0 };
        if (!log_index(&row, &record.index) || (seen.last > 0 && record.index != seen.last + 1) ||
            disk_rows_check(ROOM_LOG, &plain) != OK)
            return ERR_CORRUPT;
        record.bytes = plain.value;
        seen.first = seen.first == 0 ? record.index : seen.first;
        seen.last = record.index;
        err = on_record(owner, &record);
        found = rows_after(r, row.key, &row);
    }
    if (err == OK)
        *extent = seen;
    return err != OK ? err : meta->err;
}

/* ---- the map ---- */

void disk_batch_apply(struct rows *r, const struct map_batch *batch)
{
    enum store_room room = batch->area == MAP_STATE ? ROOM_STATE : ROOM_LOCAL;
    for (size_t i = 0; i < batch->ops_count; i++) {
        const struct map_op *op = &batch->ops[i];
        if (op->is_delete)
            disk_rows_delete(r, op->table, op->key);
        else
            disk_rows_put(r, room, op->table, op->key, op->value);
    }
}
