/* Arguments that come in the body, as the ipfs command sends what it reads from stdin. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/proxy_world.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(proxy_body_args, .timeout = 60);

/* A request with that content as the first part of its body; what comes behind that content, too. */
static void ask_with_body(struct proxy_world *w, const char *line, const char *content,
                          const char *behind)
{
    struct cid one = test_cid(1), two = test_cid(2);
    struct buf body = { 0 }, rest = { 0 };
    buf_append_text(&body, "--b\r\nContent-Disposition: form-data; name=\"file\"; "
                           "filename=\"stdin\"\r\n\r\n");
    buf_printf(&body, content, cid_print(&one).text, cid_print(&two).text);
    buf_append_text(&body, behind);
    buf_printf(&rest, "Origin: http://page\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n");
    if (strstr(line, "page") == NULL)
        buf_consume(&rest, strlen("Origin: http://page\r\n"));
    for (size_t at = 0, len; at < body.len; at += len) { /* in three pieces */
        len = body.len - at > body.len / 3 ? body.len / 3 + 1 : body.len - at;
        buf_printf(&rest, "%zx\r\n%.*s\r\n", len, (int)len, (const char *)body.data + at);
    }
    buf_append_text(&rest, "0\r\n\r\n");
    proxy_world_ask(w, line, buf_text(&rest));
    proxy_world_turn_some(w);
    buf_deinit(&body);
    buf_deinit(&rest);
}

#define CLOSED "\r\n--b--\r\n"

Test(proxy_body_args, arguments_in_the_body)
{
    static const struct {
        const char *line, *content, *behind;
    } cases[] = {
        { "POST /api/v0/pin/add", "%s\n%s\n", CLOSED },
        { "POST /api/v0/pin/add?x=y", "%s\r\n%s", CLOSED },
        { "POST /api/v0/pin/add", "/ipfs/%s\n%s", "\r\n--b\r\n\r\nanother part" CLOSED },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        ask_with_body(&w, cases[i].line, cases[i].content, cases[i].behind);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_check_writes(&w, "+%s -1 \n+%s -1 \n", 1, 2);
        proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\",\"%s\"]}", 1, 2);
        ask_with_body(&w, "POST /api/v0/pin/rm", cases[i].content, cases[i].behind);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_check_writes(&w, "-%s\n-%s\n", 1, 2);
        proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\",\"%s\"]}", 1, 2);
        proxy_world_close(&w);
    }
}

/* So does the ipfs command: the first in the query. */
Test(proxy_body_args, arguments_of_the_query_come_before_those_in_the_body)
{
    struct proxy_world w = { 0 };
    struct buf line = { 0 };
    struct cid three = test_cid(3);
    proxy_world_open(&w);
    buf_printf(&line, "POST /api/v0/pin/add?arg=%s", cid_print(&three).text);
    ask_with_body(&w, buf_text(&line), "%2$s\n\n", CLOSED);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_writes(&w, "+%s -1 \n+%s -1 \n", 3, 2);
    cr_assert(text_holds(proxy_world_answered(&w), "invalid path \\\"\\\": ")); /* the empty line */
    ask_with_body(&w, buf_text(&line), "", CLOSED);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\"]}", 3, 0);
    buf_deinit(&line);
    proxy_world_close(&w);
}

/* Of such a body nothing is done at all. */
Test(proxy_body_args, a_body_that_is_broken_or_too_big)
{
    static const struct {
        const char *content, *behind, *status;
    } cases[] = {
        { "%s\n%s\n", "", "HTTP/1.1 400 " },
        { "%s\n%s\n", "\r\n--b\r\n", "HTTP/1.1 400 " },
        { "%s\n%s\n", "\r\n--bb--", "HTTP/1.1 400 " },
        { NULL, CLOSED, "HTTP/1.1 413 " },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        struct cid one = test_cid(1);
        struct buf content = { 0 };
        proxy_world_open(&w);
        if (cases[i].content == NULL) {
            for (int n = 0; n < 20000; n++)
                buf_printf(&content, "%s\n", cid_print(&one).text);
            ask_with_body(&w, "POST /api/v0/pin/rm", buf_text(&content), CLOSED);
        } else {
            ask_with_body(&w, "POST /api/v0/pin/rm", cases[i].content, cases[i].behind);
        }
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, cases[i].status), "%zu: %s", i, text);
        cr_assert(text_holds(text, "\",\"Code\":0,\"Type\":\"error\"}"), "%s", text);
        cr_assert_eq(w.writes.len, 0);
        buf_deinit(&content);
        proxy_world_close(&w);
    }
}

/* The body waits, read or not, until it is known whether the page may. */
Test(proxy_body_args, a_body_of_a_page)
{
    struct http_field allow = HTTP_FIELD("Access-Control-Allow-Origin", "*");
    for (int i = 0; i < 3; i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        if (i < 2)
            ask_with_body(&w, "POST /api/v0/pin/add?page", "%s\n", CLOSED);
        else
            proxy_world_ask(
                &w, "POST /api/v0/pin/add",
                "Origin: http://page\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        proxy_world_wait_for_daemon(&w);
        http_reply_begin(w.x, 204, &allow, i != 1, 0);
        proxy_daemon_end(&w, NULL);
        const char *text = proxy_world_answered(&w);
        if (i == 0) {
            proxy_cluster_finish(&w, OK, NULL);
            proxy_check_writes(&w, "+%s -1 \n", 1, 0);
            text = proxy_world_answered(&w);
        }
        cr_assert_eq(w.writes.len, 0);
        cr_assert(text_holds(text, i == 0   ? "HTTP/1.1 200 "
                                   : i == 1 ? "HTTP/1.1 403 "
                                            : "HTTP/1.1 400 "),
                  "%d: %s", i, text);
        proxy_world_close(&w);
    }
}

Test(proxy_body_args, a_client_that_leaves_in_the_middle_of_its_body)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(
        &w, "POST /api/v0/pin/add",
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100\r\n\r\n--b");
    http_conn_on_eof(w.talk.conn);
    cr_assert_eq(w.writes.len, 0);
    proxy_world_close(&w);
}

/* Other commands, and other bodies, have no arguments there. */
Test(proxy_body_args, bodies_that_are_read_over)
{
    static const struct {
        const char *line, *content, *words;
    } cases[] = {
        { "POST /api/v0/pin/ls", "%s\n", "{\"Keys\":{}}" },
        { "POST /api/v0/pin/update", "%s\n%s\n", "argument \\\"from-path\\\" is required" },
        { "POST /api/v0/pin/rm", NULL, "invalid path \\\"\\\"" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        if (cases[i].content != NULL)
            ask_with_body(&w, cases[i].line, cases[i].content, CLOSED);
        else
            proxy_world_ask(&w, cases[i].line,
                            "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc");
        cr_assert(text_holds(proxy_world_answered(&w), cases[i].words), "%s", cases[i].line);
        cr_assert_eq(w.writes.len, 0);
        proxy_world_close(&w);
    }
}
