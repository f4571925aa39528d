/* Three rafts, a perfect network and instant disks: the plain case works from end to end. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_basic, .timeout = 60);

enum { TRIO = 3, BAG_MAX = 256 };

struct trio {
    struct raft *rafts[TRIO];
    uint64_t now_us;
    struct buf bag[BAG_MAX]; /* as on the wire */
    size_t bag_count;
};

static void trio_collect(struct trio *t, unsigned who, const struct raft_ready *ready)
{
    struct raft *r = t->rafts[who];
    for (size_t i = 0; i < ready->msgs_count; i++) {
        cr_assert_lt(t->bag_count, BAG_MAX);
        t->bag[t->bag_count] = (struct buf){ 0 };
        raft_msg_encode(&ready->msgs[i], &t->bag[t->bag_count++]);
    }
    if (raft_has_unit(r)) { /* on disk at once: whoever waits for it may leave */
        struct raft_unit unit;
        raft_take_unit(r, &unit);
        trio_collect(t, who, raft_on_stored(r, t->now_us, unit.number));
    }
}

static void trio_deliver_all(struct trio *t)
{
    for (size_t i = 0; i < t->bag_count; i++) {
        struct raft_entry room[64];
        struct raft_msg m;
        cr_assert_eq(raft_msg_decode(&m, room, 64, t->bag[i].data, t->bag[i].len), OK);
        trio_collect(t, (unsigned)m.to - 1, raft_step(t->rafts[m.to - 1], t->now_us, i, &m));
        buf_deinit(&t->bag[i]);
    }
    t->bag_count = 0;
}

static void trio_init(struct trio *t)
{
    *t = (struct trio){ 0 };
    for (unsigned i = 0; i < TRIO; i++)
        t->rafts[i] = raft_one_create(&(struct raft_past){ .number = i + 1, .voters = TRIO });
    t->now_us = 3 * ONE_ELECTION_US;
    trio_collect(t, 0, raft_on_deadline(t->rafts[0], t->now_us, 7));
    trio_deliver_all(t);
}

static void trio_deinit(struct trio *t)
{
    for (unsigned i = 0; i < TRIO; i++)
        raft_destroy(t->rafts[i]);
}

Test(raft_basic, who_times_out_first_leads)
{
    struct trio t;
    trio_init(&t);
    cr_assert_eq(raft_state(t.rafts[0]), RAFT_LEADER);
    for (unsigned i = 0; i < TRIO; i++) {
        cr_assert_eq(raft_leader(t.rafts[i]), 1);
        cr_assert_eq(raft_term(t.rafts[i]), 1);
        cr_assert_eq(raft_committed(t.rafts[i]), 1);
    }
    trio_deinit(&t);
}

Test(raft_basic, a_proposal_reaches_everybody)
{
    struct trio t;
    trio_init(&t);
    struct raft_pos pos;
    cr_assert_eq(raft_propose(t.rafts[0], "hello", 5, &pos), OK);
    cr_assert_eq(pos.index, 2);
    trio_collect(&t, 0, raft_flush(t.rafts[0], t.now_us));
    trio_deliver_all(&t);
    for (unsigned i = 0; i < TRIO; i++) {
        cr_assert_eq(raft_applicable(t.rafts[i]), 2);
        const struct raft_entry *e = raft_entry_at(t.rafts[i], 2);
        cr_assert(bytes_equal(e->payload, (struct bytes){ "hello", 5 }));
    }
    cr_assert_eq(raft_propose(t.rafts[1], "no", 2, &pos), ERR_NOT_LEADER);
    trio_deinit(&t);
}

Test(raft_basic, a_read_is_answered_once)
{
    struct trio t;
    trio_init(&t);
    cr_assert_eq(raft_read(t.rafts[0], 77), OK);
    trio_collect(&t, 0, raft_flush(t.rafts[0], t.now_us));
    size_t answers = 0;
    for (size_t i = 0; i < t.bag_count; i++) {
        struct raft_msg m;
        cr_assert_eq(raft_msg_decode(&m, NULL, 0, t.bag[i].data, t.bag[i].len), OK);
        if (m.to == 1) {
            const struct raft_ready *ready = raft_step(t.rafts[0], t.now_us, 0, &m);
            answers += ready->reads_count;
        } else {
            trio_collect(&t, (unsigned)m.to - 1, raft_step(t.rafts[m.to - 1], t.now_us, 0, &m));
        }
        buf_deinit(&t.bag[i]);
    }
    cr_assert_eq(answers, 1);
    trio_deinit(&t);
}

Test(raft_basic, a_cluster_of_one_commits_when_stored)
{
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 1 });
    raft_one_win(r, 3 * ONE_ELECTION_US);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    struct raft_pos pos;
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    raft_flush(r, 3 * ONE_ELECTION_US);
    cr_assert_eq(raft_committed(r), 1, "the no-op is stored, the proposal is not");
    raft_one_store(r, 3 * ONE_ELECTION_US);
    cr_assert_eq(raft_committed(r), pos.index);
    raft_destroy(r);
}
