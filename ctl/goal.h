/* goal.h -- has a pin arrived where somebody waits for it? Read from its status on all peers.
 *
 * Shape    The goal is a status ("pinned", "unpinned") on `peers_min` peers, or, with 0, on every peer
 *          that is to hold the pin. An error on one of those ends the wait: it will not be reached soon,
 *          and somebody should look. What a peer says that is not to hold the pin does not count: an
 *          unreachable one would make every wait fail that has nothing to do with it.
 * Source   V1's --wait (SPEC 6.3), which does count those. */
#ifndef CTL_GOAL_H
#define CTL_GOAL_H

#include <stddef.h>

#include "util/json.h"

struct goal {
    const char *status;
    size_t peers_min; /* 0: all */
};

enum goal_verdict {
    GOAL_AHEAD, /* something is still to be done */
    GOAL_REACHED,
    GOAL_FAILED, /* there is an error on a peer that matters */
};

/* The document is the status of one CID (GET /pins/CID). */
enum goal_verdict goal_judge(const struct goal *goal, const struct json_doc *doc);

#endif
