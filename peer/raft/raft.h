/* raft.h -- the replicated log, as a function: an input in, effects out (DESIGN 1, 2, 7, 9).
 *
 *      raft_step, raft_propose, raft_on_deadline,           struct raft_ready: messages, commit,
 *      raft_on_stored, raft_on_fetched, ...        ---->    reads, fetches, change of role
 *                                                           raft_take_unit(): what to store next
 *
 * Shape    The driver (peer.c) gives an input, then looks: sends the messages, stores a unit, applies
 *          what is committed. Members are numbers (0 is nobody). No clock, no die, no disk in here.
 * Durable  A message is marked with the unit it waits for: it may leave when that unit is stored, at
 *          once if 0; one that waited is asked after once more (raft_may_leave). Units are pulled, not
 *          pushed: while one is being synced the next one gathers everything that arrives, which is
 *          group commit. Units are stored in order of their number.
 * Units    Times are mono microseconds. term and index count from 1; 0 is "before everything".
 * Owner    The raft owns entries and configurations. What raft_ready, raft_take_unit() and
 *          raft_entry_at() point at lives until the next non-const call.
 * Errors   Refusals of the protocol travel in messages. propose: see there. Damage is the store's.
 *          A message that no correct member could have sent is dropped and counted (raft_odd_count).
 *          Out of memory for an effect: it is left out, which is what a lost message looks like.
 * Holds    applied <= committed <= stored on a quorum; one vote a term, stored before it is answered;
 *          entries below `committed` never change; one configuration change at a time.
 * Source   Ongaro's dissertation (2014): ch. 3 (3.4-3.7, 3.8 timing), 3.10 transfer, ch. 4 membership
 *          (4.1 single server, 4.2.1 learners), 6.4 reads, 9.6 pre-vote, 10.2.1 leader writes in
 *          parallel. Where we differ: docs/DIVERGENCE.md#raft. */
#ifndef RAFT_RAFT_H
#define RAFT_RAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/buf.h"

#define RAFT_NOBODY ((uint64_t)0)
#define RAFT_NEVER  ((uint64_t)UINT64_MAX)

struct raft_pos {
    uint64_t term;
    uint64_t index;
};

enum raft_entry_kind {
    RAFT_ENTRY_NOOP = 1,   /* a leader's first entry of its term */
    RAFT_ENTRY_CONFIG = 2, /* payload: raft_config_encode() */
    RAFT_ENTRY_DATA = 3,   /* payload: the state's business */
};

struct raft_entry {
    struct raft_pos pos;
    enum raft_entry_kind kind;
    struct bytes payload;
};

/* ---- members ---- */

/* Two are on their way out, to Raft learners; what they hold moves to others first. LEAVING by its own wish, which it may
 * change; DISMISSED by the operator's word. */
enum raft_role_in_config {
    RAFT_LEARNER = 1,
    RAFT_VOTER = 2,
    RAFT_LEAVING = 3,
    RAFT_DISMISSED = 4,
};

enum { RAFT_MEMBER_ADDRS_MAX = 8 };

struct raft_member {
    uint64_t number;
    enum raft_role_in_config role;
    struct peer_id id;
    size_t addrs_count;
    struct multiaddr addrs[RAFT_MEMBER_ADDRS_MAX];
};

static inline bool raft_member_goes(const struct raft_member *m)
{
    return m->role == RAFT_LEAVING || m->role == RAFT_DISMISSED;
}

/* Sorted by number. {0} is "no configuration yet": a stranger's. */
struct raft_config {
    uint64_t index;       /* of the entry it came with; it holds from there on */
    uint64_t next_number; /* what the next admission takes */
    size_t count;
    struct raft_member *members; /* owned */
};

void raft_config_deinit(struct raft_config *c);
int raft_config_copy(struct raft_config *out, const struct raft_config *from);
const struct raft_member *raft_config_member(const struct raft_config *c, uint64_t number);
/* A peer that came back without its data is there twice for a while: its newest number is meant. */
const struct raft_member *raft_config_member_by_id(const struct raft_config *c,
                                                   const struct peer_id *id);
size_t raft_config_voters_count(const struct raft_config *c);
/* Edits, for building the next configuration. add: number 0 takes next_number, another one (founding) moves
 * next_number past it; ERR_TOO_BIG, ERR_EXISTS (the number), ERR_NOMEM. The others: ERR_NOT_FOUND;
 * set_addrs: ERR_TOO_BIG. */
int raft_config_add(struct raft_config *c, const struct raft_member *member);
int raft_config_remove(struct raft_config *c, uint64_t number);
int raft_config_set_role(struct raft_config *c, uint64_t number, enum raft_role_in_config role);
int raft_config_set_addrs(struct raft_config *c, uint64_t number, const struct multiaddr *addrs,
                          size_t count);
/* Everything but `index`, which the entry has. decode: ERR_CORRUPT, ERR_VERSION, ERR_NOMEM. Ids and addresses
 * are lengths and bytes here: a kind of address that this build does not know must not stop its log. */
void raft_config_encode(const struct raft_config *c, struct buf *out);
int raft_config_decode(struct raft_config *out, const void *bytes, size_t len);

/* ---- messages ---- */

enum raft_msg_type {
    RAFT_MSG_VOTE = 1, /* also pre-vote */
    RAFT_MSG_VOTE_REPLY,
    RAFT_MSG_APPEND, /* also heartbeat: no entries */
    RAFT_MSG_APPEND_REPLY,
    RAFT_MSG_TIMEOUT_NOW, /* leadership transfer, dissertation 3.10 */
};

struct raft_msg {
    enum raft_msg_type type;
    uint64_t from;
    uint64_t to;
    uint64_t term;
    uint64_t after_unit; /* ours: may leave once this unit is stored; not on the wire */
    /* VOTE: the candidate's last entry. APPEND: the entry before `entries`. APPEND_REPLY: echo of it;
     * refused and 0: for the term alone. */
    struct raft_pos last;
    bool is_pre_vote;   /* VOTE, VOTE_REPLY */
    bool is_transfer;   /* VOTE: sent on TIMEOUT_NOW, so stickiness does not apply */
    bool granted;       /* VOTE_REPLY; APPEND_REPLY: the entries are in the log */
    uint64_t committed; /* APPEND: the leader's commit index */
    uint64_t round; /* APPEND: counts heartbeats for reads and check-quorum; echoed in the reply */
    uint64_t match; /* APPEND_REPLY granted: last index known equal, and durable.
                              Refused: the last index worth trying next */
    uint64_t conflict_term; /* APPEND_REPLY refused: the term of the sender's entry at `match` */
    const struct raft_entry *entries; /* APPEND */
    size_t entries_count;
};

/* The bytes on the wire: kind and version first (docs/WIRE.md). decode fills `entries` into `room`
 * (ERR_TOO_BIG when it is too small); payloads point into the bytes. ERR_CORRUPT, ERR_VERSION. */
void raft_msg_encode(const struct raft_msg *m, struct buf *out);
int raft_msg_decode(struct raft_msg *out, struct raft_entry *room, size_t room_count,
                    const void *bytes, size_t len);
void raft_entry_encode(const struct raft_entry *e, struct buf *out);
int raft_entry_decode(struct raft_entry *out, const void *bytes, size_t len);

/* ---- the machine ---- */

enum raft_state { RAFT_STRANGER, RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

enum { RAFT_WINDOW_MAX = 32 };

struct raft_options {
    uint64_t heartbeat_us;
    uint64_t election_min_us; /* a timeout is drawn from min..2*min */
    size_t append_bytes_max;  /* payload bytes of one APPEND; at least one entry goes */
    size_t append_entries_max;
    size_t window_max; /* APPENDs with entries in flight to one follower, 1..RAFT_WINDOW_MAX */
    /* Full: propose says ERR_BUSY. One unit may be this and two entries of the largest size. */
    size_t unsynced_bytes_max;
    size_t cache_bytes_max; /* stored entries kept in memory behind the unsynced tail */
};

struct raft_hard_state {
    uint64_t term;
    uint64_t voted_for; /* RAFT_NOBODY: none */
    uint64_t committed; /* a hint: lets a restart apply before a leader speaks */
};

/* A stretch of the log with one term; the whole log is a few of them. */
struct raft_term_run {
    uint64_t term;
    uint64_t first;
};

/* What was durable, handed in at start-up. All borrowed, copied. */
struct raft_durable {
    uint64_t number; /* who I am; RAFT_NOBODY: a stranger */
    struct raft_hard_state hard;
    struct raft_pos base; /* the log begins after it; older records do not count */
    uint64_t last;        /* index of the last entry; base.index when the log is empty */
    const struct raft_term_run *runs; /* of the entries behind base, ascending */
    size_t runs_count;
    const struct raft_config *config;          /* the newest in the log or base; NULL: none yet */
    const struct raft_config *config_previous; /* what it replaced; NULL: it is committed */
};

struct raft;

/* One answer to raft_read(). */
struct raft_read_result {
    uint64_t context;
    uint64_t index; /* serve when applied >= index; 0: leadership was lost, ask again */
};

/* The driver should read stored entries and hand them to raft_on_fetched(): also when it could read none
 * (count 0), else this one is never asked for again. */
struct raft_fetch {
    uint64_t first;
    size_t bytes_max;
};

/* A follower needs entries that are not in the log any more. */
struct raft_snapshot_need {
    uint64_t member;
};

struct raft_ready {
    struct raft_msg *msgs;
    size_t msgs_count;
    struct raft_read_result *reads;
    size_t reads_count;
    struct raft_fetch *fetches;
    size_t fetches_count;
    struct raft_snapshot_need *snapshots;
    size_t snapshots_count;
    bool role_changed;   /* state, term or leader are other than before */
    bool config_changed; /* another configuration is in force, or was rolled back */
};

/* OK, ERR_NOMEM, ERR_CORRUPT (the durable parts contradict one another). */
int raft_create(struct raft **out, const struct raft_options *options,
                const struct raft_durable *durable, uint64_t now_us, uint64_t draw);
void raft_destroy(struct raft *r);

/* Each input begins a new ready (what the last one pointed at is gone). `draw` is the input's share of chance:
 * any number, used when a new election timeout is due. now_us never goes back. */
const struct raft_ready *raft_step(struct raft *r, uint64_t now_us, uint64_t draw,
                                   const struct raft_msg *m);
const struct raft_ready *raft_on_deadline(struct raft *r, uint64_t now_us, uint64_t draw);
uint64_t raft_next_deadline_us(const struct raft *r);
/* Units up to this number are durable. A unit that the disk refused (full) is stored again, the same bytes,
 * before any later one. */
const struct raft_ready *raft_on_stored(struct raft *r, uint64_t now_us, uint64_t unit_number);
/* The entries may be messages' entries in the ready: keep them as long as it. */
const struct raft_ready *raft_on_fetched(struct raft *r, uint64_t now_us,
                                         const struct raft_entry *entries, size_t count);

/* Appends an entry if we lead; several may be proposed before one raft_flush() sends them out together.
 * ERR_NOT_LEADER; ERR_BUSY: the unsynced tail is full, or leadership is being handed over; ERR_TOO_BIG. */
int raft_propose(struct raft *r, const void *payload, size_t len, struct raft_pos *out);
const struct raft_ready *raft_flush(struct raft *r, uint64_t now_us);
/* Proposes the next configuration: at most one voter more or one less than now, so that any two majorities
 * share a voter; learners and addresses may change beside (a wiped voter leaves and returns as a learner in
 * one step). `next->index` is not looked at. ERR_NOT_LEADER; ERR_BUSY: another change is not committed yet, or
 * this leader has not committed an entry of its term, or leadership is being handed over; ERR_INVALID: two
 * voters at once, no voter left, a newcomer that is no learner or whose number is not new, the next number
 * lowered; ERR_TOO_BIG; ERR_NOMEM. */
int raft_propose_config(struct raft *r, const struct raft_config *next, struct raft_pos *out);
/* A linearizable read (dissertation 6.4): raft_flush() sends the question, some later ready->reads answers,
 * once. ERR_NOT_LEADER, ERR_BUSY. */
int raft_read(struct raft *r, uint64_t context);
/* Hand leadership to `to` (RAFT_NOBODY: the best follower); raft_flush() begins it. Given up, silently, after
 * an election timeout. ERR_NOT_LEADER, ERR_NOT_FOUND (no such voter), ERR_BUSY (one is under way). */
int raft_transfer(struct raft *r, uint64_t now_us, uint64_t to);
/* Give up leadership at once (full or hung disk, DESIGN 6) and do not campaign before `until_us`. */
const struct raft_ready *raft_abdicate(struct raft *r, uint64_t now_us, uint64_t until_us);

/* A message of this type and term waited, and its unit is stored: may it leave? Not when its term or its candidacy
 * is over. Then what it says of a vote would be pointless, and what it says of the log perhaps not true: a cut may
 * have come into the same unit. */
bool raft_may_leave(const struct raft *r, enum raft_msg_type type, uint64_t term);

/* What has to be stored next: everything unsynced so far, as one unit. raft_number() and raft_base() go into
 * it too. Some may be in flight at once; raft_has_unit() says no when they are too many. */
struct raft_unit {
    uint64_t number;   /* 1, 2, ... since raft_create() */
    uint64_t cut_from; /* records from here on are not ours any more; 0: nothing is cut */
    const struct raft_entry *entries;
    size_t entries_count;
    struct raft_hard_state hard;
    const struct raft_config *config; /* as in raft_durable, at the end of this unit */
    const struct raft_config *config_previous;
};
bool raft_has_unit(const struct raft *r);
void raft_take_unit(struct raft *r, struct raft_unit *out);

/* ---- applying ---- */

/* The last index that may be applied: committed, and durable here (DESIGN 3). */
uint64_t raft_applicable(const struct raft *r);
/* The entry at an index in base+1..last; NULL when it is not in memory: then raft_want() makes a fetch of it
 * appear in the next ready, and raft_on_fetched() brings it. */
const struct raft_entry *raft_entry_at(const struct raft *r, uint64_t index);
void raft_want(struct raft *r, uint64_t index);
/* The state has durably applied up to here, also told once after raft_create(): what was applied is committed.
 * Entries up to `index` may be trimmed. */
void raft_on_applied(struct raft *r, uint64_t index);
/* From now on the log begins after `index` (<= applied, stored). The next unit carries the new raft_base();
 * once it is stored, the driver may have the records trimmed. */
void raft_on_trimmed(struct raft *r, uint64_t index);
/* The state was replaced by a snapshot that ends at `pos` (>= applied): the log begins after it. Entries behind
 * it that fit (same term at pos) stay, others go. The next unit carries it as raft_base(). NULL: there is no memory for the
 * configuration, and nothing has happened. */
const struct raft_ready *raft_install(struct raft *r, uint64_t now_us, struct raft_pos pos,
                                      const struct raft_config *config);
/* A transfer to `member` ended: it holds everything up to `index` (0: it failed; try again). */
const struct raft_ready *raft_on_snapshot_sent(struct raft *r, uint64_t now_us, uint64_t member,
                                               uint64_t index);
/* A stranger was told its number (DESIGN 7): it may speak Raft from now on. The next unit carries it. */
void raft_set_number(struct raft *r, uint64_t number);

/* ---- looking ---- */

enum raft_state raft_state(const struct raft *r);
uint64_t raft_term(const struct raft *r);
uint64_t raft_leader(const struct raft *r); /* RAFT_NOBODY: none known */
uint64_t raft_number(const struct raft *r);
uint64_t raft_committed(const struct raft *r);
uint64_t raft_stored(const struct raft *r);  /* last durable index */
uint64_t raft_applied(const struct raft *r); /* durable in the state, as we were told */
struct raft_pos raft_last(const struct raft *r);
struct raft_pos raft_base(const struct raft *r);
/* The term of the entry at index, base..last; 0 outside. */
uint64_t raft_term_at(const struct raft *r, uint64_t index);
/* The configuration in force: the newest in the log, committed or not. */
const struct raft_config *raft_config(const struct raft *r);
bool raft_config_is_committed(const struct raft *r);
/* The one that held at a committed index; NULL when it is not remembered any more. */
const struct raft_config *raft_config_at(const struct raft *r, uint64_t index);
/* When a message of the current leader last came; for a leader, when a quorum last answered. */
uint64_t raft_last_contact_us(const struct raft *r);

/* A leader's look at one member; ERR_NOT_LEADER, ERR_NOT_FOUND. */
struct raft_member_progress {
    uint64_t match;
    uint64_t last_reply_us; /* 0: none in this term */
    uint64_t heard_us;      /* the same, or since when this leader would have heard it */
    bool has_lost_log;      /* its disk does not hold any more what it had acknowledged */
};
int raft_member_progress(const struct raft *r, uint64_t number, struct raft_member_progress *out);

/* A leader's log contradicts what is committed in ours: one of the two is a copy that went another way. */
bool raft_has_diverged(const struct raft *r);
/* Messages dropped because no correct member could have sent them. */
uint64_t raft_odd_count(const struct raft *r);

/* Asserts the invariants that can be seen from inside. */
void raft_check(const struct raft *r);

#endif
