/* bench_store.c -- how many units the log room makes durable, beside what the disk does without it.
 *
 * A lane submits a unit of one record, waits until it is durable, submits the next: so many lanes, so many units
 * in flight. One transaction takes all that wait, so the rate should grow with the lanes and the number of
 * syncs should not. The plain disk is measured in between, run by run: both see the same neighbours.
 *
 *      bench_store DIR SECONDS      lines: "plain RATE", then lanes and units a second */
#include "bench/bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/os_loop.h"
#include "os/os_store.h"
#include "util/assert.h"
#include "util/err.h"

enum { LANES_MAX = 256, RECORD_LEN = 256 };

struct lanes;

struct lane {
    struct lanes *all;
    struct log_record record;
    struct log_unit unit;
};

struct lanes {
    struct os_loop loop;
    struct os_store *os_store;
    struct store store;
    struct lane lane[LANES_MAX];
    uint8_t bytes[RECORD_LEN];
    uint64_t next_index;
    uint64_t done;
    uint64_t end_us;
    unsigned in_flight;
};

static void lane_submit(struct lane *lane);

static void lane_done(struct log_unit *unit, int err)
{
    struct lane *lane = unit->owner;
    struct lanes *all = lane->all;
    if (err != OK)
        bench_die("writing a unit: %s", err_text(err));
    all->done += 1;
    all->in_flight -= 1;
    if (bench_now_us() < all->end_us)
        lane_submit(lane);
    else if (all->in_flight == 0)
        os_loop_stop(&all->loop);
}

static void lane_submit(struct lane *lane)
{
    struct lanes *all = lane->all;
    lane->record = (struct log_record){ all->next_index++, { all->bytes, RECORD_LEN } };
    lane->unit = (struct log_unit){
        .records = &lane->record, .records_count = 1, .done = lane_done, .owner = lane
    };
    int err = store_log_write(&all->store, &lane->unit);
    if (err != OK)
        bench_die("submitting a unit: %s", err_text(err));
    all->in_flight += 1;
}

static double lanes_run(struct lanes *all, unsigned count, uint64_t for_us)
{
    uint64_t begin_us = bench_now_us();
    all->done = 0;
    all->end_us = begin_us + for_us;
    for (unsigned i = 0; i < count; i++)
        lane_submit(&all->lane[i]);
    os_loop_run(&all->loop);
    return bench_rate(all->done, bench_now_us() - begin_us);
}

static int count_record(void *owner, const struct log_record *record)
{
    *(uint64_t *)owner = record->index + 1;
    return OK;
}

static void lanes_open(struct lanes *all, const char *dir)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    struct os_store_options options = { .dir = dir, .loop = &all->loop };
    all->next_index = 1;
    int err = os_loop_init(&all->loop);
    if (err == OK)
        err = os_store_open(&all->os_store, &options);
    if (err != OK)
        bench_die("%s: %s", dir, err_text(err));
    all->store = os_store_port(all->os_store);
    err = store_log_open(&all->store, &meta, &extent, count_record, &all->next_index);
    if (err != OK)
        bench_die("%s: %s", dir, err_text(err));
    buf_deinit(&meta);
    for (unsigned i = 0; i < LANES_MAX; i++)
        all->lane[i].all = all;
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = { 1, 16, 256 };
    enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };
    static struct lanes all;
    double plain[BENCH_RUNS], rates[COUNTS][BENCH_RUNS];
    if (argc < 3)
        bench_die("usage: bench_store DIR SECONDS");
    uint64_t for_us = (uint64_t)(atof(argv[2]) * 1e6) / BENCH_RUNS;
    lanes_open(&all, argv[1]);
    for (unsigned run = 0; run < BENCH_RUNS; run++) {
        plain[run] = bench_fdatasync_rate(argv[1], for_us);
        for (unsigned i = 0; i < COUNTS; i++)
            rates[i][run] = lanes_run(&all, counts[i], for_us);
    }
    printf("plain %.0f\n", bench_median(plain, BENCH_RUNS));
    for (unsigned i = 0; i < COUNTS; i++)
        printf("%u %.0f\n", counts[i], bench_median(rates[i], BENCH_RUNS));
    int err = os_store_close(all.os_store);
    os_loop_deinit(&all.loop);
    return err == OK ? 0 : 1;
}
