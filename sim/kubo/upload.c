#include "sim/kubo/upload.h"

#include <string.h>

#include "http/wire/parse.h"
#include "util/err.h"

/* The hooks of the exchange find the upload by the operation: op->state begins with it. */
static struct upload *upload_of(struct standin_op *op)
{
    return op->state;
}

/* ---- parts ---- */

static bool upload_on_part(void *owner, const struct multipart_part *part)
{
    struct upload *u = owner;
    struct buf name = { 0 };
    http_percent_decode(&name, part->file_name.data, part->file_name.len, true);
    u->name = op_copy(u->op, standin_bytes(&name));
    buf_deinit(&name);
    buf_clear(&u->data);
    u->is_folder = bytes_equal(part->type, (struct bytes){ "application/x-directory", 23 });
    if (!bytes_equal(part->type, (struct bytes){ "application/symlink", 19 }))
        return true;
    answer_cannot(u->op, "symbolic links");
    return false;
}

static bool upload_on_data(void *owner, struct bytes data)
{
    struct upload *u = owner;
    if (u->data.len + data.len > u->bytes_max) {
        u->on_too_big(u->op);
        return false;
    }
    buf_append(&u->data, data.data, data.len);
    return true;
}

static bool upload_on_part_end(void *owner)
{
    struct upload *u = owner;
    u->on_file(u->op, &(struct upload_file){ u->name, u->is_folder, standin_bytes(&u->data) });
    return u->op->x != NULL;
}

/* ---- the body ---- */

static bool upload_may_read(struct upload *u)
{
    return !u->needs_lock || op_lock(u->op);
}

static size_t upload_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct standin_op *op = x->owner;
    struct standin *s = op->s;
    struct upload *u = upload_of(op);
    if (!upload_may_read(u))
        return 0;
    multipart_feed(&u->multipart, (struct bytes){ bytes, len });
    op_ready(op); /* to be freed, if it was answered */
    standin_run(s);
    return len;
}

static void upload_on_body_end(struct http_exchange *x)
{
    struct standin_op *op = x->owner;
    struct standin *s = op->s;
    struct upload *u = upload_of(op);
    bool is_whole = multipart_end(&u->multipart) == OK;
    if (op->x != NULL && u->multipart.parts_count == 0)
        answer_fail(op, "expected a file argument");
    if (op->x != NULL && !is_whole)
        answer_fail(op, "multipart: NextPart: EOF");
    if (op->x != NULL)
        u->on_end(op);
    op_ready(op);
    standin_run(s);
}

/* After the lock: the body that was not taken is offered again. */
static void upload_step(struct standin_op *op)
{
    if (upload_may_read(upload_of(op)))
        http_exchange_resume(op->x);
}

void upload_begin(struct upload *u)
{
    struct standin_op *op = u->op;
    struct multipart_hooks hooks = { upload_on_part, upload_on_data, upload_on_part_end, u };
    struct bytes type = http_request_field(&op->x->request, "Content-Type");
    if (multipart_begin(&u->multipart, type, &hooks) != OK) {
        answer_plain(op, 400, "file argument '%s' is required", op->command->body);
        return;
    }
    op->x->on_body = upload_on_body;
    op->x->on_body_end = upload_on_body_end;
    op->step = upload_step;
}

void upload_release(struct upload *u)
{
    multipart_deinit(&u->multipart);
    buf_deinit(&u->data);
}
