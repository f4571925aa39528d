/* cmd.h -- the subcommands of ipfs-cluster-sim.
 *
 * Shape    Each is a constant table: its options (name, kind, where the value goes, help) and its texts. Parsing and
 *          help both come from the table.
 * Errors   Exit codes: 0 all passed, 1 a run failed, 2 the command line or a scenario cannot be understood. */
#ifndef SIM_CMD_H
#define SIM_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/script/script.h"

enum { CMD_PASSED = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

enum cmd_option_kind {
    CMD_FLAG,   /* bool */
    CMD_NUMBER, /* uint64_t */
    CMD_TEXT    /* const char * */
};

struct cmd_option {
    const char *name; /* "--seed" */
    enum cmd_option_kind kind;
    size_t offset;     /* in the command's struct of arguments */
    const char *value; /* what it is called in the help: "N"; NULL for a flag */
    const char *help;
};

struct cmd {
    const char *name;
    const char *summary; /* one line, for the list of all */
    const char *usage;   /* "run FILE... [options]" */
    const char *about;   /* what it does, in full */
    const struct cmd_option *options;
    size_t options_count;
    const char *examples;
    int (*run)(int argc, char **argv); /* without the program's and the subcommand's name */
};

extern const struct cmd cmd_run, cmd_sweep, cmd_replay, cmd_shrink, cmd_explain, cmd_exhaust,
    cmd_check, cmd_ipfs;

/* Fills `args` by the table and moves all other words to the front of argv. How many those are; -1: not understood, and
 * said so on stderr. */
int cmd_parse(const struct cmd *cmd, void *args, int argc, char **argv);
void cmd_print_help(const struct cmd *cmd, FILE *to);

/* The only look at real time: for the speeds that are printed and for time boxes, never for a decision of a run. */
uint64_t cmd_real_us(void);
/* Reads a file; complains on stderr. */
bool cmd_read_file(const char *file, size_t len_max, struct buf *out);
/* Writes a file whole; complains on stderr. */
bool cmd_write_file(const char *file, const struct buf *content);
/* Reads and checks a scenario ("swarm" is the built-in one); complains on stderr. */
bool cmd_load_script(struct script *out, const char *file);
struct scripts {
    struct script *list;
    size_t count;
};
bool cmd_load_scripts(struct scripts *out, int count, char **files); /* all, or none */
void cmd_free_scripts(struct scripts *s);
/* A number behind an option; complains on stderr. */
bool cmd_number(const char *option, const char *text, uint64_t *out);
void cmd_unknown_option(const char *command, const char *option);

#endif
