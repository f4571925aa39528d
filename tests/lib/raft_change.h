/* raft_change.h -- changes of members for tests: a leader that may propose them, and proposing in one line. */
#ifndef TESTS_LIB_RAFT_CHANGE_H
#define TESTS_LIB_RAFT_CHANGE_H

#include "tests/lib/raft_one.h"

enum { RAFT_CHANGE_NOW = 5 * ONE_ELECTION_US };

/* Member 1 leads term 1; its no-op, entry 1, is committed. */
struct raft *raft_change_leader(unsigned voters, unsigned learners);
void raft_change_ack(struct raft *r, uint64_t from, uint64_t match);
/* A copy of the configuration in force, to be edited; raft_change_propose() takes it. */
struct raft_config raft_change_next(const struct raft *r);
int raft_change_propose(struct raft *r, struct raft_config next);
int raft_change_role(struct raft *r, uint64_t number, enum raft_role_in_config role);
int raft_change_add(struct raft *r); /* a learner */
int raft_change_remove(struct raft *r, uint64_t number);
/* To a follower: the entry behind `prev` is this configuration. */
const struct raft_ready *raft_change_send(struct raft *r, uint64_t from, uint64_t term,
                                          struct raft_pos prev, unsigned voters, unsigned learners,
                                          uint64_t committed);

#endif
