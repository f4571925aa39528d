/* Raft when memory is out, once, at every possible moment: what is left out looks like a lost message, and comes again
 * (raft.h, Errors). Four rafts elect, write, read, change their members and hand leadership over; in the n-th run the
 * n-th allocation fails. In the end all have everything. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "tests/lib/test_memory.h"
#include "util/err.h"

TestSuite(raft_memory, .timeout = 30);

enum { RAFTS = 4, LETTERS_MAX = 512, ROUNDS = 150, PROPOSALS = 40 };

struct quartet {
    struct raft *rafts[RAFTS];
    uint64_t now_us;
    struct buf letters[LETTERS_MAX];
    size_t count;
    unsigned proposed, reads_asked, reads_answered;
    bool is_promoted, is_transferred;
};

/* What is about memory is bracketed; the rest of the test has enough. */
#define WITHOUT_MEMORY(call) (test_memory_begin(), quartet_end(call))

static const struct raft_ready *quartet_end(const struct raft_ready *ready)
{
    test_memory_end();
    return ready;
}

static int quartet_end_int(int err)
{
    test_memory_end();
    return err;
}

static void quartet_look(struct quartet *q, unsigned who, const struct raft_ready *ready)
{
    q->reads_answered += (unsigned)ready->reads_count;
    for (size_t i = 0; i < ready->msgs_count; i++) {
        cr_assert_lt(q->count, LETTERS_MAX);
        q->letters[q->count] = (struct buf){ 0 };
        raft_msg_encode(&ready->msgs[i], &q->letters[q->count++]);
    }
    struct raft *r = q->rafts[who];
    if (ready->fetches_count > 0) /* its disk answers that it cannot read: it asks again */
        quartet_look(q, who, WITHOUT_MEMORY(raft_on_fetched(r, q->now_us, NULL, 0)));
    if (raft_has_unit(r)) {
        struct raft_unit unit;
        raft_take_unit(r, &unit);
        quartet_look(q, who, WITHOUT_MEMORY(raft_on_stored(r, q->now_us, unit.number)));
    }
}

static void quartet_deliver(struct quartet *q)
{
    for (size_t i = 0; i < q->count; i++) {
        struct raft_entry room[64];
        struct raft_msg m;
        cr_assert_eq(raft_msg_decode(&m, room, 64, q->letters[i].data, q->letters[i].len), OK);
        struct raft *r = q->rafts[m.to - 1];
        quartet_look(q, (unsigned)m.to - 1,
                     WITHOUT_MEMORY(raft_step(r, q->now_us, m.to * 77777, &m)));
        buf_deinit(&q->letters[i]);
    }
    q->count = 0;
}

static bool quartet_promote(struct quartet *q, struct raft *r)
{
    struct raft_config next;
    struct raft_pos pos;
    cr_assert_eq(raft_config_copy(&next, raft_config(r)), OK);
    cr_assert_eq(raft_config_set_role(&next, 4, RAFT_VOTER), OK);
    test_memory_begin();
    int err = quartet_end_int(raft_propose_config(r, &next, &pos));
    raft_config_deinit(&next);
    (void)q;
    return err == OK;
}

/* Something to do, once a leader is there: it is asked again until it took it. */
static void quartet_ask(struct quartet *q, unsigned who)
{
    struct raft *r = q->rafts[who];
    struct raft_pos pos;
    test_memory_begin();
    if (q->proposed < PROPOSALS)
        q->proposed += quartet_end_int(raft_propose(r, "something", 9, &pos)) == OK;
    test_memory_begin();
    if (q->proposed % 10 == 5)
        q->reads_asked += quartet_end_int(raft_read(r, q->reads_asked)) == OK;
    test_memory_end();
    if (q->proposed >= 10 && !q->is_promoted)
        q->is_promoted = quartet_promote(q, r);
    if (q->proposed == PROPOSALS && q->is_promoted && !q->is_transferred)
        q->is_transferred = raft_transfer(r, q->now_us, RAFT_NOBODY) == OK;
    quartet_look(q, who, WITHOUT_MEMORY(raft_flush(r, q->now_us)));
}

static void quartet_run(struct quartet *q)
{
    q->now_us = 3 * ONE_ELECTION_US;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < RAFTS; i++) {
            struct raft *r = q->rafts[i];
            if (raft_next_deadline_us(r) <= q->now_us)
                quartet_look(q, i,
                             WITHOUT_MEMORY(raft_on_deadline(r, q->now_us, (i + 1) * 100000)));
            if (raft_state(r) == RAFT_LEADER)
                quartet_ask(q, i);
        }
        quartet_deliver(q);
        q->now_us += ONE_HEARTBEAT_US;
    }
}

static void quartet_check(struct quartet *q)
{
    uint64_t last = raft_last(q->rafts[0]).index;
    unsigned leaders = 0;
    for (unsigned i = 0; i < RAFTS; i++) {
        leaders += raft_state(q->rafts[i]) == RAFT_LEADER;
        cr_assert_eq(raft_committed(q->rafts[i]), last);
        cr_assert_eq(raft_config_voters_count(raft_config(q->rafts[i])), 4);
        cr_assert_eq(raft_odd_count(q->rafts[i]), 0);
        raft_check(q->rafts[i]);
    }
    cr_assert_eq(leaders, 1);
    cr_assert_eq(q->proposed, PROPOSALS);
    cr_assert(q->is_promoted && q->is_transferred);
    cr_assert_eq(q->reads_answered, q->reads_asked, "each read is answered, and once");
}

Test(raft_memory, each_allocation_may_fail)
{
    bool has_failed = true;
    unsigned long n = 0;
    for (; has_failed; n++) {
        struct quartet q = { 0 };
        for (unsigned i = 0; i < RAFTS; i++)
            q.rafts[i] =
                raft_one_create(&(struct raft_past){ .number = i + 1, .voters = 3, .learners = 1 });
        test_memory_fail(n + 1);
        quartet_run(&q);
        has_failed = test_memory_has_failed();
        test_memory_fail(0);
        quartet_check(&q);
        for (unsigned i = 0; i < RAFTS; i++)
            raft_destroy(q.rafts[i]);
        for (size_t i = 0; i < q.count; i++)
            buf_deinit(&q.letters[i]);
    }
    cr_assert_gt(n, 10, "only %lu allocations were ever made", n);
}

Test(raft_memory, in_the_long_run_nothing_is_allocated)
{
    struct quartet q = { 0 };
    struct raft_options options = raft_one_options();
    options.cache_bytes_max = 4000;
    for (unsigned i = 0; i < RAFTS; i++)
        q.rafts[i] = raft_one_create(
            &(struct raft_past){ .number = i + 1, .voters = 3, .learners = 1, .options = options });
    quartet_run(&q);
    quartet_check(&q);
    for (int i = 0; i < 1000; i++) {
        if (i == 500) /* the cache was full some time ago */
            test_memory_fail(1);
        for (unsigned who = 0; who < RAFTS; who++) {
            struct raft_pos pos;
            if (raft_state(q.rafts[who]) != RAFT_LEADER)
                continue;
            test_memory_begin();
            cr_assert_eq(quartet_end_int(raft_propose(q.rafts[who], "and on", 6, &pos)), OK);
            quartet_look(&q, who, WITHOUT_MEMORY(raft_flush(q.rafts[who], q.now_us)));
        }
        quartet_deliver(&q);
    }
    cr_assert_not(test_memory_has_failed());
    test_memory_fail(0);
    for (unsigned i = 0; i < RAFTS; i++) {
        cr_assert_geq(raft_committed(q.rafts[i]), 1000);
        raft_destroy(q.rafts[i]);
    }
}

Test(raft_memory, creating_fails_whole)
{
    struct raft_options options = raft_one_options();
    struct raft_config config;
    raft_one_config(&config, 3, 1);
    struct raft_config before;
    raft_one_config(&before, 3, 0);
    const struct raft_term_run run = { 1, 1 };
    config.index = 2;
    struct raft_durable durable = { .number = 1,
                                    .hard.term = 1,
                                    .last = 2,
                                    .runs = &run,
                                    .runs_count = 1,
                                    .config = &config,
                                    .config_previous = &before };
    int err = ERR_NOMEM;
    unsigned long n = 1;
    for (; err == ERR_NOMEM; n++) {
        struct raft *r = NULL;
        test_memory_fail(n);
        test_memory_begin();
        err = raft_create(&r, &options, &durable, 0, 0);
        test_memory_end();
        cr_assert((r != NULL) == (err == OK));
        if (err == OK)
            raft_destroy(r);
    }
    cr_assert_eq(err, OK);
    cr_assert_gt(n, 5);
    raft_config_deinit(&config);
    raft_config_deinit(&before);
}
