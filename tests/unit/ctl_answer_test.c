/* Answers as they arrive, and what a failure looks like. */
#include <criterion/criterion.h>

#include "ctl/answer.h"
#include "ctl/cmd.h"
#include "ctl/goal.h"
#include "util/err.h"

TestSuite(ctl_answer, .timeout = 60);

struct seen {
    struct buf rows; /* each in brackets */
    int rows_max;    /* then no more; -1: any number */
    int flushes_count;
};

static bool on_row(void *owner, struct bytes row)
{
    struct seen *s = owner;
    buf_printf(&s->rows, "[%.*s]", (int)row.len, (const char *)row.data);
    return s->rows_max < 0 || --s->rows_max > 0;
}

static void on_flush(void *owner)
{
    ((struct seen *)owner)->flushes_count += 1;
}

static struct answer answer_seen(struct seen *s, struct failure *failure)
{
    struct answer_sink sink = { on_row, on_flush, s };
    return answer_to(&sink, failure);
}

static const char rows_text[] = "{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}";

Test(ctl_answer, rows_are_whole_wherever_the_pieces_are_cut)
{
    for (size_t cut = 1; cut < sizeof rows_text; cut++) {
        struct seen s = { .rows_max = -1 };
        struct failure failure = { 0 };
        struct answer a = answer_seen(&s, &failure);
        answer_on_head(&a, 200);
        for (size_t at = 0; at < sizeof rows_text - 1; at += cut) {
            size_t left = sizeof rows_text - 1 - at;
            cr_assert(answer_on_body(&a, rows_text + at, left < cut ? left : cut));
        }
        answer_on_end(&a);
        cr_assert_str_eq(buf_text(&s.rows), "[{\"a\":1}][{\"b\":2}][{\"c\":3}]", "cut %zu", cut);
        cr_assert_not(failure.happened);
        answer_deinit(&a);
        buf_deinit(&s.rows);
    }
}

Test(ctl_answer, a_row_is_handed_on_before_the_next_one_has_come)
{
    struct seen s = { .rows_max = -1 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    answer_on_head(&a, 200);
    answer_on_body(&a, "1\n2", 3);
    cr_assert_str_eq(buf_text(&s.rows), "[1]");
    cr_assert_eq(s.flushes_count, 1);
    answer_on_body(&a, "2\n", 2);
    cr_assert_str_eq(buf_text(&s.rows), "[1][22]");
    cr_assert_eq(a.pending.len, 0);
    answer_deinit(&a);
    buf_deinit(&s.rows);
}

Test(ctl_answer, no_more_means_no_more)
{
    struct seen s = { .rows_max = 2 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    answer_on_head(&a, 200);
    cr_assert_not(answer_on_body(&a, "1\n2\n3\n4", 7));
    answer_on_end(&a);
    cr_assert_str_eq(buf_text(&s.rows), "[1][2]");
    cr_assert(a.is_enough);
    answer_deinit(&a);
    buf_deinit(&s.rows);
}

Test(ctl_answer, a_row_without_end_is_refused)
{
    struct seen s = { .rows_max = -1 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    answer_on_head(&a, 200);
    a.pending.limit = 8; /* in place of ANSWER_ROW_BYTES_MAX */
    cr_assert(answer_on_body(&a, "12345678", 8));
    cr_assert_not(answer_on_body(&a, "9", 1));
    cr_assert(failure.happened);
    cr_assert_eq(failure_exit_code(&failure), CTL_FAILED);
    cr_assert_eq(s.rows.len, 0);
    answer_deinit(&a);
    failure_deinit(&failure);
}

Test(ctl_answer, a_trailer_with_words_fails_what_was_good)
{
    static const struct http_field empty[] = { HTTP_FIELD("x-stream-error", "") };
    static const struct http_field words[] = { HTTP_FIELD("X-Stream-Error", "the disk is gone") };
    struct seen s = { .rows_max = -1 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    answer_on_head(&a, 200);
    answer_on_body(&a, "1\n", 2);
    answer_on_trailer(&a, empty, 1);
    cr_assert_not(failure.happened);
    answer_on_trailer(&a, words, 1);
    answer_on_end(&a);
    cr_assert_str_eq(buf_text(&s.rows), "[1]");
    cr_assert_eq(failure.code, 500);
    cr_assert_str_eq(buf_text(&failure.message), "the disk is gone");
    cr_assert_eq(failure_exit_code(&failure), CTL_REFUSED);
    answer_deinit(&a);
    failure_deinit(&failure);
    buf_deinit(&s.rows);
}

/* ---- failures ---- */

static void refused(int status, const char *body, const char *text, const char *json)
{
    struct seen s = { .rows_max = -1 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    struct buf out = { 0 };
    answer_on_head(&a, status);
    for (size_t i = 0; body[i] != '\0'; i++)
        cr_assert(answer_on_body(&a, body + i, 1));
    answer_on_end(&a);
    cr_assert_eq(s.rows.len, 0);
    cr_assert_eq(failure.code, status);
    cr_assert_eq(failure_exit_code(&failure), CTL_REFUSED);
    failure_print(&failure, false, &out);
    cr_assert_str_eq(buf_text(&out), text);
    buf_clear(&out);
    failure_print(&failure, true, &out);
    cr_assert_str_eq(buf_text(&out), json);
    buf_deinit(&out);
    answer_deinit(&a);
    failure_deinit(&failure);
}

Test(ctl_answer, an_error_document_is_shown_as_v1_shows_it)
{
    refused(404, "{\"code\":404,\"message\":\"pin is not part of the pinset\"}\n",
            "An error occurred:\n  Code: 404\n  Message: pin is not part of the pinset\n",
            "{\n    \"code\": 404,\n    \"message\": \"pin is not part of the pinset\"\n}\n");
}

Test(ctl_answer, any_other_body_is_shown_as_it_is)
{
    refused(502, "<h1>Bad\x1b Gateway</h1>",
            "An error occurred:\n  Code: 502\n  Message: the answer has status 502 and no error "
            "document: <h1>Bad\\x1b Gateway</h1>\n",
            "{\n    \"code\": 502,\n    \"message\": \"the answer has status 502 and no error "
            "document: "
            "\\u003ch1\\u003eBad\\u001b Gateway\\u003c/h1\\u003e\"\n}\n");
    refused(
        307, "",
        "An error occurred:\n  Code: 307\n  Message: the answer has status 307 and no text\n",
        "{\n    \"code\": 307,\n    \"message\": \"the answer has status 307 and no text\"\n}\n");
}

Test(ctl_answer, an_error_body_without_end_is_cut)
{
    static char page[8 * 1024];
    struct seen s = { .rows_max = -1 };
    struct failure failure = { 0 };
    struct answer a = answer_seen(&s, &failure);
    memset(page, 'x', sizeof page);
    answer_on_head(&a, 500);
    for (int i = 0; i < 100; i++)
        cr_assert(answer_on_body(&a, page, sizeof page));
    answer_on_end(&a);
    cr_assert_eq(a.pending.len, ANSWER_ERROR_BYTES_MAX);
    cr_assert_lt(failure.message.len, 500);
    answer_deinit(&a);
    failure_deinit(&failure);
}

/* ---- goals ---- */

static enum goal_verdict judge(const char *status, size_t peers_min, const char *text)
{
    struct goal goal = { status, peers_min };
    struct json_doc doc;
    cr_assert_eq(json_parse(&doc, text, strlen(text)), OK, "%s", text);
    enum goal_verdict verdict = goal_judge(&goal, &doc);
    json_doc_deinit(&doc);
    return verdict;
}

#define STATUS(allocations, a, b, c)                                                               \
    "{\"allocations\":" allocations ",\"peer_map\":{\"A\":{\"status\":\"" a                        \
    "\"},\"B\":{\"status\":\"" b "\"},\"C\":{\"status\":\"" c "\"}}}"

Test(ctl_goal, who_is_to_hold_it_decides)
{
    cr_assert_eq(judge("pinned", 0, STATUS("[\"A\",\"B\"]", "pinned", "pinned", "remote")),
                 GOAL_REACHED);
    cr_assert_eq(judge("pinned", 0, STATUS("[\"A\",\"B\"]", "pinned", "pinning", "remote")),
                 GOAL_AHEAD);
    cr_assert_eq(judge("pinned", 0, STATUS("[\"A\",\"B\"]", "pinned", "pinned", "cluster_error")),
                 GOAL_REACHED, "C has nothing to do with it");
    cr_assert_eq(judge("pinned", 0, STATUS("[\"A\",\"B\"]", "pinned", "remote", "remote")),
                 GOAL_AHEAD, "B has not heard of it yet");
}

Test(ctl_goal, everywhere_is_everybody)
{
    cr_assert_eq(judge("pinned", 0, STATUS("[]", "pinned", "pinned", "pinned")), GOAL_REACHED);
    cr_assert_eq(judge("pinned", 0, STATUS("[]", "pinned", "pinned", "pin_queued")), GOAL_AHEAD);
    cr_assert_eq(judge("unpinned", 0, STATUS("null", "unpinned", "unpinned", "unpinning")),
                 GOAL_AHEAD);
    cr_assert_eq(judge("unpinned", 0, STATUS("null", "unpinned", "unpinned", "unpinned")),
                 GOAL_REACHED);
}

/* Nobody waits until it pleases an operator to undrain a peer. */
Test(ctl_goal, who_is_drained_is_not_waited_for)
{
#define DRAINED "pin_queued\",\"held_back\":true,\"error\":\""
    cr_assert_eq(judge("pinned", 0, STATUS("[]", "pinned", "pinned", DRAINED)), GOAL_REACHED);
    cr_assert_eq(judge("pinned", 0, STATUS("[]", "pinned", "pinning", DRAINED)), GOAL_AHEAD);
    cr_assert_eq(judge("pinned", 0, STATUS("[]", DRAINED, DRAINED, DRAINED)), GOAL_AHEAD);
}

Test(ctl_goal, fewer_may_be_enough_but_not_more_than_there_are)
{
    cr_assert_eq(judge("pinned", 1, STATUS("[\"A\",\"B\"]", "pinned", "pinning", "remote")),
                 GOAL_REACHED);
    cr_assert_eq(judge("pinned", 5, STATUS("[\"A\",\"B\"]", "pinned", "pinned", "remote")),
                 GOAL_REACHED);
    cr_assert_eq(judge("pinned", 2, STATUS("[]", "pinned", "pinning", "pinning")), GOAL_AHEAD);
}

Test(ctl_goal, an_error_that_matters_ends_it)
{
    cr_assert_eq(judge("pinned", 1, STATUS("[]", "pinned", "pin_error", "pinned")), GOAL_FAILED);
    cr_assert_eq(judge("unpinned", 0, STATUS("null", "unpinned", "unpin_error", "unpinned")),
                 GOAL_FAILED);
    cr_assert_eq(judge("pinned", 0, STATUS("[\"A\"]", "cluster_error", "remote", "remote")),
                 GOAL_FAILED);
}

Test(ctl_goal, nobody_is_not_enough)
{
    cr_assert_eq(judge("pinned", 0, "{\"allocations\":[],\"peer_map\":{}}"), GOAL_AHEAD);
    cr_assert_eq(judge("pinned", 0, "{}"), GOAL_AHEAD);
    cr_assert_eq(judge("pinned", 0, "[]"), GOAL_AHEAD);
}
