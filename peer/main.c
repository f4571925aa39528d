/* main.c -- ipfs-cluster-service: what stands in front of the command, and the table of commands. */
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cmd.h"
#include "os/os_log.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/version.h"

enum { EXIT_FAILED = 1, EXIT_NO_TOPIC = 3 };

/* ---- the table ---- */

static const struct flag program_flags[] = {
    { "config,c", FLAG_TEXT, .value = "FOLDER",
      .help = "of service.json and identity.json; else $IPFS_CLUSTER_PATH, else ~/.ipfs-cluster" },
    { "loglevel,l", FLAG_TEXT, .value = "LEVEL,...",
      .help = "error, warning, info or debug; or FACILITY:LEVEL for some (raft, store, cluster, "
              "pintracker, ipfshttp, http, net, service, config); else $IPFS_CLUSTER_LOG_LEVEL, "
              "else info. V1's others are understood: notice is warning, critical and fatal are "
              "error" },
    { "debug,d", FLAG_BOOL, .help = "the same as --loglevel debug" },
    { "strict", FLAG_BOOL, .help = "an unknown key in the configuration is an error" },
    { "version,v", FLAG_BOOL, .help = "print the version" },
    { "help,h", FLAG_BOOL, .help = "explain the program, a group or a command" },
    { 0 },
};

static const struct example program_examples[] = {
    { "init", "a first peer: its configuration and its identity" },
    { "daemon", "and its daemon" },
    { "daemon --bootstrap /ip4/10.0.0.1/tcp/9096/p2p/12D3KooW...",
      "a second one, on another machine, with the same secret in service.json" },
    { 0 },
};

const struct cmd cmd_program = {
    .path = "",
    .operands = "",
    .summary = "run a peer of an IPFS cluster",
    .text = "A peer keeps the list of pins that all peers of its cluster agree on, and makes its "
            "IPFS daemon hold its share of them. Without a command it runs the peer.",
    .flags = program_flags,
    .examples = program_examples,
    .implied = &cmd_daemon,
};

static const struct cmd *const service_cmds[] = {
    &cmd_daemon,        &cmd_run,          &cmd_init,         &cmd_state,
    &cmd_state_info,    &cmd_state_export, &cmd_state_import, &cmd_state_cleanup,
    &cmd_state_version, &cmd_config,       &cmd_config_show,  &cmd_config_reference,
    &cmd_version,       &cmd_completion,   &cmd_man,          NULL,
};

static const struct paragraph paragraphs[] = {
    { "FILES", "In the configuration folder: service.json (configuration), identity.json (the "
               "peer's key: keep a copy), raft/ (log and state), cluster_id (the cluster that it "
               "belongs to), backups/ (the pins at the last clean stops), cluster.lock." },
    { "ENVIRONMENT",
      "IPFS_CLUSTER_PATH: the configuration folder. IPFS_CLUSTER_LOG_LEVEL: as --loglevel. "
      "CLUSTER_...: every option has a variable, see `config reference`. NOTIFY_SOCKET: systemd is "
      "told when the peer is ready, and when it stops." },
    { "EXIT STATUS", "0: done, stopped as asked, or removed from the cluster. 1: anything else. 3: "
                     "a group has no such command." },
    { 0 },
};

const struct cli service_cli = {
    .name = "ipfs-cluster-service",
    .top = &cmd_program,
    .cmds = service_cmds,
    .paragraphs = paragraphs,
};

/* ---- what commands share ---- */

int cmd_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}

int cmd_encoding(const struct args *args, bool *as_json)
{
    const char *text = args_text(args, "encoding");
    *as_json = strcmp(text, "json") == 0;
    if (!*as_json && strcmp(text, "text") != 0)
        return cmd_fail(": unknown encoding '%s'; use text or json", text);
    return 0;
}

const char *cmd_path(struct buf *out, const struct service *service, const char *name)
{
    buf_clear(out);
    buf_printf(out, "%s/%s", service->folder, name);
    return buf_text(out);
}

static int main_print(struct buf *out)
{
    fwrite(out->data, 1, out->len, stdout);
    buf_deinit(out);
    return 0;
}

/* ---- version, completion, man ---- */

static int cmd_version_run(void *program, const struct args *args)
{
    (void)program;
    (void)args;
    puts(VERSION_TEXT);
    return 0;
}

static const struct example version_examples[] = { { "version", "as --version, the number alone" },
                                                   { 0 } };

const struct cmd cmd_version = {
    .path = "version",
    .operands = "",
    .summary = "print the version",
    .examples = version_examples,
    .run = cmd_version_run,
};

static int cmd_completion_run(void *program, const struct args *args)
{
    struct buf out = { 0 };
    (void)program;
    completion_print(args->cli, &out);
    return main_print(&out);
}

static const struct example completion_examples[] = {
    { "completion", "the script; `source <(ipfs-cluster-service completion)` uses it at once" },
    { 0 },
};

const struct cmd cmd_completion = {
    .path = "completion",
    .operands = "",
    .summary = "print a script that completes command lines in bash",
    .examples = completion_examples,
    .run = cmd_completion_run,
};

static int cmd_man_run(void *program, const struct args *args)
{
    struct buf out = { 0 };
    (void)program;
    man_print(args->cli, VERSION_TEXT, VERSION_DATE, &out);
    return main_print(&out);
}

static const struct example man_examples[] = {
    { "man", "the page; `man <(ipfs-cluster-service man)` shows it" },
    { 0 },
};

const struct cmd cmd_man = {
    .path = "man",
    .operands = "",
    .summary = "print the manual page, in man(7)",
    .examples = man_examples,
    .run = cmd_man_run,
};

/* ---- main ---- */

/* $IPFS_CLUSTER_PATH, else ~/.ipfs-cluster. */
static const char *main_folder(const struct args *args, struct buf *room)
{
    const char *given = args_text(args, "config");
    const char *path = getenv("IPFS_CLUSTER_PATH");
    const char *home = getenv("HOME");
    if (given != NULL)
        return given;
    if (path != NULL && path[0] != '\0')
        return path;
    buf_printf(room, "%s/.ipfs-cluster", home != NULL ? home : ".");
    return buf_text(room);
}

/* The environment, over it the flag, over both --debug. Nonsense in the environment is passed over. */
static int main_levels(struct os_log_levels *levels, const struct args *args)
{
    const char *environment = getenv("IPFS_CLUSTER_LOG_LEVEL");
    const char *given = args_text(args, "loglevel");
    struct buf why = { 0 };
    int code = 0;
    *levels = (struct os_log_levels){ .others = LOG_LEVEL_INFO };
    if (environment != NULL)
        (void)os_log_levels_parse(levels, environment, &why);
    buf_clear(&why);
    if (given != NULL)
        *levels = (struct os_log_levels){ .others = LOG_LEVEL_INFO };
    if (given != NULL && os_log_levels_parse(levels, given, &why) != OK)
        code = cmd_fail(": %s", buf_text(&why));
    if (args_is(args, "debug"))
        *levels = (struct os_log_levels){ .others = LOG_LEVEL_DEBUG };
    buf_deinit(&why);
    return code;
}

static int main_run(const struct args *args)
{
    struct buf room = { 0 };
    struct os_log_levels levels;
    int code = main_levels(&levels, args);
    struct service service = { .folder = main_folder(args, &room),
                               .is_strict = args_is(args, "strict"),
                               .log = os_log_stderr_by(&levels) };
    if (code == 0)
        code = args->cmd->run(&service, args);
    buf_deinit(&room);
    return code;
}

static int main_help(const struct args *args)
{
    struct buf out = { 0 };
    help_print(args->cli, args->cmd, &out);
    return main_print(&out);
}

int main(int argc, char **argv)
{
    struct args args;
    struct buf why = { 0 };
    int code;
    if (sodium_init() < 0)
        return cmd_fail(": libsodium cannot be initialised");
    signal(SIGPIPE, SIG_IGN);
    int err = args_parse(&args, &service_cli, argc, argv, &why);
    if (err != OK) {
        code = cmd_fail(": %s", why.len > 0 ? buf_text(&why) : err_text(err));
        if (err == ERR_NOT_FOUND && args.cmd != args.cli->top)
            code = EXIT_NO_TOPIC;
    } else if (args_is(&args, "version") && !args_is(&args, "help")) {
        puts("ipfs-cluster-service version " VERSION_TEXT);
        code = 0;
    } else {
        code = args.wants_help ? main_help(&args) : main_run(&args);
    }
    args_deinit(&args);
    buf_deinit(&why);
    return code;
}
