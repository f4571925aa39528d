/* choose.h -- every uncertain thing of a run is a choose(): one seed, or one list of choices, is the run.
 *
 * Shape    A choice belongs to a lane: its kind and whose it is. Each lane has a random stream of its own,
 *          split off the seed by a keyed hash of the kind's name, so that one more draw in one lane leaves
 *          the others as they were. That is what makes a run shrinkable.
 * Log      choose_record() writes each choice down; choose_replay() reads them instead of drawing. A log
 *          may be edited: a missing choice reads as 0, one too large is taken modulo n.
 * Rule     0 is the harmless outcome of every choice of the world: no fault, the shortest delay. The peers' own draws
 *          know no such thing: peers that all draw 0 all stand for election at once, for ever. No floating point.
 * Owner    The logs belong to the caller and outlive the choose.
 * Errors   choice_log_decode: ERR_CORRUPT, ERR_VERSION. The simulator's memory running out asserts. */
#ifndef SIM_KERNEL_CHOOSE_H
#define SIM_KERNEL_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

#define CHOICE_KINDS(X)                                                                            \
    X(CHOICE_NAMES, "names")           /* peer ids, contents */                                    \
    X(CHOICE_PLAN, "plan")             /* which faults, how strong */                              \
    X(CHOICE_MISHAP, "mishap")         /* when the next crash, cut, ... comes, and to whom */      \
    X(CHOICE_NET_DELAY, "net-delay")   /* of one frame */                                          \
    X(CHOICE_NET_FAULT, "net-fault")   /* is this frame lost, copied, late */                      \
    X(CHOICE_LINK, "link")             /* connections: making and breaking them */                 \
    X(CHOICE_DISK_DELAY, "disk-delay") /* the disk's, as sim/world/hooks.h names them */           \
    X(CHOICE_DISK_GROUP, "disk-group")                                                             \
    X(CHOICE_DISK_FAULT, "disk-fault")                                                             \
    X(CHOICE_DISK_CRASH, "disk-crash")                                                             \
    X(CHOICE_DISK_DAMAGE, "disk-damage")                                                           \
    X(CHOICE_CLOCK, "clock")                                                                       \
    X(CHOICE_HTTP_DELAY, "http-delay") /* between a peer and its IPFS daemon */                    \
    X(CHOICE_HTTP_FAULT, "http-fault")                                                             \
    X(CHOICE_IPFS, "ipfs")         /* the stand-in daemon's */                                     \
    X(CHOICE_CLIENT, "client")     /* what clients ask, of whom, when */                           \
    X(CHOICE_SCENARIO, "scenario") /* what a scenario leaves open: "any" peer */                   \
    X(CHOICE_ELECTION, "election") /* the peers' own, as port/rng.h names them */                  \
    X(CHOICE_IDENTITY, "identity")                                                                 \
    X(CHOICE_BACKOFF, "backoff")                                                                   \
    X(CHOICE_ALLOCATION, "allocation")

enum choice_kind {
#define X(name, text) name,
    CHOICE_KINDS(X)
#undef X
        CHOICE_KINDS_COUNT
};

/* 0 is the world, then the machines. */
enum { CHOICE_WHO_COUNT = 35 };

const char *choice_kind_name(enum choice_kind kind);
bool choice_kind_find(struct bytes name, enum choice_kind *out);
/* Not one of the peers' own draws: here 0 is harmless. */
static inline bool choice_kind_is_world(enum choice_kind kind)
{
    return kind < CHOICE_ELECTION;
}

/* ---- the list of choices ---- */

struct choice_lane {
    uint64_t *values;
    size_t count;
    size_t size;
};

struct choice_log {
    struct choice_lane lanes[CHOICE_KINDS_COUNT][CHOICE_WHO_COUNT];
};

void choice_log_deinit(struct choice_log *log);
/* Adds one at the end of a lane, or changes an earlier one (beyond the end: filled up with 0). */
void choice_log_append(struct choice_log *log, enum choice_kind kind, unsigned who, uint64_t value);
void choice_log_set(struct choice_log *log, enum choice_kind kind, unsigned who, size_t at,
                    uint64_t value);
void choice_log_encode(const struct choice_log *log, struct buf *out);
/* Into an empty log. */
int choice_log_decode(struct choice_log *log, const void *bytes, size_t len);

/* ---- choosing ---- */

struct choose {
    uint64_t seed;
    struct {
        uint64_t state; /* of the lane's random stream */
        uint64_t count; /* choices made */
    } lanes[CHOICE_KINDS_COUNT][CHOICE_WHO_COUNT];
    bool is_still[CHOICE_KINDS_COUNT]; /* nothing is drawn: 0 */
    struct choice_log *record;
    const struct choice_log *replay;
};

void choose_init(struct choose *c, uint64_t seed);
void choose_record(struct choose *c, struct choice_log *log);
void choose_replay(struct choose *c, const struct choice_log *log);
/* From now on every choice of this kind is 0. */
void choose_still(struct choose *c, enum choice_kind kind);

/* 0..n-1. With n = 1 there is nothing to choose, and nothing is written down. */
uint64_t choose(struct choose *c, enum choice_kind kind, unsigned who, uint64_t n);
/* low..high, both included. */
uint64_t choose_between(struct choose *c, enum choice_kind kind, unsigned who, uint64_t low,
                        uint64_t high);
/* low..high with every doubling as likely as the next: for times from milliseconds to minutes. low >= 1. */
uint64_t choose_scale(struct choose *c, enum choice_kind kind, unsigned who, uint64_t low,
                      uint64_t high);
bool choose_chance(struct choose *c, enum choice_kind kind, unsigned who, uint64_t per_million);

#endif
