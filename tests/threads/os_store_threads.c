/* All rooms of a store at once: units, fetches, trims, batches, views, exports, imports and files cross between
 * loop and workers while maps grow, and stores are closed in the middle of it. Under ThreadSanitizer: `make
 * tsan`. */
#include <string.h>

#include "os/os_store.h"
#include "tests/lib/mini_world.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

enum { ROUNDS = 4, STEPS = 150, LANES = 12, VALUE_LEN = 20 * 1024 };

struct lane; /* one request at a time, again and again */

struct stress {
    struct os_loop loop;
    struct os_store *store;
    struct store port;
    uint64_t random;
    uint64_t log_last;
    int done_count;
    int in_flight;
    bool is_ending;
    struct lane *lanes;
};

struct lane {
    struct stress *s;
    int kind;
    char key[8];
    char value[VALUE_LEN];
    char into[VALUE_LEN];
    struct map_op op;
    struct map_batch batch;
    struct log_record record;
    struct log_unit unit;
    struct log_fetch fetch;
    struct log_trim trim;
    struct map_job job;
    struct file_job file;
};

static void lane_go(struct lane *lane);

static void lane_done(struct lane *lane, int err)
{
    struct stress *s = lane->s;
    ASSERT(err == OK || err == ERR_CANCELED || err == ERR_NOT_FOUND);
    s->in_flight -= 1;
    s->done_count += 1;
    if (s->done_count >= STEPS)
        os_loop_stop(&s->loop);
    else if (!s->is_ending)
        lane_go(lane);
}

static void on_unit(struct log_unit *unit, int err)
{
    lane_done(unit->owner, err);
}

static void on_fetch(struct log_fetch *fetch, int err)
{
    struct lane *lane = fetch->owner;
    for (size_t i = 0; i < fetch->records_count; i++)
        ASSERT(fetch->records[i].bytes.len == VALUE_LEN);
    log_fetch_deinit(fetch);
    lane_done(lane, err);
}

static void on_trim(struct log_trim *trim, int err)
{
    lane_done(trim->owner, err);
}

static void on_batch(struct map_batch *batch, int err)
{
    lane_done(batch->owner, err);
}

static void on_job(struct map_job *job, int err)
{
    lane_done(job->owner, err);
}

static void on_file(struct file_job *job, int err)
{
    lane_done(job->owner, err);
}

static int lane_log(struct lane *lane)
{
    struct stress *s = lane->s;
    uint64_t what = mini_random(&s->random) % 4;
    if (what == 0 && s->log_last > 0) {
        lane->fetch = (struct log_fetch){
            .first = s->log_last, .bytes_max = 100000, .done = on_fetch, .owner = lane
        };
        return store_log_fetch(&s->port, &lane->fetch);
    }
    if (what == 1 && s->log_last > 10) {
        lane->trim = (struct log_trim){ s->log_last - 5, on_trim, lane, { .kind = 0 } };
        return store_log_trim(&s->port, &lane->trim);
    }
    lane->record = (struct log_record){ ++s->log_last, { lane->value, VALUE_LEN } };
    lane->unit = (struct log_unit){
        .records = &lane->record, .records_count = 1, .done = on_unit, .owner = lane
    };
    return store_log_write(&s->port, &lane->unit);
}

static int lane_map(struct lane *lane)
{
    lane->key[0] = (char)('a' + mini_random(&lane->s->random) % 26);
    lane->op = (struct map_op){ .key = { lane->key, 1 }, .value = { lane->value, VALUE_LEN } };
    lane->batch = (struct map_batch){ .area = lane->kind % 2 ? MAP_LOCAL : MAP_STATE,
                                      .ops = &lane->op,
                                      .ops_count = 1,
                                      .done = on_batch,
                                      .owner = lane };
    return store_map_write(&lane->s->port, &lane->batch);
}

static int lane_job(struct lane *lane)
{
    bool is_export = lane->job.what != MAP_EXPORT || lane->job.done == NULL;
    lane->job = (struct map_job){ .what = is_export ? MAP_EXPORT : MAP_IMPORT,
                                  .generation = is_export ? 1 : 2,
                                  .file_no = 9,
                                  .tables_count = 1,
                                  .done = on_job,
                                  .owner = lane };
    return store_map_job(&lane->s->port, &lane->job);
}

static int lane_file(struct lane *lane)
{
    static const int what[] = { FILE_WRITE, FILE_SYNC, FILE_READ };
    lane->file = (struct file_job){ .file_no = 1,
                                    .data = lane->value,
                                    .into = lane->into,
                                    .len = VALUE_LEN,
                                    .done = on_file,
                                    .owner = lane };
    lane->file.what = what[mini_random(&lane->s->random) % 3];
    return store_file_job(&lane->s->port, &lane->file);
}

static void look(struct stress *s)
{
    for (int area = 0; area < MAP_AREA_COUNT; area++) {
        struct view v;
        struct view_row row;
        ASSERT(store_view_open(&s->port, (enum map_area)area, &v) == OK);
        for (int err = view_seek(&v, 0, (struct bytes){ NULL, 0 }, &row); err == OK;
             err = view_next(&v, 0, &row))
            ASSERT(row.value.len == VALUE_LEN);
        store_view_close(&s->port, &v);
    }
}

static void lane_go(struct lane *lane)
{
    static int (*const kinds[])(struct lane *) = { lane_log, lane_map,  lane_map,
                                                   lane_log, lane_file, lane_job };
    look(lane->s);
    int err = kinds[lane->kind % 6](lane);
    ASSERT(err == OK);
    lane->s->in_flight += 1;
}

static int on_record(void *owner, const struct log_record *record)
{
    *(uint64_t *)owner = record->index;
    return OK;
}

static void run_once(struct stress *s, const char *dir)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    struct os_store_options options = { .dir = dir,
                                        .loop = &s->loop,
                                        .map_bytes_first = 128 * 1024 };
    ASSERT(os_loop_init(&s->loop) == OK);
    ASSERT(os_store_open(&s->store, &options) == OK);
    s->port = os_store_port(s->store);
    s->log_last = 0;
    ASSERT(store_log_open(&s->port, &meta, &extent, on_record, &s->log_last) == OK);
    ASSERT(store_map_open(&s->port, 1) == OK);
    s->done_count = 0;
    s->is_ending = false;
    for (int i = 0; i < LANES; i++) {
        s->lanes[i] = (struct lane){ .s = s, .kind = i };
        memset(s->lanes[i].value, 'a' + i, VALUE_LEN);
        lane_go(&s->lanes[i]);
    }
    os_loop_run(&s->loop);
    s->is_ending = true;
    ASSERT(os_store_close(s->store) == OK);
    ASSERT(s->in_flight == 0);
    os_loop_deinit(&s->loop);
    buf_deinit(&meta);
}

int main(void)
{
    static struct lane lanes[LANES];
    static struct stress stress = { .random = 1, .lanes = lanes };
    char dir[TEST_DIR_SIZE];
    test_dir_make(dir);
    for (int round = 0; round < ROUNDS; round++)
        run_once(&stress, dir);
    test_dir_remove(dir);
    return 0;
}
