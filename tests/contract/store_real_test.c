/* The real store beyond the port's contract: failing syncs, rotten files, growth under readers, the lock. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/os_lmdb.h"
#include "tests/contract/store_real.h"
#include "util/err.h"

TestSuite(os_store, .timeout = 60);

enum { NOT_DONE = 1 };

static int ignore_record(void *owner, const struct log_record *record)
{
    (void)owner;
    (void)record;
    return OK;
}

static int open_log(struct fixture *fx, struct log_extent *extent)
{
    struct buf meta = { 0 };
    int err = store_log_open(&fx->store, &meta, extent, ignore_record, NULL);
    buf_deinit(&meta);
    return err;
}

static void open_all(struct fixture *fx)
{
    struct log_extent extent;
    *fx = (struct fixture){ .ops = &fixture_real };
    real_create(fx);
    real_start(fx);
    cr_assert_eq(open_log(fx, &extent), OK);
    cr_assert_eq(store_map_open(&fx->store, 1), OK);
}

static void close_all(struct fixture *fx)
{
    real_stop(fx);
    real_destroy(fx);
}

static void unit_done(struct log_unit *unit, int err)
{
    *(int *)unit->owner = err;
}

static void batch_done(struct map_batch *batch, int err)
{
    *(int *)batch->owner = err;
}

static void job_done(struct map_job *job, int err)
{
    *(int *)job->owner = err;
}

static int wait_for(struct fixture *fx, const int *err)
{
    while (*err == NOT_DONE)
        real_turn(fx);
    return *err;
}

static int append(struct fixture *fx, uint64_t index)
{
    int err = NOT_DONE;
    struct log_record record = { index, { "record", 6 } };
    struct log_unit unit = {
        .records = &record, .records_count = 1, .done = unit_done, .owner = &err
    };
    cr_assert_eq(store_log_write(&fx->store, &unit), OK);
    return wait_for(fx, &err);
}

static void put_begin(struct fixture *fx, struct map_batch *batch, struct map_op *op, int *err)
{
    *err = NOT_DONE;
    *batch = (struct map_batch){ .ops = op, .ops_count = 1, .done = batch_done, .owner = err };
    cr_assert_eq(store_map_write(&fx->store, batch), OK);
}

static int put(struct fixture *fx, const char *key, const void *value, size_t len)
{
    int err;
    struct map_op op = { .key = { key, strlen(key) }, .value = { value, len } };
    struct map_batch batch;
    put_begin(fx, &batch, &op, &err);
    return wait_for(fx, &err);
}

Test(os_store, a_failed_sync_ends_the_writes_of_its_room)
{
    struct fixture fx;
    open_all(&fx);
    cr_assert_eq(append(&fx, 1), OK);
    atomic_store(&disk_sync_error, EIO);
    cr_assert_eq(append(&fx, 2), ERR_IO);
    atomic_store(&disk_sync_error, 0);
    cr_assert_eq(append(&fx, 2), ERR_IO);    /* never tried again */
    cr_assert_eq(put(&fx, "k", "v", 1), OK); /* another room */
    real_stop(&fx);

    struct log_extent extent;
    real_start(&fx);
    cr_assert_eq(open_log(&fx, &extent), OK);
    cr_assert(extent.last == 1 || extent.last == 2);
    cr_assert_eq(store_map_open(&fx.store, 1), OK);
    cr_assert_eq(append(&fx, extent.last + 1), OK);
    close_all(&fx);
}

Test(os_store, a_folder_is_opened_once)
{
    struct fixture fx;
    open_all(&fx);
    struct real *r = fx.impl;
    struct os_store *second;
    struct os_store_options options = { .dir = r->dir, .loop = &r->loop };
    cr_assert_eq(os_store_open(&second, &options), ERR_BUSY);
    cr_assert_eq(append(&fx, 1), OK); /* the first one does not mind */
    close_all(&fx);
}

/* Every byte `from` in the file becomes `to`. */
static void spoil(const struct real *r, const char *name, const char *from, char to)
{
    char path[TEST_DIR_SIZE + 32];
    static char content[4 * 1024 * 1024];
    snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    size_t len = fread(content, 1, sizeof(content), file);
    for (char *at = content; (at = memmem(at, (size_t)(content + len - at), from, strlen(from)));)
        *at = to;
    rewind(file);
    cr_assert_eq(fwrite(content, 1, len, file), len);
    fclose(file);
}

static void write_file(const struct real *r, const char *name, const char *text)
{
    char path[TEST_DIR_SIZE + 32];
    snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    for (int i = 0; i < 1000; i++)
        fputs(text, file);
    fclose(file);
}

static bool is_there(const struct real *r, const char *name)
{
    char path[TEST_DIR_SIZE + 32];
    snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    return access(path, F_OK) == 0;
}

/* The power went while an environment or the log's folder was being made. */
Test(os_store, a_half_made_folder_is_made_anew)
{
    struct fixture fx = { .ops = &fixture_real };
    struct log_extent extent;
    char folder[TEST_DIR_SIZE + 32];
    real_create(&fx);
    const struct real *r = fx.impl;
    for (int i = 0; i < 2; i++) {
        snprintf(folder, sizeof(folder), "%s/%s", r->dir, i == 0 ? "records.new" : "state.7.new");
        cr_assert_eq(mkdir(folder, 0700), 0);
    }
    write_file(r, "records.new/0000000000000001", "half of one");
    write_file(r, "state.7.new/data.mdb", "half of one");
    real_start(&fx);
    cr_assert_eq(open_log(&fx, &extent), OK);
    cr_assert_eq(store_map_open(&fx.store, 1), OK);
    cr_assert_eq(append(&fx, 1), OK);
    cr_assert(!is_there(r, "records.new") && !is_there(r, "state.7.new"));
    close_all(&fx);
}

Test(os_store, rot_is_found_in_the_log_and_in_rows)
{
    struct fixture fx;
    open_all(&fx);
    cr_assert_eq(append(&fx, 1), OK);
    cr_assert_eq(put(&fx, "key", "precious", 8), OK);
    real_stop(&fx);
    spoil(fx.impl, "records/0000000000000001", "record", 'R');
    spoil(fx.impl, "state.1/data.mdb", "precious", 'P');
    real_start(&fx);
    struct log_extent extent;
    cr_assert_eq(open_log(&fx, &extent), ERR_CORRUPT);
    cr_assert_eq(store_map_open(&fx.store, 1), OK);
    struct view v;
    struct bytes value;
    cr_assert_eq(store_view_open(&fx.store, MAP_STATE, &v), OK);
    cr_assert_eq(view_get(&v, 0, (struct bytes){ "key", 3 }, &value), ERR_CORRUPT);
    store_view_close(&fx.store, &v);

    int err = NOT_DONE; /* a stranger begins anew */
    struct log_unit cut = { .cut_from = 1, .done = unit_done, .owner = &err };
    cr_assert_eq(store_log_write(&fx.store, &cut), OK);
    cr_assert_eq(wait_for(&fx, &err), OK);
    cr_assert_eq(append(&fx, 7), OK);
    close_all(&fx);
}

/* The bytes are sound; they are not what was put there. */
Test(os_store, a_row_that_turns_up_under_another_key_is_damage)
{
    struct fixture fx;
    open_all(&fx);
    cr_assert_eq(put(&fx, "alpha-row", "value", 5), OK);
    real_stop(&fx);
    spoil(fx.impl, "state.1/data.mdb", "alpha-row", 'b');
    real_start(&fx);
    cr_assert_eq(store_map_open(&fx.store, 1), OK);
    struct view v;
    struct bytes value;
    cr_assert_eq(store_view_open(&fx.store, MAP_STATE, &v), OK);
    cr_assert_eq(view_get(&v, 0, (struct bytes){ "blpha-row", 9 }, &value), ERR_CORRUPT);
    store_view_close(&fx.store, &v);
    close_all(&fx);
}

Test(os_store, a_newer_format_and_a_foreign_folder_are_refused)
{
    struct fixture fx;
    open_all(&fx);
    real_stop(&fx);
    struct real *r = fx.impl;
    char local[TEST_DIR_SIZE + 32], state[TEST_DIR_SIZE + 32];
    snprintf(local, sizeof(local), "%s/local", r->dir);
    snprintf(state, sizeof(state), "%s/state.1", r->dir);

    struct os_env e;
    struct os_env_options options = { 0 };
    uint8_t newer[2] = { ROOM_LOCAL, OS_ENV_FORMAT_VERSION + 1 };
    MDB_txn *txn;
    cr_assert_eq(os_env_open(&e, local, ROOM_LOCAL, &options), OK);
    cr_assert_eq(mdb_txn_begin(e.env, NULL, 0, &txn), 0);
    cr_assert_eq(os_env_put(txn, e.dbi, ROOM_LOCAL, 0, (struct bytes){ "format", 6 },
                            (struct bytes){ newer, 2 }, 0),
                 0);
    cr_assert_eq(mdb_txn_commit(txn), 0);
    os_env_close(&e);
    cr_assert_eq(os_env_open(&e, local, ROOM_LOCAL, &options), ERR_VERSION);
    cr_assert_eq(os_env_open(&e, state, ROOM_LOCAL, &options), ERR_CORRUPT);
    real_destroy(&fx);
}

Test(os_store, the_map_grows_around_views_and_exports)
{
    enum { ROWS = 60, VALUE_LEN = 100 * 1024 };
    struct fixture fx;
    open_all(&fx);
    char *value = mem_zalloc(VALUE_LEN);
    int job_err = NOT_DONE, errs[ROWS];
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = 1,
                              .file_no = 1,
                              .tables_count = 1,
                              .done = job_done,
                              .owner = &job_err };
    struct map_batch batches[ROWS];
    struct map_op ops[ROWS];
    char keys[ROWS][16];
    cr_assert_eq(put(&fx, "first", "1", 1), OK);
    cr_assert_eq(store_map_job(&fx.store, &export), OK);
    for (int i = 0; i < ROWS; i++) {
        struct view outer, inner; /* the second must not wait for the first to end */
        struct bytes found;
        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        ops[i] =
            (struct map_op){ .key = { keys[i], strlen(keys[i]) }, .value = { value, VALUE_LEN } };
        put_begin(&fx, &batches[i], &ops[i], &errs[i]);
        cr_assert_eq(store_view_open(&fx.store, MAP_STATE, &outer), OK);
        cr_assert_eq(store_view_open(&fx.store, MAP_STATE, &inner), OK);
        cr_assert_eq(view_get(&inner, 0, (struct bytes){ "first", 5 }, &found), OK);
        cr_assert_eq(view_get(&outer, 0, (struct bytes){ "first", 5 }, &found), OK);
        cr_assert(bytes_equal(found, (struct bytes){ "1", 1 }));
        store_view_close(&fx.store, &inner);
        store_view_close(&fx.store, &outer);
        if (i % 8 == 7)
            cr_assert_eq(wait_for(&fx, &errs[i]), OK);
    }
    for (int i = 0; i < ROWS; i++)
        cr_assert_eq(wait_for(&fx, &errs[i]), OK);
    cr_assert_eq(wait_for(&fx, &job_err), OK);
    mem_free(value);
    close_all(&fx);
}

Test(os_store, a_bound_on_the_map_is_a_full_disk)
{
    struct fixture fx = { .ops = &fixture_real };
    real_create(&fx);
    struct real *r = fx.impl;
    struct os_store_options options = {
        .dir = r->dir, .loop = &r->loop, .map_bytes_first = 256 * 1024, .map_bytes_max = 512 * 1024
    };
    struct log_extent extent;
    cr_assert_eq(os_loop_init(&r->loop), OK);
    cr_assert_eq(os_store_open(&r->store, &options), OK);
    fx.store = os_store_port(r->store);
    cr_assert_eq(open_log(&fx, &extent), OK);
    cr_assert_eq(store_map_open(&fx.store, 1), OK);
    static char value[200 * 1024];
    cr_assert_eq(put(&fx, "a", value, sizeof(value)), OK);
    cr_assert_eq(put(&fx, "b", value, sizeof(value)), OK);
    cr_assert_eq(put(&fx, "c", value, sizeof(value)), ERR_FULL);
    cr_assert_eq(put(&fx, "d", value, 10), OK); /* a smaller one fits */
    close_all(&fx);
}

Test(os_store, an_export_outlives_the_switch_to_another_generation)
{
    struct fixture fx;
    open_all(&fx);
    int first = NOT_DONE, import_err = NOT_DONE, second = NOT_DONE;
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = 1,
                              .file_no = 1,
                              .tables_count = 1,
                              .done = job_done,
                              .owner = &first };
    struct map_job import = {
        .what = MAP_IMPORT, .generation = 2, .file_no = 1, .done = job_done, .owner = &import_err
    };
    cr_assert_eq(put(&fx, "k", "v", 1), OK);
    cr_assert_eq(store_map_job(&fx.store, &export), OK);
    cr_assert_eq(wait_for(&fx, &first), OK);
    cr_assert_eq(store_map_job(&fx.store, &import), OK);
    cr_assert_eq(wait_for(&fx, &import_err), OK);
    export.owner = &second;
    export.file_no = 2;
    cr_assert_eq(store_map_job(&fx.store, &export), OK);
    cr_assert_eq(store_map_open(&fx.store, 2), OK); /* in the same event */
    cr_assert_eq(wait_for(&fx, &second), OK);
    char path[TEST_DIR_SIZE + 32];
    snprintf(path, sizeof(path), "%s/state.1", ((struct real *)fx.impl)->dir);
    cr_assert_neq(access(path, F_OK), 0); /* gone with its last reader */
    close_all(&fx);
}
