#include "state/rows_check.h"

#include "state/pinset_int.h"
#include "util/err.h"

void rows_check_begin(struct rows_check *c)
{
    *c = (struct rows_check){ 0 };
}

int rows_check_row(struct rows_check *c, unsigned table, struct bytes key, struct bytes value)
{
    if (table >= STATE_TABLES_COUNT)
        return ERR_CORRUPT;
    if (table != STATE_TABLE_META) {
        digest_add(&c->sum, digest_row(table, key, value));
        c->pins_count += table == STATE_TABLE_PINS;
        return OK;
    }
    if (c->has_meta || !pinset_is_meta_key(key))
        return ERR_CORRUPT;
    c->has_meta = true;
    return pinset_meta_decode(value, &c->facts, &c->said);
}

int rows_check_end(const struct rows_check *c)
{
    bool fits =
        c->has_meta && digest_equal(c->sum, c->said) && c->pins_count == c->facts.pins_count;
    return fits ? OK : ERR_CORRUPT;
}
