/* cmd_state.c -- `state`: what an operator does with the data of a peer that does not run. */
#include "cmd_state.h"

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
    struct buf log = { 0 }, older = { 0 };
    buf_printf(&log, "%s/records", buf_text(&s->folder));
    buf_printf(&older, "%s/log/data.mdb", buf_text(&s->folder));
    bool has_data = os_file_exists(buf_text(&log)) || os_file_exists(buf_text(&older));
    buf_deinit(&log);
    buf_deinit(&older);
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
    if (raft_member_goes(m))
        return "leaving";
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

static int cmd_state_info_run(void *program, const struct args *args)
{
    const struct service *service = program;
    bool as_json;
    int code = cmd_encoding(args, &as_json);
    if (code != 0)
        return code;
    struct state s;
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

static int cmd_state_version_run(void *program, const struct args *args)
{
    const struct service *service = program;
    (void)args;
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

static int cmd_state_cleanup_run(void *program, const struct args *args)
{
    const struct service *service = program;
    bool force = args_is(args, "force");
    struct state s;
    int code = 0;
    int err = state_begin(&s, service, true);
    if (err == OK && !force &&
        !state_asks("The peer state will be removed.  Existing pins may be lost. Continue?")) {
        state_end(&s);
        return 0;
    }
    bool has_data = err == OK && os_file_exists(buf_text(&s.folder));
    if (err == OK)
        err = cleanup_run(&s);
    if (err != OK)
        code = state_fail(&s, "cleaning up the state", err);
    else if (!has_data)
        LOG_INFO(&service->log, "service", "data correctly cleaned up: there was none in %s",
                 buf_text(&s.folder));
    else
        LOG_INFO(&service->log, "service", "data correctly cleaned up: what was there is %s.old.0",
                 buf_text(&s.folder));
    state_end(&s);
    return code;
}

/* ---- the commands ---- */

static const struct flag info_flags[] = {
    { "encoding,enc", FLAG_TEXT, .value = "text|json", .fallback = "text",
      .help = "how it is shown" },
    { 0 },
};

static const struct example info_examples[] = {
    { "state info", "of the peer in ~/.ipfs-cluster" },
    { "-c /srv/cluster state info --enc json", "of another one, for a program" },
    { 0 },
};

const struct cmd cmd_state_info = {
    .path = "state info",
    .operands = "",
    .summary = "what this peer's disk holds; it may be running",
    .text = "Of several peers that lost the others for ever, the one with the highest term and "
            "index of its last entry has the most (see daemon --accept-peers).",
    .flags = info_flags,
    .examples = info_examples,
    .run = cmd_state_info_run,
};

static const struct flag cleanup_flags[] = {
    { "force,f", FLAG_BOOL, .help = "do not ask" },
    { 0 },
};

static const struct example cleanup_examples[] = {
    { "state cleanup", "asks first" },
    { "state cleanup -f", "does not" },
    { 0 },
};

const struct cmd cmd_state_cleanup = {
    .path = "state cleanup",
    .operands = "",
    .summary = "put this peer's data aside",
    .text = "It starts as a new peer then: it joins the peers of cluster_peers or --bootstrap, and "
            "has from them what they have. The data are renamed, and kept as often as "
            "backups_rotate says.",
    .flags = cleanup_flags,
    .examples = cleanup_examples,
    .run = cmd_state_cleanup_run,
};

static const struct example version_examples[] = {
    { "state version", "one number, and the highest that this program knows" },
    { 0 },
};

const struct cmd cmd_state_version = {
    .path = "state version",
    .operands = "",
    .summary = "the version of the state's format, here and of this program",
    .examples = version_examples,
    .run = cmd_state_version_run,
};

static const struct example examples[] = {
    { "state info", "what is there" },
    { "state export -f pins.json", "a copy" },
    { 0 },
};

const struct cmd cmd_state = {
    .path = "state",
    .operands = "",
    .summary = "look at, copy, restore or put aside the data of a peer",
    .examples = examples,
};
