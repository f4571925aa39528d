#include "sim/kernel/sim.h"

#include <string.h>

#include "util/assert.h"

enum { SIM_INSTANT_EVENTS_MAX = 1000 * 1000 };

void sim_init(struct sim *s, uint64_t seed, const struct trace_hooks *hooks, unsigned every_log2)
{
    memset(s, 0, sizeof(*s));
    event_queue_init(&s->queue, 1024);
    choose_init(&s->choose, seed);
    trace_init(&s->trace, hooks, every_log2);
}

void sim_deinit(struct sim *s)
{
    event_queue_deinit(&s->queue);
    trace_deinit(&s->trace);
}

struct event_id sim_at(struct sim *s, uint64_t delay_us, enum sim_kind kind, unsigned who,
                       uint64_t payload, void (*run)(void *arg), void *arg)
{
    ASSERT(who < SIM_WHO_COUNT);
    ASSERT(delay_us < UINT64_MAX - s->now_us);
    return event_queue_push(&s->queue, &(struct event){ .at_us = s->now_us + delay_us,
                                                        .run = run,
                                                        .arg = arg,
                                                        .payload = payload,
                                                        .kind = kind,
                                                        .who = (uint16_t)who });
}

bool sim_cancel(struct sim *s, struct event_id *id)
{
    bool was_queued = event_queue_cancel(&s->queue, *id);
    *id = (struct event_id){ 0 };
    return was_queued;
}

void sim_at_again(struct sim *s, struct event_id *id, uint64_t at_us, enum sim_kind kind,
                  unsigned who, void (*run)(void *arg), void *arg)
{
    ASSERT(at_us >= s->now_us);
    if (!event_queue_move(&s->queue, *id, at_us))
        *id = sim_at(s, at_us - s->now_us, kind, who, 0, run, arg);
}

bool sim_step(struct sim *s, uint64_t until_us)
{
    struct event next;
    while (!s->is_stopped && event_queue_first(&s->queue, &next) && next.at_us <= until_us) {
        ASSERT(next.at_us >= s->now_us);
        s->instant_events = next.at_us == s->now_us ? s->instant_events + 1 : 0;
        if (s->instant_events > SIM_INSTANT_EVENTS_MAX)
            fatal("a million events at one moment: somebody asks for a deadline that is over, for "
                  "ever");
        s->now_us = next.at_us;
        if (s->is_frozen[next.who]) {
            event_queue_park_first(&s->queue);
            continue;
        }
        event_queue_drop_first(&s->queue);
        trace_event(&s->trace, next.at_us, next.seq, next.kind, next.who, next.payload);
        next.run(next.arg);
        if (s->events_max > 0 && s->trace.events > s->events_max)
            s->is_stopped = true;
        return true;
    }
    if (!s->is_stopped && s->now_us < until_us)
        s->now_us = until_us;
    return false;
}

void sim_run(struct sim *s, uint64_t until_us)
{
    while (sim_step(s, until_us)) {
    }
}

void sim_stop(struct sim *s)
{
    s->is_stopped = true;
}

void sim_freeze(struct sim *s, unsigned who)
{
    ASSERT(who > 0 && who < SIM_WHO_COUNT);
    s->is_frozen[who] = true;
}

void sim_thaw(struct sim *s, unsigned who)
{
    ASSERT(who > 0 && who < SIM_WHO_COUNT);
    if (!s->is_frozen[who])
        return;
    s->is_frozen[who] = false;
    event_queue_unpark(&s->queue, (uint16_t)who, s->now_us);
}

void sim_note(struct sim *s, enum sim_kind kind, unsigned who, uint64_t payload)
{
    trace_event(&s->trace, s->now_us, 0, kind, (uint16_t)who, payload);
}

uint64_t sim_events(const struct sim *s)
{
    return s->trace.events;
}
