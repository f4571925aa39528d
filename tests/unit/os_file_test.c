#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/os_file.h"
#include "util/err.h"

TestSuite(os_file, .timeout = 60);

static char folder[] = "os_file_test_XXXXXX";
static char path[64];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static int read_back(size_t len, size_t limit)
{
    char *text = malloc(len + 1);
    struct buf out = { .limit = limit };
    struct buf why = { 0 };
    memset(text, 'x', len + 1);
    cr_assert_eq(os_file_replace(path, text, len, 0600, &why), OK, "%s", buf_text(&why));
    int err = os_file_read(path, &out, &why);
    cr_assert(err != OK || (out.len == len && memcmp(out.data, text, len) == 0));
    cr_assert_eq(err != OK, why.len > 0);
    buf_deinit(&out);
    buf_deinit(&why);
    free(text);
    return err;
}

/* The cluster id was "too big" for its limit of 1024 bytes, and so known to nobody. */
Test(os_file, a_file_is_as_long_as_it_is, .init = setup, .fini = teardown)
{
    static const size_t lens[] = { 0, 1, 33, 1023, 1024, 4095, 4096, 4097, 10000 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        cr_assert_eq(read_back(lens[i], 0), OK);
        cr_assert_eq(read_back(lens[i], 1024), lens[i] <= 1024 ? OK : ERR_TOO_BIG, "%zu", lens[i]);
        cr_assert_eq(read_back(lens[i], 8192), lens[i] <= 8192 ? OK : ERR_TOO_BIG, "%zu", lens[i]);
    }
}
