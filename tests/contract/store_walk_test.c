/* Long random walks over the store's port: every implementation reads the same at every step, and so does the
 * simulated one whatever its disk is up to below the port. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/contract/store_real.h"
#include "tests/contract/store_talk.h"
#include "tests/lib/mini_world.h"

TestSuite(store_walk, .timeout = 60);

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

Test(store_walk, chance_below_the_port_does_not_show_above_it)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        cr_assert_eq(transcript_of(&fixture_simulated, seed, 400),
                     transcript_of(&fixture_simulated, seed, 400));
}

Test(store_walk, the_same_requests_give_the_same_reads)
{
    for (uint64_t seed = 0; seed < 6; seed++)
        cr_assert_eq(transcript_of(&fixture_simulated, seed, 400),
                     transcript_of(&fixture_real, seed, 400));
}
