#include <criterion/criterion.h>
#include <string.h>

#include "os/os_clock.h"
#include "os/os_resolver.h"
#include "util/err.h"

TestSuite(os_resolver, .timeout = 60);

struct asked {
    struct os_loop *loop;
    int done, err;
    size_t count;
    char first[64];
};

static void on_done(void *owner, int err, const char *why, const struct os_address *addresses,
                    size_t count)
{
    struct asked *a = owner;
    (void)why;
    a->done++;
    a->err = err;
    a->count = count;
    if (count > 0)
        strcpy(a->first, os_address_print(&addresses[0]).text);
    os_loop_stop(a->loop);
}

static struct multiaddr_endpoint endpoint_of(const char *host)
{
    struct multiaddr_endpoint e = { .kind = MULTIADDR_DNS4, .port = 9096 };
    strcpy(e.host, host);
    return e;
}

/* Longer than a label may be, so no name server is asked. */
static const char impossible[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example";

Test(os_resolver, names_become_addresses_on_the_loop)
{
    struct os_loop loop;
    struct os_resolver *r;
    struct os_lookup *l;
    cr_assert_eq(os_loop_init(&loop), OK);
    cr_assert_eq(os_resolver_create(&r, &loop), OK);
    struct asked a = { .loop = &loop };
    struct os_lookup_hooks hooks = { on_done, &a };
    struct multiaddr_endpoint e = endpoint_of("localhost");
    cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &l), OK);
    cr_assert_eq(a.done, 0);
    os_loop_run(&loop);
    cr_assert_eq(a.err, OK);
    cr_assert_str_eq(a.first, "127.0.0.1:9096");

    e = endpoint_of(impossible);
    cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &l), OK);
    os_loop_run(&loop);
    cr_assert_eq(a.err, ERR_NOT_FOUND);
    cr_assert_eq(a.done, 2);
    os_resolver_destroy(r);
    os_loop_deinit(&loop);
}

Test(os_resolver, canceled_lookups_are_never_heard_of)
{
    struct os_loop loop;
    struct os_resolver *r;
    struct os_lookup *l[20], *last;
    cr_assert_eq(os_loop_init(&loop), OK);
    cr_assert_eq(os_resolver_create(&r, &loop), OK);
    struct asked never = { .loop = &loop }, a = { .loop = &loop };
    struct os_lookup_hooks never_hooks = { on_done, &never }, hooks = { on_done, &a };
    struct multiaddr_endpoint e = endpoint_of("localhost");
    for (int i = 0; i < 20; i++)
        cr_assert_eq(os_resolver_lookup(r, &e, &never_hooks, &l[i]), OK);
    cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &last), OK);
    for (int i = 0; i < 20; i++)
        os_lookup_cancel(l[i]); /* queued, running or done: nobody knows */
    os_loop_run(&loop);
    cr_assert_eq(a.done, 1);
    cr_assert_eq(never.done, 0);

    for (int i = 0; i < 20; i++)
        cr_assert_eq(os_resolver_lookup(r, &e, &never_hooks, &l[i]), OK);
    os_resolver_destroy(r);
    os_loop_deinit(&loop);
}

Test(os_resolver, what_waits_is_limited)
{
    struct os_loop loop;
    struct os_resolver *r;
    struct os_lookup *l;
    cr_assert_eq(os_loop_init(&loop), OK);
    cr_assert_eq(os_resolver_create(&r, &loop), OK);
    struct asked a = { .loop = &loop };
    struct os_lookup_hooks hooks = { on_done, &a };
    struct multiaddr_endpoint e = endpoint_of("localhost");
    for (int i = 0; i < OS_RESOLVER_LOOKUPS; i++)
        cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &l), OK);
    cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &l), ERR_BUSY); /* none leaves but by the loop */
    while (a.done < OS_RESOLVER_LOOKUPS)
        os_loop_run(&loop);
    cr_assert_eq(os_resolver_lookup(r, &e, &hooks, &l), OK);
    os_loop_run(&loop);
    os_resolver_destroy(r);
    os_loop_deinit(&loop);
}

TestSuite(os_address, .timeout = 60);

Test(os_address, there_and_back)
{
    static const char *const rows[] = { "/ip4/127.0.0.1/tcp/9096", "/ip6/::1/tcp/1" };
    static const char *const texts[] = { "127.0.0.1:9096", "[::1]:1" };
    for (int i = 0; i < 2; i++) {
        struct multiaddr addr, back;
        struct multiaddr_endpoint e;
        struct os_address a;
        cr_assert_eq(multiaddr_parse(&addr, rows[i]), OK);
        cr_assert_eq(multiaddr_endpoint(&addr, &e), OK);
        cr_assert_eq(os_address_of_endpoint(&a, &e), OK);
        cr_assert_str_eq(os_address_print(&a).text, texts[i]);
        cr_assert_eq(os_address_multiaddr(&a, 0, &back), OK);
        cr_assert(multiaddr_equal(&addr, &back));
    }
    struct multiaddr_endpoint name = endpoint_of("localhost");
    struct os_address a;
    cr_assert_eq(os_address_of_endpoint(&a, &name), ERR_UNSUPPORTED);
    struct multiaddr mine[8];
    size_t count = os_address_of_interfaces(AF_INET, 9096, mine, 8);
    cr_assert_geq(count, 1); /* at least loopback */
    cr_assert_not(multiaddr_is_unspecified(&mine[0]));
}
