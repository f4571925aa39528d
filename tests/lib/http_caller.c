#include "tests/lib/http_caller.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/err.h"

/* ---- the daemon: what it does is chosen by the path ---- */

struct http_daemon daemon_;

static size_t daemon_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)x;
    if (daemon_.holds)
        return 0;
    buf_append(&daemon_.body, bytes, len);
    return len;
}

static void daemon_on_body_end(struct http_exchange *x)
{
    (void)x;
    daemon_.body_ends_count += 1;
}

static void daemon_on_abort(struct http_exchange *x)
{
    (void)x;
    daemon_.aborts_count += 1;
    daemon_.x = NULL;
}

static size_t echo_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    if (daemon_.is_full)
        return 0;
    daemon_.is_full = !http_reply_write(x, bytes, len);
    return len;
}

static void echo_on_drain(struct http_exchange *x)
{
    daemon_.is_full = false;
    http_exchange_resume(x);
}

static void echo_on_body_end(struct http_exchange *x)
{
    struct http_field trailer = HTTP_FIELD("X-Stream-Error", "none");
    daemon_.x = NULL;
    http_reply_end(x, &trailer, 1);
}

void daemon_answer(struct http_exchange *x, int status, const char *text)
{
    daemon_.x = NULL;
    http_reply_begin(x, status, NULL, 0, (int64_t)strlen(text));
    http_reply_write(x, text, strlen(text));
    http_reply_end(x, NULL, 0);
}

/* What was asked, as the answer. */
static void whole_on_body_end(struct http_exchange *x)
{
    struct buf text = { 0 };
    struct http_field fields[] = { HTTP_FIELD("X-One", "1"), HTTP_FIELD("x-two", "a, \"b\"") };
    struct bytes field = http_request_field(&x->request, "X-Asked");
    buf_printf(&text, "%s %s ", x->request.method, x->request.target);
    buf_append(&text, field.data, field.len);
    buf_append_text(&text, " ");
    buf_append(&text, daemon_.body.data, daemon_.body.len);
    daemon_.x = NULL;
    http_reply_begin(x, 201, fields, 2, (int64_t)text.len);
    http_reply_write(x, text.data, text.len);
    http_reply_end(x, NULL, 0);
    buf_deinit(&text);
}

void daemon_on_request(void *owner, struct http_exchange *x)
{
    (void)owner;
    const char *path = x->request.path;
    daemon_.x = x;
    daemon_.requests_count += 1;
    buf_clear(&daemon_.body);
    x->on_body = daemon_on_body;
    x->on_body_end = daemon_on_body_end;
    x->on_abort = daemon_on_abort;
    if (strcmp(path, "/whole") == 0) {
        x->on_body_end = whole_on_body_end;
    } else if (strcmp(path, "/echo") == 0) {
        daemon_.is_full = false;
        x->on_body = echo_on_body;
        x->on_body_end = echo_on_body_end;
        x->on_drain = echo_on_drain;
        http_reply_begin(x, 200, NULL, 0, -1);
    } else if (strcmp(path, "/204") == 0) {
        daemon_.x = NULL;
        http_reply_begin(x, 204, NULL, 0, -1);
        http_reply_end(x, NULL, 0);
    } else if (strcmp(path, "/zero") == 0) {
        daemon_answer(x, 200, "");
    } else if (strcmp(path, "/refuse") == 0) {
        daemon_answer(x, 403, "no");
    }
    /* "/hold": the test answers. */
}

/* ---- the caller, who notes everything ---- */

static bool is_inside_port; /* no hook may run */

int caller_start(struct caller *c)
{
    is_inside_port = true;
    int err = http_client_start(&c->fx->client, &c->call);
    is_inside_port = false;
    return err;
}

size_t caller_write(struct caller *c, const void *bytes, size_t len)
{
    bool was_inside = is_inside_port;
    is_inside_port = true;
    size_t took = http_client_write(&c->fx->client, &c->call, bytes, len);
    is_inside_port = was_inside;
    cr_assert_leq(took, len);
    return took;
}

void caller_do(struct caller *c, void (*what)(struct http_client *, struct http_call *))
{
    bool was_inside = is_inside_port;
    is_inside_port = true;
    what(&c->fx->client, &c->call);
    is_inside_port = was_inside;
}

void caller_cancel(struct caller *c)
{
    caller_do(c, http_client_cancel);
    c->is_over = true;
}

static struct caller *caller_of(struct http_call *call)
{
    struct caller *c = call->owner;
    cr_assert(!is_inside_port, "a hook ran from inside a call of the port");
    cr_assert_eq(c->dones_count, 0, "a hook ran after done");
    cr_assert(!c->is_over, "a hook ran after cancel");
    return c;
}

static void note_fields(struct buf *out, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append(out, fields[i].name.data, fields[i].name.len);
        buf_append_text(out, "=");
        buf_append(out, fields[i].value.data, fields[i].value.len);
        buf_append_text(out, "\n");
    }
}

static void on_head(struct http_call *call, int status, const struct http_field *fields,
                    size_t count)
{
    struct caller *c = caller_of(call);
    cr_assert_eq(c->pieces_count, 0);
    c->heads_count += 1;
    c->status = status;
    note_fields(&c->fields, fields, count);
    if (c->cancels_at == 'h')
        caller_cancel(c);
}

static void on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct caller *c = caller_of(call);
    cr_assert_eq(c->heads_count, 1);
    c->pieces_count += 1;
    buf_append(&c->body, bytes, len);
    if (c->pauses_at_each_piece)
        caller_do(c, http_client_pause);
    if (c->cancels_at == 'b')
        caller_cancel(c);
}

static void on_trailer(struct http_call *call, const struct http_field *fields, size_t count)
{
    struct caller *c = caller_of(call);
    note_fields(&c->trailer, fields, count);
    if (c->cancels_at == 't')
        caller_cancel(c);
}

uint8_t upload_byte(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

/* Pushes the generated body on, as far as it goes. */
void caller_push(struct caller *c)
{
    uint8_t piece[10000];
    while (c->upload_sent < c->upload_len) {
        size_t len = 0;
        while (len < sizeof piece && c->upload_sent + len < c->upload_len) {
            piece[len] = upload_byte(c->upload_sent + len);
            len++;
        }
        size_t took = caller_write(c, piece, len);
        c->upload_sent += took;
        if (took < len)
            return;
    }
    caller_do(c, http_client_end);
    c->upload_len = 0;
}

static void on_drain(struct http_call *call)
{
    struct caller *c = caller_of(call);
    c->drains_count += 1;
    if (c->upload_len > 0)
        caller_push(c);
}

static void on_done(struct http_call *call, int err)
{
    struct caller *c = call->owner;
    cr_assert(!is_inside_port, "done() ran from inside a call of the port");
    c->dones_count += 1;
    c->err = err;
}

void caller_init(struct caller *c, struct http_fixture *fx, const char *method, const char *target)
{
    *c = (struct caller){ .fx = fx,
                          .call = { .method = method,
                                    .target = target,
                                    .on_head = on_head,
                                    .on_body = on_body,
                                    .on_trailer = on_trailer,
                                    .on_drain = on_drain,
                                    .done = on_done } };
    c->call.owner = c;
}

void caller_deinit(struct caller *c)
{
    buf_deinit(&c->fields);
    buf_deinit(&c->body);
    buf_deinit(&c->trailer);
}

void turn(struct http_fixture *fx)
{
    fx->ops->turn(fx);
}

void turn_some(struct http_fixture *fx)
{
    for (int i = 0; i < 30; i++)
        turn(fx);
}

void finish(struct caller *c)
{
    while (c->dones_count == 0)
        turn(c->fx);
}

void wait_for_request(struct http_fixture *fx)
{
    while (daemon_.x == NULL)
        turn(fx);
}

/* The usual: start, wait for the end. */
void caller_run(struct caller *c)
{
    cr_assert_eq(caller_start(c), OK);
    finish(c);
}

/* A further call shows that nothing was left broken. */
void check_all_is_well(struct http_fixture *fx)
{
    struct caller c;
    caller_init(&c, fx, "POST", "/whole");
    caller_run(&c);
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.status, 201);
    caller_deinit(&c);
}
