#include <string.h>

#include "sim/cmd.h"
#include "sim/search/exhaust.h"

struct exhaust_args {
    uint64_t peers;
    uint64_t depth;
    uint64_t entries;
    uint64_t deadlines;
    uint64_t crashes;
    uint64_t losses;
    uint64_t states;
};

#define FIELD(name) offsetof(struct exhaust_args, name)

static const struct cmd_option exhaust_options[] = {
    { "--peers", CMD_NUMBER, FIELD(peers), "N", "2 or 3 (2)" },
    { "--depth", CMD_NUMBER, FIELD(depth), "N", "so many things happen, one after the other (20)" },
    { "--entries", CMD_NUMBER, FIELD(entries), "N", "at most so many are asked for (1)" },
    { "--deadlines", CMD_NUMBER, FIELD(deadlines), "N", "so many pass (2)" },
    { "--crashes", CMD_NUMBER, FIELD(crashes), "N", "so many peers crash and start again (1)" },
    { "--losses", CMD_NUMBER, FIELD(losses), "N", "so many messages are lost (0)" },
    { "--states", CMD_NUMBER, FIELD(states), "N", "stop behind so many different states" },
};

static bool exhaust_fits(const char *option, uint64_t value, uint64_t min, uint64_t max)
{
    if (value >= min && value <= max)
        return true;
    fprintf(stderr, "%s: expected %llu to %llu, found %llu\n", option, (unsigned long long)min,
            (unsigned long long)max, (unsigned long long)value);
    return false;
}

static int exhaust_report(const struct exhaust_limits *limits, struct exhaust_result *r,
                          uint64_t took_us)
{
    struct buf out = { 0 };
    if (r->failure.len > 0) {
        buf_printf(&out, "FAIL %s\n", buf_text(&r->failure));
        for (size_t i = 0; i < r->path_len; i++) {
            buf_printf(&out, "  %2zu  ", i + 1);
            exhaust_print_action(&r->path[i], &out);
            buf_append_text(&out, "\n");
        }
    }
    buf_printf(&out, "%u peers: %llu states, %llu choices, up to %u deep; %llu choices a second\n",
               limits->nodes, (unsigned long long)r->states, (unsigned long long)r->actions,
               r->deepest, (unsigned long long)(r->actions * 1000000 / (took_us + 1)));
    if (r->failure.len == 0)
        buf_append_text(&out, r->is_complete
                                  ? "nothing found; everything within the limits was seen\n"
                                  : "nothing found; stopped behind the last state\n");
    fputs(buf_text(&out), stdout);
    buf_deinit(&out);
    return r->failure.len == 0 ? CMD_PASSED : CMD_FAILED;
}

static int exhaust_main(int argc, char **argv)
{
    struct exhaust_args a = { .peers = 2, .depth = 20, .entries = 1, .deadlines = 2, .crashes = 1 };
    int count = cmd_parse(&cmd_exhaust, &a, argc, argv);
    if (count > 0)
        cmd_print_help(&cmd_exhaust, stderr);
    if (count != 0 || !exhaust_fits("--peers", a.peers, 2, EXHAUST_NODES_MAX) ||
        !exhaust_fits("--depth", a.depth, 1, EXHAUST_DEPTH_MAX) ||
        !exhaust_fits("--entries", a.entries, 0, 16) ||
        !exhaust_fits("--deadlines", a.deadlines, 0, 16) ||
        !exhaust_fits("--crashes", a.crashes, 0, 16) || !exhaust_fits("--losses", a.losses, 0, 16))
        return CMD_USAGE;
    const struct exhaust_limits limits = { .nodes = (unsigned)a.peers,
                                           .depth = (unsigned)a.depth,
                                           .entries = (unsigned)a.entries,
                                           .deadlines = (unsigned)a.deadlines,
                                           .crashes = (unsigned)a.crashes,
                                           .losses = (unsigned)a.losses,
                                           .states_max = a.states };
    struct exhaust_result result;
    uint64_t begin_us = cmd_real_us();
    exhaust_run(&limits, &result);
    int code = exhaust_report(&limits, &result, cmd_real_us() - begin_us);
    buf_deinit(&result.failure);
    return code;
}

const struct cmd cmd_exhaust = {
    .name = "exhaust",
    .summary = "two or three rafts, and everything that can happen to them",
    .usage = "exhaust [options]",
    .about = "Begins with a leader, and tries every order in which messages arrive, disks finish, "
             "deadlines pass, entries are\n"
             "asked for, messages are lost and peers crash, up to a depth. Prints how many states "
             "there were.\n",
    .options = exhaust_options,
    .options_count = sizeof(exhaust_options) / sizeof(exhaust_options[0]),
    .examples = "  ipfs-cluster-sim exhaust --peers 2 --depth 24\n"
                "  ipfs-cluster-sim exhaust --peers 3 --depth 14 --deadlines 3\n",
    .run = exhaust_main,
};
