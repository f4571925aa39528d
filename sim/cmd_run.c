#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "sim/campaign.h"
#include "sim/cmd.h"
#include "sim/real/real_stage.h"
#include "sim/report/verdict.h"
#include "sim/search/recording.h"
#include "sim/watch.h"
#include "util/assert.h"
#include "util/mem.h"

struct run_args {
    uint64_t seed;
    uint64_t seeds;
    uint64_t jobs;
    const char *junit;
    const char *save_choices;
    bool twice;
    bool json;
    bool real;
    const char *programs;
    struct watch watch;
};

#define FIELD(name) offsetof(struct run_args, name)

static const struct cmd_option run_options[] = {
    { "--seed", CMD_NUMBER, FIELD(seed), "N",
      "the seed of all chance (what the scenario says, else 1)" },
    { "--seeds", CMD_NUMBER, FIELD(seeds), "N", "so many seeds, from that one on" },
    { "--jobs", CMD_NUMBER, FIELD(jobs), "N", "so many processes (one a core)" },
    { "--twice", CMD_FLAG, FIELD(twice), NULL, "each seed twice; the hashes have to be equal" },
    { "--json", CMD_FLAG, FIELD(json), NULL, "one JSON object a run, and nothing else" },
    { "--junit", CMD_TEXT, FIELD(junit), "FILE", "a report for a CI" },
    { "--real", CMD_FLAG, FIELD(real), NULL, "with real processes on loopback, in real time" },
    { "--programs", CMD_TEXT, FIELD(programs), "DIR",
      "where ipfs-cluster-service is, for --real (beside this program)" },
    { "--save-choices", CMD_TEXT, FIELD(save_choices), "FILE",
      "keep the run, for `replay` (one run, as all below)" },
    { "--trace", CMD_FLAG, FIELD(watch.trace), NULL, "a line for everything that happens" },
    { "--log", CMD_TEXT, FIELD(watch.log), "LEVEL",
      "the peers' own lines: error, warn, info, debug" },
    { "--hashes", CMD_NUMBER, FIELD(watch.hashes), "K",
      "the trace hash after each 2^K events: where do two runs part?" },
};

/* ---- one run ---- */

static bool run_save(const char *file, const struct script *script, const struct play_result *r,
                     const struct choice_log *choices)
{
    struct buf out = { 0 };
    recording_encode(&out, script, r, choices);
    bool ok = cmd_write_file(file, &out);
    buf_deinit(&out);
    return ok;
}

static int run_one(const struct run_args *a, const struct script *script)
{
    struct play_options options = { .seed = a->seed != 0 ? a->seed : script->seed };
    struct play_result result;
    struct choice_log *choices = mem_zalloc(sizeof(*choices));
    ASSERT(choices != NULL);
    watch_hooks(&a->watch, &options);
    if (a->save_choices != NULL)
        options.record = choices;
    uint64_t begin_us = cmd_real_us();
    play(script, &options, &result);
    uint64_t took_us = cmd_real_us() - begin_us;
    if (a->twice && result.passed)
        play_again(script, &result);
    int code = watch_verdict(script, &result, a->json, took_us);
    if (a->save_choices != NULL && !run_save(a->save_choices, script, &result, choices))
        code = CMD_USAGE;
    choice_log_deinit(choices);
    mem_free(choices);
    play_result_deinit(&result);
    return code;
}

/* ---- with real processes ---- */

static bool run_find_programs(char folder[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len <= 0)
        return false;
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    return true;
}

/* Plays it, says so, and adds it to the report. */
static bool run_one_really(const struct run_args *a, const struct script *script, uint64_t seed,
                           const char *programs, struct buf *cases)
{
    struct play_result result;
    real_play(script, seed, programs, &result);
    bool passed = watch_verdict(script, &result, a->json, 0) == CMD_PASSED;
    fflush(stdout); /* the next one takes its time */
    report_junit_case(cases, script, &result);
    play_result_deinit(&result);
    return passed;
}

static bool run_write_junit(const struct run_args *a, const struct buf *cases, uint64_t count,
                            uint64_t failed)
{
    struct buf out = { 0 };
    report_junit(&out, cases, count, failed);
    bool ok = cmd_write_file(a->junit, &out);
    buf_deinit(&out);
    return ok;
}

/* One after the other: they share the machine's time. */
static int run_really(const struct run_args *a, const struct scripts *scripts)
{
    char beside[PATH_MAX];
    const char *programs = a->programs;
    struct buf cases = { 0 };
    uint64_t count = 0, failed = 0;
    if (programs == NULL && run_find_programs(beside))
        programs = beside;
    for (size_t i = 0; i < scripts->count; i++) {
        const struct script *script = &scripts->list[i];
        uint64_t first = a->seed != 0 ? a->seed : script->seed;
        for (uint64_t n = 0; n < a->seeds; n++) {
            count += 1;
            failed += !run_one_really(a, script, first + n, programs, &cases);
        }
    }
    bool written = a->junit == NULL || run_write_junit(a, &cases, count, failed);
    buf_deinit(&cases);
    return !written ? CMD_USAGE : failed == 0 ? CMD_PASSED : CMD_FAILED;
}

/* ---- all of them ---- */

static int run_all(const struct run_args *a, const struct scripts *scripts)
{
    struct campaign c = { .sweep = { .scripts = scripts->list,
                                     .scripts_count = scripts->count,
                                     .first = a->seed,
                                     .seeds_count = a->seeds,
                                     .twice = a->twice },
                          .jobs = a->jobs,
                          .verbose = true,
                          .json = a->json,
                          .junit = a->junit };
    return campaign_run(&c);
}

static bool run_is_sensible(const struct run_args *a, int files)
{
    bool is_single = watch_is_on(&a->watch) || a->save_choices != NULL;
    if (files == 0)
        cmd_print_help(&cmd_run, stderr);
    if (files <= 0 || !watch_is_sensible(&a->watch))
        return false;
    if (a->seeds == 0) {
        fputs("--seeds: expected 1 or more\n", stderr);
        return false;
    }
    if (a->real && (is_single || a->twice)) {
        fputs("--twice, --save-choices, --trace, --log and --hashes are for virtual time, not for "
              "--real\n",
              stderr);
        return false;
    }
    if (is_single && (files > 1 || a->seeds > 1 || a->junit != NULL)) {
        fputs("--save-choices, --trace, --log and --hashes are for one run: one FILE, one seed, no "
              "report\n",
              stderr);
        return false;
    }
    return true;
}

static int run_main(int argc, char **argv)
{
    struct run_args a = { .seeds = 1 };
    struct scripts scripts;
    int files = cmd_parse(&cmd_run, &a, argc, argv);
    if (!run_is_sensible(&a, files) || !cmd_load_scripts(&scripts, files, argv))
        return CMD_USAGE;
    bool is_one = files == 1 && a.seeds == 1 && a.junit == NULL;
    int code = a.real   ? run_really(&a, &scripts)
               : is_one ? run_one(&a, &scripts.list[0])
                        : run_all(&a, &scripts);
    cmd_free_scripts(&scripts);
    return code;
}

const struct cmd cmd_run = {
    .name = "run",
    .summary = "play scenarios",
    .usage = "run FILE... [options]",
    .about =
        "Plays scenarios in virtual time. A FILE may be `swarm`, the built-in mix of faults.\n",
    .options = run_options,
    .options_count = sizeof(run_options) / sizeof(run_options[0]),
    .examples = "  ipfs-cluster-sim run scenarios/election/leader_crash.scn\n"
                "  ipfs-cluster-sim run scenarios/*/*.scn --seeds 20 --junit report.xml\n"
                "  ipfs-cluster-sim run swarm --seed 17 --trace | less\n",
    .run = run_main,
};
