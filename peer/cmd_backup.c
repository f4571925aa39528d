/* cmd_backup.c -- on a clean stop, the pins for a person to read: backups/20260102_15:04:05, in UTC, as `state export`
 * writes them and `state import` reads them. It is a copy: nobody waits for the disk to have it, so that a peer with
 * a million pins stops when they are printed and not when the disk has taken half a gigabyte. Nor is it written while
 * the newest one has the same pins: backups.written says which file that is, how long, and the hash of its state. As
 * neither is synced, a power cut may leave less of the copy than was written; then its length is another. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd_state.h"
#include "util/assert.h"
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

static void backup_name(char name[BACKUP_NAME_LEN + 1])
{
    struct tm at;
    time_t now = time(NULL);
    size_t len = strftime(name, BACKUP_NAME_LEN + 1, "%Y%m%d_%H:%M:%S", gmtime_r(&now, &at));
    ASSERT(len == BACKUP_NAME_LEN);
}

/* ---- the record of the newest copy ---- */

static void backup_record(struct buf *out, const char *folder, const char *name,
                          struct hash128 hash)
{
    struct buf path = { 0 };
    struct stat st = { 0 };
    buf_printf(&path, "%s/%s", folder, name);
    bool is_there = stat(buf_text(&path), &st) == 0;
    buf_printf(out, "%s %lld %016llx%016llx\n", name, is_there ? (long long)st.st_size : -1,
               (unsigned long long)hash.high, (unsigned long long)hash.low);
    buf_deinit(&path);
}

/* Whether the newest copy is of this state, and as long as it was; its name. */
static bool backup_is_newest(const char *record, const char *folder, struct hash128 hash,
                             char name[BACKUP_NAME_LEN + 1])
{
    struct buf found = { 0 }, wanted = { 0 };
    bool is_newest = os_file_read(record, &found, NULL) == OK && found.len > BACKUP_NAME_LEN;
    if (is_newest) {
        memcpy(name, found.data, BACKUP_NAME_LEN);
        name[BACKUP_NAME_LEN] = '\0';
        backup_record(&wanted, folder, name, hash);
        is_newest = backup_is_name(name) && bytes_equal(buf_bytes(&found), buf_bytes(&wanted));
    }
    buf_deinit(&found);
    buf_deinit(&wanted);
    return is_newest;
}

/* Not synced: that would make the disk take the copy first. */
static void backup_remember(const char *record, const char *folder, const char *name,
                            struct hash128 hash)
{
    struct buf text = { 0 };
    FILE *file = fopen(record, "we");
    backup_record(&text, folder, name, hash);
    if (file != NULL) {
        (void)fwrite(text.data, 1, text.len, file); /* without it the next stop writes a copy */
        (void)fclose(file);
    }
    buf_deinit(&text);
}

/* ---- a clean stop ---- */

static int backup_write(const struct service *service, const struct store *store,
                        const char *folder, const char *name, struct buf *why)
{
    struct buf path = { 0 };
    uint64_t count = 0;
    buf_printf(&path, "%s/%s", folder, name);
    int err = os_dir_make(folder, 0700, why);
    if (err == OK)
        err = state_write_pins(store, buf_text(&path), false, &count, why);
    if (err == OK)
        LOG_INFO(&service->log, "service", "%llu pins written to %s", (unsigned long long)count,
                 buf_text(&path));
    buf_deinit(&path);
    return err;
}

void cmd_backup(const struct service *service, const struct store *store, struct hash128 hash,
                size_t keep)
{
    struct buf folder = { 0 }, record = { 0 }, why = { 0 };
    char name[BACKUP_NAME_LEN + 1];
    cmd_path(&folder, service, "backups");
    cmd_path(&record, service, "backups.written");
    if (backup_is_newest(buf_text(&record), buf_text(&folder), hash, name)) {
        LOG_INFO(&service->log, "service", "%s/%s has the pins as they are", buf_text(&folder),
                 name);
    } else {
        backup_name(name);
        int err = backup_write(service, store, buf_text(&folder), name, &why);
        if (err == OK) {
            backup_rotate(buf_text(&folder), keep);
            backup_remember(buf_text(&record), buf_text(&folder), name, hash);
        } else {
            LOG_WARN(&service->log, "service", "no backup is written: %s",
                     why.len > 0 ? buf_text(&why) : err_text(err));
        }
    }
    buf_deinit(&folder);
    buf_deinit(&record);
    buf_deinit(&why);
}
