/* cmd_backup.c -- on a clean stop, the pins for a person to read: backups/20260102_15:04:05, in UTC, as `state export`
 * writes them and `state import` reads them. It is a copy: nobody waits for the disk to have it, so that a peer with
 * a million pins stops in a second or two and not when the disk has taken half a gigabyte. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd_state.h"
#include "util/err.h"

enum { BACKUP_NAME_LEN = 17 };

static bool backup_is_name(const char *name)
{
    return strlen(name) == BACKUP_NAME_LEN && name[8] == '_' && name[11] == ':' &&
           strspn(name, "0123456789_:") == BACKUP_NAME_LEN;
}

static int backup_filter(const struct dirent *entry)
{
    return backup_is_name(entry->d_name);
}

/* All but the newest `keep`; whatever else lies in the folder stays. */
static void backup_rotate(const char *folder, size_t keep)
{
    struct dirent **names = NULL;
    struct buf path = { 0 };
    int found = scandir(folder, &names, backup_filter, alphasort); /* in order of time */
    for (int i = 0; i < found; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", folder, names[i]->d_name);
        if ((size_t)(found - i) > keep)
            (void)os_file_remove(buf_text(&path), NULL);
        free(names[i]);
    }
    free(names);
    buf_deinit(&path);
}

static void backup_path(struct buf *out, const char *folder)
{
    char name[32];
    struct tm at;
    time_t now = time(NULL);
    strftime(name, sizeof(name), "%Y%m%d_%H:%M:%S", gmtime_r(&now, &at));
    buf_printf(out, "%s/%s", folder, name);
}

void cmd_backup(const struct service *service, const struct store *store, size_t keep)
{
    struct buf folder = { 0 }, path = { 0 }, why = { 0 };
    uint64_t count = 0;
    cmd_path(&folder, service, "backups");
    backup_path(&path, buf_text(&folder));
    int err = os_dir_make(buf_text(&folder), 0700, &why);
    if (err == OK)
        err = state_write_pins(store, buf_text(&path), false, &count, &why);
    if (err == OK) {
        backup_rotate(buf_text(&folder), keep);
        LOG_INFO(&service->log, "service", "%llu pins written to %s", (unsigned long long)count,
                 buf_text(&path));
    } else {
        LOG_WARN(&service->log, "service", "no backup is written: %s",
                 why.len > 0 ? buf_text(&why) : err_text(err));
    }
    buf_deinit(&folder);
    buf_deinit(&path);
    buf_deinit(&why);
}
