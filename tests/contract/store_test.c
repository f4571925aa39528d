/* The contract of port/store.h, held to every implementation. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/store_real.h"
#include "tests/lib/store_fixture.h"
#include "tests/lib/mini_world.h"
#include "util/row_file.h"

TestSuite(store_simulated, .timeout = 60);
TestSuite(store_real, .timeout = 60);
TestSuite(store_both, .timeout = 60);

enum { GENERATION = 1 };

/* ---- the fixtures, and each test on each of them ---- */

static int on_record(void *owner, const struct log_record *record)
{
    uint64_t *count = owner;
    cr_assert_gt(record->index, 0);
    *count += 1;
    return OK;
}

/* What a peer does at its start. */
static void open_all(struct fixture *fx, uint64_t generation, struct buf *meta,
                     struct log_extent *extent)
{
    uint64_t records = 0;
    fx->ops->start(fx);
    cr_assert_eq(store_log_open(&fx->store, meta, extent, on_record, &records), OK);
    cr_assert_eq(records, extent->last == 0 ? 0 : extent->last - extent->first + 1);
    cr_assert_eq(store_map_open(&fx->store, generation), OK);
}

static void on_fixture(const struct fixture_ops *ops, uint64_t seed, void (*test)(struct fixture *))
{
    struct fixture fx = { .ops = ops, .seed = seed };
    struct buf meta = { 0 };
    struct log_extent extent;
    ops->create(&fx);
    open_all(&fx, GENERATION, &meta, &extent);
    cr_assert_eq(meta.len, 0);
    cr_assert_eq(extent.last, 0);
    test(&fx);
    ops->stop(&fx);
    ops->destroy(&fx);
    buf_deinit(&meta);
}

#define CONTRACT(name)                                                                             \
    static void name(struct fixture *fx);                                                          \
    Test(store_simulated, name)                                                                    \
    {                                                                                              \
        for (uint64_t seed = 0; seed < 30; seed++)                                                 \
            on_fixture(&fixture_simulated, seed, name);                                            \
    }                                                                                              \
    Test(store_real, name)                                                                         \
    {                                                                                              \
        on_fixture(&fixture_real, 0, name);                                                        \
    }                                                                                              \
    static void name(struct fixture *fx)

/* ---- requests, and waiting for them ---- */

struct waiter {
    struct fixture *fx;
    int done_count;
    int err;
    uint64_t order; /* when, among all that share *clock */
    uint64_t *clock;
};

static bool is_submitting; /* inside a call of the port: no done() may run */

static void waiter_done(struct waiter *w, int err)
{
    cr_assert(!is_submitting, "done() ran from inside the call");
    w->done_count += 1;
    w->err = err;
    if (w->clock != NULL)
        w->order = ++*w->clock;
}

static void unit_done(struct log_unit *unit, int err)
{
    waiter_done(unit->owner, err);
}

static void fetch_done(struct log_fetch *fetch, int err)
{
    waiter_done(fetch->owner, err);
}

static void trim_done(struct log_trim *trim, int err)
{
    waiter_done(trim->owner, err);
}

static void batch_done(struct map_batch *batch, int err)
{
    waiter_done(batch->owner, err);
}

static void job_done(struct map_job *job, int err)
{
    waiter_done(job->owner, err);
}

static void file_done(struct file_job *job, int err)
{
    waiter_done(job->owner, err);
}

#define SUBMIT(call)                                                                               \
    do {                                                                                           \
        is_submitting = true;                                                                      \
        int submit_err = (call);                                                                   \
        is_submitting = false;                                                                     \
        cr_assert_eq(submit_err, OK, "%s", err_name(submit_err));                                  \
    } while (0)

static int wait_for(struct fixture *fx, struct waiter *w)
{
    while (w->done_count == 0)
        fx->ops->turn(fx);
    cr_assert_eq(w->done_count, 1);
    return w->err;
}

static int write_unit(struct fixture *fx, struct log_unit unit)
{
    struct waiter w = { .fx = fx };
    unit.done = unit_done;
    unit.owner = &w;
    SUBMIT(store_log_write(&fx->store, &unit));
    return wait_for(fx, &w);
}

static struct bytes text(const char *s)
{
    return (struct bytes){ s, strlen(s) };
}

/* Records first..last, whose text is `word` and the index. */
enum { RECORDS_MAX = 300, RECORD_SIZE = 32 };

struct records {
    struct log_record records[RECORDS_MAX];
    char texts[RECORDS_MAX][RECORD_SIZE];
};

static struct log_unit make_unit(struct records *r, uint64_t cut_from, uint64_t first,
                                 uint64_t last, const char *word)
{
    for (uint64_t i = first; i <= last; i++) {
        snprintf(r->texts[i - first], RECORD_SIZE, "%s %llu", word, (unsigned long long)i);
        r->records[i - first] = (struct log_record){ i, text(r->texts[i - first]) };
    }
    return (struct log_unit){ .cut_from = cut_from,
                              .records = r->records,
                              .records_count = (size_t)(last + 1 - first) };
}

static int append(struct fixture *fx, uint64_t cut_from, uint64_t first, uint64_t last,
                  const char *word)
{
    static struct records r;
    return write_unit(fx, make_unit(&r, cut_from, first, last, word));
}

static int fetch(struct fixture *fx, struct log_fetch *f, uint64_t first, size_t bytes_max)
{
    struct waiter w = { .fx = fx };
    *f = (struct log_fetch){
        .first = first, .bytes_max = bytes_max, .done = fetch_done, .owner = &w
    };
    SUBMIT(store_log_fetch(&fx->store, f));
    return wait_for(fx, &w);
}

static void assert_record(const struct log_record *record, uint64_t index, const char *word)
{
    char want[RECORD_SIZE];
    snprintf(want, sizeof(want), "%s %llu", word, (unsigned long long)index);
    cr_assert_eq(record->index, index);
    cr_assert(bytes_equal(record->bytes, text(want)), "index %llu", (unsigned long long)index);
}

static int trim(struct fixture *fx, uint64_t first_kept)
{
    struct waiter w = { .fx = fx };
    struct log_trim t = { .first_kept = first_kept, .done = trim_done, .owner = &w };
    SUBMIT(store_log_trim(&fx->store, &t));
    return wait_for(fx, &w);
}

static int write_batch(struct fixture *fx, enum map_area area, const struct map_op *ops,
                       size_t count)
{
    struct waiter w = { .fx = fx };
    struct map_batch batch = {
        .area = area, .ops = ops, .ops_count = count, .done = batch_done, .owner = &w
    };
    SUBMIT(store_map_write(&fx->store, &batch));
    return wait_for(fx, &w);
}

static struct map_op put(unsigned table, const char *key, const char *value)
{
    return (struct map_op){ .table = (uint8_t)table, .key = text(key), .value = text(value) };
}

static struct map_op delete (unsigned table, const char *key)
{
    return (struct map_op){ .table = (uint8_t)table, .is_delete = true, .key = text(key) };
}

static int run_job(struct fixture *fx, struct map_job *job)
{
    struct waiter w = { .fx = fx };
    job->done = job_done;
    job->owner = &w;
    SUBMIT(store_map_job(&fx->store, job));
    return wait_for(fx, &w);
}

static int run_file_job(struct fixture *fx, struct file_job *job)
{
    struct waiter w = { .fx = fx };
    job->done = file_done;
    job->owner = &w;
    SUBMIT(store_file_job(&fx->store, job));
    return wait_for(fx, &w);
}

static int file_write(struct fixture *fx, uint64_t no, uint64_t offset, const char *data)
{
    struct file_job job = {
        .what = FILE_WRITE, .file_no = no, .offset = offset, .data = data, .len = strlen(data)
    };
    int err = run_file_job(fx, &job);
    cr_assert(err != OK || job.len_done == job.len);
    return err;
}

static int file_read(struct fixture *fx, uint64_t no, uint64_t offset, void *into, size_t size,
                     size_t *len)
{
    struct file_job job = {
        .what = FILE_READ, .file_no = no, .offset = offset, .into = into, .len = size
    };
    int err = run_file_job(fx, &job);
    *len = job.len_done;
    return err;
}

static int file_sync(struct fixture *fx, uint64_t no)
{
    struct file_job job = { .what = FILE_SYNC, .file_no = no };
    return run_file_job(fx, &job);
}

static int file_drop(struct fixture *fx, uint64_t no)
{
    struct file_job job = { .what = FILE_DROP, .file_no = no };
    return run_file_job(fx, &job);
}

/* The value as text; "-" when there is no row. */
static const char *get(struct fixture *fx, enum map_area area, unsigned table, const char *key)
{
    static char out[64];
    struct view v;
    struct bytes value;
    cr_assert_eq(store_view_open(&fx->store, area, &v), OK);
    int err = view_get(&v, table, text(key), &value);
    cr_assert(err == OK || err == ERR_NOT_FOUND, "%s", err_name(err));
    snprintf(out, sizeof(out), "%.*s", err == OK ? (int)value.len : 1,
             err == OK ? (const char *)value.data : "-");
    store_view_close(&fx->store, &v);
    return out;
}

/* ---- log ---- */

CONTRACT(log_is_found_again_after_a_clean_stop)
{
    struct log_unit meta = { .meta = text("meta one") };
    cr_assert_eq(append(fx, 0, 1, 10, "a"), OK);
    cr_assert_eq(write_unit(fx, meta), OK);
    cr_assert_eq(append(fx, 8, 8, 9, "b"), OK);

    struct buf found = { 0 };
    struct log_extent extent;
    fx->ops->stop(fx);
    open_all(fx, GENERATION, &found, &extent);
    cr_assert_eq(extent.first, 1);
    cr_assert_eq(extent.last, 9);
    cr_assert(bytes_equal(buf_bytes(&found), text("meta one")));
    struct log_fetch f;
    cr_assert_eq(fetch(fx, &f, 6, 1000), OK);
    cr_assert_eq(f.records_count, 4);
    assert_record(&f.records[1], 7, "a");
    assert_record(&f.records[2], 8, "b");
    log_fetch_deinit(&f);
    buf_deinit(&found);
}

CONTRACT(fetch_keeps_to_its_bytes_but_gives_one)
{
    struct log_fetch f;
    cr_assert_eq(fetch(fx, &f, 1, 10), ERR_NOT_FOUND);
    cr_assert_eq(append(fx, 0, 5, 30, "xx"), OK); /* an empty log may begin anywhere */
    cr_assert_eq(fetch(fx, &f, 5, 1), OK);
    cr_assert_eq(f.records_count, 1);
    assert_record(&f.records[0], 5, "xx");
    log_fetch_deinit(&f);
    cr_assert_eq(fetch(fx, &f, 6, 12), OK); /* "xx 6" three times */
    cr_assert_eq(f.records_count, 3);
    log_fetch_deinit(&f);
    cr_assert_eq(fetch(fx, &f, 4, 10), ERR_NOT_FOUND);
    cr_assert_eq(fetch(fx, &f, 31, 10), ERR_NOT_FOUND);
    cr_assert_eq(f.records_count, 0);
}

CONTRACT(cut_everything_and_begin_elsewhere)
{
    cr_assert_eq(append(fx, 0, 1, 20, "a"), OK);
    struct log_unit cut = { .cut_from = 1, .meta = text("begins after 99") };
    cr_assert_eq(write_unit(fx, cut), OK);
    struct log_fetch f;
    cr_assert_eq(fetch(fx, &f, 1, 10), ERR_NOT_FOUND);
    cr_assert_eq(append(fx, 0, 100, 101, "b"), OK);
    cr_assert_eq(fetch(fx, &f, 100, 1000), OK);
    cr_assert_eq(f.records_count, 2);
    log_fetch_deinit(&f);
}

CONTRACT(trim_forgets_the_head)
{
    cr_assert_eq(append(fx, 0, 1, 300, "a"), OK);
    cr_assert_eq(trim(fx, 250), OK);
    struct log_fetch f;
    cr_assert_eq(fetch(fx, &f, 249, 10), ERR_NOT_FOUND);
    cr_assert_eq(fetch(fx, &f, 250, 1), OK);
    log_fetch_deinit(&f);
    cr_assert_eq(trim(fx, 250), OK); /* nothing to do */
    cr_assert_eq(trim(fx, 5000), OK);
    cr_assert_eq(fetch(fx, &f, 300, 10), ERR_NOT_FOUND);
    struct buf meta = { 0 };
    struct log_extent extent;
    fx->ops->stop(fx);
    open_all(fx, GENERATION, &meta, &extent);
    cr_assert_eq(extent.first, 0);
    cr_assert_eq(append(fx, 0, 301, 301, "a"), OK);
    buf_deinit(&meta);
}

CONTRACT(log_requests_are_done_once_and_in_order)
{
    enum { UNITS = 40 };
    static struct records r[UNITS];
    struct waiter w[2 * UNITS];
    struct log_unit units[UNITS];
    struct log_fetch fetches[UNITS];
    uint64_t clock = 0;
    for (int i = 0; i < UNITS; i++) {
        w[2 * i] = w[2 * i + 1] = (struct waiter){ .fx = fx, .clock = &clock };
        units[i] = make_unit(&r[i], 0, (uint64_t)i * 3 + 1, (uint64_t)i * 3 + 3, "a");
        units[i].done = unit_done;
        units[i].owner = &w[2 * i];
        fetches[i] = (struct log_fetch){
            .first = 1, .bytes_max = 1000000, .done = fetch_done, .owner = &w[2 * i + 1]
        };
        SUBMIT(store_log_write(&fx->store, &units[i]));
        SUBMIT(store_log_fetch(&fx->store, &fetches[i]));
        if (i % 7 == 0)
            fx->ops->turn(fx);
    }
    for (int i = 0; i < 2 * UNITS; i++) {
        cr_assert_eq(wait_for(fx, &w[i]), OK);
        cr_assert_eq(w[i].order, i + 1);
    }
    for (int i = 0; i < UNITS; i++) { /* exactly what was submitted before it */
        cr_assert_eq(fetches[i].records_count, (size_t)i * 3 + 3);
        log_fetch_deinit(&fetches[i]);
    }
}

CONTRACT(empty_and_big_records_are_kept)
{
    char *big = mem_alloc(LIMIT_ENTRY_BYTES);
    memset(big, 'x', LIMIT_ENTRY_BYTES);
    struct log_record records[] = { { 1, { NULL, 0 } },
                                    { 2, { big, LIMIT_ENTRY_BYTES } },
                                    { 3, { "y", 1 } } };
    struct log_unit unit = { .records = records, .records_count = 3 };
    cr_assert_eq(write_unit(fx, unit), OK);
    struct log_fetch f;
    cr_assert_eq(fetch(fx, &f, 1, 2 * LIMIT_ENTRY_BYTES), OK);
    cr_assert_eq(f.records_count, 3);
    for (int i = 0; i < 3; i++)
        cr_assert(bytes_equal(f.records[i].bytes, records[i].bytes));
    log_fetch_deinit(&f);
    mem_free(big);
}

Test(store_both, what_is_too_big_is_refused_at_once)
{
    struct store none = { 0 }; /* not asked */
    struct log_record record = { 1, { "", LIMIT_LOG_UNIT_BYTES + 1 } };
    struct log_unit unit = { .records = &record, .records_count = 1, .done = unit_done };
    cr_assert_eq(store_log_write(&none, &unit), ERR_TOO_BIG);
    struct map_op ops[] = { { .key = { "", LIMIT_MAP_KEY_BYTES + 1 } } };
    struct map_batch batch = { .ops = ops, .ops_count = 1, .done = batch_done };
    cr_assert_eq(store_map_write(&none, &batch), ERR_TOO_BIG);
    ops[0] = (struct map_op){ .key = { "", 1 }, .value = { "", LIMIT_MAP_VALUE_BYTES + 1 } };
    cr_assert_eq(store_map_write(&none, &batch), ERR_TOO_BIG);
}

/* ---- map ---- */

CONTRACT(batches_and_areas)
{
    struct map_op ops[] = { put(0, "b", "1"), put(1, "b", "2"), put(0, "a", "3"),
                            delete (0, "none"),
                            put(0, "b", "4") }; /* a later one on the same key wins */
    struct map_op local[] = { put(0, "b", "local") };
    cr_assert_eq(write_batch(fx, MAP_STATE, ops, 5), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "4");
    cr_assert_str_eq(get(fx, MAP_STATE, 1, "b"), "2");
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "none"), "-");
    cr_assert_str_eq(get(fx, MAP_LOCAL, 0, "b"), "-");
    cr_assert_eq(write_batch(fx, MAP_LOCAL, local, 1), OK);
    cr_assert_str_eq(get(fx, MAP_LOCAL, 0, "b"), "local");

    struct map_op again[] = { delete (0, "b"), put(2, "c", ""), delete (1, "b"), put(1, "b", "5") };
    cr_assert_eq(write_batch(fx, MAP_STATE, again, 4), OK);
    struct buf meta = { 0 };
    struct log_extent extent;
    fx->ops->stop(fx);
    open_all(fx, GENERATION, &meta, &extent);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "-");
    cr_assert_str_eq(get(fx, MAP_STATE, 1, "b"), "5");
    cr_assert_str_eq(get(fx, MAP_STATE, 2, "c"), "");
    cr_assert_str_eq(get(fx, MAP_LOCAL, 0, "b"), "local");
    buf_deinit(&meta);
}

CONTRACT(a_view_walks_both_ways_and_stays_in_its_table)
{
    struct map_op ops[] = { put(1, "b", "1"), put(1, "bb", "2"), put(1, "d", "3"),
                            put(0, "z", "0"), put(2, "a", "9"),  put(15, "x", "15") };
    cr_assert_eq(write_batch(fx, MAP_STATE, ops, 6), OK);
    struct view v;
    struct view_row row;
    cr_assert_eq(store_view_open(&fx->store, MAP_STATE, &v), OK);
    cr_assert_eq(view_seek(&v, 1, text(""), &row), OK);
    cr_assert(bytes_equal(row.key, text("b")));
    cr_assert_eq(view_next(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("bb")) && bytes_equal(row.value, text("2")));

    struct bytes value; /* neither a get nor another table's cursor moves this one */
    cr_assert_eq(view_get(&v, 1, text("b"), &value), OK);
    cr_assert_eq(view_seek(&v, 2, text(""), &row), OK);
    cr_assert_eq(view_seek(&v, 15, text("y"), &row), ERR_NOT_FOUND);
    cr_assert_eq(view_prev(&v, 15, &row), OK);
    cr_assert(bytes_equal(row.key, text("x")));
    cr_assert_eq(view_next(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("d")));

    cr_assert_eq(view_next(&v, 1, &row), ERR_NOT_FOUND); /* beyond the end, and back */
    cr_assert_eq(view_next(&v, 1, &row), ERR_NOT_FOUND);
    cr_assert_eq(view_prev(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("d")));
    cr_assert_eq(view_prev(&v, 1, &row), OK);
    cr_assert_eq(view_prev(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("b")));
    cr_assert_eq(view_prev(&v, 1, &row), ERR_NOT_FOUND); /* before the beginning, and back */
    cr_assert_eq(view_prev(&v, 1, &row), ERR_NOT_FOUND);
    cr_assert_eq(view_next(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("b")));

    cr_assert_eq(view_seek(&v, 1, text("c"), &row), OK);
    cr_assert(bytes_equal(row.key, text("d")));
    cr_assert_eq(view_prev(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("bb")));
    cr_assert_eq(view_seek(&v, 1, text("e"), &row), ERR_NOT_FOUND);
    cr_assert_eq(view_prev(&v, 1, &row), OK);
    cr_assert(bytes_equal(row.key, text("d")));
    cr_assert_eq(view_seek(&v, 7, text(""), &row), ERR_NOT_FOUND); /* an empty table */
    cr_assert_eq(view_prev(&v, 7, &row), ERR_NOT_FOUND);
    store_view_close(&fx->store, &v);
}

CONTRACT(a_view_does_not_move_and_several_may_be_open)
{
    struct map_op first[] = { put(0, "k", "old") }, second[] = { put(0, "k", "new") };
    cr_assert_eq(write_batch(fx, MAP_STATE, first, 1), OK);
    struct view views[LIMIT_VIEWS_COUNT], one_more;
    for (int i = 0; i < LIMIT_VIEWS_COUNT; i++)
        cr_assert_eq(store_view_open(&fx->store, i % 2 ? MAP_LOCAL : MAP_STATE, &views[i]), OK);
    cr_assert_eq(store_view_open(&fx->store, MAP_STATE, &one_more), ERR_BUSY);
    struct waiter w = { .fx = fx };
    struct map_batch batch = { .ops = second, .ops_count = 1, .done = batch_done, .owner = &w };
    SUBMIT(store_map_write(&fx->store, &batch));
    struct bytes value;
    cr_assert_eq(view_get(&views[0], 0, text("k"), &value), OK);
    cr_assert(bytes_equal(value, text("old")));
    for (int i = 0; i < LIMIT_VIEWS_COUNT; i++)
        store_view_close(&fx->store, &views[i]);
    cr_assert_eq(wait_for(fx, &w), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "k"), "new");
}

CONTRACT(batches_show_whole_and_in_order)
{
    enum { BATCHES = 60 };
    struct map_op ops[BATCHES][2];
    struct map_batch batches[BATCHES];
    struct waiter w[BATCHES];
    char texts[BATCHES][16];
    uint64_t clock = 0;
    for (int i = 0; i < BATCHES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", i);
        ops[i][0] = put(3, "left", texts[i]);
        ops[i][1] = put(4, "right", texts[i]);
        w[i] = (struct waiter){ .fx = fx, .clock = &clock };
        batches[i] = (struct map_batch){
            .area = MAP_LOCAL, .ops = ops[i], .ops_count = 2, .done = batch_done, .owner = &w[i]
        };
        SUBMIT(store_map_write(&fx->store, &batches[i]));
    }
    int shown = -1;
    while (w[BATCHES - 1].done_count == 0) {
        int acknowledged = (int)clock - 1;
        struct view v; /* one view: both rows from the same version */
        struct bytes a, b;
        cr_assert_eq(store_view_open(&fx->store, MAP_LOCAL, &v), OK);
        int err = view_get(&v, 3, text("left"), &a);
        cr_assert_eq(view_get(&v, 4, text("right"), &b), err);
        cr_assert(err == ERR_NOT_FOUND || bytes_equal(a, b));
        char digits[16] = "-1";
        if (err == OK)
            snprintf(digits, sizeof(digits), "%.*s", (int)a.len, (const char *)a.data);
        int now = (int)strtol(digits, NULL, 10);
        store_view_close(&fx->store, &v);
        cr_assert_geq(now, shown); /* never back */
        cr_assert_geq(now, acknowledged);
        shown = now;
        fx->ops->turn(fx);
    }
    for (int i = 0; i < BATCHES; i++) {
        cr_assert_eq(wait_for(fx, &w[i]), OK);
        cr_assert_eq(w[i].order, i + 1);
    }
}

CONTRACT(keys_and_values_of_any_size)
{
    const size_t key_lens[] = { 1, 2, 255, LIMIT_MAP_KEY_BYTES };
    const size_t value_lens[] = { 0, 1, 2000, 5000, LIMIT_MAP_VALUE_BYTES };
    char key[LIMIT_MAP_KEY_BYTES], *value = mem_alloc(LIMIT_MAP_VALUE_BYTES);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 5; j++) {
            memset(key, (int)(i * 50 + j), sizeof(key)); /* any byte, 0 among them */
            memset(value, (int)(i + j), LIMIT_MAP_VALUE_BYTES);
            struct map_op op = { .table = 5,
                                 .key = { key, key_lens[i] },
                                 .value = { value, value_lens[j] } };
            cr_assert_eq(write_batch(fx, MAP_STATE, &op, 1), OK);
            struct view v;
            struct bytes found;
            cr_assert_eq(store_view_open(&fx->store, MAP_STATE, &v), OK);
            cr_assert_eq(view_get(&v, 5, op.key, &found), OK);
            cr_assert(bytes_equal(found, op.value));
            store_view_close(&fx->store, &v);
        }
    }
    mem_free(value);
}

/* ---- generations ---- */

CONTRACT(export_import_and_switch)
{
    struct map_op ops[] = { put(0, "a", "1"), put(0, "b", "2"), put(1, "c", "3"),
                            put(2, "not exported", "4") };
    cr_assert_eq(write_batch(fx, MAP_STATE, ops, 4), OK);
    struct map_op local[] = { put(0, "mine", "5") };
    cr_assert_eq(write_batch(fx, MAP_LOCAL, local, 1), OK);

    /* The export shows what a view shows in the event in which it is submitted. */
    struct waiter w = { .fx = fx };
    struct map_job job = { .what = MAP_EXPORT,
                           .generation = GENERATION,
                           .file_no = 7,
                           .tables_count = 2,
                           .done = job_done,
                           .owner = &w };
    SUBMIT(store_map_job(&fx->store, &job));
    struct map_op later[] = { put(0, "a", "later") };
    cr_assert_eq(write_batch(fx, MAP_STATE, later, 1), OK);
    cr_assert_eq(wait_for(fx, &w), OK);

    uint8_t file[1000];
    size_t len;
    cr_assert_eq(file_read(fx, 7, 0, file, sizeof(file), &len), OK);
    cr_assert_eq(len, job.file_len);

    struct map_job import = { .what = MAP_IMPORT, .generation = GENERATION + 1, .file_no = 7 };
    cr_assert_eq(run_job(fx, &import), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "later"); /* g keeps serving */
    cr_assert_eq(store_map_open(&fx->store, GENERATION + 1), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "1");
    cr_assert_str_eq(get(fx, MAP_STATE, 1, "c"), "3");
    cr_assert_str_eq(get(fx, MAP_STATE, 2, "not exported"), "-");
    cr_assert_str_eq(get(fx, MAP_LOCAL, 0, "mine"), "5");
    cr_assert_eq(write_batch(fx, MAP_STATE, later, 1), OK);

    struct buf meta = { 0 };
    struct log_extent extent;
    fx->ops->stop(fx);
    open_all(fx, GENERATION + 1, &meta, &extent);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "later");
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "2");
    fx->ops->stop(fx);
    open_all(fx, GENERATION, &meta, &extent); /* was deleted by the switch */
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "-");
    buf_deinit(&meta);
}

CONTRACT(a_damaged_export_is_not_imported)
{
    struct map_op ops[] = { put(0, "a", "1") };
    cr_assert_eq(write_batch(fx, MAP_STATE, ops, 1), OK);
    struct map_job export = {
        .what = MAP_EXPORT, .generation = GENERATION, .file_no = 1, .tables_count = 1
    };
    cr_assert_eq(run_job(fx, &export), OK);
    cr_assert_eq(file_write(fx, 1, export.file_len - 1, "?"), OK);
    struct map_job import = { .what = MAP_IMPORT, .generation = 9, .file_no = 1 };
    cr_assert_eq(run_job(fx, &import), ERR_CORRUPT);
    import.file_no = 2;
    cr_assert_eq(run_job(fx, &import), ERR_NOT_FOUND);
    struct map_job drop = { .what = MAP_DROP, .generation = 9 };
    cr_assert_eq(run_job(fx, &drop), OK); /* harmless when there is none */
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "1");
}

CONTRACT(import_replaces_and_drop_removes)
{
    struct map_op one[] = { put(0, "a", "1") }, two[] = { delete (0, "a"), put(0, "b", "2") };
    struct map_job export = {
        .what = MAP_EXPORT, .generation = GENERATION, .file_no = 1, .tables_count = 1
    };
    struct map_job import = { .what = MAP_IMPORT, .generation = 2, .file_no = 1 };
    struct map_job drop = { .what = MAP_DROP, .generation = 3 };
    cr_assert_eq(write_batch(fx, MAP_STATE, one, 1), OK);
    cr_assert_eq(run_job(fx, &export), OK);
    cr_assert_eq(run_job(fx, &import), OK);
    cr_assert_eq(write_batch(fx, MAP_STATE, two, 2), OK);
    cr_assert_eq(run_job(fx, &export), OK);
    cr_assert_eq(run_job(fx, &import), OK);
    import.generation = 3;
    cr_assert_eq(run_job(fx, &import), OK);
    cr_assert_eq(run_job(fx, &drop), OK);
    cr_assert_eq(store_map_open(&fx->store, 2), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "-");
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "2");
    cr_assert_eq(store_map_open(&fx->store, 3), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "b"), "-");
}

/* ---- files ---- */

CONTRACT(files)
{
    char data[40];
    size_t len;
    cr_assert_eq(file_read(fx, 1, 0, data, 40, &len), ERR_NOT_FOUND);
    cr_assert_eq(file_sync(fx, 1), ERR_NOT_FOUND);
    cr_assert_eq(file_drop(fx, 1), OK);
    cr_assert_eq(file_write(fx, 1, 10, "hello"), OK);
    cr_assert_eq(file_write(fx, 2, 0, "other"), OK);
    cr_assert_eq(file_sync(fx, 1), OK);
    cr_assert_eq(file_drop(fx, 2), OK);
    struct buf meta = { 0 };
    struct log_extent extent;
    fx->ops->stop(fx);
    open_all(fx, GENERATION, &meta, &extent);
    cr_assert_eq(file_read(fx, 1, 8, data, 40, &len), OK);
    cr_assert_eq(len, 7);
    cr_assert_eq(memcmp(data, "\0\0hello", 7), 0);
    cr_assert_eq(file_read(fx, 1, 15, data, 40, &len), OK);
    cr_assert_eq(len, 0);
    cr_assert_eq(file_read(fx, 2, 0, data, 40, &len), ERR_NOT_FOUND);
    buf_deinit(&meta);
}

/* ---- trouble ---- */

CONTRACT(a_full_disk_refuses_all_that_was_accepted_and_recovers)
{
    enum { UNITS = 5 };
    static struct records r[UNITS];
    struct waiter w[UNITS] = { 0 };
    struct log_unit units[UNITS];
    struct map_op op[] = { put(0, "a", "1") };
    cr_assert_eq(append(fx, 0, 1, 3, "before"), OK);
    cr_assert_eq(write_batch(fx, MAP_STATE, op, 1), OK);
    fx->ops->set_full(fx, true);
    for (int i = 0; i < UNITS; i++) {
        uint64_t index = 4 + (uint64_t)i;
        units[i] = make_unit(&r[i], 0, index, index, "refused");
        units[i].done = unit_done;
        units[i].owner = &w[i];
        SUBMIT(store_log_write(&fx->store, &units[i]));
    }
    op[0] = put(0, "a", "refused");
    cr_assert_eq(write_batch(fx, MAP_STATE, op, 1), ERR_FULL);
    for (int i = 0; i < UNITS; i++)
        cr_assert_eq(wait_for(fx, &w[i]), ERR_FULL, "unit %d: %s", i, err_name(w[i].err));
    struct log_fetch f;
    int err = fetch(fx, &f, 1, 1000); /* reads go on */
    cr_assert_eq(err, OK, "%s", err_name(err));
    cr_assert_eq(f.records_count, 3);
    log_fetch_deinit(&f);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "1");

    fx->ops->set_full(fx, false);
    op[0] = put(0, "a", "2");
    cr_assert_eq(append(fx, 0, 4, 5, "after"), OK);
    cr_assert_eq(write_batch(fx, MAP_STATE, op, 1), OK);
    cr_assert_str_eq(get(fx, MAP_STATE, 0, "a"), "2");
    cr_assert_eq(fetch(fx, &f, 4, 1000), OK);
    assert_record(&f.records[0], 4, "after");
    log_fetch_deinit(&f);
}

CONTRACT(a_stop_completes_everything)
{
    enum { UNITS = 20 };
    static struct records r[UNITS];
    struct waiter w[UNITS * 3] = { 0 };
    struct log_unit units[UNITS];
    struct map_batch batches[UNITS];
    struct file_job files[UNITS];
    struct map_op op[] = { put(0, "a", "1") };
    uint64_t acknowledged = 0;
    for (int i = 0; i < UNITS; i++) {
        uint64_t index = 1 + (uint64_t)i;
        units[i] = make_unit(&r[i], 0, index, index, "a");
        units[i].done = unit_done;
        units[i].owner = &w[i * 3];
        batches[i] = (struct map_batch){
            .ops = op, .ops_count = 1, .done = batch_done, .owner = &w[i * 3 + 1]
        };
        files[i] = (struct file_job){ .what = FILE_WRITE,
                                      .file_no = 1,
                                      .data = "data",
                                      .len = 4,
                                      .done = file_done,
                                      .owner = &w[i * 3 + 2] };
        SUBMIT(store_log_write(&fx->store, &units[i]));
        SUBMIT(store_map_write(&fx->store, &batches[i]));
        SUBMIT(store_file_job(&fx->store, &files[i]));
    }
    fx->ops->stop(fx);
    for (int i = 0; i < UNITS * 3; i++) {
        cr_assert_eq(w[i].done_count, 1);
        cr_assert(w[i].err == OK || w[i].err == ERR_CANCELED);
        if (i % 3 == 0 && w[i].err == OK)
            acknowledged += 1;
    }
    struct buf meta = { 0 };
    struct log_extent extent;
    open_all(fx, GENERATION, &meta, &extent);
    cr_assert_geq(extent.last, acknowledged);
    buf_deinit(&meta);
}

/* ---- the same random requests, the same reads ---- */

struct walk {
    struct fixture *fx;
    uint64_t random;
    uint64_t transcript; /* a hash of all that was read */
    uint64_t generation;
    uint64_t last; /* of the log */
};

static uint64_t draw(struct walk *walk, uint64_t n)
{
    return mini_random(&walk->random) % n;
}

static void note(struct walk *walk, const void *data, size_t len)
{
    walk->transcript = hash64(walk->transcript, data, len);
}

static void note_row(struct walk *walk, int err, const struct view_row *row)
{
    note(walk, &err, sizeof(err));
    if (err == OK) {
        note(walk, row->key.data, row->key.len);
        note(walk, row->value.data, row->value.len);
    }
}

static struct bytes draw_key(struct walk *walk, char out[8])
{
    size_t len = 1 + draw(walk, 3);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + draw(walk, 3));
    return (struct bytes){ out, len };
}

static void walk_batch(struct walk *walk)
{
    struct map_op ops[8];
    char keys[8][8];
    static char values[8][5000];
    size_t count = 1 + draw(walk, 8);
    for (size_t i = 0; i < count; i++) {
        size_t len = draw(walk, 10) == 0 ? draw(walk, sizeof(values[i])) : draw(walk, 10);
        memset(values[i], (int)draw(walk, 256), len);
        ops[i] = (struct map_op){ .table = (uint8_t)draw(walk, 3),
                                  .is_delete = draw(walk, 3) == 0,
                                  .key = draw_key(walk, keys[i]),
                                  .value = { values[i], len } };
    }
    enum map_area area = draw(walk, 3) == 0 ? MAP_LOCAL : MAP_STATE;
    cr_assert_eq(write_batch(walk->fx, area, ops, count), OK);
}

static void walk_view(struct walk *walk)
{
    struct view v;
    char key[8];
    cr_assert_eq(store_view_open(&walk->fx->store, draw(walk, 3) == 0 ? MAP_LOCAL : MAP_STATE, &v),
                 OK);
    for (int i = 0; i < 40; i++) {
        struct view_row row = { { NULL, 0 }, { NULL, 0 } };
        unsigned table = (unsigned)draw(walk, 4);
        uint64_t what = draw(walk, 10);
        int err;
        if (what == 0)
            err = view_seek(&v, table, draw_key(walk, key), &row);
        else if (what == 1)
            err = view_get(&v, table, draw_key(walk, key), &row.value);
        else if (what < 6)
            err = view_next(&v, table, &row);
        else
            err = view_prev(&v, table, &row);
        note_row(walk, err, &row);
    }
    store_view_close(&walk->fx->store, &v);
}

static void walk_log(struct walk *walk)
{
    uint64_t first = walk->last + 1, cut_from = 0;
    if (draw(walk, 4) == 0 && walk->last > 0)
        first = cut_from = 1 + walk->last - draw(walk, walk->last < 10 ? walk->last : 10);
    walk->last = first + draw(walk, 20);
    cr_assert_eq(append(walk->fx, cut_from, first, walk->last, "random"), OK);
    if (draw(walk, 5) == 0 && walk->last > 40)
        cr_assert_eq(trim(walk->fx, walk->last - 20), OK);
}

static void walk_fetch(struct walk *walk)
{
    struct log_fetch f;
    int err = fetch(walk->fx, &f, 1 + draw(walk, walk->last + 2), 1 + draw(walk, 500));
    note(walk, &err, sizeof(err));
    for (size_t i = 0; err == OK && i < f.records_count; i++) {
        note(walk, &f.records[i].index, sizeof(f.records[i].index));
        note(walk, f.records[i].bytes.data, f.records[i].bytes.len);
    }
    log_fetch_deinit(&f);
}

static void walk_restart(struct walk *walk)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    walk->fx->ops->stop(walk->fx);
    open_all(walk->fx, walk->generation, &meta, &extent);
    note(walk, &extent.first, sizeof(extent.first));
    note(walk, &extent.last, sizeof(extent.last));
    buf_deinit(&meta);
}

static void walk_switch(struct walk *walk)
{
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = walk->generation,
                              .file_no = 3,
                              .tables_count = 1 + (unsigned)draw(walk, 3) };
    struct map_job import = { .what = MAP_IMPORT,
                              .generation = walk->generation + 1,
                              .file_no = 3 };
    cr_assert_eq(run_job(walk->fx, &export), OK);
    static char file[1000000];
    size_t len;
    cr_assert_eq(file_read(walk->fx, 3, 0, file, sizeof(file), &len), OK);
    cr_assert_eq(len, export.file_len);
    note(walk, file, len); /* equal rows, equal files */
    cr_assert_eq(run_job(walk->fx, &import), OK);
    walk->generation += 1;
    cr_assert_eq(store_map_open(&walk->fx->store, walk->generation), OK);
}

static void random_walk(struct walk *walk, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint64_t what = draw(walk, 100);
        if (what < 40)
            walk_batch(walk);
        else if (what < 65)
            walk_view(walk);
        else if (what < 80)
            walk_log(walk);
        else if (what < 95)
            walk_fetch(walk);
        else if (what < 98)
            walk_restart(walk);
        else
            walk_switch(walk);
    }
}

static uint64_t transcript_of(const struct fixture_ops *ops, uint64_t seed, int steps)
{
    struct fixture fx = { .ops = ops, .seed = seed };
    struct walk walk = { .fx = &fx, .random = seed, .generation = GENERATION };
    struct buf meta = { 0 };
    struct log_extent extent;
    ops->create(&fx);
    open_all(&fx, GENERATION, &meta, &extent);
    random_walk(&walk, steps);
    ops->stop(&fx);
    ops->destroy(&fx);
    buf_deinit(&meta);
    return walk.transcript;
}

Test(store_simulated, chance_below_the_port_does_not_show_above_it)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        cr_assert_eq(transcript_of(&fixture_simulated, seed, 400),
                     transcript_of(&fixture_simulated, seed, 400));
}

Test(store_both, the_same_requests_give_the_same_reads)
{
    for (uint64_t seed = 0; seed < 6; seed++)
        cr_assert_eq(transcript_of(&fixture_simulated, seed, 400),
                     transcript_of(&fixture_real, seed, 400));
}
