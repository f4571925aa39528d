/* A peer when memory is out, once, at every possible moment of its life: found, written to, killed, started again. It may
 * say no, or give up with a sentence; but it loses nothing, and started with enough it goes on. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/peer_alone.h"
#include "tests/lib/test_fatal.h"
#include "tests/lib/test_ids.h"
#include "tests/lib/test_memory.h"
#include "util/err.h"

TestSuite(peer_memory, .timeout = 120);

enum { PINS = 3, TRIES_MAX = 5 };
#define READY_WITHIN_US ((uint64_t)30 * 1000 * 1000)

static void alone_be_ready(struct peer_alone *a)
{
    uint64_t give_up_us = a->world.now_us + READY_WITHIN_US;
    for (unsigned tries = 0; !a->is_ready || a->peer == NULL; tries++) {
        cr_assert_lt(tries, TRIES_MAX, "allocation %llu: it does not come up: %s",
                     (unsigned long long)test_fatal_seed, a->why);
        if (a->peer == NULL) {
            int err = peer_alone_start(a);
            cr_assert(err == OK || (err == ERR_NOMEM && test_memory_has_failed()), "%s",
                      err_text(err));
        }
        while (a->peer != NULL && !a->is_ready && a->world.now_us < give_up_us)
            peer_alone_step(a);
        cr_assert(a->is_ready || a->peer == NULL, "not ready: %s", a->why);
    }
}

/* Repeated until it is done, as a client would. */
static void alone_ask(struct peer_alone *a, const char *method, const char *target)
{
    int status = 0;
    for (unsigned tries = 0; status != 200; tries++) {
        cr_assert_lt(tries, TRIES_MAX, "%s %s: status %d: %s", method, target, status, a->why);
        alone_be_ready(a);
        status = peer_alone_ask(a, method, target);
        if (status == 404 && strcmp(method, "DELETE") == 0)
            return; /* the first time it was done, and not told */
        cr_assert(status == 200 || test_memory_has_failed(), "%s %s: status %d", method, target,
                  status);
    }
}

/* Everywhere: no daemon tells how much room it has. */
static void alone_ask_of(struct peer_alone *a, const char *method, uint32_t n)
{
    char target[320];
    struct cid cid = test_cid(n);
    snprintf(target, sizeof(target), "/pins/%s", cid_print(&cid).text);
    alone_ask(a, method, target);
}

/* True: the n-th allocation came. */
static bool alone_live(unsigned long n)
{
    test_fatal_seed = n; /* told when something asserts */
    struct peer_alone a;
    peer_alone_init(&a, 1);
    test_memory_fail(n);
    for (uint32_t i = 0; i <= PINS; i++)
        alone_ask_of(&a, "POST", i);
    alone_ask(&a, "GET", "/allocations");
    alone_ask(&a, "GET", "/pins?local=true");
    alone_ask_of(&a, "DELETE", PINS);
    alone_ask(&a, "GET", "/allocations?consistent=true");
    peer_alone_crash(&a);
    alone_be_ready(&a);
    struct peer_glance glance;
    peer_look(a.peer, &glance);
    cr_assert_eq(glance.pins, PINS, "%lu: %llu pins", n, (unsigned long long)glance.pins);
    peer_alone_deinit(&a);
    return test_memory_has_failed();
}

Test(peer_memory, nothing_acknowledged_is_lost_whichever_allocation_fails)
{
    cr_assert_not(alone_live(0));
    unsigned long n = 1;
    while (alone_live(n))
        n += 1;
    cr_assert_gt(n, 100); /* a life has many */
}
