/* row_file.h -- sorted rows of numbered tables as one checksummed file: what a map export writes, an
 * import reads and a snapshot transfer carries.
 *
 * Shape    Big endian, lengths as in buf_put_run().
 *              head    "HFRF", u8 version (1), u8 tables_count, u16 zero
 *              block*  u32 len (1..ROW_FILE_BLOCK_BYTES), u64 checksum, len bytes of whole rows
 *              end     u32 zero, u64 rows_count, u64 checksum
 *              row     u8 table, run key, run value
 *          A block's checksum is hash64(chain, its bytes), where `chain` is the checksum before it
 *          (hash64(0, the head) for the first): a block that is left out, doubled or moved breaks
 *          the chain. The end's is hash64(chain, the end's first 12 bytes) and names the whole
 *          content: equal rows, equal number. Rows ascend strictly by (table, key).
 * Owner    The writer appends to the caller's `out`, which may be emptied between calls. What a row
 *          from the reader points at lives until the next call on the reader.
 * Errors   Writing: row_file_end() reports out of memory (or out->limit) once. Reading: ERR_CORRUPT
 *          for anything that is not such a file, ERR_VERSION for a newer one, and both stick. */
#ifndef UTIL_ROW_FILE_H
#define UTIL_ROW_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum {
    ROW_FILE_VERSION = 1,
    ROW_FILE_BLOCK_AIM_BYTES = 64 * 1024, /* a block is closed once it is this long */
    ROW_FILE_BLOCK_BYTES = 1024 * 1024,   /* what a reader accepts */
    ROW_FILE_KEY_BYTES = 512,             /* likewise */
    ROW_FILE_VALUE_BYTES = 900 * 1024,    /* likewise; a row fits a block */
};

struct row_file_row {
    unsigned table;
    struct bytes key;
    struct bytes value;
};

struct row_file_writer {
    struct buf *out;
    struct buf block;
    uint64_t chain;
    uint64_t rows_count;
};

void row_file_begin(struct row_file_writer *w, unsigned tables_count, struct buf *out);
/* Rows come in ascending order; one that is too long is our bug, and asserts. */
void row_file_add(struct row_file_writer *w, const struct row_file_row *row);
/* Writes what is left and frees the writer's memory. `hash` (may be NULL): the content's name. */
int row_file_end(struct row_file_writer *w, uint64_t *hash);
/* The same without writing: for giving up. */
void row_file_abandon(struct row_file_writer *w);

struct row_file_reader {
    struct buf in; /* pushed, not yet used up: in.data + used .. */
    size_t used;
    struct reader rows; /* rows left in the block that stands at in.data + used */
    size_t block_len;
    struct buf key_last;
    int table_last; /* -1: none yet */
    unsigned tables_count;
    uint64_t chain;
    uint64_t rows_count;
    bool head_seen;
    bool end_seen;
    int err;
};

void row_file_reader_init(struct row_file_reader *r);
void row_file_reader_deinit(struct row_file_reader *r);
/* More of the file. Kills what the last row pointed at. */
void row_file_push(struct row_file_reader *r, const void *data, size_t len);
/* OK and the next row; ERR_MORE when that needs another push (or, at the file's end, when the file
 * is cut short); ERR_NOT_FOUND behind the last row of a file that is whole. */
int row_file_next(struct row_file_reader *r, struct row_file_row *row);
/* The content's name, once row_file_next() said ERR_NOT_FOUND. */
uint64_t row_file_hash(const struct row_file_reader *r);

#endif
