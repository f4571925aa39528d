/* How many bytes lie behind an index, about: against the exact sums. */
#include <criterion/criterion.h>

#include "store/log_size.h"

enum { ENTRIES = 20000, ENTRY_BYTES = 300 };

static struct log_size filled(void)
{
    struct log_size s = { 0 };
    for (uint64_t i = 1; i <= ENTRIES; i++)
        log_size_add(&s, i, ENTRY_BYTES);
    return s;
}

/* Within a thirtieth of all. */
static void assert_about(uint64_t got, uint64_t wanted)
{
    uint64_t slack = (uint64_t)ENTRIES * ENTRY_BYTES / 30;
    cr_assert(got + slack >= wanted && got <= wanted + slack, "%llu is not about %llu",
              (unsigned long long)got, (unsigned long long)wanted);
}

Test(log_size, counts_all)
{
    struct log_size s = filled();
    cr_assert_eq(log_size_bytes(&s), (uint64_t)ENTRIES * ENTRY_BYTES);
    struct log_size empty = { 0 };
    cr_assert_eq(log_size_bytes(&empty), 0);
}

Test(log_size, forgets_both_ends)
{
    for (uint64_t at = 1; at <= ENTRIES + 1; at += 777) {
        struct log_size s = filled();
        log_size_cut(&s, at);
        assert_about(log_size_bytes(&s), (at - 1) * ENTRY_BYTES);
        s = filled();
        log_size_trim(&s, at);
        assert_about(log_size_bytes(&s), (ENTRIES + 1 - at) * ENTRY_BYTES);
        log_size_trim(&s, 1); /* never back */
        assert_about(log_size_bytes(&s), (ENTRIES + 1 - at) * ENTRY_BYTES);
    }
}

Test(log_size, goes_on_behind_a_cut_and_anew_behind_a_gap)
{
    struct log_size s = filled();
    log_size_cut(&s, 10001);
    log_size_add(&s, 10001, 5000);
    assert_about(log_size_bytes(&s), (uint64_t)10000 * ENTRY_BYTES + 5000);
    log_size_add(&s, 50000, 70);
    cr_assert_eq(log_size_bytes(&s), 70);
    log_size_trim(&s, 60000);
    cr_assert_eq(log_size_bytes(&s), 0);
}

Test(log_size, says_where_a_bound_is_kept)
{
    struct log_size s = filled();
    uint64_t all = log_size_bytes(&s);
    uint64_t first = log_size_first_within(&s, all / 2);
    cr_assert_leq((ENTRIES + 1 - first) * ENTRY_BYTES, all / 2);
    assert_about((ENTRIES + 1 - first) * ENTRY_BYTES, all / 2);
    cr_assert_eq(log_size_first_within(&s, all), 1);
    cr_assert_eq(log_size_first_within(&s, 0), ENTRIES + 1);
}
