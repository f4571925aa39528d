/* decisions.h -- the newest decisions on who holds a pin, with the metrics they were made from: for `explain`.
 *
 * Shape    A ring of DECISIONS_MAX structs of one size, in memory only. The leader notes what it decides; another leader
 *          has its own. Noting copies numbers; text is made when somebody asks.
 * Bounds   All memory is taken by decisions_create(), and becomes real as it is written: about 2 KiB a decision with two
 *          metrics. Of each decision DECISION_CANDIDATES_MAX candidates are kept: first those that were chosen, then the
 *          best ranked, then the others in the order of the configuration; the rest is counted ("left_out"). Of a
 *          metric's text DECISION_VALUE_BYTES are kept.
 * Uploads  An upload is placed before anybody knows its CID. Its placement is told with the write that pins it: the next
 *          one of the same member which prefers only peers that the placement chose.
 * Units    at_us is wall time, shown and nothing else.
 * Errors   decisions_create: ERR_NOMEM. Noting cannot fail. */
#ifndef ALLOCATION_DECISIONS_H
#define ALLOCATION_DECISIONS_H

#include "allocation/allocate.h"
#include "ids/cid.h"

enum {
    DECISIONS_MAX = 1000,
    DECISION_CANDIDATES_MAX = 16,
    DECISION_VALUE_BYTES = 22,
    DECISIONS_TOLD_MAX = 3, /* of one CID */
};

enum decision_cause { DECISION_WRITE, DECISION_REPAIR, DECISION_UPLOAD };

struct decision {
    enum decision_cause cause;
    int err;              /* OK; ERR_NOT_ENOUGH_PEERS: nobody was chosen */
    struct cid cid;       /* nothing: an upload's */
    struct peer_id asked; /* the member that the client asked; nobody: a repair */
    int64_t at_us;
    const struct allocate_request *request; /* `ranks` may be NULL: nobody had to be chosen */
    const struct peer_id *allocations;      /* none: everywhere, or refused */
    size_t allocations_count;
};

struct decisions;
/* The metrics are `allocate_by`; the names are borrowed for the ring's life. */
int decisions_create(struct decisions **out, const char *const *metrics, size_t metrics_count);
void decisions_destroy(struct decisions *d); /* may be NULL */
void decisions_note(struct decisions *d, const struct decision *one);
/* The newest DECISIONS_TOLD_MAX on that CID, the newest first, as a JSON array; empty when none is remembered. */
void decisions_print(const struct decisions *d, const struct cid *cid, struct buf *out);

/* Why this candidate has the pin, or has not. */
enum decision_outcome {
    DECISION_CHOSEN,
    DECISION_KEPT, /* it held it before */
    DECISION_EVERYWHERE,
    DECISION_SUSPECT,
    DECISION_DOWN,
    DECISION_LEAVING,
    DECISION_RELEASED, /* it held it, and is one too many */
    DECISION_HOLDS,    /* it holds it, of a decision that was refused */
    DECISION_FULL,
    DECISION_LACKS_METRIC,
    DECISION_NOT_NEEDED,
    DECISION_AVAILABLE, /* it could have got it, of a decision that was refused */
};
enum decision_outcome decision_outcome(const struct decision *one,
                                       const struct allocate_candidate *c);

#endif
