/* tracker_status.h -- what a peer says about a pin: one CID or a page of them, as values.
 *
 * Shape    Merged, in CID order, from the state (what should be), the tracker's rows (what was done) and its
 *          operations (what is being done).
 * Source   ipfs-cluster 1.1.6's statuses and filter syntax (SPEC 2.1).
 * Owner    The text of a tracker_info lies in the arena that was given.
 * Errors   ERR_NOT_FOUND at the end of a listing; ERR_INVALID, ERR_CORRUPT, ERR_VERSION, ERR_IO. */
#ifndef TRACKER_TRACKER_STATUS_H
#define TRACKER_TRACKER_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "port/view.h"
#include "state/pinset.h"
#include "util/arena.h"
#include "util/buf.h"

/* Bits, so that a filter is a set. */
enum tracker_status {
    TRACKER_UNDEFINED = 0, /* as a filter: everything */
    TRACKER_CLUSTER_ERROR = 1 << 0,
    TRACKER_PIN_ERROR = 1 << 1,
    TRACKER_UNPIN_ERROR = 1 << 2,
    TRACKER_PINNED = 1 << 3,
    TRACKER_PINNING = 1 << 4,
    TRACKER_UNPINNING = 1 << 5,
    TRACKER_UNPINNED = 1 << 6,
    TRACKER_REMOTE = 1 << 7,
    TRACKER_PIN_QUEUED = 1 << 8,
    TRACKER_UNPIN_QUEUED = 1 << 9,
    TRACKER_SHARDED = 1 << 10,
    TRACKER_UNEXPECTEDLY_UNPINNED = 1 << 11,
    TRACKER_ERROR = TRACKER_CLUSTER_ERROR | TRACKER_PIN_ERROR | TRACKER_UNPIN_ERROR,
    TRACKER_QUEUED = TRACKER_PIN_QUEUED | TRACKER_UNPIN_QUEUED,
};

const char *tracker_status_name(enum tracker_status status); /* "pin_queued"; "undefined" for 0 */
/* A filter: comma separated names, blanks ignored, unknown names ignored unless nothing else is left
 * (ERR_INVALID). "" is everything. */
int tracker_filter_parse(uint32_t *out, const char *text);
int tracker_filter_parse_len(uint32_t *out, const char *text, size_t len);
bool tracker_filter_matches(uint32_t filter, enum tracker_status status);

enum { TRACKER_ERROR_TEXT_SIZE = 512 };

struct tracker_info {
    struct cid cid;
    enum tracker_status status;
    int64_t
        since_s; /* when it got this status, Unix seconds; 0: it just is so (remote, unpinned) */
    uint32_t attempt_count; /* 1 while the first attempt runs, 0 once pinned */
    bool is_priority;
    bool is_held_back;  /* it is not even tried, until somebody lets it (peers undrain) */
    int64_t next_try_s; /* while it waits after a failure: Unix seconds; else 0 */
    uint32_t
        queue_position; /* while queued: 1 is next; else 0. Of those that no room is for in memory: behind all that are there. Those gone from the middle count for a while */
    uint64_t progress_nodes; /* while pinning: what the daemon has of it so far, as it says */
    uint64_t progress_bytes;
    const char *error; /* "" if none; shorter than TRACKER_ERROR_TEXT_SIZE */
};

size_t tracker_info_size(const struct tracker_info *info); /* of its bytes */
void tracker_info_encode(const struct tracker_info *info, struct buf *out);
int tracker_info_decode(struct tracker_info *out, struct arena *arena, struct bytes bytes);

struct tracker;

enum { TRACKER_STATUS_STEPS_MAX = 5 }; /* of each view, for one CID */

/* One CID; UNPINNED when neither the state nor the tracker knows it. */
int tracker_status_of(const struct tracker *t, struct view *state, struct view *local,
                      const struct cid *cid, struct arena *arena, struct tracker_info *out);
/* All that the state or a row knows, in order of their CIDs; two cursors go side by side. It lives as long as its views and
 * its arena, and is alone with their cursors of these tables. */
struct tracker_listing {
    const struct tracker *tracker;
    struct view *state;
    struct view *local;
    struct cid after; /* the last one that was looked at: where the next listing goes on */
    bool has_begun;
    bool brings_pins;    /* else only what they mean to this peer is read */
    struct arena *arena; /* of texts and pins */
    const struct pin
        *found; /* what the state says of the last match, if pins are brought; NULL: nothing */
    struct pinset_cursor pins;
    struct pin_hold hold;  /* the first behind `after` in the state, ... */
    const struct pin *pin; /* ... the whole of it, if it is to be brought, ... */
    struct cid row_cid;    /* ... and the first among the rows; undefined CIDs: none */
    struct bytes row;      /* lives until the cursor moves */
};

/* Behind `after`; undefined: from the start. */
struct tracker_listing tracker_listing_after(const struct tracker *t, struct view *state,
                                             struct view *local, const struct cid *after,
                                             bool brings_pins, struct arena *arena);
/* The next match. `steps` counts down; ERR_MORE when it is spent. */
int tracker_status_next(struct tracker_listing *l, uint32_t filter, unsigned *steps,
                        struct tracker_info *out);

#endif
