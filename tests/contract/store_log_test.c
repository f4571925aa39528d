/* The log room's files beyond the port's contract: many of them, the older format, damage, a process that dies. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "os/os_lmdb.h"
#include "tests/contract/store_real.h"
#include "tests/contract/store_talk.h"
#include "util/err.h"

TestSuite(store_log, .timeout = 120);

/* ---- dying at the n-th call that changes names or files ---- */

static int calls_left = -1; /* negative: for ever */

static void one_call_less(void)
{
    if (calls_left == 0)
        _exit(77);
    if (calls_left > 0)
        calls_left -= 1;
}

int rename(const char *from, const char *to)
{
    one_call_less();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    one_call_less();
    return (int)syscall(SYS_unlink, path);
}

int rmdir(const char *path)
{
    one_call_less();
    return (int)syscall(SYS_rmdir, path);
}

int mkdir(const char *path, mode_t mode)
{
    one_call_less();
    return (int)syscall(SYS_mkdir, path, mode);
}

static int folders_synced;

int fsync(int fd)
{
    struct stat st;
    one_call_less();
    folders_synced += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    return (int)syscall(SYS_fsync, fd);
}

/* ---- a store ---- */

static int begin_with(struct fixture *fx, struct buf *meta, struct log_extent *extent)
{
    uint64_t count = 0;
    buf_clear(meta);
    *extent = (struct log_extent){ 0, 0 };
    real_start(fx);
    return store_log_open(&fx->store, meta, extent, on_record, &count);
}

static void assert_records(struct fixture *fx, uint64_t first, uint64_t last, const char *word)
{
    struct log_fetch f;
    for (uint64_t i = first; i <= last; i += i + 7 > last && i < last ? last - i : 7) {
        cr_assert_eq(fetch(fx, &f, i, 100), OK, "index %llu", (unsigned long long)i);
        for (size_t k = 0; k < f.records_count && i + k <= last; k++)
            assert_record(&f.records[k], i + k, word);
        log_fetch_deinit(&f);
    }
}

/* These, and no others. */
static void assert_log(struct fixture *fx, uint64_t first, uint64_t last, const char *word)
{
    struct log_fetch f;
    assert_records(fx, first, last, word);
    cr_assert_eq(fetch(fx, &f, last + 1, 1), ERR_NOT_FOUND);
    if (first > 1)
        cr_assert_eq(fetch(fx, &f, first - 1, 1), ERR_NOT_FOUND);
}

static size_t files_count(const struct real *r)
{
    char path[TEST_DIR_SIZE + 32];
    snprintf(path, sizeof(path), "%s/records", r->dir);
    DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    size_t count = 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void path_in(const struct real *r, const char *name, char out[TEST_DIR_SIZE + 64])
{
    snprintf(out, TEST_DIR_SIZE + 64, "%s/%s", r->dir, name);
}

static bool is_there(const struct real *r, const char *name)
{
    char path[TEST_DIR_SIZE + 64];
    path_in(r, name, path);
    return access(path, F_OK) == 0;
}

/* ---- many files ---- */

Test(store_log, records_are_found_over_many_files_and_after_a_start)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    for (uint64_t i = 1; i <= 300; i++)
        cr_assert_eq(append(&fx, 0, i, i, "one"), OK);
    cr_assert_gt(files_count(fx.impl), 5);
    assert_log(&fx, 1, 300, "one");
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(extent.last, 300);
    assert_log(&fx, 1, 300, "one");
    /* A cut far behind the newest file, and another log from there. */
    for (uint64_t i = 100; i <= 400; i += 3)
        cr_assert_eq(append(&fx, i == 100 ? 100 : 0, i, i + 2, "two"), OK);
    assert_records(&fx, 1, 99, "one");
    assert_records(&fx, 100, 402, "two");
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(extent.last, 402);
    assert_records(&fx, 1, 99, "one");
    assert_records(&fx, 100, 402, "two");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

Test(store_log, a_trim_removes_files_and_a_start_does_not_miss_them)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    uint64_t last = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++, last++)
            cr_assert_eq(append(&fx, 0, last + 1, last + 1, "word"), OK);
        cr_assert_eq(trim(&fx, last - 20), OK);
        cr_assert_leq(files_count(fx.impl), 4);
        if (round % 3 == 0) {
            real_stop(&fx);
            cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
            cr_assert_eq(extent.first, last - 20);
            cr_assert_eq(extent.last, last);
        }
        assert_log(&fx, last - 20, last, "word");
    }
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* Files go when it is durable that they may. */
Test(store_log, a_trim_that_fails_removes_nothing)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    for (uint64_t i = 1; i <= 100; i++)
        cr_assert_eq(append(&fx, 0, i, i, "one"), OK);
    atomic_store(&disk_write_error, ENOSPC);
    cr_assert_eq(trim(&fx, 90), ERR_BUSY);
    real_stop(&fx);
    atomic_store(&disk_write_error, 0);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    assert_log(&fx, 1, 100, "one");
    cr_assert_eq(trim(&fx, 90), OK);
    assert_log(&fx, 90, 100, "one");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

Test(store_log, the_newest_meta_record_outlives_the_file_it_was_in)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(write_unit(&fx, (struct log_unit){ .meta = text("who I am") }), OK);
    for (uint64_t i = 1; i <= 200; i++)
        cr_assert_eq(append(&fx, 0, i, i, "one"), OK);
    cr_assert_eq(trim(&fx, 190), OK);
    cr_assert(!is_there(fx.impl, "records/0000000000000001"));
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_str_eq(buf_text(&meta), "who I am");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* ---- errors ---- */

/* What a full disk took of a group is gone when the next one is written, and so it is after a start. */
Test(store_log, a_refused_group_leaves_nothing_behind)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(append(&fx, 0, 1, 3, "kept"), OK);
    atomic_store(&disk_write_error, ENOSPC);
    cr_assert_eq(append(&fx, 0, 4, 9, "refused"), ERR_FULL);
    atomic_store(&disk_write_error, 0);
    cr_assert_eq(append(&fx, 0, 4, 4, "kept"), OK);
    assert_log(&fx, 1, 4, "kept");
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    assert_log(&fx, 1, 4, "kept");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* A sync that says "no space" says nothing about what is on the disk. */
Test(store_log, a_failed_sync_is_never_a_full_disk)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    atomic_store(&disk_sync_error, ENOSPC);
    cr_assert_eq(append(&fx, 0, 1, 3, "lost"), ERR_IO);
    atomic_store(&disk_sync_error, 0);
    cr_assert_eq(append(&fx, 0, 1, 3, "late"), ERR_IO);
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* A killed process leaves what it wrote in the kernel's cache. Before anybody builds on it, it has to be on the disk. */
Test(store_log, what_a_start_found_is_made_durable_first)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    atomic_store(&disk_loses_seals, true);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(append(&fx, 0, 1, 3, "one"), OK);
    real_stop(&fx);
    atomic_store(&disk_sync_error, EIO);
    cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_IO);
    real_stop(&fx);
    atomic_store(&disk_sync_error, 0);
    folders_synced = 0;
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_geq(folders_synced, 2); /* the segments' names, and their folder's */
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* ---- damage ---- */

static void poke(const struct real *r, const char *name, long offset, int byte)
{
    char path[TEST_DIR_SIZE + 64];
    path_in(r, name, path);
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, offset, SEEK_SET), 0);
    cr_assert_eq(fputc(byte, file), byte);
    fclose(file);
}

/* A damaged log stays damaged until somebody has cut all of it. */
Test(store_log, damage_is_remembered_until_everything_is_cut)
{
    static const char *const ways[] = { "byte", "newest gone", "oldest gone", "all gone" };
    for (size_t way = 0; way < 4; way++) {
        struct fixture fx = { .ops = &fixture_real };
        struct buf meta = { 0 };
        struct log_extent extent;
        real_create(&fx);
        cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
        for (uint64_t i = 1; i <= 100; i++)
            cr_assert_eq(append(&fx, 0, i, i, "one"), OK);
        size_t files = files_count(fx.impl);
        real_stop(&fx);
        char path[TEST_DIR_SIZE + 64], name[64];
        for (size_t i = 1; i <= files; i++) {
            snprintf(name, sizeof(name), "records/%016zx", i);
            path_in(fx.impl, name, path);
            if (way == 0 && i == files)
                poke(fx.impl, name, 512 + 40, 'X'); /* its first group */
            else if (way == 3 || (way == 1 && i == files) || (way == 2 && i == 1))
                cr_assert_eq(unlink(path), 0);
        }
        for (int start = 0; start < 3; start++) {
            cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_CORRUPT, "%s", ways[way]);
            if (start > 0) /* nothing may be put behind damage, nor in its place */
                cr_assert_eq(append(&fx, 0, 101, 101, "one"), ERR_IO);
            real_stop(&fx);
        }
        cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_CORRUPT);
        struct log_fetch f;
        cr_assert_eq(fetch(&fx, &f, 1, 10), ERR_CORRUPT);
        cr_assert_eq(write_unit(&fx, (struct log_unit){ .cut_from = 1, .meta = text("new") }), OK);
        cr_assert_eq(append(&fx, 0, 7, 9, "two"), OK);
        assert_log(&fx, 7, 9, "two");
        cr_assert_eq(files_count(fx.impl), 1);
        real_stop(&fx);
        cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
        cr_assert_str_eq(buf_text(&meta), "new");
        assert_log(&fx, 7, 9, "two");
        real_stop(&fx);
        real_destroy(&fx);
        buf_deinit(&meta);
    }
}

/* The very last group: a clean stop, or any pause, has sealed it. */
Test(store_log, rot_in_the_last_group_is_no_torn_end)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(append(&fx, 0, 1, 1, "one"), OK);
    real_stop(&fx);
    poke(fx.impl, "records/0000000000000001", 512 + 40, 'X');
    cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_CORRUPT);
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* What a torn group left must not be taken for damage behind the next one, nor that one for torn. */
Test(store_log, what_a_torn_group_left_is_gone_before_the_next)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(append(&fx, 0, 1, 1, "one"), OK);
    real_stop(&fx);
    for (long at = 1024; at < 3 * 1024; at++) /* of the seal's sector nothing is left */
        poke(fx.impl, "records/0000000000000001", at, at < 1024 + 512 ? 0 : 'X');
    atomic_store(&disk_loses_seals, true);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(extent.last, 1);
    cr_assert_eq(append(&fx, 0, 2, 2, "one"), OK);
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    assert_log(&fx, 1, 2, "one");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

Test(store_log, rot_is_found_by_a_fetch)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    struct log_fetch f;
    real_create(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    cr_assert_eq(append(&fx, 0, 1, 1, "one"), OK);
    cr_assert_eq(append(&fx, 0, 2, 2, "one"), OK);
    poke(fx.impl, "records/0000000000000001", 1024 + 55, 'X');
    cr_assert_eq(fetch(&fx, &f, 2, 1), ERR_CORRUPT);
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* ---- the older format ---- */

static void old_put(MDB_txn *txn, const struct os_env *e, unsigned table, uint64_t index,
                    const char *value)
{
    uint8_t key[8];
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(index >> (56 - 8 * i));
    cr_assert_eq(os_env_put(txn, e->dbi, ROOM_LOG, table,
                            (struct bytes){ key, index > 0 ? sizeof(key) : 0 }, text(value), 0),
                 0);
}

/* A log of records first..last as version 1 kept it: an environment in log/. */
static void old_make(const struct real *r, uint64_t first, uint64_t last)
{
    char path[TEST_DIR_SIZE + 64], value[RECORD_SIZE];
    struct os_env e;
    struct os_env_options options = { 0 };
    MDB_txn *txn;
    path_in(r, "log", path);
    cr_assert_eq(os_env_open(&e, path, ROOM_LOG, &options), OK);
    cr_assert_eq(mdb_txn_begin(e.env, NULL, 0, &txn), 0);
    for (uint64_t i = first; i <= last; i++) {
        snprintf(value, sizeof(value), "old %llu", (unsigned long long)i);
        old_put(txn, &e, 2, i, value);
    }
    old_put(txn, &e, 1, 0, "old meta");
    cr_assert_eq(mdb_txn_commit(txn), 0);
    os_env_close(&e);
}

static void assert_moved(struct fixture *fx, uint64_t first, uint64_t last)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    cr_assert_eq(begin_with(fx, &meta, &extent), OK);
    cr_assert_eq(extent.first, first);
    cr_assert_eq(extent.last, last);
    cr_assert_str_eq(buf_text(&meta), "old meta");
    assert_log(fx, first, last, "old");
    real_stop(fx);
    cr_assert(!is_there(fx->impl, "log/data.mdb") && !is_there(fx->impl, "records.new"));
    buf_deinit(&meta);
}

Test(store_log, an_older_log_is_moved)
{
    struct fixture fx = { .ops = &fixture_real };
    real_create(&fx);
    old_make(fx.impl, 100, 5000);
    assert_moved(&fx, 100, 5000);
    assert_moved(&fx, 100, 5000);

    /* A version that knows only that format refuses, and does not begin an empty log. */
    char path[TEST_DIR_SIZE + 64];
    struct os_env e;
    struct os_env_options options = { 0 };
    path_in(fx.impl, "log", path);
    int err = os_env_open(&e, path, ROOM_LOG, &options);
    cr_assert(err != OK && err != ERR_CORRUPT, "%s", err_name(err));
    real_destroy(&fx);
}

/* Whenever the process dies while it moves the log: the next one has all of it. */
Test(store_log, a_move_that_dies_is_begun_again_or_finished)
{
    int code = 77, deaths = 0;
    for (int calls = 0; code == 77; calls++) {
        struct fixture fx = { .ops = &fixture_real };
        real_create(&fx);
        old_make(fx.impl, 5, 60);
        pid_t child = fork();
        if (child == 0) {
            struct buf meta = { 0 };
            struct log_extent extent;
            calls_left = calls;
            _exit(begin_with(&fx, &meta, &extent) == OK ? 0 : 1);
        }
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status));
        code = WEXITSTATUS(status);
        cr_assert(code == 77 || code == 0, "%d", code);
        deaths += code == 77;
        assert_moved(&fx, 5, 60);
        real_destroy(&fx);
    }
    cr_assert_gt(deaths, 8);
}

Test(store_log, an_older_log_that_is_damaged_is_a_damaged_log)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    real_create(&fx);
    old_make(fx.impl, 1, 50);
    for (long at = 0; at < 2 * 4096; at += 16)
        poke(fx.impl, "log/data.mdb", at, 'X');
    for (int start = 0; start < 2; start++) {
        cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_CORRUPT);
        real_stop(&fx);
    }
    cr_assert(is_there(fx.impl, "log.damaged/data.mdb"));
    cr_assert_eq(begin_with(&fx, &meta, &extent), ERR_CORRUPT);
    cr_assert_eq(append(&fx, 1, 1, 2, "two"), OK);
    real_stop(&fx);
    cr_assert_eq(begin_with(&fx, &meta, &extent), OK);
    assert_log(&fx, 1, 2, "two");
    real_stop(&fx);
    real_destroy(&fx);
    buf_deinit(&meta);
}

/* Who only looks sees the older format, too, and changes nothing. */
Test(store_log, an_older_log_can_be_looked_at)
{
    struct fixture fx = { .ops = &fixture_real };
    struct buf meta = { 0 };
    struct log_extent extent;
    uint64_t count = 0;
    real_create(&fx);
    old_make(fx.impl, 7, 50);
    struct real *r = fx.impl;
    struct os_store_options options = { .dir = r->dir, .loop = &r->loop, .is_read_only = true };
    for (int round = 0; round < 2; round++) { /* the older, then the newer one */
        cr_assert_eq(os_loop_init(&r->loop), OK);
        cr_assert_eq(os_store_open(&r->store, &options), OK);
        fx.store = os_store_port(r->store);
        buf_clear(&meta);
        cr_assert_eq(store_log_open(&fx.store, &meta, &extent, on_record, &count), OK);
        cr_assert_eq(extent.first, 7);
        cr_assert_eq(extent.last, 50);
        cr_assert_str_eq(buf_text(&meta), "old meta");
        cr_assert_eq(os_store_close(r->store), OK);
        os_loop_deinit(&r->loop);
        cr_assert_eq(is_there(r, "log/data.mdb"), round == 0);
        if (round == 0)
            assert_moved(&fx, 7, 50);
    }
    real_destroy(&fx);
    buf_deinit(&meta);
}
