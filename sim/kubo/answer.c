/* What is said, and in which form. Every answer of a command is chunked and announces the trailer
 * X-Stream-Error, errors too; what is wrong with a request as such is plain text with a length. */
#include "sim/kubo/standin_int.h"

#include <stdarg.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"

enum { ANSWER_FIELDS_MAX = 12 };

struct answer_head {
    struct http_field fields[ANSWER_FIELDS_MAX];
    size_t count;
};

static void head_add(struct answer_head *h, const char *name, const char *value)
{
    ASSERT(h->count < ANSWER_FIELDS_MAX);
    h->fields[h->count++] = (struct http_field){ { name, strlen(name) }, { value, strlen(value) } };
}

/* What every command says first. */
static struct answer_head head_of_command(const struct standin_op *op, const char *type)
{
    static const char streams[] = "X-Stream-Output, X-Chunked-Output, X-Content-Length";
    struct answer_head h = { .count = 0 };
    head_add(&h, "Access-Control-Allow-Headers", streams);
    if (op->origin != NULL)
        head_add(&h, "Access-Control-Allow-Origin", op->origin);
    head_add(&h, "Access-Control-Expose-Headers", streams);
    head_add(&h, "Content-Type", type);
    head_add(&h, "Server", "kubo/0.42.0");
    head_add(&h, "Trailer", "X-Stream-Error");
    head_add(&h, "Vary", "Origin");
    return h;
}

static void answer_begin(struct standin_op *op, int status, const struct answer_head *h,
                         int64_t body_len)
{
    op->answer_begun = true;
    http_reply_begin(op->x, status, h->fields, h->count, body_len);
}

static void answer_over(struct standin_op *op, const struct http_field *trailers, size_t count)
{
    http_reply_end(op->x, trailers, count);
    op->x = NULL;
}

/* Nobody will ever end it, or hear of its end. */
static void answer_abandon(struct http_exchange *x)
{
    x->owner = NULL;
    x->on_abort = NULL;
    x->on_drain = NULL;
    x->on_body = NULL;
    x->on_body_end = NULL;
}

/* False: wait for the reader. With the faults, half of it goes out, and then the connection breaks, or nothing more comes. */
static bool answer_write(struct standin_op *op, const void *bytes, size_t len)
{
    if (op->x == NULL)
        return false;
    if (!op->breaks_off)
        return http_reply_write(op->x, bytes, len);
    http_reply_write(op->x, bytes, len / 2);
    if (op->stalls)
        answer_abandon(op->x);
    else
        http_reply_kill(op->x);
    op->x = NULL;
    return false;
}

/* ---- commands ---- */

void answer_document(struct standin_op *op, struct buf *json)
{
    struct answer_head h = head_of_command(op, "application/json");
    answer_begin(op, 200, &h, -1);
    buf_put_u8(json, '\n');
    struct bytes text = standin_bytes(json);
    answer_write(op, text.data, text.len);
    if (op->x != NULL)
        answer_over(op, NULL, 0);
    buf_deinit(json);
}

void answer_begin_lines(struct standin_op *op)
{
    if (op->answer_begun)
        return;
    struct answer_head h = head_of_command(op, "application/json");
    head_add(&h, "X-Chunked-Output", "1");
    answer_begin(op, 200, &h, -1);
}

bool answer_line(struct standin_op *op, struct buf *json)
{
    answer_begin_lines(op);
    buf_put_u8(json, '\n');
    struct bytes text = standin_bytes(json);
    bool may_go_on = answer_write(op, text.data, text.len);
    buf_deinit(json);
    return may_go_on;
}

void answer_begin_bytes(struct standin_op *op, const char *type, int64_t len)
{
    char digits[24];
    struct buf text = { 0 };
    struct answer_head h = head_of_command(op, type);
    buf_printf(&text, "%lld", (long long)len);
    memcpy(digits, buf_text(&text), text.len + 1);
    buf_deinit(&text);
    if (len >= 0)
        head_add(&h, "X-Content-Length", digits);
    head_add(&h, "X-Stream-Output", "1");
    answer_begin(op, 200, &h, -1);
}

bool answer_bytes(struct standin_op *op, struct bytes bytes)
{
    return answer_write(op, bytes.data, bytes.len);
}

void answer_end(struct standin_op *op)
{
    if (op->x != NULL)
        answer_over(op, NULL, 0);
}

/* ---- errors ---- */

static void answer_error_document(struct standin_op *op, int status, struct bytes text)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    struct answer_head h = head_of_command(op, "application/json");
    json_object_begin(&w);
    json_key(&w, "Message");
    json_string_len(&w, text.data, text.len);
    json_key_i64(&w, "Code", 0);
    json_key_string(&w, "Type", "error");
    json_object_end(&w);
    buf_put_u8(&json, '\n');
    struct bytes document = standin_bytes(&json);
    answer_begin(op, status, &h, -1);
    answer_write(op, document.data, document.len);
    answer_end(op);
    buf_deinit(&json);
}

/* A field's value is one line. */
static void answer_error_trailer(struct standin_op *op, struct buf *text)
{
    struct bytes value = standin_bytes(text);
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < ' ')
            text->data[i] = ' ';
    }
    struct http_field trailer = { { "X-Stream-Error", sizeof "X-Stream-Error" - 1 }, value };
    answer_over(op, &trailer, 1);
}

void answer_fail(struct standin_op *op, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;
    if (op->x == NULL)
        return;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (op->answer_begun)
        answer_error_trailer(op, &text);
    else
        answer_error_document(op, 500, standin_bytes(&text));
    buf_deinit(&text);
}

void answer_status(struct standin_op *op, int status, const char *text)
{
    answer_error_document(op, status, (struct bytes){ text, strlen(text) });
}

void answer_cannot(struct standin_op *op, const char *what)
{
    struct buf text = { 0 };
    buf_printf(&text, "the stand-in IPFS daemon cannot do this: %s", what);
    if (op->answer_begun)
        answer_error_trailer(op, &text);
    else
        answer_error_document(op, 501, standin_bytes(&text));
    buf_deinit(&text);
}

/* ---- outside of commands ---- */

static void answer_short(struct standin_op *op, int status, const struct answer_head *h,
                         struct bytes body)
{
    answer_begin(op, status, h, (int64_t)body.len);
    if (strcmp(op->x->request.method, "HEAD") != 0)
        http_reply_write(op->x, body.data, body.len);
    answer_over(op, NULL, 0);
}

static void answer_text(struct standin_op *op, int status, struct answer_head *h, struct buf *text)
{
    buf_put_u8(text, '\n');
    head_add(h, "Content-Type", "text/plain; charset=utf-8");
    head_add(h, "X-Content-Type-Options", "nosniff");
    answer_short(op, status, h, standin_bytes(text));
    buf_deinit(text);
}

void answer_plain(struct standin_op *op, int status, const char *format, ...)
{
    struct buf text = { 0 };
    struct answer_head h = { .count = 0 };
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (status == 405)
        head_add(&h, "Allow", "OPTIONS, POST");
    head_add(&h, "Vary", "Origin");
    answer_text(op, status, &h, &text);
}

void answer_elsewhere(struct standin_op *op)
{
    struct buf text = { 0 };
    struct answer_head h = { .count = 0 };
    buf_append_text(&text, "404 page not found");
    answer_text(op, 404, &h, &text);
}

/* The one plain answer that comes from inside of a command. */
void answer_bad_encoding(struct standin_op *op, const char *encoding)
{
    struct buf text = { 0 };
    struct answer_head h = { .count = 0 };
    buf_printf(&text, "invalid encoding: %s", encoding);
    head_add(&h, "Server", "kubo/0.42.0");
    head_add(&h, "Vary", "Origin");
    answer_text(op, 400, &h, &text);
}

void answer_redirect(struct standin_op *op, const char *location)
{
    struct answer_head h = { .count = 0 };
    head_add(&h, "Location", location);
    answer_short(op, 307, &h, (struct bytes){ "", 0 });
}

/* Preflight: a browser's, with an Origin, is told what it may; anybody else what there is. */
void answer_options(struct standin_op *op)
{
    struct answer_head h = { .count = 0 };
    struct bytes origin = http_request_field(&op->x->request, "Origin");
    if (origin.data == NULL) {
        head_add(&h, "Allow", "OPTIONS, POST");
        head_add(&h, "Vary", "Origin");
    } else {
        if (op->origin != NULL) {
            head_add(&h, "Access-Control-Allow-Methods", "POST");
            head_add(&h, "Access-Control-Allow-Origin", op->origin);
        }
        head_add(&h, "Vary",
                 "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    }
    answer_short(op, 204, &h, (struct bytes){ "", 0 });
}

void answer_nothing(struct standin_op *op)
{
    struct answer_head h = { .count = 0 };
    head_add(&h, "Server", "kubo/0.42.0");
    head_add(&h, "Vary", "Origin");
    answer_short(op, 200, &h, (struct bytes){ "", 0 });
}

void answer_garbage(struct standin_op *op)
{
    static const char garbage[] = "\x01}{ \"Pins\": [\"\xff\xfe\n<html>{\"Keys\"";
    struct answer_head h = head_of_command(op, "application/json");
    answer_begin(op, 200, &h, -1);
    answer_write(op, garbage, sizeof garbage - 1);
    answer_end(op);
}
