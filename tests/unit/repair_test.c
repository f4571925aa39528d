#include <criterion/criterion.h>

#include "allocation/repair.h"
#include "state/pinset.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(repair, .timeout = 60);

enum { PEERS_MAX = 8, IN_FLIGHT = 3 };

/* A state, its members, and a leader who repairs. */
struct world {
    struct fake_map map;
    struct pinset *set;
    uint64_t index;
    struct repair *repair;
    struct allocate_candidate members[PEERS_MAX];
    size_t members_count;
    struct arena arena;
    struct repair_proposal waiting[IN_FLIGHT];
    unsigned refused; /* told of */
    size_t waiting_count;
    unsigned budget;
};

static void world_init(struct world *w, size_t members)
{
    *w = (struct world){ .members_count = members, .budget = 1000 };
    struct repair_options options = { .in_flight_max = IN_FLIGHT };
    cr_assert_eq(pinset_create(&w->set), OK);
    cr_assert_eq(repair_create(&w->repair, &options), OK);
    for (uint32_t i = 0; i < members; i++) {
        w->members[i].id = test_peer(i);
        w->members[i].metrics[0] = (struct allocate_metric){ .is_present = true, .weight = i };
    }
}

static void world_deinit(struct world *w)
{
    pinset_destroy(w->set);
    repair_destroy(w->repair);
    fake_map_deinit(&w->map);
    arena_deinit(&w->arena);
}

static int world_apply(struct world *w, const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    struct pinset_applied out;
    struct view view = fake_map_view(&w->map);
    struct row_sink sink = fake_map_sink(&w->map);
    pin_entry_encode(e, &bytes);
    cr_assert_eq(pinset_apply(w->set, &view, &sink, ++w->index, 1, bytes.data, bytes.len, &out),
                 OK);
    buf_deinit(&bytes);
    return pinset_outcome_err(out.outcome);
}

/* A user's pin: cid n, factor, holders as digits. */
static void world_pin(struct world *w, uint32_t n, int32_t min, int32_t max, const char *holders)
{
    struct cid cid = test_cid(n);
    struct peer_id ids[PEERS_MAX];
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    for (size_t i = 0; holders[i] != 0; i++)
        ids[i] = test_peer((uint32_t)(holders[i] - '0'));
    e.pin.replication_min = min;
    e.pin.replication_max = max;
    e.pin.allocations = ids;
    e.pin.allocations_count = strlen(holders);
    cr_assert_eq(world_apply(w, &e), OK);
}

static const char *world_holders(struct world *w, uint32_t n)
{
    static char got[PEERS_MAX + 1];
    struct cid cid = test_cid(n);
    struct pin pin;
    struct view view = fake_map_view(&w->map);
    cr_assert_eq(pinset_get(&view, &cid, &w->arena, &pin), OK);
    for (size_t i = 0; i < pin.allocations_count; i++)
        got[i] = (char)('0' + pin.allocations[i].bytes[9]);
    got[pin.allocations_count] = 0;
    return got;
}

/* One event of the leader: look, take what there is. */
static int world_step(struct world *w)
{
    struct view view = fake_map_view(&w->map);
    unsigned steps = w->budget;
    int err = OK;
    repair_look(w->repair, w->members, w->members_count, 1);
    while (err == OK || err == ERR_NOT_ENOUGH_PEERS) {
        cr_assert_leq(w->waiting_count, (size_t)IN_FLIGHT);
        struct repair_proposal p;
        err = repair_next(w->repair, &view, &steps, w->members, w->members_count, 1, &w->arena, &p);
        if (err == OK)
            w->waiting[w->waiting_count++] = p;
        w->refused += err == ERR_NOT_ENOUGH_PEERS;
    }
    cr_assert_leq(view.steps, w->budget);
    return err;
}

static int world_commit(struct world *w, size_t which)
{
    struct repair_proposal p = w->waiting[which];
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = p.expected, .pin = p.pin };
    w->waiting[which] = w->waiting[--w->waiting_count];
    int err = world_apply(w, &e);
    repair_on_outcome(w->repair, &p.pin.cid, err);
    return err;
}

/* Until all is well. How many proposals it took. */
static uint64_t world_settle(struct world *w)
{
    uint64_t before = repair_counts(w->repair).proposed;
    for (int i = 0; i < 2000; i++) {
        int err = world_step(w);
        cr_assert(err == ERR_NOT_FOUND || err == ERR_MORE);
        while (w->waiting_count > 0)
            world_commit(w, 0);
        if (repair_is_done(w->repair))
            return repair_counts(w->repair).proposed - before;
    }
    cr_assert_fail("the repair does not end");
    return 0;
}

Test(repair, pins_move_away_from_the_dead_and_only_they)
{
    struct world w;
    world_init(&w, 4);
    world_pin(&w, 1, 2, 2, "01");
    world_pin(&w, 2, 2, 2, "12");
    world_pin(&w, 3, 2, 2, "23");
    world_pin(&w, 4, 1, 2, "01");
    cr_assert_eq(world_settle(&w), 0);
    w.members[1].standing = ALLOCATE_DOWN;
    cr_assert_eq(world_settle(&w), 2);
    cr_assert_str_eq(world_holders(&w, 1), "03");
    cr_assert_str_eq(world_holders(&w, 2), "23");
    cr_assert_str_eq(world_holders(&w, 3), "23");
    cr_assert_str_eq(world_holders(&w, 4), "01"); /* one living holder is enough for it */
    w.members[1].standing = ALLOCATE_HEALTHY;
    cr_assert_eq(world_settle(&w), 0); /* nothing moves back */
    world_deinit(&w);
}

Test(repair, suspects_keep_what_they_hold)
{
    struct world w;
    world_init(&w, 3);
    world_pin(&w, 1, 1, 1, "1");
    w.members[1].standing = ALLOCATE_SUSPECT;
    cr_assert_eq(world_settle(&w), 0);
    world_deinit(&w);
}

/* K28, K32: nobody has to name the victims. */
Test(repair, several_dead_removed_and_leaving_at_once)
{
    struct world w;
    world_init(&w, 6);
    world_pin(&w, 1, 2, 2, "01");
    world_pin(&w, 2, 2, 3, "072"); /* 7 was removed */
    world_pin(&w, 3, 1, 1, "7");
    world_pin(&w, 4, 2, 2, "12");
    w.members[0].standing = ALLOCATE_DOWN;
    w.members[1].standing = ALLOCATE_DOWN;
    w.members[2].standing = ALLOCATE_LEAVING;
    world_settle(&w);
    cr_assert_str_eq(world_holders(&w, 1), "54");
    cr_assert_str_eq(world_holders(&w, 2), "543");
    cr_assert_str_eq(world_holders(&w, 3), "5");
    cr_assert_str_eq(world_holders(&w, 4), "54");
    world_deinit(&w);
}

/* K37: whoever came back in the middle of a walk is left alone from then on. */
Test(repair, liveness_counts_at_the_moment_of_each_pin)
{
    struct world w;
    world_init(&w, 3);
    for (uint32_t n = 0; n < 20; n++)
        world_pin(&w, n, 1, 1, "0");
    w.members[0].standing = ALLOCATE_DOWN;
    world_step(&w);
    cr_assert_eq(w.waiting_count, IN_FLIGHT);
    w.members[0].standing = ALLOCATE_HEALTHY;
    cr_assert_eq(world_settle(&w), 0);
    cr_assert_eq(repair_counts(w.repair).proposed, IN_FLIGHT);
    world_deinit(&w);
}

/* PA8: the user's word counts, and the next walk repairs what the user said. */
Test(repair, a_pin_that_moved_meanwhile_is_not_overwritten)
{
    struct world w;
    world_init(&w, 3);
    world_pin(&w, 1, 1, 1, "0");
    world_pin(&w, 2, 1, 1, "0");
    w.members[0].standing = ALLOCATE_DOWN;
    world_step(&w);
    cr_assert_eq(w.waiting_count, 2);
    world_pin(&w, 1, 2, 2, "01");
    struct pin_entry unpin = { .kind = PIN_ENTRY_UNPIN,
                               .expected = PIN_EXPECT_ANY,
                               .cid = test_cid(2) };
    world_apply(&w, &unpin);
    cr_assert_eq(world_commit(&w, 1), ERR_STALE);
    cr_assert_eq(world_commit(&w, 0), ERR_STALE);
    cr_assert_str_eq(world_holders(&w, 1), "01");
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 1), "12");
    cr_assert_eq(pinset_facts(w.set)->pins_count, 1);
    world_deinit(&w);
}

Test(repair, an_unknown_outcome_is_looked_at_again)
{
    struct world w;
    world_init(&w, 3);
    world_pin(&w, 1, 1, 1, "0");
    w.members[0].standing = ALLOCATE_DOWN;
    world_step(&w);
    cr_assert_eq(w.waiting_count, 1);
    cr_assert_eq(world_step(&w), ERR_NOT_FOUND); /* it waits */
    cr_assert(!repair_is_done(w.repair));
    repair_on_outcome(w.repair, &w.waiting[0].pin.cid, ERR_OUTCOME_UNKNOWN);
    w.waiting_count = 0;
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 1), "2");
    world_deinit(&w);
}

Test(repair, one_pin_is_in_flight_once)
{
    struct world w;
    world_init(&w, 5);
    world_pin(&w, 1, 2, 2, "01"); /* two dead holders: a walk comes to it twice */
    w.members[0].standing = ALLOCATE_DOWN;
    w.members[1].standing = ALLOCATE_DOWN;
    world_step(&w);
    cr_assert_eq(w.waiting_count, 1);
    w.members[2].standing = ALLOCATE_DOWN; /* another walk begins */
    world_step(&w);
    cr_assert_eq(w.waiting_count, 1);
    world_settle(&w);
    cr_assert_str_eq(world_holders(&w, 1), "43");
    world_deinit(&w);
}

Test(repair, what_lacks_peers_is_counted_and_done_when_some_come)
{
    struct world w;
    world_init(&w, 2);
    world_pin(&w, 1, 2, 2, "01");
    w.members[0].standing = ALLOCATE_DOWN;
    cr_assert_eq(world_settle(&w), 0);
    cr_assert_eq(repair_counts(w.repair).lacking, 1);
    uint64_t walks = repair_counts(w.repair).walks;
    cr_assert_eq(world_settle(&w), 0);
    cr_assert_eq(repair_counts(w.repair).walks, walks); /* it does not spin */
    cr_assert_eq(w.refused, 1);
    w.members_count = 3;
    w.members[2] = (struct allocate_candidate){ .id = test_peer(2) };
    cr_assert_eq(world_settle(&w), 0); /* a member, but it said nothing about its room yet */
    w.members[2].metrics[0].is_present = true;
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 1), "12");
    cr_assert_eq(repair_counts(w.repair).lacking, 0);
    world_deinit(&w);
}

/* Two of four holders are gone and one peer could take a copy: it does, and the rest is done when another comes. */
Test(repair, what_can_be_done_is_done)
{
    struct world w;
    world_init(&w, 5);
    world_pin(&w, 1, 4, 4, "0123");
    w.members[0].standing = w.members[1].standing = ALLOCATE_DOWN;
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 1), "2340");
    cr_assert_eq(repair_counts(w.repair).lacking, 1);
    cr_assert_eq(world_settle(&w), 0); /* and not again and again */
    w.members_count = 6;
    w.members[5] = w.members[4];
    w.members[5].id = test_peer(5);
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 1), "2345");
    cr_assert_eq(repair_counts(w.repair).lacking, 0);
    world_deinit(&w);
}

Test(repair, the_most_endangered_come_first)
{
    struct world w;
    world_init(&w, 5);
    world_pin(&w, 1, 4, 4, "0123");
    world_pin(&w, 2, 3, 3, "012");
    world_pin(&w, 3, 2, 2, "01");
    world_pin(&w, 4, 1, 1, "0");
    w.members[0].standing = ALLOCATE_DOWN;
    world_step(&w);
    cr_assert_eq(w.waiting_count, 3);
    struct cid second = test_cid(2), third = test_cid(3), fourth = test_cid(4);
    cr_assert(cid_equal(&w.waiting[0].pin.cid, &third));
    cr_assert(cid_equal(&w.waiting[1].pin.cid, &fourth));
    cr_assert(cid_equal(&w.waiting[2].pin.cid, &second));
    world_settle(&w);
    world_deinit(&w);
}

Test(repair, goes_on_where_the_budget_ended)
{
    struct world w;
    world_init(&w, 3);
    for (uint32_t n = 0; n < 50; n++)
        world_pin(&w, n, 1, 2, "01"); /* nothing to do, but to look */
    world_pin(&w, 99, 1, 1, "0");
    w.members[0].standing = ALLOCATE_DOWN;
    w.budget = 7;
    cr_assert_eq(world_step(&w), ERR_MORE);
    cr_assert_eq(world_settle(&w), 1);
    cr_assert_str_eq(world_holders(&w, 99), "2");
    world_deinit(&w);
}

/* ---- property: it ends, with as few moves as losses, whatever happens in between ---- */

static size_t world_lost(struct world *w, uint32_t pins)
{
    size_t lost = 0;
    for (uint32_t n = 0; n < pins; n++) {
        const char *holders = world_holders(w, n);
        size_t living = 0;
        for (size_t i = 0; holders[i] != 0; i++)
            living += w->members[holders[i] - '0'].standing == ALLOCATE_HEALTHY;
        lost += living < 2;
    }
    return lost;
}

Test(repair, ends_with_every_pin_on_enough_peers_and_moves_no_more_than_it_must)
{
    struct test_random random = { 5 };
    for (int round = 0; round < 60; round++) {
        struct world w;
        world_init(&w, PEERS_MAX);
        w.budget = 8 + (unsigned)test_random_below(&random, 100);
        uint32_t pins = (uint32_t)test_random_below(&random, 40);
        for (uint32_t n = 0; n < pins; n++) {
            uint64_t a = test_random_below(&random, PEERS_MAX);
            uint64_t b = (a + 1 + test_random_below(&random, PEERS_MAX - 1)) % PEERS_MAX;
            char holders[] = { (char)('0' + a), (char)('0' + b), 0 };
            world_pin(&w, n, 2, 2, holders);
        }
        for (int change = 0; change < 6; change++) {
            uint64_t who = test_random_below(&random, PEERS_MAX);
            bool dies = test_random_below(&random, 2) != 0 && change < 4;
            w.members[who].standing = dies ? ALLOCATE_DOWN : ALLOCATE_HEALTHY;
            world_step(&w);
            while (w.waiting_count > 0)
                world_commit(&w, test_random_below(&random, w.waiting_count));
        }
        for (size_t i = 0; i < 4; i++)
            w.members[i].standing = ALLOCATE_HEALTHY; /* always enough */
        size_t lost = world_lost(&w, pins);
        uint64_t moved = world_settle(&w);
        cr_assert_eq(moved, lost);
        cr_assert_eq(world_lost(&w, pins), 0);
        world_deinit(&w);
    }
}
