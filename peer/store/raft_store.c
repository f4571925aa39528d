#include "store/raft_store.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"

/* Bytes of the meta record:
 *   version u8 | cluster id 16 | number u64 | generation u64 | boots u64
 *   | term u64 | voted for u64 | committed u64 | base term u64 | base index u64
 *   | configuration run | its predecessor run            (empty: none)
 * A record of the log is raft_entry_encode(). Checksums are the room's business (port/store.h). */

enum { RAFT_STORE_VERSION = 1, RAFT_STORE_CONFIG_BYTES_MAX = 1024 * 1024 };

/* ---- the meta record ---- */

static void raft_store_put_config(struct buf *out, const struct raft_config *c)
{
    struct buf bytes = { 0 };
    if (c != NULL)
        raft_config_encode(c, &bytes);
    buf_put_run(out, bytes.data, bytes.len);
    if (bytes.err != OK)
        out->err = bytes.err;
    buf_deinit(&bytes);
}

static void raft_store_put_meta(const struct raft_store *s, const struct raft_unit *unit,
                                struct buf *out)
{
    const struct raft_store_identity *id = &s->identity;
    buf_put_u8(out, RAFT_STORE_VERSION);
    buf_append(out, id->cluster_id, sizeof(id->cluster_id));
    buf_put_u64(out, id->number);
    buf_put_u64(out, id->generation);
    buf_put_u64(out, id->boots);
    buf_put_u64(out, unit->hard.term);
    buf_put_u64(out, unit->hard.voted_for);
    buf_put_u64(out, unit->hard.committed);
    buf_put_u64(out, s->base.term);
    buf_put_u64(out, s->base.index);
    raft_store_put_config(out, unit->config);
    raft_store_put_config(out, unit->config_previous);
}

static int raft_store_read_config(struct reader *r, struct raft_config *out, bool *is_there)
{
    struct bytes run = reader_run(r, RAFT_STORE_CONFIG_BYTES_MAX);
    if (r->err != OK)
        return ERR_CORRUPT;
    *is_there = run.len > 0;
    return *is_there ? raft_config_decode(out, run.data, run.len) : OK;
}

int raft_store_read_meta(struct raft_store_loaded *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    if (version > RAFT_STORE_VERSION)
        return ERR_VERSION;
    struct bytes cluster = reader_take(&r, RAFT_STORE_CLUSTER_ID_BYTES);
    if (version == 0 || r.err != OK)
        return ERR_CORRUPT;
    memcpy(out->identity.cluster_id, cluster.data, cluster.len);
    out->identity.number = reader_u64(&r);
    out->identity.generation = reader_u64(&r);
    out->identity.boots = reader_u64(&r);
    out->durable.number = out->identity.number;
    out->durable.hard.term = reader_u64(&r);
    out->durable.hard.voted_for = reader_u64(&r);
    out->durable.hard.committed = reader_u64(&r);
    out->durable.base.term = reader_u64(&r);
    out->durable.base.index = reader_u64(&r);
    bool has_config = false;
    bool has_previous = false;
    int err = raft_store_read_config(&r, &out->config, &has_config);
    if (err == OK)
        err = raft_store_read_config(&r, &out->config_previous, &has_previous);
    if (err == OK)
        err = reader_finish(&r);
    out->durable.config = has_config ? &out->config : NULL;
    out->durable.config_previous = has_previous ? &out->config_previous : NULL;
    return err;
}

/* ---- loading ---- */

struct raft_store_walk {
    struct raft_term_run *runs;
    size_t count;
    size_t size;
    uint64_t last_index;
    uint64_t last_term;
};

static int raft_store_add_run(struct raft_store_walk *w, struct raft_pos first)
{
    if (w->count == w->size) {
        size_t size = w->size == 0 ? 16 : 2 * w->size;
        struct raft_term_run *runs = mem_realloc(w->runs, size * sizeof(*runs));
        if (runs == NULL)
            return ERR_NOMEM;
        w->runs = runs;
        w->size = size;
    }
    w->runs[w->count++] = (struct raft_term_run){ .term = first.term, .first = first.index };
    return OK;
}

static int raft_store_on_record(void *owner, const struct log_record *record)
{
    struct raft_store_walk *w = owner;
    struct raft_entry e;
    int err = raft_entry_decode(&e, record->bytes.data, record->bytes.len);
    if (err != OK)
        return err;
    bool follows = w->last_index == 0 || record->index == w->last_index + 1;
    if (e.pos.index != record->index || !follows || e.pos.term < w->last_term || e.pos.term == 0)
        return ERR_CORRUPT;
    if (e.pos.term != w->last_term)
        err = raft_store_add_run(w, e.pos);
    w->last_index = e.pos.index;
    w->last_term = e.pos.term;
    return err;
}

/* Records at or before the base are on their way out; the first run begins no earlier than behind it. */
static int raft_store_place(struct raft_store_loaded *out, struct raft_store_walk *w)
{
    uint64_t first = out->durable.base.index + 1;
    size_t passed = 0;
    while (passed + 1 < w->count && w->runs[passed + 1].first <= first)
        passed += 1;
    bool is_empty = w->last_index < first;
    if (!is_empty && w->runs[0].first > first)
        return ERR_CORRUPT; /* a gap between base and log */
    out->runs = w->runs;
    out->durable.runs = w->runs + passed;
    out->durable.runs_count = is_empty ? 0 : w->count - passed;
    if (!is_empty && w->runs[passed].first < first)
        w->runs[passed].first = first;
    out->durable.last = is_empty ? out->durable.base.index : w->last_index;
    return OK;
}

int raft_store_load(struct raft_store *s, struct store *store, struct raft_store_loaded *out)
{
    *s = (struct raft_store){ .store = store };
    *out = (struct raft_store_loaded){ 0 };
    struct buf meta = { 0 };
    struct log_extent extent = { 0 };
    struct raft_store_walk walk = { 0 };
    int err = store_log_open(store, &meta, &extent, raft_store_on_record, &walk);
    if (err == OK && meta.len == 0) {
        out->is_empty = true;
        err = extent.last != 0 ? ERR_CORRUPT : OK; /* records, but nobody's */
    } else if (err == OK) {
        err = raft_store_read_meta(out, meta.data, meta.len);
        if (err == OK)
            err = raft_store_place(out, &walk);
    }
    buf_deinit(&meta);
    if (err != OK || out->runs == NULL)
        mem_free(walk.runs);
    if (err != OK) {
        out->runs = NULL;
        raft_store_loaded_deinit(out);
        return err;
    }
    s->identity = out->identity;
    s->base = out->durable.base;
    return OK;
}

void raft_store_loaded_deinit(struct raft_store_loaded *loaded)
{
    raft_config_deinit(&loaded->config);
    raft_config_deinit(&loaded->config_previous);
    mem_free(loaded->runs);
    *loaded = (struct raft_store_loaded){ 0 };
}

/* ---- writing ---- */

struct raft_store_writing {
    struct log_unit unit;
    uint64_t number;
    raft_store_stored done;
    void *owner;
    struct buf bytes; /* records, then meta */
    struct log_record records[];
};

static void raft_store_written(struct log_unit *unit, int err)
{
    struct raft_store_writing *w = unit->owner;
    raft_store_stored done = w->done;
    void *owner = w->owner;
    uint64_t number = w->number;
    buf_deinit(&w->bytes);
    mem_free(w);
    done(owner, number, err);
}

/* All bytes in one buf, whose place is known only when it has stopped growing: lengths first. */
static int raft_store_lay_out(const struct raft_store *s, struct raft_store_writing *w,
                              const struct raft_unit *unit)
{
    for (size_t i = 0; i < unit->entries_count; i++) {
        size_t before = w->bytes.len;
        raft_entry_encode(&unit->entries[i], &w->bytes);
        w->records[i].index = unit->entries[i].pos.index;
        w->records[i].bytes.len = w->bytes.len - before;
    }
    size_t records_len = w->bytes.len;
    raft_store_put_meta(s, unit, &w->bytes);
    if (w->bytes.err != OK)
        return w->bytes.err;
    const uint8_t *at = w->bytes.data;
    for (size_t i = 0; i < unit->entries_count; i++) {
        w->records[i].bytes.data = at;
        at += w->records[i].bytes.len;
    }
    w->unit.meta = (struct bytes){ at, w->bytes.len - records_len };
    return OK;
}

int raft_store_write(struct raft_store *s, const struct raft_unit *unit, raft_store_stored done,
                     void *owner)
{
    struct raft_store_writing *w =
        mem_zalloc(sizeof(*w) + unit->entries_count * sizeof(w->records[0]));
    if (w == NULL)
        return ERR_NOMEM;
    w->number = unit->number;
    w->done = done;
    w->owner = owner;
    w->unit = (struct log_unit){ .cut_from = unit->cut_from,
                                 .records = w->records,
                                 .records_count = unit->entries_count,
                                 .done = raft_store_written,
                                 .owner = w };
    int err = raft_store_lay_out(s, w, unit);
    if (err == OK)
        err = store_log_write(s->store, &w->unit);
    if (err != OK) {
        buf_deinit(&w->bytes);
        mem_free(w);
    }
    return err;
}

/* ---- reading ---- */

struct raft_store_reading {
    struct log_fetch fetch;
    raft_store_fetched done;
    void *owner;
};

static int raft_store_decode(const struct log_fetch *fetch, struct raft_entry *entries)
{
    for (size_t i = 0; i < fetch->records_count; i++) {
        const struct log_record *record = &fetch->records[i];
        int err = raft_entry_decode(&entries[i], record->bytes.data, record->bytes.len);
        if (err != OK)
            return err;
        if (entries[i].pos.index != record->index)
            return ERR_CORRUPT;
    }
    return OK;
}

static void raft_store_read(struct log_fetch *fetch, int err)
{
    struct raft_store_reading *reading = fetch->owner;
    struct raft_entry *entries = NULL;
    size_t count = err == OK ? fetch->records_count : 0;
    if (err == OK) {
        entries = mem_array(count, sizeof(*entries));
        err = entries == NULL ? ERR_NOMEM : raft_store_decode(fetch, entries);
    }
    reading->done(reading->owner, err, entries, err == OK ? count : 0);
    mem_free(entries);
    log_fetch_deinit(fetch);
    mem_free(reading);
}

int raft_store_fetch(struct raft_store *s, uint64_t first, size_t bytes_max,
                     raft_store_fetched done, void *owner)
{
    struct raft_store_reading *reading = mem_zalloc(sizeof(*reading));
    if (reading == NULL)
        return ERR_NOMEM;
    reading->done = done;
    reading->owner = owner;
    reading->fetch = (struct log_fetch){
        .first = first, .bytes_max = bytes_max, .done = raft_store_read, .owner = reading
    };
    int err = store_log_fetch(s->store, &reading->fetch);
    if (err != OK)
        mem_free(reading);
    return err;
}

/* ---- trimming ---- */

static void raft_store_trimmed(struct log_trim *trim, int err)
{
    (void)err; /* what was not trimmed now goes with the next one */
    mem_free(trim);
}

int raft_store_trim(struct raft_store *s, uint64_t first_kept)
{
    struct log_trim *trim = mem_zalloc(sizeof(*trim));
    if (trim == NULL)
        return ERR_NOMEM;
    *trim = (struct log_trim){ .first_kept = first_kept, .done = raft_store_trimmed };
    int err = store_log_trim(s->store, trim);
    if (err != OK)
        mem_free(trim);
    return err;
}
