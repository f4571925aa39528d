/* cmd_config.c -- what every command that works on a configured folder reads first. */
#include <string.h>

#include "cmd.h"
#include "config/config.h"
#include "ids/identity.h"
#include "os/os_file.h"
#include "util/buf.h"
#include "util/err.h"

int cmd_read_config(struct config *out, const struct service *service, const char *bootstrap,
                    struct buf *why)
{
    extern char **environ;
    struct config_notes notes = { 0 };
    struct buf path = { 0 };
    struct buf file = { 0 };
    int err = os_file_read(cmd_path(&path, service, "service.json"), &file, why);
    if (err == ERR_NOT_FOUND)
        buf_append_text(why, ". Write one with: ipfs-cluster-service init");
    if (err == OK)
        err = config_init(out);
    if (err == OK)
        err = config_read(out, (const char *)file.data, file.len, &notes);
    if (err == OK)
        err = config_read_environment(out, (const char *const *)environ, &notes);
    if (err == OK && bootstrap != NULL)
        err = config_set(out, "cluster.bootstrap", bootstrap, &notes);
    if (err == OK)
        err = config_check(out, &notes);
    if (notes.error.len > 0)
        buf_printf(why, "%s: %s", buf_text(&path), buf_text(&notes.error));
    char *rest = (char *)buf_text(&notes.warnings);
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            LOG_WARN(&service->log, "config", "%s", line);
    }
    config_notes_deinit(&notes);
    buf_wipe(&file);
    buf_deinit(&path);
    return err;
}

int cmd_read_identity(struct identity *out, const struct service *service,
                      const struct config *config, struct buf *why)
{
    struct buf path = { 0 };
    struct buf file = { 0 };
    int err = os_file_read(cmd_path(&path, service, "identity.json"), &file, why);
    if (err == OK) {
        err = identity_json_read(out, (const char *)file.data, file.len);
        if (err != OK)
            buf_printf(why, "%s holds no identity that this peer can use: %s", buf_text(&path),
                       err_text(err));
    } else if (err == ERR_NOT_FOUND && config->cluster.private_key[0] != '\0') {
        const char *key = config->cluster.private_key;
        buf_clear(why);
        err = identity_parse(out, key, strlen(key));
        if (err != OK)
            buf_printf(why, "cluster.private_key: %s", err_text(err));
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
