/* sweep.h -- one scenario, many seeds.
 *
 * Shape    Seeds first, first + 1, ...; each in a world of its own. With `twice`, each is played again and has to
 *          leave the same trace hash. on_result sees every run as it ends. */
#ifndef SIM_SEARCH_SWEEP_H
#define SIM_SEARCH_SWEEP_H

#include "sim/search/play.h"

struct sweep {
    uint64_t first;
    uint64_t count;
    bool twice;
    void (*on_result)(void *owner, const struct play_result *r);
    void *owner;
    /* Out. */
    uint64_t passed;
    uint64_t failed;
    uint64_t differed; /* the second run was another one; counted in failed, too */
    uint64_t events;
    uint64_t virtual_us;
    struct checks_counts checks;
};

void sweep_run(struct sweep *s, const struct script *script);

#endif
