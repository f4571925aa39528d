/* real_load.h -- clients that keep asking real peers: each pins, unpins, uploads or reads one of a few contents, waits for the
 * answer, rests, and asks again. What they saw goes to the checkers (linearizable, promises), as in sim/world/load.c.
 *
 * Shape    Polled: real_load_step() looks who has an answer and who has rested.
 * Differs  From the simulated ones: no keys, so nothing is asked twice; uploads are sent at once.
 * Owner    The load owns its clients. The stage and the checks outlive it. */
#ifndef SIM_REAL_REAL_LOAD_H
#define SIM_REAL_REAL_LOAD_H

#include "sim/check/check.h"
#include "sim/kernel/choose.h"
#include "sim/script/script.h"
#include "sim/script/stage.h"

struct real_load;

struct real_load *real_load_create(const struct stage *stage, unsigned machines_count,
                                   struct choose *choose, struct checks *checks,
                                   const struct script_step *step);
/* What is under way has an unknown outcome. NULL: nothing. */
void real_load_destroy(struct real_load *l);
void real_load_step(struct real_load *l); /* NULL: nothing */

#endif
