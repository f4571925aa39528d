/* register.h -- is what clients saw of one register possible if all of them had used it one after another?
 *
 * Shape    Calls and returns in the order of time. A write sets a value, a read says one; each happened at some
 *          moment between its call and its return (linearizability). The answer comes as soon as it is certain:
 *          every function says false from the first return on that cannot be explained.
 * Values   Any; 0 at first. The fewer writes share a value, the sharper the eye.
 * Owner    An operation is the register's from call to return, unknown or drop; whoever called names it by its
 *          pointer until then.
 * Cost     Grows with the operations that overlap, not with the length of the history: what has returned is
 *          forgotten. When too many overlap it gives up (has_given_up), and says true for ever.
 * Source   Wing and Gong 1993; pruned as Lowe 2017 ("just-in-time linearization"). */
#ifndef SIM_CHECK_REGISTER_H
#define SIM_CHECK_REGISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/list.h"

enum { REGISTER_OPEN_MAX = 64, REGISTER_GUESSES_MAX = 512 };

struct register_op;

/* One way in which all that was seen can have come about. */
struct register_guess {
    uint64_t value;
    uint64_t written; /* when `value` was, at the earliest moment that is left for it */
    uint64_t done;    /* open operations that have happened, by place */
};

struct register_history {
    uint64_t calls;          /* calls and returns so far: all the time that matters here */
    uint64_t clock;          /* as far as it has been looked at */
    struct list_link events; /* calls and returns that cannot be looked at yet, in order */
    struct register_op *open[REGISTER_OPEN_MAX];
    uint64_t places;  /* of `open`, that are taken */
    uint64_t unknown; /* of those, writes that never return */
    struct register_guess guesses[REGISTER_GUESSES_MAX];
    unsigned guesses_count;
    bool has_given_up;
    bool has_failed;
};

void register_init(struct register_history *h);
void register_deinit(struct register_history *h);
struct register_op *register_call(struct register_history *h, bool is_write, uint64_t value);
/* `value`: what a read saw. */
bool register_return(struct register_history *h, struct register_op *op, uint64_t value);
/* A write may have happened, or may still. */
bool register_unknown(struct register_history *h, struct register_op *op);
/* It has not happened and will not, or a read saw nothing. */
bool register_drop(struct register_history *h, struct register_op *op);

#endif
