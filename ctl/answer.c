#include "ctl/answer.h"

#include <string.h>

#include "util/err.h"

struct answer answer_to(const struct answer_sink *sink, struct failure *failure)
{
    return (struct answer){ .sink = *sink, .failure = failure };
}

void answer_deinit(struct answer *a)
{
    buf_deinit(&a->pending);
}

static bool answer_is_good(const struct answer *a)
{
    return a->status >= 200 && a->status < 300;
}

void answer_on_head(struct answer *a, int status)
{
    a->status = status;
    a->pending.limit = answer_is_good(a) ? ANSWER_ROW_BYTES_MAX : ANSWER_ERROR_BYTES_MAX;
}

static bool answer_row(struct answer *a, struct bytes row)
{
    if (row.len > 0 && !a->is_enough)
        a->is_enough = !a->sink.row(a->sink.owner, row);
    return !a->is_enough;
}

/* A line whose end has arrived; its beginning may wait in `pending`. */
static bool answer_line(struct answer *a, struct bytes rest)
{
    if (a->pending.len == 0)
        return answer_row(a, rest);
    buf_append(&a->pending, rest.data, rest.len);
    bool goes_on = a->pending.err == OK && answer_row(a, buf_bytes(&a->pending));
    if (a->pending.err == OK)
        buf_clear(&a->pending);
    return goes_on;
}

static bool answer_rows(struct answer *a, const char *at, size_t len)
{
    const char *newline;
    while ((newline = memchr(at, '\n', len)) != NULL) {
        size_t line_len = (size_t)(newline - at);
        if (!answer_line(a, (struct bytes){ at, line_len }))
            break;
        at += line_len + 1;
        len -= line_len + 1;
    }
    if (newline == NULL)
        buf_append(&a->pending, at, len);
    if (a->pending.err != OK)
        failure_set(a->failure, 0, a->pending.err, "a row of the answer is too long: %s",
                    err_text(a->pending.err));
    return !a->is_enough && a->pending.err == OK;
}

bool answer_on_body(struct answer *a, const void *bytes, size_t len)
{
    if (!answer_is_good(a)) {
        size_t room = ANSWER_ERROR_BYTES_MAX - a->pending.len;
        buf_append(&a->pending, bytes, len < room ? len : room);
        return true;
    }
    bool goes_on = answer_rows(a, bytes, len);
    if (a->sink.flush != NULL)
        a->sink.flush(a->sink.owner);
    return goes_on;
}

void answer_on_trailer(struct answer *a, const struct http_field *fields, size_t count)
{
    struct bytes words = http_field_value(fields, count, "X-Stream-Error");
    if (words.len > 0)
        failure_set(a->failure, 500, OK, "%.*s", (int)words.len, (const char *)words.data);
}

void answer_on_end(struct answer *a)
{
    if (!answer_is_good(a)) {
        failure_set_answer(a->failure, a->status, buf_bytes(&a->pending));
        return;
    }
    (void)answer_row(a, buf_bytes(&a->pending));
    if (a->sink.flush != NULL)
        a->sink.flush(a->sink.owner);
}
