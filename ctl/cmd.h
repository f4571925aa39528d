/* cmd.h -- the commands of ipfs-cluster-ctl; how one is made: cli/cli.h. */
#ifndef CTL_CMD_H
#define CTL_CMD_H

#include "cli/cli.h"

/* What scripts rely on (SPEC 6.2). */
enum ctl_exit {
    CTL_DONE = 0,
    CTL_FAILED = 1,     /* bad arguments, no connection, an answer that broke off */
    CTL_REFUSED = 2,    /* the peer answered with an error */
    CTL_NO_COMMAND = 3, /* there is no such command */
    CTL_TOO_LATE = 62,  /* --wait-timeout has passed */
};

extern const struct cmd cmd_program;
extern const struct cmd cmd_id;
extern const struct cmd cmd_version;
extern const struct cmd cmd_peers;
extern const struct cmd cmd_peers_ls;
extern const struct cmd cmd_peers_add;
extern const struct cmd cmd_peers_rm;
extern const struct cmd cmd_peers_drain;
extern const struct cmd cmd_peers_undrain;
extern const struct cmd cmd_add;
extern const struct cmd cmd_pin;
extern const struct cmd cmd_pin_add;
extern const struct cmd cmd_pin_rm;
extern const struct cmd cmd_pin_update;
extern const struct cmd cmd_pin_ls;
extern const struct cmd cmd_status;
extern const struct cmd cmd_sync;
extern const struct cmd cmd_recover;
extern const struct cmd cmd_state;
extern const struct cmd cmd_state_export;
extern const struct cmd cmd_state_import;
extern const struct cmd cmd_health;
extern const struct cmd cmd_health_metrics;
extern const struct cmd cmd_health_alerts;
extern const struct cmd cmd_health_graph;
extern const struct cmd cmd_health_bandwidth;
extern const struct cmd cmd_ipfs;
extern const struct cmd cmd_ipfs_gc;
extern const struct cmd cmd_repair;
extern const struct cmd cmd_repair_plan;
extern const struct cmd cmd_explain;
extern const struct cmd cmd_commands;
extern const struct cmd cmd_completion;
extern const struct cmd cmd_man;

/* All of them in the order of help, NULL at the end. */
extern const struct cmd *const cmds[];
extern const struct cli ctl_cli;

#endif
