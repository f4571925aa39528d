/* help.h -- what a person reads about the program, a group or a command, from the table (cli.h). */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli.h"
#include "util/buf.h"

void help_print(const struct cli *cli, const struct cmd *cmd, struct buf *out);

#endif
