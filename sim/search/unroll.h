/* unroll.h -- a run with drawn faults, as the scenario that says each of them: when, to whom.
 *
 *      faults drawn            network loss 2.1000%
 *      wait 60s        -->     wait 3717ms
 *                              try crash 4
 *                              wait 812ms
 *                              ...
 *
 * Shape    The scenario is played and listened to. Everything else that chance decides stays with the seed: choices have
 *          lanes of their own kind, so the run of the longer scenario is the same, save that a few events are numbered
 *          otherwise. Where faults strike during a step that is not a wait (a pin), they come before it; that run may
 *          be another one.
 *          The plot ends where the run ended: what was not reached is left out.
 * Owner    The caller's plot and result, both empty before. */
#ifndef SIM_SEARCH_UNROLL_H
#define SIM_SEARCH_UNROLL_H

#include "sim/search/play.h"
#include "sim/search/plot.h"

void unroll(const struct script *script, uint64_t seed, struct plot *out,
            struct play_result *result);

#endif
