/* covers: peer/util/row_file.c */
/* A file of rows: first the bytes as they are, cut into pieces; then as the inside of blocks whose checksums
 * fit, since no fuzzer guesses those; then what came out is written and read once more. */
#include <stdint.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/row_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_LEN = 8 };

/* How many rows were read before the code that ended it; they go to `w` when there is one. */
static int read_all(const struct buf *file, size_t piece, struct row_file_writer *w, uint64_t *rows,
                    uint64_t *hash)
{
    struct row_file_reader r;
    struct row_file_row row;
    size_t at = 0;
    int err;
    row_file_reader_init(&r);
    *rows = 0;
    for (;;) {
        err = row_file_next(&r, &row);
        if (err == OK) {
            *rows += 1;
            if (w != NULL)
                row_file_add(w, &row);
            continue;
        }
        if (err != ERR_MORE || at == file->len)
            break;
        size_t len = file->len - at < piece ? file->len - at : piece;
        row_file_push(&r, file->data + at, len);
        at += len;
    }
    if (err == ERR_NOT_FOUND)
        *hash = row_file_hash(&r);
    row_file_reader_deinit(&r);
    return err;
}

/* The bytes as two blocks, split at the place that the first byte names. */
static void wrap(const uint8_t *data, size_t size, struct buf *out)
{
    uint8_t head[HEAD_LEN] = { 'H', 'F', 'R', 'F', ROW_FILE_VERSION, 16 };
    uint64_t chain = hash64(0, head, HEAD_LEN);
    size_t split = size > 0 ? data[0] % size : 0;
    const size_t lens[] = { split, size - split };
    buf_append(out, head, HEAD_LEN);
    for (size_t i = 0, at = 0; i < 2; at += lens[i], i++) {
        if (lens[i] == 0)
            continue;
        chain = hash64(chain, data + at, lens[i]);
        buf_put_u32(out, (uint32_t)lens[i]);
        buf_put_u64(out, chain);
        buf_append(out, data + at, lens[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf raw = { 0 }, wrapped = { 0 }, again = { 0 };
    uint64_t rows, rows_again, hash = 0, hash_again = 0;
    buf_append(&raw, data, size);
    read_all(&raw, 1 + size / 3, NULL, &rows, &hash);

    wrap(data, size, &wrapped);
    struct row_file_writer w;
    row_file_begin(&w, 16, &again);
    int err = read_all(&wrapped, 1 + size / 2, &w, &rows, &hash);
    ASSERT(err == ERR_MORE || err == ERR_CORRUPT);
    ASSERT(row_file_end(&w, &hash) == OK);
    ASSERT(read_all(&again, 7, NULL, &rows_again, &hash_again) == ERR_NOT_FOUND);
    ASSERT(rows_again == rows && hash_again == hash);
    buf_deinit(&raw);
    buf_deinit(&wrapped);
    buf_deinit(&again);
    return 0;
}
