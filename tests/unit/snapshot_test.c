/* A snapshot goes from one simulated disk to another, over a line that loses, doubles, delays and damages, while
 * the receiver crashes; it arrives whole, and what was synced is not fetched twice. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "sim/world/disk.h"
#include "store/snapshot.h"
#include "tests/lib/mini_world.h"
#include "util/err.h"

TestSuite(snapshot, .timeout = 60);

enum {
    ROWS = 400,
    VALUE_LEN = 10 * 1024, /* 4 MB in all */
    TABLES = 2,
    SPOOL = 1,
    INCOMING = 2,
    LOCAL_TABLE = 3,
    SYNC_BYTES = 256 * 1024,
    RETRY_US = 50000,
    LINE_MAX = 64,
};

/* A message on the line, in memory of its own. */
struct letter {
    bool is_chunk;
    struct snapshot_get get;
    struct snapshot_chunk chunk;
    uint8_t *bytes;
};

struct bench {
    struct mini_world world;
    struct disk *disks[2]; /* the sender's, the receiver's */
    struct store stores[2];
    struct snapshot_source *source;
    struct snapshot_sink *sink;
    struct letter line[LINE_MAX];
    size_t line_count;
    uint64_t random;
    int ready_err;
    int installed_err; /* 1: not yet */
    size_t rows_seen;  /* by the check before the import */
    int rows_verdict;
    uint64_t bytes_fetched;
    bool line_is_bad;
};

static int ignore_record(void *owner, const struct log_record *record)
{
    (void)owner;
    (void)record;
    return OK;
}

static void open_store(struct bench *b, int i)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    b->stores[i] = disk_store(b->disks[i]);
    cr_assert_eq(store_log_open(&b->stores[i], &meta, &extent, ignore_record, NULL), OK);
    cr_assert_eq(store_map_open(&b->stores[i], 1), OK);
}

static uint64_t draw(struct bench *b, uint64_t n)
{
    return mini_random(&b->random) % n;
}

/* ---- the line ---- */

static void post(struct bench *b, const struct letter *letter)
{
    if (b->line_count < LINE_MAX)
        b->line[b->line_count++] = *letter;
    else
        mem_free(letter->bytes);
}

static void on_get(void *owner, const struct snapshot_get *get)
{
    struct letter letter = { .get = *get };
    post(owner, &letter);
}

static void on_ready(void *owner, int err)
{
    ((struct bench *)owner)->ready_err = err;
}

static void on_chunk(void *owner, uint64_t context, int err, const struct snapshot_chunk *chunk)
{
    cr_assert_eq(err, OK);
    cr_assert_eq(context, 42);
    struct letter letter = { .is_chunk = true, .chunk = *chunk };
    letter.bytes = mem_alloc(chunk->bytes.len);
    memcpy(letter.bytes, chunk->bytes.data, chunk->bytes.len);
    letter.chunk.bytes.data = letter.bytes;
    post(owner, &letter);
}

static void on_installed(void *owner, int err, const struct snapshot_offer *offer,
                         uint64_t generation)
{
    struct bench *b = owner;
    b->installed_err = err;
    cr_assert_eq(generation, 2);
    cr_assert_eq(offer->config.len, 6);
}

static int on_row(void *owner, unsigned table, struct bytes key, struct bytes value)
{
    struct bench *b = owner;
    cr_assert(table < TABLES && key.len == 4 && value.len == VALUE_LEN);
    cr_assert_eq(b->installed_err, 1);
    b->rows_seen += 1;
    return OK;
}

static int on_rows_end(void *owner, const struct snapshot_offer *offer)
{
    struct bench *b = owner;
    cr_assert_eq(offer->config.len, 6);
    return b->rows_verdict;
}

static void hand_over(struct bench *b, const struct letter *letter)
{
    if (letter->is_chunk) {
        b->bytes_fetched += letter->chunk.bytes.len;
        if (b->sink != NULL)
            snapshot_sink_on_chunk(b->sink, b->world.now_us, &letter->chunk);
    } else {
        int err = snapshot_source_read(b->source, &letter->get, 42);
        cr_assert(err == OK || err == ERR_BUSY || err == ERR_NOT_FOUND);
    }
}

/* Takes any letter off the line; a bad line loses, doubles and damages. */
static void line_step(struct bench *b)
{
    if (b->line_count == 0)
        return;
    size_t i = b->line_is_bad ? draw(b, b->line_count) : 0;
    struct letter letter = b->line[i];
    uint64_t what = b->line_is_bad ? draw(b, 10) : 9;
    if (what == 0 && letter.bytes != NULL)
        letter.bytes[draw(b, letter.chunk.bytes.len)] ^= 1;
    if (what == 3) /* as if it belonged elsewhere */
        letter.chunk.offset += SNAPSHOT_CHUNK_BYTES;
    if (what != 1)
        hand_over(b, &letter);
    if (what == 2)
        return; /* it stays for a second time */
    memmove(b->line + i, b->line + i + 1, (b->line_count - i - 1) * sizeof(letter));
    b->line_count -= 1;
    mem_free(letter.bytes);
}

static void line_clear(struct bench *b)
{
    while (b->line_count > 0)
        mem_free(b->line[--b->line_count].bytes);
}

/* ---- both ends ---- */

static void batch_done(struct map_batch *batch, int err)
{
    *(int *)batch->owner = err;
}

static void job_done(struct map_job *job, int err)
{
    *(int *)job->owner = err;
}

static void file_done(struct file_job *job, int err)
{
    *(int *)job->owner = err;
}

static void wait_for(struct bench *b, const int *err)
{
    while (*err == 1)
        cr_assert(mini_world_step(&b->world));
    cr_assert_eq(*err, OK);
}

static void fill(struct bench *b, int i_store, int salt)
{
    static char value[VALUE_LEN];
    for (int i = 0; i < ROWS; i++) {
        char key[16];
        int err = 1;
        snprintf(key, sizeof(key), "%04d", i);
        memset(value, i + salt, sizeof(value));
        struct map_op op = { .table = (uint8_t)(i % TABLES),
                             .key = { key, strlen(key) },
                             .value = { value, sizeof(value) } };
        struct map_batch batch = { .ops = &op, .ops_count = 1, .done = batch_done, .owner = &err };
        cr_assert_eq(store_map_write(&b->stores[i_store], &batch), OK);
        wait_for(b, &err);
    }
}

static void sink_start(struct bench *b)
{
    struct snapshot_sink_options options = { .file_no = INCOMING,
                                             .local_table = LOCAL_TABLE,
                                             .retry_us = RETRY_US,
                                             .sync_bytes = SYNC_BYTES };
    struct snapshot_sink_hooks hooks = { on_get, on_row, on_rows_end, on_installed, b };
    open_store(b, 1);
    cr_assert_eq(snapshot_sink_create(&b->sink, &b->stores[1], &options, &hooks), OK);
}

static void sink_crash(struct bench *b)
{
    disk_crash(b->disks[1]);
    snapshot_sink_destroy(b->sink);
    sink_start(b);
}

static struct bench *bench_create(uint64_t seed)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    struct disk_options options;
    struct snapshot_source_hooks hooks = { on_ready, on_chunk, b };
    disk_options_default(&options);
    mini_world_init(&b->world, seed);
    b->random = seed;
    for (int i = 0; i < 2; i++)
        b->disks[i] = disk_create(&options, &b->world.hooks);
    open_store(b, 0);
    sink_start(b);
    fill(b, 0, 0);
    cr_assert_eq(snapshot_source_create(&b->source, &b->stores[0], SPOOL, &hooks), OK);
    struct snapshot_offer offer = { .id = { { 7 }, { 3, 100 }, 0 }, .config = { "config", 6 } };
    b->ready_err = 1;
    b->installed_err = 1;
    cr_assert_eq(snapshot_source_start(b->source, 1, TABLES, &offer), OK);
    cr_assert_null(snapshot_source_offer(b->source));
    cr_assert_eq(snapshot_source_start(b->source, 1, TABLES, &offer), ERR_BUSY);
    wait_for(b, &b->ready_err);
    return b;
}

static void bench_destroy(struct bench *b)
{
    line_clear(b);
    for (int i = 0; i < 2; i++)
        disk_crash(b->disks[i]);
    snapshot_source_destroy(b->source);
    snapshot_sink_destroy(b->sink);
    for (int i = 0; i < 2; i++)
        disk_destroy(b->disks[i]);
    mem_free(b);
}

static void offer(struct bench *b)
{
    int err = snapshot_sink_on_offer(b->sink, b->world.now_us, snapshot_source_offer(b->source), 2);
    cr_assert(err == OK || err == ERR_BUSY);
}

/* Lets time pass: something on the line, in the world, or a deadline. */
static void turn(struct bench *b)
{
    line_step(b);
    bool moved = mini_world_step(&b->world);
    uint64_t deadline_us = snapshot_sink_next_deadline_us(b->sink);
    if (!moved && b->line_count == 0 && deadline_us != UINT64_MAX)
        b->world.now_us = deadline_us > b->world.now_us ? deadline_us : b->world.now_us;
    if (deadline_us <= b->world.now_us)
        snapshot_sink_on_deadline(b->sink, b->world.now_us);
}

static void run(struct bench *b)
{
    for (int i = 0; b->installed_err == 1; i++) {
        cr_assert_lt(i, 100000, "it does not end");
        turn(b);
    }
}

/* The receiver's new generation, exported, is the very file that was sent. */
static void assert_equal_state(struct bench *b)
{
    cr_assert_eq(store_map_open(&b->stores[1], 2), OK);
    int err = 1;
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = 2,
                              .file_no = 9,
                              .tables_count = TABLES,
                              .done = job_done,
                              .owner = &err };
    cr_assert_eq(store_map_job(&b->stores[1], &export), OK);
    wait_for(b, &err);
    struct snapshot_source *again;
    struct snapshot_source_hooks hooks = { on_ready, on_chunk, b };
    cr_assert_eq(snapshot_source_create(&again, &b->stores[1], 10, &hooks), OK);
    struct snapshot_offer of = *snapshot_source_offer(b->source);
    b->ready_err = 1;
    cr_assert_eq(snapshot_source_start(again, 2, TABLES, &of), OK);
    wait_for(b, &b->ready_err);
    cr_assert_eq(snapshot_source_offer(again)->id.hash, of.id.hash);
    cr_assert_eq(snapshot_source_offer(again)->len, of.len);
    snapshot_source_end(again);
    mini_world_run(&b->world);
    snapshot_source_destroy(again);
}

Test(snapshot, arrives_whole_over_a_good_line)
{
    struct bench *b = bench_create(1);
    offer(b);
    offer(b); /* said twice: no matter */
    run(b);
    cr_assert_eq(b->installed_err, OK);
    cr_assert_eq(b->bytes_fetched, snapshot_source_offer(b->source)->len);
    cr_assert_eq(b->rows_seen, ROWS);
    assert_equal_state(b);
    snapshot_sink_finish(b->sink);
    mini_world_run(&b->world);
    cr_assert(snapshot_sink_is_idle(b->sink));
    bench_destroy(b);
}

Test(snapshot, arrives_over_a_bad_line)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct bench *b = bench_create(seed);
        b->line_is_bad = true;
        offer(b);
        run(b);
        cr_assert_eq(b->installed_err, OK);
        assert_equal_state(b);
        bench_destroy(b);
    }
}

Test(snapshot, a_receiver_that_crashes_goes_on_where_it_had_synced)
{
    uint64_t saved = 0, len = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct bench *b = bench_create(seed);
        len = snapshot_source_offer(b->source)->len;
        for (int life = 0; life < 3; life++) {
            offer(b);
            uint64_t stop_at = len / 4 * (uint64_t)(life + 1);
            while (snapshot_sink_received(b->sink) < stop_at && b->installed_err == 1)
                turn(b);
            sink_crash(b);
        }
        uint64_t before = b->bytes_fetched;
        line_clear(b);
        offer(b);
        run(b);
        cr_assert_eq(b->installed_err, OK);
        cr_assert_lt(b->bytes_fetched - before, len); /* not from the beginning */
        saved += len - (b->bytes_fetched - before);
        assert_equal_state(b);
        sink_crash(b); /* before the log named the generation: it is all there already */
        b->installed_err = 1;
        before = b->bytes_fetched;
        offer(b);
        run(b);
        cr_assert_eq(b->installed_err, OK);
        cr_assert_eq(b->bytes_fetched, before);
        bench_destroy(b);
    }
    cr_assert_gt(saved, 12 * len / 3); /* of the three quarters that had come before the crashes */
}

Test(snapshot, another_snapshot_begins_from_nothing)
{
    struct bench *b = bench_create(1);
    offer(b);
    while (snapshot_sink_received(b->sink) < 2 * 1024 * 1024)
        turn(b);
    struct snapshot_offer other = *snapshot_source_offer(b->source);
    other.id.pos.index += 1;
    cr_assert_eq(snapshot_sink_on_offer(b->sink, 0, &other, 2), ERR_BUSY);
    cr_assert_eq(snapshot_sink_abort(b->sink), OK);
    mini_world_run(&b->world);
    cr_assert(snapshot_sink_is_idle(b->sink));
    cr_assert_eq(b->installed_err, 1); /* silently */
    cr_assert_eq(snapshot_sink_on_offer(b->sink, 0, &other, 2), OK);
    cr_assert_eq(snapshot_sink_received(b->sink), 0);
    mini_world_run(&b->world);
    bench_destroy(b);
}

Test(snapshot, a_file_that_is_not_the_snapshot_is_thrown_away)
{
    struct bench *b = bench_create(1);
    struct snapshot_offer wrong = *snapshot_source_offer(b->source);
    offer(b);
    run(b);
    cr_assert_eq(b->installed_err, OK);
    sink_crash(b);
    int err = 1; /* in its place stands another one, whole, and of the same length */
    fill(b, 1, 1);
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = 1,
                              .file_no = INCOMING,
                              .tables_count = TABLES,
                              .done = job_done,
                              .owner = &err };
    cr_assert_eq(store_map_job(&b->stores[1], &export), OK);
    wait_for(b, &err);
    cr_assert_eq(export.file_len, wrong.len);
    b->installed_err = 1;
    cr_assert_eq(snapshot_sink_on_offer(b->sink, 0, &wrong, 2), OK);
    run(b);
    cr_assert_eq(b->installed_err, ERR_CORRUPT);
    b->installed_err = 1;
    mini_world_run(&b->world);
    offer(b);
    run(b); /* from the beginning, and well */
    cr_assert_eq(b->installed_err, OK);
    assert_equal_state(b);
    bench_destroy(b);
}

Test(snapshot, rows_that_are_not_what_was_promised_are_not_imported)
{
    struct bench *b = bench_create(3);
    b->rows_verdict = ERR_CORRUPT;
    offer(b);
    run(b);
    cr_assert_eq(b->installed_err, ERR_CORRUPT);
    mini_world_run(&b->world);
    int err = 1; /* nothing became generation 2 */
    struct map_job export = { .what = MAP_EXPORT,
                              .generation = 2,
                              .file_no = 9,
                              .tables_count = TABLES,
                              .done = job_done,
                              .owner = &err };
    cr_assert_eq(store_map_open(&b->stores[1], 2), OK);
    cr_assert_eq(store_map_job(&b->stores[1], &export), OK);
    wait_for(b, &err);
    cr_assert_lt(export.file_len, VALUE_LEN);
    bench_destroy(b);
}

Test(snapshot, a_full_disk_ends_the_transfer_and_keeps_what_is_synced)
{
    struct bench *b = bench_create(2);
    offer(b);
    while (snapshot_sink_received(b->sink) < 2 * 1024 * 1024)
        turn(b);
    disk_set_health(b->disks[1], DISK_FILES, DISK_FULL);
    run(b);
    cr_assert_eq(b->installed_err, ERR_FULL);
    disk_set_health(b->disks[1], DISK_FILES, DISK_WELL);
    uint64_t before = b->bytes_fetched;
    b->installed_err = 1;
    line_clear(b);
    offer(b);
    run(b);
    cr_assert_eq(b->installed_err, OK);
    cr_assert_lt(b->bytes_fetched - before, snapshot_source_offer(b->source)->len);
    assert_equal_state(b);
    bench_destroy(b);
}

Test(snapshot, what_former_lives_left_can_be_swept_away)
{
    struct bench *b = bench_create(4);
    offer(b);
    while (snapshot_sink_received(b->sink) < 2 * 1024 * 1024)
        turn(b);
    mini_world_run(&b->world);
    sink_crash(b);
    snapshot_sink_sweep(b->sink);
    mini_world_run(&b->world);
    cr_assert(snapshot_sink_is_idle(b->sink));
    struct file_job read = { .what = FILE_READ, .file_no = INCOMING, .done = file_done };
    char byte;
    int err = 1;
    read.into = &byte;
    read.len = 1;
    read.owner = &err;
    cr_assert_eq(store_file_job(&b->stores[1], &read), OK);
    mini_world_run(&b->world);
    cr_assert_eq(err, ERR_NOT_FOUND);
    line_clear(b);
    offer(b); /* nothing is counted on */
    cr_assert_eq(snapshot_sink_received(b->sink), 0);
    run(b);
    cr_assert_eq(b->installed_err, OK);
    bench_destroy(b);
}

Test(snapshot, gets_outside_of_the_file_are_refused)
{
    struct bench *b = bench_create(1);
    const struct snapshot_offer *of = snapshot_source_offer(b->source);
    struct snapshot_get get = { of->id, 0, SNAPSHOT_CHUNK_BYTES + 1 };
    cr_assert_eq(snapshot_source_read(b->source, &get, 42), ERR_NOT_FOUND);
    get = (struct snapshot_get){ of->id, of->len - 1, 2 };
    cr_assert_eq(snapshot_source_read(b->source, &get, 42), ERR_NOT_FOUND);
    get = (struct snapshot_get){ of->id, UINT64_MAX, 2 };
    cr_assert_eq(snapshot_source_read(b->source, &get, 42), ERR_NOT_FOUND);
    get = (struct snapshot_get){ of->id, of->len - 1, 1 };
    for (int i = 0; i < SNAPSHOT_READS_MAX; i++)
        cr_assert_eq(snapshot_source_read(b->source, &get, 42), OK);
    cr_assert_eq(snapshot_source_read(b->source, &get, 42), ERR_BUSY);
    snapshot_source_end(b->source); /* waits for the reads */
    cr_assert_null(snapshot_source_offer(b->source));
    mini_world_run(&b->world);
    cr_assert_eq(b->line_count, SNAPSHOT_READS_MAX);
    bench_destroy(b);
}
