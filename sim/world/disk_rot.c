/* disk_rot.c -- damage to a durable record: it changes in every version that holds it. */
#include "sim/world/disk_int.h"

static void rot_version(struct rows *version, const struct view_row *sound,
                        const struct buf *rotten)
{
    struct bytes value;
    if (!rows_get(version, sound->key, &value) || !bytes_equal(value, sound->value))
        return; /* replaced since */
    if (rotten == NULL)
        rows_delete(version, sound->key);
    else
        rows_put(version, sound->key, buf_bytes(rotten));
}

/* `rotten` NULL: the record is gone. */
static void rot_room(struct disk_room *room, const struct view_row *sound, const struct buf *rotten)
{
    struct rows before = rows_share(&room->durable); /* keeps `sound` alive */
    rot_version(&room->durable, sound, rotten);
    rot_version(&room->newest, sound, rotten);
    list_for_each (link, &room->queued)
        rot_version(&list_entry(link, struct disk_request, link)->after, sound, rotten);
    list_for_each (link, &room->lost)
        rot_version(&list_entry(link, struct disk_request, link)->after, sound, rotten);
    rows_deinit(&before);
}

/* On a shut disk the state's rows are those of its last generation. */
static struct disk_room *rot_begin(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = &d->rooms[name];
    ASSERT(name == DISK_LOG || name == DISK_STATE || name == DISK_LOCAL);
    if (name == DISK_STATE && d->generation == 0 && !list_is_empty(&d->generations))
        rows_assign(&room->durable,
                    &list_entry(d->generations.prev, struct disk_generation, link)->rows);
    return room;
}

static void rot_end(struct disk *d, struct disk_room *room)
{
    if (room->name != DISK_STATE || d->generation > 0 || list_is_empty(&d->generations))
        return;
    rows_assign(&list_entry(d->generations.prev, struct disk_generation, link)->rows,
                &room->durable);
    rows_deinit(&room->durable);
    rows_deinit(&room->newest);
}

bool disk_flip(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = rot_begin(d, name);
    uint64_t count = rows_count(&room->durable);
    if (count > 0) {
        struct view_row sound =
            rows_nth(&room->durable, world_choose(&d->hooks, WORLD_DISK_DAMAGE, count));
        struct buf rotten = { 0 };
        buf_append(&rotten, sound.value.data, sound.value.len);
        ASSERT(rotten.err == OK && rotten.len > 0); /* a checksum, at least */
        uint64_t bit = world_choose(&d->hooks, WORLD_DISK_DAMAGE, rotten.len * 8);
        rotten.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rot_room(room, &sound, &rotten);
        buf_deinit(&rotten);
    }
    rot_end(d, room);
    return count > 0;
}

bool disk_vanish(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = rot_begin(d, name);
    uint64_t count = rows_count(&room->durable);
    if (count > 0) {
        struct view_row sound =
            rows_nth(&room->durable, world_choose(&d->hooks, WORLD_DISK_DAMAGE, count));
        rot_room(room, &sound, NULL);
    }
    rot_end(d, room);
    return count > 0;
}
