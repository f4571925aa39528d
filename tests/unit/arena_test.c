#include <criterion/criterion.h>
#include <stdalign.h>
#include <string.h>

#include "util/arena.h"

TestSuite(arena, .timeout = 60);

Test(arena, pieces_are_aligned_and_apart)
{
    struct arena a = { 0 };
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i % 7 == 0 ? 3000 + 40 * i : i + 1;
        pieces[i] = arena_alloc(&a, size);
        cr_assert_not_null(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        size_t size = i % 7 == 0 ? 3000 + 40 * i : i + 1;
        for (size_t at = 0; at < size; at++)
            cr_assert_eq(pieces[i][at], (unsigned char)i);
    }
    arena_reset(&a);
    cr_assert_eq(a.used, 0);
    cr_assert_not_null(arena_alloc(&a, 1));
    arena_deinit(&a);
    cr_assert_null(a.blocks);
}

Test(arena, copies)
{
    struct arena a = { 0 };
    cr_assert_str_eq(arena_strdup(&a, "word"), "word");
    cr_assert_str_eq(arena_copy(&a, (struct bytes){ "words", 4 }), "word");
    cr_assert_str_eq(arena_copy(&a, (struct bytes){ NULL, 0 }), "");
    const int *numbers = arena_array(&a, 5, sizeof(int));
    for (int i = 0; i < 5; i++)
        cr_assert_eq(numbers[i], 0);
    cr_assert_null(arena_array(&a, SIZE_MAX / 2, 4));
    arena_deinit(&a);
}

Test(arena, the_limit_holds)
{
    struct arena a = { .limit = 1024 };
    cr_assert_null(arena_alloc(&a, 1025));
    cr_assert_not_null(arena_alloc(&a, 1000));
    cr_assert_null(arena_alloc(&a, 100));
    arena_reset(&a);
    cr_assert_not_null(arena_alloc(&a, 1024));
    cr_assert_null(arena_alloc(&a, SIZE_MAX));
    arena_deinit(&a);
}
