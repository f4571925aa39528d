#include "tests/lib/peer_alone.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test_ids.h"
#include "tests/lib/test_memory.h"
#include "util/err.h"
#include "util/mem.h"

#define ANSWER_TIMEOUT_US ((uint64_t)20 * 1000 * 1000)
enum { REQUEST_SIZE = 2048, STATUS_AT = sizeof("HTTP/1.1 ") - 1 };

/* ---- clock, chance, nobody else ---- */

static struct mono_us alone_mono(void *impl)
{
    return (struct mono_us){ 1 + ((struct peer_alone *)impl)->world.now_us };
}

static struct wall_us alone_wall(void *impl)
{
    return (struct wall_us){ 1700000000000000 +
                             (int64_t)((struct peer_alone *)impl)->world.now_us };
}

static uint64_t alone_below(void *impl, enum rng_purpose why, uint64_t n)
{
    (void)why;
    return mini_random(&((struct peer_alone *)impl)->random) % n;
}

static void alone_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    (void)impl;
    (void)hooks;
}

static int alone_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                      size_t len)
{
    (void)impl;
    (void)to;
    (void)stream;
    (void)bytes;
    (void)len;
    return OK;
}

static int alone_set_addresses(void *impl, const struct peer_id *peer,
                               const struct multiaddr *addrs, size_t count)
{
    (void)impl;
    (void)peer;
    (void)addrs;
    (void)count;
    return OK;
}

static void alone_connect(void *impl, const struct peer_id *peer)
{
    (void)impl;
    (void)peer;
}

static size_t alone_listen_addresses(void *impl, struct multiaddr *out, size_t max)
{
    (void)impl;
    if (max > 0)
        ASSERT(multiaddr_parse(out, "/ip4/10.0.0.1/tcp/9096") == OK);
    return max > 0 ? 1 : 0;
}

/* ---- an IPFS daemon that cannot be reached ---- */

struct alone_call {
    struct peer_alone *alone;
    unsigned life;
    struct http_call *call; /* NULL: canceled */
    int err;
};

static void alone_call_ends(void *arg)
{
    struct alone_call c = *(struct alone_call *)arg;
    mem_free(arg);
    if (c.life != c.alone->life || c.alone->peer == NULL)
        return;
    c.call->state = NULL;
    test_memory_begin();
    c.call->done(c.call, c.err);
    test_memory_end();
}

static int alone_call_start(void *impl, struct http_call *call)
{
    struct peer_alone *a = impl;
    test_memory_end();
    struct alone_call *c = mem_alloc(sizeof(*c));
    ASSERT(c != NULL);
    *c = (struct alone_call){ a, a->life, call, ERR_UNREACHABLE };
    call->state = c;
    world_at(&a->world.hooks, 1000, alone_call_ends, c);
    test_memory_begin();
    return OK;
}

static size_t alone_call_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    (void)impl;
    (void)call;
    (void)bytes;
    return len;
}

static void alone_call_ignore(void *impl, struct http_call *call)
{
    (void)impl;
    (void)call;
}

static void alone_call_cancel(void *impl, struct http_call *call)
{
    (void)impl;
    struct alone_call *c = call->state;
    c->err = ERR_CANCELED;
}

/* ---- the disk, with the peer's memory set aside ---- */

/* Who is told in the end, while we stand in for it. */
struct alone_owed {
    struct list_link link; /* a crash leaves some for ever */
    void (*done)(void);
    void *owner;
};

/* A port's call of `type`, queued by `op`: ours is told first. */
#define ALONE_JOB(op, type)                                                                        \
    static void alone_##op##_done(struct type *job, int err)                                       \
    {                                                                                              \
        struct alone_owed *owed = job->owner;                                                      \
        job->done = (void (*)(struct type *, int))owed->done;                                      \
        job->owner = owed->owner;                                                                  \
        list_remove(&owed->link);                                                                  \
        mem_free(owed);                                                                            \
        test_memory_begin();                                                                       \
        job->done(job, err);                                                                       \
        test_memory_end();                                                                         \
    }                                                                                              \
    static int alone_##op(void *impl, struct type *job)                                            \
    {                                                                                              \
        struct peer_alone *a = impl;                                                               \
        test_memory_end();                                                                         \
        struct alone_owed *owed = mem_alloc(sizeof(*owed));                                        \
        ASSERT(owed != NULL);                                                                      \
        *owed = (struct alone_owed){ .done = (void (*)(void))job->done, .owner = job->owner };     \
        list_push_back(&a->owed, &owed->link);                                                     \
        job->done = alone_##op##_done;                                                             \
        job->owner = owed;                                                                         \
        int err = a->inner.ops->op(a->inner.impl, job);                                            \
        if (err != OK) {                                                                           \
            job->done = (void (*)(struct type *, int))owed->done;                                  \
            job->owner = owed->owner;                                                              \
            list_remove(&owed->link);                                                              \
            mem_free(owed);                                                                        \
        }                                                                                          \
        test_memory_begin();                                                                       \
        return err;                                                                                \
    }
ALONE_JOB(log_write, log_unit)
ALONE_JOB(log_fetch, log_fetch)
ALONE_JOB(log_trim, log_trim)
ALONE_JOB(map_write, map_batch)
ALONE_JOB(map_job, map_job)
ALONE_JOB(file_job, file_job)

struct alone_records {
    log_record_hook on_record;
    void *owner;
};

static int alone_on_record(void *owner, const struct log_record *record)
{
    const struct alone_records *r = owner;
    test_memory_begin();
    int err = r->on_record(r->owner, record);
    test_memory_end();
    return err;
}

static int alone_log_open(void *impl, struct buf *meta, struct log_extent *extent,
                          log_record_hook on_record, void *owner)
{
    struct peer_alone *a = impl;
    struct alone_records r = { on_record, owner };
    test_memory_end();
    int err = a->inner.ops->log_open(a->inner.impl, meta, extent, alone_on_record, &r);
    test_memory_begin();
    return err;
}

static int alone_map_open(void *impl, uint64_t generation)
{
    struct peer_alone *a = impl;
    test_memory_end();
    int err = a->inner.ops->map_open(a->inner.impl, generation);
    test_memory_begin();
    return err;
}

static int alone_view_open(void *impl, enum map_area area, struct view *view)
{
    struct peer_alone *a = impl;
    test_memory_end();
    int err = a->inner.ops->view_open(a->inner.impl, area, view);
    test_memory_begin();
    return err;
}

static void alone_view_close(void *impl, struct view *view)
{
    struct peer_alone *a = impl;
    test_memory_end();
    a->inner.ops->view_close(a->inner.impl, view);
    test_memory_begin();
}

/* ---- what the peer tells ---- */

static void alone_on_line(void *impl, const struct log_line *line)
{
    (void)impl;
    (void)line;
}

static void alone_on_ready(void *owner)
{
    ((struct peer_alone *)owner)->is_ready = true;
}

static void alone_on_members(void *owner, const struct peer_address *others, size_t count)
{
    (void)owner;
    (void)others;
    (void)count;
}

static void alone_on_cluster_id(void *owner, const uint8_t id[PEER_CLUSTER_ID_BYTES])
{
    (void)owner;
    (void)id;
}

static void alone_on_stopped(void *owner, const struct peer_stopped *how)
{
    struct peer_alone *a = owner;
    a->has_stopped = true;
    snprintf(a->why, sizeof(a->why), "%s", how->why);
}

/* ---- life ---- */

void peer_alone_init(struct peer_alone *a, uint64_t seed)
{
    static const struct clock_ops clock = { alone_mono, alone_wall };
    static const struct rng_ops rng = { alone_below };
    static const struct transport_ops transport = { alone_set_hooks, alone_send,
                                                    alone_set_addresses, alone_connect,
                                                    alone_listen_addresses };
    static const struct http_client_ops http = { alone_call_start,  alone_call_write,
                                                 alone_call_ignore, alone_call_ignore,
                                                 alone_call_ignore, alone_call_cancel };
    static const struct store_ops store = { alone_log_open, alone_log_write, alone_log_fetch,
                                            alone_log_trim, alone_map_open,  alone_map_write,
                                            alone_map_job,  alone_view_open, alone_view_close,
                                            alone_file_job };
    static const struct log log = { alone_on_line, NULL, LOG_LEVEL_INFO };
    struct disk_options options;
    disk_options_default(&options);
    *a = (struct peer_alone){ .random = seed };
    list_init(&a->owed);
    mini_world_init(&a->world, seed);
    a->disk = disk_create(&options, &a->world.hooks);
    a->ports = (struct peer_ports){ .clock = { &clock, a },
                                    .rng = { &rng, a },
                                    .transport = { &transport, a },
                                    .store = { &store, a },
                                    .http_client = { &http, a },
                                    .log = &log };
}

static void alone_power_goes(struct peer_alone *a)
{
    disk_crash(a->disk);
    while (!list_is_empty(&a->owed))
        mem_free(list_entry(list_pop_front(&a->owed), struct alone_owed, link));
}

int peer_alone_start(struct peer_alone *a)
{
    static struct peer_observer nobody;
    struct peer_hooks hooks = { .on_ready = alone_on_ready,
                                .on_members = alone_on_members,
                                .on_cluster_id = alone_on_cluster_id,
                                .on_stopped = alone_on_stopped,
                                .owner = a };
    struct peer_options options;
    peer_options_default(&options);
    options.id = test_peer(1);
    if (a->level != 0)
        options.level = a->level;
    a->life += 1;
    a->is_ready = a->has_stopped = false;
    a->inner = disk_store(a->disk);
    test_memory_begin();
    int err = peer_create(&a->peer, &options, &a->ports, &hooks, &nobody);
    test_memory_end();
    if (err != OK) {
        a->peer = NULL;
        alone_power_goes(a);
    }
    return err;
}

void peer_alone_crash(struct peer_alone *a)
{
    if (a->peer == NULL)
        return;
    peer_destroy(a->peer);
    a->peer = NULL;
    alone_power_goes(a);
}

void peer_alone_deinit(struct peer_alone *a)
{
    peer_alone_crash(a);
    mini_world_run(&a->world); /* calls that nobody waits for any more */
    disk_destroy(a->disk);
}

static bool alone_deadline_is_next(const struct peer_alone *a, uint64_t *due_us)
{
    if (a->peer == NULL)
        return false;
    uint64_t due = peer_next_deadline_us(a->peer);
    *due_us = due <= 1 + a->world.now_us ? a->world.now_us : due - 1;
    return due != MONO_NEVER && (a->world.events_count == 0 || *due_us <= a->world.events[0].at_us);
}

static void alone_happen(struct peer_alone *a)
{
    uint64_t due_us;
    if (alone_deadline_is_next(a, &due_us)) {
        a->world.now_us = due_us;
        test_memory_begin();
        peer_on_deadline(a->peer);
        test_memory_end();
    } else {
        (void)mini_world_step(&a->world);
    }
}

void peer_alone_step(struct peer_alone *a)
{
    alone_happen(a);
    if (a->has_stopped)
        peer_alone_crash(a);
}

/* ---- a client ---- */

static void alone_on_progress(void *owner)
{
    (void)owner;
}

static int alone_status(const struct http_conn *conn)
{
    struct bytes out = http_conn_output(conn);
    const uint8_t *digits = out.data;
    if (out.len < STATUS_AT + 3 || http_conn_is_answering(conn))
        return 0;
    return (digits[STATUS_AT] - '0') * 100 + (digits[STATUS_AT + 1] - '0') * 10 +
           (digits[STATUS_AT + 2] - '0');
}

int peer_alone_ask(struct peer_alone *a, const char *method, const char *target)
{
    char request[REQUEST_SIZE];
    int len =
        snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, target);
    struct http_conn *conn;
    test_memory_begin();
    int err = peer_http_open(a->peer, PEER_DOOR_API, alone_on_progress, NULL, &conn);
    if (err == OK)
        (void)http_conn_on_bytes(conn, request, (size_t)len);
    test_memory_end();
    if (err != OK)
        return 0;
    uint64_t give_up_us = a->world.now_us + ANSWER_TIMEOUT_US;
    int status = 0;
    while ((status = alone_status(conn)) == 0 && !a->has_stopped && !http_conn_was_killed(conn) &&
           a->world.now_us < give_up_us)
        alone_happen(a);
    http_conn_destroy(conn);
    if (a->has_stopped)
        peer_alone_crash(a);
    return status;
}
