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
    bool is_strict;     /* an unknown key of the configuration is an error */
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
int cmd_state(const struct service *service, int argc, char **argv);
int cmd_config(const struct service *service, int argc, char **argv);
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
/* ---- cmd_config.c ---- */
struct config;
struct identity;
/* service.json and the environment over the defaults; `bootstrap` (NULL: none) over both. */
int cmd_read_config(struct config *out, const struct service *service, const char *bootstrap,
                    struct buf *why);
/* identity.json, or the key that files from before it have in the cluster section. */
int cmd_read_identity(struct identity *out, const struct service *service,
                      const struct config *config, struct buf *why);
void cmd_data_folder(struct buf *out, const struct service *service, const struct config *config);
/* Is it ours to open? ERR_UNSUPPORTED, with what to do, for one of the Go ipfs-cluster. */
int cmd_data_check(const char *folder, struct buf *why);

/* ---- cmd_list.c ---- */
struct config_addrs;
struct peer_id;
/* Is cluster_peers in service.json another set than the one that this peer wrote last? `was_written`: it once did. */
bool cmd_list_is_edited(const struct service *service, const struct peer_id *self,
                        bool *was_written);
/* After the list itself: a crash in between looks like an edit, and is none to the peer, whose log says the same. */
void cmd_list_written(const struct service *service, const struct peer_id *self,
                      const struct config_addrs *list, struct buf *why);
int cmd_list_forget(const struct service *service, struct buf *why);

/* ---- cmd_backup.c ---- */
struct store;
/* A readable copy of the pins in the folder's backups/, and only the newest `keep` of them. Says what goes wrong. */
void cmd_backup(const struct service *service, const struct store *store, size_t keep);

/* Tables of commands end with one without a name. */
extern const struct command commands[];
const struct command *cmd_state_commands(void);  /* those of `state` */
const struct command *cmd_config_commands(void); /* those of `config` */
/* Runs the one of a group's commands that argv[1] names; without one, says which there are. */
int cmd_group(const struct command *table, const char *name, const struct service *service,
              int argc, char **argv);
/* `COMMAND --help`, and what it shows; gives the exit code 0. `above`: as below. */
bool cmd_wants_help(int argc, char **argv);
int cmd_help_on(const struct command *command, const char *above);
/* There is no command `name` in the table; `above` ("state ") is what stands before it. Gives the exit code 1. */
int cmd_unknown(const struct command *table, const char *name, const char *above);

#endif
