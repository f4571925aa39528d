#include <criterion/criterion.h>

#include "fault/memory.h"

TestSuite(fault_memory, .timeout = 60);

static struct fault_memory one;

static unsigned failed_of(unsigned asks)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < asks; i++)
        failed += fault_memory_asks();
    return failed;
}

Test(fault_memory, only_what_the_peer_asks_for_fails_and_so_many_in_a_row)
{
    one = (struct fault_memory){ .left = 3, .fails = 2 };
    cr_assert_eq(failed_of(10), 0, "nobody runs");
    struct fault_memory *before = fault_memory_enter(&one);
    cr_assert_null(before);
    cr_assert_eq(failed_of(3), 0);
    struct fault_memory *inside = fault_memory_enter(NULL); /* a port */
    cr_assert_eq(inside, &one);
    cr_assert_eq(failed_of(10), 0);
    fault_memory_back(inside);
    cr_assert_eq(failed_of(10), 2);
    cr_assert_eq(one.failed, 2);
    fault_memory_back(before);
    cr_assert_eq(failed_of(10), 0);
}
