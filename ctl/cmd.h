/* cmd.h -- the one table of commands: what is typed, what help says, and what runs.
 *
 * Shape    A command is named by its path of words: "" is the program itself, "pin" a group (nothing
 *          runs, it lists what is under it), "pin add" a command. Parsing (args.h), help (help.h) and
 *          `commands` come from this table alone; a command is added by a struct cmd beside its
 *          run function and a line in cmd.c.
 * Flags    Lists end with a flag without names. Flags of the program itself work everywhere, those of
 *          a command once it has been named; where both know a name, the command's is meant.
 * Units    An exit code leaves run(): enum ctl_exit. */
#ifndef CTL_CMD_H
#define CTL_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct args;
struct ctl;

/* What scripts rely on (SPEC 6.2). */
enum ctl_exit {
    CTL_DONE = 0,
    CTL_FAILED = 1,     /* bad arguments, no connection, an answer that broke off */
    CTL_REFUSED = 2,    /* the peer answered with an error */
    CTL_NO_COMMAND = 3, /* there is no such command */
    CTL_TOO_LATE = 62,  /* --wait-timeout has passed */
};

enum flag_kind {
    FLAG_BOOL, /* --local, --local=false */
    FLAG_TEXT,
    FLAG_WHOLE, /* a whole number, perhaps negative */
    FLAG_COUNT, /* a whole number from 0 */
    FLAG_SPAN,  /* a duration: 90s, 72h */
};

struct flag {
    const char *names; /* "timeout,t": the first is the one that the code asks for */
    enum flag_kind kind;
    bool repeats;         /* each use adds one; otherwise the last counts */
    const char *value;    /* what help calls the value; NULL for a FLAG_BOOL */
    const char *fallback; /* the value when it is not given; NULL: none */
    const char *help;
};

struct example {
    const char *line; /* behind the program's name */
    const char *what;
};

enum { CMD_OPERANDS_ANY = -1 };

struct cmd {
    const char *path;
    const char *operands; /* as help shows them; "" for none */
    int operands_min;
    int operands_max; /* CMD_OPERANDS_ANY: no limit */
    const char *summary;
    const char *text; /* paragraphs for help; NULL: the summary says it all */
    const struct flag *flags;
    const struct example *examples;                       /* ends with one without a line */
    int (*run)(struct ctl *ctl, const struct args *args); /* NULL: a group */
    /* Of a group: what a word that is no command of it may be an operand for (`pin CID`). */
    const struct cmd *implied;
    bool (*implies)(const char *word);
    bool is_hidden;
};

extern const struct cmd cmd_program;
extern const struct cmd cmd_id;
extern const struct cmd cmd_version;
extern const struct cmd cmd_peers;
extern const struct cmd cmd_peers_ls;
extern const struct cmd cmd_peers_add;
extern const struct cmd cmd_peers_rm;
extern const struct cmd cmd_peers_drain;
extern const struct cmd cmd_peers_undrain;
extern const struct cmd cmd_pin;
extern const struct cmd cmd_pin_add;
extern const struct cmd cmd_pin_rm;
extern const struct cmd cmd_pin_update;
extern const struct cmd cmd_pin_ls;
extern const struct cmd cmd_status;
extern const struct cmd cmd_sync;
extern const struct cmd cmd_recover;
extern const struct cmd cmd_state;
extern const struct cmd cmd_state_export;
extern const struct cmd cmd_state_import;
extern const struct cmd cmd_health;
extern const struct cmd cmd_health_metrics;
extern const struct cmd cmd_health_alerts;
extern const struct cmd cmd_repair;
extern const struct cmd cmd_repair_plan;
extern const struct cmd cmd_explain;
extern const struct cmd cmd_commands;

/* All of them in the order of help, NULL at the end. */
extern const struct cmd *const cmds[];

/* The command that `word` names under `group`, or NULL. */
const struct cmd *cmd_under(const struct cmd *group, const char *word, size_t len);
/* The word that names it under its group: "add" of "pin add". */
const char *cmd_word(const struct cmd *cmd);
/* Is it directly under that group? */
bool cmd_is_under(const struct cmd *cmd, const struct cmd *group);
/* The word most like `wrong` under that group, or NULL. */
const char *cmd_nearest(const struct cmd *group, const char *wrong);

const struct flag *flag_named(const struct flag *flags, struct bytes name);
/* Into `out` (NUL-terminated, cut when too long): the first name of the flag. */
enum { FLAG_NAME_SIZE = 32 };
void flag_name(const struct flag *flag, char out[FLAG_NAME_SIZE]);

#endif
