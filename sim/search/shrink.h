/* shrink.h -- a run that fails, made small: the shortest scenario that fails by the same checker.
 *
 *      scenario, seed --unroll()--> plot of hundreds of lines --edits--> plot of a few
 *
 * Shape    Greedy: an edit that leaves a failing run is kept. Edits take away faults (beginning and end together) in halves,
 *          quarters, ..., then lines, peers, clients; shorten waits; try other seeds; let the choices of whole kinds
 *          be 0 (`still`). A batch of edits of one plot is played at once, and the first that fails counts; so
 *          the result does not depend on how many are played side by side.
 * Same     Failing again means: the same checker; of an assertion the same one; of the scenario itself the same step, with
 *          faults in force if and only if they were. So a peer that is never started again is not mistaken for one
 *          that does not come back, as long as the expectation is looked at after the faults.
 * Owner    The caller plays (play()): here, or in other processes. shrink_deinit() frees the rest.
 * Errors   None; when play() says that time is over, `best` is what there is. */
#ifndef SIM_SEARCH_SHRINK_H
#define SIM_SEARCH_SHRINK_H

#include "sim/search/play.h"
#include "sim/search/plot.h"
#include "sim/search/unroll.h"

enum { SHRINK_BATCH_MAX = 64 };

struct shrink_try {
    struct plot plot;
    bool fails;      /* out */
    uint64_t events; /* out */
};

struct shrink {
    struct plot best;
    uint64_t events; /* of its run */
    unsigned tries;
    size_t batch; /* how many are played at once, at first */
    /* Plays all of them by shrink_play(). False: time is over. */
    bool (*play)(void *owner, struct shrink_try *tries, size_t count);
    void *owner;
    /* What has to stay so. */
    struct play_result goal;
    struct buf goal_step; /* of the scenario's own failure: the step, without its time */
    bool is_over;
};

/* From a failing run. False: what was told of it (unroll.h) does not fail in the same way, nor does the scenario itself. */
bool shrink_begin(struct shrink *s, const struct script *script, uint64_t seed);
void shrink_run(struct shrink *s);
void shrink_deinit(struct shrink *s);

/* Plays one, in this process. */
void shrink_play(const struct shrink *s, struct shrink_try *t);

/* ---- shrink_edit.c: one change; false: there is nothing of the sort there ---- */
typedef bool (*shrink_edit)(struct plot *p, size_t at, unsigned variant);

/* Lines in a unit go together: those of a deed, else each alone. */
size_t edit_units(const struct plot *p, size_t *unit_of_line);
enum { EDIT_WAIT_VARIANTS = 3, EDIT_CLIENTS_VARIANTS = 6, EDIT_SEEDS = 4, EDIT_BITES = 3 };
bool edit_wait(struct plot *p, size_t at, unsigned variant);
bool edit_clients(struct plot *p, size_t at, unsigned variant);
bool edit_round(struct plot *p, size_t at, unsigned variant);   /* 177081us: 200ms */
bool edit_untry(struct plot *p, size_t at, unsigned variant);   /* try crash 1: crash 1 */
bool edit_machine(struct plot *p, size_t at, unsigned variant); /* one machine less */
bool edit_seed(struct plot *p, size_t at, unsigned variant);    /* a lower seed, from 1 */
bool edit_still(struct plot *p, size_t at,
                unsigned variant); /* all the choices of the world are 0 */
bool edit_merge(struct plot *p, size_t at, unsigned variant); /* two `network` lines in one */
bool edit_bite(struct plot *p, size_t at,
               unsigned variant); /* options and faults, all faults, all options */
bool edit_unstill(struct plot *p, size_t at, unsigned variant);

#endif
