/* Every command that the proxy does not simply pass on, for what it refuses, and in which words: the product's own table is
 * walked over, and a command without a row here fails. What was refused has reached neither the cluster nor the daemon. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/wire/reply.h"
#include "tests/lib/proxy_world.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(proxy_commands, .timeout = 60);

enum { CALLS_MAX = 4 }; /* of the proxy_world */

#define ARG "invalid path \\\""

/* `behind` follows "/api/v0/COMMAND"; a %s in it is a CID that is not pinned. */
static const struct {
    const char *command;
    const char *behind;
    int status;
    const char *words;
    int refusal;  /* of the cluster, if it is asked */
    bool is_full; /* as many requests as there may be are with the daemon */
} rows[] = {
    { "pin/add", "", 500, "Error parsing IPFS Path: " ARG "\\\": ", OK, false },
    { "pin/add", "?arg=x", 500, "Error parsing IPFS Path: " ARG "x\\\": ", OK, false },
    { "pin/add", "/x", 500, "Error parsing IPFS Path: " ARG "x\\\": ", OK, false },
    { "pin/add", "?arg=/x/%s", 500, "Error parsing IPFS Path: " ARG "/x/", OK, false },
    { "pin/add", "?arg=%%zz", 500, "Error parsing IPFS Path: ", OK, false },
    { "pin/add", "?arg=%s", 500, "not today", ERR_NO_LEADER, false },
    { "pin/add", "?arg=/ipfs/%s/a", 503, "too much is under way", OK, true },
    { "pin/rm", "", 500, "Error parsing IPFS Path: " ARG "\\\": ", OK, false },
    { "pin/rm", "?arg=x", 500, "Error parsing IPFS Path: " ARG "x\\\": ", OK, false },
    { "pin/rm", "?arg=%s", 500, "not pinned or pinned indirectly", OK, false },
    { "pin/rm", "?arg=%s", 500, "not today", ERR_BUSY, false },
    { "pin/update", "", 400, "argument \\\"from-path\\\" is required", OK, false },
    { "pin/update", "?arg=%s", 400, "argument \\\"to-path\\\" is required", OK, false },
    { "pin/update", "?arg=x&arg=%s", 500, "error parsing \\\"from-path\\\" argument: " ARG "x\\\"",
      OK, false },
    { "pin/update", "?arg=%s&arg=x", 500, "error parsing \\\"to-path\\\" argument: " ARG "x\\\"",
      OK, false },
    { "pin/ls", "?arg=x", 500, "invalid cid: x", OK, false },
    { "pin/ls", "?arg=/ipns/%s", 500, "invalid cid: /ipns/", OK, false },
    { "pin/ls", "?arg=%s", 500, "path '", OK, false },
    { "pin/ls", "?arg=%s&stream=true", 500, "path '", OK, false },
    { "pin/ls", "?name=%%zz", 500, "invalid name: it is no text", OK, false },
    { "pin/ls", "?t=x", 500, "invalid type 'x', must be one of {direct, ", OK, false },
    { "pin/ls", "?type=x", 500, "invalid type 'x', must be one of {direct, ", OK, false },
    { "add", "", 503, "too much is under way", OK, true },
    { "add", "?layout=x", 500, "error parsing options:layout parameter is invalid", OK, false },
    { "add", "?format=x", 500, "error parsing options:format parameter is invalid", OK, false },
    { "add", "?format=car", 500, "error parsing options:a CAR goes to /api/v0/dag/import", OK,
      false },
    { "add", "?replication=x", 500, "error parsing options:parameter replication invalid", OK,
      false },
    { "add", "?expire-in=1ms", 500, "error parsing options:expire-in duration too short", OK,
      false },
    { "add", "?only-hash=true", 503, "too much is under way", OK, true },
    { "block/put", "?pin=true", 503, "too much is under way", OK, true },
    { "dag/put", "?pin=true", 503, "too much is under way", OK, true },
    { "repo/gc", "", 503, "too much is under way", OK, false },
};
enum { ROWS_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* Asked about what is known here already, with nothing to get wrong. */
static bool takes_anything(const char *command)
{
    return strcmp(command, "repo/stat") == 0;
}

/* Requests of others, on connections of their own, that the daemon does not answer. */
static void others_begin(struct proxy_world *w, struct http_talk others[CALLS_MAX])
{
    for (int i = 0; i < CALLS_MAX; i++) {
        others[i] = (struct http_talk){ .on_request = proxy_on_request, .owner = w->proxy };
        http_talk_open(&others[i], WINDOW_BYTES);
        http_talk_receive(&others[i], "POST /api/v0/id HTTP/1.1\r\nHost: h\r\n\r\n");
    }
}

static void others_end(struct proxy_world *w, struct http_talk others[CALLS_MAX])
{
    for (int i = 0; i < CALLS_MAX; i++)
        http_talk_close(&others[i]);
    proxy_world_turn_some(w);
}

static void check_row(size_t i)
{
    struct proxy_world w = { .refusal = rows[i].refusal };
    struct http_talk others[CALLS_MAX];
    char line[256];
    char begin[256];
    proxy_world_open(&w);
    if (rows[i].is_full)
        others_begin(&w, others);
    int asked_before = w.requests_count;
    snprintf(line, sizeof(line), "POST /api/v0/%s%s", rows[i].command, rows[i].behind);
    proxy_world_ask_for(&w, line, 1, 0);
    const char *text = proxy_world_answered(&w);
    int status = 0;
    cr_assert_eq(sscanf(text, "HTTP/1.1 %d ", &status), 1, "%s: %s", line, text);
    cr_assert_eq(status, rows[i].status, "%s: %s", line, text);
    snprintf(begin, sizeof(begin), "\r\n\r\n{\"Message\":\"%s", rows[i].words);
    cr_assert(text_holds(text, begin), "%s: not '%s': %s", line, rows[i].words, text);
    cr_assert(text_holds(text, "\",\"Code\":0,\"Type\":\"error\"}"), "%s: %s", line, text);
    cr_assert_eq(w.writes.len, 0, "%s", line);
    if (rows[i].is_full)
        others_end(&w, others);
    else
        cr_assert_eq(w.requests_count, asked_before, "%s: the daemon was asked", line);
    proxy_world_close(&w);
}

Test(proxy_commands, each_one_says_what_it_refuses)
{
    for (size_t i = 0; i < proxy_command_count(); i++) {
        size_t count = 0;
        for (size_t k = 0; k < ROWS_COUNT; k++)
            count += strcmp(rows[k].command, proxy_command_at(i)) == 0;
        cr_assert_eq(count == 0, takes_anything(proxy_command_at(i)), "%s: what does it refuse?",
                     proxy_command_at(i));
    }
    for (size_t i = 0; i < ROWS_COUNT; i++)
        check_row(i);
}

/* OPTIONS, HEAD, DELETE and the rest are the daemon's to answer, and so is what only looks like a command. */
Test(proxy_commands, other_methods_and_other_paths_are_the_daemons)
{
    static const char *const methods[] = { "OPTIONS", "HEAD", "DELETE", "PATCH" };
    for (size_t i = 0; i < proxy_command_count(); i++) {
        for (size_t k = 0; k <= sizeof(methods) / sizeof(methods[0]); k++) {
            struct proxy_world w = { 0 };
            char line[256];
            bool is_method = k < sizeof(methods) / sizeof(methods[0]);
            snprintf(line, sizeof(line), "%s /api/v0/%s%s", is_method ? methods[k] : "POST",
                     proxy_command_at(i), is_method ? "" : "x");
            proxy_world_open(&w);
            proxy_world_ask(&w, line, "");
            proxy_world_wait_for_daemon(&w);
            cr_assert(text_holds(buf_text(&w.heard), line), "%s: %s", line, buf_text(&w.heard));
            proxy_world_close(&w);
        }
    }
}

/* What is answered here is answered only to pages that the daemon trusts; the rest it judges itself. */
Test(proxy_commands, a_page_that_the_daemon_does_not_trust)
{
    static const char *const passed_on[] = { "add", "block/put", "dag/put" };
    for (size_t i = 0; i < proxy_command_count(); i++) {
        struct proxy_world w = { 0 };
        char line[256];
        bool is_passed_on = false;
        for (size_t k = 0; k < sizeof(passed_on) / sizeof(passed_on[0]); k++)
            is_passed_on |= strcmp(passed_on[k], proxy_command_at(i)) == 0;
        proxy_world_open(&w);
        snprintf(line, sizeof(line), "POST /api/v0/%s", proxy_command_at(i));
        proxy_world_ask(&w, line, "Origin: http://evil\r\n\r\n");
        proxy_world_wait_for_daemon(&w);
        cr_assert(text_holds(buf_text(&w.heard), "Origin=http://evil\n"), "%s", line);
        cr_assert(text_holds(buf_text(&w.heard), is_passed_on ? "POST" : "OPTIONS"), "%s", line);
        http_reply_begin(w.x, 403, NULL, 0, 0);
        proxy_daemon_end(&w, NULL);
        cr_assert(text_holds(proxy_world_answered(&w), "HTTP/1.1 403 "), "%s", line);
        cr_assert_eq(w.writes.len, 0);
        proxy_world_close(&w);
    }
}

/* A page that hides where it is has not even the daemon asked for it, whatever the command. */
Test(proxy_commands, a_page_of_nobody_knows_where)
{
    static const char *const methods[] = { "POST", "GET", "PUT" };
    for (size_t i = 0; i < proxy_command_count(); i++) {
        for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
            struct proxy_world w = { 0 };
            char line[256];
            proxy_world_open(&w);
            snprintf(line, sizeof(line), "%s /api/v0/%s", methods[k], proxy_command_at(i));
            proxy_world_ask(&w, line, "Sec-Fetch-Site: cross-site\r\n\r\n");
            cr_assert(text_holds(proxy_world_answered(&w), "HTTP/1.1 403 "), "%s", line);
            cr_assert_eq(w.requests_count, 0, "%s", line);
            cr_assert_eq(w.writes.len, 0, "%s", line);
            proxy_world_close(&w);
        }
    }
}
