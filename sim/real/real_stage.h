/* real_stage.h -- the other world of a scenario: real processes on loopback, real time.
 *
 * Shape    The same stage that the simulator gives (script/stage.h), made of processes: `ipfs-cluster-service` beside this
 *          program, stand-in IPFS daemons, and a fault proxy between the peers. Crash is SIGKILL, pause SIGSTOP, cut the
 *          proxy. What this world cannot do is said, line by line, and skipped.
 * Needs    No rights, no network. What runs is killed at the end; the folder stays if the run failed.
 * Source   DESIGN 21. */
#ifndef SIM_REAL_REAL_STAGE_H
#define SIM_REAL_REAL_STAGE_H

#include "sim/search/play.h"

/* `programs`: the folder of ipfs-cluster-service and ipfs-cluster-sim. */
void real_play(const struct script *script, uint64_t seed, const char *programs,
               struct play_result *out);

#endif
