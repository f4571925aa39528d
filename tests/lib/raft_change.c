#include "tests/lib/raft_change.h"

#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

struct raft *raft_change_leader(unsigned voters, unsigned learners)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = voters, .learners = learners });
    raft_one_win(r, RAFT_CHANGE_NOW);
    raft_one_store(r, RAFT_CHANGE_NOW);
    for (uint64_t i = 2; i <= voters; i++) {
        struct raft_msg m = raft_one_ack(i, r, 1);
        raft_step(r, RAFT_CHANGE_NOW, 0, &m);
    }
    cr_assert_eq(raft_committed(r), 1);
    return r;
}

void raft_change_ack(struct raft *r, uint64_t from, uint64_t match)
{
    struct raft_msg m = raft_one_ack(from, r, match);
    raft_step(r, RAFT_CHANGE_NOW, 0, &m);
}

struct raft_config raft_change_next(const struct raft *r)
{
    struct raft_config next;
    cr_assert_eq(raft_config_copy(&next, raft_config(r)), OK);
    return next;
}

int raft_change_propose(struct raft *r, struct raft_config next)
{
    struct raft_pos pos;
    int err = raft_propose_config(r, &next, &pos);
    raft_config_deinit(&next);
    return err;
}

int raft_change_role(struct raft *r, uint64_t number, enum raft_role_in_config role)
{
    struct raft_config next = raft_change_next(r);
    cr_assert_eq(raft_config_set_role(&next, number, role), OK);
    return raft_change_propose(r, next);
}

int raft_change_add(struct raft *r)
{
    struct raft_config next = raft_change_next(r);
    struct raft_member m = raft_one_member(0, RAFT_LEARNER);
    cr_assert_eq(raft_config_add(&next, &m), OK);
    return raft_change_propose(r, next);
}

int raft_change_remove(struct raft *r, uint64_t number)
{
    struct raft_config next = raft_change_next(r);
    cr_assert_eq(raft_config_remove(&next, number), OK);
    return raft_change_propose(r, next);
}

const struct raft_ready *raft_change_send(struct raft *r, uint64_t from, uint64_t term,
                                          struct raft_pos prev, unsigned voters, unsigned learners,
                                          uint64_t committed)
{
    struct buf payload = { 0 };
    struct raft_config config;
    raft_one_config(&config, voters, learners);
    raft_config_encode(&config, &payload);
    raft_config_deinit(&config);
    struct raft_entry e = { .pos = { term, prev.index + 1 },
                            .kind = RAFT_ENTRY_CONFIG,
                            .payload = buf_bytes(&payload) };
    struct raft_msg m = *raft_one_append(from, raft_number(r), term, prev, 0, 0, committed);
    m.entries = &e;
    m.entries_count = 1;
    const struct raft_ready *ready = raft_step(r, RAFT_CHANGE_NOW, 0, &m);
    buf_deinit(&payload);
    return ready;
}
