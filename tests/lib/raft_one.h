/* raft_one.h -- one raft for a test, with a past, and a look at what it wants to send.
 *
 * Shape    Members 1..voters vote, the next `learners` follow; the configuration is entry 0's (it was always
 *          there). terms[i] is the term of entry i + 1; payloads are not needed until somebody fetches. */
#ifndef TESTS_LIB_RAFT_ONE_H
#define TESTS_LIB_RAFT_ONE_H

#include "raft/raft.h"

enum { ONE_HEARTBEAT_US = 100 * 1000, ONE_ELECTION_US = 1000 * 1000 };

struct raft_past {
    uint64_t number;
    unsigned voters;
    unsigned learners;
    uint64_t term;
    uint64_t voted_for;
    uint64_t committed;
    const uint64_t *terms;
    size_t terms_count;
    struct raft_options options; /* {0}: raft_one_options() */
};

struct raft_options raft_one_options(void);
struct raft_member raft_one_member(uint64_t number, enum raft_role_in_config role);
void raft_one_config(struct raft_config *out, unsigned voters, unsigned learners);
struct raft *raft_one_create(const struct raft_past *past);

/* Takes and stores units until there is none; the last ready. */
const struct raft_ready *raft_one_store(struct raft *r, uint64_t now_us);
/* The first message of that type for `to` (0: anybody); NULL. */
const struct raft_msg *raft_one_find(const struct raft_ready *ready, enum raft_msg_type type,
                                     uint64_t to);
size_t raft_one_count(const struct raft_ready *ready, enum raft_msg_type type);
/* Makes `r` (a follower, voter) the leader of its next term: timeout, votes of everybody, all stored. The
 * ready with the first APPENDs. */
const struct raft_ready *raft_one_win(struct raft *r, uint64_t now_us);
/* The answers that others give. */
struct raft_msg raft_one_vote(uint64_t from, uint64_t to, uint64_t term, struct raft_pos last);
struct raft_msg raft_one_grant(uint64_t from, uint64_t to, uint64_t term);
struct raft_msg raft_one_ack(uint64_t from, const struct raft *leader, uint64_t match);
/* A leader's message: APPEND of `count` entries with `term` behind prev. Lives until the next call. */
const struct raft_msg *raft_one_append(uint64_t from, uint64_t to, uint64_t term,
                                       struct raft_pos prev, size_t count, uint64_t entries_term,
                                       uint64_t committed);

#endif
