/* cmd_list.c -- cluster_peers as this peer wrote it: the file cluster_peers.written, beside service.json, has the ids, one
 * a line, sorted. What differs from it in service.json, the operator has edited. (A list that the environment gives is not
 * looked at: that is no edit, and it cannot be rewritten.) */
#include <stdlib.h>

#include "cmd.h"
#include "config/config.h"
#include "os/os_file.h"
#include "util/err.h"

static int list_order(const void *a, const void *b)
{
    return peer_id_compare(a, b);
}

/* The others' ids: the guide wants the same list everywhere, so a file may name its own peer, too. */
static void list_text(const struct config_addrs *list, const struct peer_id *self, struct buf *out)
{
    struct peer_id ids[LIMIT_MEMBERS_COUNT] = { { 0 } };
    size_t count = 0;
    for (size_t i = 0; i < list->count && count < LIMIT_MEMBERS_COUNT; i++)
        count += multiaddr_peer(&list->at[i], &ids[count]) == OK;
    qsort(ids, count, sizeof(ids[0]), list_order);
    for (size_t i = 0; i < count; i++) {
        bool is_twice = i > 0 && peer_id_equal(&ids[i - 1], &ids[i]);
        if (!is_twice && !peer_id_equal(&ids[i], self))
            buf_printf(out, "%s\n", peer_id_print(&ids[i]).text);
    }
}

/* The list of service.json alone. */
static void list_read(const struct service *service, const struct peer_id *self, struct buf *out)
{
    struct config config = { 0 };
    struct config_notes notes = { 0 };
    struct buf path = { 0 }, file = { 0 };
    if (os_file_read(cmd_path(&path, service, "service.json"), &file, NULL) == OK &&
        config_init(&config) == OK &&
        config_read(&config, (const char *)file.data, file.len, &notes) == OK)
        list_text(&config.cluster.cluster_peers, self, out);
    config_deinit(&config);
    config_notes_deinit(&notes);
    buf_wipe(&file);
    buf_deinit(&path);
}

bool cmd_list_is_edited(const struct service *service, const struct peer_id *self,
                        bool *was_written)
{
    struct buf path = { 0 }, written = { 0 }, now = { 0 };
    cmd_path(&path, service, "cluster_peers.written");
    list_read(service, self, &now);
    *was_written = os_file_read(buf_text(&path), &written, NULL) == OK;
    bool is_edited = *was_written && !bytes_equal(buf_bytes(&written), buf_bytes(&now));
    buf_deinit(&path);
    buf_deinit(&written);
    buf_deinit(&now);
    return is_edited;
}

void cmd_list_written(const struct service *service, const struct peer_id *self,
                      const struct config_addrs *list, struct buf *why)
{
    struct buf path = { 0 }, written = { 0 }, now = { 0 };
    cmd_path(&path, service, "cluster_peers.written");
    list_text(list, self, &now);
    if (os_file_read(buf_text(&path), &written, NULL) != OK ||
        !bytes_equal(buf_bytes(&written), buf_bytes(&now)))
        (void)os_file_replace(buf_text(&path), now.data, now.len, 0600, why);
    buf_deinit(&path);
    buf_deinit(&written);
    buf_deinit(&now);
}

int cmd_list_forget(const struct service *service, struct buf *why)
{
    struct buf path = { 0 };
    int err = os_file_remove(cmd_path(&path, service, "cluster_peers.written"), why);
    buf_deinit(&path);
    return err;
}
