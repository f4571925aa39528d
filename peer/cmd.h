/* cmd.h -- the commands of ipfs-cluster-service: one file a command, one table of them (main.c).
 *
 * A command gets the options in front of it (struct service) and its own arguments, and returns the exit code. */
#ifndef PEER_CMD_H
#define PEER_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "util/log.h"

struct service {
    const char *folder; /* -c; of service.json and identity.json */
    struct log log;
};

struct command {
    const char *name;
    const char *arguments; /* "[--bootstrap ADDR,...]" */
    const char *help;      /* one line */
    const char *more;      /* options and examples; each line ends in a newline */
    int (*run)(const struct service *service, int argc, char **argv);
};

int cmd_init(const struct service *service, int argc, char **argv);
int cmd_daemon(const struct service *service, int argc, char **argv);
int cmd_version(const struct service *service, int argc, char **argv);
int cmd_help(const struct service *service, int argc, char **argv);

/* "error " and the words, on stderr; gives the exit code 1. */
int cmd_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* After getopt_long() has complained of `word`: which of the options was probably meant, and where to read on
 * ("help init"). Gives the exit code 1. */
struct option;
int cmd_bad_option(const struct option *options, const char *word, const char *help);
/* folder/name; the caller frees with buf_deinit(). */
struct buf;
const char *cmd_path(struct buf *out, const struct service *service, const char *name);
extern const struct command commands[];
extern const size_t commands_count;

#endif
