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

Test(nearest, what_is_begun_is_meant)
{
    cr_assert_str_eq(nearest_of("rec", names), "recover");
    cr_assert_null(nearest_of("re", names), "two letters begin everything");
    static const char *const both[] = { "recovery", "reck", NULL };
    cr_assert_str_eq(nearest_of("rec", both), "reck", "what is nearer, all the same");
}

Test(nearest, only_the_end_may_be_wrong)
{
    struct nearest whole = nearest_to((struct bytes){ "cluster.foo", 11 });
    struct nearest end = nearest_to_end((struct bytes){ "cluster.foo", 11 }, 3);
    cr_assert(nearest_offer(&whole, "cluster.id"));
    cr_assert_not(nearest_offer(&end, "cluster.id"));
    cr_assert(nearest_offer_len(&end, "cluster.fool and more", 12));
    cr_assert_eq(end.best_len, 12);
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
