#include "tests/lib/mini_world.h"

#include <string.h>

uint64_t mini_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t mini_now_us(void *impl)
{
    return ((struct mini_world *)impl)->now_us;
}

static void mini_at(void *impl, uint64_t delay_us, void (*run)(void *arg), void *arg)
{
    struct mini_world *w = impl;
    ASSERT(w->events_count < MINI_EVENTS_MAX);
    struct mini_event event = { w->now_us + delay_us, run, arg };
    size_t i = w->events_count++;
    for (; i > 0 && w->events[i - 1].at_us > event.at_us; i--)
        w->events[i] = w->events[i - 1];
    w->events[i] = event;
}

static uint64_t mini_choose(void *impl, enum world_purpose purpose, uint64_t n)
{
    struct mini_world *w = impl;
    (void)purpose;
    return w->is_calm ? 0 : mini_random(&w->random) % n;
}

void mini_world_init(struct mini_world *w, uint64_t seed)
{
    *w = (struct mini_world){ .random = seed };
    w->hooks = (struct world_hooks){ mini_now_us, mini_at, mini_choose, w };
}

bool mini_world_step(struct mini_world *w)
{
    if (w->events_count == 0)
        return false;
    struct mini_event event = w->events[0];
    w->events_count -= 1;
    memmove(w->events, w->events + 1, w->events_count * sizeof(event));
    w->now_us = event.at_us;
    event.run(event.arg);
    return true;
}

void mini_world_run(struct mini_world *w)
{
    while (mini_world_step(w))
        continue;
}
