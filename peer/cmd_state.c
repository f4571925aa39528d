/* cmd_state.c -- `state`: what an operator does with the data of a peer that does not run. */
#include "cmd_state.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "state/pinset.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/json.h"

/* ---- the folder ---- */

int state_begin(struct state *s, const struct service *service, bool exclusively)
{
    *s = (struct state){ .service = service, .lock = { .fd = -1 } };
    struct buf path = { 0 };
    int err = cmd_read_config(&s->config, service, NULL, &s->why);
    if (err == OK)
        err = cmd_read_identity(&s->identity, service, &s->config, &s->why);
    if (err == OK && exclusively)
        err = os_lock_take(&s->lock, cmd_path(&path, service, "cluster.lock"), &s->why);
    if (err == OK) {
        cmd_data_folder(&s->folder, service, &s->config);
        err = cmd_data_check(buf_text(&s->folder), &s->why);
    }
    if (err == OK) {
        err = os_loop_init(&s->loop);
        s->has_loop = err == OK;
    }
    buf_deinit(&path);
    return err;
}

static int state_open_at(struct state *s, const char *folder, struct os_store_options options)
{
    options.dir = folder;
    options.loop = &s->loop;
    options.log = &s->service->log;
    int err = os_store_open(&s->store, &options);
    if (err == OK) {
        s->port = os_store_port(s->store);
        err = peer_disk_open(&s->disk, &s->port);
    }
    if (err == ERR_VERSION)
        buf_printf(&s->why, "%s was written by a newer version: use that one", folder);
    else if (err != OK && s->why.len == 0)
        buf_printf(&s->why, "%s cannot be opened: %s", folder, err_text(err));
    return err;
}

int state_open(struct state *s, bool only_look)
{
    struct buf log = { 0 };
    buf_printf(&log, "%s/log/data.mdb", buf_text(&s->folder));
    bool has_data = os_file_exists(buf_text(&log));
    buf_deinit(&log);
    struct os_store_options options = { .is_read_only = only_look };
    return has_data ? state_open_at(s, buf_text(&s->folder), options) : OK;
}

int state_open_new(struct state *s, const char *folder)
{
    int err = os_dir_make(folder, 0700, &s->why);
    struct os_store_options options = { .is_scratch = true };
    return err == OK ? state_open_at(s, folder, options) : err;
}

/* The store first: nothing completes into the disk any more. */
int state_close(struct state *s)
{
    int err = s->store != NULL ? os_store_close(s->store) : OK;
    if (err == ERR_TIMEOUT)
        fatal("a worker hangs in the disk");
    peer_disk_close(s->disk);
    s->store = NULL;
    s->disk = NULL;
    return err;
}

void state_end(struct state *s)
{
    (void)state_close(s);
    if (s->has_loop)
        os_loop_deinit(&s->loop);
    os_lock_release(&s->lock);
    config_deinit(&s->config);
    identity_wipe(&s->identity);
    buf_deinit(&s->folder);
    buf_deinit(&s->why);
}

int state_fail(const struct state *s, const char *doing, int err)
{
    struct buf why = { 0 };
    buf_append(&why, s->why.data, s->why.len);
    int code = cmd_fail("%s: %s", doing, why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&why);
    return code;
}

bool state_asks(const char *question)
{
    char line[64];
    printf("%s [y/n]: ", question);
    for (int tries = 0; tries < 3; tries++) {
        fflush(stdout);
        if (fgets(line, sizeof(line), stdin) == NULL) {
            puts("no");
            return false;
        }
        if (line[0] == 'y' || line[0] == 'Y' || line[0] == 'n' || line[0] == 'N')
            return line[0] == 'y' || line[0] == 'Y';
        puts("Please press either 'y' or 'n'");
    }
    return false;
}

/* ---- info ---- */

static const char *state_role(const struct raft_member *m)
{
    return m->role == RAFT_VOTER ? "voter" : "learner";
}

static void info_hash(const struct peer_disk_facts *f, struct buf *out)
{
    buf_printf(out, "%016llx%016llx", (unsigned long long)f->hash.high,
               (unsigned long long)f->hash.low);
}

static void info_print_members(const struct state *s, const struct raft_config *c)
{
    printf("members:        %zu\n", c->count);
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        printf("  %-5llu %-8s %s%s\n", (unsigned long long)m->number, state_role(m),
               peer_id_print(&m->id).text,
               peer_id_equal(&m->id, &s->identity.id) ? " (this peer)" : "");
    }
}

static void info_print(const struct state *s, const struct peer_disk_facts *f)
{
    struct buf id = { 0 }, hash = { 0 };
    hex_append(&id, f->cluster_id, sizeof(f->cluster_id));
    info_hash(f, &hash);
    printf("cluster:        %s\n", buf_text(&id));
    printf("member:         %llu\n", (unsigned long long)f->number);
    printf("term:           %llu\n", (unsigned long long)f->term);
    printf("last entry:     index %llu of term %llu\n", (unsigned long long)f->last.index,
           (unsigned long long)f->last.term);
    printf("committed:      %llu, at least\n", (unsigned long long)f->committed);
    printf("applied:        %llu\n", (unsigned long long)f->applied);
    printf("pins:           %llu\n", (unsigned long long)f->pins_count);
    printf("state hash:     %s\n", buf_text(&hash));
    if (f->config != NULL)
        info_print_members(s, f->config);
    buf_deinit(&id);
    buf_deinit(&hash);
}

static void info_write_members(struct json_writer *w, const struct raft_config *c)
{
    json_key(w, "members");
    json_array_begin(w);
    for (size_t i = 0; c != NULL && i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        json_object_begin(w);
        json_key_u64(w, "number", m->number);
        json_key_string(w, "role", state_role(m));
        json_key_string(w, "id", peer_id_print(&m->id).text);
        json_object_end(w);
    }
    json_array_end(w);
}

static void info_print_json(const struct peer_disk_facts *f)
{
    struct buf out = { 0 }, id = { 0 }, hash = { 0 };
    struct json_writer w = json_writer_to(&out);
    hex_append(&id, f->cluster_id, sizeof(f->cluster_id));
    info_hash(f, &hash);
    json_object_begin(&w);
    json_key_string(&w, "cluster_id", buf_text(&id));
    json_key_u64(&w, "member_number", f->number);
    json_key_u64(&w, "term", f->term);
    json_key_u64(&w, "last_term", f->last.term);
    json_key_u64(&w, "last_index", f->last.index);
    json_key_u64(&w, "committed", f->committed);
    json_key_u64(&w, "applied", f->applied);
    json_key_u64(&w, "pins", f->pins_count);
    json_key_string(&w, "state_hash", buf_text(&hash));
    info_write_members(&w, f->config);
    json_object_end(&w);
    puts(buf_text(&out));
    buf_deinit(&out);
    buf_deinit(&id);
    buf_deinit(&hash);
}

static int cmd_state_info(const struct service *service, int argc, char **argv)
{
    static const struct option options[] = { { "enc", required_argument, NULL, 'e' },
                                             { "encoding", required_argument, NULL, 'e' },
                                             { NULL, 0, NULL, 0 } };
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'e')
            return cmd_bad_option(options, argv[optind - 1], "help state info");
        as_json = strcmp(optarg, "json") == 0;
        if (!as_json && strcmp(optarg, "text") != 0)
            return cmd_fail(": unknown encoding '%s'; use text or json", optarg);
    }
    struct state s;
    int code = 0;
    int err = state_begin(&s, service, false);
    if (err == OK)
        err = state_open(&s, true);
    const struct peer_disk_facts *f = s.disk != NULL ? peer_disk_facts(s.disk) : NULL;
    if (err != OK)
        code = state_fail(&s, "looking at the state", err);
    else if (f != NULL && f->log_is_damaged)
        code =
            cmd_fail("looking at the state: the log in %s is damaged. Started, this peer gives its "
                     "member number up and joins the others anew",
                     buf_text(&s.folder));
    else if (f == NULL || f->is_empty)
        code = cmd_fail("looking at the state: %s holds no data of a cluster: this peer has not "
                        "founded or joined one yet",
                        buf_text(&s.folder));
    else if (as_json)
        info_print_json(f);
    else
        info_print(&s, f);
    state_end(&s);
    return code;
}

/* ---- version ---- */

static int cmd_state_version(const struct service *service, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return cmd_fail(": state version takes no argument");
    struct state s;
    int code = 0;
    int err = state_begin(&s, service, false);
    if (err == OK)
        err = state_open(&s, true);
    if (err != OK)
        code = state_fail(&s, "looking at the state", err);
    else if (s.disk == NULL || peer_disk_facts(s.disk)->is_empty)
        printf("none here; this program writes version %d\n", PINSET_LEVEL_MAX);
    else
        printf("%u; this program knows versions up to %d\n", peer_disk_facts(s.disk)->level,
               PINSET_LEVEL_MAX);
    state_end(&s);
    return code;
}

/* ---- cleanup ---- */

/* The data, and what remembers them: the next start is that of a new peer. */
static int cleanup_run(struct state *s)
{
    struct buf path = { 0 };
    int err = os_dir_rotate(buf_text(&s->folder), (unsigned)s->config.raft.backups_rotate, &s->why);
    if (err == OK)
        err = os_file_remove(cmd_path(&path, s->service, "cluster_id"), &s->why);
    if (err == OK)
        err = cmd_list_forget(s->service, &s->why);
    buf_deinit(&path);
    return err;
}

static int cmd_state_cleanup(const struct service *service, int argc, char **argv)
{
    static const struct option options[] = { { "force", no_argument, NULL, 'f' },
                                             { NULL, 0, NULL, 0 } };
    bool force = false;
    int option;
    while ((option = getopt_long(argc, argv, "f", options, NULL)) != -1) {
        if (option != 'f')
            return cmd_bad_option(options, argv[optind - 1], "help state cleanup");
        force = true;
    }
    struct state s;
    int code = 0;
    int err = state_begin(&s, service, true);
    if (err == OK && !force &&
        !state_asks("The peer state will be removed.  Existing pins may be lost. Continue?")) {
        state_end(&s);
        return 0;
    }
    if (err == OK)
        err = cleanup_run(&s);
    if (err != OK)
        code = state_fail(&s, "cleaning up the state", err);
    else
        LOG_INFO(&service->log, "service", "data correctly cleaned up: what was there is %s.old.0",
                 buf_text(&s.folder));
    state_end(&s);
    return code;
}

/* ---- the commands ---- */

static const struct command state_commands[] = {
    { "info", "[--enc text|json]", "what this peer's disk holds; it may be running",
      "Of several peers that lost the others for ever, the one with the highest term and index of "
      "its\n"
      "last entry has the most (see daemon --accept-peers).\n\n"
      "  --enc text|json   how it is shown\n\n"
      "Examples:\n"
      "  ipfs-cluster-service state info\n"
      "  ipfs-cluster-service -c /srv/cluster state info --enc json\n",
      cmd_state_info },
    { "export", "[--file FILE]", "write the pins, one a line",
      "The peer must not be running; from one that is: ipfs-cluster-ctl state export.\n\n"
      "  -f, --file FILE   instead of stdout\n\n"
      "Examples:\n"
      "  ipfs-cluster-service state export -f pins.json\n"
      "  ipfs-cluster-service state export | jq -r .cid\n",
      cmd_state_export },
    { "import", "[--force] [--rmin N] [--rmax N] [--allocs PEER,...] [FILE]",
      "found a cluster of one with the pins of a file",
      "Reads what `state export` of this program or of the Go ipfs-cluster 1.x wrote, and the "
      "files that\n"
      "versions before it left in backups/; without FILE from stdin. Only where there are no data "
      "yet:\n"
      "nothing is replaced, and nothing is left behind when the file turns out to be bad. For a "
      "cluster\n"
      "that runs there is ipfs-cluster-ctl state import.\n\n"
      "  -f, --force                     accepted; there is nothing to confirm\n"
      "      --rmin, --replication-min N  for all pins, if above 0\n"
      "      --rmax, --replication-max N  for all pins, if above 0\n"
      "      --allocs, --allocations PEER,...   who holds each of them\n\n"
      "Examples:\n"
      "  ipfs-cluster-service state import pins.json\n"
      "  zcat pins.json.gz | ipfs-cluster-service state import\n",
      cmd_state_import },
    { "cleanup", "[--force]", "put this peer's data aside",
      "It starts as a new peer then: it joins the peers of cluster_peers or --bootstrap, and has "
      "from them\n"
      "what they have. The data are renamed, and kept as often as backups_rotate says.\n\n"
      "  -f, --force   do not ask\n\n"
      "Examples:\n"
      "  ipfs-cluster-service state cleanup\n"
      "  ipfs-cluster-service state cleanup -f && ipfs-cluster-service daemon\n",
      cmd_state_cleanup },
    { "version", "", "the version of the state's format, here and of this program",
      "Examples:\n"
      "  ipfs-cluster-service state version\n",
      cmd_state_version },
    { NULL, NULL, NULL, NULL, NULL },
};

const struct command *cmd_state_commands(void)
{
    return state_commands;
}

int cmd_state(const struct service *service, int argc, char **argv)
{
    return cmd_group(state_commands, "state", service, argc, argv);
}
