/* ipfs-cluster-sim: plays scenarios and sweeps seeds; is also a stand-in for the IPFS daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/cmd.h"
#include "sim/search/swarm.h"
#include "util/err.h"

enum { SCRIPT_BYTES_MAX = 1024 * 1024 };

static const struct cmd cmds[] = {
    { "run", cmd_run, "play a scenario", cmd_run_help },
    { "sweep", cmd_sweep, "play a scenario with many seeds", cmd_sweep_help },
    { "check", cmd_check, "check scenarios for mistakes, without playing them", cmd_check_help },
    { "ipfs", cmd_ipfs, "a stand-in for the IPFS daemon, on a socket", cmd_ipfs_help },
};

enum { CMDS_COUNT = sizeof(cmds) / sizeof(cmds[0]) };

uint64_t cmd_real_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool cmd_read_file(const char *file, struct buf *out)
{
    FILE *f = fopen(file, "rb");
    if (f == NULL) {
        perror(file);
        return false;
    }
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), f)) > 0 && out->len <= SCRIPT_BYTES_MAX)
        buf_append(out, piece, len);
    bool ok = !ferror(f) && out->len <= SCRIPT_BYTES_MAX;
    if (!ok)
        fprintf(stderr, "%s: cannot be read, or is too long for a scenario\n", file);
    fclose(f);
    return ok;
}

bool cmd_load_script(struct script *out, const char *file)
{
    struct buf text = { 0 };
    if (strcmp(file, "swarm") == 0) {
        buf_append_text(&text, swarm_text);
    } else if (!cmd_read_file(file, &text)) {
        buf_deinit(&text);
        return false;
    }
    int err = script_parse(out, file, text.data, text.len);
    buf_deinit(&text);
    if (err == OK)
        return true;
    fprintf(stderr, "%s\n", err == ERR_INVALID ? buf_text(&out->error) : err_text(err));
    script_deinit(out);
    return false;
}

bool cmd_number(const char *option, const char *text, uint64_t *out)
{
    char *end = NULL;
    if (text != NULL && text[0] >= '0' && text[0] <= '9')
        *out = strtoull(text, &end, 10);
    if (end != NULL && *end == '\0')
        return true;
    fprintf(stderr, "%s: expected a number, found `%s`\n", option, text != NULL ? text : "nothing");
    return false;
}

void cmd_unknown_option(const char *command, const char *option)
{
    fprintf(stderr, "ipfs-cluster-sim %s: `%s` is not known; see ipfs-cluster-sim help %s\n",
            command, option, command);
}

static const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; i < CMDS_COUNT; i++)
        if (strcmp(cmds[i].name, name) == 0)
            return &cmds[i];
    return NULL;
}

static void cmd_help_all(FILE *to)
{
    fputs("ipfs-cluster-sim: plays failures of a cluster in virtual time, and finds new ones.\n\n",
          to);
    for (size_t i = 0; i < CMDS_COUNT; i++)
        fprintf(to, "  %-8s %s\n", cmds[i].name, cmds[i].summary);
    fputs("  help     this text, or a command's\n\n"
          "Examples:\n"
          "  ipfs-cluster-sim run scenarios/election/leader_crash.scn\n"
          "  ipfs-cluster-sim sweep --seeds 200 --twice\n"
          "  ipfs-cluster-sim run swarm --seed 17 --trace\n\n"
          "Exit codes: 0 all passed, 1 a run failed, 2 not understood.\n"
          "The language of scenarios: docs/SIMULATOR.md\n",
          to);
}

static int cmd_help(const char *name)
{
    const struct cmd *cmd = name != NULL ? cmd_find(name) : NULL;
    if (name != NULL && cmd == NULL) {
        fprintf(stderr, "ipfs-cluster-sim: there is no command `%s`\n", name);
        return CMD_USAGE;
    }
    if (cmd != NULL)
        fputs(cmd->help, stdout);
    else
        cmd_help_all(stdout);
    return CMD_PASSED;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        cmd_help_all(stderr);
        return CMD_USAGE;
    }
    if (asks_for_help(argv[1]))
        return cmd_help(argc > 2 ? argv[2] : NULL);
    const struct cmd *cmd = cmd_find(argv[1]);
    if (cmd == NULL)
        return cmd_help(argv[1]);
    if (argc > 2 && asks_for_help(argv[2]))
        return cmd_help(argv[1]);
    return cmd->run(argc - 2, argv + 2);
}
