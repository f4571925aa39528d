/* A snapshot's rows are the state that their META row says, or they are refused. */
#include <criterion/criterion.h>

#include "state/rows_check.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

enum { PINS = 20 };

static void fill(struct fake_map *map)
{
    struct pinset *set;
    struct row_sink sink = fake_map_sink(map);
    cr_assert_eq(pinset_create(&set), OK);
    for (uint32_t i = 0; i < PINS; i++) {
        struct cid cid = test_cid(i);
        struct pin_entry e = { .kind = PIN_ENTRY_PIN,
                               .expected = PIN_EXPECT_ANY,
                               .pin = pin_of(&cid) };
        struct buf bytes = { 0 };
        struct pinset_applied applied;
        struct view view = fake_map_view(map);
        pin_entry_encode(&e, &bytes);
        cr_assert_eq(pinset_apply(set, &view, &sink, i + 1, 1, bytes.data, bytes.len, &applied),
                     OK);
        buf_deinit(&bytes);
    }
    cr_assert_eq(pinset_finish(set, &sink), OK);
    pinset_destroy(set);
}

static struct bytes bytes_of(const struct buf *b)
{
    return (struct bytes){ b->data, b->len };
}

static int check(const struct fake_map *map, struct rows_check *c)
{
    rows_check_begin(c);
    int err = OK;
    for (unsigned table = 0; table < STATE_TABLES_COUNT && err == OK; table++) {
        for (size_t i = 0; i < map->tables[table].count && err == OK; i++) {
            const struct fake_row *row = &map->tables[table].rows[i];
            err = rows_check_row(c, table, bytes_of(&row->key), bytes_of(&row->value));
        }
    }
    return err == OK ? rows_check_end(c) : err;
}

Test(rows_check, the_rows_of_a_state_are_believed)
{
    struct fake_map map = { 0 };
    struct rows_check c;
    fill(&map);
    cr_assert_eq(check(&map, &c), OK);
    cr_assert_eq(c.facts.applied_index, PINS);
    cr_assert_eq(c.facts.pins_count, PINS);
    fake_map_deinit(&map);
}

Test(rows_check, one_bit_anywhere_is_seen)
{
    struct fake_map map = { 0 };
    struct rows_check c;
    fill(&map);
    for (unsigned table = 1; table < STATE_TABLES_COUNT; table++) {
        for (size_t i = 0; i < map.tables[table].count; i++) {
            struct buf *value = &map.tables[table].rows[i].value;
            struct buf *at = value->len > 0 ? value : &map.tables[table].rows[i].key;
            at->data[at->len - 1] ^= 1;
            cr_assert_eq(check(&map, &c), ERR_CORRUPT);
            at->data[at->len - 1] ^= 1;
        }
    }
    cr_assert_eq(check(&map, &c), OK);
    fake_map_deinit(&map);
}

Test(rows_check, a_missing_row_is_seen)
{
    struct fake_map map = { 0 };
    struct rows_check c;
    fill(&map);
    map.tables[STATE_TABLE_PINS].count -= 1;
    cr_assert_eq(check(&map, &c), ERR_CORRUPT);
    map.tables[STATE_TABLE_PINS].count += 1;
    map.tables[STATE_TABLE_META].count = 0;
    cr_assert_eq(check(&map, &c), ERR_CORRUPT);
    map.tables[STATE_TABLE_META].count = 1;
    fake_map_deinit(&map);
}

Test(rows_check, a_table_that_is_none_of_the_state_is_refused)
{
    struct rows_check c;
    rows_check_begin(&c);
    cr_assert_eq(
        rows_check_row(&c, STATE_TABLES_COUNT, (struct bytes){ "k", 1 }, (struct bytes){ "v", 1 }),
        ERR_CORRUPT);
}
