/* disk_view.c -- looking at the durable version of an area. */
#include "sim/world/disk_int.h"

#include <string.h>

#include "util/err.h"

static int view_get_row(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct disk_view *v = impl;
    uint8_t raw[DISK_KEY_SIZE];
    raw[0] = (uint8_t)table;
    if (key.len > 0)
        memcpy(raw + 1, key.data, key.len);
    struct view_row row = { .key = { raw, key.len + 1 } };
    if (!rows_get(&v->rows, row.key, &row.value))
        return ERR_NOT_FOUND;
    int err = disk_rows_check(v->room, &row);
    if (err == OK)
        *value = row.value;
    return err;
}

/* The cursor goes onto the row that was found, or beyond the end that was hit. */
static int view_land(struct disk_view *v, unsigned table, bool found, struct view_row *at,
                     int beyond, struct view_row *row)
{
    struct disk_cursor *c = &v->cursors[table];
    if (!found || *(const uint8_t *)at->key.data != table) {
        c->at = beyond;
        return ERR_NOT_FOUND;
    }
    c->at = CURSOR_ON;
    c->key_len = at->key.len;
    memcpy(c->key, at->key.data, at->key.len);
    int err = disk_rows_check(v->room, at);
    if (err == OK)
        *row = *at;
    return err;
}

static int view_seek_row(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    struct disk_view *v = impl;
    uint8_t raw[DISK_KEY_SIZE];
    raw[0] = (uint8_t)table;
    if (key.len > 0)
        memcpy(raw + 1, key.data, key.len);
    struct view_row at;
    bool found = rows_at_or_after(&v->rows, (struct bytes){ raw, key.len + 1 }, &at);
    return view_land(v, table, found, &at, CURSOR_AFTER, row);
}

static int view_next_row(void *impl, unsigned table, struct view_row *row)
{
    struct disk_view *v = impl;
    struct disk_cursor *c = &v->cursors[table];
    struct view_row at;
    if (c->at == CURSOR_AFTER)
        return ERR_NOT_FOUND;
    if (c->at == CURSOR_BEFORE)
        return view_seek_row(impl, table, (struct bytes){ NULL, 0 }, row);
    bool found = rows_after(&v->rows, (struct bytes){ c->key, c->key_len }, &at);
    return view_land(v, table, found, &at, CURSOR_AFTER, row);
}

static int view_prev_row(void *impl, unsigned table, struct view_row *row)
{
    struct disk_view *v = impl;
    struct disk_cursor *c = &v->cursors[table];
    const uint8_t behind = (uint8_t)(table + 1);
    struct view_row at;
    if (c->at == CURSOR_BEFORE)
        return ERR_NOT_FOUND;
    struct bytes from =
        c->at == CURSOR_ON ? (struct bytes){ c->key, c->key_len } : (struct bytes){ &behind, 1 };
    bool found = rows_before(&v->rows, from, &at);
    return view_land(v, table, found, &at, CURSOR_BEFORE, row);
}

static const struct view_ops disk_view_ops = { view_get_row, view_seek_row, view_next_row,
                                               view_prev_row };

int disk_view_open(void *impl, enum map_area area, struct view *view)
{
    struct disk *d = impl;
    ASSERT(d->generation > 0 || d->is_closing);
    for (size_t i = 0; i < LIMIT_VIEWS_COUNT; i++) {
        struct disk_view *v = &d->views[i];
        if (v->is_open)
            continue;
        v->is_open = true;
        v->room = area == MAP_STATE ? ROOM_STATE : ROOM_LOCAL;
        v->rows = rows_share(&d->rooms[area == MAP_STATE ? DISK_STATE : DISK_LOCAL].durable);
        for (size_t table = 0; table < LIMIT_MAP_TABLES_COUNT; table++)
            v->cursors[table].at = CURSOR_BEFORE;
        view->ops = &disk_view_ops;
        view->impl = v;
        return OK;
    }
    return ERR_BUSY;
}

void disk_view_close(void *impl, struct view *view)
{
    (void)impl;
    struct disk_view *v = view->impl;
    ASSERT(v->is_open);
    v->is_open = false;
    rows_deinit(&v->rows);
    view->impl = NULL;
}
