/* The overlay against a plain model, on the simulated disk: what a view shows at any moment, what a crash
 * leaves, a disk that fills up. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "sim/world/disk.h"
#include "sim/world/rows.h"
#include "store/overlay.h"
#include "tests/lib/mini_world.h"
#include "util/err.h"

TestSuite(overlay, .timeout = 60);

enum { TABLES = 3, TAGS_MAX = 2000, BYTES_MAX = 6000 };

struct bench {
    struct mini_world world;
    struct disk *disk;
    struct store store;
    struct overlay *overlay;
    struct rows model;          /* all that was put */
    struct rows tags[TAGS_MAX]; /* the model when the tag was submitted; [0]: empty */
    uint64_t tag_last;
    uint64_t tag_durable;
    int failed_count;
    int failed_err;
    uint64_t random;
};

static void on_durable(void *owner, uint64_t tag)
{
    struct bench *b = owner;
    cr_assert_gt(tag, b->tag_durable);
    cr_assert_leq(tag, b->tag_last);
    b->tag_durable = tag;
}

static void on_failed(void *owner, int err)
{
    struct bench *b = owner;
    b->failed_count += 1;
    b->failed_err = err;
}

static int ignore_record(void *owner, const struct log_record *record)
{
    (void)owner;
    (void)record;
    return OK;
}

static void bench_open(struct bench *b)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    struct overlay_hooks hooks = { on_durable, on_failed, b };
    cr_assert_eq(store_log_open(&b->store, &meta, &extent, ignore_record, NULL), OK);
    cr_assert_eq(store_map_open(&b->store, 1), OK);
    cr_assert_eq(overlay_create(&b->overlay, &b->store, MAP_STATE, BYTES_MAX, &hooks), OK);
}

static struct bench *bench_create(uint64_t seed)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    struct disk_options options;
    disk_options_default(&options);
    mini_world_init(&b->world, seed);
    b->random = seed;
    b->disk = disk_create(&options, &b->world.hooks);
    b->store = disk_store(b->disk);
    bench_open(b);
    return b;
}

static void bench_destroy(struct bench *b)
{
    overlay_destroy(b->overlay);
    disk_destroy(b->disk);
    rows_deinit(&b->model);
    for (uint64_t tag = 0; tag < TAGS_MAX; tag++)
        rows_deinit(&b->tags[tag]);
    mem_free(b);
}

static uint64_t draw(struct bench *b, uint64_t n)
{
    return mini_random(&b->random) % n;
}

/* A key of the model: the table, then a short key. */
struct model_key {
    uint8_t raw[4];
    size_t len;
};

static struct model_key draw_key(struct bench *b, unsigned table)
{
    struct model_key k = { { (uint8_t)table }, 2 + draw(b, 3) };
    for (size_t i = 1; i < k.len; i++)
        k.raw[i] = (uint8_t)('a' + draw(b, 3));
    return k;
}

static struct bytes inner(struct bytes key)
{
    return (struct bytes){ (const uint8_t *)key.data + 1, key.len - 1 };
}

static struct bytes model_bytes(const struct model_key *k)
{
    return (struct bytes){ k->raw, k->len };
}

static void change(struct bench *b)
{
    struct model_key k = draw_key(b, (unsigned)draw(b, TABLES));
    unsigned table = k.raw[0];
    if (draw(b, 3) == 0) {
        cr_assert_eq(overlay_delete(b->overlay, table, inner(model_bytes(&k))), OK);
        rows_delete(&b->model, model_bytes(&k));
    } else {
        char value[16];
        int len = snprintf(value, sizeof(value), "%llu", (unsigned long long)draw(b, 1000000));
        struct bytes bytes = { value, (size_t)len };
        cr_assert_eq(overlay_put(b->overlay, table, inner(model_bytes(&k)), bytes), OK);
        rows_put(&b->model, model_bytes(&k), bytes);
    }
}

static void submit(struct bench *b)
{
    if (!overlay_has_open(b->overlay) || b->tag_last + 1 == TAGS_MAX)
        return;
    b->tag_last += 1;
    rows_assign(&b->tags[b->tag_last], &b->model);
    cr_assert_eq(overlay_submit(b->overlay, b->tag_last), OK);
}

/* ---- a view beside the model ---- */

struct model_cursor {
    enum { BEFORE, ON, AFTER } at;
    struct model_key key;
};

static int model_land(struct model_cursor *c, unsigned table, bool found, struct view_row *row,
                      int beyond)
{
    if (!found || *(const uint8_t *)row->key.data != table) {
        c->at = beyond;
        return ERR_NOT_FOUND;
    }
    c->at = ON;
    c->key.len = row->key.len;
    memcpy(c->key.raw, row->key.data, row->key.len);
    return OK;
}

static int model_seek(struct bench *b, struct model_cursor *c, const struct model_key *k,
                      struct view_row *row)
{
    bool found = rows_at_or_after(&b->model, model_bytes(k), row);
    return model_land(c, k->raw[0], found, row, AFTER);
}

static int model_next(struct bench *b, struct model_cursor *c, unsigned table, struct view_row *row)
{
    struct model_key start = { { (uint8_t)table }, 1 };
    if (c->at == AFTER)
        return ERR_NOT_FOUND;
    if (c->at == BEFORE)
        return model_seek(b, c, &start, row);
    return model_land(c, table, rows_after(&b->model, model_bytes(&c->key), row), row, AFTER);
}

static int model_prev(struct bench *b, struct model_cursor *c, unsigned table, struct view_row *row)
{
    struct model_key end = { { (uint8_t)(table + 1) }, 1 };
    if (c->at == BEFORE)
        return ERR_NOT_FOUND;
    const struct model_key *from = c->at == ON ? &c->key : &end;
    return model_land(c, table, rows_before(&b->model, model_bytes(from), row), row, BEFORE);
}

static void compare_row(int err, const struct view_row *row, int want_err,
                        const struct view_row *want)
{
    cr_assert_eq(err, want_err, "%s, not %s", err_name(err), err_name(want_err));
    if (err == OK) {
        cr_assert(bytes_equal(row->key, inner(want->key)));
        cr_assert(bytes_equal(row->value, want->value));
    }
}

static void look(struct bench *b)
{
    struct view v;
    struct model_cursor cursors[TABLES] = { 0 };
    cr_assert_eq(overlay_view_open(b->overlay, &v), OK);
    for (int i = 0; i < 40; i++) {
        unsigned table = (unsigned)draw(b, TABLES);
        struct model_key k = draw_key(b, table);
        struct view_row row, want;
        uint64_t what = draw(b, 12);
        if (what == 0) {
            int err = view_seek(&v, table, inner(model_bytes(&k)), &row);
            compare_row(err, &row, model_seek(b, &cursors[table], &k, &want), &want);
        } else if (what == 1) {
            struct bytes value, want_value;
            int err = view_get(&v, table, inner(model_bytes(&k)), &value);
            bool found = rows_get(&b->model, model_bytes(&k), &want_value);
            cr_assert_eq(err, found ? OK : ERR_NOT_FOUND);
            cr_assert(!found || bytes_equal(value, want_value));
        } else if (what < 6) {
            int err = view_next(&v, table, &row);
            compare_row(err, &row, model_next(b, &cursors[table], table, &want), &want);
        } else if (what < 10) {
            int err = view_prev(&v, table, &row);
            compare_row(err, &row, model_prev(b, &cursors[table], table, &want), &want);
        } else {
            change(b); /* shows at once, under the open view */
        }
    }
    overlay_view_close(b->overlay, &v);
}

static void random_step(struct bench *b)
{
    uint64_t what = draw(b, 100);
    if (what < 40) {
        if (!overlay_is_full(b->overlay))
            change(b);
    } else if (what < 53) {
        submit(b);
    } else if (what < 57) {
        overlay_flush(b->overlay);
        cr_assert_not(overlay_is_gathering(b->overlay));
    } else if (what < 85) {
        mini_world_step(&b->world);
    } else {
        look(b);
    }
}

Test(overlay, a_view_shows_all_that_was_put)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct bench *b = bench_create(seed);
        for (int i = 0; i < 1000; i++)
            random_step(b);
        submit(b);
        overlay_flush(b->overlay);
        mini_world_run(&b->world);
        cr_assert_eq(b->tag_durable, b->tag_last);
        cr_assert_eq(overlay_batches_count(b->overlay), 0);
        cr_assert_not(overlay_is_full(b->overlay));
        look(b);
        bench_destroy(b);
    }
}

static void overlay_forget(struct bench *b)
{
    overlay_destroy(b->overlay);
    b->overlay = NULL;
    mini_world_run(&b->world);
}

/* Which tag's model the disk shows; it must be one of tag_durable..tag_last. */
static void assert_disk_shows_a_tag(struct bench *b)
{
    struct rows found = { 0 };
    struct view v;
    cr_assert_eq(store_view_open(&b->store, MAP_STATE, &v), OK);
    for (unsigned table = 0; table < TABLES; table++) {
        struct view_row row;
        for (int err = view_seek(&v, table, (struct bytes){ NULL, 0 }, &row); err == OK;
             err = view_next(&v, table, &row)) {
            struct model_key k = { { (uint8_t)table }, row.key.len + 1 };
            memcpy(k.raw + 1, row.key.data, row.key.len);
            rows_put(&found, model_bytes(&k), row.value);
        }
    }
    store_view_close(&b->store, &v);
    bool is_a_tag = false;
    for (uint64_t tag = b->tag_durable; tag <= b->tag_last && !is_a_tag; tag++) {
        is_a_tag = rows_count(&found) == rows_count(&b->tags[tag]);
        for (uint64_t i = 0; is_a_tag && i < rows_count(&found); i++) {
            struct view_row row = rows_nth(&found, i), want = rows_nth(&b->tags[tag], i);
            is_a_tag = bytes_equal(row.key, want.key) && bytes_equal(row.value, want.value);
        }
    }
    cr_assert(is_a_tag);
    rows_deinit(&found);
}

Test(overlay, a_crash_leaves_whole_batches_in_order)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct bench *b = bench_create(seed);
        for (uint64_t i = 0; i < 50 + seed; i++)
            random_step(b);
        disk_crash(b->disk);
        overlay_forget(b);
        bench_open(b);
        assert_disk_shows_a_tag(b);
        bench_destroy(b);
    }
}

Test(overlay, a_full_disk_keeps_the_batches_until_a_retry)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct bench *b = bench_create(seed);
        for (int i = 0; i < 60; i++)
            random_step(b);
        disk_set_health(b->disk, DISK_STATE, DISK_FULL);
        for (int i = 0; i < 300; i++) { /* full and well in turn, retried at any moment */
            random_step(b);             /* reads show what waits */
            if (draw(b, 20) == 0)
                disk_set_health(b->disk, DISK_STATE, draw(b, 2) == 0 ? DISK_FULL : DISK_WELL);
            if (draw(b, 4) == 0)
                overlay_retry(b->overlay);
        }
        disk_set_health(b->disk, DISK_STATE, DISK_FULL);
        change(b);
        submit(b);
        overlay_flush(b->overlay);
        mini_world_run(&b->world);
        int failed_count = b->failed_count;
        cr_assert_geq(failed_count, 1);
        cr_assert_eq(b->failed_err, ERR_FULL);
        cr_assert_gt(overlay_batches_count(b->overlay), 0);
        overlay_retry(b->overlay); /* still full: told once more */
        mini_world_run(&b->world);
        cr_assert_eq(b->failed_count, failed_count + 1);
        disk_set_health(b->disk, DISK_STATE, DISK_WELL);
        for (int i = 0; i < 50; i++) {
            overlay_retry(b->overlay);
            random_step(b);
        }
        submit(b);
        overlay_flush(b->overlay);
        mini_world_run(&b->world);
        cr_assert_eq(b->tag_durable, b->tag_last);
        look(b);
        bench_destroy(b);
    }
}

Test(overlay, a_dead_disk_is_told_once)
{
    struct bench *b = bench_create(1);
    disk_set_health(b->disk, DISK_STATE, DISK_FAILING);
    for (int i = 0; i < 5; i++) {
        change(b);
        submit(b);
    }
    overlay_flush(b->overlay);
    mini_world_run(&b->world);
    cr_assert_eq(b->failed_count, 1);
    cr_assert_eq(b->failed_err, ERR_IO);
    cr_assert_eq(overlay_put(b->overlay, 0, (struct bytes){ "k", 1 }, (struct bytes){ "v", 1 }),
                 ERR_IO);
    cr_assert_eq(b->tag_durable, 0);
    bench_destroy(b);
}

Test(overlay, what_is_submitted_gathers_until_it_is_flushed_or_large)
{
    struct bench *b = bench_create(1);
    char value[BYTES_MAX / 8] = { 0 };
    struct bytes large = { value, sizeof(value) };
    for (b->tag_last = 1; b->tag_last <= 3; b->tag_last++) {
        cr_assert_eq(overlay_put(b->overlay, 0, (struct bytes){ &b->tag_last, 1 }, large), OK);
        cr_assert_eq(overlay_submit(b->overlay, b->tag_last), OK);
    }
    mini_world_run(&b->world);
    cr_assert(overlay_is_gathering(b->overlay));
    cr_assert_eq(b->tag_durable, 0);
    overlay_flush(b->overlay);
    mini_world_run(&b->world);
    cr_assert_eq(b->tag_durable, 3);
    for (; b->tag_last <= 8; b->tag_last++) {
        cr_assert_eq(overlay_put(b->overlay, 0, (struct bytes){ &b->tag_last, 1 }, large), OK);
        cr_assert_eq(overlay_submit(b->overlay, b->tag_last), OK);
    }
    mini_world_run(&b->world);
    cr_assert_geq(b->tag_durable, 7); /* half the bound: on their way by themselves */
    bench_destroy(b);
}

Test(overlay, full_is_a_bound_in_bytes)
{
    struct bench *b = bench_create(1);
    char value[1000] = { 0 };
    int puts = 0;
    while (!overlay_is_full(b->overlay)) {
        char key[8];
        int len = snprintf(key, sizeof(key), "%d", puts++);
        cr_assert_eq(overlay_put(b->overlay, 0, (struct bytes){ key, (size_t)len },
                                 (struct bytes){ value, sizeof(value) }),
                     OK);
    }
    cr_assert(puts > 3 && puts < 7);
    b->tag_last = 1;
    cr_assert_eq(overlay_submit(b->overlay, 1), OK);
    cr_assert_eq(overlay_submit(b->overlay, 2), OK); /* nothing open: nothing happens */
    mini_world_run(&b->world);
    cr_assert_not(overlay_is_full(b->overlay));
    bench_destroy(b);
}
