/* allocate.h -- who should hold a pin: a function of the pin, the members and their metrics.
 *
 * Shape    One list of candidates, every member of the cluster, each with its standing and its metrics in
 *          the order of `allocate_by`. Whoever is not in the list is not a member.
 * Rules    Source: ipfs-cluster 1.1.6 (SPEC 7.3), with these corrections:
 *          - who holds the pin keeps it while not down, with or without metrics (K30, K09);
 *          - factors of -1 clear the allocations (K12);
 *          - non-members and leaving peers never stay; a member that is down stays in the list only
 *            while enough healthy ones are in it, and never beyond the maximum;
 *          - ties end at the peer id: same input in any order, same output.
 *          A repair may fall short of the minimum: whoever can takes a copy, and the places that nobody can take stay
 *          with whom they had, so that the index by holder still names them.
 * Errors   ERR_NOT_ENOUGH_PEERS with V1's sentence in `why`; ERR_NOMEM.
 * Owner    The result lies in the arena. */
#ifndef ALLOCATION_ALLOCATE_H
#define ALLOCATION_ALLOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/limits.h"

enum allocate_standing {
    ALLOCATE_HEALTHY,
    ALLOCATE_SUSPECT, /* keeps what it has, gets nothing new */
    ALLOCATE_DOWN,
    ALLOCATE_LEAVING, /* still there, and gives away what it has */
};

/* One metric of one candidate. */
struct allocate_metric {
    bool is_present; /* it came, is valid and has not expired */
    bool is_partitionable;
    int64_t weight;
    struct bytes value;
};

struct allocate_candidate {
    struct peer_id id;
    enum allocate_standing standing;
    bool is_excluded; /* takes no new pins: a rule of the operator's */
    struct allocate_metric metrics[LIMIT_ALLOCATE_BY_COUNT];
};

struct allocate_request {
    int32_t replication_min; /* resolved: never 0 */
    int32_t replication_max;
    const struct peer_id *current; /* the pin's allocations so far */
    size_t current_count;
    const struct peer_id *priority; /* user-allocations: preferred, if eligible */
    size_t priority_count;
    bool may_fall_short; /* of the minimum, as long as somebody new takes a copy */
    const struct allocate_candidate *candidates;
    size_t candidates_count;
    size_t metrics_count; /* how many of each candidate's metrics count: allocate_by */
    uint16_t *
        ranks; /* out, also when refused; one a candidate: its place among those that could be chosen, from
                             1; 0: it could not, or nobody had to be chosen. NULL: not wanted */
};

struct allocate_result {
    const struct peer_id *allocations; /* none: everywhere */
    size_t allocations_count;
    size_t living_count; /* of `current`, those who hold it and live (suspects included) */
    bool is_changed;     /* other peers than `current`, or another order */
};

int allocate(const struct allocate_request *r, struct arena *arena, struct allocate_result *out,
             struct buf *why);

/* May this candidate get new pins: healthy, not excluded, with all metrics? */
bool allocate_is_eligible(const struct allocate_candidate *c, size_t metrics_count);
/* NULL: not a member. */
const struct allocate_candidate *allocate_find(const struct allocate_candidate *candidates,
                                               size_t count, const struct peer_id *id);

#endif
