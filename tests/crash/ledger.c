#include "tests/crash/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os_store.h"
#include "state/pinset.h"
#include "store/raft_store.h"
#include "tests/crash/disk.h"
#include "tests/lib/fake_map.h"
#include "util/err.h"

enum { OPS_MAX = 100000, FETCH_BYTES = 1 << 30, SCRUB_STEPS = 1000 };

struct ledger_entry {
    struct buf bytes;    /* as stored */
    struct hash128 hash; /* of the state behind it */
};

struct ledger {
    struct ledger_entry *entries; /* entries[i] has index i + 1 */
    uint64_t last, size, base;
    uint64_t pin_index[OPS_MAX];
    uint64_t unpin_index[OPS_MAX];
};

/* ---- an open data folder ---- */

struct opened {
    struct os_loop loop;
    struct os_store *os;
    struct store store;
    struct raft_store raft;
    struct raft_store_loaded loaded;
};

static int opened_begin(struct opened *o, const char *folder)
{
    char dir[1024];
    snprintf(dir, sizeof(dir), "%s/raft", folder);
    struct os_store_options options = { .dir = dir, .loop = &o->loop };
    *o = (struct opened){ 0 };
    int err = os_loop_init(&o->loop);
    if (err == OK)
        err = os_store_open(&o->os, &options);
    if (err != OK)
        return err;
    o->store = os_store_port(o->os);
    return raft_store_load(&o->raft, &o->store, &o->loaded);
}

static void opened_end(struct opened *o)
{
    if (os_store_close(o->os) != OK)
        crash_die("the store does not close");
    raft_store_loaded_deinit(&o->loaded);
    raft_store_deinit(&o->raft);
    os_loop_deinit(&o->loop);
}

struct fetching {
    struct log_fetch fetch;
    bool is_done;
    int err;
};

static void on_fetched(struct log_fetch *fetch, int err)
{
    struct fetching *f = fetch->owner;
    f->is_done = true;
    f->err = err;
}

/* All records behind the base. */
static int opened_fetch(struct opened *o, struct fetching *f)
{
    *f = (struct fetching){ 0 };
    if (o->raft.last == o->raft.base.index)
        return OK;
    *f = (struct fetching){ .fetch = { .first = o->raft.base.index + 1,
                                       .bytes_max = FETCH_BYTES,
                                       .done = on_fetched,
                                       .owner = f } };
    int err = store_log_fetch(&o->store, &f->fetch);
    while (err == OK && !f->is_done)
        os_loop_run_once(&o->loop);
    return err == OK ? f->err : err;
}

/* ---- the history ---- */

/* Applies the ledger, one entry after another. */
struct replay {
    struct pinset *pinset;
    struct fake_map map;
    struct arena arena;
};

static void replay_begin(struct replay *r)
{
    *r = (struct replay){ 0 };
    if (pinset_create(&r->pinset) != OK)
        crash_die("out of memory");
}

static void replay_end(struct replay *r)
{
    pinset_destroy(r->pinset);
    fake_map_deinit(&r->map);
    arena_deinit(&r->arena);
}

static unsigned op_of(const struct pin *pin)
{
    unsigned op = 0;
    if (pin->name.len < 4 || pin->name.len > 12 || memcmp(pin->name.data, "op-", 3) != 0)
        return 0;
    for (size_t i = 3; i < pin->name.len; i++)
        op = op * 10 + (unsigned)(((const char *)pin->name.data)[i] - '0');
    return op < OPS_MAX ? op : 0;
}

/* Which op this entry is, while the state is that before it. */
static void replay_note(struct replay *r, struct ledger *l, const struct raft_entry *e)
{
    struct pin_entry entry;
    struct pin old;
    arena_reset(&r->arena);
    if (pin_entry_decode(&entry, &r->arena, e->payload.data, e->payload.len) != OK)
        crash_die("entry %llu is none", (unsigned long long)e->pos.index);
    struct view view = fake_map_view(&r->map);
    if (entry.kind == PIN_ENTRY_PIN && l->pin_index[op_of(&entry.pin)] == 0)
        l->pin_index[op_of(&entry.pin)] = e->pos.index;
    else if (entry.kind == PIN_ENTRY_UNPIN && pinset_get(&view, &entry.cid, &r->arena, &old) == OK)
        l->unpin_index[op_of(&old)] = e->pos.index;
}

static void replay_entry(struct replay *r, const struct raft_entry *e)
{
    struct view view = fake_map_view(&r->map);
    struct row_sink sink = fake_map_sink(&r->map);
    struct pinset_applied applied;
    int err = OK;
    if (e->kind == RAFT_ENTRY_DATA)
        err = pinset_apply(r->pinset, &view, &sink, e->pos.index, e->pos.term, e->payload.data,
                           e->payload.len, &applied);
    else
        pinset_pass(r->pinset, e->pos.index, e->pos.term);
    if (err == OK)
        err = pinset_finish(r->pinset, &sink);
    if (err != OK)
        crash_die("entry %llu: %s", (unsigned long long)e->pos.index, err_text(err));
}

static void entry_of(const struct ledger *l, uint64_t index, struct raft_entry *out)
{
    const struct buf *bytes = &l->entries[index - 1].bytes;
    if (raft_entry_decode(out, bytes->data, bytes->len) != OK)
        crash_die("record %llu is none", (unsigned long long)index);
}

static void ledger_replay(struct ledger *l)
{
    struct replay r;
    replay_begin(&r);
    for (uint64_t i = 1; i <= l->last; i++) {
        struct raft_entry e;
        entry_of(l, i, &e);
        if (e.kind == RAFT_ENTRY_DATA)
            replay_note(&r, l, &e);
        replay_entry(&r, &e);
        l->entries[i - 1].hash = pinset_hash(r.pinset);
    }
    replay_end(&r);
}

struct ledger *ledger_create(void)
{
    struct ledger *l = mem_zalloc(sizeof(*l));
    if (l == NULL)
        crash_die("out of memory");
    return l;
}

static void ledger_add(struct ledger *l, struct bytes bytes)
{
    if (l->last == l->size) {
        l->size = l->size == 0 ? 256 : 2 * l->size;
        l->entries = mem_realloc(l->entries, l->size * sizeof(*l->entries));
        if (l->entries == NULL)
            crash_die("out of memory");
    }
    struct ledger_entry *e = &l->entries[l->last++];
    *e = (struct ledger_entry){ 0 };
    buf_append(&e->bytes, bytes.data, bytes.len);
}

void ledger_learn(struct ledger *l, const char *folder)
{
    struct opened o;
    struct fetching f = { 0 };
    int err = opened_begin(&o, folder);
    if (err == OK)
        err = opened_fetch(&o, &f);
    if (err != OK)
        crash_die("%s cannot be read: %s", folder, err_text(err));
    l->base = o.raft.base.index;
    if (l->base > l->last)
        crash_die("the log was trimmed before it was looked at: look more often");
    for (uint64_t i = l->last - l->base; i < f.fetch.records_count; i++)
        ledger_add(l, f.fetch.records[i].bytes);
    log_fetch_deinit(&f.fetch);
    opened_end(&o);
}

void ledger_close(struct ledger *l)
{
    ledger_replay(l);
}

uint64_t ledger_base(const struct ledger *l)
{
    return l->base;
}

void ledger_destroy(struct ledger *l)
{
    for (uint64_t i = 0; i < l->last; i++)
        buf_deinit(&l->entries[i].bytes);
    mem_free(l->entries);
    mem_free(l);
}

uint64_t ledger_last(const struct ledger *l)
{
    return l->last;
}

uint64_t ledger_index_of(const struct ledger *l, unsigned op, unsigned nth)
{
    if (op == 0 || op >= OPS_MAX)
        return 0;
    return nth == 1 ? l->pin_index[op] : nth == 2 ? l->unpin_index[op] : 0;
}

void ledger_pins(const struct ledger *l, uint64_t last, struct buf *out)
{
    struct replay r;
    struct pin pin;
    replay_begin(&r);
    for (uint64_t i = 1; i <= last; i++) {
        struct raft_entry e;
        entry_of(l, i, &e);
        replay_entry(&r, &e);
    }
    struct cid none = { 0 };
    struct view view = fake_map_view(&r.map);
    struct pinset_cursor cursor = pinset_cursor_after(&view, &none);
    while (pinset_next(&cursor, &r.arena, &pin) == OK) {
        buf_printf(out, "%s ", cid_print(&pin.cid).text);
        buf_append(out, pin.name.data, pin.name.len);
        buf_put_u8(out, '\n');
        arena_reset(&r.arena);
        view.steps = 0;
    }
    replay_end(&r);
}

/* ---- judging an image ---- */

static bool judge_log(const struct ledger *l, struct opened *o, uint64_t needed, struct buf *why)
{
    struct fetching f = { 0 };
    uint64_t base = o->raft.base.index;
    int err = opened_fetch(o, &f);
    if (err != OK)
        buf_printf(why, "the log cannot be read: %s", err_text(err));
    else if (o->raft.last > l->last || o->raft.last != base + f.fetch.records_count)
        buf_printf(why, "a log of %llu records behind %llu that says it ends at %llu",
                   (unsigned long long)f.fetch.records_count, (unsigned long long)base,
                   (unsigned long long)o->raft.last);
    else if (o->raft.last < needed)
        buf_printf(why, "acknowledged up to index %llu, the log ends at %llu",
                   (unsigned long long)needed, (unsigned long long)o->raft.last);
    for (uint64_t i = 0; why->len == 0 && i < f.fetch.records_count; i++)
        if (!bytes_equal(buf_bytes(&l->entries[base + i].bytes), f.fetch.records[i].bytes))
            buf_printf(why, "record %llu has other bytes", (unsigned long long)(base + i + 1));
    log_fetch_deinit(&f.fetch);
    return why->len == 0;
}

/* Recomputes the hash of the state from its rows. */
static int scrub(struct opened *o, struct hash128 *sum)
{
    struct digest_scrub s;
    digest_scrub_init(&s);
    int err = ERR_MORE;
    while (err == ERR_MORE) {
        struct view view;
        err = store_view_open(&o->store, MAP_STATE, &view);
        if (err != OK)
            break;
        err = digest_scrub_step(&s, &view, SCRUB_STEPS);
        store_view_close(&o->store, &view);
    }
    *sum = s.sum;
    digest_scrub_deinit(&s);
    return err;
}

static bool judge_state(const struct ledger *l, struct opened *o, struct buf *why)
{
    struct pinset *pinset;
    struct view view;
    struct hash128 sum = { 0 };
    int err = store_map_open(&o->store, o->raft.identity.generation);
    if (err == OK)
        err = pinset_create(&pinset);
    if (err == OK)
        err = store_view_open(&o->store, MAP_STATE, &view);
    if (err == OK) {
        err = pinset_open(pinset, &view);
        store_view_close(&o->store, &view);
    }
    if (err == OK)
        err = scrub(o, &sum);
    if (err != OK) {
        buf_printf(why, "the state cannot be read: %s", err_text(err));
        return false;
    }
    uint64_t applied = pinset_facts(pinset)->applied_index;
    if (applied > o->raft.last)
        buf_printf(why, "the state has applied %llu, the log ends at %llu",
                   (unsigned long long)applied, (unsigned long long)o->raft.last);
    else if (applied < o->raft.base.index)
        buf_printf(why, "the state has applied %llu, the log begins behind %llu",
                   (unsigned long long)applied, (unsigned long long)o->raft.base.index);
    else if (applied > 0 && !digest_equal(pinset_hash(pinset), l->entries[applied - 1].hash))
        buf_printf(why, "the state at %llu has another hash", (unsigned long long)applied);
    else if (!digest_equal(pinset_rows_digest(pinset), sum))
        buf_append_text(why, "the state's rows do not add up to its hash");
    pinset_destroy(pinset);
    return why->len == 0;
}

/* This peer's own rows: whole ones, whatever they say. */
static bool judge_local(struct opened *o, struct buf *why)
{
    struct buf after = { 0 };
    for (unsigned table = 0; table < LOCAL_TABLES_COUNT;) {
        struct view view;
        struct view_row row;
        int err = store_view_open(&o->store, MAP_LOCAL, &view);
        if (err == OK) {
            err = view_seek(&view, table, buf_bytes(&after), &row);
            while (err == OK && view.steps + 1 < LIMIT_VIEW_STEPS_COUNT)
                err = view_next(&view, table, &row);
            buf_clear(&after);
            if (err == OK)
                buf_append(&after, row.key.data, row.key.len);
            store_view_close(&o->store, &view);
        }
        if (err != OK && err != ERR_NOT_FOUND) {
            buf_printf(why, "a local row cannot be read: %s", err_text(err));
            break;
        }
        table += err == ERR_NOT_FOUND;
    }
    buf_deinit(&after);
    return why->len == 0;
}

bool ledger_judge(const struct ledger *l, const char *folder, uint64_t needed, uint64_t *last,
                  struct buf *why)
{
    struct opened o;
    int err = opened_begin(&o, folder);
    if (err != OK) {
        buf_printf(why, "it does not open: %s", err_text(err));
        return false;
    }
    *last = o.raft.last;
    bool is_founded = !o.loaded.is_empty && o.raft.last > 0;
    bool is_good = is_founded ? judge_log(l, &o, needed, why) && judge_state(l, &o, why) &&
                                    judge_local(&o, why)
                              : needed == 0;
    if (!is_founded && needed > 0)
        buf_append_text(why, "the log is empty, and pins were acknowledged");
    opened_end(&o);
    return is_good;
}
