#include <criterion/criterion.h>
#include <string.h>

#include "sim/world/http_client.h"
#include "util/err.h"

TestSuite(sim_http_client, .timeout = 60);

/* A daemon that does what the test says. */
static struct {
    bool accepts;
    struct http_exchange *x;
    struct buf body;
    bool body_ended;
    bool aborted;
    unsigned drains;
    size_t takes_max; /* of one piece; 0: all */
} server;

/* A client that notes everything. */
static struct {
    int status;
    struct buf body;
    struct buf trailer;
    unsigned drains;
    unsigned dones;
    int err;
    bool pauses; /* at the first piece */
    bool cancels;
} client;

static struct sim sim;
static struct sim_http http;
static struct http_client port;
static struct http_call call;

static bool accepts(void *owner)
{
    (void)owner;
    return server.accepts;
}

static size_t on_server_body(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)x;
    size_t takes = server.takes_max > 0 && server.takes_max < len ? server.takes_max : len;
    buf_append(&server.body, bytes, takes);
    return takes;
}

static void on_server_body_end(struct http_exchange *x)
{
    (void)x;
    server.body_ended = true;
}

static void on_server_drain(struct http_exchange *x)
{
    (void)x;
    server.drains += 1;
}

static void on_server_abort(struct http_exchange *x)
{
    (void)x;
    server.aborted = true;
    server.x = NULL;
}

static void on_request(void *owner, struct http_exchange *x)
{
    (void)owner;
    server.x = x;
    x->on_body = on_server_body;
    x->on_body_end = on_server_body_end;
    x->on_drain = on_server_drain;
    x->on_abort = on_server_abort;
}

static void on_head(struct http_call *c, int status, const struct http_field *fields, size_t count)
{
    (void)c;
    client.status = status;
    for (size_t i = 0; i < count; i++)
        buf_append(&client.trailer, fields[i].value.data, fields[i].value.len);
}

static void on_body(struct http_call *c, const void *bytes, size_t len)
{
    buf_append(&client.body, bytes, len);
    if (client.pauses)
        http_client_pause(&port, c);
    if (client.cancels)
        http_client_cancel(&port, c);
}

static void on_trailer(struct http_call *c, const struct http_field *fields, size_t count)
{
    (void)c;
    for (size_t i = 0; i < count; i++)
        buf_append(&client.trailer, fields[i].value.data, fields[i].value.len);
}

static void on_drain(struct http_call *c)
{
    (void)c;
    client.drains += 1;
}

static void done(struct http_call *c, int err)
{
    (void)c;
    client.dones += 1;
    client.err = err;
}

static void pass(uint64_t us)
{
    sim_run(&sim, sim.now_us + us);
}

static void begin(void)
{
    memset(&server, 0, sizeof(server));
    memset(&client, 0, sizeof(client));
    server.accepts = true;
    sim_init(&sim, 1, NULL, 0);
    struct sim_http_options options;
    sim_http_options_default(&options);
    options.window_bytes = 1000;
    sim_http_init(&http, &sim, 1, &options, &(struct sim_http_server){ accepts, on_request, NULL });
    port = sim_http_port(&http);
    call = (struct http_call){ .method = "POST",
                               .target = "/api/v0/pin/ls?type=recursive",
                               .on_head = on_head,
                               .on_body = on_body,
                               .on_trailer = on_trailer,
                               .on_drain = on_drain,
                               .done = done };
}

static void end(void)
{
    sim_http_deinit(&http);
    buf_deinit(&server.body);
    buf_deinit(&client.body);
    buf_deinit(&client.trailer);
    struct event left;
    cr_assert_not(event_queue_first(&sim.queue, &left));
    sim_deinit(&sim);
}

static void answer(const char *text)
{
    http_reply_write(server.x, text, strlen(text));
}

Test(sim_http_client, a_whole_exchange)
{
    begin();
    call.body = (struct bytes){ "question", 8 };
    cr_assert_eq(http_client_start(&port, &call), OK);
    cr_assert_null(server.x);
    pass(10000);
    cr_assert_str_eq(server.x->request.path, "/api/v0/pin/ls");
    cr_assert_str_eq(server.x->request.query, "type=recursive");
    cr_assert(server.body_ended);
    cr_assert_str_eq(buf_text(&server.body), "question");
    struct http_field type = HTTP_FIELD("Content-Type", "a/b;");
    struct http_field trailer = HTTP_FIELD("X-Stream-Error", "bad");
    http_reply_begin(server.x, 200, &type, 1, -1);
    answer("one ");
    answer("two");
    http_reply_end(server.x, &trailer, 1);
    cr_assert_eq(client.status, 0);
    pass(10000);
    cr_assert_eq(client.status, 200);
    cr_assert_str_eq(buf_text(&client.body), "one two");
    cr_assert_str_eq(buf_text(&client.trailer), "a/b;bad");
    cr_assert(client.dones == 1 && client.err == OK);
    end();
}

Test(sim_http_client, refused_broken_and_silent)
{
    begin();
    server.accepts = false;
    http_client_start(&port, &call);
    pass(10000);
    cr_assert(client.dones == 1 && client.err == ERR_UNREACHABLE);

    server.accepts = true;
    http_client_start(&port, &call);
    pass(10000);
    http_reply_begin(server.x, 200, NULL, 0, -1);
    answer("half");
    http_reply_kill(server.x);
    pass(10000);
    cr_assert(client.dones == 2 && client.err == ERR_CLOSED);
    cr_assert_str_eq(buf_text(&client.body), "half");

    call.head_timeout_us = 50000;
    http_client_start(&port, &call);
    pass(100000);
    cr_assert(client.dones == 3 && client.err == ERR_TIMEOUT);
    cr_assert(server.aborted);
    end();
}

Test(sim_http_client, cancel_ends_both_ends)
{
    begin();
    client.cancels = true;
    http_client_start(&port, &call);
    pass(10000);
    http_reply_begin(server.x, 200, NULL, 0, -1);
    answer("one");
    answer("two");
    pass(10000);
    cr_assert_str_eq(buf_text(&client.body), "one", "no hook between cancel and done");
    cr_assert(client.dones == 1 && client.err == ERR_CANCELED);
    cr_assert(server.aborted);
    end();
}

Test(sim_http_client, pause_pushes_back_until_resume)
{
    begin();
    client.pauses = true;
    http_client_start(&port, &call);
    pass(10000);
    http_reply_begin(server.x, 200, NULL, 0, -1);
    char piece[400];
    memset(piece, 'x', sizeof(piece));
    cr_assert(http_reply_write(server.x, piece, sizeof(piece)));
    pass(10000);
    cr_assert_eq(client.body.len, 400);
    cr_assert(http_reply_write(server.x, piece, sizeof(piece)));
    cr_assert(http_reply_write(server.x, piece, sizeof(piece)));
    cr_assert_not(http_reply_write(server.x, piece, sizeof(piece)));
    pass(100000);
    cr_assert_eq(client.body.len, 400);
    client.pauses = false;
    http_client_resume(&port, &call);
    pass(100000);
    cr_assert_eq(client.body.len, 1600);
    cr_assert_eq(server.drains, 1);
    http_reply_end(server.x, NULL, 0);
    pass(10000);
    cr_assert(client.dones == 1 && client.err == OK);
    end();
}

Test(sim_http_client, an_upload_waits_for_its_reader)
{
    begin();
    call.streams_body = true;
    call.body_len = -1;
    server.takes_max = 300;
    http_client_start(&port, &call);
    char piece[800];
    memset(piece, 'y', sizeof(piece));
    cr_assert_eq(http_client_write(&port, &call, piece, 800), 800);
    cr_assert_eq(http_client_write(&port, &call, piece, 800), 200);
    pass(10000);
    cr_assert_eq(server.body.len, 300);
    cr_assert_eq(client.drains, 0);
    server.takes_max = 0;
    http_exchange_resume(server.x);
    pass(10000);
    cr_assert_eq(server.body.len, 1000);
    cr_assert_eq(client.drains, 1);
    http_client_end(&port, &call);
    pass(10000);
    cr_assert(server.body_ended);
    http_reply_begin(server.x, 200, NULL, 0, 0);
    http_reply_end(server.x, NULL, 0);
    pass(10000);
    cr_assert(client.dones == 1 && client.err == OK);
    end();
}

Test(sim_http_client, an_early_answer_swallows_the_rest_of_the_upload)
{
    begin();
    call.streams_body = true;
    call.body_len = -1;
    http_client_start(&port, &call);
    http_client_write(&port, &call, "abc", 3);
    pass(10000);
    http_reply_begin(server.x, 400, NULL, 0, 0);
    http_reply_end(server.x, NULL, 0);
    cr_assert_eq(http_client_write(&port, &call, "more", 4), 4);
    pass(10000);
    cr_assert(client.dones == 1 && client.err == OK && client.status == 400);
    end();
}

Test(sim_http_client, a_dead_peer_hears_nothing_and_the_daemon_sees_it_go)
{
    begin();
    http_client_start(&port, &call);
    pass(10000);
    http_reply_begin(server.x, 200, NULL, 0, -1);
    answer("one");
    sim_http_client_died(&http);
    answer("two");
    pass(10000);
    cr_assert_eq(client.dones, 0);
    cr_assert(server.aborted);

    /* One that had just ended its answer, and one that was not connected yet. */
    http_client_start(&port, &call);
    pass(10000);
    http_reply_begin(server.x, 200, NULL, 0, -1);
    struct http_call second = call;
    http_client_start(&port, &second);
    http_reply_end(server.x, NULL, 0);
    sim_http_client_died(&http);
    pass(10000);
    cr_assert_eq(client.dones, 0);
    cr_assert(list_is_empty(&http.calls));
    end();
}

Test(sim_http_client, too_many_calls_are_refused_at_once)
{
    begin();
    http.options.calls_max = 1;
    struct http_call second = call;
    cr_assert_eq(http_client_start(&port, &call), OK);
    cr_assert_eq(http_client_start(&port, &second), ERR_BUSY);
    end();
}
