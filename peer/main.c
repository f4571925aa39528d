/* main.c -- ipfs-cluster-service: the options in front of the command, and the table of commands. */
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "os/os_log.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/nearest.h"
#include "util/version.h"

const struct command commands[] = {
    { "daemon", "[--bootstrap ADDR,...] [--leave] [--accept-peers]",
      "run the cluster peer (the default)",
      "  -j, --bootstrap ADDR,...  join the cluster of the peers at these addresses\n"
      "  -x, --leave               leave the cluster when this peer stops\n"
      "      --accept-peers        a majority is lost for ever, and was taken out of "
      "cluster_peers: go on\n"
      "                            alone from this disk, as a new cluster that the others join "
      "anew. Only\n"
      "                            on one peer, the one that has most (state info)\n\n"
      "Examples:\n"
      "  ipfs-cluster-service daemon\n"
      "  ipfs-cluster-service daemon --bootstrap /ip4/10.0.0.1/tcp/9096/p2p/12D3KooW...\n",
      cmd_daemon },
    { "init", "[--force] [--peers ADDR,...] [--custom-secret HEX] [--randomports]",
      "write service.json and identity.json",
      "  -f, --force               overwrite the configuration that is there (never the identity)\n"
      "      --peers ADDR,...      the other peers of a fixed cluster, each ending in /p2p/ID\n"
      "  -s, --custom-secret HEX   the cluster's secret, 64 hex digits, instead of a new one\n"
      "      --randomports         free ports instead of 9094, 9095 and 9096\n"
      "      --consensus raft      accepted; there is no other\n\n"
      "Examples:\n"
      "  ipfs-cluster-service init\n"
      "  ipfs-cluster-service -c /srv/cluster init --custom-secret $(cat secret)\n",
      cmd_init },
    { "state", "COMMAND", "look at, copy, restore or put aside the data of a peer", "", cmd_state },
    { "config", "COMMAND", "show what the configuration comes to, explain its options", "",
      cmd_config },
    { "version", "", "print the version", "", cmd_version },
    { "help", "[COMMAND]", "what there is, or one command in detail", "", cmd_help },
    { NULL, NULL, NULL, NULL, NULL },
};

int cmd_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

/* The one of the names that was probably meant; NULL: none is alike, or it is there. */
static const char *nearest_name(const struct nearest *n)
{
    return n->distance > 0 ? n->best : NULL;
}

int cmd_bad_option(const struct option *options, const char *word, const char *help)
{
    if (strncmp(word, "--", 2) == 0) {
        struct nearest nearest = nearest_to((struct bytes){ word + 2, strcspn(word + 2, "=") });
        for (; options->name != NULL; options++)
            nearest_offer(&nearest, options->name);
        if (nearest_name(&nearest) != NULL)
            fprintf(stderr, "Did you mean --%s?\n", nearest_name(&nearest));
    }
    fprintf(stderr, "See ipfs-cluster-service %s.\n", help);
    return 1;
}

const char *cmd_path(struct buf *out, const struct service *service, const char *name)
{
    buf_clear(out);
    buf_printf(out, "%s/%s", service->folder, name);
    return buf_text(out);
}

int cmd_version(const struct service *service, int argc, char **argv)
{
    (void)service;
    (void)argc;
    (void)argv;
    puts(VERSION_TEXT);
    return 0;
}

static const struct command *command_named(const struct command *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

int cmd_unknown(const struct command *table, const char *name, const char *above)
{
    struct nearest nearest = nearest_to((struct bytes){ name, strlen(name) });
    for (; table->name != NULL; table++)
        nearest_offer(&nearest, table->name);
    if (nearest_name(&nearest) != NULL)
        return cmd_fail(": there is no command '%s%s'; did you mean '%s%s'?", above, name, above,
                        nearest_name(&nearest));
    return cmd_fail(": there is no command '%s%s'; see ipfs-cluster-service help %s", above, name,
                    above);
}

static void print_commands(FILE *out, const struct command *table)
{
    for (; table->name != NULL; table++)
        fprintf(out, "  %-10s %s\n", table->name, table->help);
}

static void print_help(FILE *out)
{
    fputs("ipfs-cluster-service runs a peer of an IPFS cluster.\n\n"
          "Usage: ipfs-cluster-service [options] [command] [command's options]\n\nCommands:\n",
          out);
    print_commands(out, commands);
    fputs(
        "\nOptions:\n"
        "  -c, --config FOLDER    of service.json; default ~/.ipfs-cluster, or $IPFS_CLUSTER_PATH\n"
        "  -l, --loglevel LEVEL   error, warning, info (default) or debug; or "
        "$IPFS_CLUSTER_LOG_LEVEL\n"
        "  -d, --debug            the same as --loglevel debug\n"
        "      --strict           an unknown key in the configuration is an error\n"
        "  -v, --version          print the version\n"
        "  -h, --help             this text\n\n"
        "A first peer:\n"
        "  ipfs-cluster-service init\n"
        "  ipfs-cluster-service daemon\n"
        "and a second one, on another machine, with the same secret in service.json:\n"
        "  ipfs-cluster-service daemon --bootstrap /ip4/FIRST/tcp/9096/p2p/ID\n",
        out);
}

static const struct command *commands_below(const struct command *c)
{
    if (c->run == cmd_state)
        return cmd_state_commands();
    return c->run == cmd_config ? cmd_config_commands() : NULL;
}

bool cmd_wants_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

int cmd_help_on(const struct command *c, const char *above)
{
    printf("Usage: ipfs-cluster-service %s%s %s\n\n%s\n\n%s", above, c->name, c->arguments, c->help,
           c->more);
    const struct command *below = commands_below(c);
    if (below != NULL) {
        puts("Commands:");
        print_commands(stdout, below);
    }
    return 0;
}

int cmd_group(const struct command *table, const char *name, const struct service *service,
              int argc, char **argv)
{
    enum { NO_SUCH_TOPIC = 3 };
    char above[32];
    if (argc < 2)
        return cmd_help_on(command_named(commands, name), "");
    snprintf(above, sizeof(above), "%s ", name);
    const struct command *c = command_named(table, argv[1]);
    if (c == NULL) {
        (void)cmd_unknown(table, argv[1], above);
        return NO_SUCH_TOPIC;
    }
    if (cmd_wants_help(argc - 1, argv + 1))
        return cmd_help_on(c, above);
    return c->run(service, argc - 1, argv + 1);
}

int cmd_help(const struct service *service, int argc, char **argv)
{
    (void)service;
    if (argc < 2) {
        print_help(stdout);
        return 0;
    }
    const struct command *command = command_named(commands, argv[1]);
    if (command == NULL)
        return cmd_unknown(commands, argv[1], "");
    const struct command *below = commands_below(command);
    if (below == NULL || argc < 3)
        return cmd_help_on(command, "");
    char above[32];
    snprintf(above, sizeof(above), "%s ", argv[1]);
    command = command_named(below, argv[2]);
    return command != NULL ? cmd_help_on(command, above) : cmd_unknown(below, argv[2], above);
}

/* $IPFS_CLUSTER_PATH, else ~/.ipfs-cluster. */
static const char *default_folder(struct buf *room)
{
    const char *path = getenv("IPFS_CLUSTER_PATH");
    const char *home = getenv("HOME");
    if (path != NULL && path[0] != '\0')
        return path;
    buf_printf(room, "%s/.ipfs-cluster", home != NULL ? home : ".");
    return buf_text(room);
}

static int parse_level(struct service *service, const char *text)
{
    if (log_level_parse(&service->log.level, text) == OK)
        return 0;
    return cmd_fail(": unknown log level '%s'; use error, warning, info or debug", text);
}

/* 0: go on; else *code is the exit code. */
static int parse_options(struct service *service, int argc, char **argv, int *code)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "loglevel", required_argument, NULL, 'l' },
        { "debug", no_argument, NULL, 'd' },
        { "version", no_argument, NULL, 'v' },
        { "help", no_argument, NULL, 'h' },
        { "strict", no_argument, NULL, 's' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "+c:l:dvh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            service->folder = optarg;
            break;
        case 'l':
            *code = parse_level(service, optarg);
            if (*code != 0)
                return 1;
            break;
        case 'd':
            service->log.level = LOG_LEVEL_DEBUG;
            break;
        case 's':
            service->is_strict = true;
            break;
        case 'v':
            puts("ipfs-cluster-service version " VERSION_TEXT);
            *code = 0;
            return 1;
        case 'h':
            print_help(stdout);
            *code = 0;
            return 1;
        default:
            *code = cmd_bad_option(options, argv[optind - 1], "--help");
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct buf room = { 0 };
    struct service service = { .folder = default_folder(&room),
                               .log = os_log_stderr(LOG_LEVEL_INFO) };
    const char *level = getenv("IPFS_CLUSTER_LOG_LEVEL");
    int code = 1;
    if (sodium_init() < 0)
        return cmd_fail(": libsodium cannot be initialised");
    signal(SIGPIPE, SIG_IGN);
    if (level != NULL && level[0] != '\0')
        (void)log_level_parse(&service.log.level, level);
    if (parse_options(&service, argc, argv, &code) == 0) {
        argc -= optind;
        argv += optind;
        const struct command *command =
            argc > 0 ? command_named(commands, argv[0]) : command_named(commands, "daemon");
        static char daemon_name[] = "daemon";
        static char *bare[] = { daemon_name, NULL };
        optind = 0; /* the command's options are scanned anew */
        if (command == NULL)
            code = cmd_unknown(commands, argv[0], "");
        else if (cmd_wants_help(argc, argv))
            code = cmd_help_on(command, "");
        else if (argc > 0)
            code = command->run(&service, argc, argv);
        else
            code = command->run(&service, 1, bare);
    }
    buf_deinit(&room);
    return code;
}
