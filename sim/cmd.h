/* cmd.h -- the subcommands of ipfs-cluster-sim.
 *
 * Errors   Exit codes: 0 all passed, 1 a run failed, 2 the command line or a scenario cannot be understood. */
#ifndef SIM_CMD_H
#define SIM_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/script/script.h"

enum { CMD_PASSED = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

struct cmd {
    const char *name;
    int (*run)(int argc, char **argv); /* without the program's and the subcommand's name */
    const char *summary;
    const char *help; /* usage and examples */
};

int cmd_run(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_ipfs(int argc, char **argv);
extern const char cmd_run_help[];
extern const char cmd_sweep_help[];
extern const char cmd_check_help[];
extern const char cmd_ipfs_help[];

/* The only look at real time: for the speeds that are printed, never for a decision. */
uint64_t cmd_real_us(void);
/* Reads and checks a scenario ("swarm" is the built-in one); complains on stderr. */
bool cmd_load_script(struct script *out, const char *file);
/* A number behind an option; complains on stderr. */
bool cmd_number(const char *option, const char *text, uint64_t *out);
void cmd_unknown_option(const char *command, const char *option);

#endif
