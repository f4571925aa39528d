/* An LMDB environment whose file is cut short, overwritten, or unreadable for a while. Real files, real SIGBUS. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os_damage.h"
#include "os/os_lmdb.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(os_damage, .timeout = 60);

enum { ROWS_COUNT = 2000, PATH_SIZE = TEST_DIR_SIZE + 32, TABLE = 1 };

struct place {
    char dir[TEST_DIR_SIZE];
    char env[PATH_SIZE];
    char file[PATH_SIZE];
    char aside[PATH_SIZE];
};

static const struct os_env_options options = { .log = NULL };

static const struct place *place_make(void)
{
    static struct place p;
    test_dir_make(p.dir);
    snprintf(p.env, sizeof(p.env), "%s/state.1", p.dir);
    snprintf(p.file, sizeof(p.file), "%s/state.1/data.mdb", p.dir);
    snprintf(p.aside, sizeof(p.aside), "%s/state.1.damaged", p.dir);
    return &p;
}

static struct bytes row_key(int i, char out[16])
{
    return (struct bytes){ out, (size_t)snprintf(out, 16, "key %06d", i) };
}

static void fill(struct os_env *e)
{
    MDB_txn *txn;
    char key[16];
    cr_assert_eq(mdb_txn_begin(e->env, NULL, 0, &txn), MDB_SUCCESS);
    for (int i = 0; i < ROWS_COUNT; i++)
        cr_assert_eq(os_env_put(txn, e->dbi, e->room, TABLE, row_key(i, key),
                                (struct bytes){ "a value of some length", 22 }, 0),
                     MDB_SUCCESS);
    cr_assert_eq(mdb_txn_commit(txn), MDB_SUCCESS);
}

/* How many of the rows can be read. */
static int count(const struct os_env *e)
{
    MDB_txn *txn;
    MDB_val key, value;
    char text[16];
    uint8_t raw[OS_ENV_KEY_SIZE];
    int found = 0;
    cr_assert_eq(mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn), MDB_SUCCESS);
    for (int i = 0; i < ROWS_COUNT; i++) {
        key = os_env_key(TABLE, row_key(i, text), raw);
        found += mdb_get(txn, e->dbi, &key, &value) == MDB_SUCCESS;
    }
    mdb_txn_abort(txn);
    return found;
}

static void make_filled(const struct place *p)
{
    struct os_env e;
    cr_assert_eq(os_env_open(&e, p->env, ROOM_STATE, &options), OK);
    fill(&e);
    os_env_close(&e);
}

static int open_and_count(const struct place *p)
{
    struct os_env e;
    cr_assert_eq(os_env_open_or_replace(&e, p->env, ROOM_STATE, &options), OK);
    int found = count(&e);
    os_env_close(&e);
    return found;
}

static void overwrite(const char *path, long offset, const char *with, size_t len)
{
    int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, with, len, offset), (ssize_t)len);
    close(fd);
}

static off_t len_of(const char *path)
{
    struct stat stat_of;
    cr_assert_eq(stat(path, &stat_of), 0);
    return stat_of.st_size;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Another process reads everything while, or after, the file is cut to `len`; its exit code. */
static int read_in_a_child(const struct place *p, off_t len)
{
    pid_t child = fork();
    if (child == 0) {
        struct os_env e;
        os_damage_catch();
        if (os_env_open(&e, p->env, ROOM_STATE, &options) != OK)
            _exit(2);
        if (truncate(p->file, len) != 0)
            _exit(3);
        (void)count(&e);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

Test(os_damage, a_file_cut_short_ends_one_run_and_is_put_aside_by_the_second_next)
{
    const struct place *p = place_make();
    make_filled(p);
    off_t half = len_of(p->file) / 2;
    cr_assert_eq(read_in_a_child(p, half), 1);
    cr_assert_eq(os_damage_of(p->env), OS_DAMAGE_UNREADABLE);
    cr_assert_neq(read_in_a_child(p, half),
                  0); /* all of it is read; the page that was cut may just not fit */
    cr_assert_eq(os_damage_of(p->env), OS_DAMAGE_CORRUPT);
    cr_assert_eq(open_and_count(p), 0);
    cr_assert(is_there(p->aside));
    cr_assert_eq(os_damage_of(p->env), OS_DAMAGE_NONE);
    test_dir_remove(p->dir);
}

Test(os_damage, what_can_be_read_again_is_kept)
{
    const struct place *p = place_make();
    make_filled(p);
    os_damage_mark(p->env, OS_DAMAGE_UNREADABLE);
    cr_assert_eq(open_and_count(p), ROWS_COUNT);
    cr_assert_eq(os_damage_of(p->env), OS_DAMAGE_NONE);
    cr_assert_not(is_there(p->aside));
    test_dir_remove(p->dir);
}

Test(os_damage, what_is_read_again_has_to_fit_its_checksums)
{
    const struct place *p = place_make();
    make_filled(p);
    FILE *file = fopen(p->file, "rb");
    static char content[4 * 1024 * 1024];
    size_t len = fread(content, 1, sizeof(content), file);
    fclose(file);
    for (char *at = content; (at = memmem(at, (size_t)(content + len - at), "a value", 7)); at++)
        overwrite(p->file, at - content, "A", 1); /* LMDB leaves old copies in unused space */
    cr_assert_eq(open_and_count(p), ROWS_COUNT);  /* without a mark nobody looks */
    os_damage_mark(p->env, OS_DAMAGE_UNREADABLE);
    cr_assert_eq(open_and_count(p), 0);
    cr_assert(is_there(p->aside));
    test_dir_remove(p->dir);
}

Test(os_damage, what_is_no_environment_is_put_aside)
{
    static const char garbage[8192] = "this was never written by LMDB";
    const struct place *p = place_make();
    make_filled(p);
    overwrite(p->file, 0, garbage, sizeof(garbage));
    cr_assert_eq(open_and_count(p), 0);
    cr_assert(is_there(p->aside));
    make_filled(p);
    os_damage_mark(p->env, OS_DAMAGE_CORRUPT);
    cr_assert_eq(open_and_count(p), 0); /* in place of the older one */
    test_dir_remove(p->dir);
}

Test(os_damage, a_reader_beside_another_process_changes_nothing)
{
    struct os_env_options looking = { .is_read_only = true };
    struct os_env e;
    const struct place *p = place_make();
    make_filled(p);
    os_damage_mark(p->env, OS_DAMAGE_CORRUPT);
    cr_assert_eq(os_env_open_or_replace(&e, p->env, ROOM_STATE, &looking), OK);
    cr_assert_eq(count(&e), ROWS_COUNT);
    os_env_close(&e);
    cr_assert_eq(os_damage_of(p->env), OS_DAMAGE_CORRUPT);
    test_dir_remove(p->dir);
}

/* Reads a page of a file that lost it; the process that does ends. */
static void other_file_read(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    cr_assert_eq(ftruncate(fd, 4096), 0);
    volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    os_damage_catch();
    cr_assert_eq(ftruncate(fd, 0), 0);
    (void)map[0];
}

Test(os_damage, other_files_end_the_process_as_ever)
{
    const struct place *p = place_make();
    char path[PATH_SIZE];
    int status = 0;
    snprintf(path, sizeof(path), "%s/other", p->dir);
    pid_t reader = fork();
    if (reader == 0) {
        other_file_read(path);
        _exit(0);
    }
    cr_assert_eq(waitpid(reader, &status, 0), reader);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "it ended with %x", status);
    test_dir_remove(p->dir);
}
