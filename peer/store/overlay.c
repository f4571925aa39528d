/* overlay.c -- one tree of the newest rows that are not durable yet, and the batches they wait in.
 *
 *      rows (a tree by table and key)          batches
 *        t1 "a" -> value, batch 8    ----.       in flight   7   sent, its done() will run
 *        t1 "b" -> deleted, batch 7      '--->   gathering   8   what came since; sent when 7 is durable
 *
 * One batch is in flight at a time: a batch that fails (a full disk) must not be overtaken by the next, or the room
 * would hold something that is no prefix. While it flies, everything submitted gathers in one further batch, so the
 * slower the disk the bigger the batches. A row points into the memory of the batch that wrote it last; when a batch
 * is durable its rows leave the tree, save those that a later batch wrote again. */
#include "store/overlay.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/tree.h"

enum { OVERLAY_BLOCK_BYTES = 64 * 1024, OVERLAY_OPS_FIRST = 256 };

/* Bytes of a batch, in blocks that do not move. */
struct overlay_block {
    struct overlay_block *next;
    size_t len;
    size_t size;
    uint8_t bytes[];
};

struct overlay_row {
    struct tree_node node;
    uint64_t batch; /* that wrote it last */
    uint8_t table;
    bool is_delete;
    struct bytes key;
    struct bytes value;
};

struct overlay_batch {
    struct map_batch map;
    uint64_t number;
    uint64_t tag; /* of the last submit into it */
    struct map_op *ops;
    size_t ops_count;
    size_t ops_size;
    size_t closed_count; /* ops that were submitted; the rest is open */
    size_t bytes;
    struct overlay_block *blocks;
    struct overlay *overlay;
};

/* Where a view stands in one table. */
struct overlay_cursor {
    struct buf key;   /* of the row given last */
    struct buf under; /* where the store's cursor stands; valid if has_under */
    bool has_under;
    bool at_end;
};

struct overlay {
    struct store *store;
    enum map_area area;
    size_t bytes_max;
    struct overlay_hooks hooks;
    struct tree rows;
    struct overlay_batch *in_flight;
    struct overlay_batch *gathering; /* may be NULL */
    uint64_t next_batch;
    size_t bytes;
    bool is_stalled; /* the batch in flight met a full disk, and waits for overlay_retry() */
    bool has_failed;
    /* The view. */
    bool view_is_open;
    struct view under;
    struct overlay_cursor cursors[LIMIT_MAP_TABLES_COUNT];
};

/* ---- rows ---- */

struct overlay_key {
    unsigned table;
    struct bytes key;
};

static int overlay_order(const struct tree_node *node, const void *sought)
{
    const struct overlay_row *row = (const struct overlay_row *)(const void *)node;
    const struct overlay_key *key = sought;
    if (row->table != key->table)
        return row->table < key->table ? -1 : 1;
    return bytes_compare(row->key, key->key);
}

static struct overlay_row *overlay_row_of(struct tree_node *node)
{
    return (struct overlay_row *)(void *)node; /* node is its first member */
}

static struct overlay_row *overlay_find(const struct overlay *o, unsigned table, struct bytes key)
{
    return overlay_row_of(tree_find(&o->rows, overlay_order, &(struct overlay_key){ table, key }));
}

/* ---- batches ---- */

static void overlay_batch_free(struct overlay *o, struct overlay_batch *b)
{
    if (b == NULL)
        return;
    o->bytes -= b->bytes;
    while (b->blocks != NULL) {
        struct overlay_block *next = b->blocks->next;
        mem_free(b->blocks);
        b->blocks = next;
    }
    mem_free(b->ops);
    mem_free(b);
}

static struct overlay_batch *overlay_gather(struct overlay *o)
{
    if (o->gathering != NULL)
        return o->gathering;
    struct overlay_batch *b = mem_zalloc(sizeof(*b));
    if (b == NULL)
        return NULL;
    b->overlay = o;
    b->number = ++o->next_batch;
    o->gathering = b;
    return b;
}

static void *overlay_keep(struct overlay_batch *b, struct bytes bytes)
{
    static uint8_t nothing[1]; /* a place for empty keys and values; never written */
    if (bytes.len == 0)
        return nothing;
    struct overlay_block *block = b->blocks;
    if (block == NULL || block->size - block->len < bytes.len) {
        size_t size = bytes.len > OVERLAY_BLOCK_BYTES ? bytes.len : OVERLAY_BLOCK_BYTES;
        block = mem_alloc(sizeof(*block) + size);
        if (block == NULL)
            return NULL;
        *block = (struct overlay_block){ .next = b->blocks, .size = size };
        b->blocks = block;
    }
    void *place = block->bytes + block->len;
    memcpy(place, bytes.data, bytes.len);
    block->len += bytes.len;
    return place;
}

static bool overlay_room_for_op(struct overlay_batch *b)
{
    if (b->ops_count < b->ops_size)
        return true;
    size_t size = b->ops_size == 0 ? OVERLAY_OPS_FIRST : 2 * b->ops_size;
    struct map_op *ops = mem_realloc(b->ops, size * sizeof(*ops));
    if (ops == NULL)
        return false;
    b->ops = ops;
    b->ops_size = size;
    return true;
}

static int overlay_write(struct overlay *o, unsigned table, struct bytes key, struct bytes value,
                         bool is_delete)
{
    ASSERT(table < LIMIT_MAP_TABLES_COUNT && key.len <= LIMIT_MAP_KEY_BYTES);
    if (o->has_failed)
        return ERR_IO;
    struct overlay_row *row = overlay_find(o, table, key);
    struct overlay_row *fresh = row == NULL ? mem_zalloc(sizeof(*fresh)) : NULL;
    struct overlay_batch *b = overlay_gather(o);
    if ((row == NULL && fresh == NULL) || b == NULL || !overlay_room_for_op(b)) {
        mem_free(fresh);
        return ERR_NOMEM;
    }
    struct bytes kept_key = { overlay_keep(b, key), key.len };
    struct bytes kept_value = { overlay_keep(b, value), value.len };
    if (kept_key.data == NULL || kept_value.data == NULL) {
        mem_free(fresh);
        return ERR_NOMEM;
    }
    if (fresh != NULL) {
        row = fresh;
        row->table = (uint8_t)table;
        row->key = kept_key;
        tree_insert(&o->rows, &row->node, hash64(table, key.data, key.len), overlay_order,
                    &(struct overlay_key){ table, kept_key });
    }
    row->batch = b->number;
    row->is_delete = is_delete;
    row->key = kept_key;
    row->value = kept_value;
    b->ops[b->ops_count++] = (struct map_op){
        .table = (uint8_t)table, .is_delete = is_delete, .key = kept_key, .value = kept_value
    };
    size_t bytes = sizeof(struct overlay_row) + sizeof(struct map_op) + key.len + value.len;
    b->bytes += bytes;
    o->bytes += bytes;
    return OK;
}

int overlay_put(struct overlay *o, unsigned table, struct bytes key, struct bytes value)
{
    return overlay_write(o, table, key, value, false);
}

int overlay_delete(struct overlay *o, unsigned table, struct bytes key)
{
    return overlay_write(o, table, key, (struct bytes){ NULL, 0 }, true);
}

/* ---- to the store ---- */

static void overlay_done(struct map_batch *map, int err);

static void overlay_fail(struct overlay *o, int err)
{
    o->has_failed = true;
    o->hooks.on_failed(o->hooks.owner, err);
}

static void overlay_send(struct overlay *o)
{
    struct overlay_batch *b = o->in_flight;
    b->map = (struct map_batch){
        .area = o->area, .ops = b->ops, .ops_count = b->ops_count, .done = overlay_done, .owner = b
    };
    o->is_stalled = false;
    int err = store_map_write(o->store, &b->map);
    if (err != OK)
        overlay_fail(o, err);
}

/* Sends what has gathered, if nothing flies and nothing in it is still open. */
static void overlay_next(struct overlay *o)
{
    struct overlay_batch *b = o->gathering;
    if (o->in_flight != NULL || b == NULL || o->has_failed || b->closed_count != b->ops_count)
        return;
    o->gathering = NULL;
    o->in_flight = b;
    overlay_send(o);
}

/* Rows of a batch that is durable are the store's now, unless a later batch wrote them again. */
static void overlay_drop_rows(struct overlay *o, const struct overlay_batch *b)
{
    for (size_t i = 0; i < b->ops_count; i++) {
        struct overlay_row *row = overlay_find(o, b->ops[i].table, b->ops[i].key);
        if (row == NULL || row->batch != b->number)
            continue;
        tree_remove(&o->rows, overlay_order, &(struct overlay_key){ row->table, row->key });
        mem_free(row);
    }
}

static void overlay_done(struct map_batch *map, int err)
{
    struct overlay_batch *b = map->owner;
    struct overlay *o = b->overlay;
    ASSERT(o->in_flight == b && !o->view_is_open);
    if (err == ERR_FULL) {
        o->is_stalled = true;
        return;
    }
    if (err != OK) {
        if (err != ERR_CANCELED)
            overlay_fail(o, err);
        return;
    }
    uint64_t tag = b->tag;
    overlay_drop_rows(o, b);
    o->in_flight = NULL;
    overlay_batch_free(o, b);
    overlay_next(o);
    o->hooks.on_durable(o->hooks.owner, tag);
}

int overlay_submit(struct overlay *o, uint64_t tag)
{
    if (o->has_failed)
        return ERR_IO;
    if (!overlay_has_open(o))
        return OK;
    o->gathering->tag = tag;
    o->gathering->closed_count = o->gathering->ops_count;
    overlay_next(o);
    return o->has_failed ? ERR_IO : OK;
}

void overlay_retry(struct overlay *o)
{
    if (o->is_stalled && !o->has_failed)
        overlay_send(o);
}

bool overlay_is_stalled(const struct overlay *o)
{
    return o->is_stalled;
}

bool overlay_has_open(const struct overlay *o)
{
    return o->gathering != NULL && o->gathering->closed_count < o->gathering->ops_count;
}

bool overlay_is_full(const struct overlay *o)
{
    return o->bytes >= o->bytes_max ||
           (o->gathering != NULL && o->gathering->ops_count >= OVERLAY_OPS_MAX);
}

size_t overlay_batches_count(const struct overlay *o)
{
    return (size_t)(o->in_flight != NULL) + (o->gathering != NULL);
}

/* ---- life ---- */

int overlay_create(struct overlay **out, struct store *store, enum map_area area, size_t bytes_max,
                   const struct overlay_hooks *hooks)
{
    struct overlay *o = mem_zalloc(sizeof(*o));
    if (o == NULL)
        return ERR_NOMEM;
    o->store = store;
    o->area = area;
    o->bytes_max = bytes_max;
    o->hooks = *hooks;
    *out = o;
    return OK;
}

void overlay_destroy(struct overlay *o)
{
    while (o->rows.root != NULL) {
        struct overlay_row *row = overlay_row_of(o->rows.root);
        tree_remove(&o->rows, overlay_order, &(struct overlay_key){ row->table, row->key });
        mem_free(row);
    }
    overlay_batch_free(o, o->in_flight);
    overlay_batch_free(o, o->gathering);
    for (size_t i = 0; i < LIMIT_MAP_TABLES_COUNT; i++) {
        buf_deinit(&o->cursors[i].key);
        buf_deinit(&o->cursors[i].under);
    }
    mem_free(o);
}

/* ---- the view ---- */

/* The overlay counts the steps of its caller; the view underneath takes up to two for one of those. */
static struct view *overlay_under(struct overlay *o)
{
    o->under.steps = 0;
    return &o->under;
}

static int overlay_view_get(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct overlay *o = impl;
    const struct overlay_row *row = overlay_find(o, table, key);
    if (row == NULL)
        return view_get(overlay_under(o), table, key, value);
    if (row->is_delete)
        return ERR_NOT_FOUND;
    *value = row->value;
    return OK;
}

static int overlay_note_under(struct overlay_cursor *c, int err, const struct view_row *row)
{
    c->has_under = err == OK;
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    buf_clear(&c->under);
    buf_append(&c->under, row->key.data, row->key.len);
    return c->under.err;
}

/* Puts the store's cursor on the first row >= from (> from when beyond) and gives that row. */
static int overlay_under_from(struct overlay *o, unsigned table, struct bytes from, bool beyond,
                              struct view_row *row)
{
    struct overlay_cursor *c = &o->cursors[table];
    struct view *under = overlay_under(o);
    int err;
    if (beyond && c->has_under && bytes_equal(buf_bytes(&c->under), from)) {
        err = view_next(under, table, row);
    } else {
        err = view_seek(under, table, from, row);
        if (err == OK && beyond && bytes_equal(row->key, from))
            err = view_next(under, table, row);
    }
    int kept = overlay_note_under(c, err, row);
    return kept != OK ? kept : err;
}

static int overlay_give(struct overlay_cursor *c, const struct view_row *from, struct view_row *row)
{
    *row = *from;
    c->at_end = false;
    buf_clear(&c->key);
    buf_append(&c->key, from->key.data, from->key.len);
    return c->key.err;
}

/* The first row that is there, >= from (> from when beyond), of both: the overlay's wins, and hides. */
static int overlay_forward(struct overlay *o, unsigned table, struct bytes from, bool beyond,
                           struct view_row *row)
{
    struct overlay_cursor *c = &o->cursors[table];
    struct buf hidden = { 0 }; /* a deleted row's key, from which the walk goes on */
    int err;
    for (;;) {
        struct view_row under;
        err = overlay_under_from(o, table, from, beyond, &under);
        if (err != OK && err != ERR_NOT_FOUND)
            break;
        struct overlay_row *over = overlay_row_of(
            tree_first_from(&o->rows, overlay_order, &(struct overlay_key){ table, from }, beyond));
        bool has_over = over != NULL && over->table == table;
        bool over_wins = has_over && (err != OK || bytes_compare(over->key, under.key) <= 0);
        if (!has_over && err != OK)
            break; /* the end of both */
        if (!over_wins) {
            err = overlay_give(c, &under, row);
            break;
        }
        if (!over->is_delete) {
            struct view_row found = { over->key, over->value };
            err = overlay_give(c, &found, row);
            break;
        }
        buf_clear(&hidden);
        buf_append(&hidden, over->key.data, over->key.len);
        from = buf_bytes(&hidden);
        beyond = true;
    }
    if (err == ERR_NOT_FOUND)
        c->at_end = true;
    buf_deinit(&hidden);
    return err;
}

static int overlay_view_seek(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    return overlay_forward(impl, table, key, false, row);
}

static int overlay_view_next(void *impl, unsigned table, struct view_row *row)
{
    struct overlay *o = impl;
    struct overlay_cursor *c = &o->cursors[table];
    if (c->at_end)
        return ERR_NOT_FOUND;
    struct buf from = { 0 }; /* the cursor's key is overwritten by what is given */
    buf_append(&from, c->key.data, c->key.len);
    int err = from.err != OK ? from.err : overlay_forward(o, table, buf_bytes(&from), true, row);
    buf_deinit(&from);
    return err;
}

/* The store's last row before `bound` (the table's last for an end). */
static int overlay_under_before(struct overlay *o, unsigned table, struct bytes bound, bool at_end,
                                struct view_row *row)
{
    struct overlay_cursor *c = &o->cursors[table];
    static const uint8_t highest[LIMIT_MAP_KEY_BYTES] = { [0 ... LIMIT_MAP_KEY_BYTES - 1] = 0xff };
    if (at_end)
        bound = (struct bytes){ highest, sizeof(highest) };
    struct view *under = overlay_under(o);
    int err = view_seek(under, table, bound, row);
    if (err == OK || err == ERR_NOT_FOUND)
        err = view_prev(under, table, row);
    c->has_under = false; /* it stands before the bound: the next step forward seeks anew */
    return err;
}

static int overlay_backward(struct overlay *o, unsigned table, struct bytes bound, bool at_end,
                            struct view_row *row)
{
    struct overlay_cursor *c = &o->cursors[table];
    struct buf hidden = { 0 };
    int err;
    for (;;) {
        struct view_row under;
        err = overlay_under_before(o, table, bound, at_end, &under);
        if (err != OK && err != ERR_NOT_FOUND)
            break;
        struct overlay_key sought = { at_end ? table + 1 : table,
                                      at_end ? (struct bytes){ NULL, 0 } : bound };
        struct overlay_row *over =
            overlay_row_of(tree_last_before(&o->rows, overlay_order, &sought));
        bool has_over = over != NULL && over->table == table;
        bool over_wins = has_over && (err != OK || bytes_compare(over->key, under.key) >= 0);
        if (!has_over && err != OK)
            break;
        if (!over_wins) {
            err = overlay_give(c, &under, row);
            break;
        }
        if (!over->is_delete) {
            struct view_row found = { over->key, over->value };
            err = overlay_give(c, &found, row);
            break;
        }
        buf_clear(&hidden);
        buf_append(&hidden, over->key.data, over->key.len);
        bound = buf_bytes(&hidden);
        at_end = false;
    }
    buf_deinit(&hidden);
    return err;
}

static int overlay_view_prev(void *impl, unsigned table, struct view_row *row)
{
    struct overlay *o = impl;
    struct overlay_cursor *c = &o->cursors[table];
    struct buf bound = { 0 };
    buf_append(&bound, c->key.data, c->key.len);
    int err =
        bound.err != OK ? bound.err : overlay_backward(o, table, buf_bytes(&bound), c->at_end, row);
    buf_deinit(&bound);
    return err;
}

static const struct view_ops overlay_view_ops = {
    .get = overlay_view_get,
    .seek = overlay_view_seek,
    .next = overlay_view_next,
    .prev = overlay_view_prev,
};

int overlay_view_open(struct overlay *o, struct view *view)
{
    ASSERT(!o->view_is_open);
    int err = store_view_open(o->store, o->area, &o->under);
    if (err != OK)
        return err;
    for (size_t i = 0; i < LIMIT_MAP_TABLES_COUNT; i++) {
        buf_clear(&o->cursors[i].key);
        o->cursors[i].has_under = false;
        o->cursors[i].at_end = false;
    }
    o->view_is_open = true;
    *view = (struct view){ .ops = &overlay_view_ops, .impl = o };
    return OK;
}

void overlay_view_close(struct overlay *o, struct view *view)
{
    ASSERT(o->view_is_open && view->impl == o);
    store_view_close(o->store, &o->under);
    o->view_is_open = false;
    view->ops = NULL;
}
