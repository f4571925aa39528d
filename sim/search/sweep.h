/* sweep.h -- scenarios and seeds: which runs there are, and what became of them.
 *
 * Shape    The runs are counted through: first all seeds of the first scenario, then of the next. sweep_job() names the
 *          next one, somebody plays it (this process, or a child), sweep_add() counts what it left.
 * Owner    The scripts are borrowed. */
#ifndef SIM_SEARCH_SWEEP_H
#define SIM_SEARCH_SWEEP_H

#include "sim/search/play.h"

struct sweep_job {
    size_t script;
    uint64_t seed;
};

struct sweep {
    const struct script *scripts;
    size_t scripts_count;
    uint64_t first;       /* seed; 0: the one that the scenario names, else 1 */
    uint64_t seeds_count; /* of each scenario */
    bool twice;           /* each run again: the trace hashes have to be equal */
    /* The state. */
    uint64_t begun;
    uint64_t passed;
    uint64_t failed;
    uint64_t events;
    uint64_t virtual_us;
    struct checks_counts checks;
};

uint64_t sweep_runs(const struct sweep *s);
/* False: all have begun. */
bool sweep_next(struct sweep *s, struct sweep_job *out);
void sweep_play(const struct sweep *s, const struct sweep_job *job, struct play_result *out);
void sweep_add(struct sweep *s, const struct play_result *r);

#endif
