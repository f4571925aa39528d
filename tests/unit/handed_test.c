#include <criterion/criterion.h>

#include "allocation/handed.h"
#include "tests/lib/test_ids.h"

TestSuite(handed, .timeout = 60);

/* `number` pins for each of these peers. */
static void give(struct handed *h, uint32_t peer, int number)
{
    struct peer_id id = test_peer(peer);
    for (int i = 0; i < number; i++)
        handed_give(h, &id);
}

static uint64_t waits(struct handed *h, uint64_t queued, uint64_t running, bool turns)
{
    struct handed_queue now = { .queued = queued, .running = running };
    struct handed_queue ours = handed_of(h, 0, &now, turns);
    cr_assert_leq(ours.queued, queued);
    cr_assert_leq(ours.running, running);
    return ours.queued + ours.running;
}

Test(handed, what_users_bring_does_not_count)
{
    struct handed h = { 0 };
    give(&h, 1, 5);
    cr_assert_eq(waits(&h, 8000, 10, false), 0); /* the budget counts those of this window */
    cr_assert_eq(waits(&h, 8000, 10, true), 5);
    cr_assert_eq(waits(&h, UINT32_MAX, UINT32_MAX, false), 5);
}

Test(handed, first_it_waits_then_it_is_fetched)
{
    struct handed h = { 0 };
    give(&h, 1, 5);
    cr_assert_eq(waits(&h, 3, 2, true), 5);
    struct handed_queue now = { .queued = 3, .running = 10 };
    struct handed_queue ours = handed_of(&h, 0, &now, false);
    cr_assert_eq(ours.queued, 3);
    cr_assert_eq(ours.running, 2);
}

Test(handed, what_is_gone_is_gone)
{
    struct handed h = { 0 };
    give(&h, 1, 5);
    cr_assert_eq(waits(&h, 9, 0, true), 5);
    cr_assert_eq(waits(&h, 2, 0, true), 2);
    cr_assert_eq(waits(&h, 9000, 0, true), 2);
    give(&h, 1, 3);
    cr_assert_eq(waits(&h, 0, 0, true), 0); /* those 3 need not show yet */
    cr_assert_eq(waits(&h, 9000, 0, false), 3);
}

Test(handed, who_has_nothing_left_leaves_the_list)
{
    struct handed h = { 0 };
    give(&h, 1, 1);
    give(&h, 2, 1);
    (void)waits(&h, 0, 0, true);
    handed_tidy(&h);
    cr_assert_eq(h.count, 2);
    (void)waits(&h, 0, 0, true);
    handed_tidy(&h);
    cr_assert_eq(h.count, 1);
    struct peer_id second = test_peer(2);
    cr_assert(peer_id_equal(&h.peers[0].id, &second));
    cr_assert_eq(h.peers[0].fresh, 1);
}

Test(handed, more_peers_than_a_cluster_has)
{
    struct handed h = { 0 };
    for (uint32_t i = 0; i < LIMIT_MEMBERS_COUNT + 10; i++)
        give(&h, i, 1);
    cr_assert_eq(h.count, LIMIT_MEMBERS_COUNT);
}
