/* main.c -- ipfs-cluster-ctl: the command line of a cluster, over the REST API of one peer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "cli/help.h"
#include "util/err.h"
#include "util/version.h"

static int main_complain(int err, struct buf *why)
{
    fprintf(stderr, "error: %s\n", why->len > 0 ? buf_text(why) : err_text(err));
    return err == ERR_NOT_FOUND ? CTL_NO_COMMAND : CTL_FAILED;
}

static int main_help(const struct cmd *cmd)
{
    struct buf text = { 0 };
    help_print(&ctl_cli, cmd, &text);
    fputs(buf_text(&text), stdout);
    buf_deinit(&text);
    return CTL_DONE;
}

/* Colours are for eyes: not in files and pipes, and not for who asked for none (no-color.org). */
static bool main_has_colour(void)
{
    const char *none = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

/* $CLUSTER_CREDENTIALS is for scripts, and for eyes that look at the list of processes. */
static const char *main_credentials(const struct args *args)
{
    const char *given = args_text(args, "basic-auth");
    if (given == NULL)
        given = getenv("CLUSTER_CREDENTIALS");
    return given != NULL && given[0] != '\0' ? given : NULL;
}

/* Credentials do not go over the network in the clear unless that is said. */
static bool main_speaks_tls(const struct args *args)
{
    return args_is(args, "https") ||
           (main_credentials(args) != NULL && !args_is(args, "force-http"));
}

static int main_log_in(struct remote *r, const struct args *args)
{
    const char *credentials = main_credentials(args);
    r->trusts_anyone = args_is(args, "no-check-certificate");
    r->ca_file = getenv("SSL_CERT_FILE");
    return credentials != NULL ? remote_log_in(r, credentials) : OK;
}

static int main_run(const struct args *args, struct buf *why)
{
    struct hosts hosts;
    const char *encoding = args_text(args, "encoding");
    bool as_json = strcmp(encoding, "json") == 0;
    if (!as_json && strcmp(encoding, "text") != 0) {
        buf_printf(why, "unsupported encoding '%s': there are text and json", encoding);
        return main_complain(ERR_INVALID, why);
    }
    int err = hosts_parse(&hosts, args_text(args, "host"), why);
    if (err != OK)
        return main_complain(err, why);
    struct ctl ctl = { .as_json = as_json, .has_colour = main_has_colour() };
    if (main_speaks_tls(args))
        hosts_use_tls(&hosts);
    err = remote_init(&ctl.remote, &hosts);
    if (err == OK)
        err = main_log_in(&ctl.remote, args);
    if (err != OK)
        return main_complain(err, why);
    ctl.remote.timeout_us = (uint64_t)args_number(args, "timeout") * 1000 * 1000;
    ctl.remote.shows_traffic = args_is(args, "debug");
    int code = args->cmd->run(&ctl, args);
    remote_deinit(&ctl.remote);
    return code;
}

int main(int argc, char **argv)
{
    struct args args;
    struct buf why = { 0 };
    int code;
    int err = args_parse(&args, &ctl_cli, argc, argv, &why);
    if (err != OK) {
        code = main_complain(err, &why);
        buf_deinit(&why);
        return code;
    }
    if (args_is(&args, "version") && !args_is(&args, "help")) {
        printf("ipfs-cluster-ctl version %s\n", VERSION_TEXT);
        code = CTL_DONE;
    } else if (args.wants_help) {
        code = main_help(args.cmd);
    } else {
        code = main_run(&args, &why);
    }
    args_deinit(&args);
    buf_deinit(&why);
    return code;
}
