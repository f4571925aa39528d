/* row_file.c -- writes and reads row_file.h's format. */
#include "util/row_file.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"

enum { HEAD_LEN = 8, HEAD_TABLES_AT = 5, BLOCK_HEAD_LEN = 12, END_LEN = 20, END_COVERED_LEN = 12 };

static const uint8_t magic[4] = { 'H', 'F', 'R', 'F' };

/* ---- writing ---- */

void row_file_begin(struct row_file_writer *w, unsigned tables_count, struct buf *out)
{
    ASSERT(tables_count <= UINT8_MAX);
    uint8_t head[HEAD_LEN] = { magic[0], magic[1], magic[2], magic[3], ROW_FILE_VERSION };
    head[HEAD_TABLES_AT] = (uint8_t)tables_count;
    *w = (struct row_file_writer){ .out = out, .chain = hash64(0, head, HEAD_LEN) };
    buf_append(out, head, HEAD_LEN);
}

static void row_file_close_block(struct row_file_writer *w)
{
    if (w->block.len == 0)
        return;
    w->chain = hash64(w->chain, w->block.data, w->block.len);
    buf_put_u32(w->out, (uint32_t)w->block.len);
    buf_put_u64(w->out, w->chain);
    buf_append(w->out, w->block.data, w->block.len);
    buf_clear(&w->block);
}

void row_file_add(struct row_file_writer *w, const struct row_file_row *row)
{
    ASSERT(row->table <= UINT8_MAX && row->key.len <= ROW_FILE_KEY_BYTES);
    ASSERT(row->value.len <= ROW_FILE_VALUE_BYTES);
    buf_put_u8(&w->block, (uint8_t)row->table);
    buf_put_run(&w->block, row->key.data, row->key.len);
    buf_put_run(&w->block, row->value.data, row->value.len);
    w->rows_count += 1;
    if (w->block.err != OK)
        w->out->err = w->block.err;
    else if (w->block.len >= ROW_FILE_BLOCK_AIM_BYTES)
        row_file_close_block(w);
}

int row_file_end(struct row_file_writer *w, uint64_t *hash)
{
    row_file_close_block(w);
    struct buf end = { 0 };
    buf_put_u32(&end, 0);
    buf_put_u64(&end, w->rows_count);
    if (end.err == OK) {
        uint64_t name = hash64(w->chain, end.data, end.len);
        buf_put_u64(&end, name);
        buf_append(w->out, end.data, end.len);
        if (hash != NULL)
            *hash = name;
    }
    int err = w->out->err != OK ? w->out->err : end.err;
    buf_deinit(&end);
    row_file_abandon(w);
    return err;
}

void row_file_abandon(struct row_file_writer *w)
{
    buf_deinit(&w->block);
}

/* ---- reading ---- */

void row_file_reader_init(struct row_file_reader *r)
{
    *r = (struct row_file_reader){ .table_last = -1 };
}

void row_file_reader_deinit(struct row_file_reader *r)
{
    buf_deinit(&r->in);
    buf_deinit(&r->key_last);
}

void row_file_push(struct row_file_reader *r, const void *data, size_t len)
{
    size_t rows_done = r->block_len - r->rows.left; /* the cursor must survive the move */
    buf_consume(&r->in, r->used);
    r->used = 0;
    buf_append(&r->in, data, len);
    if (r->in.err != OK)
        r->err = r->in.err;
    else if (r->block_len > 0)
        r->rows = reader_of(r->in.data + rows_done, r->block_len - rows_done);
}

static struct reader row_file_unread(const struct row_file_reader *r)
{
    if (r->in.len == r->used)
        return reader_of(NULL, 0);
    return reader_of(r->in.data + r->used, r->in.len - r->used);
}

static int row_file_read_head(struct row_file_reader *r)
{
    struct reader at = row_file_unread(r);
    if (at.left < HEAD_LEN)
        return ERR_MORE;
    struct bytes word = reader_take(&at, sizeof(magic));
    uint8_t version = reader_u8(&at);
    r->tables_count = reader_u8(&at);
    if (memcmp(word.data, magic, sizeof(magic)) != 0)
        return ERR_CORRUPT;
    if (version > ROW_FILE_VERSION)
        return ERR_VERSION;
    if (version != ROW_FILE_VERSION || reader_u16(&at) != 0)
        return ERR_CORRUPT;
    r->chain = hash64(0, r->in.data + r->used, HEAD_LEN);
    r->used += HEAD_LEN;
    r->head_seen = true;
    return OK;
}

static int row_file_read_end(struct row_file_reader *r)
{
    struct reader at = row_file_unread(r);
    if (at.left < END_LEN)
        return ERR_MORE;
    uint64_t name = hash64(r->chain, at.at, END_COVERED_LEN);
    reader_u32(&at);
    uint64_t rows_count = reader_u64(&at);
    if (reader_u64(&at) != name || rows_count != r->rows_count || at.left > 0)
        return ERR_CORRUPT;
    r->used += END_LEN;
    r->chain = name;
    r->end_seen = true;
    return ERR_NOT_FOUND;
}

/* Makes r->rows stand on the next block, once all of it is there and its checksum fits. */
static int row_file_read_block(struct row_file_reader *r)
{
    r->used += r->block_len;
    r->block_len = 0;
    struct reader at = row_file_unread(r);
    if (at.left < BLOCK_HEAD_LEN)
        return ERR_MORE;
    uint32_t len = reader_u32(&at);
    if (len == 0)
        return row_file_read_end(r);
    if (len > ROW_FILE_BLOCK_BYTES)
        return ERR_CORRUPT;
    uint64_t checksum = reader_u64(&at);
    if (at.left < len)
        return ERR_MORE;
    if (hash64(r->chain, at.at, len) != checksum)
        return ERR_CORRUPT;
    r->chain = checksum;
    r->used += BLOCK_HEAD_LEN;
    r->block_len = len;
    r->rows = reader_of(at.at, len);
    return OK;
}

static int row_file_read_row(struct row_file_reader *r, struct row_file_row *row)
{
    row->table = reader_u8(&r->rows);
    row->key = reader_run(&r->rows, ROW_FILE_KEY_BYTES);
    row->value = reader_run(&r->rows, ROW_FILE_VALUE_BYTES);
    if (r->rows.err != OK || row->table >= r->tables_count)
        return ERR_CORRUPT;
    bool ascends =
        (int)row->table > r->table_last ||
        ((int)row->table == r->table_last && bytes_compare(row->key, buf_bytes(&r->key_last)) > 0);
    if (!ascends)
        return ERR_CORRUPT;
    r->table_last = (int)row->table;
    buf_clear(&r->key_last);
    buf_append(&r->key_last, row->key.data, row->key.len);
    r->rows_count += 1;
    return r->key_last.err;
}

int row_file_next(struct row_file_reader *r, struct row_file_row *row)
{
    int err = r->err;
    if (err == OK && r->end_seen)
        err = r->in.len == r->used ? ERR_NOT_FOUND : ERR_CORRUPT; /* nothing may follow the end */
    if (err == OK && !r->head_seen)
        err = row_file_read_head(r);
    if (err == OK && r->rows.left == 0)
        err = row_file_read_block(r);
    if (err == OK)
        err = row_file_read_row(r, row);
    if (err != OK && err != ERR_MORE && err != ERR_NOT_FOUND)
        r->err = err;
    return err;
}

uint64_t row_file_hash(const struct row_file_reader *r)
{
    ASSERT(r->end_seen);
    return r->chain;
}
