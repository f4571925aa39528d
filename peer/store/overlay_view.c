/* overlay_view.c -- the store's view and the runs above it, merged.
 *
 * The cursor is a key, and every move looks for the neighbour of that key in each run (a binary search,
 * so that puts under an open view do no harm) and in the view below. The nearest key wins; the newest
 * run has the last word on its value; a delete makes it the place from which we look further. The
 * view below is only sought again when its own cursor does not stand on the key already. */
#include "store/overlay_int.h"

#include <string.h>

#include "util/err.h"

enum overlay_move { MOVE_AT_OR_AFTER, MOVE_AFTER, MOVE_BEFORE };

/* The greatest key there can be: to find the last row of a table. */
static const uint8_t key_max[LIMIT_MAP_KEY_BYTES] = { [0 ... LIMIT_MAP_KEY_BYTES - 1] = 0xff };

/* ---- the runs ---- */

/* One run's neighbour of `key`, in the same table. */
static const struct map_op *run_neighbour(struct overlay_run *run, unsigned table, struct bytes key,
                                          enum overlay_move move)
{
    size_t place = overlay_run_find(run, table, key);
    const struct map_op *op = overlay_run_op(run, place);
    if (move == MOVE_BEFORE)
        op = place > 0 ? overlay_run_op(run, place - 1) : NULL;
    else if (move == MOVE_AFTER && op != NULL && op->table == table && bytes_equal(op->key, key))
        op = overlay_run_op(run, place + 1);
    return op != NULL && op->table == table ? op : NULL;
}

/* Of two neighbours, `later` from the newer run: a tie is the newer's. */
static const struct map_op *nearer(const struct map_op *earlier, const struct map_op *later,
                                   enum overlay_move move)
{
    if (earlier == NULL || later == NULL)
        return later != NULL ? later : earlier;
    int order = bytes_compare(later->key, earlier->key);
    return (move == MOVE_BEFORE ? order >= 0 : order <= 0) ? later : earlier;
}

static const struct map_op *runs_neighbour(const struct overlay *o, unsigned table,
                                           struct bytes key, enum overlay_move move)
{
    const struct map_op *best = NULL;
    list_for_each (link, &o->runs) {
        struct overlay_run *run = list_entry(link, struct overlay_run, link);
        best = nearer(best, run_neighbour(run, table, key, move), move);
    }
    if (o->open != NULL)
        best = nearer(best, run_neighbour(o->open, table, key, move), move);
    return best;
}

static int overlay_view_get(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct overlay_view *v = impl;
    const struct overlay *o = v->overlay;
    uint32_t hash = overlay_hash(table, key);
    const struct map_op *op = o->open != NULL ? overlay_run_get(o->open, hash, table, key) : NULL;
    for (struct list_link *at = o->runs.prev; op == NULL && at != &o->runs; at = at->prev)
        op = overlay_run_get(list_entry(at, struct overlay_run, link), hash, table, key);
    if (op == NULL)
        return v->base.ops->get(v->base.impl, table, key, value);
    if (op->is_delete)
        return ERR_NOT_FOUND;
    *value = op->value;
    return OK;
}

/* ---- the view below ---- */

static int base_neighbour(struct overlay_view *v, unsigned table, struct bytes key,
                          enum overlay_move move, bool is_on_key, struct view_row *row)
{
    const struct view_ops *ops = v->base.ops;
    void *impl = v->base.impl;
    if (move == MOVE_AT_OR_AFTER)
        return ops->seek(impl, table, key, row);
    if (is_on_key)
        return (move == MOVE_AFTER ? ops->next : ops->prev)(impl, table, row);
    int err = ops->seek(impl, table, key, row);
    if (move == MOVE_BEFORE)
        return err == ERR_IO ? err : ops->prev(impl, table, row);
    if (err == OK && bytes_equal(row->key, key))
        return ops->next(impl, table, row);
    return err;
}

/* ---- the merge ---- */

static void cursor_set(struct overlay_cursor *c, struct bytes key)
{
    if (key.len > 0)
        memmove(c->key, key.data, key.len);
    c->key_len = key.len;
    c->at = OVERLAY_ON;
}

/* Moves c from its key to the nearest row that is there. */
static int overlay_view_move(struct overlay_view *v, unsigned table, enum overlay_move move,
                             struct view_row *row)
{
    struct overlay_cursor *c = &v->cursors[table];
    for (;;) {
        struct bytes from = { c->key, c->key_len };
        const struct map_op *op = runs_neighbour(v->overlay, table, from, move);
        struct view_row below;
        int err = base_neighbour(v, table, from, move, c->base_is_on_key, &below);
        if (err != OK && err != ERR_NOT_FOUND) {
            c->at = OVERLAY_ON; /* on the bad row, for all that the view below knows */
            c->base_is_on_key = true;
            return err;
        }
        if (err == ERR_NOT_FOUND && op == NULL) {
            c->at = move == MOVE_BEFORE ? OVERLAY_BEFORE : OVERLAY_AFTER;
            return ERR_NOT_FOUND;
        }
        int order = err == ERR_NOT_FOUND ? 1 : op == NULL ? -1 : bytes_compare(below.key, op->key);
        if (move == MOVE_BEFORE && err == OK && op != NULL)
            order = -order;
        c->base_is_on_key = order <= 0;
        if (order < 0) {
            cursor_set(c, below.key);
            *row = below;
            return OK;
        }
        cursor_set(c, op->key);
        if (!op->is_delete) {
            *row = (struct view_row){ op->key, op->value };
            return OK;
        }
        if (move == MOVE_AT_OR_AFTER)
            move = MOVE_AFTER;
    }
}

static int overlay_view_seek(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    struct overlay_view *v = impl;
    cursor_set(&v->cursors[table], key);
    return overlay_view_move(v, table, MOVE_AT_OR_AFTER, row);
}

static int overlay_view_next(void *impl, unsigned table, struct view_row *row)
{
    struct overlay_view *v = impl;
    struct overlay_cursor *c = &v->cursors[table];
    if (c->at == OVERLAY_AFTER)
        return ERR_NOT_FOUND;
    if (c->at == OVERLAY_BEFORE)
        return overlay_view_seek(impl, table, (struct bytes){ NULL, 0 }, row);
    return overlay_view_move(v, table, MOVE_AFTER, row);
}

static int overlay_view_prev(void *impl, unsigned table, struct view_row *row)
{
    struct overlay_view *v = impl;
    struct overlay_cursor *c = &v->cursors[table];
    if (c->at == OVERLAY_BEFORE)
        return ERR_NOT_FOUND;
    if (c->at == OVERLAY_AFTER) {
        /* Only a row with this very key is not before it. */
        int err = overlay_view_seek(impl, table, (struct bytes){ key_max, sizeof(key_max) }, row);
        if (err != ERR_NOT_FOUND)
            return err;
        c->base_is_on_key = false;
        cursor_set(c, (struct bytes){ key_max, sizeof(key_max) });
    }
    return overlay_view_move(v, table, MOVE_BEFORE, row);
}

static const struct view_ops overlay_view_ops = { overlay_view_get, overlay_view_seek,
                                                  overlay_view_next, overlay_view_prev };

int overlay_view_open(struct overlay *o, struct view *view)
{
    struct overlay_view *v = &o->view;
    ASSERT(!v->is_open);
    int err = store_view_open(o->store, o->area, &v->base);
    if (err != OK)
        return err;
    v->is_open = true;
    v->overlay = o;
    for (size_t table = 0; table < LIMIT_MAP_TABLES_COUNT; table++) {
        v->cursors[table].at = OVERLAY_BEFORE;
        v->cursors[table].base_is_on_key = false;
    }
    *view = (struct view){ .ops = &overlay_view_ops, .impl = v };
    return OK;
}

void overlay_view_close(struct overlay *o, struct view *view)
{
    ASSERT(view->impl == &o->view && o->view.is_open);
    o->view.is_open = false;
    store_view_close(o->store, &o->view.base);
    view->impl = NULL;
}
