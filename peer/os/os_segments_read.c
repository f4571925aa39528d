/* os_segments_read.c -- opening the log's files, and reading records from them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_lmdb.h"
#include "os/os_segments_int.h"
#include "store/log_replay.h"
#include "util/err.h"

enum { NAME_LEN = 16, LOOKS_MAX = 3 };

/* ---- names ---- */

void segment_path(const char *folder, uint64_t number, char out[SEGMENT_PATH_SIZE])
{
    snprintf(out, SEGMENT_PATH_SIZE, "%s/%016" PRIx64, folder, number);
}

void segment_unlink(struct os_segments *s, uint64_t number)
{
    char path[SEGMENT_PATH_SIZE];
    segment_path(s->path, number, path);
    if (s->read_fd >= 0 && s->read_number == number) {
        close(s->read_fd);
        s->read_fd = -1;
    }
    (void)unlink(path); /* if it comes back, the next start removes it */
}

/* The number that a name stands for; 0: none. */
static uint64_t segment_number(const char *name)
{
    if (strlen(name) != NAME_LEN || strspn(name, "0123456789abcdef") != NAME_LEN)
        return 0;
    return strtoull(name, NULL, 16);
}

int segments_reserve(struct os_segments *s)
{
    if (s->list_count < s->list_size)
        return OK;
    size_t size = s->list_size == 0 ? 16 : s->list_size * 2;
    struct os_segment *list = mem_realloc(s->list, size * sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    s->list = list;
    s->list_size = size;
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const struct os_segment *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int segments_list(struct os_segments *s)
{
    DIR *dir = opendir(s->path);
    if (dir == NULL)
        return os_errno(errno);
    int err = OK;
    const struct dirent *entry;
    s->list_count = 0;
    while (err == OK && (entry = readdir(dir)) != NULL) {
        uint64_t number = segment_number(entry->d_name);
        if (number > 0)
            err = segments_reserve(s);
        if (number > 0 && err == OK)
            s->list[s->list_count++] = (struct os_segment){ number, 0 };
    }
    closedir(dir);
    if (err == OK && s->list_count > 1)
        qsort(s->list, s->list_count, sizeof(*s->list), by_number);
    return err;
}

int os_segments_remove(const char *path)
{
    struct os_segments s = { .path = mem_strdup(path), .fd = -1, .read_fd = -1 };
    char fresh[SEGMENT_PATH_SIZE];
    snprintf(fresh, sizeof(fresh), "%s/new", path);
    int err = s.path != NULL ? segments_list(&s) : ERR_NOMEM;
    for (size_t i = 0; err == OK && i < s.list_count; i++)
        segment_unlink(&s, s.list[i].number);
    (void)unlink(fresh);
    if (err == OK && rmdir(path) != 0)
        err = os_errno(errno);
    os_segments_close(&s);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* ---- whole files, at a start ---- */

static int read_fully(int fd, void *to, size_t len, uint64_t offset, size_t *done)
{
    *done = 0;
    while (*done < len) {
        ssize_t n = pread(fd, (uint8_t *)to + *done, len - *done, (off_t)(offset + *done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_errno(errno);
        if (n == 0)
            break;
        *done += (size_t)n;
    }
    return OK;
}

static int segment_load(const struct os_segments *s, uint64_t number, struct buf *file)
{
    char path[SEGMENT_PATH_SIZE];
    struct stat st;
    segment_path(s->path, number, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 || fstat(fd, &st) != 0 ? os_errno(errno) : OK;
    size_t done = 0;
    buf_clear(file);
    if (err == OK && st.st_size > 0 && buf_reserve(file, (size_t)st.st_size) == NULL)
        err = file->err;
    if (err == OK)
        err = read_fully(fd, file->data, (size_t)st.st_size, 0, &done);
    file->len = done;
    if (fd >= 0)
        close(fd);
    return err;
}

/* Which segments count: from the oldest that the newest one needs. */
static int segments_needed(struct os_segments *s, struct buf *file, bool removes)
{
    struct log_file_head head;
    size_t len, gone = 0;
    if (s->list_count == 0)
        return ERR_CORRUPT;
    int err = segment_load(s, s->list[s->list_count - 1].number, file);
    if (err == OK)
        err = log_file_head_decode(&head, buf_bytes(file), &len);
    if (err != OK)
        return err;
    while (gone < s->list_count && s->list[gone].number < head.oldest) {
        if (removes)
            segment_unlink(s, s->list[gone].number);
        gone += 1;
    }
    s->list_count -= gone;
    memmove(s->list, s->list + gone, s->list_count * sizeof(*s->list));
    return OK;
}

static int segments_replay(struct os_segments *s, struct log_replay *r, bool removes)
{
    struct buf file = { 0 };
    int err = segments_list(s);
    if (err == OK)
        err = segments_needed(s, &file, removes);
    for (size_t i = 0; err == OK && i < s->list_count; i++) {
        bool is_newest = i + 1 == s->list_count;
        if (!is_newest || s->list_count > 1) /* else it is in `file` already */
            err = segment_load(s, s->list[i].number, &file);
        if (err == OK)
            err = log_replay_segment(r, s->list[i].number, buf_bytes(&file), is_newest);
        s->list[i].nonce = r->head.nonce;
        s->laid = file.len;
    }
    if (err == OK)
        err = log_replay_finish(r);
    buf_deinit(&file);
    return err;
}

static int segments_take(struct os_segments *s, struct log_replay *r)
{
    char path[SEGMENT_PATH_SIZE];
    s->index = r->index;
    s->meta = r->meta;
    r->index = (struct log_index){ 0 };
    r->meta = (struct buf){ 0 };
    s->group_next = r->group_next;
    s->oldest = r->oldest;
    s->end = r->end;
    s->roll_at = s->segment_bytes;
    s->is_sealed = r->is_sealed;
    s->is_unclean = r->is_torn;
    if (s->laid < s->end)
        s->laid = s->end;
    segment_path(s->path, s->list[s->list_count - 1].number, path);
    s->fd = open(path, O_RDWR | O_CLOEXEC);
    return s->fd >= 0 ? OK : os_errno(errno);
}

/* A process that was killed may have left more in the kernel's cache than is on the disk: we have read it, others will be
 * told of it, and the next group goes behind it. A seal is a promise that it is durable already. */
static int segments_settle(const struct os_segments *s)
{
    if (!s->is_sealed && fdatasync(s->fd) != 0)
        return ERR_IO;
    return os_folder_sync(s->path, s->log);
}

int os_segments_open(struct os_segments *s, const char *path,
                     const struct os_segments_options *options)
{
    *s = (struct os_segments){ .path = mem_strdup(path),
                               .log = options->log,
                               .is_scratch = options->is_scratch,
                               .segment_bytes = options->segment_bytes > 0 ? options->segment_bytes
                                                                           : SEGMENT_BYTES,
                               .fd = -1,
                               .read_fd = -1,
                               .group_next = 1 };
    struct log_replay r = { 0 };
    int err = s->path != NULL ? segments_replay(s, &r, !options->is_read_only) : ERR_NOMEM;
    /* Who only looks may have looked between two writes of another process. */
    for (int i = 1; i < LOOKS_MAX && options->is_read_only && err == ERR_CORRUPT; i++) {
        log_replay_deinit(&r);
        r = (struct log_replay){ 0 };
        err = segments_replay(s, &r, false);
    }
    if (err == OK && options->is_read_only) {
        s->index = r.index;
        s->meta = r.meta;
        s->group_next = r.group_next;
        r = (struct log_replay){ 0 };
        return OK;
    }
    if (err == OK)
        err = segments_take(s, &r);
    if (err == OK)
        err = segments_settle(s);
    log_replay_deinit(&r);
    s->is_damaged = err == ERR_CORRUPT;
    if (err != OK)
        LOG_ERROR(s->log, "store", "%s cannot be read: %s", path, err_text(err));
    if (err != OK && err != ERR_CORRUPT)
        os_segments_close(s);
    return err;
}

/* ---- records ---- */

/* Where a walk is: a group, in memory. */
struct walk {
    struct os_segments *s;
    const struct log_mark *mark;
    uint64_t group_at, group_end;
    struct buf body;
};

static int walk_fd(struct os_segments *s, uint64_t number, int *fd)
{
    char path[SEGMENT_PATH_SIZE];
    if (s->fd >= 0 && number == s->list[s->list_count - 1].number) {
        *fd = s->fd;
        return OK;
    }
    if (s->read_fd < 0 || s->read_number != number) {
        if (s->read_fd >= 0)
            close(s->read_fd);
        segment_path(s->path, number, path);
        s->read_fd = open(path, O_RDONLY | O_CLOEXEC);
        s->read_number = number;
    }
    *fd = s->read_fd;
    if (*fd >= 0)
        return OK;
    return errno == ENOENT ? ERR_CORRUPT : os_errno(errno);
}

static uint64_t walk_nonce(const struct os_segments *s, uint64_t number)
{
    for (size_t i = 0; i < s->list_count; i++)
        if (s->list[i].number == number)
            return s->list[i].nonce;
    return 0;
}

/* Reads the group at walk->group_at; anything but a whole one is damage. */
static int walk_group(struct walk *walk)
{
    struct log_place place = { walk_nonce(walk->s, walk->mark->segment), walk->mark->segment,
                               walk->group_at };
    uint8_t raw[LOG_GROUP_HEAD_LEN];
    struct log_group_head head;
    size_t done = 0;
    int fd = -1;
    buf_clear(&walk->body);
    int err = walk_fd(walk->s, place.segment, &fd);
    if (err == OK)
        err = read_fully(fd, raw, sizeof(raw), place.offset, &done);
    if (err == OK && (!log_group_head_decode(&head, (struct bytes){ raw, done }, &place) ||
                      head.kind != LOG_GROUP))
        err = ERR_CORRUPT;
    if (err != OK)
        return err;
    uint8_t *to = buf_reserve(&walk->body, head.body_len + 1);
    if (to == NULL)
        return walk->body.err;
    err = read_fully(fd, to, head.body_len, place.offset + LOG_GROUP_HEAD_LEN, &done);
    walk->body.len = done;
    if (err == OK && !log_group_body_fits(&head, buf_bytes(&walk->body), &place))
        err = ERR_CORRUPT;
    walk->group_end = log_sector_up(place.offset + LOG_GROUP_HEAD_LEN + head.body_len);
    return err;
}

/* The records from *want on, below `end`, that the group has behind item_at. */
static int walk_items(struct walk *walk, uint64_t item_at, uint64_t *want, uint64_t first,
                      uint64_t end, log_record_hook hook, void *owner)
{
    if (item_at > walk->body.len)
        return ERR_CORRUPT;
    struct reader items = reader_of(walk->body.data + item_at, walk->body.len - item_at);
    struct log_item item;
    int err = OK;
    while (err == OK && *want < end && log_item_next(&items, &item)) {
        if (item.kind != LOG_ITEM_RECORD)
            continue;
        if (item.index != *want)
            return ERR_CORRUPT;
        struct log_record record = { item.index, item.bytes };
        if (item.index >= first)
            err = hook(owner, &record);
        *want += 1;
    }
    return err != OK ? err : items.err;
}

/* One stretch: its records follow one another from its mark on. */
static int walk_stretch(struct walk *walk, uint64_t first, uint64_t last, log_record_hook hook,
                        void *owner)
{
    uint64_t want = walk->mark->first, item_at = walk->mark->item_at;
    uint64_t end = log_index_stretch_end(&walk->s->index, walk->mark);
    if (end > last + 1)
        end = last + 1;
    walk->group_end = walk->mark->group_at;
    int err = OK;
    while (err == OK && want < end) {
        walk->group_at = walk->group_end;
        err = walk_group(walk);
        if (err == OK)
            err = walk_items(walk, item_at, &want, first, end, hook, owner);
        item_at = 0;
    }
    return err;
}

int os_segments_read(struct os_segments *s, uint64_t first, uint64_t last, log_record_hook hook,
                     void *owner)
{
    struct walk walk = { .s = s };
    int err = OK;
    while (err == OK && first <= last) {
        walk.mark = log_index_find(&s->index, first);
        if (walk.mark == NULL) {
            err = ERR_NOT_FOUND;
            break;
        }
        err = walk_stretch(&walk, first, last, hook, owner);
        first = log_index_stretch_end(&s->index, walk.mark);
    }
    buf_deinit(&walk.body);
    return err;
}
