/* disk_rot.c -- damage to a durable record: it changes in every version that holds it. */
#include "sim/world/disk_int.h"

#include "util/err.h"

/* What becomes of a record: bytes at a key. NULL bytes: it is gone. */
struct rot {
    const struct view_row *sound;
    const struct buf *rotten;
    struct bytes key; /* where it stands then */
};

static void rot_version(struct rows *version, const struct rot *rot)
{
    const struct view_row *sound = rot->sound;
    struct bytes value;
    if (!rows_get(version, sound->key, &value) || !bytes_equal(value, sound->value))
        return; /* replaced since */
    if (rot->rotten == NULL || !bytes_equal(rot->key, sound->key))
        rows_delete(version, sound->key);
    if (rot->rotten != NULL)
        rows_put(version, rot->key, buf_bytes(rot->rotten));
}

static void rot_room(struct disk_room *room, const struct rot *rot)
{
    struct rows before = rows_share(&room->durable); /* keeps `sound` alive */
    room->has_rotted = true;
    rot_version(&room->durable, rot);
    rot_version(&room->newest, rot);
    list_for_each (link, &room->queued)
        rot_version(&list_entry(link, struct disk_request, link)->after, rot);
    list_for_each (link, &room->lost)
        rot_version(&list_entry(link, struct disk_request, link)->after, rot);
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

/* One record of the room, and a copy of its bytes. False: there is none. */
static bool rot_pick(struct disk *d, struct disk_room *room, struct view_row *sound,
                     struct buf *bytes)
{
    uint64_t count = rows_count(&room->durable);
    if (count == 0)
        return false;
    *sound = rows_nth(&room->durable, world_choose(&d->hooks, WORLD_DISK_DAMAGE, count));
    buf_append(bytes, sound->value.data, sound->value.len);
    ASSERT(bytes->err == OK && bytes->len > 0); /* a checksum, at least */
    return true;
}

bool disk_flip(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = rot_begin(d, name);
    struct view_row sound;
    struct buf rotten = { 0 };
    bool found = rot_pick(d, room, &sound, &rotten);
    if (found) {
        uint64_t bit = world_choose(&d->hooks, WORLD_DISK_DAMAGE, rotten.len * 8);
        rotten.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rot_room(room, &(struct rot){ &sound, &rotten, sound.key });
    }
    buf_deinit(&rotten);
    rot_end(d, room);
    return found;
}

bool disk_vanish(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = rot_begin(d, name);
    struct view_row sound;
    struct buf bytes = { 0 };
    bool found = rot_pick(d, room, &sound, &bytes);
    if (found)
        rot_room(room, &(struct rot){ &sound, NULL, sound.key });
    buf_deinit(&bytes);
    rot_end(d, room);
    return found;
}

bool disk_misplace(struct disk *d, enum disk_room_name name)
{
    struct disk_room *room = rot_begin(d, name);
    struct view_row sound;
    struct buf bytes = { 0 };
    struct buf key = { 0 };
    bool found = rot_pick(d, room, &sound, &bytes);
    if (found && sound.key.len == 1) { /* the only one of its table has no other place */
        rot_room(room, &(struct rot){ &sound, NULL, sound.key });
    } else if (found) {
        buf_append(&key, sound.key.data, sound.key.len);
        ASSERT(key.err == OK);
        key.data[key.len - 1] ^= (uint8_t)(1u << world_choose(&d->hooks, WORLD_DISK_DAMAGE, 8));
        rot_room(room, &(struct rot){ &sound, &bytes, buf_bytes(&key) });
    }
    buf_deinit(&key);
    buf_deinit(&bytes);
    rot_end(d, room);
    return found;
}
