/* args.h -- the command line, taken apart by the table of commands.
 *
 * Shape    Words name the command, then are its operands; flags may stand anywhere behind what knows
 *          them. Written as Go's programs take them: -t 5, -t=5, --timeout 5, --timeout=5; a boolean
 *          takes no word behind it; what follows a flag is its value, whatever it looks like. Behind
 *          "--" everything is a word. `help` as the first word asks for help.
 * Owner    The struct borrows argv; args_deinit() frees the lists.
 * Errors   ERR_INVALID, ERR_NOT_FOUND (no such command), ERR_NOMEM; `why` gets a sentence and what to
 *          do next. Values are checked against their kind here, so reading them later cannot fail. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "util/arena.h"

struct args_flag {
    const struct flag *flag;
    const char *value;
};

struct args {
    const struct cli *cli;
    const struct cmd *cmd; /* the group or the program itself when no command was named */
    bool wants_help;       /* asked for, or nothing else can be done */
    const char **operands;
    size_t operands_count;
    struct args_flag *flags; /* in the order given */
    size_t flags_count;
    struct arena arena;
};

/* On an error only out->cmd means something: the command, or the group, that was reached. */
int args_parse(struct args *out, const struct cli *cli, int argc, char *const *argv,
               struct buf *why);
void args_deinit(struct args *args);

/* By a flag's first name. A name that neither the command nor the program has is our bug, and asserts. */
bool args_is(const struct args *args, const char *name);
const char *args_text(const struct args *args, const char *name); /* NULL: not given, no fallback */
int64_t args_number(const struct args *args, const char *name);   /* 0 when not given */
uint64_t args_span_us(const struct args *args, const char *name); /* 0 when not given */
/* Each use of a flag that repeats: the next from *at on, which begins at 0; NULL at the end. */
const char *args_each(const struct args *args, const char *name, size_t *at);

#endif
