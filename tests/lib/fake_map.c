#include "fake_map.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* The place of the first row with a key >= `key`. */
static size_t fake_table_place(const struct fake_table *t, struct bytes key)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(buf_bytes(&t->rows[middle].key), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool fake_table_has(const struct fake_table *t, size_t place, struct bytes key)
{
    return place < t->count && bytes_equal(buf_bytes(&t->rows[place].key), key);
}

static int fake_map_row(struct fake_map *m, struct fake_table *t, size_t place,
                        struct view_row *row)
{
    if (place >= t->count)
        return ERR_NOT_FOUND;
    struct fake_row *at = &t->rows[place];
    if (m->corrupt.len > 0 && bytes_equal(buf_bytes(&at->key), m->corrupt))
        return ERR_CORRUPT;
    *row = (struct view_row){ buf_bytes(&at->key), buf_bytes(&at->value) };
    return OK;
}

static int fake_get(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    size_t place = fake_table_place(t, key);
    if (!fake_table_has(t, place, key))
        return ERR_NOT_FOUND;
    struct view_row row;
    int err = fake_map_row(m, t, place, &row);
    if (err == OK)
        *value = row.value;
    return err;
}

static int fake_seek(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    t->cursor = fake_table_place(t, key);
    return fake_map_row(m, t, t->cursor, row);
}

static int fake_next(void *impl, unsigned table, struct view_row *row)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    if (t->cursor < t->count)
        t->cursor += 1;
    return fake_map_row(m, t, t->cursor, row);
}

static int fake_prev(void *impl, unsigned table, struct view_row *row)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    if (t->cursor == 0)
        return ERR_NOT_FOUND;
    t->cursor -= 1;
    return fake_map_row(m, t, t->cursor, row);
}

static void fake_put(void *impl, unsigned table, struct bytes key, struct bytes value)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    size_t place = fake_table_place(t, key);
    m->changes_count += 1;
    if (!fake_table_has(t, place, key)) {
        if (t->count == t->size) {
            t->size = t->size == 0 ? 16 : 2 * t->size;
            t->rows = mem_realloc(t->rows, t->size * sizeof(*t->rows));
            ASSERT(t->rows != NULL);
        }
        memmove(&t->rows[place + 1], &t->rows[place], (t->count - place) * sizeof(*t->rows));
        t->rows[place] = (struct fake_row){ 0 };
        buf_append(&t->rows[place].key, key.data, key.len);
        t->count += 1;
        t->cursor += t->cursor >= place; /* it stays on its row */
    }
    buf_clear(&t->rows[place].value);
    buf_append(&t->rows[place].value, value.data, value.len);
}

static void fake_del(void *impl, unsigned table, struct bytes key)
{
    struct fake_map *m = impl;
    struct fake_table *t = &m->tables[table];
    size_t place = fake_table_place(t, key);
    m->changes_count += 1;
    if (!fake_table_has(t, place, key))
        return;
    buf_deinit(&t->rows[place].key);
    buf_deinit(&t->rows[place].value);
    memmove(&t->rows[place], &t->rows[place + 1], (t->count - place - 1) * sizeof(*t->rows));
    t->count -= 1;
    t->cursor -= t->cursor > place;
}

void fake_map_deinit(struct fake_map *m)
{
    for (size_t i = 0; i < LIMIT_MAP_TABLES_COUNT; i++) {
        for (size_t k = 0; k < m->tables[i].count; k++) {
            buf_deinit(&m->tables[i].rows[k].key);
            buf_deinit(&m->tables[i].rows[k].value);
        }
        mem_free(m->tables[i].rows);
    }
    *m = (struct fake_map){ 0 };
}

struct view fake_map_view(struct fake_map *m)
{
    static const struct view_ops ops = { fake_get, fake_seek, fake_next, fake_prev };
    return (struct view){ &ops, m, 0 };
}

struct row_sink fake_map_sink(struct fake_map *m)
{
    return (struct row_sink){ fake_put, fake_del, m };
}

void fake_map_copy(struct fake_map *to, const struct fake_map *from)
{
    fake_map_deinit(to);
    for (unsigned i = 0; i < LIMIT_MAP_TABLES_COUNT; i++) {
        for (size_t k = 0; k < from->tables[i].count; k++)
            fake_put(to, i, buf_bytes(&from->tables[i].rows[k].key),
                     buf_bytes(&from->tables[i].rows[k].value));
    }
}

bool fake_map_equal(const struct fake_map *a, const struct fake_map *b)
{
    for (unsigned i = 0; i < LIMIT_MAP_TABLES_COUNT; i++) {
        const struct fake_table *ta = &a->tables[i], *tb = &b->tables[i];
        if (ta->count != tb->count)
            return false;
        for (size_t k = 0; k < ta->count; k++) {
            if (!bytes_equal(buf_bytes(&ta->rows[k].key), buf_bytes(&tb->rows[k].key)) ||
                !bytes_equal(buf_bytes(&ta->rows[k].value), buf_bytes(&tb->rows[k].value)))
                return false;
        }
    }
    return true;
}

size_t fake_map_count(const struct fake_map *m, unsigned table)
{
    return m->tables[table].count;
}
