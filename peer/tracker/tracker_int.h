/* tracker_int.h -- what the tracker's files share.
 *
 *   tracker.c         life, hints, turns; what a CID needs: a pin, an unpin, nothing
 *   tracker_op.c      one operation: queues, attempts, pauses, every way it ends
 *   tracker_look.c    whether the daemon is asked before it pins
 *   tracker_call.c    one request to the daemon: hooks, progress, time limits
 *   tracker_young.c   which pins were asked for lately
 *   tracker_surplus.c pins that moved away, kept until others have them
 *   tracker_drain.c   pins of everybody's that wait while this peer is drained
 *   tracker_walk.c    the state against the rows, in slices
 *   tracker_sync.c    the daemon's list against the rows
 *   tracker_row.c     the bytes of a row
 *   tracker_seen.c    which CIDs a listing named, 4 bytes each
 *   tracker_tally.c   how many rows say what
 *   tracker_status.c  what it all looks like from outside */
#ifndef TRACKER_TRACKER_INT_H
#define TRACKER_TRACKER_INT_H

#include "ipfs/kubo_reply.h"
#include "state/pinset.h"
#include "tracker/tracker.h"
#include "tracker/tracker_status.h"
#include "util/list.h"
#include "util/map.h"
#include "util/ring.h"

#define TRACKER_FACILITY "pintracker"

/* ---- rows (tracker_row.c) ---- */

/* Stored numbers. A CID without a row, or with NOT_YET, is one that the daemon never heard of from us. */
enum tracker_row_phase {
    TRACKER_ROW_PIN = 1,    /* to be pinned; perhaps it is, perhaps the daemon was asked to */
    TRACKER_ROW_PINNED = 2, /* the daemon said so */
    TRACKER_ROW_UNPIN = 3,  /* to be unpinned; perhaps it is */
    TRACKER_ROW_LOST = 4,   /* was pinned, and the daemon says that it is not; to be pinned */
    /* To be pinned, but held back; the daemon has not heard of it from us. */
    TRACKER_ROW_NOT_YET = 5,
    TRACKER_ROW_KEPT =
        6, /* pinned, says the daemon; it moved to other peers, and goes when they have it */
};

struct tracker_row {
    enum tracker_row_phase phase;
    bool is_direct;
    uint32_t attempts; /* that failed; then `error` says how the last one did */
    int64_t since_s;
    char error[TRACKER_ERROR_TEXT_SIZE];
};

enum { TRACKER_ROW_BYTES_MAX = 32 + TRACKER_ERROR_TEXT_SIZE };

void tracker_row_encode(const struct tracker_row *row, struct buf *out);
int tracker_row_decode(struct tracker_row *out, struct bytes bytes);
/* ERR_NOT_FOUND; one step. */
int tracker_row_get(struct view *local, const struct cid *cid, struct tracker_row *out);
/* The row behind `after`; ERR_NOT_FOUND at the end; at most two steps. */
int tracker_row_next(struct view *local, const struct cid *after, struct cid *cid,
                     struct tracker_row *out);

/* ---- what a listing named (tracker_seen.c) ---- */

enum { TRACKER_SEEN_BUCKETS = 1024 };

struct tracker_seen_bucket {
    uint32_t *hashes;
    uint32_t count;
    uint32_t size;
    bool is_sorted;
};

struct tracker_seen {
    uint64_t seed;
    struct tracker_seen_bucket *buckets; /* NULL: no set */
};

int tracker_seen_init(struct tracker_seen *s, uint64_t seed);
void tracker_seen_deinit(struct tracker_seen *s);
int tracker_seen_add(struct tracker_seen *s, const struct cid *cid, bool is_direct);
bool tracker_seen_has(struct tracker_seen *s, const struct cid *cid, bool is_direct);

/* ---- operations (tracker_op.c) ---- */

enum tracker_op_kind {
    OP_PIN,
    OP_UNPIN,
    OP_CONFIRM, /* a row says pinned, and there is doubt: ask, for this one alone */
    OP_KINDS_COUNT
};

/* Each part of the pool has its bound, and a walk that finds what did not fit: the pins are what the state names, the
 * unpins are among the rows. */
enum tracker_share {
    SHARE_PINS, /* and confirmations */
    SHARE_UNPINS,
    SHARES_COUNT
};

/* Where operations wait for a slot. Pins: the earlier lane goes first. */
enum tracker_lane {
    LANE_YOUNG,       /* pins that somebody asked for lately */
    LANE_NEW,         /* other pins, and confirmations, that did not fail yet */
    LANE_YOUNG_AGAIN, /* the same, after failures */
    LANE_AGAIN,
    LANE_UNPIN,
    LANE_SURPLUS, /* unpins of what moved away, to be asked about */
    LANES_COUNT
};

/* Whose place a new one may take where the pool is full. */
enum tracker_claim {
    CLAIM_RETRY,  /* it failed before, and a walk took it up: of one that waits longer */
    CLAIM_WALKED, /* of any that failed before */
    CLAIM_ASKED,  /* somebody waits for it: also of one that only a walk found */
};

enum tracker_op_phase {
    OP_QUEUED,
    OP_RUNNING,
    OP_WAITING, /* for its next attempt, at due_us */
    OP_PHASES_COUNT
};

struct tracker_op {
    struct list_link link; /* of its lane, of its share's `waiting`, or of the free ones */
    struct cid cid;
    enum tracker_op_kind kind;
    enum tracker_op_phase phase;
    bool is_direct;
    bool is_young;    /* asked for lately, when it was queued */
    bool is_surplus;  /* an unpin that waits for leave */
    bool may_go;      /* and got it */
    bool is_unsent;   /* its row is new: the daemon has not heard of the CID */
    bool is_replaced; /* running, but something else is wanted by now */
    bool
        rechecks; /* an unpin behind a pin that was cut off: "not pinned" is believed the second time */
    uint32_t attempts;
    uint32_t refusals;    /* of the leave to go */
    uint64_t asked_index; /* of the entry by which a user asked for it; 0: none that we know of */
    uint64_t ticket;      /* while queued: its number in the lane */
    uint64_t row_turn;    /* the turn that wrote its row; it starts when that is durable */
    uint64_t due_us;
};

/* ---- requests to the daemon (tracker_call.c) ---- */

enum tracker_step { STEP_LOOK, STEP_ADD, STEP_REMOVE, STEP_LIST };

struct tracker_call {
    struct tracker *tracker;
    struct tracker_op *op; /* NULL: a listing, or free */
    enum tracker_step step;
    bool is_busy;
    bool is_ended; /* in tracker->ended, until a turn looks at it */
    bool has_timed_out;
    bool gave_way; /* timed out early, since others waited */
    int err;       /* the verdict, once ended */
    /* Signs of life, and how long there may be none. */
    bool moved;
    uint64_t nodes;
    uint64_t bytes;
    uint64_t moved_us;
    uint64_t idle_max_us;
    uint64_t check_us;
    struct http_call http;
    struct kubo_reply reply;
    struct buf target;
    struct list_link link;
};

/* ---- who is young (tracker_young.c) ---- */

enum { TRACKER_AGE_STEPS = 16, TRACKER_AGE_NOTES_MAX = TRACKER_AGE_STEPS + 3 };

struct tracker_age_note {
    uint64_t index; /* applied up to there ... */
    uint64_t at_us; /* ... at this moment, of our own time */
};

struct tracker_age {
    struct tracker_age_note
        notes[TRACKER_AGE_NOTES_MAX]; /* in their order, younger than `young_us` */
    size_t count;
    uint64_t old_index; /* what changed up to there is old */
};

/* ---- the tracker ---- */

enum tracker_reason {
    TRACKER_TOUCHED,       /* the state changed it as a user asked */
    TRACKER_MOVED,         /* the state changed it by itself */
    TRACKER_RECOVER,       /* somebody asked to try again */
    TRACKER_SYNC,          /* somebody doubts */
    TRACKER_WALKED,        /* found by a walk; what is in error keeps its pause */
    TRACKER_WALKED_ERRORS, /* found by a walk that takes up errors, too */
};

struct tracker_hint {
    struct cid cid;
    enum tracker_reason reason;
};

/* Rows by what they say (tracker_tally.c). */
enum tracker_tally_kind {
    TALLY_PINNED,
    TALLY_KEPT,
    TALLY_PIN,
    TALLY_PIN_FAILED,
    TALLY_LOST,
    TALLY_UNPIN,
    TALLY_UNPIN_FAILED,
    TALLY_KINDS_COUNT
};

struct tracker_tally {
    uint64_t rows[TALLY_KINDS_COUNT];
    struct cid counted; /* rows up to this CID are in it */
    bool is_complete;
};

struct tracker_walker {
    bool is_walking;
    bool is_sweeping; /* over all; else over what was left */
    bool takes_errors;
    struct cid at;
    struct cid left; /* the first that found no room, and is still to be looked at; len 0: none */
    uint64_t unrecorded;    /* sweeping: pins without a row and without room so far */
    struct cid errors_from; /* takes_errors: of pins from here on; the others had their turn */
    struct cid errors_left; /* the first of these that found no room in this walk; len 0: none */
    bool again;             /* another sweep was asked for while this one went on */
    bool again_takes_errors;
};

/* A share of the pool. */
struct tracker_room {
    size_t count;
    size_t max;
    bool is_full;             /* its walk over what was left waits until an operation ends */
    struct list_link waiting; /* by due_us */
};

enum tracker_sync_phase { SYNC_IDLE, SYNC_RECURSIVE, SYNC_DIRECT, SYNC_ROWS };

struct tracker_syncer {
    enum tracker_sync_phase phase;
    bool is_wanted;
    bool is_broken; /* the listing cannot be kept */
    struct tracker_seen seen;
    struct cid at;
    int64_t began_s;   /* wall time */
    uint64_t suspects; /* of this sync */
};

struct tracker {
    struct tracker_options options;
    struct http_client *client;
    const struct log *log;
    struct tracker_hooks hooks;
    bool is_stopping;
    bool is_current; /* the state is: what it does not name may go */
    bool is_draining;
    enum tracker_grip grip;

    struct ring hints;
    uint64_t overflows;
    uint64_t adds_count;
    uint64_t add_errors_count;

    /* Operations: a pool in two shares, found by CID. */
    struct tracker_op *ops;
    struct map by_cid;
    struct list_link free; /* used before */
    size_t ops_begun;      /* those behind were never used, and are not even cleared */
    struct tracker_room rooms[SHARES_COUNT];
    struct list_link lanes[LANES_COUNT];
    uint64_t tickets[LANES_COUNT]; /* the last one given */
    struct list_link asked;        /* surplus: given out, no answer yet */
    struct list_link answered;     /* and with an answer, until a turn looks at it */
    size_t counts[OP_KINDS_COUNT][OP_PHASES_COUNT];
    size_t retries_running;
    uint32_t
        looks_in_vain; /* in a row: new pins that the daemon was asked about and did not have */
    uint32_t unlooked; /* new pins since that were not asked about */

    /* Calls: concurrent_pins, one for unpins, one for listings. */
    struct tracker_call *calls;
    size_t calls_count;
    size_t calls_busy;
    struct list_link ended;

    /* The way to the daemon. */
    bool daemon_is_down;
    uint32_t daemon_failures;
    uint64_t start_at_us; /* no call starts before it */

    struct tracker_age age;
    struct tracker_tally tally;
    struct tracker_walker walkers[SHARES_COUNT];
    /* Pins that wait, and have no row, for want of room. A sweep counts them; between two of them one that was touched twice
     * counts twice, and one that was unpinned counts on. */
    uint64_t unrecorded;
    struct tracker_syncer syncer;
    uint64_t recover_at_us;
    uint64_t sync_at_us;
    bool has_begun; /* the first turn set the two */

    uint64_t turn_number; /* of the last turn that wrote */
    uint64_t durable_turn;

    int64_t wall_ahead_us; /* of now_us, at the last turn: to show when something is due */

    /* While a turn goes on. */
    const struct tracker_turn *turn;
    size_t turn_rows;
    uint32_t turn_state_steps;
    uint32_t turn_local_steps;
    struct buf scratch;
};

/* tracker.c: what the state wants of a CID here, and what is to be done about it. */
struct tracker_wish {
    bool is_wanted;
    bool is_direct;
    bool is_held_back;      /* what the daemon does not have yet waits (tracker_drain.c) */
    uint64_t changed_index; /* of the entry that last changed the pin; 0: there is none */
};
int tracker_wish_of(const struct tracker *t, struct view *state, const struct cid *cid,
                    struct tracker_wish *out);
struct tracker_wish tracker_wish_from(const struct tracker *t, const struct pin_hold *hold);
/* Is it the unpins' business: the row is to go, or the daemon's pin? `row` NULL: none. */
bool tracker_is_to_go(const struct tracker_wish *wish, const struct tracker_row *row);
/* ERR_BUSY: its share of the pool is full. */
int tracker_settle(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                   const struct tracker_row *row, enum tracker_reason reason);
/* The same, after looking it up. */
int tracker_compare(struct tracker *t, const struct cid *cid, enum tracker_reason reason);
/* The same; where there is no room a walk will find it. */
int tracker_reconcile(struct tracker *t, const struct cid *cid, enum tracker_reason reason);
bool tracker_turn_has_room(const struct tracker *t);
void tracker_put_row(struct tracker *t, const struct cid *cid, const struct tracker_row *row);
void tracker_del_row(struct tracker *t, const struct cid *cid);

/* tracker_op.c */
struct tracker_op *tracker_op_find(const struct tracker *t, const struct cid *cid);
/* A new one, not queued yet. NULL: its share of the pool is full. */
struct tracker_op *tracker_op_take(struct tracker *t, const struct cid *cid,
                                   enum tracker_op_kind kind, enum tracker_claim claim);
/* A walk that takes up errors is due before long: something has been left to it. */
void tracker_recover_soon(struct tracker *t);
void tracker_op_release(struct tracker *t, struct tracker_op *op);
void tracker_op_queue(struct tracker *t, struct tracker_op *op);
void tracker_op_put_first(struct tracker *t, struct tracker_op *op);
void tracker_op_wait(struct tracker *t, struct tracker_op *op, uint64_t due_us);
/* An unpin that got leave: its row says so before the daemon hears of it. */
void tracker_op_let_go(struct tracker *t, struct tracker_op *op);
/* The call for it has ended. */
int tracker_op_on_call(struct tracker *t, struct tracker_call *call);
void tracker_ops_wake(struct tracker *t);     /* those whose pause is over */
void tracker_ops_wake_all(struct tracker *t); /* all pauses end */
void tracker_ops_start(struct tracker *t);
enum tracker_lane tracker_op_lane(const struct tracker *t, const struct tracker_op *op);
uint64_t tracker_lane_len(const struct tracker *t, enum tracker_lane lane);
/* Young, and not failed too often? */
bool tracker_op_goes_first(const struct tracker *t, const struct tracker_op *op);
/* How long may this one be without progress, as others wait for its slot now? UINT64_MAX: nobody does. */
uint64_t tracker_op_patience_us(const struct tracker *t, const struct tracker_op *op);
/* The next operation that may start: its row is durable, and its kind has a slot free. NULL: none. */
struct tracker_op *tracker_op_startable(const struct tracker *t);

/* tracker_look.c. Has the daemon to be asked whether it has this pin already? */
bool tracker_look_is_due(struct tracker *t, const struct tracker_op *op);
/* The daemon was asked, and this is what it said. */
void tracker_look_learn(struct tracker *t, const struct tracker_op *op, int verdict);

/* tracker_tally.c: `row` NULL: it goes. Before the change. */
void tracker_tally_change(struct tracker *t, const struct cid *cid, const struct tracker_row *row);
int tracker_tally_slice(struct tracker *t);

/* tracker_drain.c. It waits: the row says so. `is_unsent`: it is new, and the daemon has not heard of it. */
void tracker_hold_back(struct tracker *t, const struct cid *cid, const struct tracker_wish *wish,
                       const struct tracker_row *row, bool is_unsent);
bool tracker_op_is_held_back(const struct tracker *t, const struct tracker_op *op);

/* tracker_young.c. The state became current at this index; a turn begins. */
void tracker_young_begin(struct tracker *t, uint64_t applied);
void tracker_young_note(struct tracker *t);
/* Is this entry one of lately? */
bool tracker_is_young(const struct tracker *t, uint64_t asked_index);

/* tracker_surplus.c */
bool tracker_is_surplus(const struct tracker *t, const struct cid *cid,
                        const struct tracker_wish *wish);
void tracker_take_answered(struct tracker *t);

/* tracker_call.c. OK, or ERR_BUSY: not now. */
int tracker_call_start(struct tracker *t, struct tracker_op *op, enum tracker_step step,
                       enum kubo_pin_type type, struct bytes name);
void tracker_call_cancel(struct tracker *t, struct tracker_call *call);
struct tracker_call *tracker_call_of(const struct tracker *t, const struct tracker_op *op);
void tracker_call_free(struct tracker_call *call); /* after a turn looked at it */
void tracker_calls_check(struct tracker *t);       /* time limits */
uint64_t tracker_calls_deadline_us(const struct tracker *t);
/* The daemon could not be reached, or was: pauses grow, or end. */
void tracker_daemon_failed(struct tracker *t);
void tracker_daemon_answered(struct tracker *t);
/* Pauses: doubled with each failure, capped, and spread by the turn's draw. */
uint64_t tracker_pause_us(const struct tracker *t, uint32_t failures, uint64_t cap_us,
                          const struct cid *cid);

/* tracker_walk.c, tracker_sync.c. What a view said, or OK. */
void tracker_walk_ask(struct tracker *t, bool takes_errors); /* both */
void tracker_walk_ask_for(struct tracker *t, enum tracker_share share, bool takes_errors);
/* This one found no room, or lost it: it is looked at again when there is some. */
void tracker_walk_leave(struct tracker *t, enum tracker_share share, const struct cid *cid);
/* The same of a pin without a row: it counts among those. */
void tracker_walk_count(struct tracker *t, const struct cid *cid, bool is_walked);
bool tracker_walk_goes_on(const struct tracker *t, enum tracker_share share);
int tracker_walk_slice(struct tracker *t);
bool tracker_sync_can_begin(const struct tracker *t);
void tracker_sync_begin(struct tracker *t);
void tracker_sync_on_row(struct tracker *t, const struct kubo_row *row);
void tracker_sync_on_call(struct tracker *t, struct tracker_call *call);
int tracker_sync_slice(struct tracker *t);
void tracker_sync_end(struct tracker *t);

#endif
