/* cmd_config.c -- what every command that works on a configured folder reads first. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "config/config.h"
#include "config/options.h"
#include "ids/identity.h"
#include "os/os_fetch.h"
#include "os/os_file.h"
#include "util/buf.h"
#include "util/err.h"

enum { CONFIG_FILE_BYTES_MAX = 4 * 1024 * 1024, CONFIG_FETCH_US = 30 * 1000 * 1000 };

/* What is odd, for people: each on its line, and in one line what was given in vain. */
static void config_say(const struct service *service, struct config_notes *notes)
{
    char *rest = (char *)buf_text(&notes->warnings);
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            LOG_WARN(&service->log, "config", "%s", line);
    }
    if (notes->idle.len > 0)
        LOG_WARN(&service->log, "config",
                 "without effect here: %s (`ipfs-cluster-service config reference` says why)",
                 buf_text(&notes->idle));
}

/* The file names a URL: what is there counts in its place. */
static int config_read_source(struct config *out, struct config_notes *notes, struct buf *why)
{
    struct buf url = { 0 };
    struct buf fetched = { 0 };
    buf_append_text(&url, out->source);
    config_deinit(out);
    int err = os_fetch(buf_text(&url), CONFIG_FILE_BYTES_MAX, CONFIG_FETCH_US, &fetched, why);
    if (err != OK && why->len == 0)
        buf_append_text(why, err_text(err));
    if (err == OK)
        err = config_init(out);
    if (err == OK)
        err = config_read(out, (const char *)fetched.data, fetched.len, notes);
    if (notes->error.len > 0)
        buf_printf(why, "%s: %s", buf_text(&url), buf_text(&notes->error));
    if (err == OK && out->source[0] != '\0') {
        buf_printf(why, "%s: source: what was fetched may not name another place", buf_text(&url));
        err = ERR_INVALID;
    }
    if (err == OK && (out->source = arena_strdup(&out->arena, buf_text(&url))) == NULL)
        err = ERR_NOMEM;
    buf_clear(&notes->error);
    buf_deinit(&url);
    buf_wipe(&fetched);
    return err;
}

/* service.json, or what it names. */
static int config_read_file(struct config *out, const char *path, struct config_notes *notes,
                            struct buf *why)
{
    struct buf file = { .limit = CONFIG_FILE_BYTES_MAX };
    int err = os_file_read(path, &file, why);
    if (err == ERR_NOT_FOUND)
        buf_append_text(why, ". Write one with: ipfs-cluster-service init");
    if (err == OK)
        err = config_init(out);
    if (err == OK)
        err = config_read(out, (const char *)file.data, file.len, notes);
    if (err == OK && out->source[0] != '\0')
        err = config_read_source(out, notes, why);
    buf_wipe(&file);
    return err;
}

/* V1's file of known peers; it need not be there. */
static int config_read_known(struct config *out, const struct service *service,
                             struct config_notes *notes)
{
    const char *name = out->cluster.peerstore_file;
    struct buf path = { 0 };
    struct buf file = { .limit = CONFIG_FILE_BYTES_MAX };
    if (name[0] == '/')
        buf_append_text(&path, name);
    else
        cmd_path(&path, service, name[0] != '\0' ? name : "peerstore");
    int err = OK;
    if (os_file_read(buf_text(&path), &file, NULL) == OK)
        err = config_read_peerstore(out, (const char *)file.data, file.len, notes);
    buf_deinit(&file);
    buf_deinit(&path);
    return err;
}

int cmd_read_config(struct config *out, const struct service *service,
                    const struct setting *settings, struct buf *why)
{
    extern char **environ;
    struct config_notes notes = { .strict = service->is_strict };
    struct buf path = { 0 };
    int err = config_read_file(out, cmd_path(&path, service, "service.json"), &notes, why);
    if (err == OK)
        err = config_read_environment(out, (const char *const *)environ, &notes);
    if (err == OK)
        err = config_read_known(out, service, &notes);
    for (; settings != NULL && settings->option != NULL && err == OK; settings++)
        err = config_set(out, settings->option, settings->text, &notes);
    if (err == OK)
        err = config_check(out, &notes);
    if (notes.error.len > 0)
        buf_printf(why, "%s: %s", buf_text(&path), buf_text(&notes.error));
    config_say(service, &notes);
    config_notes_deinit(&notes);
    buf_deinit(&path);
    return err;
}

/* The key that the configuration itself has: from old files, or from the environment. */
static int identity_of_config(struct identity *out, const struct config *config, struct buf *why)
{
    const char *key = config->cluster.private_key, *id = config->cluster.id;
    int err = identity_parse(out, key, strlen(key));
    if (err != OK)
        buf_printf(why, "cluster.private_key: %s", err_text(err));
    if (err == OK && id[0] != '\0' && strcmp(id, peer_id_print(&out->id).text) != 0) {
        buf_printf(why, "cluster.id is %s, but cluster.private_key is that of %s", id,
                   peer_id_print(&out->id).text);
        err = ERR_CORRUPT;
    }
    return err;
}

/* A file from before identity.json has the key in its cluster section: it goes where it belongs now. */
static int identity_save(const struct identity *identity, const char *path, struct buf *why)
{
    struct buf file = { 0 };
    identity_json_write(identity, &file);
    int err = os_file_replace(path, file.data, file.len, 0600, why);
    if (err == OK)
        fprintf(stderr, "NOTICE: the identity of service.json was saved as %s\n", path);
    buf_wipe(&file);
    return err;
}

static bool config_has_key_of_environment(const struct config *config)
{
    static const char name[] = "cluster.private_key";
    const struct option *o = option_named((struct bytes){ name, sizeof(name) - 1 });
    return config->cluster.private_key[0] != '\0' &&
           config->origin[option_index(o)] == CONFIG_ORIGIN_ENVIRONMENT;
}

int cmd_read_identity(struct identity *out, const struct service *service,
                      const struct config *config, struct buf *why)
{
    struct buf path = { 0 };
    struct buf file = { 0 };
    int err;
    cmd_path(&path, service, "identity.json");
    if (config_has_key_of_environment(config)) {
        err = identity_of_config(out, config, why);
    } else if ((err = os_file_read(buf_text(&path), &file, why)) == OK) {
        err = identity_json_read(out, (const char *)file.data, file.len);
        if (err != OK)
            buf_printf(why, "%s holds no identity that this peer can use: %s", buf_text(&path),
                       err_text(err));
    } else if (err == ERR_NOT_FOUND && config->cluster.private_key[0] != '\0') {
        buf_clear(why);
        err = identity_of_config(out, config, why);
        if (err == OK)
            err = identity_save(out, buf_text(&path), why);
    }
    buf_wipe(&file);
    buf_deinit(&path);
    return err;
}

void cmd_data_folder(struct buf *out, const struct service *service, const struct config *config)
{
    const char *folder = config->raft.data_folder;
    buf_clear(out);
    if (folder[0] == '/')
        buf_append_text(out, folder);
    else
        buf_printf(out, "%s/%s", service->folder, folder[0] != '\0' ? folder : "raft");
}

/* What Go's raft keeps in the same place: its log, and snapshots. */
int cmd_data_check(const char *folder, struct buf *why)
{
    static const char *const names[] = { "raft.db", "snapshots" };
    struct buf path = { 0 };
    int err = OK;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == OK; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", folder, names[i]);
        if (!os_file_exists(buf_text(&path)))
            continue;
        err = ERR_UNSUPPORTED;
        buf_printf(
            why,
            "%s holds data of the Go ipfs-cluster (%s), which this program does not read. To "
            "bring its pins over: stop all its peers; on one of them write them to a file, with "
            "the Go program's `ipfs-cluster-service state export -f pins.json` (before version "
            "1.0: take the newest file of its backups folder); move %s away; then run "
            "`ipfs-cluster-service state import pins.json` here, start this peer, and let the "
            "others join it (`daemon --bootstrap`)",
            folder, names[i], folder);
    }
    buf_deinit(&path);
    return err;
}
