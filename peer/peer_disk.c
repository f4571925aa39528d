#include "peer_disk.h"

#include <string.h>

#include "state/pinset.h"
#include "store/overlay.h"
#include "store/raft_store.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    DISK_OVERLAY_BYTES_MAX =
        4 * 1024 * 1024, /* more batches in flight: more to search for each row */
    DISK_BATCH_ROWS_MAX = OVERLAY_OPS_MAX - PINSET_APPLY_ROWS_MAX - PINSET_FINISH_ROWS_MAX,
    IMPORT_TERM = 1,
    IMPORT_NUMBER = 1,
    IMPORT_GENERATION = 1,
};

struct peer_disk {
    struct store store;
    struct peer_disk_facts facts;
    struct raft_store raft_store;
    struct raft_store_loaded loaded;
    struct pinset *pinset;

    /* Importing. */
    struct peer_disk_import import;
    struct overlay *state;
    struct raft_config config;
    struct buf entry;
    uint64_t index; /* of the last entry */
    size_t batch_rows;
    int sink_err;
    int err; /* nothing goes on after it */
    bool is_blocked;
    bool is_ending;
    bool log_is_written;
};

/* ---- opening ---- */

static uint64_t disk_last_term(const struct raft_durable *d)
{
    return d->runs_count > 0 ? d->runs[d->runs_count - 1].term : d->base.term;
}

static void disk_read_log(struct peer_disk *d)
{
    const struct raft_durable *durable = &d->loaded.durable;
    struct peer_disk_facts *f = &d->facts;
    f->is_empty = d->loaded.is_empty || d->loaded.identity.number == RAFT_NOBODY;
    memcpy(f->cluster_id, d->loaded.identity.cluster_id, sizeof(f->cluster_id));
    f->number = d->loaded.identity.number;
    f->term = durable->hard.term;
    f->last = (struct raft_pos){ disk_last_term(durable), durable->last };
    f->committed = durable->hard.committed;
    f->config = durable->config;
}

static int disk_read_state(struct peer_disk *d)
{
    struct view view;
    int err = store_map_open(&d->store, d->loaded.identity.generation);
    if (err == OK)
        err = store_view_open(&d->store, MAP_STATE, &view);
    if (err != OK)
        return err;
    err = pinset_open(d->pinset, &view);
    store_view_close(&d->store, &view);
    const struct pinset_facts *facts = pinset_facts(d->pinset);
    d->facts.applied = facts->applied_index;
    d->facts.level = facts->level;
    d->facts.pins_count = facts->pins_count;
    d->facts.hash = pinset_hash(d->pinset);
    return err;
}

int peer_disk_open(struct peer_disk **out, const struct store *store)
{
    struct peer_disk *d = mem_zalloc(sizeof(*d));
    if (d == NULL)
        return ERR_NOMEM;
    d->store = *store;
    int err = pinset_create(&d->pinset);
    if (err == OK)
        err = raft_store_load(&d->raft_store, &d->store, &d->loaded);
    if (err == ERR_CORRUPT) {
        d->facts.log_is_damaged = true;
        err = OK;
    } else if (err == OK) {
        disk_read_log(d);
        if (!d->facts.is_empty)
            err = disk_read_state(d);
    }
    if (err != OK) {
        peer_disk_close(d);
        return err;
    }
    *out = d;
    return OK;
}

void peer_disk_close(struct peer_disk *d)
{
    if (d == NULL)
        return;
    if (d->state != NULL)
        overlay_destroy(d->state);
    if (d->pinset != NULL)
        pinset_destroy(d->pinset);
    raft_store_loaded_deinit(&d->loaded);
    raft_store_deinit(&d->raft_store);
    raft_config_deinit(&d->config);
    buf_deinit(&d->entry);
    mem_free(d);
}

const struct peer_disk_facts *peer_disk_facts(const struct peer_disk *d)
{
    return &d->facts;
}

/* ---- looking ---- */

int peer_disk_walk(const struct store *store, struct arena *arena, struct cid *after, size_t count,
                   peer_disk_pin on_pin, void *owner)
{
    ASSERT(count <= PEER_DISK_SLICE);
    struct store port = *store;
    struct view view;
    struct pin pin;
    int err = store_view_open(&port, MAP_STATE, &view);
    if (err != OK)
        return err;
    struct pinset_cursor cursor = pinset_cursor_after(&view, after);
    arena_reset(arena);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = pinset_next(&cursor, arena, &pin);
        if (err == OK)
            err = on_pin(owner, &pin);
        if (err == OK)
            *after = pin.cid;
    }
    store_view_close(&port, &view);
    return err;
}

/* ---- importing: rows ---- */

static void disk_sink_put(void *impl, unsigned table, struct bytes key, struct bytes value)
{
    struct peer_disk *d = impl;
    int err = overlay_put(d->state, table, key, value);
    d->batch_rows += 1;
    if (d->sink_err == OK)
        d->sink_err = err;
}

static void disk_sink_del(void *impl, unsigned table, struct bytes key)
{
    struct peer_disk *d = impl;
    int err = overlay_delete(d->state, table, key);
    d->batch_rows += 1;
    if (d->sink_err == OK)
        d->sink_err = err;
}

static struct row_sink disk_sink(struct peer_disk *d)
{
    return (struct row_sink){ .put = disk_sink_put, .del = disk_sink_del, .impl = d };
}

static int disk_submit(struct peer_disk *d)
{
    struct row_sink sink = disk_sink(d);
    int err = pinset_finish(d->pinset, &sink);
    if (err == OK)
        err = d->sink_err;
    if (err == OK)
        err = overlay_submit(d->state, d->index);
    d->batch_rows = 0;
    return err;
}

/* The next entry of the log that never was. */
static int disk_apply(struct peer_disk *d, const struct pin_entry *entry,
                      struct pinset_applied *applied)
{
    struct view view;
    buf_clear(&d->entry);
    pin_entry_encode(entry, &d->entry);
    int err = d->entry.err;
    if (err == OK)
        err = overlay_view_open(d->state, &view);
    if (err != OK)
        return err;
    struct row_sink sink = disk_sink(d);
    err = pinset_apply(d->pinset, &view, &sink, d->index + 1, IMPORT_TERM, d->entry.data,
                       d->entry.len, applied);
    overlay_view_close(d->state, &view);
    if (err == OK)
        err = d->sink_err;
    if (err == OK)
        d->index += 1;
    return err;
}

/* The same, of a pin that builds below some level cannot read: they are not to open what has it. */
static int disk_apply_pin(struct peer_disk *d, const struct pin_entry *entry,
                          struct pinset_applied *applied)
{
    struct pin_entry rise = { .kind = PIN_ENTRY_LEVEL, .level = pinset_entry_level(entry) };
    int err = OK;
    if (rise.level > pinset_facts(d->pinset)->level)
        err = disk_apply(d, &rise, applied);
    return err == OK ? disk_apply(d, entry, applied) : err;
}

/* ---- importing: the end ---- */

static void disk_done(struct peer_disk *d, int err)
{
    if (d->err == OK)
        d->err = err != OK ? err : ERR_CLOSED; /* done once */
    else
        return;
    d->import.on_done(d->import.owner, err);
}

static void disk_log_stored(void *owner, uint64_t number, int err)
{
    (void)number;
    disk_done(owner, err);
}

/* The rows are durable; what makes the disk a member's comes last. */
static void disk_write_log(struct peer_disk *d)
{
    struct raft_store_identity *identity = &d->raft_store.identity;
    *identity =
        (struct raft_store_identity){ .number = IMPORT_NUMBER, .generation = IMPORT_GENERATION };
    memcpy(identity->cluster_id, d->import.cluster_id, sizeof(identity->cluster_id));
    d->raft_store.base = (struct raft_pos){ IMPORT_TERM, d->index };
    struct raft_unit unit = { .cut_from = 1,
                              .hard = { .term = IMPORT_TERM, .committed = d->index },
                              .config = &d->config };
    int err = raft_store_write(&d->raft_store, &unit, disk_log_stored, d);
    if (err != OK)
        disk_done(d, err);
}

static void disk_on_durable(void *owner, uint64_t tag)
{
    (void)tag;
    struct peer_disk *d = owner;
    if (d->is_ending && overlay_batches_count(d->state) == 0 && !d->log_is_written) {
        d->log_is_written = true;
        disk_write_log(d);
    } else if (d->is_blocked) {
        d->is_blocked = false;
        d->import.on_room(d->import.owner);
    }
}

static void disk_on_failed(void *owner, int err)
{
    disk_done(owner, err);
}

/* ---- importing: from outside ---- */

static int disk_found(struct peer_disk *d)
{
    struct raft_member self = { .number = IMPORT_NUMBER, .role = RAFT_VOTER, .id = d->import.self };
    d->config = (struct raft_config){ .index = 1, .next_number = IMPORT_NUMBER + 1 };
    int err = raft_config_add(&d->config, &self);
    if (err != OK)
        return err;
    d->index = 1; /* the configuration's entry */
    pinset_pass(d->pinset, d->index, IMPORT_TERM);
    struct pin_entry entry = { .kind = PIN_ENTRY_CLUSTER_ID };
    struct pinset_applied applied;
    memcpy(entry.cluster_id, d->import.cluster_id, sizeof(entry.cluster_id));
    return disk_apply(d, &entry, &applied);
}

int peer_disk_import_begin(struct peer_disk *d, const struct peer_disk_import *import)
{
    if (!d->facts.is_empty)
        return ERR_EXISTS;
    ASSERT(d->state == NULL);
    d->import = *import;
    struct overlay_hooks hooks = { .on_durable = disk_on_durable,
                                   .on_failed = disk_on_failed,
                                   .owner = d };
    int err = store_map_open(&d->store, IMPORT_GENERATION);
    if (err == OK)
        err = overlay_create(&d->state, &d->store, MAP_STATE, DISK_OVERLAY_BYTES_MAX, &hooks);
    return err == OK ? disk_found(d) : err;
}

int peer_disk_import_pin(struct peer_disk *d, const struct pin *pin, struct buf *why)
{
    struct pinset_applied applied;
    const char *words = "it cannot replace the pin of the same CID that came before";
    if (d->err != OK)
        return d->err;
    int err = overlay_is_full(d->state) && d->batch_rows > 0 ? disk_submit(d) : OK;
    if (err == OK && overlay_is_full(d->state)) {
        overlay_flush(d->state);
        d->is_blocked = true;
        return ERR_BUSY;
    }
    if (err == OK)
        err = pin_check(pin, &words);
    struct pin_entry entry = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = *pin };
    if (err == OK)
        err = disk_apply_pin(d, &entry, &applied);
    if (err == OK)
        err = pinset_outcome_err(applied.outcome);
    if (err == ERR_INVALID)
        buf_append_text(why, words);
    if (err == OK && d->batch_rows >= DISK_BATCH_ROWS_MAX)
        err = disk_submit(d);
    return err;
}

int peer_disk_import_end(struct peer_disk *d)
{
    d->is_ending = true;
    /* Also when the batch is empty: the state's own row goes with it, and disk_on_durable() follows. */
    int err = d->err == OK ? disk_submit(d) : d->err;
    if (err == OK)
        overlay_flush(d->state);
    return err;
}
