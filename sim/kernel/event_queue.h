/* event_queue.h -- what happens next: events in order of (time, sequence).
 *
 * Shape    A binary heap. The sequence is a counter, so equal times keep the order in which they were
 *          pushed, and the order is total. An event that was pushed can be found again by its id: to
 *          cancel it, or to move it (a timer that is set anew).
 * Parked   event_queue_park() sets the first event aside (its owner is frozen); unpark brings all of one
 *          owner back, at a given time and in their old order.
 * Memory   Slots are reused; the arrays double when they are full and never shrink, so a steady state
 *          allocates nothing.
 * Units    Microseconds of virtual time. `who` 0 is the world itself.
 * Errors   The simulator's own memory running out asserts. */
#ifndef SIM_KERNEL_EVENT_QUEUE_H
#define SIM_KERNEL_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    uint64_t at_us;
    uint64_t seq; /* given by push */
    void (*run)(void *arg);
    void *arg;
    uint64_t payload; /* a hash of what it carries, for the trace */
    uint16_t kind;
    uint16_t who; /* whose event it is: frozen with its owner */
};

/* {0}: no event. Stays harmless after its event has run: it then names nothing. */
struct event_id {
    uint32_t slot;
    uint32_t birth;
};

struct event_node;
struct event_slot;

struct event_queue {
    struct event_node *heap;
    size_t count;
    struct event_slot *slots;
    size_t size; /* of both arrays */
    uint32_t free_slot;
    uint32_t *parked; /* slots, in order */
    size_t parked_count;
    size_t parked_size;
    uint64_t next_seq;
};

void event_queue_init(struct event_queue *q, size_t size);
void event_queue_deinit(struct event_queue *q);

struct event_id event_queue_push(struct event_queue *q, const struct event *event);
/* False: it has run, or was cancelled. */
bool event_queue_cancel(struct event_queue *q, struct event_id id);
/* As if it were cancelled and pushed anew, under its old id. */
bool event_queue_move(struct event_queue *q, struct event_id id, uint64_t at_us);
bool event_queue_has(const struct event_queue *q, struct event_id id);

/* The next event, without taking it; false when there is none (parked ones do not count). */
bool event_queue_first(const struct event_queue *q, struct event *out);
void event_queue_drop_first(struct event_queue *q);
void event_queue_park_first(struct event_queue *q);
void event_queue_unpark(struct event_queue *q, uint16_t who, uint64_t at_us);

/* Asserts the heap order; walks everything. */
void event_queue_check(const struct event_queue *q);

#endif
