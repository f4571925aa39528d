/* tracker_world.h -- a peer's tracker with all it touches: the state, its own rows, a disk that may be slow, a
 * daemon of switches, and time that passes from deadline to deadline. */
#ifndef TESTS_LIB_TRACKER_WORLD_H
#define TESTS_LIB_TRACKER_WORLD_H

#include "fake_kubo.h"
#include "fake_map.h"
#include "state/pinset.h"
#include "test_ids.h"
#include "tracker/tracker.h"
#include "tracker/tracker_status.h"

enum { SELF = 1, OTHER = 2, SECOND = 1000000 };

struct world {
    struct fake_map state;
    struct fake_map local;
    struct fake_map durable; /* local, as a crash would leave it */
    struct pinset *set;
    uint64_t index;
    struct fake_kubo kubo;
    struct tracker *tracker;
    struct tracker_options options;
    uint64_t now_us;
    int64_t wall_s;
    uint64_t undurable; /* the turn whose rows are not on disk yet */
    bool disk_is_slow;
    bool is_behind; /* the state of a tracker that starts */
    size_t turns;
    uint64_t steps;     /* of views, in all turns */
    struct arena texts; /* of world_info() */
};

/* A peer that has just started: 4 pins at once, 16 pins, 16 unpins and 8 hints in memory. */
struct world *world_new(void);
void world_free(struct world *w);
/* A tracker with w->options; the old one is to be destroyed before. */
void world_start(struct world *w);
/* The process dies and comes back with what was on its disk. */
void world_crash(struct world *w);

bool world_turn(struct world *w); /* false: none was wanted */
void world_sync_disk(struct world *w);
/* A turn, the disk, the daemon. False: nobody had anything to do. */
bool world_step(struct world *w);
/* Until nothing more happens at this moment. */
void world_run(struct world *w);
/* Time passes, deadline by deadline. */
void world_pass(struct world *w, uint64_t span_us);

struct pinset_applied world_apply_unseen(struct world *w, const struct pin_entry *e);
void world_apply(struct world *w, const struct pin_entry *e);
void world_pin_mode(struct world *w, uint32_t n, uint32_t holder,
                    int32_t depth);          /* holder 0: everybody */
void world_pin(struct world *w, uint32_t n); /* here, recursive */
void world_unpin(struct world *w, uint32_t n);
/* More hints than fit, none of which says anything. */
void world_overflow(struct world *w);

struct tracker_info world_info(struct world *w, uint32_t n);
const char *world_status(struct world *w, uint32_t n);
bool world_holds(struct world *w, uint32_t n); /* does the daemon? */

#endif
