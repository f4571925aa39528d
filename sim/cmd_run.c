#include <string.h>

#include "sim/campaign.h"
#include "sim/cmd.h"
#include "sim/report/verdict.h"
#include "util/log.h"

struct run_args {
    uint64_t seed;
    uint64_t seeds;
    uint64_t jobs;
    uint64_t hashes;
    const char *log;
    const char *junit;
    bool trace;
    bool twice;
    bool json;
};

#define FIELD(name) offsetof(struct run_args, name)

static const struct cmd_option run_options[] = {
    { "--seed", CMD_NUMBER, FIELD(seed), "N", "the seed of all chance (1)" },
    { "--seeds", CMD_NUMBER, FIELD(seeds), "N", "so many seeds, from that one on" },
    { "--jobs", CMD_NUMBER, FIELD(jobs), "N", "so many processes (one a core)" },
    { "--twice", CMD_FLAG, FIELD(twice), NULL, "each seed twice; the hashes have to be equal" },
    { "--json", CMD_FLAG, FIELD(json), NULL, "one JSON object a run, and nothing else" },
    { "--junit", CMD_TEXT, FIELD(junit), "FILE", "a report for a CI" },
    { "--trace", CMD_FLAG, FIELD(trace), NULL, "a line for everything that happens (one run)" },
    { "--log", CMD_TEXT, FIELD(log), "LEVEL",
      "the peers' own lines: error, warn, info, debug (one run)" },
    { "--hashes", CMD_NUMBER, FIELD(hashes), "K",
      "the trace hash after each 2^K events: where do two runs part? (one run)" },
};

/* ---- one run, watched ---- */

static void run_on_line(void *owner, uint64_t at_us, unsigned who, const char *text)
{
    (void)owner;
    printf("%6llu.%06llu  %*s%s%u%s  %s\n", (unsigned long long)(at_us / 1000000),
           (unsigned long long)(at_us % 1000000), who == 0 ? 0 : (int)(2 * who), "",
           who == 0 ? "world " : "peer ", who, "", text);
}

static void run_on_log(void *owner, uint64_t at_us, unsigned who, const struct log_line *line)
{
    (void)owner;
    printf("%6llu.%06llu  peer %u  %s %s: %s (%s:%d)\n", (unsigned long long)(at_us / 1000000),
           (unsigned long long)(at_us % 1000000), who, log_level_name(line->level), line->facility,
           line->text, line->file, line->line);
}

static void run_on_hash(void *owner, uint64_t events, struct hash128 hash)
{
    (void)owner;
    char text[TRACE_HASH_TEXT_SIZE];
    trace_hash_print(hash, text);
    printf("%12llu events  %s\n", (unsigned long long)events, text);
}

static int run_watched(const struct run_args *a, enum log_level level, const struct script *script)
{
    struct play_options options = { .seed = a->seed, .hash_every_log2 = (unsigned)a->hashes };
    options.hooks.log_level = level;
    if (a->trace)
        options.hooks.trace.on_line = run_on_line;
    if (a->hashes > 0)
        options.hooks.trace.on_hash = run_on_hash;
    if (a->log != NULL)
        options.hooks.on_log = run_on_log;
    struct play_result result;
    uint64_t begin_us = cmd_real_us();
    play(script, &options, &result);
    uint64_t took_us = cmd_real_us() - begin_us;
    if (a->twice && result.passed)
        play_again(script, &result);
    struct buf out = { 0 };
    if (a->json) {
        report_json(&out, script, &result);
    } else {
        report_verdict(&out, script, &result);
        report_speed(&out, result.events, result.virtual_us, took_us);
    }
    fputs(buf_text(&out), stdout);
    int code = result.passed ? CMD_PASSED : CMD_FAILED;
    buf_deinit(&out);
    play_result_deinit(&result);
    return code;
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

static bool run_is_sensible(const struct run_args *a, int files, enum log_level *level)
{
    bool is_watched = a->trace || a->log != NULL || a->hashes > 0;
    if (files <= 0) {
        if (files == 0)
            cmd_print_help(&cmd_run, stderr);
        return false;
    }
    if (a->log != NULL && log_level_parse(level, a->log) != 0) {
        fprintf(stderr, "--log: expected error, warn, info or debug, found `%s`\n", a->log);
        return false;
    }
    if (a->hashes > 63 || a->seeds == 0) {
        fputs("--hashes: expected 1 to 63; --seeds: expected 1 or more\n", stderr);
        return false;
    }
    if (is_watched && (files > 1 || a->seeds > 1 || a->junit != NULL)) {
        fputs("--trace, --log and --hashes show one run: one FILE, one seed, no report\n", stderr);
        return false;
    }
    return true;
}

static int run_main(int argc, char **argv)
{
    struct run_args a = { .seed = 1, .seeds = 1 };
    enum log_level level = LOG_LEVEL_INFO;
    struct scripts scripts;
    int files = cmd_parse(&cmd_run, &a, argc, argv);
    if (!run_is_sensible(&a, files, &level) || !cmd_load_scripts(&scripts, files, argv))
        return CMD_USAGE;
    bool is_one = files == 1 && a.seeds == 1 && a.junit == NULL;
    int code = is_one ? run_watched(&a, level, &scripts.list[0]) : run_all(&a, &scripts);
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
