#include "state/digest.h"

#include "state/tables.h"
#include "util/err.h"

struct hash128 digest_row(unsigned table, struct bytes key, struct bytes value)
{
    /* The key's hash seeds the value's: no copy is needed to hash the two as one. */
    return hash128(hash64(table, key.data, key.len), value.data, value.len);
}

void digest_add(struct hash128 *sum, struct hash128 row)
{
    sum->low += row.low;
    sum->high += row.high + (sum->low < row.low);
}

void digest_subtract(struct hash128 *sum, struct hash128 row)
{
    sum->high -= row.high + (sum->low < row.low);
    sum->low -= row.low;
}

bool digest_equal(struct hash128 a, struct hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

void digest_scrub_init(struct digest_scrub *s)
{
    *s = (struct digest_scrub){ .table = STATE_TABLE_META + 1 };
}

void digest_scrub_deinit(struct digest_scrub *s)
{
    buf_deinit(&s->after);
}

/* The first row behind s->after. */
static int digest_scrub_seek(struct digest_scrub *s, struct view *view, struct view_row *row)
{
    int err = view_seek(view, s->table, buf_bytes(&s->after), row);
    bool is_known = err == OK && s->after.len > 0 && bytes_equal(row->key, buf_bytes(&s->after));
    return is_known ? view_next(view, s->table, row) : err;
}

/* Rows of one table; ERR_NOT_FOUND at its end, OK when the budget is spent before. */
static int digest_scrub_table(struct digest_scrub *s, struct view *view, unsigned *steps)
{
    struct view_row row = { 0 };
    int err = digest_scrub_seek(s, view, &row);
    while (err == OK) {
        digest_add(&s->sum, digest_row(s->table, row.key, row.value));
        s->rows_count += 1;
        buf_clear(&s->after);
        buf_append(&s->after, row.key.data, row.key.len);
        if (s->after.err != OK)
            return s->after.err;
        if (*steps <= 1)
            return OK;
        *steps -= 1;
        err = view_next(view, s->table, &row);
    }
    return err;
}

int digest_scrub_step(struct digest_scrub *s, struct view *view, unsigned steps)
{
    while (s->table < STATE_TABLES_COUNT) {
        int err = digest_scrub_table(s, view, &steps);
        if (err == OK)
            return ERR_MORE;
        if (err != ERR_NOT_FOUND)
            return err;
        s->table += 1;
        buf_clear(&s->after);
    }
    return OK;
}
