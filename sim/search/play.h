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
    uint64_t events_max; /* a run with more has failed ("limit"); 0: no limit */
    struct world_hooks_out hooks;
};

enum { PLAY_CHECKER_SIZE = 32 };

struct play_result {
    bool passed;
    /* Who found it: "election safety", "scenario", "assertion"; "" when passed. */
    char checker[PLAY_CHECKER_SIZE];
    unsigned line; /* of the scenario's last step that was begun */
    struct buf why;
    struct buf skipped; /* what this world cannot do: a line each */
    struct buf notes;   /* lines for people: where to look further */
    struct buf faults;  /* the plan, in words */
    uint64_t seed;
    uint64_t events;
    uint64_t virtual_us;
    bool is_real; /* of processes, in real time: no trace, and not the same again */
    bool is_calm; /* at its end no fault was in force (world_is_calm) */
    struct hash128 hash;
    struct checks_counts checks;
};

void play(const struct script *script, const struct play_options *options, struct play_result *out);
void play_result_deinit(struct play_result *r);
/* It failed, and this is who says so, in addition to what stands in `why` already. */
void play_result_blame(struct play_result *r, const char *checker, const char *why);
/* Are these two the same run? */
bool play_result_equal(const struct play_result *a, const struct play_result *b);
/* Plays the seed once more; a run that differs is one that failed ("determinism"). */
void play_again(const struct script *script, struct play_result *r);

/* As bytes, from one process of the simulator to another of the same build. Decoding: ERR_CORRUPT. */
void play_result_encode(const struct play_result *r, struct buf *out);
int play_result_decode(struct play_result *r, struct bytes bytes);

#endif
