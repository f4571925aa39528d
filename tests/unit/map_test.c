#include <criterion/criterion.h>
#include <string.h>

#include "util/err.h"
#include "util/map.h"

TestSuite(map, .timeout = 60);

/* A small generator of numbers, the same in every run. */
static uint32_t map_test_draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

Test(map, bytes)
{
    struct map m = { 0 };
    int one = 1, two = 2;
    struct bytes a = { "a", 1 }, ab = { "ab", 2 }, none = { NULL, 0 };
    cr_assert_null(map_get(&m, a));
    cr_assert_null(map_remove(&m, a));
    cr_assert_eq(map_put(&m, a, &one), OK);
    cr_assert_eq(map_put(&m, ab, &two), OK);
    cr_assert_eq(map_put(&m, (struct bytes){ "a", 1 }, &two), ERR_EXISTS);
    cr_assert_eq(map_get(&m, a), &one);
    cr_assert_eq(map_get(&m, ab), &two);
    cr_assert_null(map_get(&m, none));
    cr_assert_eq(map_put(&m, none, &one), OK, "the empty key is a key");
    cr_assert_eq(map_remove(&m, a), &one);
    cr_assert_null(map_get(&m, a));
    cr_assert_eq(m.count, 2);
    map_clear(&m);
    cr_assert_eq(m.count, 0);
    cr_assert_null(map_get(&m, ab));
    map_deinit(&m);
}

/* Against a plain array: random puts and removes over few keys, so that runs form and break. */
Test(map, a_long_random_life)
{
    enum { KEYS = 300, STEPS = 60000 };
    static uint8_t keys[KEYS][4];
    static bool present[KEYS];
    struct map m = { .seed = 42 };
    struct map_u64 numbers = { 0 };
    uint32_t state = 7;
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        memcpy(keys[i], &(uint32_t){ (uint32_t)i }, 4);
    for (int step = 0; step < STEPS; step++) {
        size_t i = map_test_draw(&state) % KEYS;
        uint64_t number = i << 33 | i;
        struct bytes key = { keys[i], 4 };
        void *want = present[i] ? keys[i] : NULL;
        cr_assert_eq(map_get(&m, key), want);
        cr_assert_eq(map_u64_get(&numbers, number), want);
        if (map_test_draw(&state) % 2 == 0) {
            cr_assert_eq(map_put(&m, key, keys[i]), present[i] ? ERR_EXISTS : OK);
            cr_assert_eq(map_u64_put(&numbers, number, keys[i]), present[i] ? ERR_EXISTS : OK);
            count += !present[i];
            present[i] = true;
        } else {
            cr_assert_eq(map_remove(&m, key), want);
            cr_assert_eq(map_u64_remove(&numbers, number), want);
            count -= present[i];
            present[i] = false;
        }
        cr_assert_eq(m.count, count);
        cr_assert_eq(numbers.map.count, count);
    }
    map_deinit(&m);
    map_u64_deinit(&numbers);
}

Test(map, numbers_at_the_edges)
{
    struct map_u64 m = { .map.seed = 99 };
    int values[4];
    const uint64_t keys[4] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63 };
    for (int i = 0; i < 4; i++)
        cr_assert_eq(map_u64_put(&m, keys[i], &values[i]), OK);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(map_u64_get(&m, keys[i]), &values[i]);
    map_u64_clear(&m);
    cr_assert_null(map_u64_get(&m, 0));
    map_u64_deinit(&m);
}

Test(map, reserved_room_does_not_grow)
{
    struct map_u64 m = { 0 };
    int value;
    cr_assert_eq(map_u64_reserve(&m, 1000), OK);
    const struct map_slot *slots = m.map.slots;
    for (uint64_t key = 0; key < 1000; key++)
        cr_assert_eq(map_u64_put(&m, key, &value), OK);
    cr_assert_eq(m.map.slots, slots);
    cr_assert_eq(map_u64_reserve(&m, SIZE_MAX), ERR_NOMEM);
    map_u64_deinit(&m);
}
