/* checks_alone.h -- the checkers without a simulator: a test says what happened, and sees what they say of it.
 *
 * Shape    One set of checks for the process, over machines 1..n, each with a name of its own; `seen` keeps the first
 *          complaint. Time passes by passes(), and by a microsecond with each fact.
 * Owner    begin_checks() makes it, end_seeing() ends it. */
#ifndef TESTS_LIB_CHECKS_ALONE_H
#define TESTS_LIB_CHECKS_ALONE_H

#include "sim/check/check.h"

enum { SECOND = 1000000, CHECKS_ALONE_MAX = 5 };

extern struct checks *checks;
extern struct peer_id ids[CHECKS_ALONE_MAX + 1]; /* by machine */
extern struct checks_seen {
    char checker[64]; /* "": nothing was complained of */
    char text[512];
    uint64_t now_us;
    unsigned sick; /* this one's daemon is not well; 0: all are */
} seen;

/* `health` NULL: who is alive is not watched. Of the network: no loss, half a millisecond. */
void begin_checks(unsigned machines, const struct checks_health *health);
void tell(unsigned who, struct peer_fact fact);
void leads(unsigned who, uint64_t term);
/* Members 1..members, of which 1..voters vote, by entry `index`. */
void tell_config(unsigned who, uint64_t index, unsigned members, unsigned voters);
/* One of `voters` founders starts, with an empty disk but for the list of them. */
void founder_starts(unsigned who, unsigned voters);
/* In quarters of a second: is something overdue? */
void passes(uint64_t us);
void expect_nothing(void);
void end_seeing(const char *checker); /* "": nothing */

#endif
