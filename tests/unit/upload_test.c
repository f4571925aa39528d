/* One upload to several daemons: who is waited for, who is left out, what the client reads, and that each side waits for
 * the other. The replicas are the test's: it says what they would. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/test_ids.h"
#include "upload/intake.h"
#include "upload/upload.h"
#include "util/err.h"
#include "util/mem.h"

TestSuite(upload, .timeout = 60);

#define SECOND_US  ((uint64_t)1000 * 1000)
#define TEXT(text) ((struct bytes){ text, sizeof(text) - 1 })

enum { REPLICAS_MAX = 3 };

struct replica_end {
    struct peer_id id;
    struct buf body;
    bool is_opened, has_end, is_canceled, is_unreachable, is_busy;
    uint64_t granted;
    uint64_t rows_said;
};

struct stage {
    struct upload *u;
    uint64_t now_us;
    struct replica_end ends[REPLICAS_MAX];
    size_t count;
    struct buf rows; /* "name\n" */
    bool client_is_slow;
    int rooms_count;
    int left_out_count;
    bool is_done;
    int err;
    char why[256];
    struct cid root;
};

static struct replica_end *stage_end(struct stage *s, const struct peer_id *id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (peer_id_equal(&s->ends[i].id, id))
            return &s->ends[i];
    }
    cr_assert_fail("nobody of that name");
    return NULL;
}

static int on_send(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    struct replica_end *e = stage_end(owner, to);
    if (e->is_unreachable)
        return ERR_NOT_FOUND;
    if (e->is_busy)
        return ERR_BUSY;
    cr_assert(m->type == UPLOAD_OPEN || e->is_opened);
    e->is_opened = true;
    e->is_canceled |= m->type == UPLOAD_CANCEL;
    if (m->type == UPLOAD_OPEN || m->type == UPLOAD_GRANT)
        e->granted = m->number;
    if (m->type == UPLOAD_DATA) {
        cr_assert_eq(m->number, e->body.len);
        buf_append(&e->body, m->bytes.data, m->bytes.len);
    }
    if (m->type == UPLOAD_END) {
        cr_assert_eq(m->number, e->body.len);
        e->has_end = true;
    }
    return OK;
}

static bool on_row(void *owner, const struct upload_row *row)
{
    struct stage *s = owner;
    buf_append(&s->rows, row->name.data, row->name.len);
    buf_put_u8(&s->rows, cid_is_undefined(&row->cid) ? '%' : '\n');
    return !s->client_is_slow;
}

static void on_room(void *owner)
{
    ((struct stage *)owner)->rooms_count += 1;
}

static void on_left_out(void *owner, const struct peer_id *replica, int err, const char *why)
{
    (void)replica;
    (void)why;
    ((struct stage *)owner)->left_out_count += err != ERR_CANCELED;
}

static void on_done(void *owner, int err, const struct cid *root, const char *why)
{
    struct stage *s = owner;
    cr_assert_not(s->is_done);
    s->is_done = true;
    s->err = err;
    s->root = *root;
    strncpy(s->why, why, sizeof(s->why) - 1);
}

static void stage_create(struct stage *s, bool is_car)
{
    *s = (struct stage){ .now_us = SECOND_US };
    struct upload_params params = { .is_car = is_car,
                                    .has_progress = true,
                                    .chunker = TEXT("size-262144"),
                                    .hash = TEXT("sha2-256"),
                                    .boundary = TEXT("xx") };
    struct upload_hooks hooks = { on_send, on_row, on_room, on_left_out, on_done, s };
    cr_assert_eq(upload_create(&s->u, 7, &params, &hooks), OK);
}

static void stage_step(struct stage *s)
{
    upload_step(s->u, s->now_us);
}

static void stage_start(struct stage *s, size_t count, size_t minimum)
{
    struct peer_id ids[REPLICAS_MAX];
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        ids[i] = test_peer((uint32_t)i + 1);
        s->ends[i].id = ids[i];
    }
    upload_start(s->u, s->now_us, ids, count, minimum);
    stage_step(s);
}

static void stage_open(struct stage *s, size_t count, size_t minimum)
{
    stage_create(s, false);
    stage_start(s, count, minimum);
}

static void stage_close(struct stage *s)
{
    upload_destroy(s->u);
    for (size_t i = 0; i < REPLICAS_MAX; i++)
        buf_deinit(&s->ends[i].body);
    buf_deinit(&s->rows);
}

static size_t stage_write(struct stage *s, const char *text)
{
    size_t took = upload_write(s->u, text, strlen(text));
    stage_step(s);
    return took;
}

#define WHOLE_BODY "--xx\r\n\r\nhello\r\n--xx--\r\n"

static void stage_write_all(struct stage *s)
{
    cr_assert_eq(stage_write(s, WHOLE_BODY), strlen(WHOLE_BODY));
    upload_end(s->u);
    stage_step(s);
}

static void says(struct stage *s, size_t i, struct upload_msg m)
{
    m.id = 7;
    upload_on_msg(s->u, s->now_us, &s->ends[i].id, &m);
    stage_step(s);
}

static void says_this(struct stage *s, size_t i, const struct upload_row *row)
{
    struct buf bytes = { 0 };
    upload_row_put(&bytes, row);
    says(s, i,
         (struct upload_msg){
             .type = UPLOAD_ROWS, .number = s->ends[i].rows_said, .bytes = buf_bytes(&bytes) });
    s->ends[i].rows_said += bytes.len;
    buf_deinit(&bytes);
}

static void says_row(struct stage *s, size_t i, const char *name, uint32_t cid)
{
    says_this(
        s, i,
        &(struct upload_row){ .name = { name, strlen(name) }, .cid = test_cid(cid), .bytes = 9 });
}

static void says_progress(struct stage *s, size_t i, const char *name, uint64_t bytes)
{
    says_this(s, i, &(struct upload_row){ .name = { name, strlen(name) }, .bytes = bytes });
}

static void says_result(struct stage *s, size_t i, int err, const char *why)
{
    says(s, i,
         (struct upload_msg){ .type = UPLOAD_RESULT,
                              .number = s->ends[i].rows_said,
                              .err = err,
                              .text = { why, strlen(why) } });
}

static void check_done(struct stage *s, int err, const char *why)
{
    cr_assert(s->is_done);
    cr_assert_eq(s->err, err, "%s: %s", err_name(s->err), s->why);
    cr_assert_str_eq(s->why, why);
}

Test(upload, goes_to_all_at_once_and_ends_with_the_last)
{
    struct stage s;
    stage_open(&s, 3, 3);
    stage_write_all(&s);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(s.ends[i].has_end);
        cr_assert_str_eq(buf_text(&s.ends[i].body), WHOLE_BODY);
    }
    for (size_t i = 0; i < 3; i++) {
        cr_assert_not(s.is_done);
        says_row(&s, i, "f", 5);
        says_result(&s, i, OK, "");
    }
    check_done(&s, OK, "");
    struct cid root = test_cid(5);
    cr_assert(cid_equal(&s.root, &root));
    cr_assert_str_eq(buf_text(&s.rows), "f\n"); /* once */
    stage_close(&s);
}

Test(upload, bytes_that_come_before_it_is_known_who_gets_them_wait)
{
    struct stage s;
    stage_create(&s, false);
    cr_assert_eq(stage_write(&s, WHOLE_BODY), strlen(WHOLE_BODY));
    upload_end(s.u);
    stage_step(&s);
    stage_start(&s, 1, 1);
    cr_assert_str_eq(buf_text(&s.ends[0].body), WHOLE_BODY);
    cr_assert(s.ends[0].has_end);
    stage_close(&s);
}

Test(upload, a_replica_that_fails_is_left_out_while_the_minimum_is_met)
{
    struct stage s;
    stage_open(&s, 2, 1);
    says_result(&s, 0, ERR_REFUSED, "no space left");
    stage_write_all(&s);
    says_row(&s, 1, "f", 5);
    says_result(&s, 1, OK, "");
    check_done(&s, OK, "");
    cr_assert_eq(s.left_out_count, 1);
    cr_assert_not(upload_is_held_by(s.u, &s.ends[0].id));
    cr_assert(upload_is_held_by(s.u, &s.ends[1].id));
    stage_close(&s);
}

Test(upload, below_the_minimum_it_fails_in_the_daemons_words)
{
    struct stage s;
    stage_open(&s, 2, 2);
    says_result(&s, 1, ERR_REFUSED, "no space left");
    check_done(&s, ERR_REFUSED, "no space left");
    cr_assert(s.ends[0].is_canceled && !s.ends[1].is_canceled);
    stage_close(&s);
}

Test(upload, a_peer_that_cannot_be_reached_is_left_out)
{
    struct stage s;
    stage_create(&s, false);
    s.ends[0].is_unreachable = true;
    stage_start(&s, 2, 1);
    cr_assert_eq(s.left_out_count, 1);
    upload_on_link_down(s.u, &s.ends[1].id);
    stage_step(&s);
    check_done(&s, ERR_REFUSED, "not found");
    stage_close(&s);
}

/* It hears so (or would go on for half a minute), and the client too. */
Test(upload, a_peer_that_answers_in_a_newer_version_is_left_out_at_once)
{
    struct stage s;
    struct peer_id stranger = test_peer(9);
    stage_open(&s, 2, 2);
    upload_on_newer(s.u, s.now_us, &stranger);
    stage_step(&s);
    cr_assert_not(s.is_done);
    upload_on_newer(s.u, s.now_us, &s.ends[1].id);
    stage_step(&s);
    check_done(&s, ERR_REFUSED,
               "it answers in a newer version than the peer that has the upload: upgrade that one");
    cr_assert(s.ends[1].is_canceled);
    upload_on_newer(s.u, s.now_us, &s.ends[0].id);
    stage_close(&s);
}

Test(upload, what_the_client_reads_is_one_daemons_answer_whoever_falls_out)
{
    struct stage s;
    stage_open(&s, 2, 1);
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    says_row(&s, 0, "b", 2);
    says_row(&s, 1, "a", 1);
    says_result(&s, 0, ERR_CLOSED, "the daemon died");
    says_row(&s, 1, "b", 2);
    says_row(&s, 1, "c", 3);
    says_result(&s, 1, OK, "");
    check_done(&s, OK, "");
    cr_assert_str_eq(buf_text(&s.rows), "a\nb\nc\n");
    stage_close(&s);
}

Test(upload, a_daemon_that_makes_something_else_of_it_is_left_out)
{
    struct stage s;
    stage_open(&s, 2, 1);
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    says_row(&s, 1, "a", 9);
    says_result(&s, 0, OK, "");
    check_done(&s, OK, "");
    cr_assert_eq(s.left_out_count, 1);
    stage_close(&s);

    stage_open(&s, 2, 2);
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    says_result(&s, 0, OK, "");
    says_row(&s, 1, "a", 1);
    says_row(&s, 1, "b", 2); /* one more than the client was told of when the other ended */
    says_result(&s, 1, OK, "");
    check_done(&s, ERR_REFUSED, "its IPFS daemon made something else of it");
    stage_close(&s);
}

Test(upload, a_slow_replica_holds_nobody_up_for_long)
{
    struct stage s;
    stage_open(&s, 2, 1);
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    says_result(&s, 0, OK, "");
    cr_assert_not(s.is_done);
    cr_assert_leq(upload_deadline_us(s.u), s.now_us + 20 * SECOND_US);
    s.now_us += 20 * SECOND_US;
    stage_step(&s);
    check_done(&s, OK, "");
    cr_assert(s.ends[1].is_canceled);
    stage_close(&s);

    stage_open(&s, 2, 2); /* but it is waited for when it is needed */
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    says_result(&s, 0, OK, "");
    s.now_us += 60 * SECOND_US;
    stage_step(&s);
    cr_assert_not(s.is_done);
    says_row(&s, 1, "a", 1);
    says_result(&s, 1, OK, "");
    check_done(&s, OK, "");
    stage_close(&s);
}

Test(upload, a_client_that_takes_its_time_makes_nobody_slow)
{
    struct stage s;
    stage_open(&s, 2, 1);
    stage_write(&s, "--xx\r\n\r\nhel");
    s.now_us += 100 * SECOND_US;
    stage_step(&s);
    cr_assert_eq(s.left_out_count, 0);
    stage_close(&s);
}

/* ---- each side waits for the other ---- */

static size_t push(struct stage *s)
{
    static char piece[65536];
    memset(piece, 'x', sizeof(piece));
    size_t took = 0;
    for (;;) {
        size_t n = upload_write(s->u, piece, sizeof(piece));
        stage_step(s);
        took += n;
        if (n < sizeof(piece))
            return took;
    }
}

Test(upload, the_client_waits_for_the_slowest_that_counts)
{
    struct stage s;
    stage_open(&s, 2, 1);
    stage_write(&s, "--xx\r\n\r\n");
    /* What both may get at once, and what waits here. */
    cr_assert_eq(push(&s) + 8, 2 * UPLOAD_WINDOW_BYTES);
    cr_assert_eq(s.ends[0].body.len, UPLOAD_WINDOW_BYTES);
    int rooms = s.rooms_count;
    says(&s, 0, (struct upload_msg){ .type = UPLOAD_CREDIT, .number = 2 * UPLOAD_WINDOW_BYTES });
    cr_assert_eq(s.rooms_count, rooms); /* the other still needs it */
    cr_assert_eq(s.ends[0].body.len, 2 * UPLOAD_WINDOW_BYTES);
    says(&s, 1, (struct upload_msg){ .type = UPLOAD_CREDIT, .number = UPLOAD_WINDOW_BYTES + 1000 });
    cr_assert_eq(s.rooms_count, rooms + 1);
    cr_assert_eq(push(&s), 1000);
    says(&s, 0, (struct upload_msg){ .type = UPLOAD_CREDIT, .number = 4 * UPLOAD_WINDOW_BYTES });
    s.now_us += 20 * SECOND_US; /* the slower one is left out, the other goes on */
    stage_step(&s);
    cr_assert_eq(s.left_out_count, 1);
    cr_assert_gt(push(&s), 0);
    stage_close(&s);
}

Test(upload, a_full_queue_is_tried_again)
{
    struct stage s;
    stage_create(&s, false);
    s.ends[0].is_busy = true;
    stage_start(&s, 1, 1);
    stage_write_all(&s);
    cr_assert_eq(s.ends[0].body.len, 0);
    uint64_t due_us = upload_deadline_us(s.u);
    cr_assert(due_us > s.now_us && due_us < s.now_us + SECOND_US);
    s.now_us = due_us;
    s.ends[0].is_busy = false;
    stage_step(&s);
    cr_assert_str_eq(buf_text(&s.ends[0].body), WHOLE_BODY);
    stage_close(&s);
}

Test(upload, nobody_is_woken_for_nothing)
{
    struct stage s;
    stage_create(&s, false);
    stage_start(&s, 2, 1);
    s.ends[0].is_busy = true; /* when it should be told that we are here */
    s.now_us += 6 * SECOND_US;
    stage_step(&s);
    uint64_t due_us = upload_deadline_us(s.u);
    cr_assert(due_us > s.now_us && due_us < s.now_us + SECOND_US);
    s.ends[0].is_busy = false;
    s.now_us = due_us;
    stage_step(&s);
    cr_assert_gt(upload_deadline_us(s.u), s.now_us + SECOND_US);
    stage_close(&s);
}

Test(upload, rows_wait_for_the_client)
{
    struct stage s;
    char name[60001];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    stage_open(&s, 1, 1);
    stage_write_all(&s);
    uint64_t granted = s.ends[0].granted;
    cr_assert_gt(granted, 0);
    s.client_is_slow = true;
    for (uint32_t i = 1; s.ends[0].rows_said < granted; i++)
        says_row(&s, 0, name, i);
    cr_assert_eq(s.ends[0].granted, granted);
    s.now_us += 400 * SECOND_US;
    stage_step(&s); /* and nobody is to blame for it */
    cr_assert_not(s.is_done);
    upload_resume_rows(s.u);
    stage_step(&s);
    cr_assert_gt(s.ends[0].granted, granted);
    stage_close(&s);
}

Test(upload, progress_is_told_by_who_is_furthest)
{
    struct stage s;
    stage_open(&s, 2, 1);
    says_progress(&s, 1, "p1", 5);
    says_progress(&s, 0, "p0", 5); /* no news */
    says_progress(&s, 0, "p0", 6);
    says_progress(&s, 1, "p1", 5);
    says_result(&s, 0, ERR_CLOSED, "");
    says_progress(&s, 1, "p1", 7);
    cr_assert_str_eq(buf_text(&s.rows), "p1%p0%p1%");
    stage_close(&s);
}

/* However small the files are, and whoever is first with one. */
Test(upload, each_file_has_progress_before_its_row)
{
    struct stage s;
    stage_open(&s, 3, 1);
    says_progress(&s, 2, "a", 0);
    says_row(&s, 2, "a", 1);
    says_progress(&s, 1, "a", 0);
    says_row(&s, 1, "a", 1);
    says_progress(&s, 1, "b", 3);
    says_row(&s, 1, "b", 2);
    says_progress(&s, 2, "b", 3);
    cr_assert_str_eq(buf_text(&s.rows), "a%a\nb%b\n");
    stage_close(&s);
}

Test(upload, progress_never_comes_behind_its_row)
{
    struct stage s;
    stage_open(&s, 2, 1);
    says_row(&s, 1, "a", 1);
    says_progress(&s, 0, "a", 9); /* that one is slower: the client has the file already */
    says_row(&s, 0, "a", 1);
    says_progress(&s, 0, "b", 9);
    cr_assert_str_eq(buf_text(&s.rows), "a\nb%");
    stage_close(&s);
}

/* ---- bodies that are not what they should be ---- */

static void check_body(bool is_car, const char *body, int err, const char *why)
{
    struct stage s;
    stage_create(&s, is_car);
    stage_start(&s, 1, 1);
    stage_write(&s, body);
    upload_end(s.u);
    stage_step(&s);
    check_done(&s, err, why);
    cr_assert(s.ends[0].is_canceled && !s.ends[0].has_end);
    stage_close(&s);
}

Test(upload, a_body_that_is_not_whole_is_no_upload)
{
    const char *cut = "the upload ended before its last boundary";
    check_body(false, "--xx\r\n\r\nhello", ERR_CLOSED, cut);
    check_body(false, "", ERR_CLOSED, cut);
    check_body(false, "--xx--\r\n", ERR_INVALID, "expected a file argument");
    check_body(false, "--xx  y", ERR_INVALID, "the body is no multipart/form-data");
    check_body(true, WHOLE_BODY, ERR_INVALID, "the file is not a CAR");
    check_body(true, "--xx\r\n\r\n\r\n--xx\r\n\r\n\r\n--xx--", ERR_INVALID,
               "one CAR file at a time can be added");
    check_body(true, "--xx\r\n\r\n\x11\xa2\x65roots\x80\x67version\x01\r\n--xx--", ERR_INVALID,
               "only CAR files with exactly one root can be added");
}

Test(upload, answers_that_lost_a_part_are_no_answers)
{
    struct stage s;
    stage_open(&s, 1, 1);
    stage_write_all(&s);
    s.ends[0].rows_said = 3;
    says_row(&s, 0, "a", 1);
    check_done(&s, ERR_REFUSED, "a part of its answer was lost on its way");
    stage_close(&s);
    stage_open(&s, 1, 1);
    stage_write_all(&s);
    says_row(&s, 0, "a", 1);
    s.ends[0].rows_said += 1;
    says_result(&s, 0, OK, "");
    check_done(&s, ERR_REFUSED, "a part of its answer was lost on its way");
    stage_close(&s);
    stage_open(&s, 1, 1);
    stage_write_all(&s);
    says(&s, 0, (struct upload_msg){ .type = UPLOAD_ROWS, .bytes = TEXT("\x05") });
    check_done(&s, ERR_REFUSED, "its answer is damaged");
    stage_close(&s);
    stage_open(&s, 1, 1);
    stage_write_all(&s);
    says_result(&s, 0, OK, "");
    check_done(&s, ERR_CORRUPT, "the IPFS daemons said nothing of what they added");
    stage_close(&s);
}
