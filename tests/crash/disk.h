/* disk.h -- a tape played back: what is on the disk for sure, what may be, and the images that a power cut may leave.
 *
 *      disk_play(event) ...   at any moment:   disk_cut() chooses   disk_lay() writes that image into a folder
 *
 * Model    A file is what was synced, and writes since. Each 512-byte sector shows, independently of all others, any one
 *          of the contents it has had since the last sync; its length, independently, any one of the lengths. A sync
 *          (fsync, fdatasync) makes durable what stood on the tape for that file before it began, length included; an
 *          O_DSYNC write its own sectors and no others. A folder is what was synced, and changes since, of which any
 *          first so many happened: folders are independent of one another and of their files, so a synced file may
 *          have no name, and a name a file without bytes. A rename within a folder happens or not. Only fsync of the
 *          folder makes a name durable.
 * Weaker   than ext4, xfs and btrfs, which order more than that (names after the data of a renamed file; a new file's
 *          name with the file's fsync). What starts from these images starts from theirs.
 * Mapped   A file mapped to be written (LMDB's lock file) has random bytes in every image.
 * Owner    The tape's bytes stay mapped while the disk lives. A cut is the caller's.
 * Errors   crash_die(): a tape that this model does not understand ends the program. */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/tape.h"

enum { DISK_SECTOR = 512 };

struct disk;

_Noreturn void crash_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct disk *disk_create(void);
void disk_destroy(struct disk *d);
/* One event; bytes behind it. True when images from here on may differ from those before. */
bool disk_play(struct disk *d, const struct tape_event *e, const uint8_t *bytes);
/* Not durable: writes, lengths and names. */
size_t disk_loose_count(const struct disk *d);

enum disk_cut_kind {
    CUT_NONE,   /* nothing that was not synced */
    CUT_ALL,    /* everything: what a killed process leaves */
    CUT_PREFIX, /* the first `count` loose things, in the order of the tape */
    CUT_RANDOM, /* any, drawn from `seed` */
};
struct disk_cut {
    enum disk_cut_kind kind;
    size_t count;
    uint64_t seed;
};
/* "prefix 3 of 9", for people. */
void disk_cut_print(const struct disk *d, const struct disk_cut *cut, char *out, size_t size);
/* The folder is emptied first. */
void disk_lay(const struct disk *d, const struct disk_cut *cut, const char *folder);
/* Is this folder what the disk shows with nothing lost? Mapped files aside. Says what is not. */
bool disk_is_folder(const struct disk *d, const char *folder);

#endif
