/* The commands, their arguments and options; and what Kubo has beyond them. */
#include "sim/kubo/standin_int.h"

#include <string.h>

/* ---- options: long name, short name, kind ---- */

static const struct standin_option options_none[] = { { NULL, NULL, OPTION_TEXT } };
static const struct standin_option options_pin_add[] = {
    { "recursive", "r", OPTION_FLAG },
    { "progress", NULL, OPTION_FLAG },
    { "name", "n", OPTION_TEXT },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_pin_ls[] = {
    { "type", "t", OPTION_TEXT },   { "quiet", "q", OPTION_FLAG }, { "stream", "s", OPTION_FLAG },
    { "names", NULL, OPTION_FLAG }, { "name", "n", OPTION_TEXT },  { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_pin_rm[] = {
    { "recursive", "r", OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_pin_update[] = {
    { "unpin", NULL, OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_repo_stat[] = {
    { "size-only", NULL, OPTION_FLAG },
    { "human", "H", OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_repo_gc[] = {
    { "stream-errors", NULL, OPTION_FLAG },
    { "quiet", "q", OPTION_FLAG },
    { "silent", NULL, OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_swarm_peers[] = {
    { "verbose", "v", OPTION_FLAG },   { "streams", NULL, OPTION_FLAG },
    { "latency", NULL, OPTION_FLAG },  { "direction", NULL, OPTION_FLAG },
    { "identify", NULL, OPTION_FLAG }, { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_add[] = {
    { "quiet", "q", OPTION_FLAG },
    { "progress", "p", OPTION_FLAG },
    { "trickle", "t", OPTION_FLAG },
    { "only-hash", "n", OPTION_FLAG },
    { "wrap-with-directory", "w", OPTION_FLAG },
    { "chunker", "s", OPTION_TEXT },
    { "raw-leaves", NULL, OPTION_FLAG },
    { "nocopy", NULL, OPTION_FLAG },
    { "fscache", NULL, OPTION_FLAG },
    { "cid-version", NULL, OPTION_INT },
    { "hash", NULL, OPTION_TEXT },
    { "inline", NULL, OPTION_FLAG },
    { "pin", NULL, OPTION_FLAG },
    { "pin-name", NULL, OPTION_TEXT },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_block_put[] = {
    { "cid-codec", NULL, OPTION_TEXT }, { "mhtype", NULL, OPTION_TEXT },
    { "mhlen", NULL, OPTION_INT },      { "pin", NULL, OPTION_FLAG },
    { "format", "f", OPTION_TEXT },     { "allow-big-block", NULL, OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};
static const struct standin_option options_cat[] = {
    { "offset", "o", OPTION_INT64 },
    { "length", "l", OPTION_INT64 },
    { "progress", "p", OPTION_FLAG },
    { NULL, NULL, OPTION_TEXT },
};

/* ---- commands: arguments by the names that errors give them, how many must be there, the body's ---- */

static const struct standin_command commands[] = {
    { "id", { NULL }, 0, NULL, options_none, cmd_id },
    { "version", { NULL }, 0, NULL, options_none, cmd_version },
    { "config/show", { NULL }, 0, NULL, options_none, cmd_config_show },
    { "swarm/peers", { NULL }, 0, NULL, options_swarm_peers, cmd_swarm_peers },
    { "swarm/connect", { "address" }, 1, NULL, options_none, cmd_swarm_connect },
    { "swarm/disconnect", { "address" }, 1, NULL, options_none, cmd_swarm_disconnect },
    { "repo/stat", { NULL }, 0, NULL, options_repo_stat, cmd_repo_stat },
    { "repo/gc", { NULL }, 0, NULL, options_repo_gc, cmd_repo_gc },
    { "pin/add", { "ipfs-path" }, 1, NULL, options_pin_add, cmd_pin_add },
    { "pin/ls", { NULL }, 0, NULL, options_pin_ls, cmd_pin_ls },
    { "pin/rm", { "ipfs-path" }, 1, NULL, options_pin_rm, cmd_pin_rm },
    { "pin/update", { "from-path", "to-path" }, 2, NULL, options_pin_update, cmd_pin_update },
    { "add", { NULL }, 0, "path", options_add, cmd_add },
    { "block/put", { NULL }, 0, "data", options_block_put, cmd_block_put },
    { "block/get", { "cid" }, 1, NULL, options_none, cmd_block_get },
    { "block/stat", { "cid" }, 1, NULL, options_none, cmd_block_stat },
    { "cat", { "ipfs-path" }, 1, NULL, options_cat, cmd_cat },
    { "resolve", { "name" }, 1, NULL, options_none, cmd_resolve },
};

/* What Kubo has and this one has not; a name ending in '/' stands for all below it. */
static const char *const commands_of_kubo[] = {
    "bitswap/",      "block/rm",   "bootstrap",    "bootstrap/",  "cid/",         "commands",
    "config",        "config/",    "dag/",         "dht/",        "diag/",        "dns",
    "filestore/",    "files/",     "get",          "key/",        "log/",         "ls",
    "mount",         "multibase/", "mount/",       "name/",       "object/",      "p2p/",
    "pin/remote",    "ping",       "pin/verify",   "provide/",    "pubsub/",      "refs",
    "refs/local",    "repo/ls",    "repo/migrate", "repo/verify", "repo/version", "routing/",
    "shutdown",      "stats/",     "swarm/",       "tar/",        "update",       "version/deps",
    "version/check",
};

/* Words that only group others: asked alone, they say nothing. */
static const char *const groups[] = { "block", "pin", "repo", "stats", "swarm" };

/* ---- finding the command ---- */

/* Is `path` this command, or this command and arguments? What follows it stands in *rest. */
static bool command_is(const char *path, const char *command, const char **rest)
{
    size_t len = strlen(command);
    if (strncmp(path, command, len) != 0 || (path[len] != 0 && path[len] != '/'))
        return false;
    *rest = path + len;
    return true;
}

const struct standin_command *command_find(const char *path, const char **rest)
{
    const struct standin_command *found = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *at;
        if (command_is(path, commands[i].path, &at) &&
            (found == NULL || strlen(commands[i].path) > strlen(found->path))) {
            found = &commands[i];
            *rest = at;
        }
    }
    return found;
}

bool command_is_beyond_us(const char *path)
{
    for (size_t i = 0; i < sizeof commands_of_kubo / sizeof *commands_of_kubo; i++) {
        const char *name = commands_of_kubo[i], *rest;
        size_t len = strlen(name);
        if (name[len - 1] == '/' ? strncmp(path, name, len) == 0 : command_is(path, name, &rest))
            return true;
    }
    return false;
}

bool command_is_group(const char *path)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (strcmp(path, groups[i]) == 0)
            return true;
    }
    return false;
}
