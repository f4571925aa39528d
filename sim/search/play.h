/* play.h -- one run of one scenario with one seed, from an empty world to a verdict.
 *
 * Shape    Everything a run leaves is in the result; nothing of it is left in the process. A failed assertion
 *          of the peer is a verdict like another (such a run leaks its memory). */
#ifndef SIM_SEARCH_PLAY_H
#define SIM_SEARCH_PLAY_H

#include "sim/script/script.h"
#include "sim/world/world.h"

struct play_options {
    uint64_t seed;
    struct choice_log *record;
    const struct choice_log *replay;
    unsigned hash_every_log2;
    struct world_hooks_out hooks;
};

struct play_result {
    bool passed;
    const char
        *checker;  /* who found it: "election safety", "scenario", "assertion"; "" when passed */
    unsigned line; /* of the scenario's last step that was begun */
    struct buf why;
    struct buf notes;  /* steps that were skipped */
    struct buf faults; /* the plan, in words */
    uint64_t seed;
    uint64_t events;
    uint64_t virtual_us;
    struct hash128 hash;
    struct checks_counts checks;
};

void play(const struct script *script, const struct play_options *options, struct play_result *out);
void play_result_deinit(struct play_result *r);

#endif
