#include <criterion/criterion.h>

#include <string.h>

#include "util/err.h"
#include "util/mem.h"
#include "util/row_file.h"

TestSuite(row_file, .timeout = 60);

enum { ROWS = 3000 };

static struct row_file_row row_of(unsigned i, uint8_t key[2], uint8_t *value)
{
    key[0] = (uint8_t)(i >> 8);
    key[1] = (uint8_t)i;
    memset(value, (int)i, 200);
    return (struct row_file_row){ i / 1000, { key, 2 }, { value, i % 200 } };
}

static uint64_t write_rows(struct buf *out, unsigned count)
{
    struct row_file_writer w;
    uint8_t key[2], value[200];
    uint64_t hash = 0;
    row_file_begin(&w, 3, out);
    for (unsigned i = 0; i < count; i++) {
        struct row_file_row row = row_of(i, key, value);
        row_file_add(&w, &row);
    }
    cr_assert_eq(row_file_end(&w, &hash), OK);
    return hash;
}

/* Everything, in pieces of `piece` bytes; the code that ended it. */
static int read_rows(const struct buf *file, size_t piece, unsigned *count, uint64_t *hash)
{
    struct row_file_reader r;
    row_file_reader_init(&r);
    size_t at = 0;
    int err;
    *count = 0;
    for (;;) {
        struct row_file_row row;
        err = row_file_next(&r, &row);
        if (err == OK) {
            uint8_t key[2], value[200];
            struct row_file_row want = row_of((*count)++, key, value);
            cr_assert_eq(row.table, want.table);
            cr_assert(bytes_equal(row.key, want.key) && bytes_equal(row.value, want.value));
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

Test(row_file, what_is_written_is_read_in_pieces_of_any_size)
{
    struct buf file = { 0 };
    uint64_t hash = write_rows(&file, ROWS);
    const size_t pieces[] = { 1, 7, 4096, 65536, 10000000 };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        unsigned count;
        uint64_t read_hash = 0;
        cr_assert_eq(read_rows(&file, pieces[i], &count, &read_hash), ERR_NOT_FOUND);
        cr_assert_eq(count, ROWS);
        cr_assert_eq(read_hash, hash);
    }
    buf_deinit(&file);
}

Test(row_file, an_empty_one_is_whole)
{
    struct buf file = { 0 };
    unsigned count;
    uint64_t hash = write_rows(&file, 0), read_hash = 1;
    cr_assert_eq(read_rows(&file, 5, &count, &read_hash), ERR_NOT_FOUND);
    cr_assert_eq(count, 0);
    cr_assert_eq(read_hash, hash);
    buf_deinit(&file);
}

Test(row_file, each_flipped_bit_and_each_cut_is_noticed)
{
    struct buf file = { 0 };
    write_rows(&file, 40);
    unsigned count;
    uint64_t hash;
    for (size_t i = 0; i < file.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file.data[i] ^= (uint8_t)(1u << bit);
            cr_assert_neq(read_rows(&file, 100000, &count, &hash), ERR_NOT_FOUND, "byte %zu", i);
            file.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    struct buf cut = { .data = file.data };
    for (cut.len = 0; cut.len < file.len; cut.len++)
        cr_assert_eq(read_rows(&cut, 100000, &count, &hash), ERR_MORE);
    buf_append(&file, "x", 1);
    cr_assert_eq(read_rows(&file, 100000, &count, &hash), ERR_CORRUPT);
    buf_deinit(&file);
}

Test(row_file, a_block_left_out_breaks_the_chain)
{
    struct buf file = { 0 };
    write_rows(&file, ROWS);
    struct reader r = reader_of(file.data + 8, file.len - 8);
    uint32_t len = reader_u32(&r);
    cr_assert_gt(file.len, 8 + 12 + len + 20); /* more than one block */
    memmove(file.data + 8, file.data + 8 + 12 + len, file.len - 8 - 12 - len);
    file.len -= 12 + len;
    unsigned count;
    uint64_t hash;
    cr_assert_eq(read_rows(&file, 100000, &count, &hash), ERR_CORRUPT);
    buf_deinit(&file);
}

Test(row_file, unsorted_rows_and_newer_files_are_refused)
{
    struct buf file = { 0 };
    struct row_file_writer w;
    row_file_begin(&w, 3, &file);
    struct row_file_row row = { 1, { "b", 1 }, { "", 0 } };
    row_file_add(&w, &row);
    row_file_add(&w, &row);
    cr_assert_eq(row_file_end(&w, NULL), OK);
    struct row_file_reader r;
    row_file_reader_init(&r);
    row_file_push(&r, file.data, file.len);
    cr_assert_eq(row_file_next(&r, &row), OK);
    cr_assert_eq(row_file_next(&r, &row), ERR_CORRUPT);
    cr_assert_eq(row_file_next(&r, &row), ERR_CORRUPT);
    row_file_reader_deinit(&r);

    file.data[4] = ROW_FILE_VERSION + 1;
    row_file_reader_init(&r);
    row_file_push(&r, file.data, file.len);
    cr_assert_eq(row_file_next(&r, &row), ERR_VERSION);
    row_file_reader_deinit(&r);
    buf_deinit(&file);
}
