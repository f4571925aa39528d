/* pinset.h -- the shared state: one committed entry in, rows out.
 *
 * Shape    The rows (tables.h) are the state; struct pinset keeps beside them only what the META, ORIGINS
 *          and MEMOS rows say: position, counts, hash, and which proposals of which member, and of which
 *          clients' keys, are applied.
 *
 *              view, entry  --pinset_apply-->  rows into the sink, what happened
 *              end of batch --pinset_finish->  META and the ORIGINS that changed, once
 *
 * Views    Must show every row that went into the sink before, also those of the batch still open.
 * Owner    pinset_create/destroy; the rest works on the caller's views, sink and arena.
 * Errors   An entry that cannot be obeyed is no error: the same counted no-op on every peer (outcome).
 *          Codes mean that this peer must not go on applying: ERR_VERSION (say "upgrade this peer"),
 *          ERR_CORRUPT and ERR_IO (a row of ours), ERR_NOMEM. Nothing was applied then, and the sink
 *          got nothing.
 * Same     Rows, counts and hash are a function of the entries alone: not of batch borders, not of
 *          restarts, not of this peer. */
#ifndef STATE_PINSET_H
#define STATE_PINSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/peer_id.h"
#include "port/view.h"
#include "state/digest.h"
#include "state/pin.h"
#include "state/pin_entry.h"
#include "state/row_sink.h"
#include "state/tables.h"
#include "util/arena.h"
#include "util/limits.h"

enum {
    /* What one pinset_apply() may take. */
    PINSET_APPLY_STEPS_MAX = 1,                          /* of the view */
    PINSET_APPLY_ROWS_MAX = 2 * LIMIT_MEMBERS_COUNT + 5, /* into the sink */
    /* What pinset_finish() may put, after any number of entries. */
    PINSET_FINISH_ROWS_MAX = LIMIT_ORIGINS_COUNT + 1,
    /* The newest replicated level this code obeys. */
    PINSET_LEVEL_MAX = 4,
    /* From this one on a member may be dismissed (RAFT_DISMISSED), and say what it keeps (KEEPS). */
    PINSET_LEVEL_DISMISSAL = 2,
    /* From this one on a pin of everybody gets no row by holder: its own row says as much, and a second leaf
     * of the tree was a third of what a pin cost. A row of before stays until its pin is written again. */
    PINSET_LEVEL_UNLISTED = 3,
    /* From this one on a CID may be longer than what builds of before read. */
    PINSET_LEVEL_LONG_CID = 4,
    PINSET_SHORT_CID_BYTES = 128,
};

struct pinset;
struct pinset_facts;

/* Empty: as before the first entry. */
int pinset_create(struct pinset **out);
void pinset_destroy(struct pinset *p);
/* Takes up what the rows say: at start-up and after a change of generation. An empty view is the empty
 * state. ERR_VERSION, ERR_CORRUPT, ERR_IO leave p as it was. */
int pinset_open(struct pinset *p, struct view *view);

/* What the rows of this view say of themselves, without taking them up; all zeroes for the empty state. */
int pinset_read_facts(struct view *view, struct pinset_facts *out);

/* What became of an entry. The numbers are stored (for duplicates); never renumber. */
enum pinset_outcome {
    PINSET_DONE = 1,
    PINSET_NOT_FOUND = 2, /* unpin: no such pin */
    PINSET_STALE = 3, /* the row moved since it was looked at; or a duplicate too old to remember */
    PINSET_REFUSED = 4, /* against the rules of pin.h, or bytes that are no entry */
    PINSET_OUTCOMES_COUNT = 5,
};
/* OK, ERR_NOT_FOUND, ERR_STALE, ERR_INVALID. */
int pinset_outcome_err(enum pinset_outcome outcome);

struct pinset_applied {
    enum pinset_outcome outcome;
    bool is_duplicate;        /* did nothing now; `outcome` is what the first one had */
    struct pin_origin origin; /* who waits for it */
    bool touched;             /* the pin of `cid` was written or removed: tell the tracker */
    struct cid cid;
    bool is_removed;
    bool is_automatic; /* no user asked for it: an entry of repair or expiry, which expects a row */
    /* Of a pin that was written, until the next call. */
    int32_t replication_min, replication_max;
    const struct peer_id *holders;
    size_t holders_count;
};

/* The level that the state must have before this entry may stand in the log: older builds cannot read it. */
uint32_t pinset_entry_level(const struct pin_entry *entry);
/* Apply the entry of kind RAFT_ENTRY_DATA at `index` (above every earlier one). */
int pinset_apply(struct pinset *p, struct view *view, struct row_sink *sink, uint64_t index,
                 uint64_t term, const void *payload, size_t len, struct pinset_applied *out);
/* An entry that is not the state's business (no-op, configuration) passes by: only the position moves. */
void pinset_pass(struct pinset *p, uint64_t index, uint64_t term);
/* Closes a batch. */
int pinset_finish(struct pinset *p, struct row_sink *sink);

/* ---- looking ---- */

struct pinset_facts {
    uint64_t applied_index;
    uint64_t applied_term;
    uint32_t level;
    bool has_cluster_id;
    uint8_t cluster_id[STATE_CLUSTER_ID_BYTES];
    uint64_t pins_count;
    /* Over the cluster's life. */
    uint64_t outcome_counts[PINSET_OUTCOMES_COUNT];
    uint64_t duplicates_count; /* not among the outcomes */
};
const struct pinset_facts *pinset_facts(const struct pinset *p);
/* The state's hash after the last entry: equal on all peers at equal applied_index. */
struct hash128 pinset_hash(const struct pinset *p);
/* The sum over the rows: what a scrub (digest.h) has to arrive at, once pinset_finish() ran. */
struct hash128 pinset_rows_digest(const struct pinset *p);

/* Is this peer to give away what it holds? */
bool pinset_is_drained(const struct pinset *p, const struct peer_id *peer);

/* ERR_NOT_FOUND. The pin's variable parts lie in the arena. */
int pinset_get(struct view *view, const struct cid *cid, struct arena *arena, struct pin *out);

/* Cursors: of one view, and one at a time of each kind (they share the view's cursor of that table). Each call
 * is one step, the first may be two. ERR_NOT_FOUND at the end. A listing over many views starts each time
 * behind the last CID it showed. */

/* The pins behind `after` (undefined: from the first), in CID order. */
struct pinset_cursor {
    struct view *view;
    struct cid after;
    bool is_placed; /* the view's cursor stands on the row that was found last */
};
struct pinset_cursor pinset_cursor_after(struct view *view, const struct cid *after);
int pinset_next(struct pinset_cursor *c, struct arena *arena, struct pin *out);

/* The same, for what they mean to `peer`. */
int pinset_get_hold(struct view *view, const struct cid *cid, const struct peer_id *peer,
                    struct pin_hold *out);
int pinset_next_hold(struct pinset_cursor *c, const struct peer_id *peer, struct pin_hold *out);

/* The CIDs that `holder` should hold by name. */
struct pinset_held_cursor {
    struct view *view;
    struct peer_id holder;
    struct cid after;
    bool is_placed;
};
struct pinset_held_cursor pinset_held_after(struct view *view, const struct peer_id *holder,
                                            const struct cid *after);
int pinset_next_held(struct pinset_held_cursor *c, struct cid *out);
/* The first holder in the index behind `after` (NULL: the first of all; "nobody" is passed over), in the
 * index's order. ERR_NOT_FOUND: there is no further one. One step, on the cursor of pinset_next_held(). */
int pinset_next_holder(struct view *view, const struct peer_id *after, struct peer_id *out);

/* The next pin, in order of expiry, that expires at or before `until_s`. Start with {0, undefined}. */
struct pinset_expiry {
    int64_t expire_s;
    struct cid cid;
};
int pinset_next_expiry(struct view *view, const struct pinset_expiry *after, int64_t until_s,
                       struct pinset_expiry *out);

#endif
