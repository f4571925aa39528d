/* What `state import` leaves on a disk is a member's, whole, or nothing; and what is read from it is what went in. */
#include <criterion/criterion.h>

#include "peer_disk.h"
#include "sim/world/disk.h"
#include "state/pinset.h"
#include "tests/lib/mini_world.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"
#include "util/mem.h"

TestSuite(peer_disk, .timeout = 60);

struct bench {
    struct mini_world world;
    struct disk *disk;
    struct store store;
    struct peer_disk *pd;
    bool has_room;
    bool is_done;
    int err;
    size_t seen;
    struct cid last;
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

static void bench_destroy(struct bench *b)
{
    peer_disk_close(b->pd);
    disk_close(b->disk);
    b->world.events_count = 0;
    disk_destroy(b->disk);
    mem_free(b);
}

static void reopen(struct bench *b)
{
    disk_crash(b->disk);
    peer_disk_close(b->pd);
    b->pd = NULL;
    cr_assert_eq(peer_disk_open(&b->pd, &b->store), OK);
}

static void on_room(void *owner)
{
    ((struct bench *)owner)->has_room = true;
}

static void on_done(void *owner, int err)
{
    struct bench *b = owner;
    cr_assert(!b->is_done);
    b->is_done = true;
    b->err = err;
}

static struct peer_disk_import import_of(struct bench *b)
{
    return (struct peer_disk_import){ .self = test_peer(1),
                                      .cluster_id = { 7, 7 },
                                      .on_room = on_room,
                                      .on_done = on_done,
                                      .owner = b };
}

static int import_one(struct bench *b, const struct pin *pin)
{
    struct buf why = { 0 };
    int err;
    while ((err = peer_disk_import_pin(b->pd, pin, &why)) == ERR_BUSY) {
        b->has_room = false;
        while (!b->has_room)
            cr_assert(mini_world_step(&b->world));
    }
    if (err == ERR_INVALID)
        cr_assert(why.len > 0);
    buf_deinit(&why);
    return err;
}

static void import_begin(struct bench *b)
{
    struct peer_disk_import import = import_of(b);
    cr_assert_eq(peer_disk_open(&b->pd, &b->store), OK);
    cr_assert(peer_disk_facts(b->pd)->is_empty);
    cr_assert_eq(peer_disk_import_begin(b->pd, &import), OK);
}

static void import_many(struct bench *b, uint32_t count)
{
    char name[600] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        struct cid cid = test_cid(count - i);
        struct pin pin = pin_of(&cid);
        pin.name = (struct bytes){ name, sizeof(name) };
        cr_assert_eq(import_one(b, &pin), OK);
    }
}

static void import_end(struct bench *b)
{
    cr_assert_eq(peer_disk_import_end(b->pd), OK);
    while (!b->is_done)
        cr_assert(mini_world_step(&b->world));
    cr_assert_eq(b->err, OK);
}

static int see(void *owner, const struct pin *pin)
{
    struct bench *b = owner;
    cr_assert(cid_compare(&b->last, &pin->cid) < 0);
    b->last = pin->cid;
    b->seen += 1;
    return OK;
}

static void walk(struct bench *b, size_t slice)
{
    struct arena arena = { 0 };
    struct cid after = { 0 };
    b->last = after;
    b->seen = 0;
    while (peer_disk_walk(&b->store, &arena, &after, slice, see, b) == OK)
        ;
    arena_deinit(&arena);
}

/* A build that cannot read them must not open the disk. */
Test(peer_disk, an_import_of_long_cids_raises_the_level)
{
    struct bench *b = bench_create(9);
    import_begin(b);
    struct cid cid = test_cid(1);
    struct pin pin = pin_of(&cid);
    cr_assert_eq(import_one(b, &pin), OK);
    cr_assert_lt(peer_disk_facts(b->pd)->level, PINSET_LEVEL_LONG_CID);
    pin.cid = test_long_cid(1);
    cr_assert_eq(import_one(b, &pin), OK);
    import_end(b);
    reopen(b);
    cr_assert_eq(peer_disk_facts(b->pd)->level, PINSET_LEVEL_LONG_CID);
    walk(b, 10);
    cr_assert_eq(b->seen, 2);
    bench_destroy(b);
}

Test(peer_disk, an_import_makes_a_member)
{
    enum { COUNT = 9000 }; /* more than the overlay holds at once */
    struct bench *b = bench_create(1);
    import_begin(b);
    import_many(b, COUNT);
    import_end(b);
    reopen(b);
    const struct peer_disk_facts *f = peer_disk_facts(b->pd);
    cr_assert(!f->is_empty && f->number == 1 && f->cluster_id[0] == 7);
    cr_assert_eq(f->pins_count, COUNT);
    cr_assert(f->applied == COUNT + 2 && f->last.index == COUNT + 2 && f->last.term == 1);
    cr_assert(f->config->count == 1 && f->config->members[0].role == RAFT_VOTER);
    struct peer_id self = test_peer(1);
    cr_assert(peer_id_equal(&f->config->members[0].id, &self));
    walk(b, PEER_DISK_SLICE);
    cr_assert_eq(b->seen, COUNT);
    walk(b, 1000);
    cr_assert_eq(b->seen, COUNT);
    struct peer_disk_import again = import_of(b);
    cr_assert_eq(peer_disk_import_begin(b->pd, &again), ERR_EXISTS);
    bench_destroy(b);
}

Test(peer_disk, an_import_of_nothing)
{
    struct bench *b = bench_create(2);
    import_begin(b);
    import_end(b);
    reopen(b);
    cr_assert(!peer_disk_facts(b->pd)->is_empty);
    cr_assert_eq(peer_disk_facts(b->pd)->pins_count, 0);
    bench_destroy(b);
}

Test(peer_disk, before_the_end_there_is_no_member)
{
    for (uint64_t seed = 1; seed < 40; seed++) {
        struct bench *b = bench_create(seed);
        import_begin(b);
        import_many(b, 40);
        cr_assert_eq(peer_disk_import_end(b->pd), OK);
        for (uint64_t steps = seed % 6; steps > 0; steps--)
            mini_world_step(&b->world);
        bool was_done = b->is_done;
        reopen(b);
        const struct peer_disk_facts *f = peer_disk_facts(b->pd);
        cr_assert(!was_done || !f->is_empty);
        cr_assert(f->is_empty || f->pins_count == 40);
        bench_destroy(b);
    }
}

Test(peer_disk, the_last_of_several_equal_cids_counts)
{
    struct bench *b = bench_create(3);
    struct cid cid = test_cid(5);
    struct pin pin = pin_of(&cid), other = pin_of(&cid);
    import_begin(b);
    cr_assert_eq(import_one(b, &pin), OK);
    pin.name = (struct bytes){ "x", 1 };
    cr_assert_eq(import_one(b, &pin), OK);
    other.max_depth = PIN_DEPTH_DIRECT; /* what a cluster would not do either */
    cr_assert_eq(import_one(b, &other), ERR_INVALID);
    other = pin;
    other.replication_min = other.replication_max = 2;
    cr_assert_eq(import_one(b, &other), ERR_INVALID); /* nobody holds it */
    import_end(b);
    cr_assert_eq(peer_disk_facts(b->pd)->is_empty, true); /* facts are those of the opening */
    reopen(b);
    cr_assert_eq(peer_disk_facts(b->pd)->pins_count, 1);
    bench_destroy(b);
}

Test(peer_disk, a_full_disk_ends_an_import)
{
    struct bench *b = bench_create(4);
    import_begin(b);
    import_many(b, 10);
    disk_set_health(b->disk, DISK_STATE, DISK_FULL);
    cr_assert_eq(peer_disk_import_end(b->pd), OK);
    while (!b->is_done)
        cr_assert(mini_world_step(&b->world));
    cr_assert_eq(b->err, ERR_FULL);
    bench_destroy(b);
}
