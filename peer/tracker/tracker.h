/* tracker.h -- makes this peer's IPFS daemon hold exactly the pins that are allocated here (DESIGN 13).
 *
 *      touched CIDs, walks        turn: views in,                http calls to
 *      sync listings        --->  rows out              --->     the daemon
 *
 * Shape    Level-triggered: what the state says (by-holder index) against what was done (rows of
 *          LOCAL_TABLE_TRACKER). Operations exist in memory only for differences, in a bounded pool; what
 *          does not fit is counted, and found by a walk once there is room: a pin in the state, an unpin by its
 *          row. Hints (touched CIDs) only make it fast. Unpins have a part of the pool and a walk to themselves:
 *          as many as may wait, no pin waits behind them.
 * Turn     The tracker reads views and writes rows only inside tracker_take_turn(). Answers of the daemon
 *          arrive between turns and ask for one by on_wake.
 * Durable  A CID's row is durable before the daemon hears of it, and only CIDs with a row are ever
 *          unpinned, in the row's mode: an operator's own pins are never touched, and no pin of ours is
 *          forgotten. A pin of the operator's that the cluster is asked for, too, is the cluster's from then on.
 * Surplus  A pin that moved to other peers stays pinned here until the caller has heard that enough of them have it
 *          (tracker_next_surplus). A pin that a user removed goes at once.
 * Draining A pin of everybody's that the daemon does not have yet waits, as a row, until this peer is drained no more.
 * Grip     Of a peer on its way out more is surplus than what moved: what everybody holds, and in the end everything.
 * Time     now_us and the draw (jitter of pauses) are handed in.
 * Owner    The tracker owns its operations and http calls. tracker_destroy() forgets all at once; the
 *          caller sees to it that the port completes nothing into it any more (tracker_stop() cancels, and
 *          tracker_is_idle() tells when the last done() ran).
 * Errors   tracker_create: ERR_NOMEM. Failures of the daemon are no errors here: they are shown (status)
 *          and tried again, for ever, with growing pauses. */
#ifndef TRACKER_TRACKER_H
#define TRACKER_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/peer_id.h"
#include "port/http_client.h"
#include "port/view.h"
#include "state/pin.h"
#include "state/row_sink.h"
#include "util/log.h"

struct tracker_options {
    struct peer_id self;
    size_t concurrent_pins;  /* pin operations at the daemon at once; one unpin beside them */
    uint64_t pin_timeout_us; /* without progress of the numbers */
    uint64_t patience_us;    /* the same, while others wait for the slot */
    uint64_t unpin_timeout_us;
    uint64_t request_timeout_us;   /* of all other requests */
    uint64_t retry_min_us;         /* the first pause; doubled each time */
    uint64_t retry_max_us;         /* its cap */
    uint64_t young_us;             /* pins that users asked for so lately go first; 0: none */
    uint32_t young_attempts_max;   /* unless they failed more often */
    uint64_t surplus_pause_max_us; /* asking anew whether a surplus pin may go; the pauses double */
    uint64_t surplus_pause_going_us; /* the same, of a peer on its way out */
    bool keeps_surplus;              /* false: what moved away goes at once, nobody is asked */
    bool never_unpins;               /* by the operator's word: an unpin is an error that says so */
    uint64_t recover_us; /* a walk that also takes up what is in error; 0: never by itself */
    uint64_t sync_us;    /* compare with the daemon's list; 0: never by itself */
    size_t ops_max;      /* operations in memory, but for unpins */
    size_t unpins_max;   /* unpins in memory */
    size_t touched_max;  /* hints in memory */
};
/* The defaults of all but `self`. */
void tracker_options_default(struct tracker_options *o);

struct tracker_hooks {
    void (*on_wake)(void *owner); /* a turn is wanted, or the next deadline is earlier */
    void (*on_add)(void *owner, const struct pin *pin); /* the daemon was just asked to pin it */
    void *owner;
};

struct tracker;

int tracker_create(struct tracker **out, const struct tracker_options *options,
                   struct http_client *client, const struct log *log,
                   const struct tracker_hooks *hooks);
void tracker_destroy(struct tracker *t);
/* No new calls to the daemon; those under way are canceled. */
void tracker_stop(struct tracker *t);
bool tracker_is_idle(const struct tracker *t); /* no call to the daemon is under way */

/* ---- input ---- */

/* The state has caught up with what was committed when this peer started; it is at `applied`. Before that, what the state
 * does not name may be named by entries still to be applied, and nothing is unpinned. */
void tracker_on_current(struct tracker *t, uint64_t applied);
/* The state changed this CID's pin: a user's wish, or the cluster's own doing. */
void tracker_on_touched(struct tracker *t, const struct cid *cid, bool by_user);
/* Everything may have changed: start-up, another generation. */
void tracker_walk(struct tracker *t);
/* Take up what is in error now: one, or all (a walk). */
void tracker_recover(struct tracker *t, const struct cid *cid);
void tracker_recover_all(struct tracker *t);
/* Compare with what the daemon says. */
void tracker_sync_all(struct tracker *t);
void tracker_sync(struct tracker *t, const struct cid *cid);
/* The rows of turns up to this number are durable. */
void tracker_on_durable(struct tracker *t, uint64_t turn_number);

/* Is this peer drained, by the state that the next turn sees? */
void tracker_set_draining(struct tracker *t, bool is_draining);

/* ---- pins that moved away ---- */

enum tracker_grip {
    GRIP_ALL,     /* what the state gives this peer, by name or as one of all */
    GRIP_NAMED,   /* what it gives this peer by name; copies that everybody has are surplus */
    GRIP_NOTHING, /* every copy is surplus */
};
void tracker_set_grip(struct tracker *t, enum tracker_grip grip);
/* How many pins the daemon holds by our rows that no answer has let go yet. False: still counting. */
bool tracker_kept(const struct tracker *t, uint64_t *out);

/* The next one that is still held, to be asked about: do enough of its new holders have it? False: none now. */
bool tracker_next_surplus(struct tracker *t, struct cid *out);
/* The answer; it takes effect in the next turn. `may_go` false: it is given out again after a pause. */
void tracker_on_surplus(struct tracker *t, const struct cid *cid, bool may_go);

/* ---- turns ---- */

enum {
    /* What one turn may take of each of its views, and put into the sink. */
    TRACKER_TURN_STEPS_MAX = 2048,
    TRACKER_TURN_ROWS_MAX = 1024,
};

struct tracker_turn {
    uint64_t now_us;
    int64_t wall_s; /* stored as "since", only shown */
    uint64_t draw;
    uint64_t applied;      /* the index of the last entry in `state` */
    struct view *state;    /* of MAP_STATE */
    struct view *local;    /* of MAP_LOCAL, showing every row put before */
    struct row_sink *sink; /* of MAP_LOCAL */
};

bool tracker_wants_turn(const struct tracker *t, uint64_t now_us);
/* Returns the turn's number if rows went into the sink (then tracker_on_durable() must follow), else 0.
 * A code of a view (ERR_CORRUPT, ERR_IO) leaves by *err; what it hid is tried again later. */
uint64_t tracker_take_turn(struct tracker *t, const struct tracker_turn *turn, int *err);
uint64_t tracker_next_deadline_us(const struct tracker *t);
/* Would an operation start if its row were durable? If not, rows may gather: what the daemon answered is found out again
 * after a crash. */
bool tracker_waits_for_rows(const struct tracker *t);

/* ---- looking ---- */

struct tracker_counts {
    uint64_t pin_queued;  /* in memory; a walk may still find more */
    uint64_t pin_untried; /* without an attempt yet; also those that have no room in memory */
    uint64_t pinning;
    uint64_t unpin_queued;
    uint64_t unpinning;
    uint64_t in_error;         /* operations that wait for their next attempt */
    uint64_t overflows;        /* hints lost, and found again by a walk */
    uint64_t adds_count;       /* pins that the daemon was asked for */
    uint64_t add_errors_count; /* those that failed */
    bool is_walking;
    bool daemon_is_down; /* the last call did not reach it */
};
struct tracker_counts tracker_counts(const struct tracker *t);

/* How many CIDs this peer shows in each status: kept, not counted, but for the first walk after a start. What no row is
 * written for yet is not in it; nor what is REMOTE. */
struct tracker_summary {
    uint64_t pinned;
    uint64_t pinning;
    uint64_t pin_queued;
    uint64_t pin_error;
    uint64_t unexpectedly_unpinned;
    uint64_t unpinning;
    uint64_t unpin_queued;
    uint64_t unpin_error;
    bool is_complete; /* false: still counting */
};
struct tracker_summary tracker_summary(const struct tracker *t);

#endif
