#include <criterion/criterion.h>

#include "state/digest.h"
#include "state/tables.h"
#include "tests/lib/fake_map.h"
#include "util/err.h"

TestSuite(digest, .timeout = 60);

#define TEXT(s) ((struct bytes){ s, sizeof(s) - 1 })

Test(digest, what_is_added_can_be_taken_away_in_any_order)
{
    struct hash128 a = { UINT64_MAX, UINT64_MAX }, b = { 1, 1 }, c = { 7, UINT64_MAX - 3 };
    struct hash128 sum = { 0 };
    digest_add(&sum, a);
    digest_add(&sum, b);
    digest_add(&sum, c);
    digest_subtract(&sum, a);
    digest_subtract(&sum, c);
    cr_assert(digest_equal(sum, b));
    digest_subtract(&sum, b);
    cr_assert(digest_equal(sum, (struct hash128){ 0 }));
}

Test(digest, table_key_and_value_all_count)
{
    struct hash128 row = digest_row(1, TEXT("key"), TEXT("value"));
    cr_assert(digest_equal(row, digest_row(1, TEXT("key"), TEXT("value"))));
    cr_assert(!digest_equal(row, digest_row(2, TEXT("key"), TEXT("value"))));
    cr_assert(!digest_equal(row, digest_row(1, TEXT("kex"), TEXT("value"))));
    cr_assert(!digest_equal(row, digest_row(1, TEXT("key"), TEXT("valuf"))));
    cr_assert(!digest_equal(row, digest_row(1, TEXT("keyv"), TEXT("alue"))));
}

static struct hash128 scrub_all(struct fake_map *map, unsigned steps, uint64_t *rows)
{
    struct digest_scrub scrub;
    digest_scrub_init(&scrub);
    int err = ERR_MORE;
    for (int calls = 0; err == ERR_MORE && calls < 1000; calls++) {
        struct view view = fake_map_view(map);
        err = digest_scrub_step(&scrub, &view, steps);
    }
    cr_assert_eq(err, OK);
    *rows = scrub.rows_count;
    digest_scrub_deinit(&scrub);
    return scrub.sum;
}

Test(digest, a_scrub_in_slices_sums_every_row_but_metas_once)
{
    struct fake_map map = { 0 };
    struct row_sink sink = fake_map_sink(&map);
    struct hash128 expected = { 0 };
    row_sink_put(&sink, STATE_TABLE_META, TEXT("state"), TEXT("anything"));
    for (unsigned table = STATE_TABLE_PINS; table < STATE_TABLES_COUNT; table += 2) {
        for (uint8_t n = 0; n < 20; n++) {
            uint8_t key[] = { n, 0 };
            struct bytes key_bytes = { key, 1 + n % 2u };
            row_sink_put(&sink, table, key_bytes, TEXT("v"));
            digest_add(&expected, digest_row(table, key_bytes, TEXT("v")));
        }
    }
    for (unsigned steps = 1; steps < 50; steps += 6) {
        uint64_t rows;
        cr_assert(digest_equal(scrub_all(&map, steps, &rows), expected));
        cr_assert_eq(rows, 60);
    }
    fake_map_deinit(&map);
}

Test(digest, a_damaged_row_ends_the_scrub)
{
    struct fake_map map = { .corrupt = TEXT("b") };
    struct row_sink sink = fake_map_sink(&map);
    row_sink_put(&sink, STATE_TABLE_PINS, TEXT("a"), TEXT("1"));
    row_sink_put(&sink, STATE_TABLE_PINS, TEXT("b"), TEXT("2"));
    struct digest_scrub scrub;
    digest_scrub_init(&scrub);
    struct view view = fake_map_view(&map);
    cr_assert_eq(digest_scrub_step(&scrub, &view, 100), ERR_CORRUPT);
    digest_scrub_deinit(&scrub);
    fake_map_deinit(&map);
}
