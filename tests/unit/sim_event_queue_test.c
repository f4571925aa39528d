#include <criterion/criterion.h>

#include "sim/kernel/event_queue.h"

TestSuite(sim_event_queue, .timeout = 60);

static void nothing(void *arg)
{
    (void)arg;
}

static struct event_id push(struct event_queue *q, uint64_t at_us, uint16_t who)
{
    return event_queue_push(q, &(struct event){ .at_us = at_us, .who = who, .run = nothing });
}

static uint64_t pop_time(struct event_queue *q)
{
    struct event e;
    cr_assert(event_queue_first(q, &e));
    event_queue_drop_first(q);
    event_queue_check(q);
    return e.at_us;
}

Test(sim_event_queue, equal_times_keep_their_order)
{
    struct event_queue q;
    event_queue_init(&q, 2);
    for (uint16_t who = 1; who <= 50; who++)
        push(&q, who % 3, who);
    uint64_t last_time = 0, last_seq = 0;
    for (int i = 0; i < 50; i++) {
        struct event e;
        cr_assert(event_queue_first(&q, &e));
        event_queue_drop_first(&q);
        cr_assert(e.at_us > last_time || i == 0 || e.seq > last_seq);
        cr_assert_geq(e.at_us, last_time);
        last_time = e.at_us;
        last_seq = e.seq;
    }
    event_queue_deinit(&q);
}

Test(sim_event_queue, random_pushes_cancels_and_moves_come_out_sorted)
{
    struct event_queue q;
    event_queue_init(&q, 4);
    struct event_id ids[200];
    uint64_t x = 1;
    size_t expected = 0;
    for (size_t i = 0; i < 200; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        ids[i] = push(&q, x >> 56, 1);
        expected += 1;
        x = x * 6364136223846793005u + 1442695040888963407u;
        size_t victim = (size_t)(x >> 33) % (i + 1);
        if (i % 3 == 0)
            expected -= event_queue_cancel(&q, ids[victim]) ? 1 : 0;
        else if (i % 3 == 1)
            event_queue_move(&q, ids[victim], x >> 57);
        event_queue_check(&q);
    }
    uint64_t last = 0;
    for (size_t i = 0; i < expected; i++) {
        uint64_t at = pop_time(&q);
        cr_assert_geq(at, last);
        last = at;
    }
    struct event e;
    cr_assert_not(event_queue_first(&q, &e));
    event_queue_deinit(&q);
}

Test(sim_event_queue, an_id_does_not_name_the_slots_next_tenant)
{
    struct event_queue q;
    event_queue_init(&q, 2);
    struct event_id old = push(&q, 5, 1);
    pop_time(&q);
    struct event_id young = push(&q, 6, 1);
    cr_assert_eq(old.slot, young.slot);
    cr_assert_not(event_queue_cancel(&q, old));
    cr_assert_not(event_queue_move(&q, old, 1));
    cr_assert_not(event_queue_cancel(&q, (struct event_id){ 0 }));
    cr_assert(event_queue_cancel(&q, young));
    event_queue_deinit(&q);
}

Test(sim_event_queue, parked_events_come_back_in_order_and_can_be_cancelled)
{
    struct event_queue q;
    event_queue_init(&q, 8);
    push(&q, 1, 7);
    struct event_id second = push(&q, 2, 7);
    push(&q, 3, 8);
    struct event_id timer = push(&q, 4, 7);
    for (int i = 0; i < 4; i++)
        event_queue_park_first(&q);
    struct event e;
    cr_assert_not(event_queue_first(&q, &e));
    cr_assert(event_queue_cancel(&q, second));
    cr_assert(event_queue_move(&q, timer, 30));
    event_queue_unpark(&q, 7, 20);
    cr_assert(event_queue_first(&q, &e));
    cr_assert_eq(pop_time(&q), 20);
    cr_assert_eq(pop_time(&q), 30);
    cr_assert_not(event_queue_first(&q, &e));
    event_queue_unpark(&q, 8, 21);
    cr_assert_eq(pop_time(&q), 21);
    event_queue_deinit(&q);
}

Test(sim_event_queue, a_steady_state_does_not_grow)
{
    struct event_queue q;
    event_queue_init(&q, 64);
    for (uint64_t i = 0; i < 40; i++)
        push(&q, i, 1);
    for (uint64_t i = 0; i < 10000; i++)
        push(&q, pop_time(&q) + 7 * i % 13, 1);
    cr_assert_eq(q.size, 64);
    event_queue_deinit(&q);
}
