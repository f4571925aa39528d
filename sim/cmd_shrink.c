#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/real/workers.h"
#include "sim/search/shrink.h"
#include "util/err.h"

struct shrink_args {
    uint64_t seed;
    uint64_t seconds;
    uint64_t jobs;
    const char *out;
    bool whole;
};

#define FIELD(name) offsetof(struct shrink_args, name)

static const struct cmd_option shrink_options[] = {
    { "--seed", CMD_NUMBER, FIELD(seed), "N",
      "the run that fails (what the scenario says, else 1)" },
    { "--seconds", CMD_NUMBER, FIELD(seconds), "S", "take what there is after S seconds (60)" },
    { "--jobs", CMD_NUMBER, FIELD(jobs), "N", "so many processes (one a core)" },
    { "--out", CMD_TEXT, FIELD(out), "FILE", "write the scenario there, not to stdout" },
    { "--whole", CMD_FLAG, FIELD(whole), NULL,
      "do not shrink: only say every drawn fault as a step" },
};

/* ---- playing, in child processes ---- */

/* A run that an assertion breaks off leaves its memory behind, and one may take the process with it. */
struct shrink_crew {
    const struct shrink *shrink;
    struct shrink_try *tries;
    size_t count;
    size_t begun;
    unsigned jobs;
    uint64_t over_us; /* real time */
};

static bool shrink_next(void *owner, struct buf *job)
{
    struct shrink_crew *c = owner;
    if (c->begun == c->count)
        return false;
    buf_put_u64(job, c->begun++);
    return true;
}

static struct shrink_try *shrink_try_of(struct shrink_crew *c, struct bytes job)
{
    struct reader in = reader_of(job.data, job.len);
    return &c->tries[reader_u64(&in)];
}

static void shrink_work(void *owner, struct bytes job, struct buf *result)
{
    struct shrink_crew *c = owner;
    struct shrink_try *t = shrink_try_of(c, job);
    shrink_play(c->shrink, t);
    buf_put_u8(result, t->fails);
    buf_put_u64(result, t->events);
}

static void shrink_on_result(void *owner, struct bytes job, struct bytes result)
{
    struct shrink_try *t = shrink_try_of(owner, job);
    struct reader in = reader_of(result.data, result.len);
    t->fails = reader_u8(&in) == 1;
    t->events = reader_u64(&in);
}

static void shrink_on_death(void *owner, struct bytes job, const char *how)
{
    (void)how;
    shrink_try_of(owner, job)->fails = false;
}

static bool shrink_play_all(void *owner, struct shrink_try *tries, size_t count)
{
    struct shrink_crew *c = owner;
    c->tries = tries;
    c->count = count;
    c->begun = 0;
    struct workers w = { .count = c->jobs < count ? c->jobs : (unsigned)count,
                         .limit_us = (uint64_t)60 * 1000 * 1000,
                         .next = shrink_next,
                         .work = shrink_work,
                         .on_result = shrink_on_result,
                         .on_death = shrink_on_death,
                         .owner = c };
    return workers_run(&w) == OK && cmd_real_us() < c->over_us;
}

/* ---- telling ---- */

/* Comments that say what it is; a text of many lines is one comment line each. */
static void shrink_head(struct buf *out, const struct script *script,
                        const struct play_result *goal)
{
    buf_printf(out, "# Shrunk from %s, seed %llu. Fails by the checker `%s`:\n# ", script->file,
               (unsigned long long)goal->seed, goal->checker);
    for (size_t i = 0; i < goal->why.len; i++) {
        buf_put_u8(out, goal->why.data[i]);
        if (goal->why.data[i] == '\n')
            buf_append_text(out, "# ");
    }
    buf_append_text(out, "\n");
}

static int shrink_write(const struct shrink_args *a, const struct script *script,
                        const struct shrink *s)
{
    struct buf out = { 0 };
    int code = CMD_PASSED;
    shrink_head(&out, script, &s->goal);
    plot_print(&s->best, &out);
    if (a->out == NULL)
        fputs(buf_text(&out), stdout);
    else if (!cmd_write_file(a->out, &out))
        code = CMD_USAGE;
    buf_deinit(&out);
    return code;
}

static size_t shrink_lines_of(const struct plot *p)
{
    struct buf text = { 0 };
    plot_print(p, &text);
    size_t count = plot_text_lines(buf_bytes(&text));
    buf_deinit(&text);
    return count;
}

static int shrink_whole(const struct shrink_args *a, const struct script *script)
{
    struct shrink s = { .batch = 1 };
    unroll(script, a->seed, &s.best, &s.goal);
    struct buf out = { 0 };
    buf_printf(&out, "# %s, seed %llu, with every drawn fault as a step.\n", script->file,
               (unsigned long long)a->seed);
    plot_print(&s.best, &out);
    bool ok = true;
    if (a->out == NULL)
        fputs(buf_text(&out), stdout);
    else
        ok = cmd_write_file(a->out, &out);
    buf_deinit(&out);
    shrink_deinit(&s);
    return ok ? CMD_PASSED : CMD_USAGE;
}

static int shrink_script(const struct shrink_args *a, const struct script *script)
{
    uint64_t begin_us = cmd_real_us();
    struct shrink s = { .play = shrink_play_all };
    struct shrink_crew crew = { .shrink = &s,
                                .jobs = a->jobs > 0 && a->jobs < WORKERS_MAX ? (unsigned)a->jobs
                                                                             : workers_cores(),
                                .over_us = begin_us + a->seconds * 1000000 };
    s.owner = &crew;
    s.batch = crew.jobs < SHRINK_BATCH_MAX ? crew.jobs : SHRINK_BATCH_MAX;
    int code = CMD_FAILED;
    if (shrink_begin(&s, script, a->seed)) {
        size_t before = shrink_lines_of(&s.best);
        shrink_run(&s);
        uint64_t took_ms = (cmd_real_us() - begin_us) / 1000;
        fprintf(stderr, "%zu lines, now %zu; %u runs in %llu.%03llu s%s\n", before,
                shrink_lines_of(&s.best), s.tries, (unsigned long long)(took_ms / 1000),
                (unsigned long long)(took_ms % 1000), s.is_over ? "; stopped by the time" : "");
        code = shrink_write(a, script, &s);
    } else if (s.goal.passed) {
        fprintf(stderr, "%s seed %llu passes: there is nothing to shrink\n", script->file,
                (unsigned long long)a->seed);
    } else {
        fprintf(stderr,
                "%s seed %llu fails (%s: %s), but not when it is played with its faults as steps\n",
                script->file, (unsigned long long)a->seed, s.goal.checker, buf_text(&s.goal.why));
    }
    shrink_deinit(&s);
    return code;
}

static int shrink_main(int argc, char **argv)
{
    struct shrink_args a = { .seconds = 60 };
    char swarm[] = "swarm";
    struct script script;
    int count = cmd_parse(&cmd_shrink, &a, argc, argv);
    if (count > 1)
        cmd_print_help(&cmd_shrink, stderr);
    if (count < 0 || count > 1 || !cmd_load_script(&script, count == 1 ? argv[0] : swarm))
        return CMD_USAGE;
    if (a.seed == 0)
        a.seed = script.seed;
    int code = a.whole ? shrink_whole(&a, &script) : shrink_script(&a, &script);
    script_deinit(&script);
    return code;
}

const struct cmd cmd_shrink = {
    .name = "shrink",
    .summary = "make a run that fails small",
    .usage = "shrink [FILE] --seed N [options]",
    .about = "Prints the shortest scenario it finds that fails by the same checker as this run of "
             "FILE (`swarm` if none is\n"
             "given). Exit code 0: here it is; 1: the run does not fail.\n",
    .options = shrink_options,
    .options_count = sizeof(shrink_options) / sizeof(shrink_options[0]),
    .examples =
        "  ipfs-cluster-sim shrink --seed 17 --out found.scn && ipfs-cluster-sim run found.scn\n"
        "  ipfs-cluster-sim shrink --seed 17 --whole | less\n",
    .run = shrink_main,
};
