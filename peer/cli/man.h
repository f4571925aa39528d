/* man.h -- the manual page of a program, NAME(1), from its table (cli.h): what --help says, in one place to read. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "cli/cli.h"
#include "util/buf.h"

/* In man(7). `version` stands at the foot of the page. */
void man_print(const struct cli *cli, const char *version, struct buf *out);

#endif
