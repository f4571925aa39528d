/* A multipart body is the same however it is cut, and only a whole one is taken for whole. */
#include <criterion/criterion.h>

#include <string.h>

#include "http/wire/multipart.h"
#include "util/err.h"

TestSuite(http_multipart, .timeout = 60);

static void note_part(void *owner, struct bytes head)
{
    buf_printf(owner, "[%d]", (int)head.len);
}

static void note_content(void *owner, const void *bytes, size_t len)
{
    buf_append(owner, bytes, len);
}

/* "[2]content[2]content" and the verdict at the end, with the body fed in pieces of `piece_len`. */
static int read_body(struct bytes body, size_t piece_len, struct buf *out)
{
    struct http_multipart m;
    http_multipart_init(&m, "xx");
    m.on_part = note_part;
    m.on_content = note_content;
    m.owner = out;
    int err = OK;
    for (size_t at = 0; at < body.len && err == OK; at += piece_len) {
        size_t len = body.len - at < piece_len ? body.len - at : piece_len;
        err = http_multipart_feed(&m, (const char *)body.data + at, len);
    }
    if (err == OK)
        err = http_multipart_end(&m);
    http_multipart_deinit(&m);
    return err;
}

static const struct {
    const char *body;
    const char *parts;
    int err;
} bodies[] = {
    { "--xx\r\n\r\nhello\r\n--xx--\r\n", "[2]hello", OK },
    { "--xx\r\nA: b\r\n\r\nhello\r\n--xx--", "[8]hello", OK },
    { "\r\n--xx\r\n\r\na\r\n--xx\r\n\r\nb\r\n--xx--\r\n", "[2]a[2]b", OK },
    { "preamble\r\n--xx\r\n\r\na\r\n--xx--epilogue --xx", "[2]a", OK },
    { "--xx \t\r\n\r\na\r\n--xx--\r\n", "[2]a", OK },
    /* Content that looks like a boundary, up to a point. */
    { "--xx\r\n\r\n\r\n\r\r\n-\r\n--\r\n--x\r\n--xy\r\n--xx--\r\n",
      "[2]\r\n\r\r\n-\r\n--\r\n--x\r\n--xy", OK },
    { "--xx\r\n\r\n\r\n--xxx\r\n--xx-x\r\n--xx--\r\n", "[2]\r\n--xxx\r\n--xx-x", OK },
    { "--xx\r\n\r\n-\r\n--xx--\r\n", "[2]-", OK },
    { "--xx\r\n\r\n--xx--\r\n", "[2]", OK }, /* no line end before it: an empty folder */
    { "--xx\r\n\r\n\r\n--xx\r\n\r\n--xx--\r\n", "[2][2]", OK },
    { "--xx--\r\n", "", OK },
    /* Cut short. */
    { "", "", ERR_CLOSED },
    { "--x", "", ERR_CLOSED },
    { "no boundary at all", "", ERR_CLOSED },
    { "--xx\r\nA: b\r\n", "", ERR_CLOSED },
    { "--xx\r\n\r\nhello", "[2]hello", ERR_CLOSED },
    { "--xx\r\n\r\nhello\r\n--xx", "[2]hello", ERR_CLOSED },
    { "--xx\r\n\r\nhello\r\n--xx-", "[2]hello", ERR_CLOSED },
    { "--xx\r\n\r\nhello\r\n--xx\r\n", "[2]hello", ERR_CLOSED },
    /* Nonsense. */
    { "--xx\rA: b\r\n\r\n", "", ERR_INVALID },
    { "--xx  A: b\r\n\r\n", "", ERR_INVALID },
};

Test(http_multipart, however_it_is_cut)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (size_t piece_len = 1; piece_len < 40; piece_len++) {
            struct buf out = { 0 };
            struct bytes body = { bodies[i].body, strlen(bodies[i].body) };
            cr_assert_eq(read_body(body, piece_len, &out), bodies[i].err, "%s", bodies[i].body);
            cr_assert_str_eq(buf_text(&out), bodies[i].parts, "%s in pieces of %zu", bodies[i].body,
                             piece_len);
            buf_deinit(&out);
        }
    }
}

Test(http_multipart, a_head_has_a_limit)
{
    struct buf body = { 0 };
    struct buf out = { 0 };
    buf_append_text(&body, "--xx\r\nA: ");
    for (size_t i = 0; i < HTTP_MULTIPART_HEAD_BYTES_MAX; i++)
        buf_put_u8(&body, 'a');
    cr_assert_eq(read_body(buf_bytes(&body), 1000, &out), ERR_INVALID);
    buf_deinit(&body);
    buf_deinit(&out);
}

static const struct {
    const char *type;
    const char *boundary; /* NULL: refused */
} types[] = {
    { "multipart/form-data; boundary=abc", "abc" },
    { "Multipart/Form-Data;charset=x; Boundary=\"a b\\\"c\"", NULL },
    { "multipart/form-data; boundary=\"a b\"", "a b" },
    { "multipart/form-data; a=b ; boundary=abc ; c=d", "abc" },
    { "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
      "----WebKitFormBoundary7MA4YWxkTrZu0gW" },
    { "multipart/form-data", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary", NULL },
    { "multipart/form-data; boundary=\"\"", NULL },
    { "multipart/form-data; boundary=\"a \"", NULL },
    { "multipart/form-data; boundary=a\tb", "a" },
    { "multipart/form-data; boundary=a{b", NULL },
    { "multipart/mixed; boundary=abc", NULL },
    { "application/json", NULL },
    { "", NULL },
};

Test(http_multipart, a_boundary_is_what_the_type_says)
{
    char out[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct bytes type = { types[i].type, strlen(types[i].type) };
        int err = http_multipart_boundary(type, out);
        cr_assert_eq(err, types[i].boundary != NULL ? OK : ERR_INVALID, "%s", types[i].type);
        if (err == OK)
            cr_assert_str_eq(out, types[i].boundary);
    }
}

static void check_name(const char *head, const char *name)
{
    struct buf out = { 0 };
    int err = http_multipart_file_name((struct bytes){ head, strlen(head) }, &out);
    cr_assert_eq(err, name != NULL ? OK : ERR_NOT_FOUND, "%s", head);
    if (err == OK)
        cr_assert_str_eq(buf_text(&out), name);
    buf_deinit(&out);
}

Test(http_multipart, a_file_has_the_name_of_its_part)
{
    check_name("Content-Disposition: form-data; name=\"file\"; filename=\"a%2Fb.txt\"\r\n\r\n",
               "a/b.txt");
    check_name("X: y\r\ncontent-disposition: file; filename=\"a\"\r\n\r\n", "a");
    check_name("Content-Disposition: form-data; filename=\"50%\"\r\n\r\n", "50%");
    check_name("Content-Disposition: form-data; filename=\"\"\r\n\r\n", "");
    check_name("Content-Disposition: form-data; name=\"file\"\r\n\r\n", NULL);
    check_name("\r\n", NULL);
}
