#include <criterion/criterion.h>
#include <string.h>

#include "http/wire/route.h"
#include "tests/lib/http_talk.h"
#include "util/err.h"

TestSuite(http_route, .timeout = 60);

/* Answers with the handler's name and its parameters. */
static void answer(struct http_exchange *x, const char *name, const struct http_params *params)
{
    struct buf text = { 0 };
    buf_append_text(&text, name);
    for (size_t i = 0; i < params->count; i++)
        buf_printf(&text, " %s", (const char *)params->text.data + params->starts[i]);
    http_reply_begin(x, 200, NULL, 0, (int64_t)text.len);
    http_reply_write(x, text.data, text.len);
    http_reply_end(x, NULL, 0);
    buf_deinit(&text);
}

static void on_id(void *owner, struct http_exchange *x, const struct http_params *params)
{
    (void)owner;
    answer(x, "id", params);
}

static void on_all(void *owner, struct http_exchange *x, const struct http_params *params)
{
    (void)owner;
    answer(x, "all", params);
}

static void on_one(void *owner, struct http_exchange *x, const struct http_params *params)
{
    (void)owner;
    cr_assert_str_eq(http_param(params, "cid"), (const char *)params->text.data);
    answer(x, "one", params);
}

static void on_path(void *owner, struct http_exchange *x, const struct http_params *params)
{
    (void)owner;
    cr_assert_not_null(http_param(params, "kind"));
    cr_assert_not_null(http_param(params, "path"));
    answer(x, "path", params);
}

static const struct http_route table[] = {
    { "GET", "/id", on_id },
    { "POST", "/pins/recover", on_all },
    { "GET", "/pins/{cid}", on_one },
    { "POST", "/pins/{cid}", on_one },
    { "POST", "/pins/{cid}/recover", on_one },
    { "POST", "/paths/{kind}/{path...}", on_path },
    { "POST", "/some/{kind=ab|c}/{path...}", on_path },
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct http_field field = HTTP_FIELD("X-Ours", "1");
    http_route_dispatch(table, sizeof table / sizeof table[0], owner, x, &field, 1);
}

static const struct {
    const char *line;
    const char *status;
    const char *holds; /* somewhere in the answer */
} cases[] = {
    { "GET /id", "200", "\r\n\r\nid" },
    { "GET /id?x", "200", "\r\n\r\nid" },
    { "POST /pins/recover", "200", "\r\n\r\nall" },
    { "GET /pins/a%20b%2Fc+d", "200", "\r\n\r\none a b/c+d" },
    { "POST /pins/a/recover", "200", "\r\n\r\none a" },
    { "POST /paths/ipfs/a/b%20c/", "200", "\r\n\r\npath ipfs a/b c/" },
    { "POST /some/ab/x", "200", "\r\n\r\npath ab x" },
    { "POST /some/c/x/y", "200", "\r\n\r\npath c x/y" },
    { "GET /some/c/x", "405", "Allow: POST\r\n" },
    { "GET /some/CID/x", "404", "" },
    { "POST /some/a/x", "404", "" },
    { "POST /some/%61b/x", "200", "path ab x" },
    { "POST /some/%zz/x", "400", "malformed path" },
    { "POST /some/abc/x", "404", "" },
    { "POST /some/kind=ab/x", "404", "" },
    { "POST /some/ab|c/x", "404", "" },
    { "POST /paths/ipfs//", "301", "Location: /paths/ipfs\r\n" },
    { "GET /pins/recover", "200", "\r\n\r\none recover" },
    { "GET /", "404", "X-Ours: 1\r\n" },
    { "GET /nothing", "404", "{\"code\":404,\"message\":\"not found\"}\n" },
    { "GET /idx", "404", "" },
    { "GET /i", "404", "" },
    { "GET /pins/a/b", "404", "" },
    { "POST /paths/ipfs", "404", "" },
    { "OPTIONS *", "404", "" },
    { "DELETE /pins/a", "405", "Allow: GET, POST\r\nX-Ours: 1\r\nContent-Length: 0\r\n" },
    { "HEAD /id", "405", "Allow: GET\r\n" },
    { "GET /pins/%zz", "400", "malformed path" },
    { "GET /pins/a%00", "400", "malformed path" },
    { "GET /pins/a/?x=1", "307", "Location: /pins/a?x=1\r\n" },
    { "GET //id", "301", "Location: /id\r\n" },
    { "GET /a/../id", "301", "Location: /id\r\n" },
    { "GET /./a/b/../../..", "301", "Location: /\r\n" },
    { "GET /a//b/", "301", "Location: /a/b\r\n" },
};

Test(http_route, each_request_finds_its_way)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_talk t = { .on_request = on_request };
        struct buf ask = { 0 };
        http_talk_open(&t, 4096);
        buf_printf(&ask, "%s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].line);
        const char *answered = http_talk_ask(&t, buf_text(&ask));
        cr_assert_eq(strncmp(answered + 9, cases[i].status, 3), 0, "%s: %s", cases[i].line,
                     answered);
        cr_assert_not_null(strstr(answered, cases[i].holds), "%s: %s", cases[i].line, answered);
        buf_deinit(&ask);
        http_talk_close(&t);
    }
}
