/* What passes through the proxy to the daemon and back. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/proxy_world.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(proxy, .timeout = 60);

/* ---- what passes ---- */

Test(proxy, a_request_and_its_answer_pass_as_they_are)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(
        &w, "POST /api/v0/block/put?a=%2f&b",
        "X-Mine: 1\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 2\r\nTE: trailers\r\nOrigin: o\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 4\r\n\r\n\0abc");
    http_talk_receive(&w.talk, ""); /* text ends at the NUL: the body comes by hand */
    cr_assert_eq(http_conn_on_bytes(w.talk.conn, "\0abc", 4), 4);
    proxy_world_wait_for_daemon(&w);
    cr_assert(w.body_ended);
    const char *head = "POST /api/v0/block/put?a=%2f&b\nX-Mine=1\nOrigin=o\n"
                       "Content-Type=multipart/form-data; boundary=x\n";
    cr_assert_eq(w.heard.len, strlen(head) + 4);
    cr_assert_eq(memcmp(w.heard.data, head, strlen(head)), 0);
    cr_assert_eq(memcmp(w.heard.data + strlen(head), "\0abc", 4), 0);

    struct http_field fields[] = { HTTP_FIELD("Server", "kubo/0.42.0"),
                                   HTTP_FIELD("Trailer", "X-Stream-Error"),
                                   HTTP_FIELD("X-Chunked-Output", "1"),
                                   HTTP_FIELD("Keep-Alive", "5") };
    http_reply_begin(w.x, 200, fields, 4, -1);
    proxy_daemon_write(&w, "{\"line\":1}\n");
    const char *so_far = proxy_world_answered(&w);
    cr_assert_str_eq(so_far, "HTTP/1.1 200 OK\r\nServer: kubo/0.42.0\r\nTrailer: X-Stream-Error\r\n"
                             "X-Chunked-Output: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "b\r\n{\"line\":1}\n\r\n");
    buf_clear(&w.talk.sent);
    proxy_daemon_end(&w, "broke: \"a\"");
    cr_assert_str_eq(proxy_world_answered(&w), "0\r\nX-Stream-Error: broke: \"a\"\r\n\r\n");
    proxy_world_close(&w);
}

Test(proxy, what_is_not_the_proxys_is_the_daemons)
{
    static const char *const lines[] = {
        "OPTIONS /api/v0/pin/add",
        "HEAD /api/v0/pin/ls",
        "POST /api/v0/pin/add/",
        "POST /api/v0/pin/verify",
        "DELETE /api/v0/pin/add",
        "POST /api/v0/add/x",
        "GET /webui",
        "POST /api/v0/pin/address",
        "POST /",
        "POST /api/v0/add?pin=false",
        "POST /api/v0/add?only-hash=true&pin=true",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        proxy_world_ask(&w, lines[i], "");
        proxy_world_wait_for_daemon(&w);
        cr_assert_eq(strncmp(buf_text(&w.heard), lines[i], strlen(lines[i])), 0, "%s", lines[i]);
        http_reply_begin(w.x, 405, NULL, 0, 0);
        proxy_daemon_end(&w, NULL);
        cr_assert(text_holds(proxy_world_answered(&w), "HTTP/1.1 405 "), "%s", lines[i]);
        proxy_world_close(&w);
    }
}

Test(proxy, no_daemon_is_said_so)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    w.fx.ops->refuse(&w.fx);
    proxy_world_ask(&w, "POST /api/v0/id", "");
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "HTTP/1.1 502 Bad Gateway\r\n"));
    cr_assert(text_holds(text, "{\"Message\":\"error forwarding request to the IPFS daemon: not "
                               "reachable\",\"Code\":0,\"Type\":\"error\"}"));
    proxy_world_close(&w);
}

/* What no handler sees, in the daemon's shape as well. */
Test(proxy, a_request_that_is_none_is_told_so_in_the_daemons_shape)
{
    static const struct {
        const char *ask, *status, *body;
    } cases[] = {
        { "nonsense\r\n\r\n", "HTTP/1.1 400 ",
          "{\"Message\":\"malformed request line\",\"Code\":0,\"Type\":\"error\"}" },
        { "POST /api/v0/id HTTP/1.1\r\nHost: h\r\nX: %5000d\r\n\r\n", "HTTP/1.1 431 ",
          "\",\"Code\":0,\"Type\":\"error\"}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { .talk.is_kubo_like = true };
        struct buf text = { 0 };
        proxy_world_open(&w);
        buf_printf(&text, cases[i].ask, 0);
        const char *answer = http_talk_ask(&w.talk, buf_text(&text));
        cr_assert(text_holds(answer, cases[i].status), "%s", answer);
        cr_assert(text_holds(answer, cases[i].body), "%s", answer);
        buf_deinit(&text);
        proxy_world_close(&w);
    }
}

Test(proxy, an_answer_that_breaks_off_breaks_off_here)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/cat?arg=x", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_begin(w.x, 200, NULL, 0, -1);
    proxy_daemon_write(&w, "half");
    proxy_world_answered(&w);
    http_reply_kill(w.x);
    proxy_world_turn_some(&w);
    cr_assert(http_conn_was_killed(w.talk.conn));
    proxy_world_close(&w);
}

Test(proxy, a_client_that_leaves_takes_its_request_back)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/cat?arg=x", "");
    proxy_world_wait_for_daemon(&w);
    http_conn_on_eof(w.talk.conn);
    proxy_world_turn_some(&w);
    cr_assert_eq(w.aborts_count, 1);
    proxy_world_close(&w);
}

Test(proxy, too_many_at_a_time_are_told_to_wait)
{
    struct proxy_world w = { 0 };
    struct http_talk others[4];
    proxy_world_open(&w);
    for (int i = 0; i < 4; i++) {
        others[i] = (struct http_talk){ .on_request = proxy_on_request, .owner = w.proxy };
        http_talk_open(&others[i], WINDOW_BYTES);
        http_talk_receive(&others[i], "POST /api/v0/id HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    proxy_world_ask(&w, "POST /api/v0/id", "");
    cr_assert(text_holds(proxy_world_answered(&w), "HTTP/1.1 503 "));
    for (int i = 0; i < 4; i++)
        http_talk_close(&others[i]);
    proxy_world_turn_some(&w);
    proxy_world_ask(&w, "POST /api/v0/id", "");
    w.x = NULL;
    proxy_world_wait_for_daemon(&w);
    cr_assert(text_holds(buf_text(&w.heard), "/api/v0/id"));
    proxy_world_close(&w);
}

/* ---- in little memory ---- */

Test(proxy, a_daemon_that_does_not_read_stops_the_client)
{
    enum { TOTAL = 2 * 1000 * 1000 };
    struct proxy_world w = { .holds = true };
    static const char piece[4096];
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/x", "Content-Length: 2000000\r\n\r\n");
    size_t sent = 0;
    size_t sent_before;
    do {
        sent_before = sent;
        while (sent < TOTAL) {
            size_t len = TOTAL - sent < sizeof(piece) ? TOTAL - sent : sizeof(piece);
            size_t took = http_conn_on_bytes(w.talk.conn, piece, len);
            if (took == 0)
                break;
            sent += took;
        }
        proxy_world_turn_some(&w);
    } while (sent > sent_before);
    cr_assert_leq(sent, 2 * WINDOW_BYTES);
    w.holds = false;
    http_exchange_resume(w.x);
    while (!w.body_ended) {
        size_t len = TOTAL - sent < sizeof(piece) ? TOTAL - sent : sizeof(piece);
        if (len > 0)
            sent += http_conn_on_bytes(w.talk.conn, piece, len);
        proxy_world_turn(&w);
        buf_clear(&w.heard);
    }
    cr_assert_eq(sent, TOTAL);
    proxy_world_close(&w);
}

Test(proxy, a_client_that_does_not_read_stops_the_daemon)
{
    struct proxy_world w = { 0 };
    static const char piece[4096];
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/cat?arg=x", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_begin(w.x, 200, NULL, 0, -1);
    size_t written = 0;
    for (int quiet = 0; quiet < 20;) {
        if (http_reply_write(w.x, piece, sizeof(piece)))
            quiet = 0;
        else
            quiet++;
        written += sizeof(piece);
        proxy_world_turn(&w);
        cr_assert_lt(written, 100 * WINDOW_BYTES);
    }
    cr_assert_leq(http_conn_output(w.talk.conn).len, 3 * WINDOW_BYTES);
    proxy_daemon_end(&w, NULL);
    while (http_conn_output(w.talk.conn).len > 0) {
        http_talk_send(&w.talk, 5000);
        proxy_world_turn(&w);
    }
    proxy_world_turn_some(&w);
    http_talk_send(&w.talk, SIZE_MAX);
    cr_assert_gt(w.talk.sent.len, written);
    cr_assert(http_conn_is_idle(w.talk.conn));
    proxy_world_close(&w);
}

/* ---- web pages ---- */

static void daemon_answers(struct proxy_world *w, const char *allow)
{
    struct http_field fields[] = { { { "Access-Control-Allow-Origin", 27 },
                                     { allow, allow != NULL ? strlen(allow) : 0 } } };
    struct http_exchange *x = w->x;
    w->x = NULL;
    http_reply_begin(x, 204, fields, allow != NULL ? 1 : 0, 0);
    http_reply_end(x, NULL, 0);
}

Test(proxy, a_page_may_what_the_daemon_lets_it)
{
    static const char *const lines[] = { "POST /api/v0/pin/ls",
                                         "POST /api/v0/repo/stat?size-only=1",
                                         "GET /api/v0/pin/rm/x" };
    for (size_t i = 0; i < 2; i++) {
        struct proxy_world w = { .talk.put_fields = proxy_put_fields };
        proxy_world_open(&w);
        proxy_world_ask(&w, lines[0], "Origin: http://page\r\n\r\n");
        proxy_world_wait_for_daemon(&w);
        cr_assert_str_eq(buf_text(&w.heard), "OPTIONS /api/v0/pin/ls\nOrigin=http://page\n"
                                             "Access-Control-Request-Method=POST\n");
        daemon_answers(&w, i == 0 ? "http://page" : "*");
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, "HTTP/1.1 200 ") && text_holds(text, "Vary: Origin\r\n"), "%s",
                  text);
        cr_assert(text_holds(text, i == 0 ? "Access-Control-Allow-Origin: http://page\r\n"
                                          : "Access-Control-Allow-Origin: *\r\n"),
                  "%s", text);
        proxy_world_close(&w);
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proxy_world w = { .talk.put_fields = proxy_put_fields };
        proxy_world_open(&w);
        proxy_world_ask(&w, lines[i], "Origin: http://evil\r\n\r\n");
        proxy_world_wait_for_daemon(&w);
        daemon_answers(&w, NULL);
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, "HTTP/1.1 403 ") && text_holds(text, "403 - Forbidden\n"), "%s",
                  text);
        cr_assert_not(text_holds(text, "Access-Control"));
        cr_assert_eq(w.writes.len, 0);
        proxy_world_close(&w);
    }
}

/* By its Referer alone, too: a GET that an <img> makes, or a link, has no Origin. */
Test(proxy, a_page_is_known_by_its_referer)
{
    static const struct {
        const char *line, *referer, *origin;
    } cases[] = {
        { "POST /api/v0/pin/rm", "http://evil.example/x?y", "http://evil.example" },
        { "GET /api/v0/pin/ls", "https://u:p@evil.example:8080#x", "https://evil.example:8080" },
        { "PUT /api/v0/repo/stat", "HTTP://evil/", "HTTP://evil" },
        { "GET /api/v0/repo/gc", "http://[::1]:80/a@b", "http://[::1]:80" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { .talk.put_fields = proxy_put_fields };
        struct buf rest = { 0 }, line = { 0 };
        proxy_world_open(&w);
        buf_printf(&rest, "Referer: %s\r\n\r\n", cases[i].referer);
        proxy_world_ask(&w, cases[i].line, buf_text(&rest));
        proxy_world_wait_for_daemon(&w);
        buf_printf(&line, "\nOrigin=%s\nAccess-Control-Request-Method=", cases[i].origin);
        cr_assert(text_holds(buf_text(&w.heard), buf_text(&line)), "%s", buf_text(&w.heard));
        daemon_answers(&w, NULL);
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, "HTTP/1.1 403 ") && text_holds(text, "403 - Forbidden\n"), "%s",
                  text);
        cr_assert_eq(w.requests_count, 1);
        cr_assert_eq(w.writes.len, 0);
        buf_deinit(&rest);
        buf_deinit(&line);
        proxy_world_close(&w);
    }
}

Test(proxy, a_page_that_the_daemon_lets_has_both_its_fields_looked_at)
{
    static const struct {
        const char *rest;
        int questions;
        const char *last; /* what the daemon says to the last of them */
        const char *status;
    } cases[] = {
        { "Referer: http://page/x\r\n\r\n", 1, "http://page", "HTTP/1.1 200 " },
        { "Origin: http://page\r\nReferer: http://page/x\r\n\r\n", 1, "*", "HTTP/1.1 200 " },
        { "Origin: http://page\r\nReferer: http://other/x\r\n\r\n", 2, "*", "HTTP/1.1 200 " },
        { "Origin: http://page\r\nReferer: http://other/x\r\n\r\n", 2, NULL, "HTTP/1.1 403 " },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { .talk.put_fields = proxy_put_fields };
        proxy_world_open(&w);
        proxy_world_ask(&w, "GET /api/v0/pin/ls", cases[i].rest);
        for (int n = 1; n <= cases[i].questions; n++) {
            proxy_world_wait_for_daemon(&w);
            daemon_answers(&w, n == cases[i].questions ? cases[i].last : "*");
        }
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, cases[i].status), "%s: %s", cases[i].rest, text);
        cr_assert_eq(w.requests_count, cases[i].questions);
        proxy_world_close(&w);
    }
}

static const char *answer_to(struct proxy_world *w, const char *line, const char *rest)
{
    proxy_world_ask(w, line, rest);
    return proxy_world_answered(w);
}

/* Nobody is asked about a page that does not say which it is. */
Test(proxy, a_page_that_hides_is_refused)
{
    static const char agent[] = "User-Agent: Mozilla/5.0 (X11) Firefox/10.0\r\n\r\n";
    static const struct {
        const char *line, *rest;
    } cases[] = {
        { "POST /api/v0/pin/rm", "Sec-Fetch-Site: cross-site\r\n\r\n" },
        { "GET /api/v0/pin/ls", "Sec-Fetch-Site: same-site\r\n\r\n" },
        { "POST /api/v0/add", "Sec-Fetch-Site: cross-site\r\nUser-Agent: curl\r\n\r\n" },
        { "POST /api/v0/shutdown", "Sec-Fetch-Site: cross-site\r\n\r\n" },
        { "GET /webui", "Sec-Fetch-Site: same-site\r\n\r\n" },
        { "POST /api/v0/pin/rm", agent },
        { "GET /api/v0/pin/rm", agent },
        { "POST /api/v0/pin/rm", "Referer: about:blank\r\n\r\n" },
        { "POST /api/v0/pin/rm", "Referer: http://\r\n\r\n" },
        { "POST /api/v0/pin/rm", "Referer: ://x\r\nOrigin: http://page\r\n\r\n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        const char *text = answer_to(&w, cases[i].line, cases[i].rest);
        cr_assert(text_holds(text, "HTTP/1.1 403 ") && text_holds(text, "403 - Forbidden\n"),
                  "%s %s: %s", cases[i].line, cases[i].rest, text);
        cr_assert_eq(w.requests_count, 0);
        cr_assert_eq(w.writes.len, 0);
        proxy_world_close(&w);
    }
}

Test(proxy, a_program_is_never_refused_as_a_page)
{
    static const char *const rests[] = {
        "",
        "User-Agent: curl/8.0\r\n\r\n",
        "User-Agent: Mozilla/5.0 Chrome/83 Electron/9.0.4\r\n\r\n",
        "Origin:\r\nReferer: \r\n\r\n",
        "Sec-Fetch-Site: none\r\n\r\n",
        "Sec-Fetch-Site: same-origin\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        struct proxy_world w = { 0 };
        proxy_world_open(&w);
        const char *text = answer_to(&w, "GET /api/v0/pin/ls", rests[i]);
        cr_assert(text_holds(text, "HTTP/1.1 200 "), "%s: %s", rests[i], text);
        cr_assert_eq(w.requests_count, 0);
        proxy_world_close(&w);
    }
}

Test(proxy, a_page_leaves_while_the_daemon_is_asked)
{
    struct proxy_world w = { 0 };
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "Origin: http://page\r\n\r\n");
    proxy_world_wait_for_daemon(&w);
    http_conn_on_eof(w.talk.conn);
    proxy_world_turn_some(&w);
    cr_assert_eq(w.aborts_count, 1);
    proxy_world_close(&w);
}
