/* raft_int.h -- the machine's parts, for this folder only.
 *
 *      raft_step.c         terms first, then one function a message
 *      raft_election.c     who leads            raft_follower.c     taking the leader's entries
 *      raft_replication.c  feeding the others   raft_members.c      one configuration after another
 *      raft_read.c  raft_transfer.c  raft_snapshot.c  raft_fetch.c
 *      raft_ready.c        an input's beginning and end, the effects
 *      raft_log  raft_units  raft_progress      the parts that know nothing of the rest
 *
 * Rule     Within one input the log is changed first and messages with entries are made last
 *          (raft_end), because they point into it. */
#ifndef RAFT_RAFT_INT_H
#define RAFT_RAFT_INT_H

#include "raft/raft.h"
#include "raft/raft_log.h"
#include "raft/raft_progress.h"
#include "raft/raft_units.h"

enum { RAFT_READS_MAX = 4096 };

/* raft_read() that is not answered yet. */
struct raft_pending_read {
    uint64_t context;
    uint64_t index;
    uint64_t round; /* answers to this one or a later one confirm it; 0: not asked yet */
};

/* Entries that were read back for the one who applies. */
struct raft_fetched {
    uint64_t wanted; /* 0: nothing */
    bool is_asked;
    struct raft_entry *entries;
    size_t entries_count;
    size_t entries_size;
    struct buf payloads;
};

struct raft {
    struct raft_options options;
    uint64_t number;
    enum raft_state state;
    uint64_t term;
    uint64_t voted_for;
    uint64_t leader;
    uint64_t committed;
    uint64_t applied;
    struct raft_log log;
    struct raft_units units;
    struct raft_fetched fetched;

    struct raft_config config;
    struct raft_config config_previous; /* what a cut brings back */
    bool has_previous;
    /* One for each member of `config`, in its order; me among them. */
    struct raft_progress *progress;
    size_t progress_count;
    size_t progress_size;
    struct raft_progress
        *progress_spare; /* the same size; becomes `progress` when members change */

    uint64_t now_us;
    uint64_t draw;
    uint64_t election_deadline_us;
    uint64_t last_contact_us; /* of the leader that we follow; 0: none yet */
    uint64_t quiet_until_us;  /* we abdicated: no campaign before */
    uint64_t vote_unit;       /* CANDIDATE: my own vote counts when it is stored; 0: it does */
    bool is_transfer;         /* CANDIDATE: by order of the old leader */

    /* LEADER */
    uint64_t term_start; /* index of the no-op of my term */
    uint64_t heartbeat_due_us;
    uint64_t round;
    struct raft_pending_read *reads;
    size_t reads_count;
    size_t reads_size;
    uint64_t transfer_to;
    uint64_t transfer_deadline_us;
    bool is_transfer_sent;

    struct raft_ready ready;
    size_t msgs_size;
    size_t reads_out_size;
    size_t fetches_size;
    size_t snapshots_size;
    bool is_config_news;
    enum raft_state told_state;
    uint64_t told_term;
    uint64_t told_leader;
    uint64_t odd_count;
    bool has_diverged;
};

/* raft_ready.c */
void raft_begin(struct raft *r, uint64_t now_us);
void raft_begin_with(struct raft *r, uint64_t now_us, uint64_t draw);
const struct raft_ready *raft_end(struct raft *r);
/* Completed with from and term; a message for nobody to get when memory is out. */
bool raft_send(struct raft *r, struct raft_msg m);
bool raft_ask_fetch(struct raft *r, uint64_t first, size_t bytes_max);
bool raft_ask_snapshot(struct raft *r, uint64_t member);
/* A vector with room for one more; ERR_NOMEM. */
int raft_grow(void *vector, size_t *size, size_t count, size_t item_size);
static inline uint64_t raft_after(uint64_t now_us, uint64_t wait_us)
{
    return wait_us < RAFT_NEVER - now_us ? now_us + wait_us : RAFT_NEVER;
}

/* raft_election.c */
bool raft_is_voter(const struct raft *r);
bool raft_may_campaign(const struct raft *r);
void raft_grant_myself(struct raft *r);
void raft_become_follower(struct raft *r, uint64_t term, uint64_t leader);
void raft_put_off_election(struct raft *r);
/* A leader was heard lately: whoever wants to be one must wait (dissertation 4.2.3). */
bool raft_is_content(const struct raft *r);
void raft_on_election_timeout(struct raft *r);
void raft_campaign(struct raft *r, bool is_transfer);
void raft_on_vote(struct raft *r, const struct raft_msg *m);
void raft_on_pre_vote(struct raft *r, const struct raft_msg *m);
void raft_on_vote_reply(struct raft *r, const struct raft_msg *m);
void raft_count_votes(struct raft *r);

/* raft_follower.c */
void raft_on_append(struct raft *r, const struct raft_msg *m);
void raft_commit_to(struct raft *r, uint64_t index);
bool raft_cut(struct raft *r, uint64_t from);

/* raft_replication.c */
void raft_on_append_reply(struct raft *r, const struct raft_msg *m);
void raft_lead_on(struct raft *r); /* count what is stored where, then feed everybody */
void raft_heartbeat(struct raft *r);
void raft_feed_fetched(struct raft *r, struct raft_progress *p, const struct raft_entry *entries,
                       size_t count);
/* The quorum's value of a number that each voter has: a majority has it or more. RAFT_NEVER without voters. */
uint64_t raft_quorum_of(const struct raft *r,
                        uint64_t (*value)(const struct raft *r, const struct raft_progress *p));
/* When this leader last heard the member, or began to listen for it. */
uint64_t raft_contact_of(const struct raft *r, const struct raft_progress *p);
uint64_t raft_quorum_contact_us(const struct raft *r);

/* raft_members.c, raft_config.c */
bool raft_config_is_voter(const struct raft_config *c, uint64_t number);
/* How many vote in one of the two only. */
size_t raft_config_voters_between(const struct raft_config *a, const struct raft_config *b);
struct raft_progress *raft_progress_of(const struct raft *r, uint64_t number);
/* `next` (taken over) is in force. ERR_NOMEM: nothing changed, `next` is still the caller's. */
int raft_adopt_config(struct raft *r, struct raft_config *next);
void raft_forget_previous_config(struct raft *r);
void raft_roll_back_config(struct raft *r, uint64_t cut_from);
/* raft_log_append() for any kind of entry: a configuration is in force from here on. */
int raft_append_entry(struct raft *r, uint64_t term, enum raft_entry_kind kind,
                      struct bytes payload, bool into_reserve);

/* raft_read.c */
void raft_reads_ask(struct raft *r);
void raft_reads_answer(struct raft *r);
void raft_reads_fail(struct raft *r);

/* raft_transfer.c */
void raft_transfer_step(struct raft *r);
/* We lead for the last time in this input: somebody else may begin at once. */
void raft_transfer_farewell(struct raft *r);
void raft_on_timeout_now(struct raft *r, const struct raft_msg *m);

/* raft_check.c */
void raft_check_members(const struct raft *r); /* walks: for ASSERT_SLOW */

/* raft_fetch.c */
void raft_fetched_deinit(struct raft_fetched *f);
void raft_ask_wanted(struct raft *r);

#endif
