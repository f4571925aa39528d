/* Pages of pins become a walk: all of them, once, whatever the size of a page; errors stand at their place. */
#include <criterion/criterion.h>

#include "state/pin_list.h"
#include "tests/lib/test_ids.h"
#include "tests/lib/test_memory.h"
#include "util/err.h"

TestSuite(pin_list, .timeout = 60);

struct shelf {
    uint32_t pins_count; /* 1, 2, ... */
    size_t page;         /* no more than these a call */
    uint32_t fails_at;   /* ERR_CORRUPT instead of this pin; 0: never */
    size_t calls;
};

static int shelf_read(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                      size_t count_max, size_t *count)
{
    struct shelf *s = impl;
    (void)arena;
    s->calls += 1;
    *count = 0;
    for (uint32_t n = 1; n <= s->pins_count && *count < count_max && *count < s->page; n++) {
        struct cid cid = test_cid(n);
        if (cid_compare(&cid, after) <= 0)
            continue;
        if (n == s->fails_at)
            return *count > 0 ? OK : ERR_CORRUPT;
        out[(*count)++] = pin_of(&cid);
    }
    return *count > 0 ? OK : ERR_NOT_FOUND;
}

/* Walks to the end; `want` pins come, then `err`. */
static void walk(struct shelf *s, uint32_t want, int err)
{
    struct pin_list list = { 0 };
    const struct pin *pin;
    for (uint32_t n = 1; n <= want; n++) {
        struct cid cid = test_cid(n);
        cr_assert_eq(pin_list_next(&list, shelf_read, s, &pin), OK, "at %u", n);
        cr_assert(cid_equal(&pin->cid, &cid), "at %u", n);
    }
    cr_assert_eq(pin_list_next(&list, shelf_read, s, &pin), err);
    cr_assert_eq(pin_list_next(&list, shelf_read, s, &pin), err, "again");
    pin_list_deinit(&list);
}

Test(pin_list, gives_all_once)
{
    for (uint32_t count = 0; count <= 2 * PIN_LIST_PAGE + 1; count++) {
        for (size_t page = 1; page <= PIN_LIST_PAGE + 1; page += 5) {
            struct shelf s = { .pins_count = count, .page = page };
            walk(&s, count, ERR_NOT_FOUND);
        }
    }
}

Test(pin_list, reads_a_page_at_a_time)
{
    struct shelf s = { .pins_count = 4 * PIN_LIST_PAGE, .page = PIN_LIST_PAGE };
    walk(&s, s.pins_count, ERR_NOT_FOUND);
    cr_assert_eq(s.calls, 4 + 2);
}

Test(pin_list, an_error_stands_at_its_place)
{
    struct shelf s = { .pins_count = 40, .page = PIN_LIST_PAGE, .fails_at = 22 };
    walk(&s, 21, ERR_CORRUPT);
}

Test(pin_list, without_memory_it_says_so)
{
    struct shelf s = { .pins_count = 1, .page = 1 };
    struct pin_list list = { 0 };
    const struct pin *pin;
    test_memory_fail(1);
    test_memory_begin();
    cr_assert_eq(pin_list_next(&list, shelf_read, &s, &pin), ERR_NOMEM);
    test_memory_end();
    cr_assert_eq(pin_list_next(&list, shelf_read, &s, &pin), OK);
    pin_list_deinit(&list);
}
