/* What an older build cannot read is not written before all members know it. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "state/pinset.h"
#include "tests/lib/peer_alone.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(peer_level, .timeout = 60);

static void start(struct peer_alone *a, uint32_t level)
{
    peer_alone_crash(a);
    a->level = level;
    cr_assert_eq(peer_alone_start(a), OK);
    while (!a->is_ready)
        peer_alone_step(a);
}

static void check(struct peer_alone *a, const char *method, const struct cid *cid, int status)
{
    char target[400];
    snprintf(target, sizeof(target), "/pins/%s", cid_print(cid).text);
    cr_assert_eq(peer_alone_ask(a, method, target), status, "%s", target);
}

Test(peer_level, a_long_cid_waits_for_every_member)
{
    struct peer_alone a;
    struct cid cid = test_long_cid(1), usual = test_cid(1);
    peer_alone_init(&a, 1);
    start(&a, PINSET_LEVEL_LONG_CID - 1);
    check(&a, "POST", &cid, 400);
    check(&a, "POST", &usual, 200);
    check(&a, "DELETE", &cid, 404);
    start(&a, PINSET_LEVEL_LONG_CID);
    check(&a, "POST", &cid, 200);
    check(&a, "GET", &cid, 200);
    check(&a, "DELETE", &cid, 200);
    peer_alone_deinit(&a);
}
