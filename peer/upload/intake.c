#include "upload/intake.h"

#include <string.h>

#include "ipfs/kubo_request.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    INTAKE_CREDIT_STEP_BYTES = UPLOAD_WINDOW_BYTES / 4, /* a CREDIT is worth so many */
    INTAKE_ROWS_HIGH_BYTES = 64 * 1024, /* then the daemon's answer is not read on */
    INTAKE_ROWS_LOW_BYTES = 16 * 1024,
    INTAKE_BEHIND_BYTES_MAX = 64 * 1024, /* behind the last boundary */
};

#define INTAKE_ALIVE_US ((uint64_t)5 * 1000 * 1000) /* nothing said for so long: say it again */
#define INTAKE_RETRY_US ((uint64_t)10 * 1000)       /* after a full queue */
#define INTAKE_SILENCE_US                                                                          \
    ((uint64_t)30 * 1000 * 1000) /* nothing heard for so long: nobody is there */

/* ---- the verdict ---- */

static void intake_end(struct intake *i, int err, const char *text)
{
    if (i->phase == INTAKE_ENDED || i->phase == INTAKE_TOLD)
        return;
    size_t len = strnlen(text, sizeof(i->text) - 1);
    i->phase = INTAKE_ENDED;
    i->err = err;
    memcpy(i->text, text, len);
    i->text[len] = '\0';
    if (i->call_runs)
        http_client_cancel(i->client, &i->call);
}

void intake_cancel(struct intake *i)
{
    intake_end(i, ERR_CANCELED, "");
    i->phase = INTAKE_TOLD;
}

bool intake_is_over(const struct intake *i)
{
    return i->phase == INTAKE_TOLD && !i->call_runs;
}

/* ---- what the daemon says ---- */

static void intake_put_row(struct intake *i, const struct upload_row *row)
{
    upload_row_put(&i->rows, row);
    if (i->rows.err != OK)
        intake_end(i, i->rows.err, err_text(i->rows.err));
    if (i->rows.len < INTAKE_ROWS_HIGH_BYTES || i->is_paused || !i->call_runs)
        return;
    i->is_paused = true;
    http_client_pause(i->client, &i->call);
}

static void intake_on_row(void *owner, const struct kubo_row *row)
{
    struct intake *i = owner;
    if (i->phase != INTAKE_ADDING && i->phase != INTAKE_CHECKING)
        return;
    if (row->kind == KUBO_ROW_ADDED) {
        intake_put_row(i, &(struct upload_row){ .name = row->added.name,
                                                .cid = row->added.cid,
                                                .bytes = row->added.bytes,
                                                .size = row->added.size });
    } else if (row->kind == KUBO_ROW_TREE && i->phase == INTAKE_ADDING) {
        i->imported = row->tree.bytes;
    } else if (row->kind == KUBO_ROW_TREE) {
        intake_put_row(i, &(struct upload_row){
                              .cid = i->root, .bytes = i->imported, .size = row->tree.bytes });
    }
}

static void intake_on_head(struct http_call *call, int status, const struct http_field *fields,
                           size_t count)
{
    struct intake *i = call->owner;
    (void)fields;
    (void)count;
    kubo_reply_on_head(&i->reply, status);
}

static void intake_on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct intake *i = call->owner;
    kubo_reply_on_body(&i->reply, bytes, len);
    i->hooks.on_change(i->hooks.owner);
}

static void intake_on_trailer(struct http_call *call, const struct http_field *fields, size_t count)
{
    struct intake *i = call->owner;
    kubo_reply_on_trailer(&i->reply, fields, count);
}

static void intake_on_drain(struct http_call *call)
{
    struct intake *i = call->owner;
    i->hooks.on_change(i->hooks.owner);
}

static void intake_ask(struct intake *i, enum kubo_command command);

/* The daemon is content with what it got, which was everything. */
static void intake_added(struct intake *i)
{
    if (!i->is_car) {
        intake_end(i, OK, "");
        return;
    }
    i->phase = INTAKE_CHECKING;
    intake_ask(i, KUBO_DAG_STAT);
}

static void intake_done(struct http_call *call, int err)
{
    struct intake *i = call->owner;
    i->call_runs = false;
    i->is_paused = false;
    int verdict = kubo_reply_end(&i->reply, err);
    if (verdict != OK)
        intake_end(i, verdict, kubo_reply_text(&i->reply));
    else if (i->phase == INTAKE_CHECKING)
        intake_end(i, OK, "");
    else if (i->phase == INTAKE_ADDING && i->end_is_passed)
        intake_added(i);
    else
        i->is_answered = true;
    i->hooks.on_change(i->hooks.owner);
}

/* ---- what is asked of it ---- */

/* i->target is written. */
static void intake_ask(struct intake *i, enum kubo_command command)
{
    kubo_reply_deinit(&i->reply);
    kubo_reply_init(&i->reply, command, intake_on_row, i);
    bool uploads = command != KUBO_DAG_STAT;
    if (!uploads) {
        buf_clear(&i->target);
        kubo_request_dag_stat(&i->target, &i->root);
    }
    i->call = (struct http_call){ .method = KUBO_METHOD,
                                  .target = buf_text(&i->target),
                                  .fields = &i->field,
                                  .fields_count = uploads ? 1 : 0,
                                  .streams_body = uploads,
                                  .body_len = uploads ? -1 : 0,
                                  .on_head = intake_on_head,
                                  .on_body = intake_on_body,
                                  .on_trailer = intake_on_trailer,
                                  .on_drain = intake_on_drain,
                                  .done = intake_done,
                                  .owner = i };
    int err = i->target.err != OK ? i->target.err : i->content_type.err;
    if (err == OK)
        err = http_client_start(i->client, &i->call);
    if (err == OK)
        i->call_runs = true;
    else
        intake_end(i, err, err_text(err));
}

static const char *intake_word(struct buf *room, struct bytes word)
{
    buf_append(room, word.data, word.len);
    return buf_text(room);
}

static void intake_put_target(struct intake *i, const struct upload_params *p)
{
    if (p->is_car) {
        kubo_request_dag_import(&i->target, false);
        return;
    }
    struct buf chunker = { 0 };
    struct buf hash = { 0 };
    struct kubo_add add = { .chunker = intake_word(&chunker, p->chunker),
                            .hash = intake_word(&hash, p->hash),
                            .cid_version = p->cid_version,
                            .raw_leaves = p->has_raw_leaves,
                            .raw_leaves_is_set = true,
                            .trickle = p->is_trickle,
                            .wrap_with_directory = p->wraps,
                            .progress = p->has_progress };
    kubo_request_add(&i->target, &add);
    if (chunker.err != OK || hash.err != OK)
        i->target.err = ERR_NOMEM;
    buf_deinit(&chunker);
    buf_deinit(&hash);
}

static void intake_put_content_type(struct intake *i, struct bytes boundary)
{
    buf_append_text(&i->content_type, "multipart/form-data; boundary=\"");
    buf_append(&i->content_type, boundary.data, boundary.len);
    buf_put_u8(&i->content_type, '"');
    i->field = HTTP_FIELD("Content-Type", "");
    i->field.value = buf_bytes(&i->content_type);
}

int intake_create(struct intake **out, struct http_client *client, const struct peer_id *from,
                  const struct upload_msg *open, uint64_t now_us, const struct intake_hooks *hooks)
{
    struct intake *i = mem_zalloc(sizeof(*i));
    if (i == NULL)
        return ERR_NOMEM;
    list_init(&i->link);
    i->from = *from;
    i->id = open->id;
    i->client = client;
    i->hooks = *hooks;
    i->is_car = open->params.is_car;
    i->credit = UPLOAD_WINDOW_BYTES;
    i->rows_granted = open->number;
    i->heard_us = now_us;
    i->said_us = now_us;
    i->retry_us = UINT64_MAX;
    intake_put_target(i, &open->params);
    intake_put_content_type(i, open->params.boundary);
    intake_ask(i, i->is_car ? KUBO_DAG_IMPORT : KUBO_ADD);
    *out = i;
    return OK;
}

void intake_destroy(struct intake *i)
{
    list_remove(&i->link);
    kubo_reply_deinit(&i->reply);
    buf_deinit(&i->target);
    buf_deinit(&i->content_type);
    buf_deinit(&i->bytes);
    buf_deinit(&i->rows);
    mem_free(i);
}

/* ---- what the sender says ---- */

static void intake_on_data(struct intake *i, const struct upload_msg *m)
{
    if (m->number < i->came)
        return; /* a copy */
    if (m->number > i->came || i->has_end) {
        intake_end(i, ERR_CLOSED, "bytes of the upload were lost on their way");
    } else if (m->bytes.len > i->credit - i->came) {
        intake_end(i, ERR_TOO_BIG, "more came than was asked for");
    } else {
        buf_append(&i->bytes, m->bytes.data, m->bytes.len);
        i->came += m->bytes.len;
        if (i->bytes.err != OK)
            intake_end(i, i->bytes.err, err_text(i->bytes.err));
    }
}

static void intake_on_end(struct intake *i, const struct upload_msg *m)
{
    if (m->number != i->came || (i->is_car && cid_is_undefined(&m->root))) {
        intake_end(i, ERR_CLOSED, "bytes of the upload were lost on their way");
        return;
    }
    i->has_end = true;
    i->total = m->number;
    i->root = m->root;
}

void intake_on_msg(struct intake *i, uint64_t now_us, const struct upload_msg *m)
{
    i->heard_us = now_us;
    if (i->phase == INTAKE_TOLD)
        return;
    if (m->type == UPLOAD_CANCEL)
        intake_cancel(i);
    else if (m->type == UPLOAD_GRANT && m->number > i->rows_granted)
        i->rows_granted = m->number;
    else if (m->type == UPLOAD_DATA && i->phase == INTAKE_ADDING)
        intake_on_data(i, m);
    else if (m->type == UPLOAD_END && i->phase == INTAKE_ADDING)
        intake_on_end(i, m);
}

void intake_on_newer(struct intake *i, uint64_t now_us)
{
    i->heard_us = now_us;
    if (i->phase != INTAKE_TOLD)
        intake_end(i, ERR_VERSION, INTAKE_NEWER_TEXT);
}

/* ---- moving on ---- */

static void intake_pass_bytes(struct intake *i)
{
    size_t left = i->bytes.len - i->bytes_at;
    size_t took = 0;
    if (left > 0)
        took = http_client_write(i->client, &i->call, i->bytes.data + i->bytes_at, left);
    i->bytes_at += took;
    i->passed += took;
    if (i->bytes_at > i->bytes.len / 2) {
        buf_consume(&i->bytes, i->bytes_at);
        i->bytes_at = 0;
    }
    if (i->has_end && !i->end_is_passed && i->passed == i->total) {
        i->end_is_passed = true;
        http_client_end(i->client, &i->call);
    }
}

/* The last boundary is all that a daemon needs: it may answer before the end behind it was said. Then only a line end or
 * so may still come, or it did not look at everything. */
static void intake_await_end(struct intake *i)
{
    uint64_t left = i->came - i->passed;
    if (left > INTAKE_BEHIND_BYTES_MAX) {
        intake_end(i, ERR_CORRUPT, "the IPFS daemon answered before it had everything");
    } else if (i->has_end) {
        i->end_is_passed = true;
        intake_added(i);
    }
}

static bool intake_say(struct intake *i, uint64_t now_us, struct upload_msg *m)
{
    m->id = i->id;
    if (i->hooks.send(i->hooks.owner, &i->from, m) == ERR_BUSY) {
        i->retry_us = now_us + INTAKE_RETRY_US;
        return false;
    }
    i->said_us = now_us;
    return true;
}

static void intake_say_credit(struct intake *i, uint64_t now_us)
{
    uint64_t credit = i->passed + UPLOAD_WINDOW_BYTES;
    bool is_due = credit - i->credit >= INTAKE_CREDIT_STEP_BYTES && !i->has_end;
    if (!is_due && now_us - i->said_us < INTAKE_ALIVE_US)
        return;
    struct upload_msg m = { .type = UPLOAD_CREDIT, .number = credit };
    if (intake_say(i, now_us, &m))
        i->credit = credit;
}

/* As many whole rows as `len_max` holds; one at least. */
static size_t intake_rows_len(const struct intake *i, uint64_t len_max)
{
    struct reader in = reader_of(i->rows.data, i->rows.len);
    size_t len = 0;
    while (in.left > 0) {
        struct upload_row row;
        upload_row_read(&in, &row);
        ASSERT(in.err == OK);
        if (len > 0 && i->rows.len - in.left > len_max)
            break;
        len = i->rows.len - in.left;
    }
    return len;
}

static void intake_say_rows(struct intake *i, uint64_t now_us)
{
    while (i->rows.len > 0 && i->rows_told < i->rows_granted) {
        size_t len = intake_rows_len(i, UPLOAD_ROWS_BYTES_MAX / 2);
        struct upload_msg m = { .type = UPLOAD_ROWS,
                                .number = i->rows_told,
                                .bytes = { i->rows.data, len } };
        if (!intake_say(i, now_us, &m))
            return;
        i->rows_told += len;
        buf_consume(&i->rows, len);
    }
    if (i->is_paused && i->call_runs && i->rows.len <= INTAKE_ROWS_LOW_BYTES) {
        i->is_paused = false;
        http_client_resume(i->client, &i->call);
    }
}

static void intake_say_result(struct intake *i, uint64_t now_us)
{
    struct upload_msg m = { .type = UPLOAD_RESULT,
                            .number = i->rows_told,
                            .err = i->err,
                            .text = { i->text, strlen(i->text) } };
    if (intake_say(i, now_us, &m))
        i->phase = INTAKE_TOLD;
}

void intake_step(struct intake *i, uint64_t now_us)
{
    i->retry_us = UINT64_MAX;
    if (i->phase != INTAKE_TOLD && now_us - i->heard_us >= INTAKE_SILENCE_US)
        intake_cancel(i);
    if (i->phase == INTAKE_ADDING && i->call_runs && !i->end_is_passed)
        intake_pass_bytes(i);
    if (i->phase == INTAKE_ADDING && i->is_answered)
        intake_await_end(i);
    if (i->phase == INTAKE_ADDING || i->phase == INTAKE_CHECKING)
        intake_say_credit(i, now_us);
    if (i->phase != INTAKE_TOLD && i->err == OK)
        intake_say_rows(i, now_us);
    if (i->phase == INTAKE_ENDED && (i->err != OK || i->rows.len == 0))
        intake_say_result(i, now_us);
}

uint64_t intake_deadline_us(const struct intake *i)
{
    uint64_t silence_us = i->heard_us + INTAKE_SILENCE_US;
    uint64_t speak_us = i->retry_us;
    if (i->phase == INTAKE_TOLD)
        return UINT64_MAX; /* only the daemon's last word is missing */
    /* With the verdict, nothing is said until the rows before it are wanted. */
    if (speak_us == UINT64_MAX && i->phase != INTAKE_ENDED)
        speak_us = i->said_us + INTAKE_ALIVE_US;
    return speak_us < silence_us ? speak_us : silence_us;
}
