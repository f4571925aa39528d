/* cmd_show.c -- `config`: what this peer is told to be, and what it could be told. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "config/config.h"
#include "util/buf.h"
#include "util/err.h"

/* ---- show ---- */

static int show_parse(struct config_show *how, struct service *service, int argc, char **argv)
{
    enum { ENCODING = 256, SECRETS, CHANGED, STRICT };
    static const struct option options[] = { { "encoding", required_argument, NULL, ENCODING },
                                             { "enc", required_argument, NULL, ENCODING },
                                             { "secrets", no_argument, NULL, SECRETS },
                                             { "changed", no_argument, NULL, CHANGED },
                                             { "strict", no_argument, NULL, STRICT },
                                             { NULL, 0, NULL, 0 } };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == SECRETS)
            how->shows_secrets = true;
        else if (option == CHANGED)
            how->only_changed = true;
        else if (option == STRICT)
            service->is_strict = true;
        else if (option == ENCODING && strcmp(optarg, "json") == 0)
            how->as_json = true;
        else if (option == ENCODING && strcmp(optarg, "text") != 0)
            return cmd_fail(": unknown encoding '%s'; use text or json", optarg);
        else if (option != ENCODING)
            return cmd_bad_option(options, argv[optind - 1], "help config show");
    }
    return optind < argc ? cmd_fail(": config show takes no argument '%s'", argv[optind]) : 0;
}

static int cmd_config_show(const struct service *service, int argc, char **argv)
{
    struct config_show how = { 0 };
    struct service strict = *service;
    struct config config = { 0 };
    struct buf why = { 0 }, out = { 0 };
    int code = show_parse(&how, &strict, argc, argv);
    if (code == 0) {
        int err = cmd_read_config(&config, &strict, NULL, &why);
        if (err != OK)
            code = cmd_fail("loading configurations: %s",
                            why.len > 0 ? buf_text(&why) : err_text(err));
        else
            config_show(&config, &how, &out);
    }
    fwrite(out.data, 1, out.len, stdout);
    config_deinit(&config);
    buf_wipe(&out);
    buf_deinit(&why);
    return code;
}

/* ---- reference ---- */

static int cmd_config_reference(const struct service *service, int argc, char **argv)
{
    (void)service;
    if (argc > 1)
        return cmd_fail(": config reference takes no argument '%s'", argv[1]);
    struct buf out = { 0 };
    config_reference(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
    return 0;
}

/* ---- the commands ---- */

static const struct command config_commands[] = {
    { "show", "[--secrets] [--changed] [--enc text|json]",
      "print what the configuration comes to, and where each value came from",
      "      --secrets         print secrets, too\n"
      "      --changed         leave out what is the default\n"
      "      --strict          an unknown key is an error\n"
      "      --enc text|json   how it is shown\n\n"
      "Examples:\n"
      "  ipfs-cluster-service config show --changed\n"
      "  ipfs-cluster-service config show --enc json | jq '.\"cluster.peername\".value'\n",
      cmd_config_show },
    { "reference", "", "explain every option, as docs/CONFIG.md",
      "Examples:\n"
      "  ipfs-cluster-service config reference | less\n",
      cmd_config_reference },
    { NULL, NULL, NULL, NULL, NULL },
};

const struct command *cmd_config_commands(void)
{
    return config_commands;
}

int cmd_config(const struct service *service, int argc, char **argv)
{
    return cmd_group(config_commands, "config", service, argc, argv);
}
