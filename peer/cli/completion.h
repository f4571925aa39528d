/* completion.h -- what bash needs to complete a program's command line, from its table (cli.h). */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/cli.h"
#include "util/buf.h"

/* A script to be sourced; it asks nothing and runs nothing. */
void completion_print(const struct cli *cli, struct buf *out);

#endif
