/* exhaust.h -- a few rafts, and every order in which things can happen to them.
 *
 *      2 or 3 rafts, founded, one of them leading
 *        -> deliver the next message of a channel, or lose it
 *        -> a disk finishes a unit          each of these, at every moment, up to a depth,
 *        -> a deadline passes               and within the limits of `exhaust_limits`
 *        -> the leader is asked for an entry
 *        -> one crashes, its unit kept or lost, and starts again
 *
 * Shape    Depth first. A state is reached again by playing its path from the beginning; a path is a list of actions, and
 *          nothing else decides. Each raft has a clock of its own, which only its own deadlines move, so what happens at
 *          one does not depend on the order of what happens at others.
 * States   A raft is a function: two paths that gave each raft the same inputs, and left the same messages on their way,
 *          are in the same state, which is looked into once. (64 bits of hash say so.)
 * Checks   Election safety, log matching, commit only with a majority of disks, leader completeness, one entry an index,
 *          votes and acknowledgements only of what is on the disk; and the core's own assertions.
 * Owner    exhaust_run() leaves nothing behind but the result; its path is the caller's to free. */
#ifndef SIM_SEARCH_EXHAUST_H
#define SIM_SEARCH_EXHAUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum { EXHAUST_NODES_MAX = 3, EXHAUST_DEPTH_MAX = 64, EXHAUST_CHOICES_MAX = 64 };

enum exhaust_kind {
    EXHAUST_DELIVER, /* a: from, b: to */
    EXHAUST_LOSE,
    EXHAUST_STORED,    /* a */
    EXHAUST_DEADLINE,  /* a */
    EXHAUST_PROPOSE,   /* a */
    EXHAUST_CRASH,     /* a; what was being written is lost */
    EXHAUST_CRASH_KEEP /* a; what was being written is there */
};

struct exhaust_action {
    enum exhaust_kind kind;
    unsigned a;
    unsigned b;
};

struct exhaust_limits {
    unsigned nodes; /* 2 or 3 */
    unsigned depth;
    unsigned entries; /* proposed, at most; and so on */
    unsigned deadlines;
    unsigned crashes;
    unsigned losses;
    uint64_t states_max; /* 0: no limit */
};

struct exhaust_result {
    uint64_t states;  /* different ones */
    uint64_t actions; /* tried */
    unsigned deepest;
    bool is_complete;   /* everything within the limits was seen */
    struct buf failure; /* empty: nothing was found */
    struct exhaust_action path[EXHAUST_DEPTH_MAX];
    size_t path_len;
};

void exhaust_run(const struct exhaust_limits *limits, struct exhaust_result *out);
void exhaust_print_action(const struct exhaust_action *action, struct buf *out);

#endif
