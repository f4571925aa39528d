/* help.h -- what a person reads about the program, a group or a command, from the table (cmd.h). */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include "ctl/cmd.h"
#include "util/buf.h"

void help_print(const struct cmd *cmd, struct buf *out);

#endif
