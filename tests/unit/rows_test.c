/* rows: against a flat model, with old copies checked to be untouched. */
#include <criterion/criterion.h>

#include <string.h>

#include "sim/world/rows.h"

enum { KEYS = 64, STEPS = 4000, COPIES = 8 };

TestSuite(rows, .timeout = 60);

struct model {
    int value[KEYS]; /* -1: absent */
    struct rows rows;
};

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static struct bytes key_of(int i, uint8_t out[2])
{
    out[0] = (uint8_t)(i / 2); /* pairs of which one is a prefix of the other */
    out[1] = 7;
    return (struct bytes){ out, i % 2 == 0 ? 1 : 2 };
}

static void model_check(const struct model *m)
{
    uint8_t raw[2];
    uint64_t count = 0;
    struct view_row row = { { NULL, 0 }, { NULL, 0 } };
    for (int i = 0; i < KEYS; i++) {
        struct bytes value;
        bool found = rows_get(&m->rows, key_of(i, raw), &value);
        cr_assert_eq(found, m->value[i] >= 0);
        if (!found)
            continue;
        cr_assert_eq(*(const uint8_t *)value.data, m->value[i]);
        cr_assert(count == 0 ? rows_at_or_after(&m->rows, row.key, &row)
                             : rows_after(&m->rows, row.key, &row));
        cr_assert(bytes_equal(row.key, key_of(i, raw)));
        struct view_row nth = rows_nth(&m->rows, count);
        cr_assert(bytes_equal(nth.key, row.key));
        struct view_row before;
        cr_assert_eq(rows_before(&m->rows, row.key, &before), count > 0);
        count += 1;
    }
    cr_assert_eq(rows_count(&m->rows), count);
}

Test(rows, copies_are_independent_and_sorted)
{
    static struct model models[COPIES];
    uint64_t seed = 1;
    memset(models[0].value, 0xff, sizeof(models[0].value));
    for (int i = 1; i < COPIES; i++)
        models[i] = models[0];
    for (int step = 0; step < STEPS; step++) {
        struct model *m = &models[next_random(&seed) % COPIES];
        int i = (int)(next_random(&seed) % KEYS);
        uint8_t raw[2];
        uint32_t what = next_random(&seed) % 10;
        if (what == 0) {
            struct model *from = &models[next_random(&seed) % COPIES];
            rows_assign(&m->rows, &from->rows);
            memcpy(m->value, from->value, sizeof(m->value));
        } else if (what < 4) {
            rows_delete(&m->rows, key_of(i, raw));
            m->value[i] = -1;
        } else {
            uint8_t value = (uint8_t)step;
            rows_put(&m->rows, key_of(i, raw), (struct bytes){ &value, 1 });
            m->value[i] = value;
        }
        if (step % 50 == 0)
            for (int c = 0; c < COPIES; c++)
                model_check(&models[c]);
    }
    for (int c = 0; c < COPIES; c++)
        rows_deinit(&models[c].rows);
}

Test(rows, many_rows_in_order_stay_shallow)
{
    struct rows r = { 0 };
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t key[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
        rows_put(&r, (struct bytes){ key, 4 }, (struct bytes){ key, 4 });
    }
    cr_assert_eq(rows_count(&r), 100000);
    rows_deinit(&r);
}
