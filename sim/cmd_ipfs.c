#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/real/standin_server.h"
#include "util/err.h"

static bool ipfs_complain(const char *option, const char *value, const char *wanted)
{
    fprintf(stderr, "%s: expected %s, found `%s`\n", option, wanted,
            value != NULL ? value : "nothing");
    return false;
}

static bool ipfs_take_swarm(struct standin_server_options *o, const char *text)
{
    struct multiaddr addr;
    struct peer_id id;
    if (text == NULL || multiaddr_parse(&addr, text) != OK || multiaddr_peer(&addr, &id) != OK)
        return ipfs_complain("--swarm", text, "an address with a peer id");
    if (o->swarm_count == STANDIN_SERVER_SWARM_MAX)
        return ipfs_complain("--swarm", text, "fewer addresses");
    o->swarm[o->swarm_count++] = addr;
    return true;
}

static bool ipfs_take_bytes(struct standin_server_options *o, const char *text)
{
    char *end = NULL;
    o->everything_bytes =
        text != NULL && *text >= '1' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    return (o->everything_bytes > 0 && *end == '\0') ||
           ipfs_complain("--has-all", text, "a number of bytes");
}

/* One option and what belongs to it; `value` is the next word, or NULL. */
static bool ipfs_take(struct standin_server_options *o, const char *option, const char *value)
{
    if (strcmp(option, "--swarm") == 0)
        return ipfs_take_swarm(o, value);
    if (strcmp(option, "--has-all") == 0)
        return ipfs_take_bytes(o, value);
    if (strcmp(option, "--listen") == 0)
        return (value != NULL && multiaddr_parse(&o->listen, value) == OK) ||
               ipfs_complain(option, value, "an address");
    cmd_unknown_option("ipfs", option);
    return false;
}

static int ipfs_run(int argc, char **argv)
{
    struct standin_server_options options = { .swarm_count = 0 };
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--offline") == 0)
            options.offline = true;
        else if (ipfs_take(&options, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
            i += 1;
        else
            return CMD_USAGE;
    }
    if (options.listen.len == 0) {
        cmd_print_help(&cmd_ipfs, stderr);
        return CMD_USAGE;
    }
    return standin_server_run(&options);
}

const struct cmd cmd_ipfs = {
    .name = "ipfs",
    .summary = "a stand-in for the IPFS daemon, on a socket",
    .usage = "ipfs --listen ADDR [--swarm ADDR]... [--offline] [--has-all BYTES]",
    .about =
        "A stand-in for the IPFS daemon: it answers what a cluster peer asks as Kubo does, keeps "
        "all in\n"
        "memory, and goes wrong on request (/standin/v0/fault, docs/SIMULATOR.md).\n"
        "SIGUSR1 takes all faults back, also while connections are refused.\n\n"
        "  --listen ADDR   where it answers, and other stand-ins reach it: "
        "/ip4/127.0.0.1/tcp/5001;\n"
        "                  port 0 is the kernel's choice. It prints the address with its peer id.\n"
        "  --swarm ADDR    another stand-in to be connected to, with its peer id\n"
        "  --offline       as `ipfs daemon --offline`\n"
        "  --has-all BYTES whatever is asked for is there, each so large: for benchmarks\n",
    .examples = "two of them, connected\n"
                "  ipfs-cluster-sim ipfs --listen /ip4/127.0.0.1/tcp/5001\n"
                "  ipfs-cluster-sim ipfs --listen /ip4/127.0.0.1/tcp/5002 \\\n"
                "      --swarm /ip4/127.0.0.1/tcp/5001/p2p/12D3KooW...\n",
    .run = ipfs_run,
};
