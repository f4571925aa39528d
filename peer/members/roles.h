/* roles.h -- who votes: the one change of roles that a leader should make next, if any (DESIGN 9).
 *
 * Shape    Pure: from the members as the leader sees them now to KEEP, or one promotion or demotion, which is what
 *          a single-server change can carry. Nothing is remembered: whoever leads next goes on where the last one
 *          stopped, because the half of a swap that was done stands in the configuration.
 *
 *              seats free                        promote the most caught-up learner
 *              a voter down for replace_after    promote (one voter too many now), then ...
 *              more voters than seats            ... demote the one that is down longest, or else lags most
 *
 * Safety   A change never takes the majority away that can be reached: a promotion adds a reachable voter; a
 *          demotion is left out where the rest would have no reachable majority. Who has not answered this leader
 *          is not counted on: it may be cut off, and the leader new. The leader stays a voter.
 * Units    *_us are microseconds. silent_us counts since the leader heard of the member, or began to listen.
 * Numbers  At equal merit the lower number votes, so that equal input gives equal output. */
#ifndef MEMBERS_ROLES_H
#define MEMBERS_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roles_member {
    uint64_t number;
    bool is_self; /* the leader that asks */
    bool is_voter;
    bool is_leaving;   /* on its way out: gets no seat */
    bool has_answered; /* this leader: before that, silence says nothing of it yet */
    bool is_caught_up; /* has what was last when this leader first saw it (SIMULATION K42) */
    uint64_t match;
    uint64_t silent_us;
};

struct roles_rules {
    size_t max_voters;
    uint64_t reachable_us;     /* silent for less: it can be reached */
    uint64_t replace_after_us; /* silent for so long: its seat goes to a learner */
};

enum roles_change_kind { ROLES_KEEP, ROLES_PROMOTE, ROLES_DEMOTE };

struct roles_change {
    enum roles_change_kind kind;
    uint64_t number;
};

struct roles_change roles_next(const struct roles_member *members, size_t count,
                               const struct roles_rules *rules);
/* Could the others still decide anything if this member did not vote? */
bool roles_can_spare(const struct roles_member *members, size_t count,
                     const struct roles_rules *rules, uint64_t number);

#endif
