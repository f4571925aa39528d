/* bench_raft_step.c -- how fast the log is as a function: three rafts in this process, a disk that takes no time.
 *
 * What is counted is all that raft/ does for a proposal: append, encode, decode at two followers, units, acks,
 * commit. Messages cross as bytes, as between peers. The clock stands still, so there are no heartbeats.
 *
 *      bench_raft_step SECONDS      a line a batch: entries in a batch, entries committed a second */
#include "bench/bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/raft.h"
#include "util/assert.h"
#include "util/err.h"

enum { RAFTS = 3, ENTRY_LEN = 256, ENTRIES_MAX = 1024, LETTERS_MAX = 64 };

struct letter {
    uint64_t to;
    struct buf bytes;
};

struct trio {
    struct raft *rafts[RAFTS];
    uint64_t now_us;
    struct letter letters[LETTERS_MAX]; /* a ring; their memory is used again */
    size_t first, count;
    struct raft_entry room[ENTRIES_MAX];
};

static struct letter *trio_letter(struct trio *t, size_t n)
{
    return &t->letters[(t->first + n) % LETTERS_MAX];
}

static void trio_post(struct trio *t, const struct raft_ready *ready)
{
    for (size_t i = 0; i < ready->msgs_count; i++) {
        ASSERT(t->count < LETTERS_MAX);
        struct letter *letter = trio_letter(t, t->count++);
        letter->to = ready->msgs[i].to;
        buf_clear(&letter->bytes);
        raft_msg_encode(&ready->msgs[i], &letter->bytes);
    }
}

/* What follows an input: its letters, then what the (instant) disk lets go. */
static void trio_settle(struct trio *t, struct raft *r, const struct raft_ready *ready)
{
    trio_post(t, ready);
    while (raft_has_unit(r)) {
        struct raft_unit unit;
        raft_take_unit(r, &unit);
        trio_post(t, raft_on_stored(r, t->now_us, unit.number));
    }
    raft_on_applied(r, raft_applicable(r));
}

static void trio_deliver(struct trio *t)
{
    while (t->count > 0) {
        struct letter *letter = trio_letter(t, 0);
        struct raft *r = t->rafts[letter->to - 1];
        struct raft_msg m;
        int err = raft_msg_decode(&m, t->room, ENTRIES_MAX, letter->bytes.data, letter->bytes.len);
        ASSERT(err == OK);
        /* Its bytes are in use until the step is over: the letter is taken off only then. */
        const struct raft_ready *ready = raft_step(r, t->now_us, 0, &m);
        t->first = (t->first + 1) % LETTERS_MAX;
        t->count -= 1;
        trio_settle(t, r, ready);
    }
}

static void trio_create(struct trio *t)
{
    struct raft_config config = { 0 };
    for (uint64_t number = 1; number <= RAFTS; number++) {
        struct raft_member member = { .number = number, .role = RAFT_VOTER };
        member.id.len = 1;
        member.id.bytes[0] = (uint8_t)number;
        if (raft_config_add(&config, &member) != OK)
            bench_die("no configuration");
    }
    /* As a peer has them (peer.c), but for the times. */
    struct raft_options options = { .heartbeat_us = 100 * 1000,
                                    .election_min_us = 1000 * 1000,
                                    .append_bytes_max = 512 * 1024,
                                    .append_entries_max = ENTRIES_MAX,
                                    .window_max = 8,
                                    .unsynced_bytes_max = 8 * 1024 * 1024,
                                    .cache_bytes_max = 8 * 1024 * 1024 };
    for (uint64_t i = 0; i < RAFTS; i++) {
        struct raft_durable durable = { .number = i + 1, .config = &config };
        if (raft_create(&t->rafts[i], &options, &durable, 0, i) != OK)
            bench_die("no raft");
    }
    raft_config_deinit(&config);
}

static void trio_elect(struct trio *t)
{
    struct raft *r = t->rafts[0];
    while (raft_state(r) != RAFT_LEADER) {
        t->now_us = raft_next_deadline_us(r);
        trio_settle(t, r, raft_on_deadline(r, t->now_us, 0));
        trio_deliver(t);
    }
}

static double trio_run(struct trio *t, unsigned batch, uint64_t for_us)
{
    struct raft *leader = t->rafts[0];
    uint8_t payload[ENTRY_LEN] = { 0 };
    uint64_t before = raft_committed(leader), begin_us = bench_now_us(), now_us = begin_us;
    for (; now_us - begin_us < for_us; now_us = bench_now_us()) {
        for (unsigned i = 0; i < batch; i++) {
            struct raft_pos pos;
            payload[0] = (uint8_t)i;
            int err = raft_propose(leader, payload, sizeof(payload), &pos);
            ASSERT(err == OK);
        }
        trio_settle(t, leader, raft_flush(leader, t->now_us));
        trio_deliver(t);
        ASSERT(raft_committed(leader) == raft_last(leader).index);
    }
    return bench_rate(raft_committed(leader) - before, now_us - begin_us);
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = { 1, 16, 64, 256 };
    uint64_t for_us = (uint64_t)((argc > 1 ? atof(argv[1]) : 1) * 1e6);
    static struct trio trio;
    trio_create(&trio);
    trio_elect(&trio);
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        double rates[BENCH_RUNS];
        for (unsigned run = 0; run < BENCH_RUNS; run++)
            rates[run] = trio_run(&trio, batches[i], for_us / BENCH_RUNS);
        printf("%u %.0f\n", batches[i], bench_median(rates, BENCH_RUNS));
    }
    for (size_t i = 0; i < RAFTS; i++)
        raft_destroy(trio.rafts[i]);
    for (size_t i = 0; i < LETTERS_MAX; i++)
        buf_deinit(&trio.letters[i].bytes);
    return 0;
}
