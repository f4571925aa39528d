/* cmd.h -- the commands of ipfs-cluster-service: one file a command, one table of them (main.c); how one is made:
 * cli/cli.h. A command gets a struct service, made of the global flags, and returns the exit code. */
#ifndef PEER_CMD_H
#define PEER_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/args.h"
#include "util/hash.h"
#include "util/log.h"

struct service {
    const char *folder; /* -c; of service.json and identity.json */
    bool is_strict;     /* an unknown key of the configuration is an error */
    struct log log;
};

extern const struct cmd cmd_program;
extern const struct cmd cmd_daemon;
extern const struct cmd cmd_run;
extern const struct cmd cmd_init;
extern const struct cmd cmd_state;
extern const struct cmd cmd_state_info;
extern const struct cmd cmd_state_export;
extern const struct cmd cmd_state_import;
extern const struct cmd cmd_state_cleanup;
extern const struct cmd cmd_state_version;
extern const struct cmd cmd_config;
extern const struct cmd cmd_config_show;
extern const struct cmd cmd_config_reference;
extern const struct cmd cmd_version;
extern const struct cmd cmd_completion;
extern const struct cmd cmd_man;
extern const struct cli service_cli;

/* "error " and the words, on stderr; gives the exit code 1. */
int cmd_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* --encoding; anything but text and json is refused. 0 or the exit code. */
int cmd_encoding(const struct args *args, bool *as_json);
/* folder/name; the caller frees with buf_deinit(). */
struct buf;
const char *cmd_path(struct buf *out, const struct service *service, const char *name);
/* ---- cmd_config.c ---- */
struct config;
struct identity;
/* What a flag of the command line sets: an option by its name. A list ends with one without a name. */
struct setting {
    const char *option;
    const char *text;
};
/* service.json and the environment over the defaults; the settings (NULL: none) over both. */
int cmd_read_config(struct config *out, const struct service *service,
                    const struct setting *settings, struct buf *why);
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
/* A readable copy of the pins in the folder's backups/, unless the newest one is of this state (by its hash), and only
 * the newest `keep` of them. Says what goes wrong. */
void cmd_backup(const struct service *service, const struct store *store, struct hash128 hash,
                size_t keep);

#endif
