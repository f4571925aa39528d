/* os_loop.h -- the one event loop: timers, file descriptors, signals, and work handed in by other
 * threads. libev behind it.
 *
 * Shape    Timers, watches, signals and tasks are structs in the caller's memory, initialised once
 *          and tied to a loop and to a hook. All hooks run on the loop's thread, from
 *          os_loop_run().
 * Units    Deadlines are monotonic microseconds, as os_clock_mono_us() counts them. A timer never
 *          fires before its deadline.
 * Threads  Everything belongs to the loop's thread, save os_loop_post(), which any thread may call.
 * Owner    Stop what you initialised before its memory goes. A hook may stop, set or free its own
 *          struct, and any other. Join worker threads before os_loop_deinit().
 * Errors   os_loop_init: ERR_IO. The rest cannot fail. */
#ifndef OS_OS_LOOP_H
#define OS_OS_LOOP_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/clock.h"
#include "util/list.h"

struct os_loop {
    struct ev_loop *ev;
    ev_async wake;
    pthread_mutex_t mutex;    /* guards the two lists and every link in them */
    struct list_link posted;  /* waits for the loop */
    struct list_link running; /* was taken by it, in this turn */
};

int os_loop_init(struct os_loop *loop);
void os_loop_deinit(struct os_loop *loop);
/* Runs until os_loop_stop(). */
void os_loop_run(struct os_loop *loop);
void os_loop_stop(struct os_loop *loop);
/* Waits for at least one event, runs what is due, returns: for tests, which look at the world in
 * between. */
void os_loop_run_once(struct os_loop *loop);

/* ---- timers ---- */

struct os_timer {
    ev_timer ev;
    struct os_loop *loop;
    uint64_t at_us; /* MONO_NEVER: not set */
    void (*on_fire)(void *owner);
    void *owner;
};

void os_timer_init(struct os_timer *t, struct os_loop *loop, void (*on_fire)(void *owner),
                   void *owner);
/* Fires once, at `at_us` or soon after; a time in the past fires in the next turn of the loop.
 * Replaces an earlier setting. MONO_NEVER stops it. */
void os_timer_set(struct os_timer *t, uint64_t at_us);
void os_timer_stop(struct os_timer *t); /* harmless when it is not set */

/* ---- file descriptors ---- */

enum { OS_READ = 1, OS_WRITE = 2 };

struct os_watch {
    ev_io ev;
    struct os_loop *loop;
    int want; /* of OS_READ | OS_WRITE */
    /* `ready` is a subset of what was wanted; the socket's own error comes out of the read or write
     * that follows. */
    void (*on_ready)(void *owner, int ready);
    void *owner;
};

void os_watch_init(struct os_watch *w, struct os_loop *loop, int fd,
                   void (*on_ready)(void *owner, int ready), void *owner);
void os_watch_set(struct os_watch *w, int want); /* 0 stops; before close(fd), always */
/* on_ready(ready) in the next turn, without the kernel: for bytes that are in our own buffers. */
void os_watch_feed(struct os_watch *w, int ready);

/* ---- signals ---- */

struct os_signal {
    ev_signal ev;
    struct os_loop *loop;
    void (*on_signal)(void *owner);
    void *owner;
};

void os_signal_init(struct os_signal *s, struct os_loop *loop, int number,
                    void (*on_signal)(void *owner), void *owner);
void os_signal_stop(struct os_signal *s);

/* ---- tasks: do this on the loop ---- */

struct os_task {
    struct list_link link;
    void (*run)(void *owner);
    void *owner;
};

void os_task_init(struct os_task *t, void (*run)(void *owner), void *owner);
/* Runs the task once, on the loop, never from inside this call; tasks run in the order they were
 * posted. A task that waits already stays where it is. What the caller wrote before posting is seen
 * by run(). */
void os_loop_post(struct os_loop *loop, struct os_task *t);
/* From the loop's thread: takes a waiting task back; harmless when it does not wait. */
void os_loop_unpost(struct os_loop *loop, struct os_task *t);

#endif
