/* One upload into one daemon: credit for what the daemon takes, rows as far as they are wanted, and one verdict. The
 * daemon is the test's. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/test_ids.h"
#include "upload/intake.h"
#include "util/err.h"

TestSuite(intake, .timeout = 60);

#define SECOND_US  ((uint64_t)1000 * 1000)
#define TEXT(text) ((struct bytes){ text, sizeof(text) - 1 })

struct stage {
    struct http_client client;
    struct http_call *call; /* under way */
    struct buf target;
    struct buf body;
    size_t room; /* of the daemon's */
    bool has_end, is_paused, is_canceled, refuses;
    struct intake *i;
    uint64_t now_us;
    bool is_busy;
    /* What it said. */
    uint64_t credit;
    struct buf rows;
    int rows_count;
    int results_count;
    int err;
    char why[256];
};

static int daemon_start(void *impl, struct http_call *call)
{
    struct stage *s = impl;
    if (s->refuses)
        return ERR_BUSY;
    s->call = call;
    s->has_end = false;
    buf_clear(&s->target);
    buf_append_text(&s->target, call->target);
    return OK;
}

static size_t daemon_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    struct stage *s = impl;
    cr_assert_eq(call, s->call);
    size_t took = len < s->room ? len : s->room;
    buf_append(&s->body, bytes, took);
    s->room -= took;
    return took;
}

static void daemon_end(void *impl, struct http_call *call)
{
    (void)call;
    ((struct stage *)impl)->has_end = true;
}

static void daemon_pause(void *impl, struct http_call *call)
{
    (void)call;
    ((struct stage *)impl)->is_paused = true;
}

static void daemon_resume(void *impl, struct http_call *call)
{
    (void)call;
    ((struct stage *)impl)->is_paused = false;
}

static void daemon_cancel(void *impl, struct http_call *call)
{
    (void)call;
    ((struct stage *)impl)->is_canceled = true;
}

static const struct http_client_ops daemon_ops = { daemon_start, daemon_write,  daemon_end,
                                                   daemon_pause, daemon_resume, daemon_cancel };

static int on_send(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    struct stage *s = owner;
    struct peer_id sender = test_peer(1);
    cr_assert(peer_id_equal(to, &sender) && m->id == 7);
    if (s->is_busy)
        return ERR_BUSY;
    if (m->type == UPLOAD_CREDIT)
        s->credit = m->number;
    if (m->type == UPLOAD_ROWS) {
        cr_assert_eq(m->number, s->rows.len);
        buf_append(&s->rows, m->bytes.data, m->bytes.len);
    }
    if (m->type == UPLOAD_RESULT) {
        s->results_count += 1;
        s->err = m->err;
        memcpy(s->why, m->text.data, m->text.len);
        s->why[m->text.len] = '\0';
    }
    return OK;
}

static void on_change(void *owner)
{
    (void)owner;
}

static void stage_step(struct stage *s)
{
    intake_step(s->i, s->now_us);
}

static void stage_open(struct stage *s, bool is_car, bool refuses)
{
    *s = (struct stage){
        .client = { &daemon_ops, s }, .room = SIZE_MAX, .now_us = SECOND_US, .refuses = refuses
    };
    struct peer_id from = test_peer(1);
    struct intake_hooks hooks = { on_send, on_change, s };
    struct upload_msg open = { .type = UPLOAD_OPEN,
                               .id = 7,
                               .number = 1000,
                               .params = { .is_car = is_car,
                                           .wraps = true,
                                           .has_raw_leaves = true,
                                           .cid_version = 1,
                                           .chunker = TEXT("size-1000"),
                                           .hash = TEXT("sha2-256"),
                                           .boundary = TEXT("xx") } };
    cr_assert_eq(intake_create(&s->i, &s->client, &from, &open, s->now_us, &hooks), OK);
    stage_step(s);
}

static void stage_close(struct stage *s)
{
    intake_destroy(s->i);
    buf_deinit(&s->target);
    buf_deinit(&s->body);
    buf_deinit(&s->rows);
}

static void hears(struct stage *s, struct upload_msg m)
{
    m.id = 7;
    intake_on_msg(s->i, s->now_us, &m);
    stage_step(s);
}

static void hears_data(struct stage *s, uint64_t offset, size_t len)
{
    static char piece[UPLOAD_PIECE_BYTES_MAX];
    hears(s, (struct upload_msg){ .type = UPLOAD_DATA, .number = offset, .bytes = { piece, len } });
}

static void hears_end(struct stage *s, uint64_t total)
{
    hears(s, (struct upload_msg){ .type = UPLOAD_END, .number = total, .root = test_cid(3) });
}

static void daemon_says(struct stage *s, const char *line)
{
    struct http_call *call = s->call;
    call->on_head(call, 200, NULL, 0);
    call->on_body(call, line, strlen(line));
    stage_step(s);
}

static void daemon_refuses(struct stage *s, const char *document)
{
    s->call->on_head(s->call, 500, NULL, 0);
    s->call->on_body(s->call, document, strlen(document));
}

static void daemon_says_added(struct stage *s, const char *name, uint32_t n)
{
    struct cid cid = test_cid(n);
    struct buf line = { 0 };
    buf_printf(&line, "{\"Name\":\"%s\",\"Hash\":\"%s\",\"Size\":\"12\"}\n", name,
               cid_print(&cid).text);
    daemon_says(s, buf_text(&line));
    buf_deinit(&line);
}

static void daemon_ends(struct stage *s, int err)
{
    struct http_call *call = s->call;
    s->call = NULL;
    call->done(call, err);
    stage_step(s);
}

static void check_result(struct stage *s, int err, const char *why)
{
    cr_assert_eq(s->results_count, 1);
    cr_assert_eq(s->err, err, "%s: %s", err_name(s->err), s->why);
    cr_assert_str_eq(s->why, why);
}

Test(intake, passes_bytes_on_and_tells_rows_and_a_verdict)
{
    struct stage s;
    stage_open(&s, false, false);
    cr_assert_str_eq(buf_text(&s.target),
                     "/api/v0/add?pin=false&progress=false&cid-version=1&raw-leaves=true"
                     "&chunker=size-1000&hash=sha2-256&wrap-with-directory=true");
    hears_data(&s, 0, 100);
    hears_data(&s, 0, 100); /* a copy */
    hears_data(&s, 100, 50);
    cr_assert_eq(s.body.len, 150);
    hears_end(&s, 150);
    cr_assert(s.has_end);
    daemon_says_added(&s, "f", 1);
    daemon_ends(&s, OK);
    check_result(&s, OK, "");
    cr_assert(intake_is_over(s.i));
    struct reader in = reader_of(s.rows.data, s.rows.len);
    struct upload_row row;
    upload_row_read(&in, &row);
    cr_assert(reader_finish(&in) == OK && row.size == 12 && bytes_equal(row.name, TEXT("f")));
    stage_close(&s);
}

Test(intake, credit_is_what_the_daemon_takes)
{
    struct stage s;
    uint64_t sent = 0;
    stage_open(&s, false, false);
    s.room = 100;
    while (sent < UPLOAD_WINDOW_BYTES) {
        hears_data(&s, sent, UPLOAD_PIECE_BYTES_MAX);
        sent += UPLOAD_PIECE_BYTES_MAX;
    }
    cr_assert_eq(s.credit, 0);
    cr_assert_eq(s.body.len, 100);
    s.room = UPLOAD_WINDOW_BYTES / 2;
    stage_step(&s);
    cr_assert_eq(s.credit, 100 + UPLOAD_WINDOW_BYTES / 2 + UPLOAD_WINDOW_BYTES);
    s.room = SIZE_MAX;
    stage_step(&s);
    cr_assert_eq(s.credit, 2 * UPLOAD_WINDOW_BYTES);
    cr_assert_eq(s.results_count, 0);
    stage_close(&s);
}

Test(intake, who_sends_more_than_that_is_refused)
{
    struct stage s;
    uint64_t sent = 0;
    stage_open(&s, false, false);
    s.room = 0;
    for (; sent < UPLOAD_WINDOW_BYTES; sent += UPLOAD_PIECE_BYTES_MAX)
        hears_data(&s, sent, UPLOAD_PIECE_BYTES_MAX);
    hears_data(&s, sent, 1);
    check_result(&s, ERR_TOO_BIG, "more came than was asked for");
    cr_assert(s.is_canceled && !intake_is_over(s.i));
    daemon_ends(&s, ERR_CANCELED);
    cr_assert(intake_is_over(s.i));
    stage_close(&s);
}

Test(intake, bytes_that_are_lost_are_noticed)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 1, 10);
    check_result(&s, ERR_CLOSED, "bytes of the upload were lost on their way");
    stage_close(&s);
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    hears_end(&s, 11);
    check_result(&s, ERR_CLOSED, "bytes of the upload were lost on their way");
    cr_assert_not(s.has_end);
    stage_close(&s);
}

Test(intake, rows_stop_the_daemon_when_nobody_wants_them)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    uint32_t n = 0;
    while (!s.is_paused && n < 10000)
        daemon_says_added(&s, "a/file/of/some/name/that/is/not/short", ++n);
    cr_assert(s.is_paused);
    cr_assert_lt(s.rows.len,
                 80000); /* the first thousand bytes were granted, and a message's worth */
    hears(&s, (struct upload_msg){ .type = UPLOAD_GRANT, .number = 10 * 1000 * 1000 });
    cr_assert_not(s.is_paused);
    struct reader in = reader_of(s.rows.data, s.rows.len);
    uint32_t heard = 0;
    for (struct upload_row row; in.left > 0 && in.err == OK; heard++)
        upload_row_read(&in, &row);
    cr_assert(in.err == OK && heard == n);
    stage_close(&s);
}

Test(intake, the_daemons_own_words_come_back)
{
    struct stage s;
    stage_open(&s, false, false);
    daemon_refuses(&s, "{\"Message\":\"no space\",\"Code\":0,\"Type\":\"error\"}");
    daemon_ends(&s, OK);
    check_result(&s, ERR_REFUSED, "no space");
    stage_close(&s);

    stage_open(&s, false, false); /* behind rows, as a trailer */
    hears_data(&s, 0, 10);
    hears_end(&s, 10);
    daemon_says_added(&s, "f", 1);
    struct http_field trailer = HTTP_FIELD("X-Stream-Error", "unexpected EOF");
    s.call->on_trailer(s.call, &trailer, 1);
    daemon_ends(&s, OK);
    check_result(&s, ERR_REFUSED, "unexpected EOF");
    stage_close(&s);

    stage_open(&s, false, true);
    check_result(&s, ERR_BUSY, err_text(ERR_BUSY));
    cr_assert(intake_is_over(s.i));
    stage_close(&s);
}

/* The last boundary tells the daemon that there is no more; END may be on its way still. */
Test(intake, an_answer_counts_when_the_end_has_come)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    daemon_says_added(&s, "f", 1);
    daemon_ends(&s, OK);
    cr_assert_eq(s.results_count, 0);
    hears_data(&s, 10, 2); /* a line end behind it */
    hears_end(&s, 12);
    check_result(&s, OK, "");
    cr_assert(intake_is_over(s.i));
    stage_close(&s);
}

Test(intake, an_answer_before_the_daemon_had_everything_is_none)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    daemon_says_added(&s, "f", 1);
    daemon_ends(&s, OK);
    hears_data(&s, 10, UPLOAD_PIECE_BYTES_MAX);
    cr_assert_eq(s.results_count, 0);
    hears_data(&s, 10 + UPLOAD_PIECE_BYTES_MAX, 1);
    check_result(&s, ERR_CORRUPT, "the IPFS daemon answered before it had everything");
    stage_close(&s);
}

Test(intake, a_car_is_looked_at_again)
{
    struct stage s;
    stage_open(&s, true, false);
    cr_assert_str_eq(buf_text(&s.target), "/api/v0/dag/import?pin-roots=false&stats=true");
    hears_data(&s, 0, 10);
    hears_end(&s, 10);
    daemon_says(&s, "{\"Stats\":{\"BlockCount\":4,\"BlockBytesCount\":700}}\n");
    daemon_ends(&s, OK);
    cr_assert_eq(s.results_count, 0);
    cr_assert(strstr(buf_text(&s.target), "dag/stat?arg=") != NULL);
    cr_assert(strstr(buf_text(&s.target), "offline=true") != NULL);
    daemon_says(&s, "{\"TotalSize\":600,\"UniqueBlocks\":3}\n");
    daemon_ends(&s, OK);
    check_result(&s, OK, "");
    struct reader in = reader_of(s.rows.data, s.rows.len);
    struct upload_row row;
    struct cid root = test_cid(3);
    upload_row_read(&in, &row);
    cr_assert(in.err == OK && row.bytes == 700 && row.size == 600 && cid_equal(&row.cid, &root));
    stage_close(&s);

    stage_open(&s, true, false); /* it does not have all of its root */
    hears_data(&s, 0, 10);
    hears_end(&s, 10);
    daemon_says(&s, "{\"Stats\":{\"BlockCount\":4,\"BlockBytesCount\":700}}\n");
    daemon_ends(&s, OK);
    daemon_refuses(&s, "{\"Message\":\"block was not found\"}");
    daemon_ends(&s, OK);
    check_result(&s, ERR_REFUSED, "block was not found");
    cr_assert_eq(s.rows.len, 0);
    stage_close(&s);
}

Test(intake, nothing_goes_on_when_nobody_waits_for_it)
{
    struct stage s;
    stage_open(&s, false, false);
    hears(&s, (struct upload_msg){ .type = UPLOAD_CANCEL });
    cr_assert(s.is_canceled && s.results_count == 0);
    daemon_ends(&s, ERR_CANCELED);
    cr_assert(intake_is_over(s.i) && s.results_count == 0);
    stage_close(&s);

    stage_open(&s, false, false); /* a sender that is silent is gone */
    s.now_us += 29 * SECOND_US;
    stage_step(&s);
    cr_assert_not(s.is_canceled);
    hears(&s, (struct upload_msg){ .type = UPLOAD_GRANT, .number = 1000 });
    s.now_us += 29 * SECOND_US;
    stage_step(&s);
    cr_assert_not(s.is_canceled);
    cr_assert_leq(intake_deadline_us(s.i), s.now_us + SECOND_US);
    s.now_us += SECOND_US;
    stage_step(&s);
    cr_assert(s.is_canceled);
    stage_close(&s);
}

Test(intake, a_sender_whose_version_is_newer_hears_so)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    intake_on_newer(s.i, s.now_us);
    stage_step(&s);
    check_result(&s, ERR_VERSION, INTAKE_NEWER_TEXT);
    cr_assert(s.is_canceled);
    intake_on_newer(s.i, s.now_us);
    stage_step(&s);
    cr_assert_eq(s.results_count, 1);
    stage_close(&s);
}

Test(intake, what_cannot_be_said_now_is_said_later)
{
    struct stage s;
    stage_open(&s, false, false);
    hears_data(&s, 0, 10);
    hears_end(&s, 10);
    s.is_busy = true;
    daemon_says_added(&s, "f", 1);
    daemon_ends(&s, OK);
    cr_assert(s.results_count == 0 && !intake_is_over(s.i));
    s.is_busy = false;
    stage_step(&s);
    check_result(&s, OK, "");
    cr_assert_gt(s.rows.len, 0);
    stage_close(&s);
}

/* A deadline that stays in the past makes the peer spin. */
Test(intake, nobody_is_woken_for_nothing)
{
    struct stage s;
    stage_open(&s, false,
               false); /* the queue to the sender is full when it should be said that we are here */
    s.is_busy = true;
    s.now_us += 6 * SECOND_US;
    stage_step(&s);
    uint64_t due_us = intake_deadline_us(s.i);
    cr_assert(due_us > s.now_us && due_us < s.now_us + SECOND_US);
    s.is_busy = false;
    s.now_us = due_us;
    stage_step(&s);
    cr_assert_gt(s.credit, 0);
    cr_assert_geq(intake_deadline_us(s.i), s.now_us + 5 * SECOND_US);

    /* The daemon is done, and its rows wait for a client that takes its time. */
    for (uint32_t n = 1; n < 100; n++)
        daemon_says_added(&s, "a/file/of/some/name/that/is/not/short", n);
    hears_end(&s, 0);
    daemon_ends(&s, OK);
    cr_assert_eq(s.results_count, 0);
    s.now_us += 20 * SECOND_US;
    stage_step(&s);
    cr_assert_gt(intake_deadline_us(s.i), s.now_us);
    stage_close(&s);
}
