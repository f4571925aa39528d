/* What a client may ask to be pinned, and what it is told when it may not. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/peer_alone.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(peer_write, .timeout = 60);

static void check(struct peer_alone *a, const char *options, int status)
{
    char target[1600];
    struct cid cid = test_cid(1);
    cr_assert_lt(snprintf(target, sizeof(target), "/pins/%s?%s", cid_print(&cid).text, options),
                 (int)sizeof(target));
    cr_assert_eq(peer_alone_ask(a, "POST", target), status, "%s", options);
}

Test(peer_write, limits_of_our_own_are_the_clients_mistake)
{
    struct peer_alone a;
    char options[LIMIT_PIN_NAME_BYTES + 16] = "name=";
    peer_alone_init(&a, 1);
    cr_assert_eq(peer_alone_start(&a), OK);
    while (!a.is_ready)
        peer_alone_step(&a);
    memset(options + strlen(options), 'n', LIMIT_PIN_NAME_BYTES + 1);
    check(&a, options, 400);
    options[strlen(options) - 1] = '\0';
    check(&a, options, 200);
    check(&a, "replication-min=3&replication-max=2", 500); /* as V1 */
    check(&a, "mode=direct", 500);                         /* what is pinned recursively */
    peer_alone_deinit(&a);
}
