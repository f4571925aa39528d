/* What is put is what the file has, in order, whatever the pieces; a disk that refuses is told with its errno. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_writer.h"
#include "util/err.h"

static const size_t sizes[] = { 1, 7, 4096, 262144, 262143, 500000, 262145 };
enum { SIZES_COUNT = sizeof(sizes) / sizeof(sizes[0]), PIECE_MAX = 500000 };

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static size_t put_pieces(struct os_writer *w, size_t rounds)
{
    static uint8_t piece[PIECE_MAX];
    size_t sent = 0;
    for (size_t n = 0; n < rounds * SIZES_COUNT; n++) {
        size_t len = sizes[n % SIZES_COUNT];
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(sent + i);
        cr_assert_eq(os_writer_put(w, piece, len), OK);
        sent += len;
    }
    return sent;
}

Test(os_writer, the_file_has_all_that_was_put)
{
    FILE *file = tmpfile();
    struct os_writer *w;
    int number = -1;
    cr_assert_eq(os_writer_begin(&w, fileno(file)), OK);
    size_t sent = put_pieces(w, 5);
    cr_assert_eq(os_writer_end(w, &number), OK);
    cr_assert_eq(number, 0);
    rewind(file);
    for (size_t i = 0; i < sent; i++)
        cr_assert_eq(fgetc(file), byte_at(i), "byte %zu", i);
    cr_assert_eq(fgetc(file), EOF);
    fclose(file);
}

Test(os_writer, nothing_is_a_file_too)
{
    FILE *file = tmpfile();
    struct os_writer *w;
    struct stat st;
    int number = -1;
    cr_assert_eq(os_writer_begin(&w, fileno(file)), OK);
    cr_assert_eq(os_writer_end(w, &number), OK);
    cr_assert_eq(fstat(fileno(file), &st), 0);
    cr_assert_eq(st.st_size, 0);
    fclose(file);
}

Test(os_writer, a_full_disk_is_told)
{
    static const uint8_t piece[PIECE_MAX];
    struct os_writer *w;
    int fd = open("/dev/full", O_WRONLY), number = 0, err = OK;
    cr_assert(fd >= 0);
    cr_assert_eq(os_writer_begin(&w, fd), OK);
    for (int i = 0; err == OK && i < 10; i++)
        err = os_writer_put(w, piece, sizeof piece);
    cr_assert_eq(err, ERR_FULL, "whoever puts hears of it, too");
    cr_assert_eq(os_writer_end(w, &number), ERR_FULL);
    cr_assert_eq(number, ENOSPC);
    close(fd);
}

Test(os_writer, the_last_piece_may_be_the_one_that_fails)
{
    struct os_writer *w;
    int fd = open("/dev/full", O_WRONLY), number = 0;
    cr_assert_eq(os_writer_begin(&w, fd), OK);
    cr_assert_eq(os_writer_put(w, "x", 1), OK);
    cr_assert_eq(os_writer_end(w, &number), ERR_FULL);
    cr_assert_eq(number, ENOSPC);
    close(fd);
}
