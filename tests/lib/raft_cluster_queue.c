/* Chance and time: one stream of numbers, one heap of events ordered by (time, sequence). */
#include "tests/lib/raft_cluster_int.h"

#include "util/assert.h"
#include "util/mem.h"

/* ---- chance ---- */

uint64_t cluster_random(struct raft_cluster *c)
{
    c->rng += 0x9e3779b97f4a7c15; /* splitmix64 */
    uint64_t z = c->rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t raft_cluster_below(struct raft_cluster *c, uint64_t n)
{
    return n > 0 ? cluster_random(c) % n : 0;
}

uint64_t cluster_between(struct raft_cluster *c, uint64_t min, uint64_t max)
{
    return min + raft_cluster_below(c, max - min + 1);
}

/* ---- events ---- */

static bool event_is_before(const struct cluster_event *a, const struct cluster_event *b)
{
    return a->time_us < b->time_us || (a->time_us == b->time_us && a->seq < b->seq);
}

void cluster_push(struct raft_cluster *c, struct cluster_event e, uint64_t wait_us)
{
    if (c->events_count == c->events_size) {
        c->events_size = c->events_size > 0 ? 2 * c->events_size : 256;
        c->events = mem_realloc(c->events, c->events_size * sizeof(*c->events));
        ASSERT(c->events != NULL);
    }
    e.time_us = c->now_us + wait_us;
    e.seq = ++c->seq;
    size_t at = c->events_count++;
    while (at > 0 && event_is_before(&e, &c->events[(at - 1) / 2])) {
        c->events[at] = c->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    c->events[at] = e;
}

struct cluster_event cluster_pop(struct raft_cluster *c)
{
    struct cluster_event first = c->events[0];
    struct cluster_event last = c->events[--c->events_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= c->events_count)
            break;
        if (child + 1 < c->events_count &&
            event_is_before(&c->events[child + 1], &c->events[child]))
            child += 1;
        if (!event_is_before(&c->events[child], &last))
            break;
        c->events[at] = c->events[child];
        at = child;
    }
    c->events[at] = last;
    return first;
}
