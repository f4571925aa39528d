/* POST /add: what is asked for, what is refused, and how the answer comes. The peer is the test's. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(api_add, .timeout = 60);

struct world {
    struct http_talk talk;
    struct api *api;
    struct api_add *add; /* under way */
    int opens_count;
    int refusal; /* of the next one, at once */
    struct buf body;
    size_t room;
    bool has_end;
    int resumes_count;
    int closes_count;
    struct peer_id holder;
};

static int world_add_open(void *impl, struct api_add *add, struct buf *why)
{
    struct world *w = impl;
    w->opens_count += 1;
    if (w->refusal != OK) {
        buf_append_text(why, "not now");
        return w->refusal;
    }
    w->add = add;
    return OK;
}

static size_t world_add_write(void *impl, struct api_add *add, const void *bytes, size_t len)
{
    struct world *w = impl;
    cr_assert_eq(add, w->add);
    size_t took = len < w->room ? len : w->room;
    w->room -= took;
    buf_append(&w->body, bytes, took);
    return took;
}

static void world_add_end(void *impl, struct api_add *add)
{
    (void)add;
    ((struct world *)impl)->has_end = true;
}

static void world_add_resume(void *impl, struct api_add *add)
{
    (void)add;
    ((struct world *)impl)->resumes_count += 1;
}

static void world_add_close(void *impl, struct api_add *add)
{
    struct world *w = impl;
    cr_assert_eq(add, w->add);
    w->add = NULL;
    w->closes_count += 1;
}

static int64_t world_wall_us(void *impl)
{
    (void)impl;
    return 0;
}

static const struct api_ops world_ops = { .wall_us = world_wall_us,
                                          .add_open = world_add_open,
                                          .add_write = world_add_write,
                                          .add_end = world_add_end,
                                          .add_resume = world_add_resume,
                                          .add_close = world_add_close };

static void world_request(void *owner, struct http_exchange *x)
{
    api_on_request(((struct world *)owner)->api, x);
}

static void begin(struct world *w)
{
    *w = (struct world){ .talk = { .on_request = world_request, .owner = w },
                         .room = SIZE_MAX,
                         .holder = test_peer(1) };
    cr_assert_eq(api_create(&w->api, &world_ops, w), OK);
    http_talk_open(&w->talk, 65536);
}

static void end(struct world *w)
{
    http_talk_close(&w->talk);
    api_destroy(w->api);
    buf_deinit(&w->body);
}

#define BODY "--xx\r\n\r\nhello\r\n--xx--\r\n"

static const char *ask(struct world *w, const char *query)
{
    static char request[1024];
    snprintf(
        request, sizeof(request),
        "POST /add?%s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=xx\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        query, strlen(BODY), BODY);
    return http_talk_ask(&w->talk, request);
}

/* All output until now. */
static const char *answered(struct world *w)
{
    http_talk_send(&w->talk, SIZE_MAX);
    return buf_text(&w->talk.sent);
}

static void start(struct world *w)
{
    w->add->is_started = true;
    w->add->allocations = &w->holder;
    w->add->allocations_count = 1;
}

static bool say_row(struct world *w, const char *name, uint32_t cid)
{
    struct api_added row = { .name = { name, strlen(name) },
                             .bytes = cid == 0 ? 5 : 0,
                             .size = cid == 0 ? 0 : 13 };
    if (cid != 0)
        row.cid = test_cid(cid);
    return w->add->on_row(w->add, &row);
}

static void say_done(struct world *w, int err, const char *why)
{
    struct api_add *add = w->add;
    w->add = NULL;
    add->done(add, err, why);
}

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- the query ---- */

static const struct {
    const char *query;
    const char *message;
} refused[] = {
    { "layout=x", "layout parameter is invalid" },
    { "format=zip", "format parameter is invalid" },
    { "cid-version=2", "parameter cid-version invalid" },
    { "cid-version=x", "parameter cid-version invalid" },
    { "raw-leaves=yes", "parameter raw-leaves invalid" },
    { "progress=2", "parameter progress invalid" },
    { "local=tRUE", "parameter local invalid" },
    { "no-pin=on", "parameter no-pin invalid" },
    { "wrap-with-directory=y", "parameter wrap-with-directory invalid" },
    { "stream-channels=no", "parameter stream-channels invalid" },
    { "hidden=x", "parameter hidden invalid" },
    { "shard=maybe", "parameter shard invalid" },
    { "shard=true", "shard=true: content is not split into shards here; leave it out" },
    { "nocopy=1",
      "nocopy=true: the IPFS daemons do not share files with the client; leave it out" },
    { "format=car&wrap-with-directory=true", "cannot wrap a CAR file upload" },
    { "replication-min=x", "parameter replication-min invalid" },
    { "expire-in=1ms", "expire-in duration too short" },
    { "pin-update=x", "error decoding update option parameter: x" },
};

Test(api_add, what_is_wrong_is_said_before_anything_is_done)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct world w;
        begin(&w);
        const char *answer = ask(&w, refused[i].query);
        cr_assert(holds(answer, "HTTP/1.1 400 "), "%s: %s", refused[i].query, answer);
        cr_assert(holds(answer, refused[i].message), "%s: %s", refused[i].query, answer);
        cr_assert_eq(w.opens_count, 0);
        end(&w);
    }
}

Test(api_add, it_has_to_be_multipart)
{
    struct world w;
    begin(&w);
    const char *answer =
        http_talk_ask(&w.talk, "POST /add HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    cr_assert(holds(answer, "HTTP/1.1 400 "));
    cr_assert(holds(answer, "request Content-Type isn't multipart/form-data"));
    end(&w);
}

Test(api_add, what_is_not_said_is_as_in_v1)
{
    struct world w;
    begin(&w);
    ask(&w, "");
    const struct api_add *a = w.add;
    cr_assert_not(a->is_car || a->is_trickle || a->has_raw_leaves || a->wraps || a->has_progress ||
                  a->is_local || a->is_not_pinned);
    cr_assert_eq(a->cid_version, 0);
    cr_assert_str_eq(a->chunker, "size-262144");
    cr_assert_str_eq(a->hash, "sha2-256");
    cr_assert_str_eq(a->boundary, "xx");
    cr_assert_eq(a->pin.max_depth, PIN_DEPTH_RECURSIVE);
    cr_assert_str_eq(buf_text(&w.body), BODY);
    cr_assert(w.has_end);
    end(&w);
}

Test(api_add, everything_that_is_said_is_heard)
{
    struct world w;
    begin(&w);
    ask(&w, "layout=trickle&chunker=rabin-1-2-3&cid-version=1&raw-leaves=false&progress=T&local=1"
            "&no-pin=True&wrap-with-directory=TRUE&name=n&replication=3&mode=direct&meta-k=v"
            "&pin-update=QmckNAcWX3uq4Mx8rSCsHvYyBuEwjPWkSBJ9NkJq1GEhma");
    const struct api_add *a = w.add;
    cr_assert(a->is_trickle && !a->has_raw_leaves && a->wraps && a->has_progress && a->is_local &&
              a->is_not_pinned);
    cr_assert_eq(a->cid_version, 1);
    cr_assert_str_eq(a->chunker, "rabin-1-2-3");
    cr_assert(bytes_equal(a->pin.name, (struct bytes){ "n", 1 }));
    cr_assert(a->pin.replication_min == 3 && a->pin.replication_max == 3);
    cr_assert(a->pin.max_depth == PIN_DEPTH_RECURSIVE && cid_is_undefined(&a->pin.update_of));
    cr_assert_eq(a->pin.metadata_count, 1);
    end(&w);
}

/* Leaves are raw from version 1 on, and another hash needs it. */
Test(api_add, versions_of_cids)
{
    static const struct {
        const char *query;
        int version;
        bool raw;
    } rows[] = { { "cid-version=1", 1, true },
                 { "hash=sha2-512", 1, true },
                 { "hash=sha2-512&raw-leaves=false", 1, false },
                 { "hash=sha2-512&cid-version=0", 0, false },
                 { "raw-leaves=true", 0, true },
                 { "format=car", 0, false } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        begin(&w);
        ask(&w, rows[i].query);
        cr_assert_eq(w.add->cid_version, rows[i].version, "%s", rows[i].query);
        cr_assert_eq(w.add->has_raw_leaves, rows[i].raw, "%s", rows[i].query);
        end(&w);
    }
}

/* ---- the answer ---- */

Test(api_add, a_stream_of_rows)
{
    struct world w;
    begin(&w);
    ask(&w, "progress=true");
    start(&w);
    cr_assert(say_row(&w, "f", 0));
    cr_assert(say_row(&w, "f", 1));
    say_done(&w, OK, "");
    const char *answer = answered(&w);
    char row[512];
    struct cid cid = test_cid(1);
    snprintf(row, sizeof(row),
             "{\"name\":\"f\",\"cid\":\"%s\",\"size\":13,\"allocations\":[\"%s\"]}\n",
             cid_print(&cid).text, peer_id_print(&w.holder).text);
    cr_assert(holds(answer, "HTTP/1.1 200 OK"));
    cr_assert(holds(answer, "Content-Type: application/json\r\n"));
    cr_assert(holds(answer, "X-Chunked-Output: 1\r\n"));
    cr_assert(holds(answer, "Cache-Control: no-cache\r\n"));
    cr_assert(holds(answer, "Trailer: X-Stream-Error\r\n"));
    cr_assert(holds(answer, "{\"name\":\"f\",\"cid\":null,\"bytes\":5}\n"));
    cr_assert(holds(answer, row), "%s", answer);
    cr_assert_not(holds(answer, "X-Stream-Error: "));
    end(&w);
}

Test(api_add, a_failure_in_the_middle_is_a_trailer)
{
    struct world w;
    begin(&w);
    ask(&w, "");
    start(&w);
    cr_assert(say_row(&w, "f", 1));
    say_done(&w, ERR_REFUSED, "no space left");
    cr_assert(holds(answered(&w), "HTTP/1.1 200 OK"));
    cr_assert(holds(answered(&w), "\r\nX-Stream-Error: no space left\r\n"));
    end(&w);
}

Test(api_add, a_failure_before_anybody_got_a_byte_has_a_status)
{
    struct world w;
    begin(&w);
    w.refusal = ERR_NO_LEADER;
    cr_assert(holds(ask(&w, ""), "HTTP/1.1 503 "));
    cr_assert(holds(answered(&w), "not now"));
    end(&w);
    begin(&w);
    ask(&w, "");
    say_done(&w, ERR_NOT_ENOUGH_PEERS, "three are needed");
    cr_assert(holds(answered(&w), "HTTP/1.1 503 "));
    cr_assert(holds(answered(&w), "three are needed"));
    end(&w);
}

Test(api_add, an_array_is_an_array_or_an_error)
{
    struct world w;
    begin(&w);
    ask(&w, "stream-channels=false");
    start(&w);
    say_row(&w, "a", 1);
    say_row(&w, "b", 2);
    cr_assert_eq(strlen(answered(&w)), 0);
    say_done(&w, OK, "");
    cr_assert(holds(answered(&w), "\r\n\r\n[{\"name\":\"a\""));
    cr_assert(holds(answered(&w), "},{\"name\":\"b\""));
    cr_assert(holds(answered(&w), "}]\n"));
    end(&w);
    begin(&w);
    ask(&w, "stream-channels=false");
    start(&w);
    say_row(&w, "a", 1);
    say_done(&w, ERR_REFUSED, "no space left");
    cr_assert(holds(answered(&w), "HTTP/1.1 500 "));
    cr_assert(holds(answered(&w), "{\"code\":500,\"message\":\"no space left\"}\n"));
    end(&w);
}

/* ---- each side waits for the other ---- */

Test(api_add, the_client_waits_for_the_daemons)
{
    struct world w;
    begin(&w);
    w.room = 10;
    ask(&w, "");
    cr_assert_eq(w.body.len, 10);
    cr_assert_not(w.has_end);
    w.room = SIZE_MAX;
    w.add->on_room(w.add);
    http_talk_receive(&w.talk, "");
    cr_assert_str_eq(buf_text(&w.body), BODY);
    cr_assert(w.has_end);
    end(&w);
}

Test(api_add, the_daemons_wait_for_the_client)
{
    struct world w;
    char name[10000];
    begin(&w);
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ask(&w, "");
    start(&w);
    int rows_count = 0;
    while (say_row(&w, name, 1))
        cr_assert_lt(++rows_count, 100);
    cr_assert_eq(w.resumes_count, 0);
    http_talk_send(&w.talk, SIZE_MAX);
    cr_assert_eq(w.resumes_count, 1);
    cr_assert(say_row(&w, "f", 1));
    end(&w);
}

Test(api_add, a_client_that_leaves_breaks_it_off)
{
    struct world w;
    begin(&w);
    ask(&w, "");
    start(&w);
    say_row(&w, "f", 1);
    http_conn_on_eof(w.talk.conn);
    cr_assert_eq(w.closes_count, 1);
    end(&w);
    cr_assert_eq(w.closes_count, 1);
}
