/* raft_progress.h -- what a member knows of another one: its vote, and, while leading, how far its log is.
 *
 *      PROBE       where do our logs part? One APPEND at a time, until one fits.
 *      REPLICATE   they fit: APPENDs follow one another without waiting, up to a window.
 *      SNAPSHOT    what it needs next is not in our log any more: the driver sends the state.
 *
 * Flow     A refusal shrinks the window to one APPEND, each acknowledgement widens it by one. And it counts only
 *          if it answers something sent since the last one did (asked_round): else the refusals of one window
 *          full of APPENDs would each send another window full, which a network that reorders makes a storm.
 * Loss     What a member acknowledged it must have for ever. An answer to something that was sent later and knows less
 *          shows that its disk was replaced by an older one (DESIGN 7): it counts for nothing any more, and the driver is
 *          told. In this term only: the next leader has no acknowledgement of its own to compare with.
 * Holds    match < next. match never falls within a term: replies may overtake one another (SIMULATION C09).
 * Source   Raft 5.3; dissertation 10.2.1 (pipelining). The three states are etcd's idea. */
#ifndef RAFT_RAFT_PROGRESS_H
#define RAFT_RAFT_PROGRESS_H

#include "raft/raft.h"

enum raft_progress_state { RAFT_PROBE, RAFT_REPLICATE, RAFT_SNAPSHOT };

struct raft_progress {
    uint64_t number;
    bool is_voter;
    bool has_granted; /* its vote or pre-vote, while we ask for them */

    enum raft_progress_state state;
    uint64_t next;
    uint64_t match;
    bool is_waiting;      /* PROBE: one is on its way. SNAPSHOT: the driver knows */
    bool is_fetching;     /* entries from `next` on are being read */
    bool is_due;          /* an APPEND must go, even an empty one */
    size_t window;        /* APPENDs with entries that may be on their way */
    uint64_t asked_round; /* refusals of earlier rounds are old news */
    uint64_t sure; /* `match` when round `sure_round` began: what answers to that round must know */
    uint64_t sure_round;
    bool has_lost_log; /* it does not: its disk lost what it had acknowledged */
    uint64_t committed_told;
    uint64_t round;         /* the latest heartbeat round it answered */
    uint64_t last_reply_us; /* 0: none in this term */
    uint64_t since_us;      /* we lead, and it is a member, since */

    /* REPLICATE: the last index of each APPEND on its way, a ring. */
    uint64_t ends[RAFT_WINDOW_MAX];
    size_t ends_at;
    size_t ends_count;
};

/* A new leader's guess: the logs are equal up to `next` - 1. */
void raft_progress_reset(struct raft_progress *p, uint64_t next, uint64_t now_us);
bool raft_progress_may_send(const struct raft_progress *p, size_t window_max);
/* An APPEND with entries up to `last` was sent. */
void raft_progress_on_sent(struct raft_progress *p, uint64_t last);
/* Everything up to `match` is equal there, and durable. */
void raft_progress_on_match(struct raft_progress *p, uint64_t match);
/* Is a refusal of `refused`, to something sent in `round`, news, or an answer to what is long settled? */
bool raft_progress_is_refusal_news(const struct raft_progress *p, uint64_t refused, uint64_t round);
/* Ask again, from `next` on (never below match + 1). */
void raft_progress_probe(struct raft_progress *p, uint64_t next);
void raft_progress_to_snapshot(struct raft_progress *p);

#endif
