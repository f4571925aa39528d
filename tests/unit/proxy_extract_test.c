/* Header fields of the daemon's on the proxy's own answers: extract_headers_extra, _path, _ttl. */
#include <criterion/criterion.h>

#include <string.h>

#include "http/wire/reply.h"
#include "tests/lib/proxy_world.h"
#include "util/err.h"

TestSuite(proxy_extract, .timeout = 60);

enum { SECOND_US = 1000 * 1000, TTL_US = 60 * SECOND_US };

static struct proxy_world world_with(const char *name)
{
    return (struct proxy_world){ .talk.put_fields = proxy_put_fields,
                                 .extract_path = "/api/v0/version?x=1",
                                 .extract_name = name,
                                 .extract_ttl_us = TTL_US,
                                 .now_us = 1 };
}

/* The daemon has been asked for its fields, and says them. */
static void daemon_says(struct proxy_world *w, const char *here)
{
    struct http_field fields[] = {
        { { "x-here", 6 }, { here, strlen(here) } },
        { { "X-HERE", 6 }, { "too", 3 } },
        HTTP_FIELD("X-Other", "o"),
        HTTP_FIELD("Content-Type", "text/odd"),
        HTTP_FIELD("Server", "kubo"),
        HTTP_FIELD("Access-Control-Allow-Origin", "*"),
        HTTP_FIELD("Access-Control-Expose-Headers", "X-Here, X-More"),
    };
    proxy_world_wait_for_daemon(w);
    cr_assert(text_holds(buf_text(&w->heard), "POST /api/v0/version?x=1\n"), "%s",
              buf_text(&w->heard));
    http_reply_begin(w->x, 200, fields, sizeof(fields) / sizeof(fields[0]), 2);
    proxy_daemon_write(w, "{}");
    proxy_daemon_end(w, NULL);
    proxy_world_turn_some(w);
}

static void check_answer(struct proxy_world *w, const char *line, const char *holds)
{
    proxy_world_ask(w, line, "");
    const char *text = proxy_world_answered(w);
    cr_assert(text_holds(text, "HTTP/1.1 200 OK\r\n"), "%s", text);
    cr_assert(text_holds(text, holds), "not '%s': %s", holds, text);
}

Test(proxy_extract, the_fields_are_on_each_answer_made_here)
{
    struct proxy_world w = world_with("X-Here");
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    daemon_says(&w, "a");
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "\r\nx-here: a\r\nX-HERE: too\r\n"), "%s", text);
    cr_assert(text_holds(text, "{\"Keys\":{}}"), "%s", text);
    cr_assert_not(text_holds(text, "X-Other") || text_holds(text, "text/odd") ||
                  text_holds(text, "kubo") || text_holds(text, "Access-Control"));
    check_answer(&w, "POST /api/v0/repo/stat", "\r\nx-here: a\r\n");
    cr_assert_eq(w.requests_count, 1);
    proxy_world_close(&w);
}

Test(proxy_extract, they_are_asked_for_again_and_nobody_waits_for_that)
{
    struct proxy_world w = world_with("X-Here");
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    daemon_says(&w, "a");
    proxy_world_answered(&w);
    w.now_us += TTL_US - 1;
    check_answer(&w, "POST /api/v0/pin/ls", "\r\nx-here: a\r\n");
    cr_assert_eq(w.requests_count, 1);
    w.now_us += 1;
    check_answer(&w, "POST /api/v0/pin/ls", "\r\nx-here: a\r\n");
    check_answer(&w, "POST /api/v0/pin/ls", "\r\nx-here: a\r\n");
    cr_assert_eq(w.requests_count, 2, "once, however many come meanwhile");
    daemon_says(&w, "b");
    check_answer(&w, "POST /api/v0/pin/ls", "\r\nx-here: b\r\n");
    proxy_world_close(&w);
}

Test(proxy_extract, without_an_end_they_are_asked_for_once)
{
    struct proxy_world w = world_with("X-Here");
    w.extract_ttl_us = 0;
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    daemon_says(&w, "a");
    proxy_world_answered(&w);
    w.now_us += (uint64_t)365 * 24 * 3600 * SECOND_US;
    check_answer(&w, "POST /api/v0/pin/ls", "\r\nx-here: a\r\n");
    cr_assert_eq(w.requests_count, 1);
    proxy_world_close(&w);
}

Test(proxy_extract, a_daemon_that_does_not_answer_keeps_nobody)
{
    struct proxy_world w = world_with("X-Here");
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    proxy_world_wait_for_daemon(&w);
    http_reply_kill(w.x);
    w.x = NULL;
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "HTTP/1.1 200 OK\r\n"), "%s", text);
    cr_assert_not(text_holds(text, "x-here"));
    w.now_us += SECOND_US;
    check_answer(&w, "POST /api/v0/pin/ls", "{\"Keys\":{}}");
    cr_assert_eq(w.requests_count, 1, "it is left alone for a while");
    w.now_us += 10 * SECOND_US;
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    daemon_says(&w, "a");
    cr_assert(text_holds(proxy_world_answered(&w), "\r\nx-here: a\r\n"));
    proxy_world_close(&w);
}

Test(proxy_extract, all_that_come_first_wait_for_one_answer_and_may_leave)
{
    struct proxy_world w = world_with("X-Here");
    struct http_talk other, leaver;
    proxy_world_open(&w);
    other = leaver = (struct http_talk){ .on_request = proxy_on_request,
                                         .owner = w.proxy,
                                         .put_fields = proxy_put_fields };
    http_talk_open(&other, WINDOW_BYTES);
    http_talk_open(&leaver, WINDOW_BYTES);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
    http_talk_receive(&other, "POST /api/v0/repo/stat HTTP/1.1\r\nHost: h\r\n\r\n");
    http_talk_receive(&leaver, "POST /api/v0/repo/stat HTTP/1.1\r\nHost: h\r\n\r\n");
    http_talk_close(&leaver);
    daemon_says(&w, "a");
    cr_assert(text_holds(proxy_world_answered(&w), "\r\nx-here: a\r\n"));
    http_talk_send(&other, SIZE_MAX);
    cr_assert(text_holds(buf_text(&other.sent), "\r\nx-here: a\r\n"));
    cr_assert_eq(w.requests_count, 1);
    http_talk_close(&other);
    proxy_world_close(&w);
}

Test(proxy_extract, nothing_is_asked_where_nobody_would_see_it)
{
    struct proxy_world w = world_with(NULL);
    proxy_world_open(&w);
    check_answer(&w, "POST /api/v0/pin/ls", "{\"Keys\":{}}");
    cr_assert_eq(w.requests_count, 0);
    proxy_world_close(&w);
}

/* A page sees what the daemon lets it see. */
Test(proxy_extract, a_page_is_told_what_it_may_see)
{
    struct proxy_world w = world_with(NULL);
    struct http_field allow = HTTP_FIELD("Access-Control-Allow-Origin", "http://page");
    proxy_world_open(&w);
    proxy_world_ask(&w, "POST /api/v0/pin/ls", "Origin: http://page\r\n\r\n");
    daemon_says(&w, "a");
    proxy_world_wait_for_daemon(&w);
    cr_assert(text_holds(buf_text(&w.heard), "OPTIONS /api/v0/pin/ls\n"));
    http_reply_begin(w.x, 204, &allow, 1, 0);
    proxy_daemon_end(&w, NULL);
    const char *text = proxy_world_answered(&w);
    cr_assert(text_holds(text, "\r\nAccess-Control-Expose-Headers: X-Here, X-More\r\n"), "%s",
              text);
    cr_assert(text_holds(text, "\r\nAccess-Control-Allow-Origin: http://page\r\n"), "%s", text);
    proxy_world_close(&w);
}

/* What an answer says of itself is not the daemon's to say. */
Test(proxy_extract, what_would_contradict_the_answer_is_not_taken)
{
    static const char *const names[] = { "content-type", "Server", "Access-Control-Allow-Origin" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct proxy_world w = world_with(names[i]);
        proxy_world_open(&w);
        proxy_world_ask(&w, "POST /api/v0/pin/ls", "");
        daemon_says(&w, "a");
        const char *text = proxy_world_answered(&w);
        cr_assert(text_holds(text, "Server: ipfs-cluster/ipfsproxy/1.1.6\r\n"), "%s", text);
        cr_assert_not(text_holds(text, "text/odd") || text_holds(text, "kubo") ||
                          text_holds(text, "Access-Control"),
                      "%s", text);
        proxy_world_close(&w);
    }
}
