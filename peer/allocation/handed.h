/* handed.h -- what a repair has handed to whom, and how much of it may wait there still.
 *
 * Peers say how many pins wait in front of their daemons, not who gave them. So of what waits at a peer, a repair counts as
 * its own no more than it has handed to it, and what was seen to have gone is never counted again:
 *
 *      handed in the present window      fresh     no queue shows them yet; the budget counts these
 *      handed before                     shown     = min(shown, what waits now), at the end of every window
 *
 * Users may queue as much as they like beside it; a number that no queue can have changes nothing but for what that peer was
 * handed. Where users' pins wait as well, nobody can tell whose were done first: all that were handed count until fewer wait.
 *
 * Shape    A list of the peers that were handed something; who has none of it left leaves it.
 * Units    Pins. A window is that of struct budget. */
#ifndef ALLOCATION_HANDED_H
#define ALLOCATION_HANDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "util/limits.h"

struct handed_peer {
    struct peer_id id;
    uint64_t fresh;
    uint64_t shown;
};

/* {0}: nothing was handed out. */
struct handed {
    size_t count;
    struct handed_peer peers[LIMIT_MEMBERS_COUNT];
};

/* What waits at a peer, by its own account; {0} of one that says nothing. */
struct handed_queue {
    uint64_t queued;  /* for their first attempt */
    uint64_t running; /* being fetched */
};

void handed_give(struct handed *h, const struct peer_id *to);
/* How much of what waits at peers[i] may be ours. `turns`: a new window begins. */
struct handed_queue handed_of(struct handed *h, size_t i, const struct handed_queue *now,
                              bool turns);
/* Forgets peers that have nothing left; moves the others. */
void handed_tidy(struct handed *h);

#endif
