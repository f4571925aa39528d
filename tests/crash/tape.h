/* tape.h -- what a process did to its disk, in order: written by record.c from inside it, read by disk.c.
 *
 * Shape    A file of events, each a struct tape_event and `len` bytes. Several processes may write one tape, one after
 *          another (init, a daemon, the daemon again): an event is one append.
 * Order    A write stands on the tape before anybody can see its bytes. A sync stands there twice: where it began
 *          and, if it succeeded, where it had returned; it covers what stands before its beginning. What was sent to a
 *          client stands there before the kernel had it: no client can know more than that.
 * Names    Files and folders go by inode number, paths are relative to the recorded folder ("" is the folder). A number
 *          that TAPE_CREATE or TAPE_MKDIR brings is a new file, whatever had it before. */
#ifndef TESTS_CRASH_TAPE_H
#define TESTS_CRASH_TAPE_H

#include <stdint.h>

enum tape_what {
    TAPE_START = 1, /* a process begins; ino: the recorded folder */
    TAPE_CREATE,    /* bytes: path */
    TAPE_MKDIR,     /* bytes: path */
    TAPE_UNLINK,    /* bytes: path; a folder, too */
    TAPE_RENAME,    /* bytes: old path, 0, new path */
    TAPE_WRITE,  /* bytes at offset; number > 0: a TAPE_SYNCED for these bytes follows (O_DSYNC) */
    TAPE_SIZE,   /* offset: the file's new length */
    TAPE_SYNC,   /* begins; number is its own */
    TAPE_SYNCED, /* number: of that TAPE_SYNC, or of that TAPE_WRITE */
    TAPE_MAPPED, /* mapped to be written, or of stdio: the tape does not know what is in it any more */
    TAPE_SENT, /* bytes: handed to a socket */
};

struct tape_event {
    uint32_t what;
    uint32_t len;
    uint64_t ino;
    uint64_t offset;
    uint64_t number;
};

#endif
