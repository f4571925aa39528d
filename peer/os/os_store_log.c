/* os_store_log.c -- the log room: a stretch of requests is one group in the log's files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_damage.h"
#include "os/os_store_int.h"
#include "util/err.h"

/* A group that has so much is written: what a start reads at once, and a fetch at least. One unit may be longer. */
enum { GROUP_BYTES = 2 * 1024 * 1024 };

/* ---- start-up: the folder ---- */

struct log_paths {
    char *records; /* the segments */
    char *fresh;   /* while they are being made */
    char *old;     /* LMDB's environment, or the file that stands in its place */
};

static int paths_init(struct log_paths *p, const struct os_store *s)
{
    p->records = os_store_path(s, "records");
    p->fresh = os_store_path(s, "records.new");
    p->old = os_store_path(s, "log");
    return p->records != NULL && p->fresh != NULL && p->old != NULL ? OK : ERR_NOMEM;
}

static void paths_deinit(struct log_paths *p)
{
    mem_free(p->records);
    mem_free(p->fresh);
    mem_free(p->old);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A version that keeps its log in LMDB would begin an empty one. A file in its way makes it refuse. */
static int log_bar_old(const struct log_paths *p)
{
    static const char text[] = "The log is in records/, as newer versions keep it.\n";
    int err = is_folder(p->old) ? os_env_remove(p->old) : OK;
    if (err != OK || access(p->old, F_OK) == 0)
        return err;
    int fd = open(p->old, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    err = fd >= 0 ? os_write_all(fd, text, sizeof(text) - 1, 0) : os_errno(errno);
    if (fd >= 0)
        close(fd);
    return err;
}

/* An old log that is damaged leaves a folder without segments, which is a damaged log, too, and can be written to. */
static int log_put_aside(struct os_store *s, const struct log_paths *p)
{
    int err = os_folder_make(p->records, s->log);
    return err == OK ? os_env_put_aside(p->old, s->log) : err;
}

/* What could not be read the last time is tried once more, and given up if that ends the process again. */
static int log_move(struct os_store *s, const struct log_paths *p)
{
    enum os_damage damage = os_damage_of(p->old);
    if (damage == OS_DAMAGE_UNREADABLE)
        os_damage_mark(p->old, OS_DAMAGE_CORRUPT);
    return damage == OS_DAMAGE_CORRUPT ? ERR_CORRUPT : os_log_lmdb_move(s, p->old, p->fresh);
}

/* Under another name at first: a folder called records/ is whole. */
static int log_make(struct os_store *s, const struct log_paths *p)
{
    struct os_segments_options options = { .log = s->log };
    bool has_old = is_folder(p->old);
    int err = has_old ? log_move(s, p) : os_segments_make(p->fresh, &options);
    if (has_old && err == ERR_CORRUPT)
        return log_put_aside(s, p);
    if (err == OK && rename(p->fresh, p->records) != 0)
        err = os_errno(errno);
    /* Durable before the old one goes. */
    return err == OK && has_old ? os_folder_sync(s->dir, s->log) : err;
}

static int log_prepare(struct os_store *s, const struct log_paths *p)
{
    bool is_there = is_folder(p->records), is_clean = is_there && !is_folder(p->old);
    /* A name that a killed process gave it need not be durable yet; that comes before the old one goes. */
    int err = is_there ? os_folder_sync(s->dir, s->log) : log_make(s, p);
    if (err == OK && !is_clean) {
        err = log_bar_old(p);
        if (err == OK)
            err = os_folder_sync(s->dir, s->log);
    }
    return err;
}

static int log_open_records(struct os_store *s, const char *path, struct buf *meta,
                            struct log_extent *extent, log_record_hook on_record, void *owner)
{
    struct os_segments_options options = { .log = s->log,
                                           .is_read_only = s->env_options.is_read_only,
                                           .is_scratch = s->env_options.is_scratch,
                                           .segment_bytes = s->log_segment_bytes };
    int err = os_segments_open(&s->segments, path, &options);
    s->log_is_open = err == OK || err == ERR_CORRUPT;
    if (err != OK)
        return err;
    const struct log_extent *found = &s->segments.index.extent;
    buf_append(meta, s->segments.meta.data, s->segments.meta.len);
    err = meta->err;
    if (err == OK && found->last > 0)
        err = os_segments_read(&s->segments, found->first, found->last, on_record, owner);
    if (err == OK)
        *extent = *found;
    return err;
}

int os_log_open(void *impl, struct buf *meta, struct log_extent *extent, log_record_hook on_record,
                void *owner)
{
    struct os_store *s = impl;
    ASSERT(!s->log_is_open);
    struct log_paths paths;
    int err = paths_init(&paths, s);
    bool is_read_only = s->env_options.is_read_only;
    if (err == OK && is_read_only && !is_folder(paths.records))
        err = is_folder(paths.old) ? os_log_lmdb_walk(s, paths.old, meta, extent, on_record, owner)
                                   : ERR_NOT_FOUND;
    else if (err == OK) {
        err = is_read_only ? OK : log_prepare(s, &paths);
        if (err == OK)
            err = log_open_records(s, paths.records, meta, extent, on_record, owner);
    }
    paths_deinit(&paths);
    return err;
}

void os_log_close(struct os_store *s)
{
    if (s->log_is_open)
        os_segments_close(&s->segments);
    s->log_is_open = false;
    buf_deinit(&s->log_group);
}

/* ---- the worker: stretches ---- */

/* Requests from `first` up to, not including, `end`: units that share a group, and fetches among them. */
struct stretch {
    struct list_link *first;
    struct list_link *end;
    struct log_extent before; /* of the log */
    bool cuts_all;
};

static struct store_slot *slot_of(struct list_link *link)
{
    return list_entry(link, struct store_slot, link);
}

static struct log_unit *unit_of(struct list_link *link)
{
    struct store_slot *slot = slot_of(link);
    return slot->kind == OS_LOG_UNIT ? list_entry(slot, struct log_unit, slot) : NULL;
}

static struct log_fetch *fetch_of(struct list_link *link)
{
    struct store_slot *slot = slot_of(link);
    return slot->kind == OS_LOG_FETCH ? list_entry(slot, struct log_fetch, slot) : NULL;
}

static struct log_extent extent_after(struct log_extent x, const struct log_unit *unit)
{
    if (unit->cut_from > 0 && unit->cut_from <= x.last)
        x.last = unit->cut_from - 1;
    if (x.last < x.first)
        x = (struct log_extent){ 0, 0 };
    if (unit->records_count == 0)
        return x;
    ASSERT(x.last == 0 || unit->records[0].index == x.last + 1);
    if (x.first == 0)
        x.first = unit->records[0].index;
    x.last = unit->records[unit->records_count - 1].index;
    return x;
}

static void put_records(struct buf *group, const struct log_unit *unit)
{
    if (unit->cut_from > 0) {
        struct log_item cut = { .kind = LOG_ITEM_CUT, .index = unit->cut_from };
        log_item_put(group, &cut);
    }
    for (size_t i = 0; i < unit->records_count; i++) {
        struct log_item record = { .kind = LOG_ITEM_RECORD,
                                   .index = unit->records[i].index,
                                   .bytes = unit->records[i].bytes };
        log_item_put(group, &record);
    }
}

/* Fills the group with the units from st->first on that are not refused. The stretch ends where the group is long enough,
 * and before a unit that would cut what an earlier fetch may see. Only the last meta record counts. */
static void stretch_collect(struct os_room *room, struct stretch *st, struct list_link *end,
                            struct buf *group)
{
    struct bytes meta = { NULL, 0 };
    struct log_extent extent = st->before;
    bool has_fetch = false;
    buf_clear(group);
    log_group_begin(group);
    for (st->end = st->first; st->end != end && group->len < GROUP_BYTES; st->end = st->end->next) {
        const struct log_unit *unit = unit_of(st->end);
        has_fetch |= fetch_of(st->end) != NULL;
        if (unit == NULL)
            continue;
        if (unit->cut_from > 0 && has_fetch)
            break;
        struct store_slot *slot = slot_of(st->end);
        slot->err = os_room_admit(room, slot);
        if (slot->err != OK)
            continue;
        st->cuts_all |= unit->cut_from == 1 && group->len == LOG_GROUP_HEAD_LEN;
        extent = extent_after(extent, unit);
        put_records(group, unit);
        if (unit->meta.len > 0)
            meta = unit->meta;
    }
    if (meta.len > 0) {
        struct log_item item = { .kind = LOG_ITEM_META, .bytes = meta };
        log_item_put(group, &item);
    }
}

static void stretch_fail(struct os_room *room, const struct stretch *st, int err)
{
    for (struct list_link *link = st->first; link != st->end; link = link->next) {
        struct store_slot *slot = slot_of(link);
        if (slot->kind != OS_LOG_UNIT || slot->err != OK)
            continue;
        slot->err = err;
        if (err == ERR_FULL)
            os_room_refuse(room, slot);
    }
}

/* ---- the worker: fetches ---- */

struct collecting {
    struct log_fetch *fetch;
    size_t size; /* of fetch->records */
};

static int collect_record(void *owner, const struct log_record *record)
{
    struct collecting *c = owner;
    struct log_fetch *fetch = c->fetch;
    if (fetch->records_count > 0 && fetch->bytes.len + record->bytes.len > fetch->bytes_max)
        return ERR_MORE; /* the fetch has enough */
    if (fetch->records_count == c->size) {
        size_t size = c->size == 0 ? 16 : c->size * 2;
        struct log_record *records = mem_realloc(fetch->records, size * sizeof(*records));
        if (records == NULL)
            return ERR_NOMEM;
        fetch->records = records;
        c->size = size;
    }
    fetch->records[fetch->records_count++] =
        (struct log_record){ record->index, { NULL, record->bytes.len } };
    buf_append(&fetch->bytes, record->bytes.data, record->bytes.len);
    return fetch->bytes.err;
}

static int run_fetch(struct os_segments *segments, struct log_fetch *fetch, uint64_t last)
{
    struct collecting c = { .fetch = fetch };
    if (segments->is_damaged)
        return ERR_CORRUPT;
    if (fetch->first > last)
        return ERR_NOT_FOUND;
    int err = os_segments_read(segments, fetch->first, last, collect_record, &c);
    if (err == ERR_MORE)
        err = OK;
    if (err != OK)
        log_fetch_deinit(fetch);
    size_t at = 0; /* the bytes have stopped moving */
    for (size_t i = 0; i < fetch->records_count; i++) {
        if (fetch->records[i].bytes.len > 0)
            fetch->records[i].bytes.data = fetch->bytes.data + at;
        at += fetch->records[i].bytes.len;
    }
    return err;
}

/* Each sees the units before it. Those behind it only append, so where it has to stop is all that it need know. */
static void stretch_fetch(struct os_segments *segments, const struct stretch *st)
{
    struct log_extent extent = st->before;
    for (struct list_link *link = st->first; link != st->end; link = link->next) {
        const struct log_unit *unit = unit_of(link);
        struct log_fetch *fetch = fetch_of(link);
        if (unit != NULL && slot_of(link)->err == OK)
            extent = extent_after(extent, unit);
        if (fetch != NULL)
            slot_of(link)->err = run_fetch(segments, fetch, extent.last);
    }
}

/* Keeps the room's health, in the system's words where it had some (errno; 0: none). */
static int judge(struct os_room *room, int err)
{
    return os_room_judge(room, err, errno != 0 ? strerror(errno) : err_text(err));
}

static void run_group(struct os_room *room, struct list_link *group)
{
    struct os_store *s = room->impl;
    struct buf *bytes = &s->log_group;
    for (struct list_link *link = group->next; link != group;) {
        struct stretch st = { .first = link, .before = s->segments.index.extent };
        stretch_collect(room, &st, group, bytes);
        if (bytes->len > LOG_GROUP_HEAD_LEN || bytes->err != OK) {
            errno = 0;
            int err =
                bytes->err != OK ? bytes->err : os_segments_write(&s->segments, bytes, st.cuts_all);
            err = judge(room, err);
            if (err != OK)
                stretch_fail(room, &st, err);
        }
        stretch_fetch(&s->segments, &st);
        link = st.end;
    }
}

/* ---- the worker: trims ---- */

/* The oldest trim; its slot joins the group of finished requests. */
static void run_trim(struct os_room *room, struct list_link *group)
{
    struct os_store *s = room->impl;
    struct store_slot *slot = slot_of(list_pop_front(&room->later));
    const struct log_trim *trim = list_entry(slot, struct log_trim, slot);
    errno = 0;
    slot->err = room->is_dead ? ERR_IO : os_segments_trim(&s->segments, trim->first_kept);
    if (slot->err == ERR_FULL)
        slot->err = ERR_BUSY; /* not a refusal: trims have no place in the order of writes */
    else if (slot->err != OK)
        slot->err = judge(room, slot->err);
    list_push_back(group, &slot->link);
}

void os_log_run(struct os_room *room, struct list_link *group)
{
    if (!list_is_empty(group))
        run_group(room, group);
    list_for_each_safe (link, after, group) {
        if (slot_of(link)->kind == OS_LOG_TRIM) { /* the units before it are durable now */
            list_remove(link);
            list_push_back(&room->later, link);
        }
    }
    if (!list_is_empty(&room->later))
        run_trim(room, group);
}

void os_log_rest(struct os_room *room)
{
    struct os_store *s = room->impl;
    if (s->log_is_open && !room->is_dead)
        os_segments_seal(&s->segments);
}

/* ---- the loop ---- */

int os_log_write(void *impl, struct log_unit *unit)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &unit->slot, OS_LOG_UNIT);
}

int os_log_fetch(void *impl, struct log_fetch *fetch)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    fetch->records = NULL;
    fetch->records_count = 0;
    fetch->bytes = (struct buf){ 0 };
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &fetch->slot, OS_LOG_FETCH);
}

int os_log_trim(void *impl, struct log_trim *trim)
{
    struct os_store *s = impl;
    ASSERT(s->log_is_open);
    return os_room_submit(&s->rooms[OS_ROOM_LOG], &trim->slot, OS_LOG_TRIM);
}
