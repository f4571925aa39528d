/* os_segments.c -- writing the log's files.
 *
 * A commit of LMDB waits for the disk twice, one flush after the other: the pages, then the page that makes them count. A log
 * needs one: a group of units is written behind the last one, and its checksum says whether it is whole. What that
 * costs is knowing a torn end from a damaged one, which store/log_replay.h does; the order of writes and syncs
 * here is what it relies on:
 *
 *   - a group is written when the one before it is durable, never earlier
 *   - it overwrites nothing but zeros and its own seal
 *   - a segment has its name when it is whole, and the one before it is complete by then
 *
 * A sync of a file that has grown also waits for the file system's journal, so zeros are laid ahead: the inode is written
 * once for LAY_BYTES. More of them at once gain little, and small clusters have small logs. */
#include "os/os_segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_lmdb.h"
#include "os/os_segments_int.h"
#include "os/os_store_int.h"
#include "util/err.h"

enum {
    ROLL_AGAIN_BYTES = 1024 * 1024, /* when a new segment could not be made */
    TRIM_ROLLS_BYTES = 64 * 1024,   /* a trim begins a new segment if this one is longer */
    LAY_BYTES = 256 * 1024,
    SPARE_BYTES =
        8 * LOG_SECTOR, /* what a full disk leaves: for a trim, which makes room, a seal, an end */
};

/* ---- the disk ---- */

/* Only waits for what it is asked for. ENOSPC here is no refusal: the bytes may be there or not. */
static int segments_sync_fd(int fd)
{
    return fdatasync(fd) == 0 ? OK : ERR_IO;
}

static int lay_zeros(int fd, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[64 * 1024];
    int err = OK;
    while (err == OK && from < to) {
        size_t len = to - from < sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);
        err = os_write_all(fd, zeros, len, from);
        from += len;
    }
    return err;
}

static struct os_segment *newest(const struct os_segments *s)
{
    return &s->list[s->list_count - 1];
}

static struct log_place place_of_next(const struct os_segments *s)
{
    return (struct log_place){ newest(s)->nonce, newest(s)->number, s->end };
}

/* ---- a new segment ---- */

/* The file is whole and has its name, durably; *end: where its first group goes. */
static int segment_make(const char *folder, const struct log_file_head *head, int *out,
                        uint64_t *end)
{
    char fresh[SEGMENT_PATH_SIZE], path[SEGMENT_PATH_SIZE];
    struct buf bytes = { 0 };
    segment_path(folder, head->number, path);
    snprintf(fresh, sizeof(fresh), "%s/new", folder);
    log_file_head_encode(head, &bytes);
    int err = bytes.err;
    int fd = err == OK ? open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (err == OK && fd < 0) /* EMFILE, EROFS: the segment that is there will do for now */
        err = ERR_FULL;
    if (err == OK)
        err = os_write_all(fd, bytes.data, bytes.len, 0);
    if (err == OK)
        err = lay_zeros(fd, bytes.len, bytes.len + LAY_BYTES);
    if (err == OK)
        err = segments_sync_fd(fd);
    if (err == OK && rename(fresh, path) != 0)
        err = os_errno(errno);
    if (err == OK && os_folder_sync(folder, NULL) != OK)
        err = ERR_IO;
    *end = bytes.len;
    buf_deinit(&bytes);
    if (err == OK) {
        *out = fd;
        return OK;
    }
    if (fd >= 0)
        close(fd);
    (void)unlink(fresh);
    return err;
}

static int draw_nonce(uint64_t *nonce)
{
    do {
        if (getrandom(nonce, sizeof(*nonce), 0) != sizeof(*nonce))
            return ERR_IO;
    } while (*nonce == 0);
    return OK;
}

int os_segments_make(const char *path, const struct os_segments_options *options)
{
    struct log_file_head head = { .number = 1, .group_first = 1, .oldest = 1 };
    uint64_t end = 0;
    int fd = -1;
    int err = os_segments_remove(path);
    if (err == OK && mkdir(path, 0700) != 0)
        err = os_errno(errno);
    if (err == OK)
        err = draw_nonce(&head.nonce);
    if (err == OK)
        err = segment_make(path, &head, &fd, &end);
    if (fd >= 0)
        close(fd);
    if (err != OK)
        LOG_ERROR(options->log, "store", "%s cannot be made: %s", path, err_text(err));
    return err;
}

static void drop_old(struct os_segments *s)
{
    size_t gone = 0;
    while (gone + 1 < s->list_count && s->list[gone].number < s->oldest)
        segment_unlink(s, s->list[gone++].number);
    s->list_count -= gone;
    memmove(s->list, s->list + gone, s->list_count * sizeof(*s->list));
}

/* The one that was written to so far is complete: whoever reads it knows that another one has to be there. */
static int segment_end(struct os_segments *s)
{
    struct buf end = { 0 };
    struct log_place place = place_of_next(s);
    log_seal_encode(&end, &place, LOG_END, s->group_next);
    int err = end.err;
    if (err == OK)
        err = os_write_all(s->fd, end.data, end.len, s->end);
    if (err == OK)
        err = segments_sync_fd(s->fd);
    buf_deinit(&end);
    return err == ERR_FULL ? ERR_IO : err;
}

static void segments_switch(struct os_segments *s, const struct log_file_head *head, int fd,
                            uint64_t end)
{
    if (s->fd >= 0)
        close(s->fd);
    s->list[s->list_count++] = (struct os_segment){ head->number, head->nonce };
    s->fd = fd;
    s->end = end;
    s->laid = end + LAY_BYTES;
    s->roll_at = s->segment_bytes;
    s->oldest = head->oldest;
    s->is_sealed = s->is_unclean = s->is_damaged = false;
    drop_old(s);
}

/* Begins the next segment; in place of all that is there, when that is damaged. ERR_FULL: it could not be made, and the
 * old one goes on. */
static int segments_roll(struct os_segments *s)
{
    struct log_file_head head = { .number = s->list_count > 0 ? newest(s)->number + 1 : 1,
                                  .group_first = s->group_next,
                                  .extent = s->index.extent,
                                  .meta = buf_bytes(&s->meta) };
    head.oldest = log_index_oldest(&s->index, 0, head.number);
    uint64_t end = 0;
    int fd = -1;
    int err = segments_reserve(s);
    if (err == OK)
        err = draw_nonce(&head.nonce);
    if (err == OK)
        err = segment_make(s->path, &head, &fd, &end);
    if (err == OK && !s->is_damaged)
        err = segment_end(s);
    if (err == OK)
        segments_switch(s, &head, fd, end);
    else if (fd >= 0)
        close(fd);
    return err == ERR_NOMEM ? ERR_FULL : err;
}

/* ---- a group ---- */

/* What a refused or torn write has left goes, durably, before anything else is written there. */
static int segments_clean(struct os_segments *s)
{
    if (ftruncate(s->fd, (off_t)s->end) != 0)
        return ERR_IO;
    s->laid = s->end;
    s->is_sealed = false;
    int err = segments_sync_fd(s->fd);
    s->is_unclean = err != OK;
    return err;
}

/* Before the group itself is there: a full disk says so as long as nothing has to be taken back but zeros. */
static int segments_lay(struct os_segments *s, size_t len, size_t spare)
{
    if (s->end + len + spare <= s->laid)
        return OK;
    uint64_t laid = s->end + len + spare + LAY_BYTES;
    int err = lay_zeros(s->fd, s->laid, laid);
    if (err == OK)
        s->laid = laid;
    else if (ftruncate(s->fd, (off_t)s->laid) != 0)
        err = ERR_IO;
    return err;
}

static int segments_put(struct os_segments *s, struct buf *group, size_t spare)
{
    int err = s->is_unclean ? segments_clean(s) : OK;
    struct log_place place = place_of_next(s);
    log_group_end(group, &place, s->group_next);
    if (err == OK)
        err = group->err;
    if (err == OK)
        err = segments_lay(s, group->len, spare);
    if (err != OK)
        return err;
    s->is_sealed = false;
    s->is_unclean = true;
    err = os_write_all(s->fd, group->data, group->len, s->end);
    if (err == ERR_FULL) /* it did not happen: not even when what is missing was only its padding */
        return segments_clean(s) == OK ? ERR_FULL : ERR_IO;
    if (err == OK && !s->is_scratch)
        err = segments_sync_fd(s->fd);
    if (err != OK)
        return err;
    s->is_unclean = false;
    s->group_next += 1;
    return OK;
}

/* The index and the meta record as the group's items say. */
static int segments_note(struct os_segments *s, const struct buf *group, size_t body_len)
{
    struct reader items = reader_of(group->data + LOG_GROUP_HEAD_LEN, body_len);
    struct log_item item;
    int err = OK;
    for (size_t at = 0; err == OK && log_item_next(&items, &item); at = body_len - items.left) {
        struct log_mark where = { item.index, newest(s)->number, s->end, at };
        switch (item.kind) {
        case LOG_ITEM_RECORD:
            err = log_index_add(&s->index, &where);
            break;
        case LOG_ITEM_META:
            buf_clear(&s->meta);
            buf_append(&s->meta, item.bytes.data, item.bytes.len);
            err = s->meta.err;
            break;
        case LOG_ITEM_CUT:
            log_index_cut(&s->index, item.index);
            break;
        case LOG_ITEM_TRIM:
            log_index_trim(&s->index, item.index);
            s->oldest = item.oldest;
            break;
        }
    }
    ASSERT(err != OK || items.err == OK);
    s->end += group->len;
    return err;
}

static int segments_write(struct os_segments *s, struct buf *group, size_t spare)
{
    size_t body_len = group->len - LOG_GROUP_HEAD_LEN;
    int err = segments_put(s, group, spare);
    /* Durable, but not known any more: that is the end of the room, as a failed sync is. */
    return err == OK ? (segments_note(s, group, body_len) == OK ? OK : ERR_IO) : err;
}

int os_segments_write(struct os_segments *s, struct buf *group, bool cuts_all)
{
    if (s->is_damaged) {
        int err = cuts_all ? segments_roll(s) : ERR_CORRUPT;
        if (err != OK)
            return err;
    } else if (s->end >= s->roll_at) {
        int err = segments_roll(s);
        if (err == ERR_FULL)
            s->roll_at = s->end + ROLL_AGAIN_BYTES;
        else if (err != OK)
            return err;
    }
    return segments_write(s, group, SPARE_BYTES);
}

int os_segments_trim(struct os_segments *s, uint64_t first_kept)
{
    if (s->is_damaged || s->index.extent.first == 0 || first_kept <= s->index.extent.first)
        return OK;
    if (s->end > TRIM_ROLLS_BYTES) {
        int err = segments_roll(s);
        if (err != OK && err != ERR_FULL)
            return err;
    }
    uint64_t number = newest(s)->number;
    struct log_item item = { .kind = LOG_ITEM_TRIM,
                             .index = first_kept,
                             .oldest = log_index_oldest(&s->index, first_kept, number) };
    struct buf group = { 0 };
    log_group_begin(&group);
    log_item_put(&group, &item);
    int err = segments_write(s, &group, LOG_SECTOR);
    buf_deinit(&group);
    if (err == OK)
        drop_old(s);
    return err;
}

void os_segments_seal(struct os_segments *s)
{
    if (s->is_sealed || s->is_unclean || s->is_damaged || s->end + LOG_SECTOR > s->laid)
        return;
    struct buf seal = { 0 };
    struct log_place place = place_of_next(s);
    log_seal_encode(&seal, &place, LOG_SEAL, s->group_next);
    if (seal.err == OK)
        s->is_sealed = os_write_all(s->fd, seal.data, seal.len, s->end) == OK;
    buf_deinit(&seal);
}

int os_segments_sync(struct os_segments *s)
{
    return s->fd < 0 ? OK : segments_sync_fd(s->fd);
}

void os_segments_close(struct os_segments *s)
{
    if (s->fd >= 0) {
        os_segments_seal(s); /* whatever rots from now on is noticed */
        (void)segments_sync_fd(s->fd);
        close(s->fd);
    }
    if (s->read_fd >= 0)
        close(s->read_fd);
    log_index_deinit(&s->index);
    buf_deinit(&s->meta);
    mem_free(s->list);
    mem_free(s->path);
    *s = (struct os_segments){ .fd = -1, .read_fd = -1 };
}
