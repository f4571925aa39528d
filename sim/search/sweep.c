#include "sim/search/sweep.h"

static bool sweep_repeats(struct sweep *s, const struct script *script, struct play_result *first)
{
    struct play_options options = { .seed = first->seed };
    struct play_result again;
    play(script, &options, &again);
    bool equal = again.hash.high == first->hash.high && again.hash.low == first->hash.low &&
                 again.events == first->events;
    s->events += again.events;
    s->virtual_us += again.virtual_us;
    play_result_deinit(&again);
    return equal;
}

static void sweep_one(struct sweep *s, const struct script *script, uint64_t seed)
{
    struct play_options options = { .seed = seed };
    struct play_result r;
    play(script, &options, &r);
    s->events += r.events;
    s->virtual_us += r.virtual_us;
    s->checks.committed += r.checks.committed;
    s->checks.leaders += r.checks.leaders;
    s->checks.promises_kept += r.checks.promises_kept;
    s->checks.promises_unknown += r.checks.promises_unknown;
    s->checks.repins += r.checks.repins;
    if (s->twice && r.passed && !sweep_repeats(s, script, &r)) {
        s->differed += 1;
        r.passed = false;
        r.checker = "determinism";
        buf_append_text(&r.why, "played twice, and the second run was another one");
    }
    if (r.passed)
        s->passed += 1;
    else
        s->failed += 1;
    if (s->on_result != NULL)
        s->on_result(s->owner, &r);
    play_result_deinit(&r);
}

void sweep_run(struct sweep *s, const struct script *script)
{
    for (uint64_t i = 0; i < s->count; i++)
        sweep_one(s, script, s->first + i);
}
