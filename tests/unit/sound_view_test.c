#include <criterion/criterion.h>
#include <string.h>

#include "store/sound_view.h"
#include "util/err.h"

TestSuite(sound_view, .timeout = 60);

/* A view over the rows a, b, ...; those in `bad` are damaged. */
struct letters {
    size_t count;
    const char *bad;
    size_t at; /* 1..count; 0 before, count + 1 behind */
};

static int letters_land(struct letters *l, size_t at, struct view_row *row)
{
    static const char alphabet[] = "abcdefghij";
    l->at = at;
    if (at == 0 || at > l->count)
        return ERR_NOT_FOUND;
    if (strchr(l->bad, alphabet[at - 1]) != NULL)
        return ERR_CORRUPT;
    row->key = row->value = (struct bytes){ &alphabet[at - 1], 1 };
    return OK;
}

static int letters_get(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct letters *l = impl;
    struct view_row row;
    (void)table;
    int err = letters_land(l, (size_t)(*(const char *)key.data - 'a') + 1, &row);
    if (err == OK)
        *value = row.value;
    return err;
}

static int letters_seek(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    (void)table;
    return letters_land(impl, key.len == 0 ? 1 : (size_t)(*(const char *)key.data - 'a') + 1, row);
}

static int letters_next(void *impl, unsigned table, struct view_row *row)
{
    struct letters *l = impl;
    (void)table;
    return letters_land(l, l->at + 1, row);
}

static int letters_prev(void *impl, unsigned table, struct view_row *row)
{
    struct letters *l = impl;
    (void)table;
    return letters_land(l, l->at - 1, row);
}

static const struct view_ops letters_ops = { letters_get, letters_seek, letters_next,
                                             letters_prev };

static char first_of(struct view_row row)
{
    return *(const char *)row.key.data;
}

Test(sound_view, damaged_rows_are_passed_over_and_counted)
{
    struct letters l = { .count = 7, .bad = "acdg" };
    struct view below = { .ops = &letters_ops, .impl = &l };
    struct sound_view s;
    struct view view;
    struct view_row row;
    struct bytes value;
    sound_view_over(&s, &below, &view);
    cr_assert_eq(view_seek(&view, 0, (struct bytes){ NULL, 0 }, &row), OK);
    cr_assert_eq(first_of(row), 'b');
    cr_assert_eq(view_next(&view, 0, &row), OK);
    cr_assert_eq(first_of(row), 'e');
    cr_assert_eq(view_next(&view, 0, &row), OK);
    cr_assert_eq(view_next(&view, 0, &row), ERR_NOT_FOUND, "the last one is damaged");
    cr_assert_eq(s.damaged_count, 4);
    cr_assert_eq(view_prev(&view, 0, &row), OK);
    cr_assert_eq(first_of(row), 'f');
    cr_assert_eq(view_get(&view, 0, (struct bytes){ "c", 1 }, &value), ERR_NOT_FOUND);
    cr_assert_eq(view_get(&view, 0, (struct bytes){ "e", 1 }, &value), OK);
    cr_assert_eq(s.damaged_count, 6);
}
