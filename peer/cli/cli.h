/* cli.h -- a command line as one table: what is typed, what help, manual page and completion say, and what runs.
 *
 * Shape    A command is named by its path of words: "" is the program itself, "pin" a group (nothing
 *          runs, it lists what is under it), "pin add" a command. Parsing (args.h), help (help.h), the
 *          manual page (man.h) and completion (completion.h) come from this table alone; a command is
 *          added by a struct cmd beside its run function and a line in its program's list.
 * Flags    Lists end with a flag without names. Flags of the program itself work everywhere, those of
 *          a command once it has been named; where both know a name, the command's is meant.
 * Units    An exit code leaves run(): the program's own. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct args;

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
    bool is_hidden; /* taken for the sake of old scripts; nobody is told of it */
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
    const struct example *examples;                     /* ends with one without a line */
    int (*run)(void *program, const struct args *args); /* NULL: a group */
    /* Of a group: what a word that is no command of it may be an operand for (`pin CID`); without
     * implies(), what is meant when there is no word at all. Its flags may stand behind the group. */
    const struct cmd *implied;
    bool (*implies)(const char *word);
    bool is_hidden;
};

struct paragraph {
    const char *title; /* in capitals */
    const char *text;
};

/* A program: its name, what it takes in front of any command, and its commands in the order of help. */
struct cli {
    const char *name;
    const struct cmd *top;
    const struct cmd *const *cmds; /* NULL at the end */
    /* Of the manual page alone: files, environment, exit codes. Ends with one without a title. */
    const struct paragraph *paragraphs;
};

/* The command that `word` names under `group`, or NULL. */
const struct cmd *cmd_under(const struct cli *cli, const struct cmd *group, const char *word,
                            size_t len);
/* The word that names it under its group: "add" of "pin add". */
const char *cmd_word(const struct cmd *cmd);
/* Is it directly under that group? */
bool cmd_is_under(const struct cmd *cmd, const struct cmd *group);
/* The word most like `wrong` under that group, or NULL. */
const char *cmd_nearest(const struct cli *cli, const struct cmd *group, const char *wrong);

const struct flag *flag_named(const struct flag *flags, struct bytes name);
/* Into `out` (NUL-terminated, cut when too long): the first name of the flag. */
enum { FLAG_NAME_SIZE = 32 };
void flag_name(const struct flag *flag, char out[FLAG_NAME_SIZE]);
/* Is its fallback worth telling? What 0 and "" stand for, the words about the flag say. */
bool flag_shows_fallback(const struct flag *flag);

#endif
