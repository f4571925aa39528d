/* plan.h -- what goes wrong in a run, how often and how badly: drawn from the seed, or nothing.
 *
 * Shape    Swarm testing: each class of fault is on with a chance of one half, and then gets a strength of its
 *          own; so most runs have another mix, and some are free of exactly the fault that would have hidden a
 *          defect. What is single (this frame, this request) has a chance per million; what lasts (a crash, a
 *          cut, a slow disk) has a rhythm: how long nothing happens, how long it then lasts.
 * Units    Microseconds, per million.
 * Source   Groce et al., Swarm Testing (ISSTA 2012). */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "fault/dice.h"
#include "util/buf.h"

#define FAULT_CLASSES(X)                                                                           \
    X(FAULT_LOSS, "loss")                                                                          \
    X(FAULT_COPIES, "copies")                                                                      \
    X(FAULT_REFUSALS, "refusals") /* the queue to a peer is said to be full */                     \
    X(FAULT_DELAY, "delay")                                                                        \
    X(FAULT_LATE, "late")                                                                          \
    X(FAULT_REORDER, "reorder")                                                                    \
    X(FAULT_BREAKS, "breaks")                                                                      \
    X(FAULT_CUTS, "cuts")                                                                          \
    X(FAULT_ONE_WAY, "one-way cuts")                                                               \
    X(FAULT_CRASHES, "crashes")                                                                    \
    X(FAULT_PAUSES, "pauses")                                                                      \
    X(FAULT_SLOW_DISKS, "slow disks")                                                              \
    X(FAULT_HUNG_DISKS, "hung disks")                                                              \
    X(FAULT_DRIFT, "drift")                                                                        \
    X(FAULT_WALL_JUMPS, "wall jumps")                                                              \
    X(FAULT_SLOW_IPFS, "slow ipfs")                                                                \
    X(FAULT_HANGING_IPFS, "hanging ipfs")                                                          \
    X(FAULT_ERRING_IPFS, "erring ipfs")                                                            \
    X(FAULT_DEAD_IPFS, "dead ipfs")                                                                \
    X(FAULT_LOST_PINS, "lost pins")                                                                \
    X(FAULT_HTTP, "http breaks")                                                                   \
    X(FAULT_STOPS, "orderly stops")                                                                \
    X(FAULT_FULL_DISKS, "full disks")                                                              \
    X(FAULT_FAILING_DISKS, "failing disks")                                                        \
    X(FAULT_MANGLED, "mangled frames") /* cut off in the middle, or a bit turns */                 \
    X(FAULT_ROT, "rot")                /* durable records: a bit turns, one goes, or moves */      \
    X(FAULT_LOST_DISKS, "lost disks")                                                              \
    X(FAULT_MEMORY, "out of memory")                                                               \
    X(FAULT_JOINS, "joins")       /* of a new peer, or of one that was removed */                  \
    X(FAULT_REMOVALS, "removals") /* and then it comes back, or is told to stay */                 \
    X(FAULT_DRAINS, "drains")                                                                      \
    X(FAULT_RINGS, "rings")           /* each reaches its two neighbours only */                   \
    X(FAULT_BRIDGES, "bridges")       /* two sides, and one that reaches both */                   \
    X(FAULT_PICKY_IPFS, "picky ipfs") /* one of its commands errs, is slow, hangs or lies */       \
    X(FAULT_LYING_IPFS, "lying ipfs") /* about its free space */                                   \
    X(FAULT_COLLECTS, "collecting ipfs")                                                           \
    X(FAULT_CLOGS, "clogs") /* a direction keeps what is sent, and gives it up at once, later */

enum fault_class {
#define X(name, text) name,
    FAULT_CLASSES(X)
#undef X
        FAULT_CLASSES_COUNT
};

const char *fault_class_name(enum fault_class class);
bool fault_class_find(struct bytes name, enum fault_class *out);

struct fault_rhythm {
    uint64_t gap_min_us; /* 0: it never happens */
    uint64_t gap_max_us;
    uint64_t lasts_min_us;
    uint64_t lasts_max_us;
};

struct fault_plan {
    bool has[FAULT_CLASSES_COUNT];
    uint64_t loss_per_million;
    uint64_t copies_per_million;
    uint64_t refusals_per_million;
    uint64_t delay_us;
    uint64_t jitter_us;
    uint64_t late_per_million;
    uint64_t late_us;
    uint64_t reorder_per_million;
    uint64_t breaks_per_million;
    uint64_t mangled_per_million;
    uint64_t http_breaks_per_million;
    uint64_t http_refusals_per_million;
    int64_t drift_max_ppm;
    uint64_t wall_jump_max_us;
    uint64_t slow_ipfs_us;
    /* Rot and lost disks strike this machine only: what is lost there the others have to have. (An older image that is
     * put back is nothing for chance: a leader of a later term cannot know of it, docs/MEMBERSHIP.md.) */
    unsigned weak;
    unsigned liar; /* wall clocks jump here only: pins expire by the median of the voters' */
    struct fault_rhythm rhythms[FAULT_CLASSES_COUNT];
};

void fault_plan_none(struct fault_plan *p);
/* The same plan, free of these classes (bit `class` is set): nothing else changes. */
void fault_plan_spare(struct fault_plan *p, uint64_t classes);
/* What the classes from FAULT_JOINS on draw comes from `later`: to all the others a run is what it was before there were any
 * of these. Those from FAULT_CLOGS on draw behind all that is before them. */
void fault_plan_draw(struct fault_plan *p, const struct fault_dice *dice,
                     const struct fault_dice *later, unsigned machines_count);
/* "loss 2.1000%, crashes every 3s..40s": for reports. */
void fault_plan_print(const struct fault_plan *p, struct buf *out);

#endif
