/* States compared at equal indexes: equal, other, or unknown; never a false alarm. */
#include <criterion/criterion.h>

#include "members/audit.h"
#include "util/err.h"

static struct hash128 hash_at(uint64_t index)
{
    return (struct hash128){ .high = index * 7, .low = ~index };
}

static struct audit filled(uint64_t last)
{
    struct audit a = { 0 };
    for (uint64_t i = 1; i <= last; i++)
        if (audit_is_due(i))
            audit_note(&a, i, hash_at(i));
    return a;
}

Test(audit, equal_states_are_equal)
{
    struct audit leader = filled(1000), follower = filled(700);
    struct audit_mark mark;
    cr_assert(audit_newest(&follower, &mark));
    cr_assert_eq(mark.index, 640);
    cr_assert_eq(audit_judge(&leader, &mark), AUDIT_EQUAL);
}

Test(audit, another_state_is_seen)
{
    struct audit leader = filled(1000), follower = filled(700);
    struct audit_mark mark;
    cr_assert(audit_newest(&follower, &mark));
    mark.hash.low ^= 1;
    cr_assert_eq(audit_judge(&leader, &mark), AUDIT_OTHER);
}

Test(audit, what_is_not_kept_is_unknown)
{
    struct audit leader = filled(1000);
    struct audit empty = { 0 };
    struct audit_mark mark = { 1024, hash_at(1024) }; /* not applied here yet */
    cr_assert_not(audit_newest(&empty, &mark));
    cr_assert_eq(audit_judge(&leader, &mark), AUDIT_UNKNOWN);
    struct audit_mark nothing = { 0, { 0, 0 } };
    cr_assert_eq(audit_judge(&empty, &nothing), AUDIT_UNKNOWN);
    struct audit far = filled(AUDIT_STEP * AUDIT_KEPT * 3);
    mark = (struct audit_mark){ 640, hash_at(640) }; /* long overwritten */
    cr_assert_eq(audit_judge(&far, &mark), AUDIT_UNKNOWN);
}

Test(audit, a_mark_comes_back)
{
    struct buf bytes = { 0 };
    struct audit_mark mark = { 640, hash_at(640) }, again;
    audit_mark_encode(&mark, &bytes);
    cr_assert_eq(audit_mark_decode(&again, buf_bytes(&bytes)), OK);
    cr_assert_eq(again.index, mark.index);
    cr_assert(again.hash.high == mark.hash.high && again.hash.low == mark.hash.low);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(audit_mark_decode(&again, (struct bytes){ bytes.data, len }), ERR_CORRUPT);
    bytes.data[0] = 2;
    cr_assert_eq(audit_mark_decode(&again, buf_bytes(&bytes)), ERR_VERSION);
    buf_deinit(&bytes);
}
