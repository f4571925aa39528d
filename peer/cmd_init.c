/* cmd_init.c -- writes service.json and identity.json. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config/config.h"
#include "ids/identity.h"
#include "os/os_file.h"
#include "util/buf.h"
#include "util/err.h"

struct init {
    bool force;
    bool random_ports;
    const char *secret;
    const char *peers;
};

static int init_parse(struct init *init, const struct args *args)
{
    const char *consensus = args_text(args, "consensus");
    *init = (struct init){ .force = args_is(args, "force"),
                           .random_ports = args_is(args, "randomports"),
                           .secret = args_text(args, "custom-secret"),
                           .peers = args_text(args, "peers") };
    if (strcmp(consensus, "crdt") == 0)
        return cmd_fail("choosing consensus: there is no crdt here, this peer keeps its pins by "
                        "raft: leave --consensus out");
    if (strcmp(consensus, "raft") != 0)
        return cmd_fail("choosing consensus: '%s' is none: it is raft", consensus);
    return 0;
}

/* A port that is free now. */
static int init_random_port(struct config *c, const char *name, struct config_notes *notes)
{
    char text[64];
    snprintf(text, sizeof(text), "/ip4/127.0.0.1/tcp/%u", 20000 + randombytes_uniform(20000));
    return config_set(c, name, text, notes);
}

static int init_values(const struct init *init, struct config *c, struct config_notes *notes)
{
    extern char **environ;
    int err = config_init(c);
    if (err == OK) {
        randombytes_buf(c->cluster.secret.bytes, sizeof(c->cluster.secret.bytes));
        c->cluster.secret.is_set = true;
        err = config_read_environment(c, (const char *const *)environ, notes);
    }
    if (err == OK && init->secret != NULL)
        err = config_set(c, "cluster.secret", init->secret, notes);
    if (err == OK && init->peers != NULL)
        err = config_set(c, "cluster.cluster_peers", init->peers, notes);
    if (err == OK && init->random_ports) {
        err = init_random_port(c, "cluster.listen_multiaddress", notes);
        if (err == OK)
            err = init_random_port(c, "api.restapi.http_listen_multiaddress", notes);
        if (err == OK)
            err = init_random_port(c, "api.ipfsproxy.listen_multiaddress", notes);
    }
    return err == OK ? config_check(c, notes) : err;
}

static int init_config(const struct service *service, const struct init *init)
{
    struct config config = { 0 };
    struct config_notes notes = { 0 };
    struct buf path = { 0 };
    struct buf file = { 0 };
    struct buf why = { 0 };
    int code = 0;
    cmd_path(&path, service, "service.json");
    if (os_file_exists(buf_text(&path)) && !init->force) {
        code = cmd_fail(": %s exists. Use init --force to overwrite it", buf_text(&path));
    } else if (init_values(init, &config, &notes) != OK) {
        code = cmd_fail(": %s", buf_text(&notes.error));
    } else {
        config_write(&config, &file);
        if (file.err != OK ||
            os_file_replace(buf_text(&path), file.data, file.len, 0600, &why) != OK)
            code = cmd_fail(": %s", buf_text(&why));
        else
            fprintf(stderr, "configuration written to %s.\n", buf_text(&path));
    }
    config_deinit(&config);
    config_notes_deinit(&notes);
    buf_wipe(&file);
    buf_deinit(&path);
    buf_deinit(&why);
    return code;
}

/* The identity that is there is kept, also by --force: it is who this peer is to all others. */
static int init_identity(const struct service *service)
{
    struct buf path = { 0 };
    struct buf file = { 0 };
    struct buf why = { 0 };
    int code = 0;
    cmd_path(&path, service, "identity.json");
    if (!os_file_exists(buf_text(&path))) {
        uint8_t seed[IDENTITY_SEED_BYTES];
        struct identity identity;
        randombytes_buf(seed, sizeof(seed));
        identity_from_seed(&identity, seed);
        identity_json_write(&identity, &file);
        sodium_memzero(seed, sizeof(seed));
        identity_wipe(&identity);
        if (os_file_replace(buf_text(&path), file.data, file.len, 0600, &why) != OK)
            code = cmd_fail(": %s", buf_text(&why));
        else
            fprintf(stderr, "new identity written to %s\n", buf_text(&path));
    }
    buf_wipe(&file);
    buf_deinit(&path);
    buf_deinit(&why);
    return code;
}

static int cmd_init_run(void *program, const struct args *args)
{
    const struct service *service = program;
    struct init init;
    struct buf why = { 0 };
    int code = init_parse(&init, args);
    if (code == 0 && os_dir_make(service->folder, 0700, &why) != OK)
        code = cmd_fail(": %s", buf_text(&why));
    if (code == 0)
        code = init_config(service, &init);
    if (code == 0)
        code = init_identity(service);
    buf_deinit(&why);
    return code;
}

static const struct flag flags[] = {
    { "force,f", FLAG_BOOL,
      .help = "overwrite the configuration that is there (never the identity)" },
    { "peers", FLAG_TEXT, .value = "ADDR,...",
      .help = "the other peers of a fixed cluster, each ending in /p2p/ID" },
    { "custom-secret,s", FLAG_TEXT, .value = "HEX",
      .help = "the cluster's secret, 64 hex digits, instead of a new one" },
    { "randomports", FLAG_BOOL, .help = "free ports instead of 9094, 9095 and 9096" },
    { "consensus", FLAG_TEXT, .value = "raft", .fallback = "raft",
      .help = "accepted; there is no other" },
    { "datastore", FLAG_TEXT, .value = "NAME", .is_hidden = true,
      .help = "V1's; the state is kept in LMDB" },
    { 0 },
};

static const struct example examples[] = {
    { "init", "a configuration and an identity in ~/.ipfs-cluster" },
    { "-c /srv/cluster init --custom-secret HEX", "of a peer that joins others" },
    { 0 },
};

const struct cmd cmd_init = {
    .path = "init",
    .operands = "",
    .summary = "write service.json and identity.json",
    .text = "What CLUSTER_ variables of the environment say is written into the file.",
    .flags = flags,
    .examples = examples,
    .run = cmd_init_run,
};
