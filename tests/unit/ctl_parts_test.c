/* Files and folders as a multipart body: in order, with their names, whole or recognisably not. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/parts.h"
#include "http/wire/multipart.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(ctl_parts, .timeout = 60);

static void put_file(const char *dir, const char *name, const char *text)
{
    struct buf path = { 0 };
    buf_printf(&path, "%s/%s", dir, name);
    FILE *file = fopen(buf_text(&path), "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    buf_deinit(&path);
}

static void put_folder(const char *dir, const char *name)
{
    struct buf path = { 0 };
    buf_printf(&path, "%s/%s", dir, name);
    cr_assert_eq(mkdir(buf_text(&path), 0700), 0);
    buf_deinit(&path);
}

/* "[name type]content" of each part. */
static void note_part(void *owner, struct bytes head)
{
    struct buf *out = owner;
    const char *type = memmem(head.data, head.len, "Content-Type: ", 14);
    buf_put_u8(out, '[');
    if (http_multipart_file_name(head, out) != OK)
        buf_append_text(out, "(none)");
    buf_printf(out, " %.*s]", (int)strcspn(type + 14, "\r"), type + 14);
}

static void note_content(void *owner, const void *bytes, size_t len)
{
    buf_append(owner, bytes, len);
}

static int read_all(struct parts *p, size_t size, struct buf *out)
{
    char boundary[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    char piece[256];
    struct http_multipart m;
    const char *type = parts_content_type(p);
    cr_assert_eq(http_multipart_boundary((struct bytes){ type, strlen(type) }, boundary), OK);
    http_multipart_init(&m, boundary);
    m.on_part = note_part;
    m.on_content = note_content;
    m.owner = out;
    for (size_t len; (len = parts_read(p, piece, size)) > 0;)
        cr_assert_eq(http_multipart_feed(&m, piece, len), OK);
    int err = http_multipart_end(&m);
    http_multipart_deinit(&m);
    return err;
}

struct stage {
    char dir[TEST_DIR_SIZE];
    char tree[TEST_DIR_SIZE + 8];
};

static void begin(struct stage *s)
{
    test_dir_make(s->dir);
    put_folder(s->dir, "tree");
    snprintf(s->tree, sizeof(s->tree), "%s/tree", s->dir);
    put_file(s->tree, "b c.txt", "two");
    put_file(s->tree, "a.txt", "one");
    put_file(s->tree, ".hidden", "three");
    put_file(s->tree, "empty", "");
    put_folder(s->tree, "sub");
    put_folder(s->tree, "none");
    char link[TEST_DIR_SIZE + 32];
    snprintf(link, sizeof(link), "%s/link", s->tree);
    cr_assert_eq(symlink("a.txt", link), 0);
    snprintf(link, sizeof(link), "%s/sub", s->tree);
    put_file(link, "d", "four");
}

static struct parts *open_path(const char *path, bool recursive, bool hidden)
{
    static const char *paths[1];
    paths[0] = path;
    struct parts_options options = { paths, 1, recursive, hidden };
    struct parts *p = NULL;
    struct buf why = { 0 };
    cr_assert_eq(parts_open(&p, &options, &why), OK, "%s", buf_text(&why));
    buf_deinit(&why);
    return p;
}

#define FILE_TYPE   "application/octet-stream]"
#define FOLDER_TYPE "application/x-directory]"

Test(ctl_parts, a_folder_in_order_however_it_is_read)
{
    struct stage s;
    begin(&s);
    for (size_t size = 1; size <= 256; size *= 2) {
        struct buf out = { 0 };
        struct parts *p = open_path(s.tree, true, false);
        cr_assert_eq(parts_content_len(p), 3 + 3 + 4);
        for (int round = 0; round < 2; round++) {
            buf_clear(&out);
            cr_assert_eq(read_all(p, size, &out), OK);
            cr_assert_str_eq(
                buf_text(&out),
                "[tree " FOLDER_TYPE "[tree/a.txt " FILE_TYPE "one[tree/b c.txt " FILE_TYPE
                "two[tree/empty " FILE_TYPE "[tree/link application/symlink]a.txt"
                "[tree/none " FOLDER_TYPE "[tree/sub " FOLDER_TYPE "[tree/sub/d " FILE_TYPE "four");
            cr_assert_eq(parts_content_sent(p), 3 + 3 + 4);
            cr_assert(parts_rewind(p));
        }
        parts_close(p);
        buf_deinit(&out);
    }
    test_dir_remove(s.dir);
}

Test(ctl_parts, what_begins_with_a_dot)
{
    struct stage s;
    struct buf out = { 0 };
    begin(&s);
    struct parts *p = open_path(s.tree, true, true);
    cr_assert_eq(read_all(p, 256, &out), OK);
    cr_assert(strstr(buf_text(&out), "[tree/.hidden " FILE_TYPE "three[tree/a.txt") != NULL);
    parts_close(p);
    buf_clear(&out);
    char path[sizeof(s.tree) + 16];
    snprintf(path, sizeof(path), "%s/.hidden", s.tree); /* one that is named goes in any case */
    p = open_path(path, false, false);
    cr_assert_eq(read_all(p, 256, &out), OK);
    cr_assert_str_eq(buf_text(&out), "[.hidden " FILE_TYPE "three");
    parts_close(p);
    buf_deinit(&out);
    test_dir_remove(s.dir);
}

Test(ctl_parts, names_are_the_last_word_of_a_path)
{
    struct stage s;
    begin(&s);
    static const char *const ends[] = { "/", "//", "/.", "/sub/..", "/./" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct buf out = { 0 };
        char path[sizeof(s.tree) + 16];
        snprintf(path, sizeof(path), "%s%s", s.tree, ends[i]);
        struct parts *p = open_path(path, true, false);
        cr_assert_eq(read_all(p, 256, &out), OK);
        cr_assert_eq(strncmp(buf_text(&out), "[tree " FOLDER_TYPE "[tree/a.txt ", 40), 0, "%s: %s",
                     path, buf_text(&out));
        parts_close(p);
        buf_deinit(&out);
    }
    test_dir_remove(s.dir);
}

Test(ctl_parts, what_cannot_be_read_breaks_the_body_off)
{
    struct stage s;
    struct buf out = { 0 };
    begin(&s);
    char path[sizeof(s.tree) + 16];
    snprintf(path, sizeof(path), "%s/fifo", s.tree);
    cr_assert_eq(mkfifo(path, 0600), 0);
    struct parts *p = open_path(s.tree, true, false);
    cr_assert_eq(read_all(p, 256, &out), ERR_CLOSED); /* no last boundary: the peer refuses it */
    cr_assert_neq(parts_err(p), OK);
    cr_assert(strstr(parts_why(p), "/fifo") != NULL);
    parts_close(p);
    buf_deinit(&out);
    test_dir_remove(s.dir);
}

Test(ctl_parts, paths_are_looked_at_first)
{
    struct stage s;
    begin(&s);
    const char *paths[] = { "/nowhere/at/all", s.tree, "https://example.com/x" };
    const char *words[] = { "lstat /nowhere/at/all: no such file or directory",
                            "is a directory, but Recursive option is not set",
                            "URLs are not fetched here" };
    for (size_t i = 0; i < 3; i++) {
        struct parts_options options = { paths + i, 1, false, false };
        struct parts *p;
        struct buf why = { 0 };
        cr_assert_neq(parts_open(&p, &options, &why), OK);
        cr_assert(strstr(buf_text(&why), words[i]) != NULL, "%s", buf_text(&why));
        buf_deinit(&why);
    }
    test_dir_remove(s.dir);
}
