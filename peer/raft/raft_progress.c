#include "raft/raft_progress.h"

#include "util/assert.h"

static void raft_progress_set(struct raft_progress *p, enum raft_progress_state state)
{
    p->state = state;
    p->is_waiting = false;
    p->is_fetching = false;
    p->ends_count = 0;
}

void raft_progress_reset(struct raft_progress *p, uint64_t next, uint64_t now_us)
{
    *p = (struct raft_progress){
        .number = p->number,
        .is_voter = p->is_voter,
        .next = next,
        .window = RAFT_WINDOW_MAX,
        .since_us = now_us,
        .is_due = true,
    };
}

bool raft_progress_may_send(const struct raft_progress *p, size_t window_max)
{
    if (p->has_lost_log)
        return false;
    switch (p->state) {
    case RAFT_PROBE:
        return !p->is_waiting && !p->is_fetching;
    case RAFT_REPLICATE:
        return p->ends_count < window_max && p->ends_count < p->window && !p->is_fetching;
    case RAFT_SNAPSHOT:
        return false;
    }
    return false;
}

void raft_progress_on_sent(struct raft_progress *p, uint64_t last)
{
    ASSERT(last >= p->next);
    if (p->state == RAFT_PROBE) {
        p->is_waiting = true; /* next stays: it may be refused */
        return;
    }
    ASSERT(p->state == RAFT_REPLICATE && p->ends_count < RAFT_WINDOW_MAX);
    p->ends[(p->ends_at + p->ends_count) % RAFT_WINDOW_MAX] = last;
    p->ends_count += 1;
    p->next = last + 1;
}

void raft_progress_on_match(struct raft_progress *p, uint64_t match)
{
    if (match > p->match)
        p->match = match;
    while (p->ends_count > 0 && p->ends[p->ends_at] <= p->match) {
        p->ends_at = (p->ends_at + 1) % RAFT_WINDOW_MAX;
        p->ends_count -= 1;
        p->window += p->window < RAFT_WINDOW_MAX;
    }
    if (p->next <= p->match) {
        p->next = p->match + 1;
        p->is_fetching = false;
    }
    /* A late answer to an older question may match below `next` - 1: then we still do not know. */
    if (p->state == RAFT_PROBE && p->next == p->match + 1)
        raft_progress_set(p, RAFT_REPLICATE);
}

bool raft_progress_is_refusal_news(const struct raft_progress *p, uint64_t refused, uint64_t round)
{
    if (round < p->asked_round)
        return false;
    switch (p->state) {
    case RAFT_PROBE:
        return refused == p->next - 1;
    case RAFT_REPLICATE:
        return refused > p->match && refused < p->next;
    case RAFT_SNAPSHOT:
        return false;
    }
    return false;
}

void raft_progress_probe(struct raft_progress *p, uint64_t next)
{
    p->next = next > p->match ? next : p->match + 1;
    p->window = 1;
    raft_progress_set(p, RAFT_PROBE);
}

void raft_progress_to_snapshot(struct raft_progress *p)
{
    raft_progress_set(p, RAFT_SNAPSHOT);
}
