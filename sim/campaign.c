#include "sim/campaign.h"

#include <stdio.h>
#include <unistd.h>

#include "sim/cmd.h"
#include "sim/real/workers.h"
#include "sim/report/verdict.h"
#include "util/err.h"

/* A run is a few seconds at most; one that computes for so long is not going to end. */
#define CAMPAIGN_LIMIT_US ((uint64_t)300 * 1000 * 1000)

typedef unsigned long long ull;

/* ---- jobs, as bytes ---- */

static void campaign_job_encode(const struct sweep_job *job, struct buf *out)
{
    buf_put_u64(out, job->script);
    buf_put_u64(out, job->seed);
}

static struct sweep_job campaign_job(struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    struct sweep_job job = { .script = (size_t)reader_u64(&in) };
    job.seed = reader_u64(&in);
    return job;
}

static bool campaign_next(void *owner, struct buf *out)
{
    struct campaign *c = owner;
    struct sweep_job job;
    if (c->seconds > 0 && cmd_real_us() - c->begin_us >= c->seconds * 1000000)
        return false;
    if (!sweep_next(&c->sweep, &job))
        return false;
    campaign_job_encode(&job, out);
    return true;
}

static void campaign_work(void *owner, struct bytes bytes, struct buf *result)
{
    struct campaign *c = owner;
    struct sweep_job job = campaign_job(bytes);
    struct play_result r;
    sweep_play(&c->sweep, &job, &r);
    play_result_encode(&r, result);
    play_result_deinit(&r);
}

/* ---- results ---- */

static void campaign_clear_progress(const struct campaign *c)
{
    if (c->shows_progress)
        fputs("\r\033[K", stderr);
}

static void campaign_say(const struct campaign *c, const struct script *script,
                         const struct play_result *r)
{
    struct buf out = { 0 };
    if (c->json)
        report_json(&out, script, r);
    else if (c->verbose || !r->passed)
        report_verdict(&out, script, r);
    if (out.len > 0) {
        campaign_clear_progress(c);
        fputs(buf_text(&out), stdout);
        fflush(stdout);
    }
    buf_deinit(&out);
}

static void campaign_add(struct campaign *c, const struct sweep_job *job,
                         const struct play_result *r)
{
    const struct script *script = &c->sweep.scripts[job->script];
    sweep_add(&c->sweep, r);
    campaign_say(c, script, r);
    if (c->junit != NULL)
        report_junit_case(&c->cases, script, r);
}

static void campaign_on_death(void *owner, struct bytes bytes, const char *how)
{
    struct sweep_job job = campaign_job(bytes);
    struct play_result r = { .seed = job.seed };
    play_result_blame(&r, "process", how);
    campaign_add(owner, &job, &r);
    play_result_deinit(&r);
}

static void campaign_on_result(void *owner, struct bytes bytes, struct bytes result)
{
    struct sweep_job job = campaign_job(bytes);
    struct play_result r;
    if (play_result_decode(&r, result) == OK)
        campaign_add(owner, &job, &r);
    else
        campaign_on_death(owner, bytes, "its result cannot be read");
    play_result_deinit(&r);
}

/* ---- how far, how fast ---- */

static uint64_t campaign_eta_s(const struct campaign *c, uint64_t done, uint64_t took_us)
{
    uint64_t eta_s = UINT64_MAX;
    if (c->seconds > 0)
        eta_s = c->seconds > took_us / 1000000 ? c->seconds - took_us / 1000000 : 0;
    if (done > 0 && sweep_runs(&c->sweep) != UINT64_MAX) {
        uint64_t by_count_s = took_us / done * (sweep_runs(&c->sweep) - done) / 1000000;
        eta_s = by_count_s < eta_s ? by_count_s : eta_s;
    }
    return eta_s;
}

static void campaign_on_tick(void *owner)
{
    const struct campaign *c = owner;
    if (!c->shows_progress)
        return;
    uint64_t done = c->sweep.passed + c->sweep.failed;
    uint64_t took_us = cmd_real_us() - c->begin_us + 1;
    uint64_t eta_s = campaign_eta_s(c, done, took_us);
    campaign_clear_progress(c);
    fprintf(stderr, "%llu runs, %llu failed, %llu thousand events a second", (ull)done,
            (ull)c->sweep.failed, (ull)(c->sweep.events * 1000 / took_us));
    if (eta_s != UINT64_MAX)
        fprintf(stderr, ", %llu s left", (ull)eta_s);
}

static void campaign_summary(const struct campaign *c)
{
    const struct sweep *s = &c->sweep;
    struct buf out = { 0 };
    buf_printf(
        &out,
        "%llu entries committed, %llu elections, %llu writes acknowledged, %llu open, %llu pins "
        "moved, %llu snapshots installed\n",
        (ull)s->checks.committed, (ull)s->checks.leaders, (ull)s->checks.promises_kept,
        (ull)s->checks.promises_unknown, (ull)s->checks.repins, (ull)s->checks.installs);
    if (s->checks.unjudged > 0)
        buf_printf(&out, "%llu contents: too much at once to judge what clients saw\n",
                   (ull)s->checks.unjudged);
    report_speed(&out, s->events, s->virtual_us, cmd_real_us() - c->begin_us);
    buf_printf(&out, "%llu passed, %llu failed\n", (ull)s->passed, (ull)s->failed);
    fputs(buf_text(&out), c->json ? stderr : stdout);
    buf_deinit(&out);
}

static bool campaign_write_junit(const struct campaign *c)
{
    struct buf out = { 0 };
    if (c->junit == NULL)
        return true;
    report_junit(&out, &c->cases, c->sweep.passed + c->sweep.failed, c->sweep.failed);
    bool ok = cmd_write_file(c->junit, &out);
    buf_deinit(&out);
    return ok;
}

static unsigned campaign_jobs(const struct campaign *c)
{
    uint64_t runs = sweep_runs(&c->sweep);
    uint64_t jobs = c->jobs > 0 ? c->jobs : workers_cores();
    jobs = jobs < runs ? jobs : runs;
    return jobs < WORKERS_MAX ? (unsigned)jobs : WORKERS_MAX;
}

int campaign_run(struct campaign *c)
{
    c->begin_us = cmd_real_us();
    c->shows_progress = isatty(STDERR_FILENO) == 1;
    struct workers w = { .count = campaign_jobs(c),
                         .limit_us = CAMPAIGN_LIMIT_US,
                         .next = campaign_next,
                         .work = campaign_work,
                         .on_result = campaign_on_result,
                         .on_death = campaign_on_death,
                         .on_tick = campaign_on_tick,
                         .owner = c };
    int err = workers_run(&w);
    campaign_clear_progress(c);
    if (err != OK)
        fprintf(stderr, "no process for a run: %s\n", err_text(err));
    else
        campaign_summary(c);
    bool written = campaign_write_junit(c);
    buf_deinit(&c->cases);
    if (err != OK || !written)
        return CMD_USAGE;
    return c->sweep.failed == 0 ? CMD_PASSED : CMD_FAILED;
}
