#include <criterion/criterion.h>

#include "util/ring.h"

TestSuite(ring, .timeout = 60);

Test(ring, first_in_first_out_round_and_round)
{
    struct ring r;
    cr_assert_eq(ring_init(&r, 3, sizeof(int)), OK);
    cr_assert_null(ring_front(&r));
    int pushed = 0, popped = 0;
    for (int round = 0; round < 10; round++) {
        while (!ring_is_full(&r))
            *(int *)ring_push(&r) = pushed++;
        cr_assert_eq(r.count, 3);
        cr_assert_null(ring_push(&r));
        for (size_t i = 0; i < r.count; i++)
            cr_assert_eq(*(int *)ring_at(&r, i), popped + (int)i);
        for (int i = 0; i <= round % 3; i++) {
            cr_assert_eq(*(int *)ring_front(&r), popped++);
            ring_pop(&r);
        }
    }
    ring_clear(&r);
    cr_assert_null(ring_front(&r));
    ring_deinit(&r);
}

Test(ring, one_element)
{
    struct ring r;
    cr_assert_eq(ring_init(&r, 1, 1), OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_not_null(ring_push(&r));
        cr_assert_null(ring_push(&r));
        ring_pop(&r);
    }
    ring_deinit(&r);
    cr_assert_eq(ring_init(&r, SIZE_MAX, 8), ERR_NOMEM);
}
