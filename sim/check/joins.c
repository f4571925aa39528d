/* Who joins gets in, or gives up: both in time (MB2).
 *
 *      starts ---- no member yet ----> WOKE ---- catches up ----> ready
 *             |<--- start_timeout --->|    |<---- patience ---->|
 *
 * A stranger that is not admitted within its time ends, whatever it is told by whom. A member has a leader that hears it (so the
 * others, and the way to them, are well): then it catches up with what was last when that began, and is ready. News that come
 * later count for nothing, or under steady writes nobody would ever be late (K42).
 * A process that stands still, or has no memory, or a disk or a daemon that is not well, has its time again.
 * Source: DESIGN 8; SIMULATION.md 4 (K17, K42, K45). */
#include "sim/check/check_int.h"

static const char name[] = "joins";

#define JOIN_SECOND_US ((uint64_t)1000 * 1000)

/* It asks, is asked again, and looks at its deadlines. */
#define JOIN_BOUND_US (5 * JOIN_SECOND_US)
/* A snapshot, or the log, in the smallest pieces; a read that failed is asked for again. */
#define JOIN_PATIENCE_US (30 * JOIN_SECOND_US)

/* Clocks run up to half a hundredth too fast or too slow. */
static uint64_t join_longer(uint64_t span_us)
{
    return span_us + span_us / 64;
}

void checks_on_ready(struct checks *c, unsigned who)
{
    c->machines[who].join.is_over = true;
}

void joins_on_start(struct checks *c, unsigned who)
{
    c->machines[who].join = (struct record_join){ .begun_us = c->hooks.now_us(c->hooks.owner) };
}

static void join_judge_stranger(struct checks *c, unsigned who)
{
    uint64_t waits_us = c->hooks.now_us(c->hooks.owner) - c->machines[who].join.begun_us;
    if (waits_us > join_longer(alarms_health(c)->start_timeout_us) + JOIN_BOUND_US)
        check_fail(c, name, "peer %u is no member for %llu ms, and has not given up", who,
                   (unsigned long long)(waits_us / 1000));
}

static void join_judge_member(struct checks *c, unsigned who)
{
    struct record_machine *m = &c->machines[who];
    struct record_join *join = &m->join;
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    uint64_t heard_us = repairs_heard_since_us(c, who);
    if (heard_us == 0 || join->heard_us != heard_us) {
        join->heard_us = heard_us;
        join->target = record_log_last(&c->committed);
        join->moved_us = now_us;
    }
    if (m->applied != join->applied && join->applied < join->target)
        join->moved_us = now_us;
    join->applied = m->applied;
    if (heard_us != 0 && now_us - join->moved_us > JOIN_PATIENCE_US + 64 * alarms_network_us(c))
        check_fail(c, name,
                   "peer %u is heard by the leader, has entries up to %llu of the %llu that there "
                   "were, and is not ready for %llu ms",
                   who, (unsigned long long)m->applied, (unsigned long long)join->target,
                   (unsigned long long)((now_us - join->moved_us) / 1000));
}

void joins_on_time(struct checks *c)
{
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    if (alarms_health(c)->start_timeout_us == 0)
        return;
    for (unsigned who = 1; who <= c->machines_count; who++) {
        struct record_machine *m = &c->machines[who];
        bool is_well = alarms_is_well(c, who) &&
                       (c->hooks.is_well == NULL || c->hooks.is_well(c->hooks.owner, who));
        if (!is_well || m->may_be_damaged)
            m->join.begun_us = m->join.moved_us = now_us;
        else if (!m->join.is_over && !m->is_awake)
            join_judge_stranger(c, who);
        else if (!m->join.is_over)
            join_judge_member(c, who);
    }
}
