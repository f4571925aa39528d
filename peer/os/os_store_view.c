/* os_store_view.c -- a view is a read transaction of the loop's, with a cursor for each table it walks. */
#include "os/os_store_int.h"
#include "util/err.h"

static int view_get_row(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct os_view *v = impl;
    uint8_t raw[OS_ENV_KEY_SIZE];
    MDB_val stored_key = os_env_key(MAP_TABLE_FIRST + table, key, raw), stored_value;
    int rc = mdb_get(v->txn, v->env->dbi, &stored_key, &stored_value);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    struct view_row row;
    int err = os_env_check(v->env->room, &stored_key, &stored_value, &row);
    if (err == OK)
        *value = row.value;
    return err;
}

/* The cursor went to a row of any table, or off the environment's end. */
static int view_land(struct os_view *v, unsigned table, int rc, const MDB_val *key,
                     const MDB_val *value, int beyond, struct view_row *row)
{
    bool is_ours =
        rc == MDB_SUCCESS && *(const uint8_t *)key->mv_data == (uint8_t)(MAP_TABLE_FIRST + table);
    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
        return os_env_err(rc);
    v->at[table] = is_ours ? VIEW_ON : beyond;
    return is_ours ? os_env_check(v->env->room, key, value, row) : ERR_NOT_FOUND;
}

static int view_cursor(struct os_view *v, unsigned table, MDB_cursor **out)
{
    int rc = MDB_SUCCESS;
    if (v->cursors[table] == NULL)
        rc = mdb_cursor_open(v->txn, v->env->dbi, &v->cursors[table]);
    *out = v->cursors[table];
    return os_env_err(rc);
}

static int view_seek_row(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    struct os_view *v = impl;
    MDB_cursor *cursor;
    int err = view_cursor(v, table, &cursor);
    if (err != OK)
        return err;
    uint8_t raw[OS_ENV_KEY_SIZE];
    MDB_val stored_key = os_env_key(MAP_TABLE_FIRST + table, key, raw), stored_value;
    int rc = mdb_cursor_get(cursor, &stored_key, &stored_value, MDB_SET_RANGE);
    return view_land(v, table, rc, &stored_key, &stored_value, VIEW_AFTER, row);
}

static int view_next_row(void *impl, unsigned table, struct view_row *row)
{
    struct os_view *v = impl;
    if (v->at[table] == VIEW_AFTER)
        return ERR_NOT_FOUND;
    if (v->at[table] == VIEW_BEFORE)
        return view_seek_row(impl, table, (struct bytes){ NULL, 0 }, row);
    MDB_val key, value;
    int rc = mdb_cursor_get(v->cursors[table], &key, &value, MDB_NEXT);
    return view_land(v, table, rc, &key, &value, VIEW_AFTER, row);
}

/* Onto the row before the first one of the next table. */
static int view_seek_end(MDB_cursor *cursor, unsigned table, MDB_val *key, MDB_val *value)
{
    uint8_t raw[OS_ENV_KEY_SIZE];
    *key = os_env_key(MAP_TABLE_FIRST + table + 1, (struct bytes){ NULL, 0 }, raw);
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND)
        return mdb_cursor_get(cursor, key, value, MDB_LAST);
    return rc == MDB_SUCCESS ? mdb_cursor_get(cursor, key, value, MDB_PREV) : rc;
}

static int view_prev_row(void *impl, unsigned table, struct view_row *row)
{
    struct os_view *v = impl;
    if (v->at[table] == VIEW_BEFORE)
        return ERR_NOT_FOUND;
    MDB_cursor *cursor;
    int err = view_cursor(v, table, &cursor);
    if (err != OK)
        return err;
    MDB_val key, value;
    int rc = v->at[table] == VIEW_ON ? mdb_cursor_get(cursor, &key, &value, MDB_PREV)
                                     : view_seek_end(cursor, table, &key, &value);
    return view_land(v, table, rc, &key, &value, VIEW_BEFORE, row);
}

static const struct view_ops os_view_ops = { view_get_row, view_seek_row, view_next_row,
                                             view_prev_row };

static struct os_view *view_free_one(struct os_store *s)
{
    for (size_t i = 0; i < LIMIT_VIEWS_COUNT; i++)
        if (!s->views[i].is_open)
            return &s->views[i];
    return NULL;
}

int os_view_open(void *impl, enum map_area area, struct view *view)
{
    struct os_store *s = impl;
    ASSERT(s->current != NULL);
    struct os_view *v = view_free_one(s);
    if (v == NULL)
        return ERR_BUSY;
    *v = (struct os_view){ .env = area == MAP_STATE ? &s->current->env : &s->local_env };
    int rc = os_env_read_begin(v->env, &v->txn);
    if (rc != MDB_SUCCESS)
        return os_env_err(rc);
    v->is_open = true;
    view->ops = &os_view_ops;
    view->impl = v;
    return OK;
}

void os_view_close(void *impl, struct view *view)
{
    (void)impl;
    struct os_view *v = view->impl;
    ASSERT(v->is_open);
    for (size_t table = 0; table < LIMIT_MAP_TABLES_COUNT; table++)
        if (v->cursors[table] != NULL)
            mdb_cursor_close(v->cursors[table]);
    os_env_read_end(v->env, v->txn);
    v->is_open = false;
    view->impl = NULL;
}
