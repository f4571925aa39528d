/* tracker/: when the daemon is asked before it pins. */
#include <criterion/criterion.h>

#include "tests/lib/tracker_world.h"
#include "util/err.h"

TestSuite(tracker_look, .timeout = 60);

enum { MANY = 64, FEW = 16 };

static void pin_span(struct world *w, uint32_t from, uint32_t count)
{
    for (uint32_t n = from; n < from + count; n++)
        world_pin(w, n);
    world_run(w);
    for (uint32_t n = from; n < from + count; n++)
        cr_assert(world_holds(w, n), "%u", n);
}

/* A world whose daemon had nothing of what it was asked about, often enough. */
static struct world *world_of_new_pins(void)
{
    struct world *w = world_new();
    pin_span(w, 0, MANY);
    cr_assert_eq(w->kubo.looks, MANY);
    return w;
}

Test(tracker_look, a_daemon_that_never_has_it_is_asked_about_a_few_only)
{
    struct world *w = world_of_new_pins();
    pin_span(w, 1000, 10 * FEW);
    cr_assert_eq(w->kubo.looks, MANY + 10);
    cr_assert_eq(w->kubo.adds, MANY + 10 * FEW);
    world_free(w);
}

Test(tracker_look, one_that_it_has_makes_each_one_be_asked_about_again)
{
    struct world *w = world_of_new_pins();
    for (uint32_t n = 1000; n < 1000 + 10 * FEW; n++) {
        struct cid cid = test_cid(n);
        fake_kubo_pin(&w->kubo, &cid, false);
    }
    pin_span(w, 1000, 10 * FEW);
    /* Those that started before the first was asked about were told again: no harm, only work. */
    cr_assert_leq(w->kubo.adds, MANY + FEW + w->options.concurrent_pins);
    world_free(w);
}

Test(tracker_look, what_it_was_told_of_before_is_always_asked_about)
{
    struct world *w = world_of_new_pins();
    w->kubo.adds_hang = true;
    for (uint32_t n = 1000; n < 1000 + FEW; n++)
        world_pin(w, n);
    world_run(w);
    w->kubo.adds_hang = false;
    world_crash(w);
    size_t looks = w->kubo.looks;
    world_run(w);
    cr_assert_eq(w->kubo.looks - looks, FEW);
    looks = w->kubo.looks;
    for (uint32_t n = 1000; n < 1000 + FEW; n++) {
        struct cid cid = test_cid(n);
        fake_kubo_unpin(&w->kubo, &cid);
    }
    tracker_sync_all(w->tracker);
    world_run(w);
    cr_assert_geq(w->kubo.looks - looks, FEW); /* in doubt */
    for (uint32_t n = 1000; n < 1000 + FEW; n++)
        cr_assert(world_holds(w, n), "%u", n);
    world_free(w);
}

Test(tracker_look, what_failed_is_asked_about)
{
    struct world *w = world_of_new_pins();
    uint32_t n = 1000;
    w->kubo.failing = test_cid(n);
    size_t looks = w->kubo.looks;
    world_pin(w, n);
    world_run(w);
    cr_assert_eq(w->kubo.looks, looks);
    cr_assert_str_eq(world_status(w, n), "pin_error");
    w->kubo.failing = test_cid(1);
    world_pass(w, 60 * (uint64_t)SECOND);
    cr_assert(world_holds(w, n));
    cr_assert_eq(w->kubo.looks, looks + 1);
    world_free(w);
}

Test(tracker_look, unpinned_before_its_turn_is_not_pinned)
{
    struct world *w = world_of_new_pins();
    w->disk_is_slow = true; /* its row is not durable, so it does not start */
    world_pin(w, 1000);
    world_run(w);
    struct pin_entry gone = { .kind = PIN_ENTRY_UNPIN,
                              .expected = PIN_EXPECT_ANY,
                              .cid = test_cid(1000) };
    (void)world_apply_unseen(w, &gone);
    w->disk_is_slow = false;
    world_run(w);
    cr_assert_not(world_holds(w, 1000));
    cr_assert_eq(w->kubo.adds, MANY);
    world_free(w);
}
