/* disk_lay.c -- images: what a power cut may leave. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/disk_int.h"

static uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* One image's choices: how far each thing has come, as a place on the tape. */
struct lay {
    const struct disk *d;
    const struct disk_cut *cut;
    uint64_t until;  /* of all, unless the cut is random */
    uint64_t random; /* state of the draws */
    unsigned keep;   /* random: so many of 16 sectors show their newest bytes */
};

/* Where this thing (a sector, a length, a folder) stops; any of its own loose changes, or none. */
static uint64_t lay_until(struct lay *y)
{
    if (y->cut->kind != CUT_RANDOM)
        return y->until;
    uint64_t draw = random_next(&y->random);
    if (draw % 16 < y->keep)
        return UINT64_MAX;
    size_t which = (size_t)((draw >> 8) % (y->d->loose_count + 1));
    return which == 0 ? 0 : y->d->loose[which - 1].at;
}

static uint64_t lay_size(struct lay *y, const struct node *n)
{
    uint64_t size = n->size, until = lay_until(y);
    for (size_t i = 0; i < y->d->loose_count && y->d->loose[i].at <= until; i++) {
        const struct loose *l = &y->d->loose[i];
        if (l->node != n)
            continue;
        if (l->kind == LOOSE_SIZE)
            size = l->offset;
        else if (size < l->offset + l->len)
            size = l->offset + l->len;
    }
    return size;
}

/* The sectors that have loose writes. */
static void lay_sectors(struct lay *y, const struct node *n, uint8_t *to, uint64_t size)
{
    uint64_t sectors = (size + DISK_SECTOR - 1) / DISK_SECTOR;
    uint64_t *until = disk_need(calloc(sectors + 1, sizeof(*until)));
    bool *is_drawn = disk_need(calloc(sectors + 1, sizeof(*is_drawn)));
    for (size_t i = 0; i < y->d->loose_count; i++) {
        const struct loose *l = &y->d->loose[i];
        uint64_t first, end;
        if (l->node != n || l->kind != LOOSE_WRITE)
            continue;
        disk_sectors_of(l, &first, &end);
        for (uint64_t s = first; s < end && s < sectors; s++) {
            if (!is_drawn[s])
                until[s] = lay_until(y);
            is_drawn[s] = true;
            uint64_t floor = s < n->room / DISK_SECTOR ? n->floor[s] : 0;
            if (l->at > floor && l->at <= until[s])
                disk_copy_sector(l, s, to);
        }
    }
    free(until);
    free(is_drawn);
}

/* A file's bytes; the caller frees them. */
static uint8_t *lay_bytes(struct lay *y, const struct node *n, uint64_t *size)
{
    *size = lay_size(y, n);
    uint64_t room = (*size / DISK_SECTOR + 1) * DISK_SECTOR;
    uint8_t *to = disk_need(calloc(1, room));
    memcpy(to, n->bytes != NULL ? n->bytes : to, n->size < *size ? n->size : *size);
    if (!n->is_mapped)
        lay_sectors(y, n, to, *size);
    for (uint64_t i = 0; n->is_mapped && i + 8 <= *size; i += 8) {
        uint64_t garbage = random_next(&y->random);
        memcpy(to + i, &garbage, sizeof(garbage));
    }
    return to;
}

static void lay_file(struct lay *y, const struct node *n, const char *path)
{
    uint64_t size;
    uint8_t *bytes = lay_bytes(y, n, &size);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        crash_die("%s: %s", path, strerror(errno));
    close(fd);
    free(bytes);
}

static void below_of(const char *path, const char *name, char out[PATH_SIZE])
{
    if (snprintf(out, PATH_SIZE, "%s/%s", path, name) >= PATH_SIZE)
        crash_die("a path that is too long: %s", path);
}

static void lay_folder(struct lay *y, const struct node *n, const char *path)
{
    struct entry names[ENTRIES_MAX];
    size_t count = disk_folder_names(y->d, n, lay_until(y), names);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        crash_die("%s: %s", path, strerror(errno));
    for (size_t i = 0; i < count; i++) {
        char below[PATH_SIZE];
        below_of(path, names[i].name, below);
        if (names[i].node->is_folder)
            lay_folder(y, names[i].node, below);
        else
            lay_file(y, names[i].node, below);
    }
}

static int lay_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

static struct lay lay_begin(const struct disk *d, const struct disk_cut *cut)
{
    static const unsigned keeps[4] = { 1, 4, 8, 15 };
    struct lay y = { .d = d, .cut = cut, .random = cut->seed };
    y.keep = keeps[random_next(&y.random) % 4];
    if (cut->kind == CUT_ALL)
        y.until = UINT64_MAX;
    else if (cut->kind == CUT_PREFIX && cut->count > 0)
        y.until = d->loose[cut->count - 1].at;
    return y;
}

void disk_lay(const struct disk *d, const struct disk_cut *cut, const char *folder)
{
    struct lay y = lay_begin(d, cut);
    if (nftw(folder, lay_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        crash_die("%s: %s", folder, strerror(errno));
    lay_folder(&y, d->root, folder);
}

void disk_cut_print(const struct disk *d, const struct disk_cut *cut, char *out, size_t size)
{
    switch (cut->kind) {
    case CUT_NONE:
        snprintf(out, size, "none of %zu loose", d->loose_count);
        break;
    case CUT_ALL:
        snprintf(out, size, "all of %zu loose", d->loose_count);
        break;
    case CUT_PREFIX:
        snprintf(out, size, "the first %zu of %zu loose", cut->count, d->loose_count);
        break;
    case CUT_RANDOM:
        snprintf(out, size, "any of %zu loose, seed %llu", d->loose_count,
                 (unsigned long long)cut->seed);
        break;
    }
}

/* ---- the tape against the folder ---- */

static bool same_file(struct lay *y, const struct node *n, const char *path)
{
    uint64_t size;
    uint8_t *bytes = lay_bytes(y, n, &size);
    uint8_t *real = disk_need(calloc(1, size + 1));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, real, size + 1) : -1;
    bool same =
        fd >= 0 && (n->is_mapped || (len == (ssize_t)size && memcmp(bytes, real, size) == 0));
    if (!same)
        fprintf(stderr, "crash: %s has other bytes than the tape\n", path);
    if (fd >= 0)
        close(fd);
    free(bytes);
    free(real);
    return same;
}

static size_t count_names(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static bool same_folder(struct lay *y, const struct node *n, const char *path)
{
    struct entry names[ENTRIES_MAX];
    size_t count = disk_folder_names(y->d, n, UINT64_MAX, names);
    bool same = count_names(path) == count;
    if (!same)
        fprintf(stderr, "crash: %s has other names than the tape\n", path);
    for (size_t i = 0; i < count; i++) {
        char below[PATH_SIZE];
        below_of(path, names[i].name, below);
        same =
            (names[i].node->is_folder ? same_folder : same_file)(y, names[i].node, below) && same;
    }
    return same;
}

bool disk_is_folder(const struct disk *d, const char *folder)
{
    struct disk_cut all = { .kind = CUT_ALL };
    struct lay y = lay_begin(d, &all);
    return same_folder(&y, d->root, folder);
}
