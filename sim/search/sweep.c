#include "sim/search/sweep.h"

#include "util/assert.h"

uint64_t sweep_runs(const struct sweep *s)
{
    return s->seeds_count > UINT64_MAX / s->scripts_count ? UINT64_MAX
                                                          : s->scripts_count * s->seeds_count;
}

bool sweep_next(struct sweep *s, struct sweep_job *out)
{
    if (s->begun == sweep_runs(s))
        return false;
    out->script = (size_t)(s->begun / s->seeds_count);
    uint64_t first = s->first != 0 ? s->first : s->scripts[out->script].seed;
    out->seed = first + s->begun % s->seeds_count;
    s->begun += 1;
    return true;
}

void sweep_play(const struct sweep *s, const struct sweep_job *job, struct play_result *out)
{
    ASSERT(job->script < s->scripts_count);
    const struct script *script = &s->scripts[job->script];
    play(script, &(struct play_options){ .seed = job->seed }, out);
    if (s->twice && out->passed)
        play_again(script, out);
}

void sweep_add(struct sweep *s, const struct play_result *r)
{
    s->passed += r->passed;
    s->failed += !r->passed;
    s->events += r->events;
    s->virtual_us += r->virtual_us;
    s->checks.facts += r->checks.facts;
    s->checks.committed += r->checks.committed;
    s->checks.leaders += r->checks.leaders;
    s->checks.promises_kept += r->checks.promises_kept;
    s->checks.promises_unknown += r->checks.promises_unknown;
    s->checks.repins += r->checks.repins;
    s->checks.installs += r->checks.installs;
    s->checks.unjudged += r->checks.unjudged;
}
