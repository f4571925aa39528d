/* raft_store.c -- units, fetches and trims of the log room. */
#include "store/raft_store.h"

#include <string.h>

#include "store/raft_meta.h"
#include "util/err.h"
#include "util/mem.h"

/* Beyond it a meta record (many members) is not rewritten for the commit index alone, which is a hint. */
enum { META_SMALL_BYTES = 2048 };

struct raft_store_write {
    struct list_link link;
    struct raft_store *s;
    struct log_unit unit;
    struct log_record *records;
    struct buf bytes; /* of the records */
    struct buf meta;
    uint64_t number;
    uint64_t base_index; /* what the meta says; 0 without meta */
    bool is_in_flight;
    raft_store_stored done;
    void *owner;
};

struct raft_store_read {
    struct list_link link;
    struct raft_store *s;
    struct log_fetch fetch;
    raft_store_fetched done;
    void *owner;
};

/* ---- start-up ---- */

/* What the walk over the records learns. */
struct raft_store_walk {
    struct raft_term_run *runs;
    size_t count;
    size_t size;
    struct log_size bytes;
};

static int raft_store_on_record(void *owner, const struct log_record *record)
{
    struct raft_store_walk *walk = owner;
    struct raft_entry entry;
    int err = raft_entry_decode(&entry, record->bytes.data, record->bytes.len);
    if (err != OK)
        return err;
    log_size_add(&walk->bytes, record->index, record->bytes.len);
    uint64_t term_before = walk->count > 0 ? walk->runs[walk->count - 1].term : 0;
    if (entry.pos.index != record->index || entry.pos.term < term_before)
        return ERR_CORRUPT;
    if (entry.pos.term == term_before)
        return OK;
    if (walk->count == walk->size) {
        size_t size = walk->size == 0 ? 8 : walk->size * 2;
        struct raft_term_run *runs = mem_realloc(walk->runs, size * sizeof(*runs));
        if (runs == NULL)
            return ERR_NOMEM;
        walk->runs = runs;
        walk->size = size;
    }
    walk->runs[walk->count++] = (struct raft_term_run){ entry.pos.term, record->index };
    return OK;
}

/* Records up to the base are leftovers of a trim: the runs begin behind it. */
static void raft_store_drop_runs(struct raft_store_walk *walk, uint64_t base, uint64_t last)
{
    size_t gone = 0;
    while (gone + 1 < walk->count && walk->runs[gone + 1].first <= base + 1)
        gone += 1;
    if (last <= base)
        gone = walk->count;
    walk->count -= gone;
    if (gone > 0 && walk->count > 0)
        memmove(walk->runs, walk->runs + gone, walk->count * sizeof(*walk->runs));
    if (walk->count > 0 && walk->runs[0].first <= base)
        walk->runs[0].first = base + 1;
}

/* Do records and meta fit together? */
static int raft_store_judge(const struct raft_meta *meta, const struct log_extent *extent,
                            const struct raft_store_walk *walk)
{
    bool has_gap = extent->last > meta->base.index && extent->first > meta->base.index + 1;
    uint64_t last = extent->last > meta->base.index ? extent->last : meta->base.index;
    bool is_short = last < meta->last;
    bool falls = walk->count > 0 && walk->runs[0].term < meta->base.term;
    return has_gap || is_short || falls ? ERR_CORRUPT : OK;
}

static void raft_store_fill(struct raft_store_loaded *out, struct raft_meta *meta,
                            const struct raft_store_walk *walk, uint64_t last)
{
    *out = (struct raft_store_loaded){ .identity = meta->identity,
                                       .config = meta->config,
                                       .config_previous = meta->config_previous,
                                       .runs = walk->runs };
    out->durable = (struct raft_durable){ .number = meta->identity.number,
                                          .hard = meta->hard,
                                          .base = meta->base,
                                          .last = last,
                                          .runs = walk->runs,
                                          .runs_count = walk->count,
                                          .config = meta->has_config ? &out->config : NULL,
                                          .config_previous =
                                              meta->has_previous ? &out->config_previous : NULL };
    if (out->durable.hard.committed > last)
        out->durable.hard.committed = last;
}

int raft_store_load(struct raft_store *s, struct store *store, struct raft_store_loaded *out)
{
    *s = (struct raft_store){ .store = store };
    list_init(&s->writes);
    list_init(&s->reads);
    struct buf raw = { 0 };
    struct raft_store_walk walk = { 0 };
    struct raft_meta meta = { 0 };
    struct log_extent extent = { 0, 0 };
    int err = store_log_open(store, &raw, &extent, raft_store_on_record, &walk);
    bool is_empty = err == OK && raw.len == 0 && extent.last == 0;
    if (err == OK && !is_empty)
        err = raft_meta_decode(&meta, raw.data, raw.len);
    if (err == OK) {
        raft_store_drop_runs(&walk, meta.base.index, extent.last);
        err = raft_store_judge(&meta, &extent, &walk);
    }
    if (err == OK) {
        s->identity = meta.identity;
        s->base = meta.base;
        s->base_durable = meta.base.index;
        s->size = walk.bytes;
        s->last = extent.last > meta.base.index ? extent.last : meta.base.index;
        raft_store_fill(out, &meta, &walk, s->last);
        out->is_empty = is_empty;
    } else {
        mem_free(walk.runs);
        raft_meta_deinit(&meta);
    }
    buf_deinit(&raw);
    return err;
}

void raft_store_loaded_deinit(struct raft_store_loaded *loaded)
{
    raft_config_deinit(&loaded->config);
    raft_config_deinit(&loaded->config_previous);
    mem_free(loaded->runs);
    *loaded = (struct raft_store_loaded){ 0 };
}

/* ---- the end ---- */

static void raft_store_write_free(struct raft_store_write *w)
{
    list_remove(&w->link);
    mem_free(w->records);
    buf_deinit(&w->bytes);
    buf_deinit(&w->meta);
    mem_free(w);
}

static void raft_store_read_free(struct raft_store_read *r)
{
    list_remove(&r->link);
    log_fetch_deinit(&r->fetch);
    mem_free(r);
}

void raft_store_deinit(struct raft_store *s)
{
    if (s->store == NULL)
        return;
    list_for_each_safe (link, after, &s->writes)
        raft_store_write_free(list_entry(link, struct raft_store_write, link));
    list_for_each_safe (link, after, &s->reads)
        raft_store_read_free(list_entry(link, struct raft_store_read, link));
    buf_deinit(&s->meta_written);
    s->store = NULL;
}

/* ---- trimming ---- */

static void raft_store_on_trimmed(struct log_trim *trim, int err)
{
    struct raft_store *s = trim->owner;
    (void)err; /* what was not trimmed is trimmed next time */
    s->trim_runs = false;
}

static void raft_store_trim_if_safe(struct raft_store *s)
{
    if (s->trim_runs || s->trim_wanted == 0 || s->trim_wanted > s->base_durable + 1)
        return;
    s->trim = (struct log_trim){ .first_kept = s->trim_wanted,
                                 .done = raft_store_on_trimmed,
                                 .owner = s };
    if (store_log_trim(s->store, &s->trim) == OK) {
        log_size_trim(&s->size, s->trim_wanted);
        s->trim_runs = true;
        s->trim_wanted = 0;
    }
}

int raft_store_trim(struct raft_store *s, struct raft_pos base, uint64_t first_kept)
{
    ASSERT(first_kept <= base.index + 1);
    if (base.index > s->base.index)
        s->base = base;
    if (first_kept > s->trim_wanted)
        s->trim_wanted = first_kept;
    raft_store_trim_if_safe(s);
    return OK;
}

/* ---- writing ---- */

static void raft_store_on_unit(struct log_unit *unit, int err);

/* Sends what waits, in order. A busy room is asked again after its next completion. */
static void raft_store_pump(struct raft_store *s)
{
    list_for_each (link, &s->writes) {
        struct raft_store_write *w = list_entry(link, struct raft_store_write, link);
        if (w->is_in_flight)
            continue;
        if (s->is_refused || store_log_write(s->store, &w->unit) != OK)
            return;
        w->is_in_flight = true;
        s->in_flight_count += 1;
    }
}

void raft_store_retry(struct raft_store *s)
{
    /* All that is in flight is being refused (the port says so), and must have come back. */
    s->retry_is_wanted = s->is_refused && s->in_flight_count > 0;
    if (s->retry_is_wanted)
        return;
    s->is_refused = false;
    raft_store_pump(s);
}

static void raft_store_on_unit(struct log_unit *unit, int err)
{
    struct raft_store_write *w = unit->owner;
    struct raft_store *s = w->s;
    raft_store_stored done = w->done;
    void *owner = w->owner;
    uint64_t number = w->number;
    ASSERT(w->is_in_flight);
    w->is_in_flight = false;
    s->in_flight_count -= 1;
    if (err == ERR_FULL) {
        s->is_refused = true;
        if (s->retry_is_wanted)
            raft_store_retry(s);
    } else {
        if (err == OK && w->base_index > s->base_durable)
            s->base_durable = w->base_index;
        raft_store_write_free(w);
        raft_store_pump(s);
        raft_store_trim_if_safe(s);
    }
    done(owner, number, err);
}

static int raft_store_encode_entries(struct raft_store_write *w, const struct raft_unit *unit)
{
    if (unit->entries_count == 0)
        return OK;
    w->records = mem_array(unit->entries_count, sizeof(*w->records));
    if (w->records == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < unit->entries_count; i++) {
        size_t before = w->bytes.len;
        raft_entry_encode(&unit->entries[i], &w->bytes);
        w->records[i].index = unit->entries[i].pos.index;
        w->records[i].bytes.len = w->bytes.len - before;
    }
    size_t at = 0; /* the buffer has stopped moving */
    for (size_t i = 0; i < unit->entries_count && w->bytes.err == OK; i++) {
        w->records[i].bytes.data = w->bytes.data + at;
        at += w->records[i].bytes.len;
    }
    return w->bytes.err;
}

/* Makes w->meta, empty when the record that stands already says the same. `last`: of the log behind the unit. */
static int raft_store_encode_meta(struct raft_store *s, struct raft_store_write *w,
                                  const struct raft_unit *unit, uint64_t last)
{
    struct raft_meta meta = { .identity = s->identity, .hard = unit->hard, .base = s->base };
    struct buf plain = {
        0
    }; /* without the hints, to see whether anything that counts has changed */
    meta.hard.committed = 0;
    raft_meta_encode(&meta, unit->config, unit->config_previous, &plain);
    bool is_news = !bytes_equal(buf_bytes(&plain), buf_bytes(&s->meta_written));
    bool is_due =
        is_news || plain.len <= META_SMALL_BYTES || unit->cut_from > 0 || unit->entries_count == 0;
    int err = plain.err;
    if (err == OK && is_due) {
        meta.hard.committed = unit->hard.committed;
        meta.last = last;
        raft_meta_encode(&meta, unit->config, unit->config_previous, &w->meta);
        w->base_index = s->base.index;
        err = w->meta.err;
    }
    if (err == OK) {
        buf_deinit(&s->meta_written);
        s->meta_written = plain;
    } else {
        buf_deinit(&plain);
    }
    return err;
}

/* Where the log ends behind the unit: after a cut of everything, at the base. */
static uint64_t raft_store_last_after(const struct raft_store *s, const struct raft_unit *unit)
{
    if (unit->entries_count > 0)
        return unit->entries[unit->entries_count - 1].pos.index;
    uint64_t last = s->last;
    if (unit->cut_from > 0 && unit->cut_from <= last)
        last = unit->cut_from - 1;
    return last > s->base.index ? last : s->base.index;
}

static void raft_store_note_size(struct raft_store *s, const struct raft_unit *unit,
                                 const struct raft_store_write *w)
{
    if (unit->cut_from > 0)
        log_size_cut(&s->size, unit->cut_from);
    for (size_t i = 0; i < unit->entries_count; i++)
        log_size_add(&s->size, w->records[i].index, w->records[i].bytes.len);
}

int raft_store_write(struct raft_store *s, const struct raft_unit *unit, raft_store_stored done,
                     void *owner)
{
    struct raft_store_write *w = mem_zalloc(sizeof(*w));
    if (w == NULL)
        return ERR_NOMEM;
    list_init(&w->link);
    w->s = s;
    w->number = unit->number;
    w->done = done;
    w->owner = owner;
    uint64_t last = raft_store_last_after(s, unit);
    int err = raft_store_encode_entries(w, unit);
    if (err == OK)
        err = raft_store_encode_meta(s, w, unit, last);
    if (err == OK && w->bytes.len + w->meta.len > LIMIT_LOG_UNIT_BYTES)
        err = ERR_TOO_BIG;
    if (err != OK) {
        buf_deinit(&s->meta_written); /* the next unit writes it for certain */
        raft_store_write_free(w);
        return err;
    }
    s->last = last;
    raft_store_note_size(s, unit, w);
    w->unit = (struct log_unit){ .cut_from = unit->cut_from,
                                 .records = w->records,
                                 .records_count = unit->entries_count,
                                 .meta = buf_bytes(&w->meta),
                                 .done = raft_store_on_unit,
                                 .owner = w };
    list_push_back(&s->writes, &w->link);
    raft_store_pump(s);
    return OK;
}

/* ---- reading ---- */

static int raft_store_decode_entries(const struct log_fetch *fetch, struct raft_entry *entries)
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

/* Was it cut away or trimmed meanwhile? If not it has to be there: then the log is damaged, and whoever waits for this
 * entry would wait for ever. */
static bool raft_store_may_lack(const struct raft_store *s, uint64_t index)
{
    return index <= s->base.index || index > s->last;
}

static void raft_store_on_fetched(struct log_fetch *fetch, int err)
{
    struct raft_store_read *r = fetch->owner;
    struct raft_entry *entries = NULL;
    if (err == ERR_NOT_FOUND && !raft_store_may_lack(r->s, fetch->first))
        err = ERR_CORRUPT;
    if (err == OK) {
        entries = mem_array(fetch->records_count, sizeof(*entries));
        err = entries == NULL ? ERR_NOMEM : raft_store_decode_entries(fetch, entries);
    }
    list_remove(&r->link); /* done() may end the raft_store */
    raft_store_pump(r->s);
    r->done(r->owner, err, err == OK ? entries : NULL, err == OK ? fetch->records_count : 0);
    mem_free(entries);
    raft_store_read_free(r);
}

int raft_store_fetch(struct raft_store *s, uint64_t first, size_t bytes_max,
                     raft_store_fetched done, void *owner)
{
    struct raft_store_read *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    list_init(&r->link);
    r->s = s;
    r->done = done;
    r->owner = owner;
    r->fetch = (struct log_fetch){
        .first = first, .bytes_max = bytes_max, .done = raft_store_on_fetched, .owner = r
    };
    int err = store_log_fetch(s->store, &r->fetch);
    if (err != OK) {
        raft_store_read_free(r);
        return err;
    }
    list_push_back(&s->reads, &r->link);
    return OK;
}
