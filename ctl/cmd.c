#include "ctl/cmd.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/completion.h"
#include "cli/man.h"
#include "util/version.h"
static const struct flag program_flags[] = {
    { "host,l", FLAG_TEXT, .value = "ADDR,...", .fallback = "/ip4/127.0.0.1/tcp/9094",
      .help = "where the peer's REST API listens: multiaddrs or HOST:PORT (.../tcp/443/https "
              "is spoken to over TLS); the next one is tried when one cannot be reached" },
    { "basic-auth", FLAG_TEXT, .value = "USER:PASSWORD",
      .help = "who you are; turns --https on; or $CLUSTER_CREDENTIALS, which other users of this "
              "machine cannot see" },
    { "https,s", FLAG_BOOL, .help = "speak TLS; $SSL_CERT_FILE names certificates to trust" },
    { "no-check-certificate", FLAG_BOOL, .help = "trust whatever certificate the peer shows" },
    { "force-http,f", FLAG_BOOL, .help = "no TLS, even with --basic-auth" },
    { "secret", FLAG_TEXT, .value = "HEX", .help = "V1's, for the API over libp2p",
      .is_hidden = true },
    { "encoding,enc", FLAG_TEXT, .value = "text|json", .fallback = "text",
      .help = "how answers are shown; json is the peer's own answer, laid out" },
    { "timeout,t", FLAG_COUNT, .value = "SECONDS", .fallback = "0",
      .help = "give each request so long; 0: as long as it takes" },
    { "debug,d", FLAG_BOOL, .help = "show every request and answer on stderr" },
    { "version,v", FLAG_BOOL, .help = "print the version of this program" },
    { "help,h", FLAG_BOOL, .help = "explain the program, a group or a command" },
    { 0 },
};

static const struct example program_examples[] = {
    { "peers ls", "who is in the cluster, and who answers" },
    { "add -r photos", "put a folder into the cluster, and pin it" },
    { "pin add --name backup CID", "pin content on as many peers as the configuration says" },
    { "status CID", "how each peer is getting on with it" },
    { "--host /ip4/10.0.0.7/tcp/9094 id", "talk to another peer than the one on this machine" },
    { 0 },
};

const struct cmd cmd_program = {
    .path = "",
    .operands = "",
    .summary = "look at and change a cluster of IPFS daemons",
    .text = "Every command is a request to the REST API of one peer of the cluster. Any peer will "
            "do: what is pinned is the same on all of them.",
    .flags = program_flags,
    .examples = program_examples,
};

const struct cmd *const cmds[] = {
    &cmd_id,
    &cmd_version,
    &cmd_peers,
    &cmd_peers_ls,
    &cmd_peers_add,
    &cmd_peers_rm,
    &cmd_peers_drain,
    &cmd_peers_undrain,
    &cmd_add,
    &cmd_pin,
    &cmd_pin_add,
    &cmd_pin_rm,
    &cmd_pin_update,
    &cmd_pin_ls,
    &cmd_status,
    &cmd_explain,
    &cmd_sync,
    &cmd_recover,
    &cmd_state,
    &cmd_state_export,
    &cmd_state_import,
    &cmd_health,
    &cmd_health_metrics,
    &cmd_health_alerts,
    &cmd_health_graph,
    &cmd_health_bandwidth,
    &cmd_ipfs,
    &cmd_ipfs_gc,
    &cmd_repair,
    &cmd_repair_plan,
    &cmd_completion,
    &cmd_man,
    &cmd_commands,
    NULL,
};

static const struct paragraph paragraphs[] = {
    { "EXIT STATUS", "0: done. 1: bad arguments, no connection, an answer that broke off. 2: the "
                     "peer answered with an error. 3: there is no such command. 62: --wait-timeout "
                     "has passed." },
    { "ENVIRONMENT", "NO_COLOR, if it is set, and TERM=dumb keep colours away from a terminal; "
                     "there are none elsewhere." },
    { 0 },
};

const struct cli ctl_cli = {
    .name = "ipfs-cluster-ctl",
    .top = &cmd_program,
    .cmds = cmds,
    .paragraphs = paragraphs,
};

/* ---- commands ---- */

static int cmd_commands_run(void *program, const struct args *args)
{
    (void)program;
    (void)args;
    for (size_t i = 0; cmds[i] != NULL; i++) {
        if (!cmds[i]->is_hidden)
            printf("%s\n", cmds[i]->path);
    }
    return CTL_DONE;
}

static const struct example commands_examples[] = {
    { "commands", "one path a line" },
    { 0 },
};

const struct cmd cmd_commands = {
    .path = "commands",
    .operands = "",
    .summary = "print the path of every command",
    .examples = commands_examples,
    .run = cmd_commands_run,
    .is_hidden = true,
};

static int cmd_completion_run(void *program, const struct args *args)
{
    (void)program;
    struct buf out = { 0 };
    completion_print(args->cli, &out);
    fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
    return CTL_DONE;
}

static const struct example completion_examples[] = {
    { "completion", "the script; `source <(ipfs-cluster-ctl completion)` uses it at once" },
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
    (void)program;
    struct buf out = { 0 };
    man_print(args->cli, VERSION_TEXT, VERSION_DATE, &out);
    fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
    return CTL_DONE;
}

static const struct example man_examples[] = {
    { "man", "the page; `man <(ipfs-cluster-ctl man)` shows it" },
    { 0 },
};

const struct cmd cmd_man = {
    .path = "man",
    .operands = "",
    .summary = "print the manual page, in man(7)",
    .examples = man_examples,
    .run = cmd_man_run,
};
