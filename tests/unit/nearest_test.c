#include <criterion/criterion.h>

#include "util/nearest.h"

TestSuite(nearest, .timeout = 60);

static const char *nearest_of(const char *wrong, const char *const *names)
{
    struct nearest n = nearest_to((struct bytes){ wrong, strlen(wrong) });
    for (; *names != NULL; names++)
        nearest_offer(&n, *names);
    return n.best;
}

static const char *const names[] = { "status", "sync", "recover", "pin", NULL };

Test(nearest, one_slip_of_each_kind_is_forgiven)
{
    cr_assert_str_eq(nearest_of("statu", names), "status");
    cr_assert_str_eq(nearest_of("sstatus", names), "status");
    cr_assert_str_eq(nearest_of("stotus", names), "status");
    cr_assert_str_eq(nearest_of("recovre", names), "recover");
}

Test(nearest, another_word_is_like_nothing)
{
    cr_assert_null(nearest_of("elephant", names));
    cr_assert_null(nearest_of("zz", names));
}

Test(nearest, of_equals_the_first_wins_and_the_nearer_beats_the_earlier)
{
    static const char *const equals[] = { "abcd", "abce", "abcf", NULL };
    cr_assert_str_eq(nearest_of("abcg", equals), "abcd");
    cr_assert_str_eq(nearest_of("abcf", equals), "abcf");
}

Test(nearest, what_is_too_long_is_like_nothing)
{
    char wrong[NEAREST_NAME_MAX + 2];
    memset(wrong, 'a', sizeof wrong);
    struct nearest n = nearest_to((struct bytes){ wrong, sizeof wrong - 1 });
    cr_assert_not(nearest_offer(&n, "a"));
    wrong[sizeof wrong - 1] = '\0';
    cr_assert_not(nearest_offer(&n, wrong));
    n = nearest_to((struct bytes){ wrong, NEAREST_NAME_MAX });
    cr_assert_not(nearest_offer(&n, wrong), "a name of one more is beyond the limit");
    wrong[NEAREST_NAME_MAX] = '\0';
    cr_assert(nearest_offer(&n, wrong));
}
