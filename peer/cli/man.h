/* man.h -- the manual page of a program, NAME(1), from its table (cli.h): what --help says, in one place to read. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "cli/cli.h"
#include "util/buf.h"

/* In man(7). Version and date ("2026-01-02") stand at the foot of the page. */
void man_print(const struct cli *cli, const char *version, const char *date, struct buf *out);

#endif
