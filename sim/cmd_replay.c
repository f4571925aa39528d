#include <string.h>

#include "sim/cmd.h"
#include "sim/search/recording.h"
#include "sim/watch.h"
#include "util/err.h"

struct replay_args {
    bool json;
    struct watch watch;
};

#define FIELD(name) offsetof(struct replay_args, name)

static const struct cmd_option replay_options[] = {
    { "--json", CMD_FLAG, FIELD(json), NULL, "one JSON object" },
    { "--trace", CMD_FLAG, FIELD(watch.trace), NULL, "a line for everything that happens" },
    { "--log", CMD_TEXT, FIELD(watch.log), "LEVEL",
      "the peers' own lines: error, warn, info, debug" },
    { "--hashes", CMD_NUMBER, FIELD(watch.hashes), "K", "the trace hash after each 2^K events" },
};

static int replay_play(const struct replay_args *a, const struct recording *rec,
                       const struct script *script)
{
    struct play_options options = { .seed = rec->seed, .replay = &rec->choices };
    struct play_result r;
    watch_hooks(&a->watch, &options);
    uint64_t begin_us = cmd_real_us();
    play(script, &options, &r);
    const struct play_result kept = { .events = rec->events, .hash = rec->hash };
    bool is_same = play_result_equal(&r, &kept);
    if (!is_same && r.passed)
        play_result_blame(&r, "determinism", "not the run that was recorded");
    int code = watch_verdict(script, &r, a->json, cmd_real_us() - begin_us);
    if (!is_same)
        fprintf(stderr,
                "this is not the run that was recorded: it had %llu events; compare --hashes, or "
                "record "
                "it anew\n",
                (unsigned long long)rec->events);
    play_result_deinit(&r);
    return code;
}

static int replay_bytes(const struct replay_args *a, const char *file, struct bytes bytes)
{
    struct recording rec;
    struct script script;
    int err = recording_decode(&rec, bytes);
    if (err != OK) {
        fprintf(stderr, "%s: expected a recording (run --save-choices): %s\n", file, err_text(err));
        return CMD_USAGE;
    }
    struct buf name = { 0 };
    buf_append(&name, rec.name.data, rec.name.len);
    err = script_parse(&script, buf_text(&name), rec.text.data, rec.text.len);
    int code = CMD_USAGE;
    if (err == OK)
        code = replay_play(a, &rec, &script);
    else
        fprintf(stderr, "%s: its scenario is not understood: %s\n", file,
                err == ERR_INVALID ? buf_text(&script.error) : err_text(err));
    script_deinit(&script);
    buf_deinit(&name);
    recording_deinit(&rec);
    return code;
}

static int replay_main(int argc, char **argv)
{
    struct replay_args a = { 0 };
    struct buf bytes = { 0 };
    int count = cmd_parse(&cmd_replay, &a, argc, argv);
    if (count >= 0 && count != 1)
        cmd_print_help(&cmd_replay, stderr);
    if (count != 1 || !watch_is_sensible(&a.watch))
        return CMD_USAGE;
    int code = CMD_USAGE;
    if (cmd_read_file(argv[0], RECORDING_BYTES_MAX, &bytes))
        code = replay_bytes(&a, argv[0], buf_bytes(&bytes));
    buf_deinit(&bytes);
    return code;
}

const struct cmd cmd_replay = {
    .name = "replay",
    .summary = "play a recorded run again",
    .usage = "replay FILE [options]",
    .about = "Plays what `run --save-choices FILE` kept: the same scenario, the same choices, so "
             "the same run, event by\n"
             "event. Says so when this build makes another run of it.\n",
    .options = replay_options,
    .options_count = sizeof(replay_options) / sizeof(replay_options[0]),
    .examples = "  ipfs-cluster-sim run swarm --seed 17 --save-choices found.run\n"
                "  ipfs-cluster-sim replay found.run --trace\n",
    .run = replay_main,
};
