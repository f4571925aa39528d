/* What the proxy answers itself: pin/add, pin/rm, pin/ls, add. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/proxy_world.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

#define TEST_PEER_TEXT "12D3KooWJkcqm9DTHv2ZX96ohbogJDv5aCYAZJB9zoUknY3VXwXx"

TestSuite(proxy_pins, .timeout = 60);

static const char error_500[] = "HTTP/1.1 500 Internal Server Error\r\n"
                                "Server: ipfs-cluster/ipfsproxy/1.1.6\r\n";

/* ---- pin/add, pin/rm ---- */

Test(proxy_pins, pins_are_answered_when_they_are_committed)
{
    static const struct {
        const char *line;
        const char *writes;
    } cases[] = {
        { "POST /api/v0/pin/add?arg=%s", "+%s -1 \n" },
        { "GET /api/v0/pin/add?arg=%%2Fipfs%%2F%s&name=a%%20b", "+%s -1 a b\n" },
        { "POST /api/v0/pin/add/%s?recursive=true", "+%s -1 \n" },
        { "PUT /api/v0/pin/add?arg=/ipld/%s&recursive=false", "+%s 0 \n" },
        { "POST /api/v0/pin/add?type=direct&arg=%s", "+%s 0 \n" },
        { "POST /api/v0/pin/add?r=false&n=x&arg=%s", "+%s 0 x\n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_world_ask_for(&w, cases[i].line, 1, 0);
        cr_assert_str_eq(proxy_world_answered(&w), "");
        proxy_check_writes(&w, cases[i].writes, 1, 0);
        proxy_cluster_finish(&w, OK, NULL);
        const char *text = proxy_world_answered(&w);
        cr_assert_eq(strncmp(text,
                             "HTTP/1.1 200 OK\r\nServer: ipfs-cluster/ipfsproxy/1.1.6\r\n"
                             "Content-Type: application/json\r\n",
                             80),
                     0, "%s", text);
        proxy_check_body(text, "{\"Pins\":[\"%s\"]}", 1, 0);
        cr_assert_eq(w.requests_count, 0);
        proxy_world_close(&w);
    }
}

Test(proxy_pins, several_arguments_one_after_the_other)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s&arg=%s", 1, 2);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_writes(&w, "+%s -1 \n+%s -1 \n", 1, 2);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\",\"%s\"]}", 1, 2);
    proxy_world_ask_for(&w, "POST /api/v0/pin/rm?arg=%s&arg=%s", 1, 3);
    proxy_cluster_finish(&w, OK, NULL);
    const char *text = proxy_world_answered(&w);
    cr_assert_eq(strncmp(text, error_500, strlen(error_500)), 0);
    proxy_check_body(
        text, "{\"Message\":\"not pinned or pinned indirectly\",\"Code\":0,\"Type\":\"error\"}", 0,
        0);
    proxy_check_writes(&w, "-%s\n", 1, 0);
    cr_assert_eq(w.pins_count, 1);
    proxy_world_close(&w);
}

/* Only a direct pin is taken back with recursive=false. */
Test(proxy_pins, a_recursive_pin_is_not_removed_as_a_direct_one)
{
    static const char *const lines[] = { "POST /api/v0/pin/rm?arg=%s&recursive=false",
                                         "POST /api/v0/pin/rm?arg=/ipfs/%s&r=0",
                                         "GET /api/v0/pin/rm/%s?recursive=F" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_cluster_holds(&w, 1, false, "");
        proxy_cluster_holds(&w, 2, true, "");
        proxy_world_ask_for(&w, lines[i], 1, 0);
        const char *text = proxy_world_answered(&w);
        cr_assert_eq(strncmp(text, error_500, strlen(error_500)), 0, "%s", text);
        proxy_check_body(
            text, "{\"Message\":\"%s is pinned recursively\",\"Code\":0,\"Type\":\"error\"}", 1, 0);
        cr_assert_eq(w.writes.len, 0);
        proxy_world_ask_for(&w, lines[i], 2, 0);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_check_writes(&w, "-%s\n", 2, 0);
        proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\"]}", 2, 0);
        proxy_world_ask_for(&w, lines[i], 2, 0);
        cr_assert(text_holds(proxy_world_answered(&w), "not pinned or pinned indirectly"));
        proxy_world_close(&w);
    }
}

static void look(struct proxy_world *w, size_t pinned, size_t needed, uint64_t blocks)
{
    struct proxy_look look = {
        .pinned = pinned, .needed = needed, .blocks = blocks, .bytes = 7 * blocks
    };
    w->watch->on_look(w->watch, &look);
}

Test(proxy_pins, progress_is_told_until_enough_peers_have_it)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s&arg=%s&progress=true", 1, 2);
    proxy_cluster_finish(&w, OK, NULL);
    cr_assert(text_holds(proxy_world_answered(&w), "Trailer: X-Stream-Error\r\n"));
    look(&w, 0, 2, 0);
    look(&w, 1, 2, 23);
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "{\"Progress\":0,\"Bytes\":0}\n"), "%s", text);
    cr_assert(text_holds(text, "{\"Progress\":23,\"Bytes\":161}\n"), "%s", text);
    look(&w, 2, 2, 23);
    cr_assert_null(w.watch);
    proxy_cluster_finish(&w, OK, NULL);
    look(&w, 3, 2, 5);
    struct cid one = test_cid(1), two = test_cid(2);
    struct buf line = { 0 };
    buf_printf(&line, "{\"Pins\":[\"%s\",\"%s\"]}\n\r\n0\r\n\r\n", cid_print(&one).text,
               cid_print(&two).text);
    text = proxy_world_answered(&w);
    cr_assert(text_holds(text, buf_text(&line)), "%s", text);
    buf_deinit(&line);
    proxy_world_close(&w);
}

Test(proxy_pins, what_goes_wrong_behind_progress_is_a_trailer)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s&progress=true", 1, 0);
    proxy_cluster_finish(&w, OK, NULL);
    w.watch->on_look(w.watch, &(struct proxy_look){ .is_gone = true });
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "\r\nX-Stream-Error: it was unpinned before"), "%s", text);
    cr_assert_null(w.watch);
    /* The client has seen enough. */
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s&progress=1", 2, 0);
    proxy_cluster_finish(&w, OK, NULL);
    cr_assert_not_null(w.watch);
    http_conn_on_eof(w.talk.conn);
    cr_assert_null(w.watch);
    proxy_world_close(&w);
}

Test(proxy_pins, an_update_pins_the_new_and_unpins_the_old)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s", 1, 0);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_world_answered(&w);
    proxy_check_writes(&w, "+%s -1 \n", 1, 0);
    proxy_world_ask_for(&w, "POST /api/v0/pin/update?arg=%s&arg=/ipfs/%s", 1, 2);
    proxy_check_writes(&w, "+%s -1 update\n", 2, 0);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_writes(&w, "-%s\n", 1, 0);
    cr_assert_str_eq(proxy_world_answered(&w), "");
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\",\"%s\"]}", 1, 2);
    /* The old one stays; nothing is unpinned that was just pinned. */
    static const char *const lines[] = { "POST /api/v0/pin/update?arg=%s&arg=%s&unpin=false",
                                         "POST /api/v0/pin/update?arg=%s&arg=%s" };
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t to = i == 0 ? 3 : 2;
        proxy_world_ask_for(&w, lines[i], 2, to);
        proxy_cluster_finish(&w, OK, NULL);
        proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\",\"%s\"]}", 2, to);
    }
    /* It is not known: nothing is done. */
    w.refusal = ERR_NOT_FOUND;
    proxy_world_ask_for(&w, "POST /api/v0/pin/update?arg=%s&arg=%s", 7, 8);
    cr_assert(
        text_holds(proxy_world_answered(&w), "'from' cid was not recursively pinned already"));
    proxy_world_close(&w);
}

Test(proxy_pins, an_update_needs_two_paths)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/update", "");
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "HTTP/1.1 400 "), "%s", text);
    cr_assert(text_holds(text, "argument \\\"from-path\\\" is required"), "%s", text);
    proxy_world_ask_for(&w, "POST /api/v0/pin/update?arg=%s", 1, 0);
    cr_assert(text_holds(proxy_world_answered(&w), "argument \\\"to-path\\\" is required"));
    proxy_world_ask_for(&w, "POST /api/v0/pin/update?arg=%s&arg=zzz", 1, 0);
    cr_assert(text_holds(proxy_world_answered(&w), "error parsing \\\"to-path\\\" argument: "));
    cr_assert_eq(w.writes.len, 0);
    proxy_world_close(&w);
}

Test(proxy_pins, a_write_that_fails_is_told_in_its_words)
{
    struct proxy_world w = { .refusal = ERR_BUSY };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s", 1, 0);
    proxy_check_body(proxy_world_answered(&w),
                     "{\"Message\":\"not today\",\"Code\":0,\"Type\":\"error\"}", 0, 0);
    w.refusal = OK;
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s", 1, 0);
    proxy_cluster_finish(&w, ERR_NO_LEADER, NULL);
    proxy_check_body(proxy_world_answered(&w),
                     "{\"Message\":\"no leader: a majority of the voters is not reachable\","
                     "\"Code\":0,\"Type\":\"error\"}",
                     0, 0);
    proxy_world_close(&w);
}

Test(proxy_pins, bad_arguments)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        { "POST /api/v0/pin/add", "Error parsing IPFS Path: invalid path \\\"\\\": "
                                  "path does not have enough components" },
        { "POST /api/v0/pin/add?arg=zzz", "Error parsing IPFS Path: invalid path \\\"zzz\\\": "
                                          "path does not have enough components" },
        { "POST /api/v0/pin/rm?arg=/x/y",
          "Error parsing IPFS Path: invalid path \\\"/x/y\\\": unknown namespace" },
        { "POST /api/v0/pin/rm?arg=%zz", "malformed percent-encoding" },
        { "POST /api/v0/pin/ls?arg=zzz", "invalid cid: zzz" },
        { "POST /api/v0/pin/ls?type=x",
          "invalid type 'x', must be one of {direct, indirect, recursive, all}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_world_ask(&w, cases[i].line, "");
        const char *text = proxy_world_answered(&w);
        cr_assert_eq(strncmp(text, error_500, strlen(error_500)), 0, "%s", text);
        cr_assert(text_holds(text, cases[i].message), "%s", text);
        cr_assert_eq(w.writes.len, 0);
        proxy_world_close(&w);
    }
}

Test(proxy_pins, a_path_is_resolved_by_the_daemon)
{
    struct proxy_world w = { 0 };
    struct buf answer = { 0 };
    struct cid found = test_cid(7);
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=/ipfs/%s/a/b", 1, 0);
    proxy_world_wait_for_daemon(&w);
    cr_assert(text_holds(buf_text(&w.heard), "POST /api/v0/resolve?arg="));
    http_reply_begin(w.x, 200, NULL, 0, -1);
    buf_printf(&answer, "{\"Path\":\"/ipfs/%s\"}\n", cid_print(&found).text);
    proxy_daemon_write(&w, buf_text(&answer));
    proxy_daemon_end(&w, NULL);
    proxy_world_turn_some(&w);
    proxy_check_writes(&w, "+%s -1 \n", 7, 0);
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_body(proxy_world_answered(&w), "{\"Pins\":[\"%s\"]}", 7, 0);

    proxy_world_ask(&w, "POST /api/v0/pin/add?arg=/ipns/example.org", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_begin(w.x, 500, NULL, 0, -1);
    proxy_daemon_write(&w, "{\"Message\":\"no such name\",\"Code\":0,\"Type\":\"error\"}\n");
    proxy_daemon_end(&w, NULL);
    cr_assert(text_holds(proxy_world_answered(&w), "{\"Message\":\"no such name\""));

    /* The client leaves while the daemon looks. */
    proxy_world_ask(&w, "POST /api/v0/pin/add?arg=/ipns/example.org", "");
    proxy_world_wait_for_daemon(&w);
    http_conn_on_eof(w.talk.conn);
    proxy_world_turn_some(&w);
    cr_assert_eq(w.aborts_count, 1);
    cr_assert_eq(w.writes.len, 0);
    buf_deinit(&answer);
    proxy_world_close(&w);
}

Test(proxy_pins, a_pin_goes_on_without_its_client)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask_for(&w, "POST /api/v0/pin/add?arg=%s&arg=%s", 1, 2);
    http_conn_on_eof(w.talk.conn);
    cr_assert_eq(w.forgets_count, 1);
    proxy_check_writes(&w, "+%s -1 \n", 1, 0);
    proxy_world_close(&w);
}

/* ---- pin/ls ---- */

Test(proxy_pins, pins_are_listed_in_kubos_shapes)
{
    static const struct {
        const char *line, *body;
    } cases[] = {
        { "POST /api/v0/pin/ls",
          "{\"Keys\":{\"%s\":{\"Type\":\"recursive\"},\"%s\":{\"Type\":\"direct\"}}}" },
        { "GET /api/v0/pin/ls?stream=false&quiet=true&names=true",
          "{\"Keys\":{\"%s\":{\"Type\":\"recursive\",\"Name\":\"one\"},"
          "\"%s\":{\"Type\":\"direct\",\"Name\":\"\"}}}" },
        { "POST /api/v0/pin/ls?type=recursive", "{\"Keys\":{\"%s\":{\"Type\":\"recursive\"}}}" },
        { "POST /api/v0/pin/ls?type=indirect", "{\"Keys\":{}}" },
        { "POST /api/v0/pin/ls?arg=%s", "{\"Keys\":{\"%s\":{\"Type\":\"recursive\"}}}" },
        { "POST /api/v0/pin/ls/%s?type=all", "{\"Keys\":{\"%s\":{\"Type\":\"recursive\"}}}" },
        { "POST /api/v0/pin/ls?stream=true",
          "{\"Cid\":\"%s\",\"Type\":\"recursive\"}\n{\"Cid\":\"%s\",\"Type\":\"direct\"}\n" },
        { "POST /api/v0/pin/ls?s=true&type=recursive&arg=%1$s&arg=/ipfs/%1$s",
          "{\"Cid\":\"%1$s\",\"Type\":\"recursive\"}\n{\"Cid\":\"%1$s\",\"Type\":\"recursive\"}"
          "\n" },
        { "POST /api/v0/pin/ls?stream=true&type=indirect", "" },
        { "POST /api/v0/pin/ls?name=ne",
          "{\"Keys\":{\"%s\":{\"Type\":\"recursive\",\"Name\":\"one\"}}}" },
        { "POST /api/v0/pin/ls?name=one&type=direct", "{\"Keys\":{}}" },
        { "POST /api/v0/pin/ls?name=One", "{\"Keys\":{}}" },
        { "POST /api/v0/pin/ls?name=ones", "{\"Keys\":{}}" },
        { "POST /api/v0/pin/ls?stream=true&n=on",
          "{\"Cid\":\"%s\",\"Type\":\"recursive\",\"Name\":\"one\"}\n" },
        { "POST /api/v0/pin/ls?stream=true&names=true&name=",
          "{\"Cid\":\"%s\",\"Type\":\"recursive\",\"Name\":\"one\"}\n"
          "{\"Cid\":\"%s\",\"Type\":\"direct\"}\n" },
        /* Beside an argument it only shows names, as with the daemon. */
        { "POST /api/v0/pin/ls?name=zzz&arg=%s",
          "{\"Keys\":{\"%s\":{\"Type\":\"recursive\",\"Name\":\"one\"}}}" },
        { "POST /api/v0/pin/ls?t=direct", "{\"Keys\":{\"%2$s\":{\"Type\":\"direct\"}}}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_cluster_holds(&w, 1, false, "one");
        proxy_cluster_holds(&w, 2, true, "");
        proxy_world_ask_for(&w, cases[i].line, 1, 2);
        struct buf body = { 0 };
        const char *text = proxy_world_answered(&w);
        cr_assert_eq(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0, "%s", text);
        cr_assert_eq(text_holds(text, "X-Chunked-Output: 1\r\n"),
                     text_holds(cases[i].line, "?s=true") ||
                         text_holds(cases[i].line, "stream=true"));
        /* Whatever it was, it came in one chunk. */
        const char *chunk = strstr(strstr(text, "\r\n\r\n") + 4, "\r\n");
        if (cases[i].body[0] != 0)
            buf_append(&body, chunk + 2, strlen(chunk + 2) - strlen("\r\n0\r\n\r\n"));
        struct cid one = test_cid(1);
        struct cid two = test_cid(2);
        struct buf expected = { 0 };
        buf_printf(&expected, cases[i].body, cid_print(&one).text, cid_print(&two).text);
        cr_assert_str_eq(buf_text(&body), buf_text(&expected), "%s: %s", cases[i].line, text);
        buf_deinit(&body);
        buf_deinit(&expected);
        proxy_world_close(&w);
    }
}

Test(proxy_pins, what_is_asked_for_is_not_yet_held)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_cluster_holds(&w, 1, false, "");
    proxy_cluster_holds(&w, 2, false, "");
    static const char line[] = "POST /api/v0/pin/ls?stream=true&arg=%s&arg=%s&held=true";
    proxy_world_ask_for(&w, line, 1, 2);
    cr_assert_str_eq(proxy_world_answered(&w), "");
    look(&w, 2, 2, 0);
    cr_assert_str_eq(proxy_world_answered(&w), "");
    look(&w, 1, 2, 5);
    cr_assert_null(w.watch);
    proxy_check_body(proxy_world_answered(&w),
                     "{\"Message\":\"path '%s' is not pinned\",\"Code\":0,\"Type\":\"error\"}", 2,
                     0);
    proxy_world_ask_for(&w, line, 1, 2);
    look(&w, 1, 1, 0);
    look(&w, 2, 1, 0);
    const char *text = proxy_world_answered(&w);
    struct cid one = test_cid(1), two = test_cid(2);
    cr_assert(text_holds(text, cid_print(&one).text) && text_holds(text, cid_print(&two).text),
              "%s", text);
    /* Unpinned between; and a client that leaves while we look. */
    proxy_world_ask_for(&w, line, 2, 1);
    w.watch->on_look(w.watch, &(struct proxy_look){ .is_gone = true });
    cr_assert(text_holds(proxy_world_answered(&w), "is not pinned"));
    proxy_world_ask_for(&w, line, 1, 2);
    cr_assert_not_null(w.watch);
    http_conn_on_eof(w.talk.conn);
    cr_assert_null(w.watch);
    proxy_world_close(&w);
}

Test(proxy_pins, what_is_not_pinned_is_said_in_kubos_words)
{
    static const char *const lines[] = {
        "POST /api/v0/pin/ls?arg=%s",
        "POST /api/v0/pin/ls?stream=true&arg=%s",
        "POST /api/v0/pin/ls?arg=%2$s&arg=%1$s",
        "POST /api/v0/pin/ls?type=direct&arg=%s",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_cluster_holds(&w, 2, false, "");
        if (text_holds(lines[i], "direct"))
            proxy_cluster_holds(&w, 3, false, "");
        proxy_world_ask_for(&w, lines[i], 3, 2);
        proxy_check_body(proxy_world_answered(&w),
                         "{\"Message\":\"path '%s' is not pinned\",\"Code\":0,\"Type\":\"error\"}",
                         3, 0);
        proxy_world_close(&w);
    }
}

/* ---- add ---- */

/* Asks for an add, and lets the daemon say these lines; the answer is over by stream_error. */
static void add(struct proxy_world *w, const char *line, const char *lines,
                const char *stream_error)
{
    struct http_field fields[] = { HTTP_FIELD("Content-Type", "application/json"),
                                   HTTP_FIELD("Trailer", "X-Stream-Error"),
                                   HTTP_FIELD("X-Chunked-Output", "1") };
    proxy_world_ask(w, line, "Content-Length: 4\r\n\r\nbody");
    proxy_world_wait_for_daemon(w);
    http_reply_begin(w->x, 200, fields, 3, -1);
    proxy_daemon_write(w, lines);
    proxy_daemon_end(w, stream_error);
    proxy_world_turn_some(w);
}

#define HASH(n) "{\"Name\":\"" n "\",\"Hash\":\"%s\",\"Size\":\"12\"}\n"

static char *lines_of(struct buf *out, const char *format, uint32_t a, uint32_t b)
{
    struct cid one = test_cid(a);
    struct cid two = test_cid(b);
    buf_clear(out);
    buf_printf(out, format, cid_print(&one).text, cid_print(&two).text);
    return (char *)(uintptr_t)buf_text(out);
}

Test(proxy_pins, an_add_ends_when_its_root_is_pinned)
{
    struct proxy_world w = { 0 };
    struct buf lines = { 0 };
    proxy_world_open(&w);
    add(&w, "POST /api/v0/add?pin=true&progress=true&pin-name=n%20m&chunker=size-1",
        lines_of(&lines, "{\"Name\":\"a\",\"Bytes\":4}\n" HASH("a"), 1, 0), NULL);
    cr_assert_str_eq(buf_text(&w.heard),
                     "POST /api/v0/add?progress=true&chunker=size-1&pin=false\nbody");
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "X-Chunked-Output: 1\r\n"));
    cr_assert(text_holds(text, buf_text(&lines)), "the lines come as they come");
    cr_assert(!text_holds(text, "\r\n0\r\n"), "but not the end");
    proxy_check_writes(&w, "+%s -1 n m\n", 1, 0);
    proxy_cluster_finish(&w, OK, NULL);
    cr_assert(text_holds(proxy_world_answered(&w), "\r\n0\r\n\r\n"));
    buf_deinit(&lines);
    proxy_world_close(&w);
}

/* ipfs-cluster's options of /add: how it is pinned is for the cluster, what Kubo calls otherwise is said in its words. */
Test(proxy_pins, an_add_with_the_clusters_options)
{
    static const struct {
        const char *query, *passed, *writes;
    } cases[] = {
        { "?name=x&replication=2&meta-k=v", "?name=x&replication=2&meta-k=v&pin=false",
          "+%s -1 x x2 k\n" },
        { "?pin-name=y&name=x", "?name=x&pin=false", "+%s -1 y\n" },
        { "?user-allocations=" TEST_PEER_TEXT, "?user-allocations=" TEST_PEER_TEXT "&pin=false",
          "+%s -1  for 1\n" },
        { "?mode=direct", "?mode=direct&pin=false", "+%s -1 \n" },
        { "?layout=trickle&format=unixfs", "?pin=false&trickle=true", "+%s -1 \n" },
        { "?layout=balanced", "?pin=false", "+%s -1 \n" },
        { "?no-pin=true", "?pin=false", "" },
        { "?pin=false&layout=trickle", "?pin=false&trickle=true", "" },
        { "?pin=false&name=x", "?pin=false&name=x", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        struct buf lines = { 0 };
        struct buf line = { 0 };
        proxy_world_open(&w);
        buf_printf(&line, "POST /api/v0/add%s", cases[i].query);
        add(&w, buf_text(&line), lines_of(&lines, HASH("a"), 1, 0), NULL);
        buf_clear(&line);
        buf_printf(&line, "POST /api/v0/add%s\n", cases[i].passed);
        cr_assert(text_holds(buf_text(&w.heard), buf_text(&line)), "%s", buf_text(&w.heard));
        proxy_check_writes(&w, cases[i].writes, 1, 0);
        if (w.write != NULL)
            proxy_cluster_finish(&w, OK, NULL);
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, buf_text(&lines)) && text_holds(text, "\r\n0\r\n\r\n"));
        buf_deinit(&lines);
        buf_deinit(&line);
        proxy_world_close(&w);
    }
}

Test(proxy_pins, the_roots_of_an_add)
{
    static const struct {
        const char *lines;
        const char *writes;
    } cases[] = {
        { HASH("a.txt") HASH("b.txt"), "+%s -1 \n+%s -1 \n" },
        { "{\"Name\":\"d/a\",\"Hash\":\"%2$s\",\"Size\":\"1\"}\n"
          "{\"Name\":\"d\",\"Hash\":\"%1$s\",\"Size\":\"1\"}\n",
          "+%s -1 \n" },
        { "{\"Name\":\"a\",\"Hash\":\"%2$s\",\"Size\":\"1\"}\n"
          "{\"Name\":\"\",\"Hash\":\"%1$s\",\"Size\":\"1\"}\n",
          "+%s -1 \n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        struct buf lines = { 0 };
        proxy_world_open(&w);
        add(&w, "PUT /api/v0/add?wrap-with-directory=x", lines_of(&lines, cases[i].lines, 1, 2),
            NULL);
        cr_assert(
            text_holds(buf_text(&w.heard), "POST /api/v0/add?wrap-with-directory=x&pin=false\n"));
        while (w.write != NULL)
            proxy_cluster_finish(&w, OK, NULL);
        proxy_check_writes(&w, cases[i].writes, 1, 2);
        cr_assert(text_holds(proxy_world_answered(&w), "\r\n0\r\n\r\n"));
        buf_deinit(&lines);
        proxy_world_close(&w);
    }
}

/* The daemon is not told: it would not say what to pin. */
Test(proxy_pins, a_silent_add_is_pinned_without_a_word)
{
    struct proxy_world w = { 0 };
    struct buf lines = { 0 };
    proxy_world_open(&w);
    add(&w, "POST /api/v0/add?silent=true&quiet=1", lines_of(&lines, HASH("a"), 1, 2), NULL);
    cr_assert(text_holds(buf_text(&w.heard), "POST /api/v0/add?quiet=1&pin=false\n"));
    proxy_cluster_finish(&w, OK, NULL);
    proxy_check_writes(&w, "+%s -1 \n", 1, 0);
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "HTTP/1.1 200 ") && text_holds(text, "\r\n\r\n0\r\n\r\n"), "%s",
              text);
    add(&w, "POST /api/v0/add?silent=true", lines_of(&lines, HASH("a"), 1, 2), "broke");
    text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "\r\n\r\n0\r\nX-Stream-Error: broke\r\n"), "%s", text);
    add(&w, "POST /api/v0/add?silent=false", lines_of(&lines, HASH("a"), 1, 2), NULL);
    proxy_cluster_finish(&w, OK, NULL);
    cr_assert(text_holds(proxy_world_answered(&w), "\"Hash\""));
    /* What is refused is said. */
    proxy_world_ask(&w, "POST /api/v0/add?silent=true", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_begin(w.x, 400, NULL, 0, -1);
    proxy_daemon_write(&w, "file argument 'path' is required\n");
    proxy_daemon_end(&w, NULL);
    text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "file argument 'path' is required\n"), "%s", text);
    buf_deinit(&lines);
    proxy_world_close(&w);
}

Test(proxy_pins, an_add_that_was_not_whole_pins_nothing)
{
    static const struct {
        const char *lines, *stream_error, *trailer;
    } cases[] = {
        { HASH("a"), "unexpected EOF", "X-Stream-Error: unexpected EOF\r\n" },
        { "", NULL, "X-Stream-Error: " },
        { "garbage\n", NULL, "X-Stream-Error: " },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        struct buf lines = { 0 };
        proxy_world_open(&w);
        add(&w, "POST /api/v0/add", lines_of(&lines, cases[i].lines, 1, 2), cases[i].stream_error);
        cr_assert_eq(w.writes.len, 0);
        cr_assert(text_holds(proxy_world_answered(&w), cases[i].trailer), "%s",
                  proxy_world_answered(&w));
        buf_deinit(&lines);
        proxy_world_close(&w);
    }
}

Test(proxy_pins, a_pin_that_fails_after_the_add)
{
    struct proxy_world w = { 0 };
    struct buf lines = { 0 };
    proxy_world_open(&w);
    add(&w, "POST /api/v0/add", lines_of(&lines, HASH("a") HASH("b"), 1, 2), NULL);
    proxy_cluster_finish(&w, ERR_NO_LEADER, "no leader");
    cr_assert(text_holds(proxy_world_answered(&w),
                         "0\r\nX-Stream-Error: the content was added, but not pinned in the "
                         "cluster: no leader\r\n\r\n"));
    w.refusal = ERR_BUSY;
    add(&w, "POST /api/v0/add", lines_of(&lines, HASH("a"), 1, 2), NULL);
    cr_assert(text_holds(proxy_world_answered(&w), "not pinned in the cluster: not today\r\n"));
    buf_deinit(&lines);
    proxy_world_close(&w);
}

Test(proxy_pins, errors_of_the_daemons_add_pass)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/add", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_begin(w.x, 400, NULL, 0, -1);
    proxy_daemon_write(&w, "file argument 'path' is required\n");
    proxy_daemon_end(&w, NULL);
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "HTTP/1.1 400 "));
    cr_assert(text_holds(text, "file argument 'path' is required\n"));
    cr_assert_eq(w.writes.len, 0);
    proxy_world_close(&w);
}

Test(proxy_pins, a_client_that_leaves_during_an_add)
{
    struct proxy_world w = { 0 };
    struct buf lines = { 0 };
    proxy_world_open(&w);
    add(&w, "POST /api/v0/add", lines_of(&lines, HASH("a"), 1, 2), NULL);
    http_conn_on_eof(w.talk.conn);
    cr_assert_eq(w.forgets_count, 1);
    proxy_world_close(&w);

    struct proxy_world v = { 0 };
    proxy_world_open(&v);
    proxy_world_ask(&v, "POST /api/v0/add", "Content-Length: 9\r\n\r\nhalf");
    proxy_world_wait_for_daemon(&v);
    http_conn_on_eof(v.talk.conn);
    proxy_world_turn_some(&v);
    cr_assert_eq(v.aborts_count, 1);
    cr_assert_eq(v.writes.len, 0);
    buf_deinit(&lines);
    proxy_world_close(&v);
}
