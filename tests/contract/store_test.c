/* The contract of port/store.h, held to every implementation. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/store_real.h"
#include "tests/contract/store_talk.h"

TestSuite(store_simulated, .timeout = 60);
TestSuite(store_real, .timeout = 60);

/* Each test, on each of them. */
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
        cr_assert_eq(w[i].order, (uint64_t)i + 1);
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

Test(store_simulated, what_is_too_big_is_refused_at_once)
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
        cr_assert_eq(w[i].order, (uint64_t)i + 1);
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
