/* pins.c -- pin/add, pin/rm and pin/update: one argument after the other, each written through the cluster. As
 * with the daemon, what came before a bad argument stays done. pin/update has two: the second is pinned as an
 * update of the first, which then goes, unless unpin=false.
 *
 * pin/add answers when the pin is committed. With progress=true it says, once a second, how far the cluster is, and ends when
 * as many peers as the pin needs have it: so a cluster whose daemon this proxy is sees the truth, and not a promise.
 *
 * pin/add and pin/rm have further arguments in the body, behind those of the query. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "ipfs/kubo_reply.h"
#include "ipfs/kubo_request.h"
#include "util/err.h"
#include "util/json.h"

enum proxy_pins_kind { PROXY_PINS_ADD, PROXY_PINS_REMOVE, PROXY_PINS_UPDATE };

struct proxy_pins {
    struct proxy_job job; /* first */
    enum proxy_pins_kind kind;
    struct cid from, to; /* update */
    bool is_unpinning;   /* update: `to` is pinned, and `from` is on its way out */
    unsigned nth;        /* argument */
    struct buf arg;      /* its text */
    struct proxy_body_args body;
    struct buf answer; /* {"Pins":[..., as far as it is */
    struct json_writer writer;
    struct buf name; /* pin/add's option */
    struct proxy_write write;
    bool write_runs;
    bool shows_progress;
    bool has_room; /* for another line of it */
    struct proxy_watch watch;
    bool is_watching;
    /* A path is resolved by the daemon. */
    struct http_call call;
    struct buf target;
    struct kubo_reply reply;
    struct cid resolved;
    bool call_runs;
};

static void proxy_pins_next(struct proxy_pins *j);

static void proxy_pins_free_job(struct proxy_job *job)
{
    struct proxy_pins *j = (struct proxy_pins *)job;
    buf_deinit(&j->arg);
    proxy_body_args_deinit(&j->body);
    buf_deinit(&j->answer);
    buf_deinit(&j->name);
    buf_deinit(&j->target);
    kubo_reply_deinit(&j->reply);
}

static void proxy_pins_fail(struct proxy_pins *j, int status, const char *message)
{
    if (j->job.x->reply_begun) {
        struct http_field trailer = { { "X-Stream-Error", 14 }, { message, strlen(message) } };
        http_reply_end(j->job.x, &trailer, 1);
        proxy_job_destroy(&j->job);
        return;
    }
    proxy_reply_error(j->job.proxy, j->job.x, status, message);
    proxy_job_destroy(&j->job);
}

static void proxy_pins_fail_path(struct proxy_pins *j, const char *why)
{
    struct buf message = { 0 };
    if (j->kind == PROXY_PINS_UPDATE)
        buf_printf(&message,
                   "error parsing \"%s\" argument: ", j->nth == 0 ? "from-path" : "to-path");
    else
        buf_append_text(&message, "Error parsing IPFS Path: ");
    buf_printf(&message, "invalid path \"%s\": %s", buf_text(&j->arg), why);
    proxy_pins_fail(j, 500, buf_text(&message));
    buf_deinit(&message);
}

/* ---- the write ---- */

static void proxy_pins_updated(struct proxy_pins *j);
static void proxy_pins_watch(struct proxy_pins *j, const struct cid *cid);

/* This argument is done. */
static void proxy_pins_said(struct proxy_pins *j, const struct cid *cid)
{
    json_string(&j->writer, cid_print(cid).text);
    j->nth += 1;
    proxy_pins_next(j);
}

static void proxy_pins_fail_write(struct proxy_pins *j, int err, const char *why)
{
    if (j->kind == PROXY_PINS_REMOVE && err == ERR_NOT_FOUND)
        why = "not pinned or pinned indirectly"; /* Kubo's words, by which its clients know it */
    else if (j->kind == PROXY_PINS_UPDATE && err == ERR_NOT_FOUND)
        why = "'from' cid was not recursively pinned already";
    proxy_pins_fail(j, 500, why != NULL && why[0] != 0 ? why : err_text(err));
}

static void proxy_pins_written(struct proxy_write *write, int err, const char *why)
{
    struct proxy_pins *j = write->owner;
    j->write_runs = false;
    if (err != OK) {
        proxy_pins_fail_write(j, err, why);
        return;
    }
    if (j->kind == PROXY_PINS_UPDATE) {
        proxy_pins_updated(j);
        return;
    }
    if (j->shows_progress)
        proxy_pins_watch(j, &write->pin.cid);
    else
        proxy_pins_said(j, &write->pin.cid);
}

static bool proxy_pins_is_recursive(const struct http_request *r)
{
    return proxy_flag(r, "recursive", proxy_flag(r, "r", true));
}

/* Direct, that is: this block alone? V1 reads `type`, Kubo's own clients send `recursive`. */
static bool proxy_pins_is_direct(const struct http_request *r)
{
    struct buf type = { 0 };
    bool is_direct =
        http_request_param(r, "type", 0, &type) == OK && strcmp(buf_text(&type), "direct") == 0;
    buf_deinit(&type);
    return is_direct || !proxy_pins_is_recursive(r);
}

/* Whoever takes back a direct pin alone must not lose a whole tree. By the state as it is here. */
static int proxy_pins_check_removal(const struct proxy_pins *j, const struct cid *cid,
                                    struct buf *why)
{
    struct proxy *p = j->job.proxy;
    struct arena arena = { 0 };
    struct pin pin;
    if (proxy_pins_is_recursive(&j->job.x->request))
        return OK;
    int err = p->ops->pin_get(p->impl, cid, &arena, &pin);
    if (err == OK && pin.max_depth != PIN_DEPTH_DIRECT) {
        buf_printf(why, "%s is pinned recursively", cid_print(cid).text);
        err = ERR_REFUSED;
    }
    arena_deinit(&arena);
    return err == ERR_NOT_FOUND ? OK : err; /* the write will say that */
}

static void proxy_pins_start_write(struct proxy_pins *j, bool removes)
{
    struct proxy *p = j->job.proxy;
    struct buf why = { 0 };
    int err = OK;
    if (j->kind == PROXY_PINS_REMOVE)
        err = proxy_pins_check_removal(j, &j->write.pin.cid, &why);
    if (err == OK)
        err = (removes ? p->ops->unpin : p->ops->pin)(p->impl, &j->write, &why);
    j->write_runs = err == OK;
    if (err != OK)
        proxy_pins_fail_write(j, err, buf_text(&why));
    buf_deinit(&why);
}

static void proxy_pins_begin_write(struct proxy_pins *j, const struct cid *cid)
{
    j->write = (struct proxy_write){ .pin = pin_of(cid), .done = proxy_pins_written, .owner = j };
    j->write.pin.replication_min = 0;
    j->write.pin.replication_max = 0;
    j->write.pin.name = buf_bytes(&j->name);
}

/* This argument leads to that CID. */
static void proxy_pins_take_cid(struct proxy_pins *j, const struct cid *cid)
{
    if (j->kind == PROXY_PINS_UPDATE && j->nth == 0) {
        j->from = *cid;
        j->nth = 1;
        proxy_pins_next(j);
        return;
    }
    proxy_pins_begin_write(j, cid);
    if (j->kind == PROXY_PINS_UPDATE) {
        j->to = *cid;
        j->write.pin.update_of = j->from;
    } else if (j->kind == PROXY_PINS_ADD && proxy_pins_is_direct(&j->job.x->request)) {
        j->write.pin.max_depth = PIN_DEPTH_DIRECT;
    }
    proxy_pins_start_write(j, j->kind == PROXY_PINS_REMOVE);
}

/* ---- progress ---- */

static void proxy_pins_end_watch(struct proxy_pins *j)
{
    struct proxy *p = j->job.proxy;
    if (j->is_watching)
        p->ops->watch_end(p->impl, &j->watch);
    j->is_watching = false;
}

static void proxy_pins_begin_lines(struct proxy_pins *j)
{
    struct http_field fields[PROXY_FIELDS_MAX + 1];
    size_t count = proxy_fields(j->job.proxy, true, fields);
    fields[count++] = HTTP_FIELD("Content-Type", "application/json");
    fields[count++] = HTTP_FIELD("Trailer", "X-Stream-Error");
    http_reply_begin(j->job.x, 200, fields, count, -1);
    j->has_room = true;
}

static void proxy_pins_on_drain(struct http_exchange *x)
{
    ((struct proxy_pins *)x->owner)->has_room = true;
}

static void proxy_pins_on_look(struct proxy_watch *w, const struct proxy_look *look)
{
    struct proxy_pins *j = w->owner;
    struct cid cid = w->cid;
    char room[96];
    struct buf line = buf_over(room, sizeof(room));
    if (look->is_gone || look->pinned >= look->needed)
        proxy_pins_end_watch(j);
    if (look->is_gone) {
        proxy_pins_fail(j, 500, "it was unpinned before it was pinned");
    } else if (look->pinned >= look->needed) {
        proxy_pins_said(j, &cid);
    } else if (j->has_room) {
        buf_printf(&line, "{\"Progress\":%llu,\"Bytes\":%llu}\n", (unsigned long long)look->blocks,
                   (unsigned long long)look->bytes);
        j->has_room = http_reply_write(j->job.x, line.data, line.len);
    }
}

static void proxy_pins_watch(struct proxy_pins *j, const struct cid *cid)
{
    struct proxy *p = j->job.proxy;
    if (!j->job.x->reply_begun)
        proxy_pins_begin_lines(j);
    j->watch = (struct proxy_watch){ .cid = *cid, .on_look = proxy_pins_on_look, .owner = j };
    int err = p->ops->watch(p->impl, &j->watch);
    j->is_watching = err == OK;
    if (err != OK)
        proxy_pins_fail(j, 503, err_text(err));
}

/* ---- paths ---- */

static void proxy_pins_on_row(void *owner, const struct kubo_row *row)
{
    struct proxy_pins *j = owner;
    static const char front[] = "/ipfs/";
    size_t front_len = sizeof(front) - 1;
    struct bytes text = row->text;
    if (row->kind == KUBO_ROW_TEXT && text.len > front_len &&
        memcmp(text.data, front, front_len) == 0)
        (void)cid_parse_len(&j->resolved, (const char *)text.data + front_len,
                            text.len - front_len);
}

static void proxy_pins_on_head(struct http_call *call, int status, const struct http_field *fields,
                               size_t count)
{
    struct proxy_pins *j = call->owner;
    (void)fields;
    (void)count;
    kubo_reply_on_head(&j->reply, status);
}

static void proxy_pins_on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct proxy_pins *j = call->owner;
    kubo_reply_on_body(&j->reply, bytes, len);
}

static void proxy_pins_on_trailer(struct http_call *call, const struct http_field *fields,
                                  size_t count)
{
    struct proxy_pins *j = call->owner;
    kubo_reply_on_trailer(&j->reply, fields, count);
}

static void proxy_pins_resolved(struct http_call *call, int err)
{
    struct proxy_pins *j = call->owner;
    j->call_runs = false;
    j->job.proxy->calls_count -= 1;
    int verdict = kubo_reply_end(&j->reply, err);
    if (j->job.x == NULL)
        proxy_job_destroy(&j->job);
    else if (verdict != OK)
        proxy_pins_fail(j, err == OK ? 500 : 502, kubo_reply_text(&j->reply));
    else if (cid_is_undefined(&j->resolved))
        proxy_pins_fail_path(j, "it does not lead to a CID");
    else
        proxy_pins_take_cid(j, &j->resolved);
}

static void proxy_pins_resolve(struct proxy_pins *j, const char *path)
{
    struct proxy *p = j->job.proxy;
    buf_clear(&j->target);
    kubo_request_resolve(&j->target, path);
    kubo_reply_deinit(&j->reply);
    kubo_reply_init(&j->reply, KUBO_RESOLVE, proxy_pins_on_row, j);
    j->resolved = (struct cid){ 0 };
    j->call = (struct http_call){ .method = KUBO_METHOD,
                                  .target = buf_text(&j->target),
                                  .on_head = proxy_pins_on_head,
                                  .on_body = proxy_pins_on_body,
                                  .on_trailer = proxy_pins_on_trailer,
                                  .done = proxy_pins_resolved,
                                  .owner = j };
    int err = j->target.err;
    if (err == OK)
        err = p->calls_count < p->options.calls_max ? OK : ERR_BUSY;
    if (err == OK)
        err = http_client_start(p->client, &j->call);
    if (err != OK) {
        proxy_pins_fail(j, 503, err_text(err));
        return;
    }
    j->call_runs = true;
    p->calls_count += 1;
}

/* Where the path's first segment begins, or NULL: "/ipfs/", "/ipns/" or "/ipld/" in front. */
static const char *proxy_path_root(const char *path)
{
    static const char *const kinds[] = { "/ipfs/", "/ipns/", "/ipld/" };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(path, kinds[i], 6) == 0)
            return path + 6;
    }
    return NULL;
}

static void proxy_pins_take_arg(struct proxy_pins *j)
{
    const char *arg = buf_text(&j->arg);
    const char *root = proxy_path_root(arg);
    struct cid cid;
    int err = cid_parse(&cid, root != NULL && arg[3] != 'n' ? root : arg);
    if (arg[0] == '/' && root == NULL) {
        proxy_pins_fail_path(j, "unknown namespace");
    } else if (err == OK) {
        proxy_pins_take_cid(j, &cid);
    } else if (root != NULL && *root != 0) {
        proxy_pins_resolve(j, arg);
    } else if (strchr(arg, '/') != NULL) { /* "CID/a/b" */
        struct buf path = { 0 };
        buf_printf(&path, "/ipfs/%s", arg);
        proxy_pins_resolve(j, buf_text(&path));
        buf_deinit(&path);
    } else if (err == ERR_TOO_BIG) {
        proxy_pins_fail_path(j, "the CID's digest is longer than 128 bytes");
    } else {
        proxy_pins_fail_path(j, "path does not have enough components");
    }
}

/* ---- the request ---- */

static void proxy_pins_finish(struct proxy_pins *j)
{
    json_array_end(&j->writer);
    json_object_end(&j->writer);
    if (j->job.x->reply_begun) {
        buf_put_u8(&j->answer, '\n');
        if (j->answer.err != OK) {
            proxy_pins_fail(j, 503, err_text(j->answer.err));
            return;
        }
        http_reply_write(j->job.x, j->answer.data, j->answer.len);
        http_reply_end(j->job.x, NULL, 0);
    } else {
        proxy_reply(j->job.proxy, j->job.x, 200, &j->answer);
    }
    proxy_job_destroy(&j->job);
}

/* `to` is pinned, or `from` is gone, too. */
static void proxy_pins_updated(struct proxy_pins *j)
{
    bool unpins = proxy_flag(&j->job.x->request, "unpin", true) && !cid_equal(&j->from, &j->to);
    if (unpins && !j->is_unpinning) {
        j->is_unpinning = true;
        proxy_pins_begin_write(j, &j->from);
        proxy_pins_start_write(j, true);
        return;
    }
    json_string(&j->writer, cid_print(&j->from).text);
    json_string(&j->writer, cid_print(&j->to).text);
    proxy_pins_finish(j);
}

static const char *proxy_pins_command(const struct proxy_pins *j)
{
    switch (j->kind) {
    case PROXY_PINS_ADD:
        return "pin/add";
    case PROXY_PINS_REMOVE:
        return "pin/rm";
    case PROXY_PINS_UPDATE:
        return "pin/update";
    }
    return "";
}

static void proxy_pins_lack(struct proxy_pins *j)
{
    if (j->kind == PROXY_PINS_UPDATE)
        proxy_pins_fail(j, 400,
                        j->nth == 0 ? "argument \"from-path\" is required"
                                    : "argument \"to-path\" is required");
    else
        proxy_pins_fail_path(j, "path does not have enough components");
}

static void proxy_pins_next(struct proxy_pins *j)
{
    int err = proxy_arg(&j->job.x->request, proxy_pins_command(j), j->nth, &j->arg);
    if (err == ERR_NOT_FOUND)
        err = proxy_body_args_next(&j->body, &j->arg);
    if (err == OK)
        proxy_pins_take_arg(j);
    else if (err == ERR_NOT_FOUND && j->nth > 0 && j->kind != PROXY_PINS_UPDATE)
        proxy_pins_finish(j);
    else if (err == ERR_NOT_FOUND)
        proxy_pins_lack(j);
    else if (err == ERR_NOMEM)
        proxy_pins_fail(j, 503, err_text(err));
    else
        proxy_pins_fail_path(j, "malformed percent-encoding, or no text");
}

/* ---- the body ---- */

static void proxy_pins_fail_body(struct proxy_pins *j, int err)
{
    if (err == ERR_TOO_BIG)
        proxy_pins_fail(j, 413, "too many arguments in the body: 1 MiB of them at a time");
    else if (err == ERR_NOMEM)
        proxy_pins_fail(j, 503, err_text(err));
    else
        proxy_pins_fail(j, 400, "the body is no multipart/form-data, or was cut short");
}

static size_t proxy_pins_on_args(struct http_exchange *x, const void *bytes, size_t len)
{
    struct proxy_pins *j = x->owner;
    int err = proxy_body_args_feed(&j->body, bytes, len);
    if (err != OK)
        proxy_pins_fail_body(j, err);
    return len;
}

static void proxy_pins_on_args_end(struct http_exchange *x)
{
    struct proxy_pins *j = x->owner;
    int err = proxy_body_args_end(&j->body);
    x->on_body = NULL;
    x->on_body_end = NULL;
    if (err == OK)
        proxy_pins_next(j);
    else
        proxy_pins_fail_body(j, err);
}

/* Goes on with the first argument, once all of them are here. */
static void proxy_pins_take_body(struct proxy_pins *j)
{
    struct http_exchange *x = j->job.x;
    int err =
        j->kind == PROXY_PINS_UPDATE ? ERR_NOT_FOUND : proxy_body_args_begin(&j->body, &x->request);
    x->on_body = err == OK ? proxy_pins_on_args : NULL;
    if (x->request.has_body)
        http_exchange_resume(x);
    if (err == ERR_NOT_FOUND)
        proxy_pins_next(j);
    else if (err != OK)
        proxy_pins_fail_body(j, err);
    else if (x->body_over)
        proxy_pins_on_args_end(x);
    else
        x->on_body_end = proxy_pins_on_args_end;
}

/* A write that is under way goes on without its client. */
static void proxy_pins_on_abort(struct http_exchange *x)
{
    struct proxy_pins *j = x->owner;
    struct proxy *p = j->job.proxy;
    j->job.x = NULL;
    if (j->call_runs) {
        http_client_cancel(p->client, &j->call); /* its done() frees */
        return;
    }
    proxy_pins_end_watch(j);
    if (j->write_runs)
        p->ops->forget(p->impl, &j->write);
    proxy_job_destroy(&j->job);
}

static void proxy_pins_start(struct proxy *p, struct http_exchange *x, enum proxy_pins_kind kind)
{
    struct proxy_pins *j = proxy_job_create(p, x, sizeof(*j), proxy_pins_free_job);
    if (j == NULL)
        return;
    x->on_abort = proxy_pins_on_abort;
    j->kind = kind;
    j->shows_progress = kind == PROXY_PINS_ADD && proxy_flag(&x->request, "progress", false);
    x->on_drain = proxy_pins_on_drain;
    j->writer = json_writer_to(&j->answer);
    json_object_begin(&j->writer);
    json_key(&j->writer, "Pins");
    json_array_begin(&j->writer);
    kubo_reply_init(&j->reply, KUBO_RESOLVE, NULL, NULL);
    if (kind == PROXY_PINS_ADD)
        (void)proxy_option(&x->request, "name", "n", &j->name); /* absent: none */
    proxy_pins_take_body(j);
}

void proxy_pin_add(struct proxy *p, struct http_exchange *x)
{
    proxy_pins_start(p, x, PROXY_PINS_ADD);
}

void proxy_pin_rm(struct proxy *p, struct http_exchange *x)
{
    proxy_pins_start(p, x, PROXY_PINS_REMOVE);
}

void proxy_pin_update(struct proxy *p, struct http_exchange *x)
{
    proxy_pins_start(p, x, PROXY_PINS_UPDATE);
}
