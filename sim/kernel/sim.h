/* sim.h -- the kernel: virtual time jumps from event to event.
 *
 * Shape    sim_at() says what happens later; sim_run() lets it happen, in order of (time, sequence). Nothing
 *          else makes time pass, and nothing reads another clock.
 * Who      An event belongs to somebody: 0 the world, else a machine (its peer, its disk, what arrives at
 *          it). A frozen machine's events wait, in order, until it thaws: that is a paused process.
 * Trace    Each event is traced as it runs; sim_note() adds what is worth comparing between runs.
 * Owner    The queue borrows `arg`; who frees it cancels its events first.
 * Units    Microseconds of virtual time. */
#ifndef SIM_KERNEL_SIM_H
#define SIM_KERNEL_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/kernel/choose.h"
#include "sim/kernel/event_queue.h"
#include "sim/kernel/trace.h"

enum sim_kind {
    SIM_TIMER = 1, /* a peer's deadline */
    SIM_FRAME,     /* a frame arrives at a peer */
    SIM_LINK,      /* a connection comes up, breaks, is dialled */
    SIM_DISK,      /* a disk's completion */
    SIM_HTTP,      /* between a peer and its IPFS daemon */
    SIM_IPFS,      /* inside an IPFS daemon */
    SIM_CLIENT,    /* between a client and a peer */
    SIM_MISHAP,    /* the plan strikes */
    SIM_LIFE,      /* a machine starts, crashes, is wiped */
    SIM_FACT,      /* a note: what a peer told its observer */
    SIM_STEP,      /* a note: the scenario goes on to another line */
};

enum { SIM_WHO_COUNT = CHOICE_WHO_COUNT };

struct sim {
    uint64_t now_us;
    struct event_queue queue;
    struct choose choose;
    struct trace trace;
    bool is_frozen[SIM_WHO_COUNT];
    uint64_t instant_events; /* run since time last moved */
    uint64_t events_max;     /* stops behind so many; 0: never */
    bool is_stopped;         /* sim_stop(): a checker has seen enough */
};

void sim_init(struct sim *s, uint64_t seed, const struct trace_hooks *hooks, unsigned every_log2);
void sim_deinit(struct sim *s);

/* run(arg), after a delay, never from inside this call. `payload` is a hash of what it carries, or 0. */
struct event_id sim_at(struct sim *s, uint64_t delay_us, enum sim_kind kind, unsigned who,
                       uint64_t payload, void (*run)(void *arg), void *arg);
bool sim_cancel(struct sim *s, struct event_id *id); /* and clears the id */
/* Moves an event to another time, or makes a new one if `id` names none. */
void sim_at_again(struct sim *s, struct event_id *id, uint64_t at_us, enum sim_kind kind,
                  unsigned who, void (*run)(void *arg), void *arg);

/* Runs one event; false when there is none up to `until_us`, and time then stands at until_us. */
bool sim_step(struct sim *s, uint64_t until_us);
void sim_run(struct sim *s, uint64_t until_us);
void sim_stop(struct sim *s);

void sim_freeze(struct sim *s, unsigned who);
void sim_thaw(struct sim *s, unsigned who);

void sim_note(struct sim *s, enum sim_kind kind, unsigned who, uint64_t payload);
uint64_t sim_events(const struct sim *s);

#endif
