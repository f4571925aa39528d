/* The contract of port/http_client.h, held to every implementation. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/http_caller.h"
#include "util/err.h"

TestSuite(http_client_real, .timeout = 60);
TestSuite(http_client_simulated, .timeout = 60);

/* ---- the fixtures, and each test on each of them ---- */

static void on_fixture(const struct http_fixture_ops *ops, void (*test)(struct http_fixture *))
{
    struct http_fixture fx = { .ops = ops, .on_request = daemon_on_request };
    ops->create(&fx);
    test(&fx);
    ops->destroy(&fx);
    buf_deinit(&daemon_.body);
}

#define CONTRACT(name)                                                                             \
    static void name(struct http_fixture *fx);                                                     \
    Test(http_client_real, name)                                                                   \
    {                                                                                              \
        on_fixture(&http_fixture_real, name);                                                      \
    }                                                                                              \
    Test(http_client_simulated, name)                                                              \
    {                                                                                              \
        on_fixture(&http_fixture_simulated, name);                                                 \
    }                                                                                              \
    static void name(struct http_fixture *fx)

/* ---- whole exchanges ---- */

CONTRACT(a_whole_exchange)
{
    struct http_field asked = HTTP_FIELD("X-Asked", "yes; no");
    struct caller c;
    caller_init(&c, fx, "POST", "/whole?arg=%2F..%20&x=./../y");
    c.call.fields = &asked;
    c.call.fields_count = 1;
    c.call.body = (struct bytes){ "question", 8 };
    cr_assert_eq(caller_start(&c), OK);
    cr_assert_eq(daemon_.requests_count, 0);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.status, 201);
    cr_assert_eq(c.heads_count, 1);
    cr_assert(strstr(buf_text(&c.fields), "X-One=1\n") != NULL);
    cr_assert(strstr(buf_text(&c.fields), "x-two=a, \"b\"\n") != NULL);
    cr_assert_str_eq(buf_text(&c.body), "POST /whole?arg=%2F..%20&x=./../y yes; no question");
    cr_assert_eq(c.trailer.len, 0);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(answers_without_a_body)
{
    static const struct {
        const char *method, *target;
        int status;
    } cases[] = { { "GET", "/204", 204 },
                  { "POST", "/204", 204 },
                  { "POST", "/zero", 200 },
                  { "HEAD", "/zero", 200 },
                  { "DELETE", "/zero", 200 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct caller c;
        caller_init(&c, fx, cases[i].method, cases[i].target);
        caller_run(&c);
        cr_assert_eq(c.err, OK);
        cr_assert_eq(c.status, cases[i].status);
        cr_assert_eq(c.pieces_count, 0);
        caller_deinit(&c);
    }
}

CONTRACT(a_streamed_body_of_known_length)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/whole");
    c.call.streams_body = true;
    c.call.body_len = 10;
    cr_assert_eq(caller_start(&c), OK);
    cr_assert_eq(caller_write(&c, "01234", 5), 5);
    wait_for_request(fx);
    turn_some(fx);
    cr_assert_eq(caller_write(&c, "56789", 5), 5);
    caller_do(&c, http_client_end);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_str_eq(buf_text(&c.body), "POST /whole  0123456789");
    caller_deinit(&c);
}

CONTRACT(an_empty_streamed_body)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/whole");
    c.call.streams_body = true;
    c.call.body_len = -1;
    cr_assert_eq(caller_start(&c), OK);
    turn_some(fx);
    caller_do(&c, http_client_end);
    finish(&c);
    cr_assert_str_eq(buf_text(&c.body), "POST /whole  ");
    caller_deinit(&c);
}

CONTRACT(both_ways_at_once_byte_for_byte)
{
    enum { TOTAL = 3 * 1000 * 1000 };
    struct caller c;
    caller_init(&c, fx, "POST", "/echo");
    c.call.streams_body = true;
    c.call.body_len = -1;
    c.upload_len = TOTAL;
    cr_assert_eq(caller_start(&c), OK);
    caller_push(&c);
    /* The answer begins, and goes on, long before the upload has ended. */
    while (c.body.len == 0)
        turn(fx);
    cr_assert_lt(c.upload_sent, TOTAL);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_gt(c.drains_count, 0);
    cr_assert_eq(c.body.len, TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        cr_assert(c.body.data[i] == upload_byte(i));
    cr_assert_str_eq(buf_text(&c.trailer), "X-Stream-Error=none\n");
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(trailers_come_before_done)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    struct http_field trailers[] = { HTTP_FIELD("X-Stream-Error", "a: b"),
                                     HTTP_FIELD("X-Two", "") };
    http_reply_begin(daemon_.x, 200, NULL, 0, -1);
    http_reply_write(daemon_.x, "{}\n", 3);
    while (c.body.len == 0)
        turn(fx);
    cr_assert_eq(c.trailer.len, 0);
    cr_assert_str_eq(buf_text(&c.body), "{}\n");
    http_reply_end(daemon_.x, trailers, 2);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_str_eq(buf_text(&c.trailer), "X-Stream-Error=a: b\nX-Two=\n");
    caller_deinit(&c);
}

CONTRACT(many_calls_at_once)
{
    static struct http_exchange *held[HTTP_FIXTURE_CALLS_MAX];
    struct caller callers[HTTP_FIXTURE_CALLS_MAX + 1];
    for (int i = 0; i < HTTP_FIXTURE_CALLS_MAX; i++) {
        caller_init(&callers[i], fx, "POST", "/hold");
        cr_assert_eq(caller_start(&callers[i]), OK);
        daemon_.x = NULL;
        wait_for_request(fx);
        held[i] = daemon_.x;
    }
    struct caller *late = &callers[HTTP_FIXTURE_CALLS_MAX];
    caller_init(late, fx, "POST", "/whole");
    cr_assert_eq(caller_start(late), ERR_BUSY);
    for (int i = HTTP_FIXTURE_CALLS_MAX - 1; i >= 0; i--) {
        struct buf text = { 0 };
        buf_printf(&text, "answer %d", i);
        daemon_answer(held[i], 200, buf_text(&text));
        finish(&callers[i]);
        cr_assert_eq(callers[i].err, OK);
        cr_assert_str_eq(buf_text(&callers[i].body), buf_text(&text));
        buf_deinit(&text);
        if (i > 0)
            cr_assert_eq(callers[i - 1].dones_count, 0);
        caller_deinit(&callers[i]);
    }
    caller_run(late);
    cr_assert_eq(late->err, OK);
    cr_assert_eq(late->dones_count, 1);
    caller_deinit(late);
}

/* ---- back-pressure ---- */

CONTRACT(a_daemon_that_does_not_read_stops_the_upload)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.call.streams_body = true;
    c.call.body_len = -1;
    c.upload_len = 200 * 1000 * 1000;
    daemon_.holds = true;
    cr_assert_eq(caller_start(&c), OK);
    caller_push(&c);
    uint64_t sent = 0;
    do { /* until all buffers on the way are full */
        sent = c.upload_sent;
        turn_some(fx);
    } while (sent < c.upload_sent);
    cr_assert_lt(sent, 100 * 1000 * 1000);
    daemon_.holds = false;
    http_exchange_resume(daemon_.x);
    int drains_count = c.drains_count;
    while (c.drains_count < drains_count + 3) {
        turn(fx);
        buf_clear(&daemon_.body);
    }
    cr_assert_gt(c.upload_sent, sent);
    caller_cancel(&c);
    finish(&c);
    caller_deinit(&c);
}

CONTRACT(a_paused_caller_stops_the_answer)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    static char piece[1000];
    http_reply_begin(daemon_.x, 200, NULL, 0, -1);
    while (c.pieces_count == 0) {
        http_reply_write(daemon_.x, piece, sizeof piece);
        turn(fx);
    }
    int pieces_count = c.pieces_count;
    caller_do(&c, http_client_pause);
    for (int i = 0; i < 100; i++) {
        http_reply_write(daemon_.x, piece, sizeof piece);
        turn(fx);
    }
    cr_assert_leq(c.pieces_count, pieces_count + 1);
    size_t written = 0;
    while (http_reply_write(daemon_.x, piece, sizeof piece)) {
        written += 1;
        if (written % 64 == 0)
            turn(fx);
        cr_assert_lt(written, 100 * 1000);
    }
    cr_assert_leq(c.pieces_count, pieces_count + 1);
    cr_assert_eq(c.dones_count, 0);
    http_reply_end(daemon_.x, NULL, 0);
    caller_do(&c, http_client_resume);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_gt(c.body.len, written * sizeof piece);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(pausing_at_each_piece_loses_nothing)
{
    enum { TOTAL = 300 * 1000 };
    struct caller c;
    caller_init(&c, fx, "POST", "/echo");
    c.call.streams_body = true;
    c.call.body_len = TOTAL;
    c.pauses_at_each_piece = true;
    c.upload_len = TOTAL;
    cr_assert_eq(caller_start(&c), OK);
    caller_push(&c);
    while (c.dones_count == 0) {
        turn(fx);
        if (c.dones_count == 0)
            caller_do(&c, http_client_resume);
    }
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.body.len, TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        cr_assert(c.body.data[i] == upload_byte(i));
    caller_deinit(&c);
}

static bool has_drained;

static void note_drain(struct http_exchange *x)
{
    (void)x;
    has_drained = true;
}

/* As a daemon writes a file: large pieces and small ones, as fast as they are taken. */
CONTRACT(a_long_answer_comes_whole)
{
    enum { TOTAL = 8 * 1000 * 1000, PIECE_MAX = 100 * 1000 };
    static const size_t sizes[] = { 32768, 1, PIECE_MAX, 20000, 4096 };
    static uint8_t piece[PIECE_MAX];
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    struct http_exchange *x = daemon_.x;
    x->on_drain = note_drain;
    http_reply_begin(x, 200, NULL, 0, -1);
    for (size_t sent = 0, nth = 0; sent < TOTAL; nth++) {
        size_t len = sizes[nth % 5] < TOTAL - sent ? sizes[nth % 5] : TOTAL - sent;
        for (size_t i = 0; i < len; i++)
            piece[i] = upload_byte(sent + i);
        has_drained = http_reply_write(x, piece, len);
        while (!has_drained)
            turn(fx);
        sent += len;
        while (nth % 5 == 0 &&
               c.body.len < sent) /* all is read: what follows has to wake the client up */
            turn(fx);
    }
    daemon_.x = NULL;
    http_reply_end(x, NULL, 0);
    finish(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.body.len, TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        cr_assert(c.body.data[i] == upload_byte(i));
    caller_deinit(&c);
    check_all_is_well(fx);
}

/* ---- endings ---- */

CONTRACT(an_error_while_the_upload_goes_on)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/refuse");
    c.call.streams_body = true;
    c.call.body_len = -1;
    cr_assert_eq(caller_start(&c), OK);
    caller_write(&c, "01234", 5);
    finish(&c); /* nobody ends the upload */
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.status, 403);
    cr_assert_str_eq(buf_text(&c.body), "no");
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(a_whole_answer_while_the_upload_goes_on)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/zero");
    c.call.streams_body = true;
    c.call.body_len = -1;
    cr_assert_eq(caller_start(&c), OK);
    caller_write(&c, "01234", 5);
    finish(&c); /* nobody ends the upload */
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.status, 200);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(nobody_listens)
{
    struct caller c;
    fx->ops->refuse(fx);
    for (int i = 0; i < 3; i++) {
        caller_init(&c, fx, "POST", "/whole");
        caller_run(&c);
        cr_assert_eq(c.err, ERR_UNREACHABLE);
        cr_assert_eq(c.heads_count, 0);
        caller_deinit(&c);
    }
}

CONTRACT(the_daemon_dies_before_it_answers)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    http_reply_kill(daemon_.x);
    finish(&c);
    cr_assert_eq(c.err, ERR_CLOSED);
    cr_assert_eq(c.heads_count, 0);
    cr_assert_eq(daemon_.requests_count, 1);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(the_daemon_dies_in_the_middle)
{
    static const int64_t lens[] = { -1, 1000 };
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct caller c;
        daemon_.x = NULL;
        caller_init(&c, fx, "POST", "/hold");
        cr_assert_eq(caller_start(&c), OK);
        wait_for_request(fx);
        http_reply_begin(daemon_.x, 200, NULL, 0, lens[i]);
        http_reply_write(daemon_.x, "half", 4);
        while (c.body.len < 4)
            turn(fx);
        http_reply_kill(daemon_.x);
        finish(&c);
        cr_assert_eq(c.err, ERR_CLOSED);
        caller_deinit(&c);
    }
    check_all_is_well(fx);
}

CONTRACT(the_daemon_dies_in_the_middle_while_the_upload_waits)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.call.streams_body = true;
    c.call.body_len = -1;
    cr_assert_eq(caller_start(&c), OK);
    caller_write(&c, "01234", 5);
    wait_for_request(fx);
    http_reply_begin(daemon_.x, 200, NULL, 0, -1);
    http_reply_write(daemon_.x, "half", 4);
    while (c.body.len < 4)
        turn(fx);
    turn_some(fx);
    http_reply_kill(daemon_.x);
    finish(&c);
    cr_assert_eq(c.err, ERR_CLOSED);
    caller_deinit(&c);
}

CONTRACT(the_head_has_a_time_limit)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.call.head_timeout_us = 20 * 1000;
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    finish(&c);
    cr_assert_eq(c.err, ERR_TIMEOUT);
    while (daemon_.aborts_count == 0)
        turn(fx);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(the_body_has_none)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.call.head_timeout_us = 2000 * 1000;
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    http_reply_begin(daemon_.x, 200, NULL, 0, 0);
    while (c.heads_count == 0)
        turn(fx);
    cr_assert_eq(c.status, 200);
    if (daemon_.x != NULL)
        http_reply_end(daemon_.x, NULL, 0);
    finish(&c);
    cr_assert_eq(c.err, OK);
    caller_deinit(&c);
}

/* ---- cancel ---- */

CONTRACT(cancel_at_once)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    cr_assert_eq(caller_start(&c), OK);
    caller_cancel(&c);
    finish(&c);
    cr_assert_eq(c.err, ERR_CANCELED);
    turn_some(fx);
    cr_assert_eq(c.dones_count, 1);
    cr_assert_null(daemon_.x);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(cancel_while_the_daemon_thinks)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.call.streams_body = true;
    c.call.body_len = -1;
    cr_assert_eq(caller_start(&c), OK);
    caller_write(&c, "01234", 5);
    wait_for_request(fx);
    caller_cancel(&c);
    finish(&c);
    cr_assert_eq(c.err, ERR_CANCELED);
    while (daemon_.aborts_count == 0)
        turn(fx);
    cr_assert_eq(c.dones_count, 1);
    caller_deinit(&c);
    check_all_is_well(fx);
}

CONTRACT(cancel_from_inside_a_hook)
{
    static const char stages[] = "hbt";
    for (const char *stage = stages; *stage != 0; stage++) {
        struct caller c;
        struct http_field trailer = HTTP_FIELD("X-Stream-Error", "a");
        daemon_.x = NULL;
        caller_init(&c, fx, "POST", "/hold");
        c.cancels_at = *stage;
        cr_assert_eq(caller_start(&c), OK);
        wait_for_request(fx);
        http_reply_begin(daemon_.x, 200, NULL, 0, -1);
        http_reply_write(daemon_.x, "body", 4);
        http_reply_end(daemon_.x, &trailer, 1);
        finish(&c);
        cr_assert_eq(c.err, ERR_CANCELED, "at %c", *stage);
        turn_some(fx);
        cr_assert_eq(c.dones_count, 1);
        cr_assert_eq(c.heads_count, 1);
        caller_deinit(&c);
    }
    check_all_is_well(fx);
}

CONTRACT(cancel_a_paused_call)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/hold");
    c.pauses_at_each_piece = true;
    cr_assert_eq(caller_start(&c), OK);
    wait_for_request(fx);
    http_reply_begin(daemon_.x, 200, NULL, 0, -1);
    http_reply_write(daemon_.x, "one", 3);
    while (c.pieces_count == 0)
        turn(fx);
    http_reply_write(daemon_.x, "two", 3);
    turn_some(fx);
    caller_cancel(&c);
    finish(&c);
    cr_assert_eq(c.err, ERR_CANCELED);
    caller_deinit(&c);
    check_all_is_well(fx);
}
