/* ipfs-cluster-sim: plays scenarios and sweeps seeds; is also a stand-in for the IPFS daemon. */
#include <string.h>
#include <time.h>

#include "sim/cmd.h"

static const struct cmd *const cmds[] = { &cmd_run,     &cmd_sweep,   &cmd_replay, &cmd_shrink,
                                          &cmd_explain, &cmd_exhaust, &cmd_check,  &cmd_ipfs };

enum { CMDS_COUNT = sizeof(cmds) / sizeof(cmds[0]) };

uint64_t cmd_real_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; i < CMDS_COUNT; i++)
        if (strcmp(cmds[i]->name, name) == 0)
            return cmds[i];
    return NULL;
}

static void cmd_help_all(FILE *to)
{
    fputs("ipfs-cluster-sim: plays failures of a cluster in virtual time, and finds new ones.\n\n",
          to);
    for (size_t i = 0; i < CMDS_COUNT; i++)
        fprintf(to, "  %-8s %s\n", cmds[i]->name, cmds[i]->summary);
    fputs("  help     this text, or a command's\n\n"
          "Examples:\n"
          "  ipfs-cluster-sim run scenarios/election/leader_crash.scn\n"
          "  ipfs-cluster-sim sweep --seeds 200 --twice\n"
          "  ipfs-cluster-sim run swarm --seed 17 --trace\n\n"
          "Exit codes: 0 all passed, 1 a run failed, 2 not understood.\n"
          "The language of scenarios, by examples: docs/SCENARIOS.md\n",
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
        cmd_print_help(cmd, stdout);
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
