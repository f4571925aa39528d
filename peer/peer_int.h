/* peer_int.h -- the inside of struct peer, for peer*.c only.
 *
 *   peer.c           create, destroy, events, deadlines
 *   peer_found.c     from an empty disk to a member
 *   peer_accept.c    a list of peers that an operator has edited; going on without a majority
 *   peer_raft.c      drives raft/: messages out, units to disk, entries to the state
 *   peer_snapshot.c  messages about snapshots; peer_snapshot_send.c gives our state to members that need it,
 *                    peer_snapshot_receive.c puts a leader's in the place of ours
 *   peer_trim.c      where the log begins
 *   peer_audit.c     our state's hash compared with the leader's
 *   peer_damage.c    damaged rows: the scrub that finds them, and the way to heal them
 *   peer_propose.c   writes on their way through the log
 *   peer_read.c      reads that wait until this peer has caught up
 *   peer_members.c   who belongs: admission, addresses
 *   peer_removal.c   who does not any more
 *   peer_foreign.c   other clusters, and joining one although there is data
 *   peer_leave.c     a peer that stops for good: what it holds moves first
 *   peer_depart.c    members on their way out: gone when nothing is lost with them
 *   peer_retire.c    members that forgot what they had acknowledged
 *   peer_roles.c     who votes
 *   peer_level.c     the level of what is replicated
 *   peer_health.c    metrics out and in, who is alive, repair
 *   peer_repair.c    pins of peers that are gone get other holders
 *   peer_hearsay.c   what a learner is told of the others
 *   peer_plan.c      what is wrong, and what a repair would do
 *   peer_expiry.c    pins whose time is over
 *   peer_tracker.c   turns of the tracker
 *   peer_surplus.c   pins that moved away stay until others have them; peer_holds.c tells who asks
 *   peer_swarm.c     connects the members' IPFS daemons to one another
 *   peer_origins.c   connects this peer's daemon to where a pin's blocks are said to be
 *   peer_watch.c     how far a pin has come, for whoever waits for it
 *   peer_ask.c       one question to this peer's daemon; peer_word.c, peer_census.c: one to every member's
 *   peer_informer.c  what this peer says of itself
 *   peer_status.c    pages of the local state, recover, sync
 *   peer_calls.c     questions of other peers
 *   peer_survey.c    one question to all members, merged
 *   peer_api.c       what the REST API asks for
 *   peer_export.c    all pins as they stand at one moment
 *   peer_proxy.c     what the IPFS proxy asks for
 *   peer_upload.c    uploads of this peer's clients; peer_upload_place.c who gets them, peer_intake.c into this peer's
 *                    daemon
 *   peer_observe.c   facts for checkers
 *   peer_stop.c      the orderly stop
 *
 * Rule     An event enters by one of peer.h's functions or a port's hook, which open it with
 *          peer_enter() and close it with peer_leave(). Between them time stands still (p->now_us).
 *          What follows from it (peer_settle()) is a deadline that is due at once: once for all events of a turn.
 *          Modules are called with what they need and answer with effects; only here are ports touched. */
#ifndef PEER_PEER_INT_H
#define PEER_PEER_INT_H

#include "allocation/allocate.h"
#include "allocation/budget.h"
#include "allocation/decisions.h"
#include "allocation/handed.h"
#include "allocation/repair.h"
#include "health/monitor.h"
#include "members/audit.h"
#include "members/founding.h"
#include "members/join.h"
#include "net/frame.h"
#include "net/rpc.h"
#include "peer.h"
#include "peer_traffic.h"
#include "raft/raft.h"
#include "state/pin.h"
#include "state/pin_entry.h"
#include "state/pinset.h"
#include "store/overlay.h"
#include "store/raft_store.h"
#include "store/sound_view.h"
#include "store/snapshot_wire.h"
#include "tracker/tracker.h"
#include "tracker/tracker_status.h"
#include "util/arena.h"
#include "util/list.h"
#include "util/log.h"

enum {
    PEER_SPEAKERS_MAX = 8,
    PEER_EXPORTS_MAX = 4,
    PEER_FOREIGNERS_MAX = 16,
    PEER_PUPILS_MAX = 64,
    PEER_UNITS_IN_FLIGHT_MAX = 1,
    PEER_BATCH_ROWS_MAX = OVERLAY_OPS_MAX - PINSET_APPLY_ROWS_MAX - PINSET_FINISH_ROWS_MAX,
    PEER_EXPIRIES_IN_FLIGHT_MAX = 64,
    PEER_SURPLUS_ASKS_MAX = 32,
    PEER_HOLDINGS_MAX = 2 * PEER_SURPLUS_ASKS_MAX,
    PEER_DEPARTURES_MAX = 8, /* looked at at the same time; more wait */
};

/* Numbers in the file room. */
enum { PEER_FILE_SPOOL = 1, PEER_FILE_RECEIVED = 2, PEER_FILE_EXPORT = 3 };

#define PEER_FIND_PAUSE_US    ((uint64_t)500 * 1000)
#define PEER_FIND_TIMEOUT_US  ((uint64_t)2000 * 1000)
#define PEER_JOIN_TIMEOUT_US  ((uint64_t)5000 * 1000)
#define PEER_RETIRE_PAUSE_US  ((uint64_t)2000 * 1000)
#define PEER_TELL_AGAIN_US    ((uint64_t)600 * 1000 * 1000)
#define PEER_LEAVE_PAUSE_US   ((uint64_t)500 * 1000)
#define PEER_ROLES_PAUSE_US   ((uint64_t)200 * 1000)
#define PEER_PROPOSE_PAUSE_US ((uint64_t)100 * 1000)
#define PEER_READ_PAUSE_US    ((uint64_t)50 * 1000)
#define PEER_REPAIR_PAUSE_US  ((uint64_t)200 * 1000)
#define PEER_REPAIR_SLICE_US  ((uint64_t)2 * 1000)
#define PEER_EXPIRY_PAUSE_US  ((uint64_t)1000 * 1000)
#define PEER_DISK_PAUSE_US    ((uint64_t)1000 * 1000)
/* What is applied may gather so long before it is written: it is in the log already, and a restart does it again. */
#define PEER_STATE_PAUSE_US ((uint64_t)1000 * 1000)

enum peer_life {
    PEER_FOUNDING, /* an empty disk: asking who is there */
    PEER_JOINING,  /* asking to be admitted */
    PEER_WRITING,  /* what makes it a member is on its way to the disk */
    PEER_MEMBER,
    PEER_STOPPED,
};

/* A Raft message that waits for a unit. */
struct peer_letter {
    struct list_link link;
    uint64_t after_unit;
    enum raft_msg_type type;
    uint64_t term;
    struct peer_id to;
    struct bytes bytes; /* behind the struct */
};

/* Who spoke lately under a number that our configuration does not have (yet). */
struct peer_speaker {
    uint64_t number;
    struct peer_id id;
};

/* A learner, and what it has to hold before it votes. */
struct peer_pupil {
    uint64_t number;
    uint64_t target;
};

/* `applied` is NULL unless err is OK; `why` is never NULL. */
typedef void (*peer_proposal_done)(void *owner, int err, const struct pinset_applied *applied,
                                   const char *why);
typedef void (*peer_change_done)(void *owner, int err, const char *why);

/* Consistent reads, and the question to the leader that they wait for (peer_read.c). */
struct peer_reads {
    struct list_link asked;
    size_t count;
    struct list_link askers; /* other peers' questions, while we lead */
    uint64_t contexts_count; /* handed to raft_read(); each only once */
    bool is_under_way;
    uint64_t context; /* of the question under way; 0: it went to another peer */
    uint64_t retry_us;
    struct peer *peer;
};

/* A pin that moved away, while its new holders are asked. */
struct peer_surplus {
    struct peer *peer;
    struct cid cid;
    bool is_busy;
    size_t open; /* answers that are to come */
    size_t pinned;
    size_t needed;
};

/* Another peer's question whether our daemon has a pin. */
struct peer_holding {
    struct peer *peer;
    struct cid cid;
    struct rpc_asker asker;
    bool is_busy;
};

/* A member on its way out, as this leader has seen it since the present configuration. */
struct peer_departure {
    struct peer *peer;
    uint64_t number; /* 0: none */
    uint64_t index;  /* of the configuration */
    uint64_t term;
    struct cid at; /* what the state has for it up to here cannot move, ... */
    bool is_stuck; /* ... and there is some */
    bool is_asked;
    bool is_empty; /* it keeps nothing any more, it says */
    uint64_t ask_at_us;
};

struct peer_door_list;
struct peer_sender;
struct peer_receiver;

/* Uploads (peer_upload.c): those of this peer's clients, and those into its daemon. */
struct peer_uploads {
    struct list_link list;
    size_t count;
    struct list_link intakes;
    size_t intakes_count;
    uint32_t last_id; /* in this life */
    bool has_moved;   /* something was said between the two, at this peer */
};

struct peer {
    struct peer_options options;
    struct peer_ports ports;
    struct peer_hooks hooks;
    struct peer_observer observer;
    const struct log *log;

    /* This event. */
    uint64_t now_us;
    int64_t wall_us;
    int depth;             /* of peer_enter() */
    uint64_t settle_at_us; /* what follows from events before is due; RAFT_NEVER: done */
    struct arena arena;    /* emptied when the event ends */
    struct buf scratch;    /* one message being made */

    /* Who we are. */
    enum peer_life life;
    struct cluster_id cluster;
    uint64_t list; /* founding_list_hash() of cluster_peers and self */
    bool was_damaged;
    bool is_newcomer; /* admitted in this life */
    bool is_ready;
    uint64_t start_deadline_us;
    struct founding founding;
    struct raft_store_loaded loaded;
    struct raft_durable birth; /* what is being written to become a member */
    struct raft_config birth_config;
    struct raft_term_run *birth_runs; /* NULL: those of `loaded` */
    bool edit_is_open; /* cluster_peers was edited, and nobody has decided yet what holds */
    uint64_t join_ticket;
    uint64_t join_retry_us;
    bool join_asked;
    char join_why[RPC_TEXT_MAX]; /* why nobody has admitted it yet */
    bool list_differs;           /* somebody's cluster_peers from ours, and we have said so */
    struct peer_id join_via;

    struct rpc rpc;
    uint64_t bad_frames_count;
    struct peer_id foreigners[PEER_FOREIGNERS_MAX]; /* whose refusal we have logged */
    size_t foreigners_next;

    /* The log. */
    struct raft *raft; /* NULL until a member */
    struct raft_store raft_store;
    uint64_t election_draw;
    struct list_link letters;
    uint64_t stored_unit;
    size_t units_in_flight;
    uint64_t unit_due_us; /* not stored by then: the disk hangs; RAFT_NEVER: none is on its way */
    bool disk_hangs;
    bool fetch_was_refused;          /* the store's queue was full */
    struct raft_entry *entries_room; /* of one APPEND */
    struct peer_speaker speakers[PEER_SPEAKERS_MAX];
    size_t speakers_next;
    struct raft_hard_state unit_hard; /* for observers */
    uint64_t told_base;
    uint64_t told_committed;
    uint8_t told_liveness[LIMIT_MEMBERS_COUNT]; /* in the order of the members; 0: not told */

    /* The state. */
    struct overlay *state;
    struct pinset *pinset;
    uint64_t applied;    /* in the overlay, readable */
    bool is_catching_up; /* with what was last when it asked; then it is ready */
    size_t batch_rows;
    int sink_err; /* of the batch being made */
    bool apply_is_blocked;
    uint64_t flush_at_us;       /* what has gathered in the overlay; RAFT_NEVER: nothing */
    uint64_t local_flush_at_us; /* the same, of the local rows */
    uint64_t disk_retry_us;     /* RAFT_NEVER: the disk has room */

    struct peer_sender *sender;
    struct peer_receiver *receiver;
    uint64_t trim_at_us;

    /* Damage. */
    bool state_is_damaged; /* nothing is applied until a snapshot has taken its place */
    uint64_t heal_at_us;
    struct digest_scrub scrub;
    uint64_t scrub_index; /* where the state stood when the walk began */
    uint64_t scrub_at_us;
    struct audit audit; /* our state's hash at some indexes, to compare with others' */
    uint64_t audit_at_us;
    uint64_t audit_asked; /* about the state behind this entry */
    uint64_t audit_differences;

    /* Members. */
    struct list_link changes;
    struct list_link removals;
    struct join_desk desk;
    struct peer_pupil pupils[PEER_PUPILS_MAX];
    size_t pupils_count;
    uint64_t roles_at_us;
    uint64_t retire_at_us;
    struct peer_departure departures[PEER_DEPARTURES_MAX];
    bool gives_all_up; /* on its way out, and what the state gives it cannot move */
    uint64_t refusal_told_us;
    bool is_diverged; /* and says so to its leader before it ends */
    bool visit_is_over;
    uint64_t visit_at_us;
    uint64_t visit_end_us;
    bool cluster_id_proposed; /* by this leader */

    /* Writes. */
    struct list_link proposals;
    struct list_link outbox; /* those that leave at this event's end */
    size_t proposals_count;
    uint64_t proposals_due_us; /* nothing is to be done about them before */
    uint64_t next_sequence;
    struct peer_reads reads;

    /* Health. */
    struct monitor *monitor;
    bool has_heard; /* from a leader what it knows of everybody (peer_hearsay.c) */
    uint64_t heard_at_us;
    struct repair *repair;
    struct decisions *decisions; /* of this peer, as leader */
    uint64_t push_at_us;
    uint64_t repair_at_us;
    uint64_t level_at_us;
    bool level_is_proposed;
    struct budget repair_budget;
    struct handed repair_handed;
    uint64_t repair_moved; /* of the present repair */
    bool repair_is_told;
    bool repair_is_told_held;
    uint64_t expiry_at_us;
    size_t expiries_in_flight;
    struct peer_informer *informer;
    struct buf push; /* the metrics on their way to several peers */

    /* The tracker. */
    struct overlay *local;
    struct view local_view; /* while one is open: what lies under `local_sound` */
    struct sound_view local_sound;
    bool local_was_damaged; /* a row of it, in this life */
    struct tracker *tracker;
    struct peer_surplus surplus[PEER_SURPLUS_ASKS_MAX];
    size_t surplus_turn; /* whom to ask about what everybody holds */
    struct peer_holding holdings[PEER_HOLDINGS_MAX];
    int local_sink_err;

    struct peer_swarm *swarm;
    size_t origins_in_flight;
    struct list_link asks;    /* struct peer_ask */
    struct list_link words;   /* peer_word.c */
    struct list_link watches; /* peer_watch.c */
    struct list_link surveys; /* peer_survey.c: those that go on in an event of their own */
    struct peer_id linked[LIMIT_MEMBERS_COUNT]; /* who has a connection with this peer */
    size_t linked_count;
    struct peer_traffic traffic;

    /* Doors. */
    struct peer_doors *doors;
    struct api_export *exports[PEER_EXPORTS_MAX]; /* NULL: free */
    struct peer_uploads uploads;

    /* The orderly stop. */
    bool is_leaving; /* the cluster, before that */
    uint64_t leave_deadline_us;
    uint64_t leave_ask_us;
    bool is_stopping;
    uint64_t stop_deadline_us;
    char stop_why[160];
};

/* ---- peer.c ---- */
void peer_enter(struct peer *p);
void peer_leave(struct peer *p);
void peer_end(struct peer *p, int code, const char *why);
void peer_words(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void peer_bad_frame(struct peer *p, const struct peer_id *from, int err);
/* Removed from the cluster, or (`join`) moving to another: the data is void. */
void peer_leave_cluster(struct peer *p, const char *why, const struct peer_address *join,
                        size_t join_count);
int peer_become_member(struct peer *p, const struct raft_durable *durable);
void peer_check_ready(struct peer *p);
/* The state as it stands in the overlay, for reading within this event. */
int peer_view(struct peer *p, struct view *view);
/* Opens the generation that the log names and reads where the state stands. */
int peer_open_state(struct peer *p);
void peer_view_end(struct peer *p, struct view *view);

/* ---- peer_found.c ---- */
int peer_found_start(struct peer *p);
void peer_found_on_deadline(struct peer *p);
uint64_t peer_found_deadline_us(const struct peer *p);
void peer_on_find(struct peer *p, const struct rpc_asker *asker);
/* A new start is durable before it proposes anything: sequences are never used twice. */
void peer_write_boot(struct peer *p, const struct raft_durable *durable);
/* Writes `p->birth` with its first entries; when they are durable, this peer is a member. */
void peer_write_birth(struct peer *p, const struct raft_entry *entries, size_t count,
                      uint64_t cut_from);
void peer_learn_addresses(struct peer *p, const struct peer_address *rows, size_t count);

/* ---- peer_accept.c ---- */
/* A member's disk was loaded. OK: peer_write_boot() may follow; ERR_REFUSED: what the operator asks for cannot be, and
 * was said; else *is_taken says whether the birth is being written already. */
int peer_accept_start(struct peer *p, bool *is_taken);
void peer_accept_settle(struct peer *p);
void peer_accept_on_deadline(struct peer *p);
uint64_t peer_accept_deadline_us(const struct peer *p);

/* ---- peer_raft.c ---- */
int peer_raft_start(struct peer *p);
void peer_raft_take(struct peer *p, const struct raft_ready *ready);
void peer_raft_settle(struct peer *p);
void peer_raft_on_deadline(struct peer *p);
void peer_raft_end(struct peer *p);
/* Is the proven sender the one that may speak under this number? */
bool peer_may_speak(struct peer *p, const struct peer_id *from, const struct frame *frame,
                    uint64_t number);
void peer_on_raft_frame(struct peer *p, const struct peer_id *from, const struct frame *frame);
void peer_on_role_changed(struct peer *p);
/* The first CLUSTER_ID that is applied names the cluster (DESIGN 8). */
void peer_learn_cluster_id(struct peer *p);
void peer_state_durable(void *owner, uint64_t tag);
void peer_disk_failed(struct peer *p, int err, const char *doing);
void peer_disk_full(struct peer *p);
bool peer_has_no_room(const struct peer *p); /* its own disk is full */
void peer_disk_on_deadline(struct peer *p);
void peer_state_on_deadline(struct peer *p);

/* ---- peer_snapshot.c ---- */
void peer_on_snapshot_frame(struct peer *p, const struct peer_id *from, const struct frame *frame);
void peer_send_snapshot(struct peer *p, const struct peer_id *to, struct snapshot_msg *m);

/* ---- peer_snapshot_send.c ---- */
int peer_sender_start(struct peer *p);
void peer_sender_end(struct peer *p);
void peer_sender_on_member(struct peer *p);
void peer_sender_need(struct peer *p, uint64_t member); /* Raft says so */
void peer_sender_on_get(struct peer *p, const struct peer_id *from, const struct snapshot_msg *m);
void peer_sender_on_held(struct peer *p, const struct snapshot_msg *m);
void peer_sender_on_want(struct peer *p, const struct snapshot_msg *m);
void peer_sender_on_role(struct peer *p);
/* What lies behind this index still has to follow a snapshot; RAFT_NEVER: nothing. */
uint64_t peer_sender_hold(const struct peer *p);
void peer_sender_on_deadline(struct peer *p);
uint64_t peer_sender_deadline_us(const struct peer *p);

/* ---- peer_snapshot_receive.c ---- */
int peer_receiver_start(struct peer *p);
void peer_receiver_end(struct peer *p);
void peer_receiver_on_offer(struct peer *p, const struct peer_id *from,
                            const struct snapshot_msg *m);
void peer_receiver_on_chunk(struct peer *p, const struct snapshot_msg *m);
void peer_receiver_on_gone(struct peer *p, const struct peer_id *from,
                           const struct snapshot_msg *m);
void peer_receiver_on_role(struct peer *p);
void peer_receiver_on_ready(struct peer *p);
void peer_receiver_settle(struct peer *p);
/* The state is about to be replaced: nothing more goes into the old one. */
bool peer_receiver_blocks_apply(const struct peer *p);
bool peer_receiver_is_busy(const struct peer *p);
void peer_receiver_on_unit(struct peer *p, uint64_t unit_number);
void peer_receiver_on_stored(struct peer *p, uint64_t unit_number);
void peer_receiver_on_deadline(struct peer *p);
uint64_t peer_receiver_deadline_us(const struct peer *p);

/* ---- peer_damage.c ---- */
void peer_state_damaged(struct peer *p, const char *found); /* may be said from anywhere */
void peer_state_healed(struct peer *p);
void peer_damage_on_deadline(struct peer *p);
uint64_t peer_damage_deadline_us(const struct peer *p);

/* ---- peer_audit.c ---- */
void peer_audit_on_applied(struct peer *p);
void peer_on_audit(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
void peer_audit_on_deadline(struct peer *p);
uint64_t peer_audit_deadline_us(const struct peer *p);

/* ---- peer_trim.c ---- */
void peer_trim_on_deadline(struct peer *p);
void peer_trim_on_stored(struct peer *p);
uint64_t peer_trim_deadline_us(const struct peer *p);

/* ---- peer_propose.c ---- */
/* The pin (or unpin) on its way; `priority` are the client's preferred holders. At once: ERR_NO_LEADER, ERR_FULL,
 * ERR_BUSY, ERR_TOO_BIG, ERR_NOMEM; else done runs once, later. */
int peer_propose(struct peer *p, struct pin_entry *entry, const struct peer_id *priority,
                 size_t priority_count, peer_proposal_done done, void *owner);
void peer_proposals_on_applied(struct peer *p, const struct pinset_applied *applied);
void peer_proposals_on_role(struct peer *p);
void peer_proposals_on_deadline(struct peer *p);
uint64_t peer_proposals_deadline_us(const struct peer *p);
void peer_proposals_end(struct peer *p, int err);
void peer_on_propose(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_read.c ---- */
void peer_reads_start(struct peer *p);
/* done when the state here has everything that was acknowledged anywhere by now. At once: ERR_NO_LEADER, ERR_BUSY,
 * ERR_NOMEM; else done runs once, later: OK, or ERR_NO_LEADER. */
int peer_catch_up(struct peer *p, peer_change_done done, void *owner);
void peer_reads_on_result(struct peer *p, const struct raft_read_result *result);
void peer_reads_on_role(struct peer *p);
void peer_reads_begin(struct peer *p);
void peer_reads_settle(struct peer *p);
uint64_t peer_reads_deadline_us(const struct peer *p);
void peer_reads_end(struct peer *p, int err);
void peer_on_read(struct peer *p, const struct rpc_asker *asker);

/* ---- peer_members.c ---- */
const struct raft_member *peer_leader(const struct peer *p);
bool peer_leads(const struct peer *p);
bool peer_was_removed(const struct peer *p, uint64_t number);
void peer_note_addresses(struct peer *p, const struct peer_id *id, const struct multiaddr *addrs,
                         size_t count);
/* Proposes `next`; then one of the two ways to wait for it, or neither. */
struct peer_change;
int peer_change_propose(struct peer *p, const struct raft_config *next, struct peer_change **out);
void peer_change_await(struct peer_change *change, peer_change_done done, void *owner);
struct buf *peer_change_answer(struct peer_change *change); /* a call's; empty at first */
void peer_change_await_call(struct peer_change *change, const struct rpc_asker *asker);
void peer_changes_forget(struct peer *p, const void *owner);
void peer_changes_settle(struct peer *p);
void peer_changes_end(struct peer *p, int err);
void peer_on_config_changed(struct peer *p);
void peer_tell_members(struct peer *p);
/* Where the other members are said to listen. */
size_t peer_others(const struct peer *p, struct peer_address *rows, size_t room);
void peer_on_join(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
/* Asks the peer at `address` (len 0: where it is known to be) to join this cluster (peers add). At once: an error,
 * ERR_NOT_FOUND where no address is known; else done runs later. */
int peer_member_invite(struct peer *p, const struct peer_address *address, peer_change_done done,
                       void *owner);
void peer_on_invite(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
void peer_members_on_deadline(struct peer *p);
uint64_t peer_members_deadline_us(const struct peer *p);

/* ---- peer_foreign.c ---- */
void peer_refuse_foreign(struct peer *p, const struct rpc_asker *asker);
void peer_note_foreign(struct peer *p, const struct peer_id *from, const struct cluster_id *theirs);
void peer_note_refusal(struct peer *p, const char *text);
/* `from`, our leader, contradicts what is committed in our log: the data is a copy that went another way. */
void peer_has_diverged(struct peer *p, const struct peer_id *from);
void peer_on_diverged(struct peer *p, const struct rpc_asker *asker);
void peer_visit_on_deadline(struct peer *p);
uint64_t peer_visit_deadline_us(const struct peer *p);

/* ---- peer_leave.c ---- */
bool peer_leave_begin(struct peer *p); /* false: nobody is left behind, or it has been tried */
void peer_leave_on_deadline(struct peer *p);
uint64_t peer_leave_deadline_us(const struct peer *p);
void peer_on_leave(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_depart.c ---- */
int peer_mark(struct peer *p, const struct raft_member *m, enum raft_role_in_config role,
              struct peer_change **change);
bool peer_stays(const struct peer *p,
                const struct peer_id *id); /* a member, and not on its way out */
void peer_departures_step(struct peer *p);
void peer_on_keeps(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
/* Of this peer: pins that it holds and others do not have yet. False: not on its way out, or not counted yet. */
bool peer_count_kept(const struct peer *p, uint64_t *count);
void peer_grip_settle(struct peer *p);

/* ---- peer_retire.c ---- */
void peer_retire_step(struct peer *p);
void peer_on_retire(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_removal.c ---- */
enum peer_removal_kind {
    PEER_REMOVAL_GENTLE, /* its pins move first */
    PEER_REMOVAL_FORCED,
    PEER_REMOVAL_UNDO, /* it stays, after all */
};
/* `is_gone` false: it is on its way out, and its pins move first; or it stays. */
typedef void (*peer_removal_done)(void *owner, int err, bool is_gone, const char *why);
/* At once: ERR_NO_LEADER, ERR_NOMEM; else done runs later, within commit_timeout_us. */
int peer_member_remove(struct peer *p, const struct peer_id *id, enum peer_removal_kind kind,
                       peer_removal_done done, void *owner);
void peer_on_removal(struct peer *p, const struct rpc_asker *asker, enum peer_removal_kind kind,
                     struct bytes payload);
void peer_removals_settle(struct peer *p);
uint64_t peer_removals_deadline_us(const struct peer *p);
void peer_removals_end(struct peer *p);

/* ---- peer_roles.c ---- */
void peer_roles_step(struct peer *p);
/* As the leader sees it: could the other voters go on without this one? */
bool peer_can_spare_vote(struct peer *p, uint64_t number);

/* ---- peer_level.c ---- */
void peer_level_on_deadline(struct peer *p);
uint64_t peer_level_deadline_us(const struct peer *p);

/* ---- peer_health.c ---- */
int peer_health_start(struct peer *p);
void peer_health_end(struct peer *p);
void peer_health_on_role(struct peer *p);
void peer_health_on_config(struct peer *p, const struct raft_config *c);
void peer_health_on_deadline(struct peer *p);
uint64_t peer_health_deadline_us(const struct peer *p);
void peer_on_metrics(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
struct peer_candidates {
    struct allocate_candidate *list;
    size_t count;
};
/* The members as they stand now; they lie in p->arena. */
int peer_candidates(struct peer *p, struct peer_candidates *out);
/* The same as a repair takes them (peer_repair.c). */
int peer_repair_candidates(struct peer *p, struct peer_candidates *out);
/* Fills the pin's allocations as the leader sees the members now; they lie in p->arena. The request comes with whom the
 * client prefers, and leaves with what was decided from. */
int peer_allocate(struct peer *p, struct pin *pin, struct allocate_request *request,
                  struct buf *why);

/* Who would hold a new pin; of one that is to be everywhere, who could. */
int peer_allocate_new(struct peer *p, const struct pin *pin, struct allocate_request *request,
                      const struct peer_id **out, size_t *count, struct buf *why);

/* ---- peer_hearsay.c ---- */
/* Does this peer know how the others are? */
bool peer_is_informed(const struct peer *p);
/* Asks the leader; an error at once, or done runs later. */
int peer_hear(struct peer *p, peer_change_done done, void *owner);
void peer_on_hearsay(struct peer *p, const struct rpc_asker *asker);
/* How a member is; {0}: this peer does not know. */
struct api_standing peer_standing_of(const struct peer *p, const struct peer_id *id);

/* ---- peer_decisions.c; the rest is in peer_decisions.h ---- */
/* The pin has the holders that were decided on; with an error, none. Its CID may be nothing yet (an upload). The asker is
 * the number of the member whose client wants it; 0: nobody does. */
void peer_note_decision(struct peer *p, enum decision_cause cause, uint64_t asker,
                        const struct pin *pin, const struct allocate_request *request, int err);
void peer_on_decision(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_repair.c ---- */
int peer_repair_start(struct peer *p);
void peer_repair_end(struct peer *p);
void peer_repair_restart(struct peer *p);
void peer_repair_on_deadline(struct peer *p);
uint64_t peer_repair_deadline_us(const struct peer *p);
/* The size that a pin is taken for; 0: not known. */
uint64_t peer_repair_pin_bytes(struct peer *p);
/* For the metrics: what repairs gave out and may wait in front of daemons yet. */
uint64_t peer_repair_waiting(struct peer *p);

/* ---- peer_expiry.c ---- */
void peer_expiry_on_role(struct peer *p);
void peer_expiry_on_deadline(struct peer *p);
uint64_t peer_expiry_deadline_us(const struct peer *p);

/* ---- peer_tracker.c ---- */
int peer_tracker_start(struct peer *p);
void peer_tracker_end(struct peer *p);
void peer_tracker_settle(struct peer *p);
void peer_local_on_deadline(struct peer *p);
/* The local rows, without those that are damaged. */
int peer_local_view(struct peer *p, struct view *view);
void peer_local_view_end(struct peer *p, struct view *view);
uint64_t peer_tracker_deadline_us(const struct peer *p);

/* ---- peer_surplus.c ---- */
void peer_surplus_step(struct peer *p);
uint64_t peer_surplus_patience_us(const struct peer *p);

/* ---- peer_holds.c ---- */
void peer_on_holds(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_swarm.c ---- */
int peer_swarm_start(struct peer *p);
void peer_swarm_end(struct peer *p);
void peer_swarm_stop(struct peer *p);
void peer_swarm_again(struct peer *p); /* members or our daemon are others than before */
void peer_swarm_on_deadline(struct peer *p);
uint64_t peer_swarm_deadline_us(const struct peer *p);

/* ---- peer_origins.c ---- */
void peer_connect_origins(void *owner, const struct pin *pin);

/* ---- peer_ask.c ---- */
void peer_asks_stop(struct peer *p);
bool peer_asks_are_over(const struct peer *p);
void peer_asks_end(struct peer *p);

/* ---- peer_word.c; the rest is in peer_census.h ---- */
void peer_words_end(struct peer *p);

/* ---- peer_watch.c; the rest is in peer_watch.h ---- */
void peer_watches_on_deadline(struct peer *p);
uint64_t peer_watches_deadline_us(const struct peer *p);

/* ---- peer_survey.c ---- */
/* How a member called itself in its last ping; nothing when it has not. */
void peer_last_name(struct peer *p, const struct peer_id *id, struct buf *out);
void peer_surveys_on_deadline(struct peer *p);
uint64_t peer_surveys_deadline_us(const struct peer *p);

/* ---- peer_status.c ---- */
struct api_id;
struct page_request;
struct page;
int peer_describe(struct peer *p, struct arena *arena, struct api_id *out);
enum api_role peer_own_role(const struct peer *p);
int peer_page(struct peer *p, const struct page_request *r, bool brings_pins, struct arena *arena,
              struct page *out);
void peer_recover(struct peer *p, const struct cid *cid); /* undefined: all */
void peer_sync(struct peer *p, const struct cid *cid);
void peer_on_id(struct peer *p, const struct rpc_asker *asker);
void peer_on_status(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
void peer_on_recover(struct peer *p, const struct rpc_asker *asker, struct bytes payload);
void peer_on_sync(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_calls.c ---- */
void peer_on_request(void *owner, const struct rpc_asker *asker, enum rpc_method method,
                     struct bytes payload);

/* ---- peer_observe.c ---- */
void peer_tell(struct peer *p, struct peer_fact *fact);
void peer_tell_unit(struct peer *p, const struct raft_unit *unit);
void peer_tell_woke(struct peer *p, const struct raft_durable *d);
void peer_tell_stored(struct peer *p);
void peer_tell_commit(struct peer *p);
void peer_tell_applied(struct peer *p, const struct raft_entry *e);
void peer_tell_pin(struct peer *p, uint64_t index, const struct pinset_applied *applied);
void peer_tell_installed(struct peer *p);
void peer_tell_role(struct peer *p);
/* While this peer leads: what it holds `m`, of the configuration in force, for. Told when it is new. */
void peer_tell_liveness(struct peer *p, const struct raft_member *m, enum liveness liveness);
void peer_tell_liveness_anew(struct peer *p);
void peer_tell_config(struct peer *p, const struct raft_config *c);

/* ---- peer_api.c ---- */
int peer_doors_start(struct peer *p);
void peer_doors_end(struct peer *p);

/* ---- peer_export.c; its ops are in peer_export.h ---- */
void peer_exports_on_durable(struct peer *p, uint64_t applied);
void peer_exports_end(struct peer *p);

/* ---- peer_upload.c ---- */
void peer_uploads_start(struct peer *p);
void peer_uploads_stop(struct peer *p);
void peer_uploads_end(struct peer *p);
void peer_uploads_settle(struct peer *p);
uint64_t peer_uploads_deadline_us(const struct peer *p);
void peer_on_upload_frame(struct peer *p, const struct peer_id *from, const struct frame *frame);
void peer_uploads_on_link_down(struct peer *p, const struct peer_id *id);

/* ---- peer_upload_place.c ---- */
/* A question to the leader: who would hold such a pin? The asker's, until done ran or peer_place_forget(). */
struct peer_placing {
    void (*done)(struct peer_placing *placing, int err, const struct peer_id *peers, size_t count,
                 const char *why); /* the peers lie in p->arena */
    struct peer *peer;
    bool is_open;
};
/* At once an error, with words in `why`, or done ran already (this peer leads), or it runs later. */
int peer_place(struct peer *p, const struct pin *pin, const struct peer_id *priority,
               size_t priority_count, struct peer_placing *placing, struct buf *why);
void peer_place_forget(struct peer_placing *placing);
void peer_on_allocate(struct peer *p, const struct rpc_asker *asker, struct bytes payload);

/* ---- peer_intake.c ---- */
struct upload_msg;
/* Says it to that peer, which may be this one. */
int peer_upload_say(struct peer *p, const struct peer_id *to, const struct upload_msg *m);
void peer_upload_on_msg(struct peer *p, const struct peer_id *from, const struct upload_msg *m);
void peer_intake_on_msg(struct peer *p, const struct peer_id *from, const struct upload_msg *m);
/* One in a version that this peer does not know: whoever waits hears so at once, and not by silence. */
void peer_upload_on_newer(struct peer *p, const struct peer_id *from,
                          const struct upload_msg *head);
void peer_intake_on_newer(struct peer *p, const struct peer_id *from,
                          const struct upload_msg *head);
void peer_intakes_step(struct peer *p);
void peer_intakes_cancel(struct peer *p, const struct peer_id *from); /* NULL: all */
void peer_intakes_end(struct peer *p);
uint64_t peer_intakes_deadline_us(const struct peer *p);

/* ---- peer_stop.c ---- */
void peer_stop_now(struct peer *p);
void peer_stop_settle(struct peer *p);
uint64_t peer_stop_deadline_us(const struct peer *p);

#endif
