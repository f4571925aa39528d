#include "tests/lib/test_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void test_dir_give_up(const char *path)
{
    perror(path);
    abort();
}

void test_dir_make(char path[TEST_DIR_SIZE])
{
    const char *above = getenv("TMPDIR");
    snprintf(path, TEST_DIR_SIZE, "%s/holdfast-XXXXXX", above != NULL ? above : P_tmpdir);
    if (mkdtemp(path) == NULL)
        test_dir_give_up(path);
}

static int test_dir_remove_one(const char *path, const struct stat *stat, int type,
                               struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

void test_dir_remove(const char *path)
{
    if (nftw(path, test_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        test_dir_give_up(path);
}
