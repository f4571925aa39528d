/* world.h -- a simulated cluster: machines, the network between them, their IPFS daemons, and their clients.
 *
 *      machine:  peer.c on { clock, dice, transport, disk, http client } + IPFS daemon + files beside the data
 *
 * Shape    A machine is made once; its process comes and goes. A start goes through peer_create() and whatever
 *          its disk kept, as in production; a crash drops the peer's memory with peer_destroy().
 *          What a real peer keeps beside its data folder (cluster id, list of peers) survives a crash and a wipe.
 * Verdict  The first failure of a checker, or a failed expectation of the world itself, stops the run.
 * Units    Microseconds of virtual time; machines count from 1.
 * Owner    The world owns everything in it. world_destroy() leaves nothing behind: the ten-thousandth world of a
 *          process is like the first.
 * Errors   The simulator's own memory running out asserts. */
#ifndef SIM_WORLD_WORLD_H
#define SIM_WORLD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "fault/plan.h"
#include "peer.h"
#include "sim/check/check.h"
#include "sim/kernel/sim.h"
#include "sim/script/stage.h"

enum { WORLD_MACHINES_MAX = 32 };

struct world_hooks_out {
    struct trace_hooks trace;
    /* A peer's log line; NULL: nobody reads them. */
    void (*on_log)(void *owner, uint64_t at_us, unsigned who, const struct log_line *line);
    /* What a drawn fault does, as a step of a scenario would say it. Its beginning and its end have the same number. */
    void (*on_deed)(void *owner, uint64_t at_us, unsigned number, const char *step);
    /* The scenario goes on to its next step. */
    void (*on_step)(void *owner, uint64_t at_us, const struct script_step *step);
    /* What all peers are told, with what was drawn. */
    void (*on_options)(void *owner, const struct peer_options *options);
    void *owner;
    enum log_level log_level;
};

struct world_options {
    uint64_t seed;
    unsigned founders_count; /* machines 1.. start from one list of peers */
    unsigned spares_count;   /* further machines, which may join */
    struct peer_options
        peer;             /* what all peers are told; identity and lists are the machine's own */
    bool is_supervised;   /* who exits by a fault is started again after a second */
    const bool *is_still; /* by choice_kind: not drawn but 0. NULL: none */
    bool has_uploads;     /* contents are bytes that can be added */
    bool options_drawn;   /* batch sizes, windows, timeouts: from the seed */
    struct choice_log *record;
    const struct choice_log *replay;
    unsigned hash_every_log2;
    uint64_t events_max; /* more are a failure ("limit"); 0: no limit */
    struct world_hooks_out hooks;
};

struct world_failure {
    bool happened;
    const char *checker;
    struct buf text;
    uint64_t at_us;
};

struct world;

struct world *world_create(const struct world_options *options);
void world_destroy(struct world *w);

uint64_t world_time_us(const struct world *w);
uint64_t world_events(const struct world *w);
struct hash128 world_hash(struct world *w);
const struct world_failure *world_failure(const struct world *w);
struct checks_counts world_checks(const struct world *w);
/* Nothing that a scenario or a plan does is in force: all founders run, and who else was started; nothing is cut, slow
 * or lossy. */
bool world_is_calm(const struct world *w);
/* The last plan that was drawn, in words; "" when none was. */
const char *world_faults(struct world *w);
/* False: it has failed. */
bool world_pass(struct world *w, uint64_t until_us);
/* What a scenario plays on. */
struct stage world_stage(struct world *w);

#endif
