/* members/depart: what is said about a member on its way out. */
#include <criterion/criterion.h>

#include "members/depart.h"
#include "util/err.h"

Test(depart, what_is_said_is_heard)
{
    struct buf b = { 0 };
    struct depart_question question = { 0 };
    depart_question_encode(&(struct depart_question){ .index = 77, .gives_all_up = true }, &b);
    cr_assert_eq(depart_question_decode(&question, b.data, b.len), OK);
    cr_assert(question.index == 77 && question.gives_all_up);
    for (size_t len = 0; len < b.len; len++)
        cr_assert_eq(depart_question_decode(&question, b.data, len), ERR_CORRUPT);

    uint64_t kept = 0;
    buf_clear(&b);
    depart_kept_encode(UINT64_MAX, &b);
    cr_assert_eq(depart_kept_decode(&kept, b.data, b.len), OK);
    cr_assert_eq(kept, UINT64_MAX);
    buf_put_u8(&b, 0);
    cr_assert_eq(depart_kept_decode(&kept, b.data, b.len), ERR_CORRUPT);

    bool is_gone = false;
    buf_clear(&b);
    depart_dismissed_encode(true, &b);
    cr_assert_eq(depart_dismissed_decode(&is_gone, b.data, b.len), OK);
    cr_assert(is_gone);
    buf_deinit(&b);
}

Test(depart, what_is_newer_or_no_truth_is_refused)
{
    const uint8_t newer[] = { 2, 1 }, none[] = { 0, 1 }, neither[] = { 1, 2 };
    bool is_gone = true;
    cr_assert_eq(depart_dismissed_decode(&is_gone, newer, sizeof(newer)), ERR_VERSION);
    cr_assert_eq(depart_dismissed_decode(&is_gone, none, sizeof(none)), ERR_CORRUPT);
    cr_assert_eq(depart_dismissed_decode(&is_gone, neither, sizeof(neither)), ERR_CORRUPT);
    cr_assert(is_gone);
}
