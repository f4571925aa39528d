/* disk.c -- queues, syncs, completions, crashes.
 *
 * Every room runs the same little machine, on three lists:
 *
 *     queued (the first group_count of them are being synced)  -->  finished  -->  done()
 *
 * When the sync's event comes, its group becomes durable, one request after another; each moves to
 * `finished`, and another event runs the done() calls. So there is a time in which a write is durable
 * and its writer does not know, and a time in which it is neither acknowledged nor surely lost: the two
 * gaps in which distributed systems lose data.
 *
 * A crash goes by "lives": events of an earlier life find a higher number and do nothing. */
#include "sim/world/disk_int.h"

#include <string.h>

#include "util/err.h"

enum { PER_MILLION = 1000000 };

void disk_options_default(struct disk_options *o)
{
    *o = (struct disk_options){
        .delay_min_us = 50,
        .delay_max_us = 2000,
        .job_delay_min_us = 1000,
        .job_delay_max_us = 50000,
        .slow_factor = 100,
        .queue_max = LIMIT_STORE_QUEUE_COUNT,
    };
}

/* ---- events ---- */

struct disk_event {
    struct list_link link;
    struct disk_room *room;
    uint64_t life;
    void (*run)(struct disk_room *room);
};

static void disk_on_event(void *arg)
{
    struct disk_event *e = arg;
    struct disk_room *room = e->room;
    void (*run)(struct disk_room *) = e->life == room->disk->life ? e->run : NULL;
    list_remove(&e->link);
    mem_free(e);
    if (run != NULL)
        run(room);
}

static void disk_later(struct disk_room *room, void (*run)(struct disk_room *room))
{
    struct disk *d = room->disk;
    const struct disk_options *o = &d->options;
    uint64_t min_us = room->name == DISK_JOBS ? o->job_delay_min_us : o->delay_min_us;
    uint64_t max_us = room->name == DISK_JOBS ? o->job_delay_max_us : o->delay_max_us;
    uint64_t delay_us = min_us + world_choose(&d->hooks, WORLD_DISK_DELAY, max_us - min_us + 1);
    struct disk_event *e = mem_alloc(sizeof(*e));
    ASSERT(e != NULL);
    *e = (struct disk_event){ .room = room, .life = d->life, .run = run };
    list_push_back(&d->events, &e->link);
    world_at(&d->hooks, room->health == DISK_SLOW ? delay_us * o->slow_factor : delay_us,
             disk_on_event, e);
}

/* ---- done ---- */

static void disk_tell(enum disk_request_kind kind, void *port, int err)
{
    switch (kind) {
    case DISK_LOG_UNIT:
        ((struct log_unit *)port)->done(port, err);
        break;
    case DISK_LOG_FETCH:
        ((struct log_fetch *)port)->done(port, err);
        break;
    case DISK_LOG_TRIM:
        ((struct log_trim *)port)->done(port, err);
        break;
    case DISK_MAP_BATCH:
        ((struct map_batch *)port)->done(port, err);
        break;
    case DISK_MAP_JOB:
        ((struct map_job *)port)->done(port, err);
        break;
    case DISK_FILE_JOB:
        ((struct file_job *)port)->done(port, err);
        break;
    }
}

static void disk_request_free(struct disk_request *q)
{
    rows_deinit(&q->after);
    mem_free(q);
}

/* Tells all that is finished. A done() may submit more, and may crash the disk. */
static void disk_on_deliver(struct disk_room *room)
{
    uint64_t life = room->disk->life;
    struct list_link *link;
    while (life == room->disk->life && (link = list_pop_front(&room->finished)) != NULL) {
        struct disk_request *q = list_entry(link, struct disk_request, link);
        if (q->err == ERR_FULL && room->round < room->refused_below) {
            room->round = room->refused_below;
            rows_assign(&room->newest, &room->durable); /* nothing that was accepted is left */
        }
        enum disk_request_kind kind = q->kind;
        void *port = q->port;
        int err = q->err;
        disk_request_free(q);
        room->in_flight -= 1;
        disk_tell(kind, port, err);
    }
}

/* ---- a sync ---- */

static bool disk_request_is_version(const struct disk_request *q)
{
    return q->kind == DISK_LOG_UNIT || q->kind == DISK_MAP_BATCH;
}

static bool disk_request_writes(const struct disk_request *q)
{
    if (q->kind == DISK_FILE_JOB) {
        const struct file_job *job = q->port;
        return job->what == FILE_WRITE || job->what == FILE_SYNC;
    }
    if (q->kind == DISK_MAP_JOB)
        return ((const struct map_job *)q->port)->what != MAP_DROP;
    return disk_request_is_version(q);
}

/* The caller hears ERR_IO, but nobody knows what reached the disk. */
static void disk_version_lose(struct disk_room *room, const struct disk_request *q)
{
    struct disk_request *ghost = mem_zalloc(sizeof(*ghost));
    ASSERT(ghost != NULL);
    ghost->after = rows_share(&q->after);
    list_push_back(&room->lost, &ghost->link);
}

/* May this request touch the disk? Decides what the room's health does to it. */
static int disk_request_admit(struct disk_room *room, struct disk_request *q)
{
    if (!disk_request_writes(q))
        return OK;
    room->is_dead |= room->health == DISK_FAILING;
    if (room->is_dead && disk_request_is_version(q))
        disk_version_lose(room, q);
    if (room->is_dead)
        return ERR_IO;
    if (disk_request_is_version(q) && q->round < room->refused_below)
        return ERR_FULL;
    if (room->health != DISK_FULL)
        return OK;
    if (disk_request_is_version(q))
        room->refused_below = room->round + 1;
    return ERR_FULL;
}

static int disk_job_run(struct disk *d, struct map_job *job, const struct rows *shown)
{
    struct rows rows = { 0 };
    int err = OK;
    if (job->what == MAP_EXPORT)
        return disk_export(d, job, shown);
    ASSERT(job->generation != d->generation);
    if (job->what == MAP_IMPORT)
        err = disk_import(d, job, &rows);
    struct disk_generation *old = disk_generation_find(d, job->generation);
    if (old != NULL) {
        list_remove(&old->link);
        rows_deinit(&old->rows);
        mem_free(old);
    }
    if (job->what == MAP_IMPORT && err == OK)
        disk_generation_add(&d->generations, job->generation, &rows);
    rows_deinit(&rows);
    return err;
}

static void disk_versions_trim(struct disk_room *room, uint64_t first_kept)
{
    disk_log_trim(&room->durable, first_kept);
    disk_log_trim(&room->newest, first_kept);
    list_for_each (link, &room->queued)
        disk_log_trim(&list_entry(link, struct disk_request, link)->after, first_kept);
    list_for_each (link, &room->lost)
        disk_log_trim(&list_entry(link, struct disk_request, link)->after, first_kept);
}

static void disk_on_trimmed(struct disk_room *room)
{
    if (room->health == DISK_HUNG) {
        room->trims_stalled_count += 1;
        return;
    }
    struct list_link *link = list_pop_front(&room->trims);
    struct disk_request *q = list_entry(link, struct disk_request, link);
    disk_versions_trim(room, ((struct log_trim *)q->port)->first_kept);
    list_push_back(&room->finished, &q->link);
    disk_later(room, disk_on_deliver);
}

/* The first part of a trim now, up to a drawn record; the rest in an event of its own. */
static void disk_trim_begin(struct disk_room *room, struct disk_request *q)
{
    struct log_extent extent = disk_log_extent(&room->durable);
    uint64_t first_kept = ((struct log_trim *)q->port)->first_kept;
    if (extent.first > 0 && first_kept > extent.first) {
        uint64_t last_gone = first_kept <= extent.last ? first_kept - 1 : extent.last;
        uint64_t spared =
            world_choose(&room->disk->hooks, WORLD_DISK_GROUP, last_gone - extent.first + 2);
        disk_versions_trim(room, last_gone + 1 - spared);
    }
    list_push_back(&room->trims, &q->link);
    disk_later(room, disk_on_trimmed);
}

static int disk_request_run(struct disk_room *room, struct disk_request *q)
{
    int err = disk_request_admit(room, q);
    if (err != OK)
        return err;
    switch (q->kind) {
    case DISK_LOG_UNIT:
    case DISK_MAP_BATCH:
        rows_assign(&room->durable, &q->after);
        return OK;
    case DISK_LOG_FETCH:
        return disk_log_fetch(&room->durable, q->port);
    case DISK_LOG_TRIM:
        return OK;
    case DISK_MAP_JOB:
        return disk_job_run(room->disk, q->port, &q->after);
    case DISK_FILE_JOB:
        return disk_file_run(room->disk, q->port);
    }
    return ERR_INVALID;
}

static void disk_start(struct disk_room *room);

static void disk_on_synced(struct disk_room *room)
{
    room->is_stalled = room->health == DISK_HUNG;
    if (room->is_stalled)
        return;
    uint64_t rate = room->disk->options.fail_per_million;
    if (rate > 0) /* the draw 0 means no fault */
        room->is_dead |=
            world_choose(&room->disk->hooks, WORLD_DISK_FAULT, PER_MILLION) >= PER_MILLION - rate;
    for (; room->group_count > 0; room->group_count--) {
        struct disk_request *q =
            list_entry(list_pop_front(&room->queued), struct disk_request, link);
        q->err = disk_request_run(room, q);
        if (q->kind == DISK_LOG_TRIM)
            disk_trim_begin(room, q);
        else
            list_push_back(&room->finished, &q->link);
    }
    if (!list_is_empty(&room->finished))
        disk_later(room, disk_on_deliver);
    disk_start(room);
}

/* Begins the next sync, unless one runs. Files and jobs go one by one. */
static void disk_start(struct disk_room *room)
{
    if (room->group_count > 0 || list_is_empty(&room->queued))
        return;
    uint64_t count = 0;
    list_for_each (link, &room->queued)
        count += 1;
    if (room->name == DISK_FILES || room->name == DISK_JOBS)
        room->group_count = 1;
    else
        room->group_count = count - world_choose(&room->disk->hooks, WORLD_DISK_GROUP, count);
    disk_later(room, disk_on_synced);
}

/* ---- submitting ---- */

static struct disk_request *disk_submit(struct disk_room *room, enum disk_request_kind kind,
                                        void *port)
{
    if (room->in_flight >= room->disk->options.queue_max || room->disk->is_closing)
        return NULL;
    struct disk_request *q = mem_zalloc(sizeof(*q));
    ASSERT(q != NULL);
    q->kind = kind;
    q->port = port;
    q->round = room->round;
    list_push_back(&room->queued, &q->link);
    room->in_flight += 1;
    disk_start(room);
    return q;
}

static int disk_log_write(void *impl, struct log_unit *unit)
{
    struct disk *d = impl;
    struct disk_room *room = &d->rooms[DISK_LOG];
    ASSERT(d->log_is_open || d->is_closing);
    struct disk_request *q = disk_submit(room, DISK_LOG_UNIT, unit);
    if (q == NULL)
        return ERR_BUSY;
    disk_unit_apply(&room->newest, unit, room->has_rotted);
    q->after = rows_share(&room->newest);
    return OK;
}

static int disk_log_fetch_submit(void *impl, struct log_fetch *fetch)
{
    struct disk *d = impl;
    ASSERT(d->log_is_open || d->is_closing);
    fetch->records = NULL;
    fetch->records_count = 0;
    fetch->bytes = (struct buf){ 0 };
    return disk_submit(&d->rooms[DISK_LOG], DISK_LOG_FETCH, fetch) != NULL ? OK : ERR_BUSY;
}

static int disk_log_trim_submit(void *impl, struct log_trim *trim)
{
    struct disk *d = impl;
    ASSERT(d->log_is_open || d->is_closing);
    return disk_submit(&d->rooms[DISK_LOG], DISK_LOG_TRIM, trim) != NULL ? OK : ERR_BUSY;
}

static int disk_map_write(void *impl, struct map_batch *batch)
{
    struct disk *d = impl;
    struct disk_room *room = &d->rooms[batch->area == MAP_STATE ? DISK_STATE : DISK_LOCAL];
    ASSERT(d->generation > 0 || d->is_closing);
    struct disk_request *q = disk_submit(room, DISK_MAP_BATCH, batch);
    if (q == NULL)
        return ERR_BUSY;
    disk_batch_apply(&room->newest, batch);
    q->after = rows_share(&room->newest);
    return OK;
}

static int disk_map_job(void *impl, struct map_job *job)
{
    struct disk *d = impl;
    ASSERT(d->generation > 0 || d->is_closing);
    ASSERT((job->what == MAP_EXPORT) == (job->generation == d->generation));
    struct disk_request *q = disk_submit(&d->rooms[DISK_JOBS], DISK_MAP_JOB, job);
    if (q == NULL)
        return ERR_BUSY;
    if (job->what == MAP_EXPORT)
        q->after = rows_share(&d->rooms[DISK_STATE].durable);
    return OK;
}

static int disk_file_job(void *impl, struct file_job *job)
{
    struct disk *d = impl;
    job->len_done = 0;
    return disk_submit(&d->rooms[DISK_FILES], DISK_FILE_JOB, job) != NULL ? OK : ERR_BUSY;
}

/* ---- opening ---- */

static int disk_log_open(void *impl, struct buf *meta, struct log_extent *extent,
                         log_record_hook on_record, void *owner)
{
    struct disk *d = impl;
    struct disk_room *room = &d->rooms[DISK_LOG];
    ASSERT(!d->log_is_open);
    d->log_is_open = true; /* a damaged one, too: a stranger begins by cutting everything */
    rows_assign(&room->newest, &room->durable);
    return disk_log_walk(&room->durable, meta, extent, on_record, owner);
}

static int disk_map_open(void *impl, uint64_t generation)
{
    struct disk *d = impl;
    struct disk_room *room = &d->rooms[DISK_STATE];
    ASSERT(generation > 0 && room->in_flight == 0);
    for (size_t i = 0; i < LIMIT_VIEWS_COUNT; i++)
        ASSERT(!d->views[i].is_open);
    if (generation == d->generation)
        return OK;
    rows_deinit(&room->durable);
    struct disk_generation *g = disk_generation_find(d, generation);
    if (g != NULL)
        rows_assign(&room->durable, &g->rows);
    rows_assign(&room->newest, &room->durable);
    if (d->generation == 0)
        rows_assign(&d->rooms[DISK_LOCAL].newest, &d->rooms[DISK_LOCAL].durable);
    disk_generations_wipe(&d->generations);
    d->generation = generation;
    return OK;
}

static const struct store_ops disk_ops = {
    .log_open = disk_log_open,
    .log_write = disk_log_write,
    .log_fetch = disk_log_fetch_submit,
    .log_trim = disk_log_trim_submit,
    .map_open = disk_map_open,
    .map_write = disk_map_write,
    .map_job = disk_map_job,
    .view_open = disk_view_open,
    .view_close = disk_view_close,
    .file_job = disk_file_job,
};

struct store disk_store(struct disk *d)
{
    return (struct store){ &disk_ops, d };
}

/* ---- life ---- */

struct disk *disk_create(const struct disk_options *options, const struct world_hooks *hooks)
{
    struct disk *d = mem_zalloc(sizeof(*d));
    ASSERT(d != NULL);
    ASSERT(options->delay_min_us <= options->delay_max_us);
    ASSERT(options->job_delay_min_us <= options->job_delay_max_us);
    d->options = *options;
    d->hooks = *hooks;
    list_init(&d->generations);
    list_init(&d->files);
    list_init(&d->events);
    for (size_t i = 0; i < DISK_ROOMS_COUNT; i++) {
        struct disk_room *room = &d->rooms[i];
        room->disk = d;
        room->name = (enum disk_room_name)i;
        list_init(&room->queued);
        list_init(&room->finished);
        list_init(&room->trims);
        list_init(&room->lost);
    }
    return d;
}

static void disk_requests_free(struct list_link *requests)
{
    struct list_link *link;
    while ((link = list_pop_front(requests)) != NULL)
        disk_request_free(list_entry(link, struct disk_request, link));
}

/* A crash may find any of these versions in place of the durable one: those whose sync failed, then those
 * that wait for one. The draw 0 keeps the newest. */
static void disk_room_cut(struct disk_room *room)
{
    list_for_each_safe (link, after, &room->queued) {
        struct disk_request *q = list_entry(link, struct disk_request, link);
        if (disk_request_is_version(q) && q->round >= room->refused_below) {
            list_remove(link);
            list_push_back(&room->lost, link);
        }
    }
    uint64_t count = 0;
    list_for_each (link, &room->lost)
        count += 1;
    uint64_t kept = count - world_choose(&room->disk->hooks, WORLD_DISK_CRASH, count + 1);
    for (struct list_link *at = room->lost.next; kept > 0; at = at->next, kept--)
        rows_assign(&room->durable, &list_entry(at, struct disk_request, link)->after);
}

/* Shuts the disk: what is left is durable, and nothing is in flight. */
static void disk_shut(struct disk *d)
{
    d->life += 1;
    for (size_t i = 0; i < DISK_ROOMS_COUNT; i++) {
        struct disk_room *room = &d->rooms[i];
        disk_room_cut(room);
        disk_requests_free(&room->queued);
        disk_requests_free(&room->finished);
        disk_requests_free(&room->trims);
        disk_requests_free(&room->lost);
        rows_assign(&room->newest, &room->durable);
        room->group_count = 0;
        room->in_flight = 0;
        room->is_dead = false;
        room->is_stalled = false;
        room->trims_stalled_count = 0;
        room->refused_below = 0;
        room->round = 0;
    }
    for (size_t i = 0; i < LIMIT_VIEWS_COUNT; i++) {
        d->views[i].is_open = false;
        rows_deinit(&d->views[i].rows);
    }
    if (d->generation > 0)
        disk_generation_add(&d->generations, d->generation, &d->rooms[DISK_STATE].durable);
    rows_deinit(&d->rooms[DISK_STATE].durable);
    rows_deinit(&d->rooms[DISK_STATE].newest);
    d->generation = 0;
    d->log_is_open = false;
}

void disk_crash(struct disk *d)
{
    disk_shut(d);
    disk_files_crash(d);
}

struct disk_farewell {
    struct list_link link;
    enum disk_request_kind kind;
    void *port;
    int err;
};

static void disk_farewell_add(struct list_link *farewells, struct list_link *requests, bool is_done)
{
    list_for_each (link, requests) {
        const struct disk_request *q = list_entry(link, struct disk_request, link);
        struct disk_farewell *f = mem_alloc(sizeof(*f));
        ASSERT(f != NULL);
        *f = (struct disk_farewell){ .kind = q->kind,
                                     .port = q->port,
                                     .err = is_done ? q->err : ERR_CANCELED };
        list_push_back(farewells, &f->link);
    }
}

void disk_close(struct disk *d)
{
    struct list_link farewells, *link;
    list_init(&farewells);
    d->is_closing = true;
    for (size_t i = 0; i < DISK_ROOMS_COUNT; i++) {
        disk_farewell_add(&farewells, &d->rooms[i].finished, true);
        disk_farewell_add(&farewells, &d->rooms[i].queued, false);
        disk_farewell_add(&farewells, &d->rooms[i].trims, false);
    }
    disk_shut(d);
    list_for_each (at, &d->files) /* the system goes on and writes them out */
        disk_file_sync(list_entry(at, struct disk_file, link));
    while ((link = list_pop_front(&farewells)) != NULL) {
        struct disk_farewell *f = list_entry(link, struct disk_farewell, link);
        disk_tell(f->kind, f->port, f->err);
        mem_free(f);
    }
    d->is_closing = false;
}

void disk_destroy(struct disk *d)
{
    disk_shut(d);
    disk_wipe(d);
    list_for_each_safe (link, after, &d->events)
        mem_free(list_entry(link, struct disk_event, link));
    mem_free(d);
}

enum disk_health disk_worst(const struct disk *d)
{
    enum disk_health worst = DISK_WELL;
    for (unsigned room = 0; room < DISK_ROOMS_COUNT; room++)
        if (d->rooms[room].health > worst)
            worst = d->rooms[room].health;
    return worst;
}

bool disk_is_well(const struct disk *d)
{
    return disk_worst(d) == DISK_WELL;
}

void disk_set_health(struct disk *d, enum disk_room_name name, enum disk_health health)
{
    struct disk_room *room = &d->rooms[name];
    room->health = health;
    if (health == DISK_HUNG)
        return;
    if (room->is_stalled)
        disk_later(room, disk_on_synced);
    for (; room->trims_stalled_count > 0; room->trims_stalled_count--)
        disk_later(room, disk_on_trimmed);
    room->is_stalled = false;
}
