#include <stdio.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/report/verdict.h"

const char cmd_run_help[] =
    "ipfs-cluster-sim run FILE [--seed N] [--trace] [--log LEVEL] [--twice]\n\n"
    "Plays a scenario in virtual time. FILE may be `swarm`, the built-in one.\n\n"
    "  --seed N     the seed of all chance (1)\n"
    "  --trace      a line for everything that happens\n"
    "  --log LEVEL  the peers' own log lines: error, warn, info, debug\n"
    "  --hashes K   the trace hash after each 2^K events: where do two runs part?\n"
    "  --twice      play it again and compare the trace hashes\n\n"
    "Examples:\n"
    "  ipfs-cluster-sim run scenarios/election/leader_crash.scn\n"
    "  ipfs-cluster-sim run swarm --seed 17 --trace | less\n";

struct run_args {
    const char *file;
    uint64_t seed;
    uint64_t hashes;
    bool trace;
    bool twice;
    bool logs;
    enum log_level level;
};

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

static bool run_parse(int argc, char **argv, struct run_args *a)
{
    for (int i = 0; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--seed") == 0) {
            if (!cmd_number("--seed", value, &a->seed))
                return false;
            i += 1;
        } else if (strcmp(argv[i], "--hashes") == 0) {
            if (!cmd_number("--hashes", value, &a->hashes))
                return false;
            i += 1;
        } else if (strcmp(argv[i], "--log") == 0) {
            if (value == NULL || log_level_parse(&a->level, value) != 0) {
                fputs("--log: expected error, warn, info or debug\n", stderr);
                return false;
            }
            a->logs = true;
            i += 1;
        } else if (strcmp(argv[i], "--trace") == 0) {
            a->trace = true;
        } else if (strcmp(argv[i], "--twice") == 0) {
            a->twice = true;
        } else if (argv[i][0] == '-' || a->file != NULL) {
            cmd_unknown_option("run", argv[i]);
            return false;
        } else {
            a->file = argv[i];
        }
    }
    if (a->file == NULL)
        fputs(cmd_run_help, stderr);
    return a->file != NULL;
}

static bool run_is_repeated(const struct script *script, const struct play_result *first)
{
    struct play_options options = { .seed = first->seed };
    struct play_result again;
    play(script, &options, &again);
    bool equal = again.hash.high == first->hash.high && again.hash.low == first->hash.low;
    if (!equal)
        printf("FAIL %s seed %llu: played twice, and the second run was another one\n",
               script->file, (unsigned long long)first->seed);
    play_result_deinit(&again);
    return equal;
}

int cmd_run(int argc, char **argv)
{
    struct run_args a = { .seed = 1, .level = LOG_LEVEL_INFO };
    struct script script;
    if (!run_parse(argc, argv, &a) || !cmd_load_script(&script, a.file))
        return CMD_USAGE;
    struct play_options options = { .seed = a.seed, .hash_every_log2 = (unsigned)(a.hashes & 63) };
    options.hooks.log_level = a.level;
    if (a.trace)
        options.hooks.trace.on_line = run_on_line;
    if (a.hashes > 0)
        options.hooks.trace.on_hash = run_on_hash;
    if (a.logs)
        options.hooks.on_log = run_on_log;
    struct play_result result;
    uint64_t begin_us = cmd_real_us();
    play(&script, &options, &result);
    uint64_t took_us = cmd_real_us() - begin_us;
    struct buf out = { 0 };
    report_verdict(&out, &script, &result);
    report_speed(&out, result.events, result.virtual_us, took_us);
    fputs(buf_text(&out), stdout);
    bool passed = result.passed && (!a.twice || run_is_repeated(&script, &result));
    buf_deinit(&out);
    play_result_deinit(&result);
    script_deinit(&script);
    return passed ? CMD_PASSED : CMD_FAILED;
}
