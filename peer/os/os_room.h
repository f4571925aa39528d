/* os_room.h -- a queue, a worker thread, and the way back to the loop.
 *
 *     loop: os_room_submit() -> queued -> worker: pending -> a group -> run() -> finished -> loop: tell()
 *
 * Shape    Requests are known by their struct store_slot. The worker takes all that is queued, but no more
 *          than GROUP_WEIGHT_MAX at once, and run() gives each slot of the group its code.
 * Later    run() may move slots to room->later: work in the background. It is called with an empty
 *          group while there is some and nothing else to do.
 * Threads  submit, deliver and close on the loop's thread; run on the worker's. The mutex guards what its
 *          comment says; the rest belongs to one side. */
#ifndef OS_OS_ROOM_H
#define OS_OS_ROOM_H

#include <pthread.h>

#include "os/os_loop.h"
#include "port/store.h"
#include "util/log.h"

struct os_room {
    /* Set before os_room_start(). */
    const char *name;
    struct os_loop *loop;
    const struct log *log;
    void *impl;
    void (*run)(struct os_room *room, struct list_link *group);
    void (*rest)(struct os_room *room); /* the worker's, or NULL: nothing is to be done for now */
    void (*tell)(struct store_slot *slot);                                      /* calls done() */
    size_t (*weigh)(const struct os_room *room, const struct store_slot *slot); /* the worker's */

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list_link queued;   /* mutex */
    struct list_link finished; /* mutex */
    bool is_closing;           /* mutex */
    char trouble[160];         /* mutex; a line for the log, which only the loop writes */
    bool trouble_is_over;      /* mutex; the line is good news */

    /* The loop's. */
    struct os_task deliver;
    size_t in_flight;
    uint64_t round; /* of ERR_FULL refusals that were told; see port/store.h */

    /* The worker's. */
    struct list_link pending;
    struct list_link later;
    uint64_t refused_below; /* slots of an earlier round are refused */
    bool is_dead;           /* a write or sync failed */
    bool is_full;           /* the last write said ERR_FULL: told once */
};

int os_room_start(struct os_room *room);
/* OK, or ERR_BUSY. */
int os_room_submit(struct os_room *room, struct store_slot *slot, int kind);
/* Ends the worker after what it is doing. ERR_TIMEOUT when it does not end by then. */
int os_room_stop(struct os_room *room, uint64_t timeout_us);
/* Tells all that is left. Only after os_room_stop(). */
void os_room_deinit(struct os_room *room);

/* For run(): what happens to a write before it is tried. OK: try it. */
int os_room_admit(const struct os_room *room, const struct store_slot *slot);
/* For run(): a write ended with this code. Keeps the room's health, and a line for the log when it changes.
 * `what` is the system's word for the error. Gives back the code for the caller: ERR_FULL, or ERR_IO for all
 * that a room does not survive. */
int os_room_judge(struct os_room *room, int err, const char *what);
/* For run(): this write of a log or map got ERR_FULL, and takes all that was accepted since with it. */
void os_room_refuse(struct os_room *room, const struct store_slot *slot);

#endif
