/* repair.h -- moving pins away from those who are gone: level-triggered (DESIGN 12).
 *
 * Shape    The leader's job, and nobody else's: created or restarted with its term. A walk goes over the
 *          by-holder index, passes over holders that are well, and compares each pin of the others with
 *          what allocate() says now. Each difference is a proposal. Whoever came back in the meantime makes
 *          no difference, whoever died makes one: nothing is remembered but a cursor.
 * Order    Two passes: first pins with at most one living holder, then the others.
 * Ends     A walk that proposed nothing, with nothing in flight, ends it; a walk that did is followed by
 *          another. It begins anew when somebody's standing changes, or, while pins lack candidates, when
 *          candidates appear.
 * Budget   At most `in_flight_max` proposals without an outcome; at most `steps` of the view a call.
 * Same     A proposal carries the row's modification index; a pin that moved meanwhile is not touched
 *          (K31), the next walk sees to it.
 * Owner    The proposal's pin lies in the caller's arena.
 * Errors   ERR_NOT_FOUND: nothing to do now (done, or waiting for outcomes); ERR_MORE: the budget is spent,
 *          call again; ERR_NOT_ENOUGH_PEERS: this pin lacks candidates, call again for the next (said of the
 *          first REPAIR_LACKING_TOLD_MAX of a walk, the others are only counted); ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
#ifndef ALLOCATION_REPAIR_H
#define ALLOCATION_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocation/allocate.h"
#include "ids/cid.h"
#include "port/view.h"
#include "state/pin.h"

enum { REPAIR_LACKING_TOLD_MAX = 100 };

struct repair;

struct repair_options {
    size_t in_flight_max;
};

int repair_create(struct repair **out, const struct repair_options *options);
void repair_destroy(struct repair *r);
/* From the beginning, with nothing in flight: a new term, or a reason to doubt (a changed configuration). */
void repair_restart(struct repair *r);

/* What allocate() is asked for a pin whose holders may be gone. A plan that is shown asks the same. */
struct allocate_request repair_request(const struct pin *pin,
                                       const struct allocate_candidate *candidates,
                                       size_t candidates_count, size_t metrics_count);
/* Who is a member and how each stands now. Called before repair_next() in each event; costs a hash. */
void repair_look(struct repair *r, const struct allocate_candidate *candidates, size_t count,
                 size_t metrics_count);
/* Is there anything to walk or to wait for? */
bool repair_is_done(const struct repair *r);

struct repair_proposal {
    struct pin pin;               /* with the new allocations; the rest as it stands in the row */
    uint64_t expected;            /* modification index for the entry */
    const struct peer_id *before; /* the allocations as they stand in the row */
    size_t before_count;
    uint16_t *ranks; /* of the candidates, as struct allocate_request has them */
};
/* The next proposal. `steps` counts down. `candidates` as given to repair_look(). With ERR_NOT_ENOUGH_PEERS the pin has no
 * allocations; it is not in flight. */
int repair_next(struct repair *r, struct view *view, unsigned *steps,
                const struct allocate_candidate *candidates, size_t count, size_t metrics_count,
                struct arena *arena, struct repair_proposal *out);
/* The outcome of a proposal is known, or will never be (any code): its place is free. */
void repair_on_outcome(struct repair *r, const struct cid *cid, int err);

struct repair_counts {
    uint64_t proposed;
    uint64_t walks;
    uint64_t lacking; /* pins without enough candidates, in the last whole walk */
    size_t in_flight;
};
struct repair_counts repair_counts(const struct repair *r);

#endif
