/* store_simulated.c -- the simulated disk as a fixture of the store's contract. */
#include "sim/world/disk.h"
#include "tests/lib/mini_world.h"
#include "tests/lib/store_fixture.h"
#include "util/mem.h"

struct simulated {
    struct mini_world world;
    struct disk *disk;
};

static void simulated_create(struct fixture *fx)
{
    struct simulated *s = mem_zalloc(sizeof(*s));
    ASSERT(s != NULL);
    struct disk_options options;
    disk_options_default(&options);
    mini_world_init(&s->world, fx->seed);
    s->disk = disk_create(&options, &s->world.hooks);
    fx->impl = s;
}

static void simulated_destroy(struct fixture *fx)
{
    struct simulated *s = fx->impl;
    disk_destroy(s->disk);
    mem_free(s);
}

static void simulated_start(struct fixture *fx)
{
    struct simulated *s = fx->impl;
    fx->store = disk_store(s->disk);
}

static void simulated_stop(struct fixture *fx)
{
    struct simulated *s = fx->impl;
    disk_close(s->disk);
}

static void simulated_turn(struct fixture *fx)
{
    struct simulated *s = fx->impl;
    ASSERT(mini_world_step(&s->world)); /* else the test waits for what never comes */
}

static void simulated_set_full(struct fixture *fx, bool is_full)
{
    struct simulated *s = fx->impl;
    enum disk_health health = is_full ? DISK_FULL : DISK_WELL;
    disk_set_health(s->disk, DISK_LOG, health);
    disk_set_health(s->disk, DISK_STATE, health);
    disk_set_health(s->disk, DISK_LOCAL, health);
}

const struct fixture_ops fixture_simulated = {
    "simulated",    simulated_create, simulated_destroy,  simulated_start,
    simulated_stop, simulated_turn,   simulated_set_full,
};
