#include <stdio.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/report/verdict.h"
#include "sim/search/sweep.h"

const char cmd_sweep_help[] =
    "ipfs-cluster-sim sweep --seeds N [--first K] [--twice] [FILE]\n\n"
    "Plays a scenario (the built-in `swarm` if none is given) with N seeds, each in a world of its "
    "own.\n\n"
    "  --seeds N    how many (100)\n"
    "  --first K    the first seed (1)\n"
    "  --twice      each seed twice; the trace hashes have to be equal\n"
    "  --verbose    a line for every run, not only for those that fail\n\n"
    "Examples:\n"
    "  ipfs-cluster-sim sweep --seeds 200 --twice\n"
    "  ipfs-cluster-sim sweep --seeds 50 scenarios/replication/partition_heals.scn\n";

struct sweep_args {
    const char *file;
    uint64_t seeds;
    uint64_t first;
    bool twice;
    bool verbose;
};

static bool sweep_parse(int argc, char **argv, struct sweep_args *a)
{
    for (int i = 0; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool is_seeds = strcmp(argv[i], "--seeds") == 0;
        if (is_seeds || strcmp(argv[i], "--first") == 0) {
            if (!cmd_number(argv[i], value, is_seeds ? &a->seeds : &a->first))
                return false;
            i += 1;
        } else if (strcmp(argv[i], "--twice") == 0) {
            a->twice = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            a->verbose = true;
        } else if (argv[i][0] == '-') {
            cmd_unknown_option("sweep", argv[i]);
            return false;
        } else {
            a->file = argv[i];
        }
    }
    return true;
}

struct sweep_print {
    const struct script *script;
    bool verbose;
};

static void sweep_on_result(void *owner, const struct play_result *r)
{
    const struct sweep_print *print = owner;
    if (r->passed && !print->verbose)
        return;
    struct buf out = { 0 };
    report_verdict(&out, print->script, r);
    fputs(buf_text(&out), stdout);
    fflush(stdout);
    buf_deinit(&out);
}

static void sweep_summary(const struct sweep *s, uint64_t took_us)
{
    struct buf out = { 0 };
    buf_printf(
        &out,
        "%llu entries committed, %llu elections, %llu writes acknowledged, %llu open, %llu pins "
        "moved\n",
        (unsigned long long)s->checks.committed, (unsigned long long)s->checks.leaders,
        (unsigned long long)s->checks.promises_kept, (unsigned long long)s->checks.promises_unknown,
        (unsigned long long)s->checks.repins);
    report_speed(&out, s->events, s->virtual_us, took_us);
    buf_printf(&out, "%llu passed, %llu failed\n", (unsigned long long)s->passed,
               (unsigned long long)s->failed);
    fputs(buf_text(&out), stdout);
    buf_deinit(&out);
}

int cmd_sweep(int argc, char **argv)
{
    struct sweep_args a = { .file = "swarm", .seeds = 100, .first = 1 };
    struct script script;
    if (!sweep_parse(argc, argv, &a) || !cmd_load_script(&script, a.file))
        return CMD_USAGE;
    struct sweep_print print = { &script, a.verbose };
    struct sweep sweep = { .first = a.first,
                           .count = a.seeds,
                           .twice = a.twice,
                           .on_result = sweep_on_result,
                           .owner = &print };
    uint64_t begin_us = cmd_real_us();
    sweep_run(&sweep, &script);
    sweep_summary(&sweep, cmd_real_us() - begin_us);
    script_deinit(&script);
    return sweep.failed == 0 ? CMD_PASSED : CMD_FAILED;
}
