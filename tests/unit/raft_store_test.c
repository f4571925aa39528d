#include <criterion/criterion.h>

#include <string.h>

#include "sim/world/disk.h"
#include "store/raft_meta.h"
#include "store/raft_store.h"
#include "tests/lib/mini_world.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_store, .timeout = 60);

enum { DONE_MAX = 64 };

struct bench {
    struct mini_world world;
    struct disk *disk;
    struct store store;
    struct raft_store rs;
    struct raft_store_loaded loaded;
    uint64_t next_number;
    uint64_t stored; /* units, in order */
    int last_err;
    int full_count;
};

static struct bench *bench_create(uint64_t seed)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    struct disk_options options;
    disk_options_default(&options);
    mini_world_init(&b->world, seed);
    b->disk = disk_create(&options, &b->world.hooks);
    b->store = disk_store(b->disk);
    return b;
}

static int load(struct bench *b)
{
    int err = raft_store_load(&b->rs, &b->store, &b->loaded);
    cr_assert_eq(store_map_open(&b->store, 1), OK);
    return err;
}

static void forget(struct bench *b)
{
    raft_store_deinit(&b->rs);
    raft_store_loaded_deinit(&b->loaded);
    b->next_number = b->stored = 0;
}

static int reload(struct bench *b)
{
    disk_crash(b->disk);
    forget(b);
    return load(b);
}

static void bench_destroy(struct bench *b)
{
    disk_crash(b->disk);
    forget(b);
    disk_destroy(b->disk);
    mem_free(b);
}

static void on_stored(void *owner, uint64_t number, int err)
{
    struct bench *b = owner;
    b->last_err = err;
    b->full_count += err == ERR_FULL;
    if (err == OK) {
        cr_assert_eq(number, b->stored + 1);
        b->stored = number;
    }
}

/* Entries first..last of `term`, with the hard state {term, 0, committed}. */
static struct raft_entry *write_entries(struct bench *b, uint64_t cut_from, uint64_t first,
                                        uint64_t last, uint64_t term, uint64_t committed,
                                        const struct raft_config *config)
{
    static struct raft_entry entries[DONE_MAX];
    size_t count = 0;
    for (uint64_t i = first; i <= last; i++)
        entries[count++] =
            (struct raft_entry){ { term, i }, RAFT_ENTRY_DATA, { "payload", (size_t)(i % 8) } };
    struct raft_unit unit = { .number = ++b->next_number,
                              .cut_from = cut_from,
                              .entries = entries,
                              .entries_count = count,
                              .hard = { .term = term, .voted_for = 2, .committed = committed },
                              .config = config };
    cr_assert_eq(raft_store_write(&b->rs, &unit, on_stored, b), OK);
    memset(entries, 0, sizeof(entries)); /* it has been copied */
    return entries;
}

Test(raft_store, an_empty_disk_says_so)
{
    struct bench *b = bench_create(1);
    cr_assert_eq(load(b), OK);
    cr_assert(b->loaded.is_empty);
    cr_assert_eq(b->loaded.durable.last, 0);
    cr_assert_null(b->loaded.durable.config);
    bench_destroy(b);
}

Test(raft_store, what_is_stored_is_loaded)
{
    struct bench *b = bench_create(1);
    struct raft_config one, three;
    raft_one_config(&one, 1, 0);
    raft_one_config(&three, 3, 1);
    one.index = 1;
    three.index = 7;
    cr_assert_eq(load(b), OK);
    b->rs.identity = (struct raft_store_identity){ { 1, 2, 3 }, 2, 1, 5 };
    write_entries(b, 0, 1, 6, 1, 0, &one);
    write_entries(b, 5, 5, 7, 3, 4, &three);
    write_entries(b, 0, 8, 9, 4, 99, &three);
    mini_world_run(&b->world);
    cr_assert_eq(b->stored, 3);
    cr_assert_eq(reload(b), OK);

    const struct raft_durable *d = &b->loaded.durable;
    cr_assert_not(b->loaded.is_empty);
    cr_assert_eq(b->loaded.identity.boots, 5);
    cr_assert_eq(b->loaded.identity.cluster_id[2], 3);
    cr_assert_eq(d->number, 2);
    cr_assert_eq(d->hard.term, 4);
    cr_assert_eq(d->hard.voted_for, 2);
    cr_assert_eq(d->hard.committed, 9); /* a hint, never beyond the log */
    cr_assert_eq(d->last, 9);
    cr_assert_eq(d->runs_count, 3);
    cr_assert(d->runs[1].term == 3 && d->runs[1].first == 5);
    cr_assert(d->runs[2].term == 4 && d->runs[2].first == 8);
    cr_assert_eq(d->config->index, 7);
    cr_assert_eq(d->config->count, 4);
    cr_assert_null(d->config_previous);
    raft_config_deinit(&one);
    raft_config_deinit(&three);
    bench_destroy(b);
}

static void on_fetched(void *owner, int err, const struct raft_entry *entries, size_t count)
{
    struct bench *b = owner;
    b->last_err = err;
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(entries[i].pos.index, 3 + i);
        cr_assert_eq(entries[i].payload.len, (3 + i) % 8);
    }
    cr_assert_eq(count, err == OK ? 4 : 0);
}

static void on_fetched_any(void *owner, int err, const struct raft_entry *entries, size_t count)
{
    struct bench *b = owner;
    (void)entries;
    (void)count;
    b->last_err = err;
}

Test(raft_store, entries_are_fetched)
{
    struct bench *b = bench_create(1);
    cr_assert_eq(load(b), OK);
    write_entries(b, 0, 1, 6, 1, 0, NULL);
    b->last_err = 1;
    cr_assert_eq(raft_store_fetch(&b->rs, 3, 100000, on_fetched, b), OK);
    mini_world_run(&b->world);
    cr_assert_eq(b->last_err, OK);
    cr_assert_eq(raft_store_fetch(&b->rs, 30, 100000, on_fetched, b), OK);
    mini_world_run(&b->world);
    cr_assert_eq(b->last_err, ERR_NOT_FOUND);
    bench_destroy(b);
}

/* A record that is gone from the disk while the log is open: not one that was trimmed or cut. */
Test(raft_store, a_record_that_is_gone_is_damage)
{
    bool was_first = false;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct bench *b = bench_create(seed);
        cr_assert_eq(load(b), OK);
        write_entries(b, 0, 1, 6, 1, 0, NULL);
        mini_world_run(&b->world);
        cr_assert(disk_vanish(b->disk, DISK_LOG));
        for (uint64_t first = 1; first <= 6; first++) {
            b->last_err = 1;
            cr_assert_eq(raft_store_fetch(&b->rs, first, 1, on_fetched_any, b), OK);
            mini_world_run(&b->world);
            cr_assert(b->last_err == OK || b->last_err == ERR_CORRUPT, "%s", err_text(b->last_err));
            was_first |= first == 1 && b->last_err == ERR_CORRUPT;
        }
        bench_destroy(b);
    }
    cr_assert(was_first);
}

Test(raft_store, a_crash_never_loses_an_acknowledged_unit)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct bench *b = bench_create(seed);
        cr_assert_eq(load(b), OK);
        for (uint64_t i = 1; i <= 10; i++) {
            write_entries(b, 0, i, i, i, i - 1, NULL);
            for (uint64_t turn = 0; turn < seed % 3; turn++)
                mini_world_step(&b->world);
        }
        uint64_t stored = b->stored;
        cr_assert_eq(reload(b), OK);
        cr_assert_geq(b->loaded.durable.last, stored);
        cr_assert_eq(b->loaded.durable.hard.term, b->loaded.durable.last); /* whole units */
        bench_destroy(b);
    }
}

Test(raft_store, a_trim_waits_for_its_base)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct bench *b = bench_create(seed);
        cr_assert_eq(load(b), OK);
        write_entries(b, 0, 1, 20, 1, 0, NULL);
        mini_world_run(&b->world);
        cr_assert_eq(raft_store_trim(&b->rs, (struct raft_pos){ 1, 15 }, 16), OK);
        for (uint64_t turn = 0; turn < seed % 4; turn++)
            mini_world_step(&b->world);
        cr_assert_eq(b->rs.base_durable, 0);
        if (seed % 2 == 0)
            write_entries(b, 0, 21, 21, 1, 0, NULL);
        for (uint64_t turn = 0; turn < seed / 2 % 8; turn++)
            mini_world_step(&b->world);
        cr_assert_eq(reload(b), OK); /* at any moment, records and base fit */
        uint64_t base = b->loaded.durable.base.index;
        cr_assert(base == 0 || base == 15);
        cr_assert_eq(b->loaded.durable.runs[0].first, base + 1);
        bench_destroy(b);
    }
}

Test(raft_store, a_new_base_may_replace_the_whole_log)
{
    struct bench *b = bench_create(1);
    cr_assert_eq(load(b), OK);
    write_entries(b, 0, 1, 5, 1, 0, NULL);
    b->rs.base = (struct raft_pos){ 3, 100 };
    b->rs.identity.generation = 2;
    write_entries(b, 1, 101, 100, 3, 0, NULL); /* no entries */
    mini_world_run(&b->world);
    cr_assert_eq(reload(b), OK);
    cr_assert_eq(b->loaded.identity.generation, 2);
    cr_assert_eq(b->loaded.durable.last, 100);
    cr_assert_eq(b->loaded.durable.runs_count, 0);
    write_entries(b, 0, 101, 103, 3, 0, NULL);
    mini_world_run(&b->world);
    cr_assert_eq(reload(b), OK);
    cr_assert_eq(b->loaded.durable.last, 103);
    cr_assert_eq(b->loaded.durable.runs[0].first, 101);
    bench_destroy(b);
}

Test(raft_store, damage_and_lost_records_are_not_an_end)
{
    int corrupt = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct bench *b = bench_create(seed);
        cr_assert_eq(load(b), OK);
        write_entries(b, 0, 1, 10, 1, 0, NULL);
        write_entries(b, 0, 11, 12, 1, 0, NULL);
        mini_world_run(&b->world);
        if (seed % 2 == 0)
            disk_flip(b->disk, DISK_LOG);
        else
            disk_vanish(b->disk, DISK_LOG); /* also the last record, and the meta record */
        int err = reload(b);
        corrupt += err == ERR_CORRUPT;

        write_entries(b, 1, 1, 2, 1, 0, NULL); /* a stranger begins anew */
        mini_world_run(&b->world);
        cr_assert_eq(reload(b), OK);
        cr_assert_eq(b->loaded.durable.last, 2);
        bench_destroy(b);
    }
    cr_assert_eq(corrupt, 60);
}

Test(raft_store, refused_units_wait_in_order)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct bench *b = bench_create(seed);
        cr_assert_eq(load(b), OK);
        disk_set_health(b->disk, DISK_LOG, DISK_FULL);
        for (uint64_t i = 1; i <= 12; i++) {
            write_entries(b, 0, i, i, i, 0, NULL);
            for (uint64_t turn = 0; turn < seed % 3; turn++)
                mini_world_step(&b->world);
            if (i == 8)
                disk_set_health(b->disk, DISK_LOG, DISK_WELL);
            if (i % 4 == seed % 4)
                raft_store_retry(&b->rs);
        }
        mini_world_run(&b->world);
        raft_store_retry(&b->rs);
        mini_world_run(&b->world);
        cr_assert_eq(b->stored, 12);
        cr_assert_eq(reload(b), OK);
        cr_assert_eq(b->loaded.durable.runs_count, 12);
        bench_destroy(b);
    }
}

Test(raft_store, a_dead_room_tells_each_unit)
{
    struct bench *b = bench_create(1);
    cr_assert_eq(load(b), OK);
    disk_set_health(b->disk, DISK_LOG, DISK_FAILING);
    write_entries(b, 0, 1, 3, 1, 0, NULL);
    mini_world_run(&b->world);
    cr_assert_eq(b->last_err, ERR_IO);
    cr_assert_eq(b->stored, 0);
    bench_destroy(b);
}

Test(raft_store, the_meta_record_refuses_what_it_does_not_know)
{
    struct raft_config one, three;
    raft_one_config(&one, 1, 0);
    raft_one_config(&three, 3, 0);
    struct raft_meta meta = {
        .identity = { { 9 }, 1, 2, 3 }, .hard = { 4, 5, 6 }, .base = { 7, 8 }, .last = 9
    };
    struct raft_meta found;
    struct buf bytes = { 0 };
    raft_meta_encode(&meta, &three, &one, &bytes);
    cr_assert_eq(bytes.err, OK);
    cr_assert_eq(raft_meta_decode(&found, bytes.data, bytes.len), OK);
    cr_assert(found.has_config && found.has_previous);
    cr_assert_eq(found.config_previous.count, 1);
    cr_assert_eq(found.last, 9);
    raft_meta_deinit(&found);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(raft_meta_decode(&found, bytes.data, len), ERR_CORRUPT);
    bytes.data[1] += 1;
    cr_assert_eq(raft_meta_decode(&found, bytes.data, bytes.len), ERR_VERSION);
    buf_deinit(&bytes);
    raft_config_deinit(&one);
    raft_config_deinit(&three);
}
