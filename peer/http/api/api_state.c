/* api_state.c -- /state: all pins out of a running peer, and into a running cluster.
 *
 *      GET  /state/export   one pin a line, as they stood at one moment
 *      POST /state/import   the same lines (or V0's backups) as the body; each pin is a write through the log
 *
 * An import keeps API_IMPORT_WINDOW writes under way, and takes no more of the body than that needs: the client is slowed
 * down by the log, and neither side holds the file. What one pin is refused for does not stop the others; it is counted, and
 * the first ones are named. Losing the leader, or a line that is no pin, stops it. Repeating it is safe: what is there
 * already is written again. */
#include "http/api/api_int.h"
#include "state/pin_json.h"
#include "state/pin_reader.h"

/* ---- export ---- */

static enum api_next api_export_next(struct api_rows *rows, struct json_writer *json)
{
    struct pin pin;
    enum api_next next = rows->api->ops->export_next(rows->listing, &rows->arena, &pin);
    if (next == API_NEXT_ROW)
        pin_json_write(json, &pin, &rows->names);
    return next;
}

static void api_export_close(struct api_rows *rows)
{
    rows->api->ops->export_close(rows->listing);
}

API_HANDLER(api_get_state_export)
{
    static const struct api_rows_kind kind = {
        api_export_next, api_export_close, "the state could not be exported: see this peer's log"
    };
    (void)params;
    struct api *api = owner;
    struct api_rows *rows = api_rows_create(api, &kind);
    struct api_listing_hooks hooks = { .on_wake = api_rows_wake, .owner = rows };
    struct api_export *export = NULL;
    int err = rows == NULL ? ERR_NOMEM : api->ops->export_open(api->impl, &hooks, &export);
    if (err == OK)
        rows->listing = export;
    api_rows_answer(rows, x, err,
                    err == ERR_BUSY ? "too many exports are under way: try again later" : NULL);
}

/* ---- import ---- */

enum {
    API_IMPORT_WINDOW = 256,
    API_IMPORT_NAMED_MAX = 20, /* refused pins in the answer */
};

struct api_import;

struct api_import_write {
    struct api_import *import;
    struct api_call call;
    struct arena arena;
    struct cid cid;
    bool is_busy;
};

struct api_import {
    struct api *api;
    struct http_exchange *x;
    struct pin_reader reader;
    struct api_import_write writes[API_IMPORT_WINDOW];
    size_t busy_count;
    struct api_import_write
        *refused; /* for want of room in the log: again when another one is through */
    bool body_has_ended;
    bool is_paused;
    int err; /* nothing more is begun */
    struct buf why;
    uint64_t imported_count;
    uint64_t refused_count;
    struct buf named; /* JSON objects, separated by commas */
    bool is_pumping;
};

static void api_import_free(struct api_import *m)
{
    for (size_t i = 0; i < API_IMPORT_WINDOW; i++)
        arena_deinit(&m->writes[i].arena);
    pin_reader_deinit(&m->reader);
    buf_deinit(&m->why);
    buf_deinit(&m->named);
    mem_free(m);
}

/* Of this pin alone, or of all that would follow? */
static bool api_import_goes_on(int err)
{
    return err == ERR_CORRUPT || err == ERR_INVALID || err == ERR_TOO_BIG ||
           err == ERR_NOT_ENOUGH_PEERS || err == ERR_STALE || err == ERR_NOT_FOUND;
}

static void api_import_ended(struct api_import *m, const struct cid *cid, int err, const char *why)
{
    if (err == OK) {
        m->imported_count += 1;
    } else if (!api_import_goes_on(err)) {
        if (m->err == OK) {
            m->err = err;
            buf_append_text(&m->why, why != NULL && why[0] != '\0' ? why : err_text(err));
        }
    } else if (m->refused_count++ < API_IMPORT_NAMED_MAX) {
        if (m->named.len > 0)
            buf_put_u8(&m->named, ',');
        struct json_writer w = json_writer_to(&m->named);
        json_object_begin(&w);
        json_key_string(&w, "cid", cid_print(cid).text);
        json_key_string(&w, "error", why != NULL && why[0] != '\0' ? why : err_text(err));
        json_object_end(&w);
    }
}

static void api_import_answer(struct api_import *m)
{
    struct buf out = { 0 };
    if (m->err != OK) {
        buf_printf(&out, "%s (%llu pins were imported; it is safe to repeat)", buf_text(&m->why),
                   (unsigned long long)m->imported_count);
        http_reply_error(m->x, m->err == ERR_INVALID ? 400 : http_status_of(m->err), buf_text(&out),
                         NULL, 0);
        buf_deinit(&out);
    } else {
        struct json_writer w = json_writer_to(&out);
        json_object_begin(&w);
        json_key_u64(&w, "imported", m->imported_count);
        json_key_u64(&w, "refused", m->refused_count);
        json_key(&w, "errors");
        buf_put_u8(&out, '[');
        buf_append(&out, m->named.data, m->named.len);
        buf_put_u8(&out, ']');
        json_object_end(&w);
        api_reply_json(m->x, 200, &out);
    }
}

static void api_import_pump(struct api_import *m);

static void api_import_write_done(struct api_call *call, int err, const char *why)
{
    struct api_import_write *w = call->owner;
    struct api_import *m = w->import;
    w->is_busy = false;
    m->busy_count -= 1;
    api_import_ended(m, &w->cid, err, why);
    api_import_pump(m);
}

/* False: the log has no room now, and w waits. */
static bool api_import_start(struct api_import *m, struct api_import_write *w)
{
    struct buf why = { 0 };
    int err = m->api->ops->pin(m->api->impl, &w->call, &why);
    bool waits = err == ERR_BUSY && m->busy_count > 0;
    if (err == OK) {
        w->is_busy = true;
        m->busy_count += 1;
    } else if (!waits) {
        api_import_ended(m, &w->cid, err, buf_text(&why));
    }
    m->refused = waits ? w : NULL;
    buf_deinit(&why);
    return !waits;
}

static struct api_import_write *api_import_idle(struct api_import *m)
{
    for (size_t i = 0; i < API_IMPORT_WINDOW; i++) {
        if (!m->writes[i].is_busy)
            return &m->writes[i];
    }
    return NULL;
}

/* The next pin of the text. False: there is none yet, or never will be. Who held it becomes a wish: the leader decides. */
static bool api_import_next(struct api_import *m)
{
    struct api_import_write *w = api_import_idle(m);
    arena_reset(&w->arena);
    w->import = m;
    w->call = (struct api_call){ .done = api_import_write_done, .owner = w, .is_restored = true };
    int err = pin_reader_next(&m->reader, &w->arena, &w->call.pin);
    if (err == ERR_MORE && m->body_has_ended)
        err = pin_reader_end(&m->reader) == OK ? ERR_MORE : ERR_INVALID;
    if (err == ERR_MORE)
        return false;
    if (err != OK) {
        m->err = err == ERR_NOMEM ? err : ERR_INVALID;
        buf_append_text(&m->why, pin_reader_why(&m->reader));
        return false;
    }
    w->cid = w->call.pin.cid;
    w->call.priority = w->call.pin.allocations;
    w->call.priority_count = w->call.pin.allocations_count;
    w->call.pin.allocations_count = 0;
    return api_import_start(m, w);
}

static bool api_import_is_full(const struct api_import *m)
{
    return m->busy_count >= API_IMPORT_WINDOW || m->refused != NULL;
}

/* Goes on as far as it can; at the end answers, and frees. */
static void api_import_pump(struct api_import *m)
{
    if (m->is_pumping)
        return;
    m->is_pumping = true;
    if (m->refused != NULL && m->err == OK)
        (void)api_import_start(m, m->refused);
    while (m->err == OK && !api_import_is_full(m) && api_import_next(m))
        ;
    m->is_pumping = false;
    bool is_over = m->err != OK || (m->body_has_ended && !api_import_is_full(m));
    if (is_over && m->busy_count == 0) {
        api_import_answer(m);
        api_import_free(m);
    } else if (m->is_paused && !api_import_is_full(m)) {
        m->is_paused = false;
        http_exchange_resume(m->x);
    }
}

static size_t api_import_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct api_import *m = x->owner;
    if (m->err != OK)
        return len; /* is dropped: the answer waits for what is under way */
    m->is_paused = api_import_is_full(m);
    if (m->is_paused)
        return 0;
    pin_reader_push(&m->reader, bytes, len); /* what one read of the socket gave */
    api_import_pump(m);
    return len;
}

static void api_import_on_body_end(struct http_exchange *x)
{
    struct api_import *m = x->owner;
    m->body_has_ended = true;
    api_import_pump(m);
}

/* What is under way goes on; the rest of the file is not begun. */
static void api_import_gone(struct http_exchange *x)
{
    struct api_import *m = x->owner;
    for (size_t i = 0; i < API_IMPORT_WINDOW; i++) {
        if (m->writes[i].is_busy)
            m->api->ops->forget(m->api->impl, &m->writes[i].call);
    }
    api_import_free(m);
}

API_HANDLER(api_post_state_import)
{
    (void)params;
    struct api_import *m = mem_zalloc(sizeof(*m));
    if (m == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    m->api = owner;
    m->x = x;
    pin_reader_init(&m->reader);
    x->owner = m;
    x->on_body = api_import_on_body;
    x->on_body_end = api_import_on_body_end;
    x->on_abort = api_import_gone;
}
