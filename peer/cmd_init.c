/* cmd_init.c -- writes service.json and identity.json. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "config/config.h"
#include "ids/identity.h"
#include "os/os_file.h"
#include "os/os_socket.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"

struct init {
    bool force;
    bool random_ports;
    const char *source; /* NULL, or the URL that the file is to name */
    const char *secret; /* NULL: a new one */
    const char *peers;
    char asked[256]; /* the secret, when it was asked for */
};

static bool init_is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* V1 asks for it, scripts write it to stdin; ours may have it behind the flag. */
static void init_ask_secret(struct init *init)
{
    fputs("Enter cluster secret (32-byte hex string): ", stdout);
    fflush(stdout);
    if (fgets(init->asked, sizeof(init->asked), stdin) == NULL)
        init->asked[0] = '\0';
    init->asked[strcspn(init->asked, "\r\n")] = '\0';
    init->secret = init->asked;
}

/* V1's names are taken, and change nothing. */
static int init_check_datastore(const char *name)
{
    static const char *const known[] = { "leveldb", "badger", "badger3", "pebble" };
    for (size_t i = 0; name != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i]) == 0)
            name = NULL;
    }
    if (name == NULL)
        return 0;
    return cmd_fail("choosing datastore: '%s' is none: there were leveldb, badger, badger3 and "
                    "pebble; here it is LMDB whatever is said",
                    name);
}

static int init_parse(struct init *init, const struct args *args)
{
    const char *consensus = args_text(args, "consensus");
    *init = (struct init){ .force = args_is(args, "force"),
                           .random_ports = args_is(args, "randomports"),
                           .peers = args_text(args, "peers") };
    if (strcmp(consensus, "crdt") == 0)
        return cmd_fail("choosing consensus: there is no crdt here, this peer keeps its pins by "
                        "raft: leave --consensus out. Pins of a crdt cluster come over by "
                        "`state export` there and `state import` here");
    if (strcmp(consensus, "raft") != 0)
        return cmd_fail("choosing consensus: '%s' is none: it is raft", consensus);
    int code = init_check_datastore(args_text(args, "datastore"));
    if (code != 0)
        return code;
    for (size_t i = 0; i < args->operands_count; i++) {
        const char *word = args->operands[i];
        if (init_is_url(word) && init->source == NULL)
            init->source = word;
        else if (args_is(args, "custom-secret") && init->secret == NULL)
            init->secret = word;
        else
            return cmd_fail(": '%s' is no URL of a configuration", word);
    }
    if (args_is(args, "custom-secret") && init->secret == NULL)
        init_ask_secret(init);
    return 0;
}

/* ---- ports ---- */

enum { INIT_PORTS = 3 };

/* The option's first address with a port that is free now; it is held in *fd. */
static int init_random_port(struct config *c, const char *name, const struct config_addrs *addrs,
                            int *fd, struct config_notes *notes)
{
    struct multiaddr_endpoint at;
    struct multiaddr any, real;
    struct buf text = { 0 };
    int err = multiaddr_endpoint(&addrs->at[0], &at);
    buf_printf(&text, "/%s/%s/tcp/0", at.kind == MULTIADDR_IP6 ? "ip6" : "ip4", at.host);
    if (err == OK)
        err = multiaddr_parse(&any, buf_text(&text));
    buf_clear(&text);
    if (err == OK)
        err = os_socket_listen(&any, fd, &real, &notes->error);
    if (err == OK) {
        multiaddr_print(&real, &text);
        err = config_set(c, name, buf_text(&text), notes);
    }
    buf_deinit(&text);
    return err;
}

static int init_random_ports(struct config *c, struct config_notes *notes)
{
    const struct {
        const char *name;
        const struct config_addrs *addrs;
    } rows[INIT_PORTS] = {
        { "cluster.listen_multiaddress", &c->cluster.listen_multiaddress },
        { "api.restapi.http_listen_multiaddress", &c->restapi.http_listen_multiaddress },
        { "api.ipfsproxy.listen_multiaddress", &c->ipfsproxy.listen_multiaddress },
    };
    int fds[INIT_PORTS] = { -1, -1, -1 };
    int err = OK;
    for (size_t i = 0; i < INIT_PORTS && err == OK; i++)
        err = init_random_port(c, rows[i].name, rows[i].addrs, &fds[i], notes);
    for (size_t i = 0; i < INIT_PORTS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return err;
}

/* ---- service.json ---- */

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
    if (err == OK && init->random_ports)
        err = init_random_ports(c, notes);
    return err == OK ? config_check(c, notes) : err;
}

static int init_text(const struct init *init, struct buf *file, struct config_notes *notes)
{
    struct config config = { 0 };
    int err = OK;
    if (init->source != NULL) {
        struct json_writer w = json_writer_to(file);
        json_object_begin(&w);
        json_key_string(&w, "source", init->source);
        json_object_end(&w);
    } else if ((err = init_values(init, &config, notes)) == OK) {
        config_write(&config, file);
    }
    config_deinit(&config);
    return err == OK ? file->err : err;
}

static int init_config(const struct service *service, const struct init *init)
{
    struct config_notes notes = { 0 };
    struct buf path = { 0 };
    struct buf file = { 0 };
    struct buf why = { 0 };
    int code = 0;
    cmd_path(&path, service, "service.json");
    int err = os_file_exists(buf_text(&path)) && !init->force ? ERR_EXISTS
                                                              : init_text(init, &file, &notes);
    if (err == ERR_EXISTS)
        code = cmd_fail(": %s exists. Use init --force to overwrite it", buf_text(&path));
    else if (err != OK)
        code = cmd_fail(": %s", notes.error.len > 0 ? buf_text(&notes.error) : err_text(err));
    else if (os_file_replace(buf_text(&path), file.data, file.len, 0600, &why) != OK)
        code = cmd_fail(": %s", buf_text(&why));
    else
        fprintf(stderr, "%sconfiguration written to %s.\n", buf_text(&notes.warnings),
                buf_text(&path));
    config_notes_deinit(&notes);
    buf_wipe(&file);
    buf_deinit(&path);
    buf_deinit(&why);
    return code;
}

/* ---- identity.json ---- */

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
    struct os_lock lock = { .fd = -1 };
    struct buf path = { 0 };
    struct buf why = { 0 };
    int code = init_parse(&init, args);
    if (code == 0 && os_dir_make(service->folder, 0700, &why) != OK)
        code = cmd_fail(": %s", buf_text(&why));
    /* A peer that runs has read the file; at its next start it would be another one than it is now. */
    if (code == 0 && os_lock_take(&lock, cmd_path(&path, service, "cluster.lock"), &why) != OK)
        code = cmd_fail("obtaining execution lock: %s", buf_text(&why));
    if (code == 0)
        code = init_config(service, &init);
    if (code == 0)
        code = init_identity(service);
    os_lock_release(&lock);
    sodium_memzero(init.asked, sizeof(init.asked));
    buf_deinit(&path);
    buf_deinit(&why);
    return code;
}

static const struct flag flags[] = {
    { "force,f", FLAG_BOOL,
      .help = "overwrite the configuration that is there (never the identity)" },
    { "peers", FLAG_TEXT, .value = "ADDR,...",
      .help = "the other peers of a fixed cluster, each ending in /p2p/ID" },
    { "custom-secret,s", FLAG_BOOL,
      .help = "instead of a new secret, the cluster's own: the SECRET given, 64 hex digits, or "
              "else a line of stdin" },
    { "randomports", FLAG_BOOL, .help = "free ports instead of 9094, 9095 and 9096" },
    { "consensus", FLAG_TEXT, .value = "raft", .fallback = "raft",
      .help = "accepted; there is no other" },
    { "datastore", FLAG_TEXT, .value = "NAME", .is_hidden = true,
      .help = "V1's; the state is kept in LMDB" },
    { 0 },
};

static const struct example examples[] = {
    { "init", "a configuration and an identity in ~/.ipfs-cluster" },
    { "-c /srv/cluster init --custom-secret SECRET", "of a peer that joins others" },
    { "init http://config.example/service.json", "one file for many peers" },
    { 0 },
};

const struct cmd cmd_init = {
    .path = "init",
    .operands = "[SECRET] [URL]",
    .operands_max = 2,
    .summary = "write service.json and identity.json",
    .text = "What CLUSTER_ variables of the environment say is written into the file. With a URL "
            "(http or https) the file only names it, and the configuration is fetched from there "
            "at each start. While a peer runs on the folder nothing is written.",
    .flags = flags,
    .examples = examples,
    .run = cmd_init_run,
};
