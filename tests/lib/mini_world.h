/* mini_world.h -- just enough of a simulator's kernel to drive sim/world/ in a test: an event list and
 * seeded choices. */
#ifndef TESTS_LIB_MINI_WORLD_H
#define TESTS_LIB_MINI_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/world/hooks.h"

struct mini_event {
    uint64_t at_us;
    void (*run)(void *arg);
    void *arg;
};

enum { MINI_EVENTS_MAX = 4096 };

struct mini_world {
    struct world_hooks hooks;
    uint64_t now_us;
    uint64_t random;
    bool is_calm; /* all choices are 0 */
    size_t events_count;
    struct mini_event events[MINI_EVENTS_MAX]; /* ascending by time, then by age */
};

void mini_world_init(struct mini_world *w, uint64_t seed);
/* Runs the next event; false when there is none. */
bool mini_world_step(struct mini_world *w);
void mini_world_run(struct mini_world *w); /* until nothing is left */
uint64_t mini_random(uint64_t *state);     /* for the test's own draws, too */

#endif
