/* check_int.h -- between the checkers: the record they all look at, and one entry point each. */
#ifndef SIM_CHECK_CHECK_INT_H
#define SIM_CHECK_CHECK_INT_H

#include "sim/check/check.h"
#include "util/map.h"

enum { CHECK_MACHINES_MAX = 33, CHECK_MEMBERS_MAX = 64 };

/* One entry of a log; `chain` is a hash over all entries up to it, so that two logs are equal up to an
 * index when their chains there are. */
struct record_entry {
    uint64_t term;
    uint64_t hash;
    uint64_t chain;
};

struct record_log {
    uint64_t base; /* index before the first entry */
    uint64_t base_chain;
    struct record_entry *entries;
    size_t count;
    size_t size;
};

struct record_member {
    uint64_t number;
    bool is_voter;
    bool goes;
    unsigned who; /* the machine; 0: none of ours */
};

struct record_config {
    uint64_t index;
    uint64_t told_at_us;
    struct record_member members[CHECK_MEMBERS_MAX];
    size_t count;
};

/* What a member had on its disk when that was lost. What it had acknowledged still counts: its number never
 * votes again. */
struct record_former {
    uint64_t number;
    uint64_t stored;
    struct record_log log;
};

/* What was known of a disk when it was copied. */
struct record_copy {
    uint64_t number, stored, hard_term, hard_vote, kept;
    struct record_log log;
};

/* One life, until it is ready. */
struct record_join {
    bool is_over;
    uint64_t begun_us; /* to look for a cluster */
    uint64_t heard_us; /* a leader hears it well since then; 0: none does */
    uint64_t target;   /* what was committed then */
    uint64_t applied;
    uint64_t moved_us; /* towards that */
};

struct record_machine {
    struct peer_id id;
    uint64_t number; /* as the last fact said */
    uint64_t life;   /* counts starts */
    bool is_awake;   /* told WOKE in this life */
    struct record_log log;
    uint64_t stored; /* durable, of the log as it is now */
    /* What a cut took away that is still on the disk until the unit with the cut is stored; all of the old log,
     * when a snapshot took its place. */
    struct record_log cut;
    bool has_cut;
    uint64_t hard_term, hard_vote; /* durable */
    uint64_t term;                 /* as the last role said */
    enum raft_state role;
    uint64_t led_at_us;  /* the last moment at which it led */
    uint64_t committed;  /* in this life */
    uint64_t applied;    /* likewise */
    uint64_t kept;       /* durable, of the state */
    bool has_installed;  /* likewise */
    bool may_be_damaged; /* bits of its disk have turned */
    bool lacks_rows;     /* of its state, and nobody may have noticed */
    bool owes_noop;      /* leads, and has not shown its whole log yet */
    uint64_t committed_at_election;
    struct record_join join;
    struct record_config config;
    struct record_config config_before;
    struct record_former former;
    struct record_copy copy;
};

struct state_at {
    bool is_known;
    uint64_t hash[2];
};

/* Up to where leaders of this term said that entries are committed. */
struct commit_mark {
    uint64_t term, index;
};

struct checks {
    struct checks_hooks hooks;
    unsigned machines_count;
    bool has_failed;
    unsigned accepting; /* 0: nobody */
    struct checks_counts counts;
    struct record_machine machines[CHECK_MACHINES_MAX]; /* 0 is not used */
    struct record_log committed; /* of the cluster, as the first one told that committed it */
    struct commit_mark *commits; /* one a term, in rising order of both */
    size_t commits_count;
    struct state_at *states; /* [index]: the state's hash behind the entry */
    size_t states_size;
    struct election_book *elections;
    struct matching_book *matching;
    struct promise_book *promises;
    struct seen_book *seen;
    struct storm_book *storms;
    struct alarm_book *alarms;
    struct repair_book *repairs;
    uint64_t strangers_since_us; /* a pin is allocated to one at rest; 0: none is */
    uint64_t look_us;            /* next look at what is overdue */
};

void check_fail(struct checks *c, const char *checker, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* record.c */
void record_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void record_forget(struct record_machine *m); /* the disk is empty */
void record_copy(struct record_machine *m);
void record_restore(struct record_machine *m);
void record_machine_deinit(struct record_machine *m);
uint64_t record_log_last(const struct record_log *log);
const struct record_entry *record_log_at(const struct record_log *log, uint64_t index);
uint64_t record_log_chain(const struct record_log *log, uint64_t index); /* base..last */
void record_log_push(struct record_log *log, uint64_t term, uint64_t hash);
void record_log_cut(struct record_log *log, uint64_t from);
void record_log_deinit(struct record_log *log);
unsigned record_machine_of(const struct checks *c, const struct peer_id *id); /* 0: none of ours */
/* Does this member's disk hold that committed entry (or did, when it was lost)? */
bool record_is_durable(const struct checks *c, const struct record_member *member, uint64_t index);

/* One a checker. `before`: looks at the record as it was when the fact came; the others as it is then. */
void monotone_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void durable_log_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void membership_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void log_begin_before_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void log_matching_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void election_safety_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void leader_completeness_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void commit_quorum_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void state_machine_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void config_change_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void storms_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void alarms_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
void alarms_on_start(struct checks *c, unsigned who);
void alarms_on_time(struct checks *c);
/* Certainly: does `by`, who leads, hear `of` well, and say so? Is `of` silent for it, and called down? */
bool alarms_hears(const struct checks *c, unsigned by, unsigned of);
bool alarms_buried(const struct checks *c, unsigned by, unsigned of);
bool alarms_is_well(const struct checks *c, unsigned who);
const struct checks_health *alarms_health(const struct checks *c); /* NULL: nobody looks */
uint64_t alarms_network_us(const struct checks *c);                /* a frame takes at most that */
void repairs_on_fact(struct checks *c, const struct peer_fact *fact);
void repairs_on_time(struct checks *c);
uint64_t repairs_heard_since_us(const struct checks *c,
                                unsigned who); /* by a leader that is well; 0: not */
void joins_on_start(struct checks *c, unsigned who);
void joins_on_time(struct checks *c);
void repairs_void(struct checks *c); /* from here on nobody knows what is pinned */
void repairs_deinit(struct checks *c);
void allocations_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
bool allocations_audit(struct checks *c, const struct listing *state, struct buf *why);

/* A cluster of one goes on from that machine's disk. */
void record_succeed(struct checks *c, unsigned who);
void promises_forgive(struct checks *c); /* whatever was promised: it may have been kept */

void election_safety_deinit(struct checks *c);
void log_matching_deinit(struct checks *c);
void promises_deinit(struct checks *c);
void linearizable_deinit(struct checks *c);
void storms_deinit(struct checks *c);
void alarms_deinit(struct checks *c);

#endif
