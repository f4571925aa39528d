/* disk.h -- the weakest store that keeps the promises of port/store.h, in memory, for the simulator.
 *
 *     submit --> queued --> a sync takes the first few --> durable --> done() runs
 *                   \___________ lost or kept ___________/
 *                          at the choice of a crash
 *
 * Shape    Each room is a list of versions: what a request makes of the room is computed when it is
 *          submitted, one of the versions is the durable one, and a crash picks any version from
 *          there on. Copying a version costs nothing (rows.h).
 * Chance   All from hooks->choose(): delays, how many requests share a sync, random faults, what a
 *          crash leaves. What the operator of the world sets (full, hung, rot) comes by calls.
 * Life     disk_store() gives the port to a peer. After disk_crash() or disk_close() the disk is shut;
 *          the next peer opens it through the same port, as at a start. No completion of the old
 *          life reaches the new one, and the dead peer's requests are not looked at again.
 * Owner    The disk copies what is submitted. Destroy it after the kernel dropped its events. */
#ifndef SIM_WORLD_DISK_H
#define SIM_WORLD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/store.h"
#include "sim/world/hooks.h"

enum disk_room_name { DISK_LOG, DISK_STATE, DISK_LOCAL, DISK_JOBS, DISK_FILES, DISK_ROOMS_COUNT };

enum disk_health {
    DISK_WELL,
    DISK_SLOW,    /* every delay times options.slow_factor */
    DISK_HUNG,    /* nothing completes until the room is well again */
    DISK_FULL,    /* writes say ERR_FULL */
    DISK_FAILING, /* the next write says ERR_IO, and the room is dead until the next start */
};

struct disk_options {
    uint64_t delay_min_us; /* of a sync, a read, a file operation */
    uint64_t delay_max_us;
    uint64_t job_delay_min_us; /* of an export, an import */
    uint64_t job_delay_max_us;
    uint64_t slow_factor;
    uint64_t fail_per_million; /* chance that a sync kills its room */
    size_t queue_max;          /* requests in flight in one room */
};

void disk_options_default(struct disk_options *o);

struct disk;

struct disk *disk_create(const struct disk_options *options, const struct world_hooks *hooks);
void disk_destroy(struct disk *d);
struct store disk_store(struct disk *d);

/* The power goes: each room keeps, at its own choice, some prefix of what was not acknowledged; file
 * writes that were not synced are kept, dropped, or torn at 512 bytes. Also harmless on a shut disk. */
void disk_crash(struct disk *d);
/* The orderly end: what is in flight completes from inside this call, with ERR_CANCELED unless it is done. */
void disk_close(struct disk *d);

void disk_set_health(struct disk *d, enum disk_room_name room, enum disk_health health);
bool disk_is_well(const struct disk *d);           /* in all its rooms */
enum disk_health disk_worst(const struct disk *d); /* of all rooms */

/* Rot, in DISK_LOG, DISK_STATE or DISK_LOCAL: one bit of a durable record turns, a record is gone, or it stands under
 * another key (where perhaps another one stood).
 * False: there is no record. */
bool disk_flip(struct disk *d, enum disk_room_name room);
bool disk_vanish(struct disk *d, enum disk_room_name room);
bool disk_misplace(struct disk *d, enum disk_room_name room);

/* On a shut disk. */
void disk_wipe(struct disk *d);
struct disk_image;
struct disk_image *
disk_image_take(struct disk *d); /* what a backup sees: the durable parts; also while open */
void disk_image_restore(struct disk *d, const struct disk_image *image);
void disk_image_destroy(struct disk_image *image);

#endif
