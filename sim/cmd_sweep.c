#include "sim/campaign.h"
#include "sim/cmd.h"

struct sweep_args {
    uint64_t seeds;
    uint64_t seconds;
    uint64_t first;
    uint64_t jobs;
    const char *junit;
    bool twice;
    bool verbose;
    bool json;
};

#define FIELD(name) offsetof(struct sweep_args, name)

static const struct cmd_option sweep_options[] = {
    { "--seeds", CMD_NUMBER, FIELD(seeds), "N", "how many (100; with --seconds as many as fit)" },
    { "--seconds", CMD_NUMBER, FIELD(seconds), "S", "no run begins after S seconds of real time" },
    { "--first", CMD_NUMBER, FIELD(first), "K", "the first seed (what the scenario says, else 1)" },
    { "--jobs", CMD_NUMBER, FIELD(jobs), "N", "so many processes (one a core)" },
    { "--twice", CMD_FLAG, FIELD(twice), NULL, "each seed twice; the hashes have to be equal" },
    { "--verbose", CMD_FLAG, FIELD(verbose), NULL, "a line also for runs that pass" },
    { "--json", CMD_FLAG, FIELD(json), NULL, "one JSON object a run, and nothing else" },
    { "--junit", CMD_TEXT, FIELD(junit), "FILE", "a report for a CI" },
};

static int sweep_main(int argc, char **argv)
{
    struct sweep_args a = { .seeds = 0 };
    char swarm[] = "swarm";
    char *default_file[] = { swarm, NULL };
    int count = cmd_parse(&cmd_sweep, &a, argc, argv);
    if (count < 0)
        return CMD_USAGE;
    struct scripts scripts;
    if (!cmd_load_scripts(&scripts, count > 0 ? count : 1, count > 0 ? argv : default_file))
        return CMD_USAGE;
    if (a.seeds == 0)
        a.seeds = a.seconds > 0 ? UINT64_MAX : 100;
    struct campaign c = { .sweep = { .scripts = scripts.list,
                                     .scripts_count = scripts.count,
                                     .first = a.first,
                                     .seeds_count = a.seeds,
                                     .twice = a.twice },
                          .jobs = a.jobs,
                          .seconds = a.seconds,
                          .verbose = a.verbose,
                          .json = a.json,
                          .junit = a.junit };
    int code = campaign_run(&c);
    cmd_free_scripts(&scripts);
    return code;
}

const struct cmd cmd_sweep = {
    .name = "sweep",
    .summary = "look for failures: many seeds on all cores",
    .usage = "sweep [FILE...] [options]",
    .about = "Plays a scenario (the built-in `swarm`, a mix of faults, if none is given) with one "
             "seed after another,\n"
             "each in a world of its own. Only failures are told.\n",
    .options = sweep_options,
    .options_count = sizeof(sweep_options) / sizeof(sweep_options[0]),
    .examples = "  ipfs-cluster-sim sweep --seeds 200 --twice\n"
                "  ipfs-cluster-sim sweep --seconds 3600 --first 1000000\n"
                "  ipfs-cluster-sim sweep --seeds 50 scenarios/replication/partition_heals.scn\n",
    .run = sweep_main,
};
