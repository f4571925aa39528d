/* disk.c -- what a tape makes of the disk. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/disk_int.h"

void crash_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "crash: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    _exit(2);
}

void *disk_need(void *memory)
{
    if (memory == NULL)
        crash_die("out of memory");
    return memory;
}

/* ---- nodes and names ---- */

static struct node *node_new(struct disk *d, uint64_t ino, bool is_folder)
{
    if (d->nodes_count == NODES_MAX)
        crash_die("too many files");
    struct node *n = disk_need(calloc(1, sizeof(*n)));
    n->ino = ino;
    n->is_folder = is_folder;
    d->nodes[d->nodes_count++] = n;
    return n;
}

/* The newest file that had this number. */
static struct node *node_find(const struct disk *d, uint64_t ino)
{
    for (size_t i = d->nodes_count; i > 0; i--)
        if (d->nodes[i - 1]->ino == ino)
            return d->nodes[i - 1];
    crash_die("inode %llu is not on the tape", (unsigned long long)ino);
}

size_t disk_folder_names(const struct disk *d, const struct node *n, uint64_t until,
                         struct entry out[ENTRIES_MAX])
{
    size_t count = n->entries_count;
    memcpy(out, n->entries, sizeof(*out) * count);
    for (size_t i = 0; i < d->loose_count && d->loose[i].at <= until; i++) {
        const struct loose *l = &d->loose[i];
        if (l->node != n)
            continue;
        const char *gone = l->kind == LOOSE_ADD ? l->name : l->kind == LOOSE_RENAME ? l->to : NULL;
        struct node *child = l->child;
        for (size_t k = 0; k < count; k++) {
            bool is_old = l->kind != LOOSE_ADD && strcmp(out[k].name, l->name) == 0;
            if (is_old && l->kind == LOOSE_RENAME)
                child = out[k].node;
            if (is_old || (gone != NULL && strcmp(out[k].name, gone) == 0))
                out[k--] = out[--count];
        }
        if (l->kind == LOOSE_REMOVE)
            continue;
        if (count == ENTRIES_MAX || child == NULL)
            crash_die("%s: too many names in its folder, or the tape does not know it", l->name);
        snprintf(out[count].name, sizeof(out[count].name), "%s", gone);
        out[count++].node = child;
    }
    return count;
}

/* The folder of `path` as the process sees it, and the last name in it. */
static struct node *folder_of(const struct disk *d, const char *path, char name[64])
{
    struct node *n = d->root;
    for (;;) {
        const char *slash = strchr(path, '/');
        size_t len = slash != NULL ? (size_t)(slash - path) : strlen(path);
        if (len == 0 || len >= 64)
            crash_die("a name that is too long, or none: %s", path);
        memcpy(name, path, len);
        name[len] = '\0';
        if (slash == NULL)
            return n;
        struct entry names[ENTRIES_MAX];
        size_t count = disk_folder_names(d, n, UINT64_MAX, names), i = 0;
        while (i < count && strcmp(names[i].name, name) != 0)
            i++;
        if (i == count)
            crash_die("no folder %s", path);
        n = names[i].node;
        path = slash + 1;
    }
}

/* ---- what is loose ---- */

static struct loose *loose_add(struct disk *d, int kind, struct node *node)
{
    if (d->loose_count == LOOSE_MAX)
        crash_die("too much without a sync");
    struct loose *l = &d->loose[d->loose_count++];
    *l = (struct loose){ .at = d->at, .node = node };
    l->kind = kind;
    return l;
}

static void node_reserve(struct node *n, uint64_t size)
{
    if (size <= n->room)
        return;
    uint64_t room = n->room > 0 ? n->room : 65536;
    while (room < size)
        room *= 2;
    n->bytes = disk_need(realloc(n->bytes, room));
    memset(n->bytes + n->room, 0, room - n->room);
    n->floor = disk_need(realloc(n->floor, room / DISK_SECTOR * sizeof(*n->floor)));
    memset(n->floor + n->room / DISK_SECTOR, 0, (room - n->room) / DISK_SECTOR * sizeof(*n->floor));
    n->room = room;
}

static void node_resize(struct node *n, uint64_t size)
{
    node_reserve(n, size);
    if (size < n->size)
        memset(n->bytes + size, 0, n->size - size);
    n->size = size;
}

void disk_copy_sector(const struct loose *l, uint64_t sector, uint8_t *to)
{
    uint64_t from = sector * DISK_SECTOR, end = from + DISK_SECTOR;
    if (from < l->offset)
        from = l->offset;
    if (end > l->offset + l->len)
        end = l->offset + l->len;
    if (from < end)
        memcpy(to + from, l->bytes + (from - l->offset), end - from);
}

void disk_sectors_of(const struct loose *l, uint64_t *first, uint64_t *end)
{
    *first = l->offset / DISK_SECTOR;
    *end = (l->offset + l->len + DISK_SECTOR - 1) / DISK_SECTOR;
}

/* A whole loose thing is durable now. */
static void loose_settle(struct disk *d, const struct loose *l)
{
    struct node *n = l->node;
    if (n->is_folder) {
        struct entry names[ENTRIES_MAX];
        n->entries_count = disk_folder_names(d, n, l->at, names);
        memcpy(n->entries, names, sizeof(names));
    } else if (l->kind == LOOSE_SIZE) {
        node_resize(n, l->offset);
    } else {
        uint64_t first, end;
        disk_sectors_of(l, &first, &end);
        node_reserve(n, end * DISK_SECTOR);
        if (n->size < l->offset + l->len)
            n->size = l->offset + l->len;
        for (uint64_t s = first; s < end; s++)
            if (n->floor[s] < l->at)
                disk_copy_sector(l, s, n->bytes);
    }
}

static void sync_done(struct disk *d, const struct sync *sync)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->loose_count; i++)
        if (d->loose[i].node == sync->node && d->loose[i].at <= sync->at && !sync->node->is_folder)
            loose_settle(d, &d->loose[i]);
    if (sync->node->is_folder) { /* once: the last of them shows all */
        struct loose until = { .node = sync->node, .at = sync->at };
        loose_settle(d, &until);
    }
    for (size_t i = 0; i < d->loose_count; i++)
        if (d->loose[i].node != sync->node || d->loose[i].at > sync->at)
            d->loose[kept++] = d->loose[i];
    d->loose_count = kept;
}

/* An O_DSYNC write has returned: its sectors are as that write, or a later one, left them. */
static void write_done(struct disk *d, struct loose *w)
{
    uint64_t first, end;
    struct node *n = w->node;
    disk_sectors_of(w, &first, &end);
    node_reserve(n, end * DISK_SECTOR);
    if (n->size < w->offset + w->len)
        n->size = w->offset + w->len;
    for (uint64_t s = first; s < end; s++) {
        for (struct loose *l = d->loose; l <= w; l++)
            if (l->node == n && l->kind == LOOSE_WRITE && l->at > n->floor[s])
                disk_copy_sector(l, s, n->bytes);
        n->floor[s] = w->at;
    }
    size_t i = (size_t)(w - d->loose);
    memmove(w, w + 1, (d->loose_count - i - 1) * sizeof(*w));
    d->loose_count -= 1;
}

/* ---- playing ---- */

static bool play_synced(struct disk *d, uint64_t number)
{
    for (size_t i = 0; i < d->syncs_count; i++) {
        if (d->syncs[i].number != number)
            continue;
        sync_done(d, &d->syncs[i]);
        d->syncs[i] = d->syncs[--d->syncs_count];
        return true;
    }
    for (size_t i = 0; i < d->loose_count; i++) {
        if (d->loose[i].number != number)
            continue;
        write_done(d, &d->loose[i]);
        return true;
    }
    return false; /* a sync of the whole file, meanwhile, had the write with it */
}

static void play_name(struct disk *d, const struct tape_event *e, const uint8_t *bytes)
{
    char path[PATH_SIZE], to_name[64];
    if (e->len >= sizeof(path))
        crash_die("a path that is too long");
    memcpy(path, bytes, e->len);
    path[e->len] = '\0';
    struct loose l = { .at = d->at };
    l.node = folder_of(d, path, l.name);
    if (e->what == TAPE_RENAME) {
        if (folder_of(d, path + strlen(path) + 1, to_name) != l.node)
            crash_die("a rename across folders: %s", path);
        snprintf(l.to, sizeof(l.to), "%s", to_name);
    } else if (e->what != TAPE_UNLINK) {
        l.child = node_new(d, e->ino, e->what == TAPE_MKDIR);
    }
    l.kind = e->what == TAPE_RENAME   ? LOOSE_RENAME
             : e->what == TAPE_UNLINK ? LOOSE_REMOVE
                                      : LOOSE_ADD;
    *loose_add(d, l.kind, l.node) = l;
}

static void play_start(struct disk *d, uint64_t ino)
{
    if (d->root == NULL)
        d->root = node_new(d, ino, true);
    else if (d->root->ino != ino)
        crash_die("two folders on one tape");
    d->syncs_count = 0; /* those of a process that was killed */
    for (size_t i = 0; i < d->loose_count; i++)
        d->loose[i].number = 0;
}

bool disk_play(struct disk *d, const struct tape_event *e, const uint8_t *bytes)
{
    d->at += 1;
    switch ((enum tape_what)e->what) {
    case TAPE_START:
        play_start(d, e->ino);
        return true;
    case TAPE_CREATE:
    case TAPE_MKDIR:
    case TAPE_UNLINK:
    case TAPE_RENAME:
        play_name(d, e, bytes);
        return true;
    case TAPE_WRITE: {
        struct loose *l = loose_add(d, LOOSE_WRITE, node_find(d, e->ino));
        l->number = e->number;
        l->offset = e->offset;
        l->len = e->len;
        l->bytes = bytes;
        return true;
    }
    case TAPE_SIZE:
        loose_add(d, LOOSE_SIZE, node_find(d, e->ino))->offset = e->offset;
        return true;
    case TAPE_SYNC:
        if (d->syncs_count == sizeof(d->syncs) / sizeof(*d->syncs))
            crash_die("too many syncs at once");
        d->syncs[d->syncs_count++] = (struct sync){ e->number, d->at, node_find(d, e->ino) };
        return false;
    case TAPE_SYNCED:
        return play_synced(d, e->number);
    case TAPE_MAPPED:
        node_find(d, e->ino)->is_mapped = true;
        return false;
    case TAPE_SENT:
        return false;
    }
    crash_die("event %u is unknown", e->what);
}

size_t disk_loose_count(const struct disk *d)
{
    return d->loose_count;
}

/* ---- life ---- */

struct disk *disk_create(void)
{
    return disk_need(calloc(1, sizeof(struct disk)));
}

void disk_destroy(struct disk *d)
{
    for (size_t i = 0; i < d->nodes_count; i++) {
        free(d->nodes[i]->bytes);
        free(d->nodes[i]->floor);
        free(d->nodes[i]);
    }
    free(d);
}
