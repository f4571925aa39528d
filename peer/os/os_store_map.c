/* os_store_map.c -- the map room: a group of batches is one transaction. */
#include <errno.h>

#include "os/os_damage.h"
#include "os/os_store_int.h"
#include "util/err.h"

static int map_apply_batch(MDB_txn *txn, struct os_env *e, const struct map_batch *batch)
{
    int rc = MDB_SUCCESS;
    for (size_t i = 0; rc == MDB_SUCCESS && i < batch->ops_count; i++) {
        const struct map_op *op = &batch->ops[i];
        unsigned table = MAP_TABLE_FIRST + op->table;
        rc = op->is_delete ? os_env_delete(txn, e->dbi, table, op->key)
                           : os_env_put(txn, e->dbi, e->room, table, op->key, op->value, 0);
    }
    return rc;
}

/* One try of all batches that are not refused already. */
static int map_try_group(struct os_env *e, struct list_link *group)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(e->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return rc;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->err == OK)
            rc = map_apply_batch(txn, e, list_entry(slot, struct map_batch, slot));
        if (rc != MDB_SUCCESS) {
            mdb_txn_abort(txn);
            return rc;
        }
    }
    return mdb_txn_commit(txn);
}

static bool map_admit(struct os_room *room, struct list_link *group)
{
    bool writes = false;
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        slot->err = os_room_admit(room, slot);
        writes |= slot->err == OK;
    }
    return writes;
}

static void map_fail(struct os_room *room, struct list_link *group, int err)
{
    list_for_each (link, group) {
        struct store_slot *slot = list_entry(link, struct store_slot, link);
        if (slot->err != OK)
            continue;
        slot->err = err;
        if (err == ERR_FULL)
            os_room_refuse(room, slot);
    }
}

/* The environment that the room's batches go to. No batch is in flight while the generation switches. */
static struct os_env *map_env(const struct os_room *room)
{
    struct os_store *s = room->impl;
    return room == &s->rooms[OS_ROOM_STATE] ? &s->current->env : &s->local_env;
}

/* LMDB holds every page that a transaction changes in memory, and keeps that memory. In a small tree rows share
 * pages, so that a large group is written cheaply; in a large one nearly every row has a page of its own, and half a page
 * of those above it. */
enum {
    PAGES_SMALL = 4096, /* 16 MiB */
    OP_WEIGHT_SMALL = 1024,
    OP_WEIGHT_LARGE = 6 * 1024,
};

size_t os_map_op_weight(const struct os_room *room)
{
    MDB_envinfo info;
    bool is_small =
        mdb_env_info(map_env(room)->env, &info) == MDB_SUCCESS && info.me_last_pgno < PAGES_SMALL;
    return is_small ? OP_WEIGHT_SMALL : OP_WEIGHT_LARGE;
}

/* A tree that a write cannot get through would end every start again. */
static void map_mark(const struct os_env *e)
{
    const char *path;
    if (mdb_env_get_path(e->env, &path) == MDB_SUCCESS)
        os_damage_mark(path, OS_DAMAGE_CORRUPT);
}

void os_map_run(struct os_room *room, struct list_link *group)
{
    if (!map_admit(room, group))
        return;
    struct os_env *e = map_env(room);
    int rc = map_try_group(e, group);
    while (rc == MDB_MAP_FULL) {
        int err = os_env_grow(e);
        if (err == OK)
            rc = map_try_group(e, group);
        else
            rc = err == ERR_FULL ? ENOSPC : EIO;
    }
    if (os_env_err(rc) == ERR_CORRUPT)
        map_mark(e);
    int err = os_room_judge(room, os_env_err(rc), mdb_strerror(rc));
    if (err != OK)
        map_fail(room, group, err);
}

int os_map_write(void *impl, struct map_batch *batch)
{
    struct os_store *s = impl;
    ASSERT(s->current != NULL);
    int room = batch->area == MAP_STATE ? OS_ROOM_STATE : OS_ROOM_LOCAL;
    return os_room_submit(&s->rooms[room], &batch->slot, OS_MAP_BATCH);
}
