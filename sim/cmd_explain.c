#include <string.h>

#include "sim/cmd.h"
#include "sim/report/columns.h"
#include "sim/watch.h"

struct explain_args {
    bool frames;
};

static const struct cmd_option explain_options[] = {
    { "--frames", CMD_FLAG, offsetof(struct explain_args, frames), NULL, "every frame, too" },
};

static void explain_print(void *owner, const char *line)
{
    (void)owner;
    puts(line);
}

static void explain_on_line(void *owner, uint64_t at_us, unsigned who, const char *text)
{
    columns_line(owner, at_us, who, text);
}

static int explain_play(const struct explain_args *a, const struct script *script, uint64_t seed)
{
    struct columns columns;
    columns_init(&columns, script);
    columns.frames = a->frames;
    columns.print = explain_print;
    columns_head(&columns);
    struct play_options options = { .seed = seed };
    options.hooks.trace = (struct trace_hooks){ .on_line = explain_on_line, .owner = &columns };
    struct play_result r;
    uint64_t begin_us = cmd_real_us();
    play(script, &options, &r);
    columns_end(&columns);
    int code = watch_verdict(script, &r, false, cmd_real_us() - begin_us);
    play_result_deinit(&r);
    return code;
}

static int explain_main(int argc, char **argv)
{
    struct explain_args a = { .frames = false };
    struct script script;
    uint64_t seed;
    char swarm[] = "swarm";
    int count = cmd_parse(&cmd_explain, &a, argc, argv);
    if (count == 0 || count > 2)
        cmd_print_help(&cmd_explain, stderr);
    if (count < 1 || count > 2 || !cmd_number("SEED", argv[0], &seed) ||
        !cmd_load_script(&script, count == 2 ? argv[1] : swarm))
        return CMD_USAGE;
    int code = explain_play(&a, &script, seed);
    script_deinit(&script);
    return code;
}

const struct cmd cmd_explain = {
    .name = "explain",
    .summary = "what happened, one line an event, one column a peer",
    .usage = "explain SEED [FILE] [options]",
    .about = "Plays FILE (`swarm` if none is given) with this seed and tells what happened. Behind "
             "the time stands what\n"
             "each peer is: L leads, c stands for election, . follows, = stands still, x does not "
             "run, ? is no member.\n"
             "Entries written one after the other are one line.\n",
    .options = explain_options,
    .options_count = sizeof(explain_options) / sizeof(explain_options[0]),
    .examples = "  ipfs-cluster-sim explain 17 | less -S\n"
                "  ipfs-cluster-sim explain 1 scenarios/election/leader_crash.scn\n",
    .run = explain_main,
};
