/* store_talk.h -- requests of the store's port, and waiting for them, for the contract's tests. */
#ifndef TESTS_CONTRACT_STORE_TALK_H
#define TESTS_CONTRACT_STORE_TALK_H

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/store_fixture.h"

enum { GENERATION = 1 };

static inline int on_record(void *owner, const struct log_record *record)
{
    uint64_t *count = owner;
    cr_assert_gt(record->index, 0);
    *count += 1;
    return OK;
}

/* What a peer does at its start. */
static inline void open_all(struct fixture *fx, uint64_t generation, struct buf *meta,
                            struct log_extent *extent)
{
    uint64_t records = 0;
    fx->ops->start(fx);
    cr_assert_eq(store_log_open(&fx->store, meta, extent, on_record, &records), OK);
    cr_assert_eq(records, extent->last == 0 ? 0 : extent->last - extent->first + 1);
    cr_assert_eq(store_map_open(&fx->store, generation), OK);
}

static inline void on_fixture(const struct fixture_ops *ops, uint64_t seed,
                              void (*test)(struct fixture *))
{
    struct fixture fx = { .ops = ops, .seed = seed };
    struct buf meta = { 0 };
    struct log_extent extent;
    ops->create(&fx);
    open_all(&fx, GENERATION, &meta, &extent);
    cr_assert_eq(meta.len, 0);
    cr_assert_eq(extent.last, 0);
    test(&fx);
    ops->stop(&fx);
    ops->destroy(&fx);
    buf_deinit(&meta);
}

/* ---- requests, and waiting for them ---- */

struct waiter {
    struct fixture *fx;
    int done_count;
    int err;
    uint64_t order; /* when, among all that share *clock */
    uint64_t *clock;
};

static bool is_submitting; /* inside a call of the port: no done() may run */

static inline void waiter_done(struct waiter *w, int err)
{
    cr_assert(!is_submitting, "done() ran from inside the call");
    w->done_count += 1;
    w->err = err;
    if (w->clock != NULL)
        w->order = ++*w->clock;
}

static inline void unit_done(struct log_unit *unit, int err)
{
    waiter_done(unit->owner, err);
}

static inline void fetch_done(struct log_fetch *fetch, int err)
{
    waiter_done(fetch->owner, err);
}

static inline void trim_done(struct log_trim *trim, int err)
{
    waiter_done(trim->owner, err);
}

static inline void batch_done(struct map_batch *batch, int err)
{
    waiter_done(batch->owner, err);
}

static inline void job_done(struct map_job *job, int err)
{
    waiter_done(job->owner, err);
}

static inline void file_done(struct file_job *job, int err)
{
    waiter_done(job->owner, err);
}

#define SUBMIT(call)                                                                               \
    do {                                                                                           \
        is_submitting = true;                                                                      \
        int submit_err = (call);                                                                   \
        is_submitting = false;                                                                     \
        cr_assert_eq(submit_err, OK, "%s", err_name(submit_err));                                  \
    } while (0)

static inline int wait_for(struct fixture *fx, struct waiter *w)
{
    while (w->done_count == 0)
        fx->ops->turn(fx);
    cr_assert_eq(w->done_count, 1);
    return w->err;
}

static inline int write_unit(struct fixture *fx, struct log_unit unit)
{
    struct waiter w = { .fx = fx };
    unit.done = unit_done;
    unit.owner = &w;
    SUBMIT(store_log_write(&fx->store, &unit));
    return wait_for(fx, &w);
}

static inline struct bytes text(const char *s)
{
    return (struct bytes){ s, strlen(s) };
}

/* Records first..last, whose text is `word` and the index. */
enum { RECORDS_MAX = 300, RECORD_SIZE = 32 };

struct records {
    struct log_record records[RECORDS_MAX];
    char texts[RECORDS_MAX][RECORD_SIZE];
};

static inline struct log_unit make_unit(struct records *r, uint64_t cut_from, uint64_t first,
                                        uint64_t last, const char *word)
{
    for (uint64_t i = first; i <= last; i++) {
        snprintf(r->texts[i - first], RECORD_SIZE, "%s %llu", word, (unsigned long long)i);
        r->records[i - first] = (struct log_record){ i, text(r->texts[i - first]) };
    }
    return (struct log_unit){ .cut_from = cut_from,
                              .records = r->records,
                              .records_count = (size_t)(last + 1 - first) };
}

static inline int append(struct fixture *fx, uint64_t cut_from, uint64_t first, uint64_t last,
                         const char *word)
{
    static struct records r;
    return write_unit(fx, make_unit(&r, cut_from, first, last, word));
}

static inline int fetch(struct fixture *fx, struct log_fetch *f, uint64_t first, size_t bytes_max)
{
    struct waiter w = { .fx = fx };
    *f = (struct log_fetch){
        .first = first, .bytes_max = bytes_max, .done = fetch_done, .owner = &w
    };
    SUBMIT(store_log_fetch(&fx->store, f));
    return wait_for(fx, &w);
}

static inline void assert_record(const struct log_record *record, uint64_t index, const char *word)
{
    char want[RECORD_SIZE];
    snprintf(want, sizeof(want), "%s %llu", word, (unsigned long long)index);
    cr_assert_eq(record->index, index);
    cr_assert(bytes_equal(record->bytes, text(want)), "index %llu", (unsigned long long)index);
}

static inline int trim(struct fixture *fx, uint64_t first_kept)
{
    struct waiter w = { .fx = fx };
    struct log_trim t = { .first_kept = first_kept, .done = trim_done, .owner = &w };
    SUBMIT(store_log_trim(&fx->store, &t));
    return wait_for(fx, &w);
}

static inline int write_batch(struct fixture *fx, enum map_area area, const struct map_op *ops,
                              size_t count)
{
    struct waiter w = { .fx = fx };
    struct map_batch batch = {
        .area = area, .ops = ops, .ops_count = count, .done = batch_done, .owner = &w
    };
    SUBMIT(store_map_write(&fx->store, &batch));
    return wait_for(fx, &w);
}

static inline struct map_op put(unsigned table, const char *key, const char *value)
{
    return (struct map_op){ .table = (uint8_t)table, .key = text(key), .value = text(value) };
}

static inline struct map_op delete (unsigned table, const char *key)
{
    return (struct map_op){ .table = (uint8_t)table, .is_delete = true, .key = text(key) };
}

static inline int run_job(struct fixture *fx, struct map_job *job)
{
    struct waiter w = { .fx = fx };
    job->done = job_done;
    job->owner = &w;
    SUBMIT(store_map_job(&fx->store, job));
    return wait_for(fx, &w);
}

static inline int run_file_job(struct fixture *fx, struct file_job *job)
{
    struct waiter w = { .fx = fx };
    job->done = file_done;
    job->owner = &w;
    SUBMIT(store_file_job(&fx->store, job));
    return wait_for(fx, &w);
}

static inline int file_write(struct fixture *fx, uint64_t no, uint64_t offset, const char *data)
{
    struct file_job job = {
        .what = FILE_WRITE, .file_no = no, .offset = offset, .data = data, .len = strlen(data)
    };
    int err = run_file_job(fx, &job);
    cr_assert(err != OK || job.len_done == job.len);
    return err;
}

static inline int file_read(struct fixture *fx, uint64_t no, uint64_t offset, void *into,
                            size_t size, size_t *len)
{
    struct file_job job = {
        .what = FILE_READ, .file_no = no, .offset = offset, .into = into, .len = size
    };
    int err = run_file_job(fx, &job);
    *len = job.len_done;
    return err;
}

static inline int file_sync(struct fixture *fx, uint64_t no)
{
    struct file_job job = { .what = FILE_SYNC, .file_no = no };
    return run_file_job(fx, &job);
}

static inline int file_drop(struct fixture *fx, uint64_t no)
{
    struct file_job job = { .what = FILE_DROP, .file_no = no };
    return run_file_job(fx, &job);
}

/* The value as text; "-" when there is no row. */
static inline const char *get(struct fixture *fx, enum map_area area, unsigned table,
                              const char *key)
{
    static char out[64];
    struct view v;
    struct bytes value;
    cr_assert_eq(store_view_open(&fx->store, area, &v), OK);
    int err = view_get(&v, table, text(key), &value);
    cr_assert(err == OK || err == ERR_NOT_FOUND, "%s", err_name(err));
    snprintf(out, sizeof(out), "%.*s", err == OK ? (int)value.len : 1,
             err == OK ? (const char *)value.data : "-");
    store_view_close(&fx->store, &v);
    return out;
}

#endif
