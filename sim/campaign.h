/* campaign.h -- many runs on all cores, and what is said of them: the common part of `run` and `sweep`.
 *
 * Shape    Each run is played in a child process (sim/real/workers.h), so that one that takes the simulator down with it
 *          is a failed run, and the rest goes on. What a run says does not depend on who played it, nor on when.
 * Output   stdout: verdicts, then a summary; with `json` one object a run and nothing else (the summary: stderr). On a
 *          terminal stderr shows how far it is.
 * Errors   An exit code of cmd.h. */
#ifndef SIM_CAMPAIGN_H
#define SIM_CAMPAIGN_H

#include "sim/search/sweep.h"

struct campaign {
    struct sweep sweep;
    uint64_t jobs;    /* child processes; 0: one a core */
    uint64_t seconds; /* no run begins later than this; 0: no such limit */
    bool verbose;     /* passed runs are told, too */
    bool json;
    const char *junit; /* a file; NULL: none */
    /* The state. */
    uint64_t begin_us;
    struct buf cases;
    bool shows_progress;
};

int campaign_run(struct campaign *c);

#endif
