#include "ctl/cmd.h"

#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/nearest.h"

static const struct flag program_flags[] = {
    { "host,l", FLAG_TEXT, .value = "ADDR,...", .fallback = "/ip4/127.0.0.1/tcp/9094",
      .help = "where the peer's REST API listens: multiaddrs or HOST:PORT; the next one is "
              "tried when one cannot be reached" },
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
    &cmd_repair,
    &cmd_repair_plan,
    &cmd_commands,
    NULL,
};

/* ---- commands ---- */

static int cmd_commands_run(struct ctl *ctl, const struct args *args)
{
    (void)ctl;
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

/* ---- looking things up ---- */

const char *cmd_word(const struct cmd *cmd)
{
    const char *blank = strrchr(cmd->path, ' ');
    return blank != NULL ? blank + 1 : cmd->path;
}

bool cmd_is_under(const struct cmd *cmd, const struct cmd *group)
{
    size_t len = strlen(group->path);
    if (len == 0)
        return strchr(cmd->path, ' ') == NULL;
    return strncmp(cmd->path, group->path, len) == 0 && cmd->path[len] == ' ' &&
           cmd_word(cmd) == cmd->path + len + 1;
}

const struct cmd *cmd_under(const struct cmd *group, const char *word, size_t len)
{
    for (size_t i = 0; cmds[i] != NULL; i++) {
        const char *name = cmd_word(cmds[i]);
        if (cmd_is_under(cmds[i], group) && strlen(name) == len && memcmp(name, word, len) == 0)
            return cmds[i];
    }
    return NULL;
}

const char *cmd_nearest(const struct cmd *group, const char *wrong)
{
    struct nearest nearest = nearest_to((struct bytes){ wrong, strlen(wrong) });
    for (size_t i = 0; cmds[i] != NULL; i++) {
        if (cmd_is_under(cmds[i], group) && !cmds[i]->is_hidden)
            nearest_offer(&nearest, cmd_word(cmds[i]));
    }
    return nearest.best;
}

const struct flag *flag_named(const struct flag *flags, struct bytes name)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        const char *at = flags->names;
        while (*at != '\0') {
            size_t len = strcspn(at, ",");
            if (bytes_equal(name, (struct bytes){ at, len }))
                return flags;
            at += len + (at[len] == ',');
        }
    }
    return NULL;
}

void flag_name(const struct flag *flag, char out[FLAG_NAME_SIZE])
{
    size_t len = strcspn(flag->names, ",");
    ASSERT(len < FLAG_NAME_SIZE);
    memcpy(out, flag->names, len);
    out[len] = '\0';
}
