/* budget.h -- how many pins a repair may give to other peers now.
 *
 * Shape    Four limits, of which the tightest counts:
 *
 *              per second     pins
 *              in motion      pins of repairs that wait for their first attempt, and those given out since the daemons said so
 *              bytes/second   pins x the size of a pin
 *              bytes at once  pins in motion or being fetched x the size of a pin
 *
 * Trickle  So many a second go, whatever is in motion: where a daemon is slow, or its peer tells nonsense, pins with one
 *          copy left do not wait for it. Not beyond a limit of bytes, which somebody has asked for.
 * Sizes    Nobody knows the size of a pin before its last block has come: the state has none, Kubo tells how much has
 *          arrived and not how much there is, and who could add it up is the peer that is gone. What is known is
 *          how large the daemons' repositories are and how many pins they hold; so `pin_bytes` is the mean over the cluster,
 *          and the limits of bytes hold for many pins, not for a single one. It counts as too large rather than too small
 *          where repositories hold other things as well. 0: no daemon has told; then only pins are counted.
 * Large    A pin that is larger than a limit goes alone, and what it takes too much of a second is paid back: as pins, at the
 *          size that they are taken for now. A daemon that said nonsense of its repository holds nobody up for hours.
 * Units    Microseconds, bytes, pins. A limit of 0: none. */
#ifndef ALLOCATION_BUDGET_H
#define ALLOCATION_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget_limits {
    uint64_t per_second;
    unsigned percent_in_motion;  /* of all pins, and BUDGET_MOTION_MIN at least; 100: no limit */
    uint64_t trickle_per_second; /* not held up by what is in motion; 0: none */
    uint64_t bytes_per_second;   /* at most BUDGET_BYTES_PER_SECOND_MAX */
    uint64_t bytes_at_once;
};

#define BUDGET_BYTES_PER_SECOND_MAX ((uint64_t)1 << 40)

enum {
    BUDGET_MOTION_MIN = 1000, /* so many pins may be in motion in the smallest cluster */
    BUDGET_TRICKLE = 10,      /* trickle_per_second, as a rule */
};

/* What the peers said last. Of the pins that wait: those that repairs gave out before the present window (handed.h). */
struct budget_load {
    uint64_t pins;      /* of the state */
    uint64_t queued;    /* wait for their first attempt */
    uint64_t running;   /* are being fetched */
    uint64_t pin_bytes; /* the mean; 0: not known */
};

/* {0} is a full one. */
struct budget {
    uint64_t second_us;   /* when the present second began, ... */
    uint64_t this_second; /* ... and what was given in it */
    uint64_t given_us;    /* the same, for what no queue shows yet */
    uint64_t given;
    uint64_t paid_us; /* bytes were credited up to then; 0: never */
    int64_t credit;   /* bytes that may be given; less than 0: too many were */
    uint64_t owed;    /* pins that were given since there was credit last */
};

/* How many pins may be given now. After `queues_us` everybody's queue shows what was given out before. */
uint64_t budget_left(struct budget *b, const struct budget_limits *limits,
                     const struct budget_load *load, uint64_t now_us, uint64_t queues_us);
/* Does what was given out in this window show in the queues, so that the next budget_left() begins another? */
bool budget_turns(const struct budget *b, uint64_t now_us, uint64_t queues_us);
/* Is it what is in motion, or its bytes, that leaves no more than a trickle? */
bool budget_is_held(const struct budget *b, const struct budget_limits *limits,
                    const struct budget_load *load);
/* One was given. */
void budget_spend(struct budget *b, const struct budget_load *load);
/* When none is left for the sake of a second: the moment at which some will be. */
uint64_t budget_next_us(const struct budget *b, const struct budget_limits *limits);

#endif
