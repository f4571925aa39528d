#include "ctl/parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

enum { PARTS_BOUNDARY_BYTES = 16, PARTS_WHY_SIZE = 512, PARTS_LINK_SIZE = 4096 };

/* A folder that is being walked through. */
struct parts_folder {
    struct parts_folder *up;
    struct buf path;  /* where it is */
    struct buf name;  /* what it is called in the body */
    struct buf names; /* of what is in it, each with a NUL behind it */
    char **entries;   /* into `names`, in order */
    size_t count;
    size_t at;
};

struct parts {
    struct parts_options options;
    char boundary[2 * PARTS_BOUNDARY_BYTES + 1];
    char content_type[64 + 2 * PARTS_BOUNDARY_BYTES];
    size_t at; /* the next of the paths */
    struct parts_folder *folder;
    FILE *file; /* whose content comes next */
    struct buf file_path;
    struct buf frame; /* what comes before that: heads, links, the end */
    size_t frame_at;
    bool is_over;
    bool counts_only; /* adds up sizes, opens nothing */
    uint64_t content_sent;
    int err;
    char why[PARTS_WHY_SIZE];
};

static void parts_fail(struct parts *p, const char *doing, const char *path)
{
    if (p->err != OK)
        return;
    p->err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    snprintf(p->why, sizeof(p->why), "%s %s: %s", doing, path, strerror(errno));
}

static void parts_fail_nomem(struct parts *p)
{
    if (p->err == OK)
        snprintf(p->why, sizeof(p->why), "%s", err_text(ERR_NOMEM));
    p->err = ERR_NOMEM;
}

/* ---- heads ---- */

/* As encodeURIComponent, which keeps '/' from being one. */
static void parts_put_encoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || strchr("-_.~!*'()", c) != NULL;
        if (is_plain)
            buf_put_u8(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void parts_put_head(struct parts *p, const char *name, const char *type)
{
    buf_printf(&p->frame, "--%s\r\nContent-Disposition: form-data; name=\"file\"", p->boundary);
    if (name[0] != '\0') {
        buf_append_text(&p->frame, "; filename=\"");
        parts_put_encoded(&p->frame, name);
        buf_put_u8(&p->frame, '"');
    }
    buf_printf(&p->frame, "\r\nContent-Type: %s\r\n\r\n", type);
}

/* ---- folders ---- */

static void parts_leave(struct parts *p)
{
    struct parts_folder *f = p->folder;
    p->folder = f->up;
    buf_deinit(&f->path);
    buf_deinit(&f->name);
    buf_deinit(&f->names);
    mem_free(f->entries);
    mem_free(f);
}

static int parts_entry_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void parts_list(struct parts *p, struct parts_folder *f)
{
    DIR *dir = opendir(buf_text(&f->path));
    if (dir == NULL) {
        parts_fail(p, "open", buf_text(&f->path));
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        bool is_hidden = name[0] == '.' && !p->options.hidden;
        if (is_hidden || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        buf_append(&f->names, name, strlen(name) + 1);
        f->count += 1;
    }
    closedir(dir);
    f->entries = f->count > 0 && f->names.err == OK ? mem_array(f->count, sizeof(char *)) : NULL;
    if (f->count > 0 && f->entries == NULL) {
        parts_fail_nomem(p);
        return;
    }
    char *at = (char *)f->names.data;
    for (size_t i = 0; i < f->count; i++, at += strlen(at) + 1)
        f->entries[i] = at;
    if (f->count > 0)
        qsort(f->entries, f->count, sizeof(char *), parts_entry_order);
}

static void parts_enter(struct parts *p, const char *path, const char *name)
{
    struct parts_folder *f = mem_zalloc(sizeof(*f));
    if (f == NULL) {
        parts_fail_nomem(p);
        return;
    }
    f->up = p->folder;
    p->folder = f;
    buf_append_text(&f->path, path);
    buf_append_text(&f->name, name);
    if (!p->counts_only) {
        parts_put_head(p, name, "application/x-directory");
        buf_append_text(&p->frame, "\r\n");
    }
    parts_list(p, f);
}

/* ---- the next thing to send ---- */

static void parts_take_link(struct parts *p, const char *path, const char *name)
{
    char target[PARTS_LINK_SIZE];
    ssize_t len = readlink(path, target, sizeof(target));
    if (len < 0) {
        parts_fail(p, "readlink", path);
        return;
    }
    if (p->counts_only)
        return;
    parts_put_head(p, name, "application/symlink");
    buf_append(&p->frame, target, (size_t)len);
    buf_append_text(&p->frame, "\r\n");
}

static void parts_take_file(struct parts *p, const char *path, const char *name,
                            const struct stat *st)
{
    if (p->counts_only) {
        p->content_sent += (uint64_t)st->st_size;
        return;
    }
    buf_clear(&p->file_path);
    buf_append_text(&p->file_path, path);
    p->file = fopen(path, "re");
    if (p->file == NULL)
        parts_fail(p, "open", path);
    else
        parts_put_head(p, name, "application/octet-stream");
}

static void parts_take(struct parts *p, const char *path, const char *name, const struct stat *st)
{
    if (S_ISDIR(st->st_mode)) {
        parts_enter(p, path, name);
    } else if (S_ISLNK(st->st_mode)) {
        parts_take_link(p, path, name);
    } else if (S_ISREG(st->st_mode) || p->folder == NULL) {
        parts_take_file(p, path, name, st);
    } else {
        errno = EINVAL; /* a socket, a device: it may have no end */
        parts_fail(p, "not a file, folder or link:", path);
    }
}

static void parts_next_in_folder(struct parts *p)
{
    struct parts_folder *f = p->folder;
    if (f->at == f->count) {
        parts_leave(p);
        return;
    }
    const char *entry = f->entries[f->at++];
    struct buf path = { 0 };
    struct buf name = { 0 };
    struct stat st;
    buf_printf(&path, "%s/%s", buf_text(&f->path), entry);
    buf_printf(&name, "%s/%s", buf_text(&f->name), entry);
    if (path.err != OK || name.err != OK)
        parts_fail_nomem(p);
    else if (lstat(buf_text(&path), &st) != 0)
        parts_fail(p, "lstat", buf_text(&path));
    else
        parts_take(p, buf_text(&path), buf_text(&name), &st);
    buf_deinit(&path);
    buf_deinit(&name);
}

/* The last word of a path; of "." and "..", that of the folder they mean. */
static void parts_put_base(struct buf *out, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    const char *base = path + len;
    while (base > path && base[-1] != '/')
        base--;
    len = (size_t)(path + len - base);
    bool is_dots = (len == 1 && base[0] == '.') || (len == 2 && memcmp(base, "..", 2) == 0);
    char *real = is_dots ? realpath(path, NULL) : NULL;
    if (real != NULL)
        parts_put_base(out, real);
    else
        buf_append(out, base, len);
    free(real);
}

static void parts_next_path(struct parts *p)
{
    const char *path = p->options.paths[p->at++];
    struct buf name = { 0 };
    struct stat st;
    if (strcmp(path, "-") == 0) {
        p->file = stdin;
        parts_put_head(p, "", "application/octet-stream");
        return;
    }
    parts_put_base(&name, path);
    if (stat(path, &st) != 0) /* a link that is named is followed */
        parts_fail(p, "stat", path);
    else
        parts_take(p, path, buf_text(&name), &st);
    buf_deinit(&name);
}

static void parts_next(struct parts *p)
{
    if (p->folder != NULL) {
        parts_next_in_folder(p);
    } else if (p->at < p->options.count) {
        parts_next_path(p);
    } else {
        if (!p->counts_only)
            buf_printf(&p->frame, "--%s--\r\n", p->boundary);
        p->is_over = true;
    }
    if (p->frame.err != OK)
        parts_fail_nomem(p);
}

/* ---- the body ---- */

static size_t parts_read_frame(struct parts *p, void *into, size_t size)
{
    size_t left = p->frame.len - p->frame_at;
    size_t len = left < size ? left : size;
    memcpy(into, p->frame.data + p->frame_at, len);
    p->frame_at += len;
    if (p->frame_at == p->frame.len) {
        buf_clear(&p->frame);
        p->frame_at = 0;
    }
    return len;
}

static void parts_close_file(struct parts *p)
{
    if (p->file != NULL && p->file != stdin)
        fclose(p->file);
    p->file = NULL;
}

static size_t parts_read_file(struct parts *p, void *into, size_t size)
{
    size_t len = fread(into, 1, size, p->file);
    p->content_sent += len;
    if (len > 0)
        return len;
    if (ferror(p->file))
        parts_fail(p, "read", p->file == stdin ? "stdin" : buf_text(&p->file_path));
    parts_close_file(p);
    buf_append_text(&p->frame, "\r\n");
    return 0;
}

size_t parts_read(struct parts *p, void *into, size_t size)
{
    while (p->err == OK) {
        size_t len = 0;
        if (p->frame.len > 0)
            len = parts_read_frame(p, into, size);
        else if (p->file != NULL)
            len = parts_read_file(p, into, size);
        else if (p->is_over)
            return 0;
        else
            parts_next(p);
        if (len > 0)
            return len;
    }
    return 0;
}

/* ---- life ---- */

static void parts_reset(struct parts *p)
{
    parts_close_file(p);
    while (p->folder != NULL)
        parts_leave(p);
    buf_clear(&p->frame);
    p->frame_at = 0;
    p->at = 0;
    p->content_sent = 0;
    p->is_over = false;
    p->err = OK;
}

static bool parts_has_stdin(const struct parts_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->paths[i], "-") == 0)
            return true;
    }
    return false;
}

bool parts_rewind(struct parts *p)
{
    if (parts_has_stdin(&p->options))
        return false;
    parts_reset(p);
    return true;
}

uint64_t parts_content_len(const struct parts *p)
{
    struct parts walk = { .options = p->options, .counts_only = true };
    if (parts_has_stdin(&p->options))
        return 0;
    while (!walk.is_over && walk.err == OK)
        parts_next(&walk);
    uint64_t len = walk.err == OK ? walk.content_sent : 0;
    parts_reset(&walk);
    buf_deinit(&walk.frame);
    return len;
}

static int parts_check_path(const struct parts_options *options, const char *path, struct buf *why)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return OK;
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
        buf_printf(why, "URLs are not fetched here: curl -sL %s | ipfs-cluster-ctl add -", path);
        return ERR_INVALID;
    }
    if (stat(path, &st) != 0) {
        buf_printf(why, "lstat %s: %s", path,
                   errno == ENOENT ? "no such file or directory" : strerror(errno));
        return ERR_NOT_FOUND;
    }
    if (S_ISDIR(st.st_mode) && !options->recursive) {
        buf_printf(why, "%s is a directory, but Recursive option is not set", path);
        return ERR_INVALID;
    }
    return OK;
}

static int parts_draw_boundary(struct parts *p)
{
    uint8_t drawn[PARTS_BOUNDARY_BYTES];
    if (getrandom(drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
        return ERR_IO;
    for (size_t i = 0; i < sizeof(drawn); i++)
        snprintf(p->boundary + 2 * i, 3, "%02x", drawn[i]);
    snprintf(p->content_type, sizeof(p->content_type), "multipart/form-data; boundary=%s",
             p->boundary);
    return OK;
}

int parts_open(struct parts **out, const struct parts_options *options, struct buf *why)
{
    for (size_t i = 0; i < options->count; i++) {
        int err = parts_check_path(options, options->paths[i], why);
        if (err != OK)
            return err;
    }
    struct parts *p = mem_zalloc(sizeof(*p));
    int err = p != NULL ? parts_draw_boundary(p) : ERR_NOMEM;
    if (err != OK) {
        buf_append_text(why, err_text(err));
        mem_free(p);
        return err;
    }
    p->options = *options;
    *out = p;
    return OK;
}

void parts_close(struct parts *p)
{
    parts_reset(p);
    buf_deinit(&p->frame);
    buf_deinit(&p->file_path);
    mem_free(p);
}

const char *parts_content_type(const struct parts *p)
{
    return p->content_type;
}

uint64_t parts_content_sent(const struct parts *p)
{
    return p->content_sent;
}

int parts_err(const struct parts *p)
{
    return p->err;
}

const char *parts_why(const struct parts *p)
{
    return p->why;
}
