/* add.c -- /add, block/put, dag/put: the local daemon does it, without its own pin; the roots are pinned in the cluster.
 *
 * The daemon's lines go to the client as they come. What they do not say yet is whether the add was
 * whole (an upload cut short gives a CID, too, of the shortened content; only the trailer tells), so
 * pinning waits for the end, and the end of the client's answer waits for the pins. A pin that fails
 * is told by the trailer X-Stream-Error, as the daemon would tell a failure of its own.
 *
 * With silent=true the daemon would not say what to pin: it is not told, and what it says is kept from the client. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/parse.h"
#include "ipfs/kubo_reply.h"
#include "util/err.h"

enum {
    PROXY_ROOTS_BYTES_MAX = 256 * 1024
}; /* some 7000; whoever adds more wraps them in a folder */

struct proxy_add {
    struct proxy_forward f; /* first */
    struct kubo_reply reply;
    struct buf roots; /* runs, each a binary CID */
    size_t roots_done;
    struct cid wrapper; /* of wrap-with-directory: the only root then */
    struct arena arena; /* of what the pins have in common */
    struct proxy_write asked;
    bool is_not_pinned;
    bool is_silent;
    struct proxy_write write;
    bool write_runs;
    struct buf pin_name; /* Kubo's option; it wins over `name` */
};

static void proxy_add_free_job(struct proxy_job *job)
{
    struct proxy_add *a = (struct proxy_add *)job;
    kubo_reply_deinit(&a->reply);
    buf_deinit(&a->roots);
    buf_deinit(&a->pin_name);
    arena_deinit(&a->arena);
    proxy_forward_free(&a->f);
}

/* ---- what the daemon says ---- */

/* Names of files and folders are paths, the top ones without '/'. The wrapping folder has no name. */
static void proxy_add_on_row(void *owner, const struct kubo_row *row)
{
    struct proxy_add *a = owner;
    if (row->kind == KUBO_ROW_BLOCK) {
        buf_put_run(&a->roots, row->block.cid.bytes, row->block.cid.len);
        return;
    }
    struct bytes name = row->added.name;
    if (row->kind != KUBO_ROW_ADDED || cid_is_undefined(&row->added.cid))
        return; /* progress */
    if (name.len == 0)
        a->wrapper = row->added.cid;
    else if (memchr(name.data, '/', name.len) == NULL)
        buf_put_run(&a->roots, row->added.cid.bytes, row->added.cid.len);
}

static struct proxy_add *proxy_add_of(struct proxy_forward *f)
{
    return (struct proxy_add *)f;
}

static void proxy_add_on_head(struct proxy_forward *f, int status)
{
    struct proxy_add *a = proxy_add_of(f);
    f->is_mute = status == 200 && a->is_silent; /* the words of a refusal are for the client */
    kubo_reply_on_head(&a->reply, status);
}

static void proxy_add_on_body(struct proxy_forward *f, const void *bytes, size_t len)
{
    kubo_reply_on_body(&proxy_add_of(f)->reply, bytes, len);
}

static void proxy_add_on_trailer(struct proxy_forward *f, const struct http_field *fields,
                                 size_t count)
{
    kubo_reply_on_trailer(&proxy_add_of(f)->reply, fields, count);
}

/* ---- pinning ---- */

static void proxy_add_next(struct proxy_add *a);

static void proxy_add_fail(struct proxy_add *a, const char *why)
{
    struct buf message = { 0 };
    buf_printf(&message, "the content was added, but not pinned in the cluster: %s", why);
    proxy_forward_end(&a->f, buf_text(&message));
    buf_deinit(&message);
}

static void proxy_add_pinned(struct proxy_write *write, int err, const char *why)
{
    struct proxy_add *a = write->owner;
    a->write_runs = false;
    if (err == OK)
        proxy_add_next(a);
    else
        proxy_add_fail(a, why != NULL && why[0] != 0 ? why : err_text(err));
}

static bool proxy_add_take_root(struct proxy_add *a, struct cid *out)
{
    struct reader rest = reader_of(a->roots.data + a->roots_done, a->roots.len - a->roots_done);
    struct bytes run = reader_run(&rest, LIMIT_CID_BYTES);
    if (rest.err != OK || cid_from_bytes(out, run.data, run.len) != OK)
        return false;
    a->roots_done = a->roots.len - rest.left;
    return true;
}

/* The next root, or the end. */
static void proxy_add_next(struct proxy_add *a)
{
    struct proxy *p = a->f.job.proxy;
    struct buf why = { 0 };
    struct cid root;
    if (!proxy_add_take_root(a, &root)) {
        proxy_forward_end(&a->f, NULL);
        return;
    }
    a->write = a->asked;
    a->write.pin.cid = root;
    a->write.done = proxy_add_pinned;
    a->write.owner = a;
    int err = p->ops->pin(p->impl, &a->write, &why);
    a->write_runs = err == OK;
    if (err != OK)
        proxy_add_fail(a, why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&why);
}

/* The client leaves while a pin is under way: that one goes on, further ones do not begin. */
static void proxy_add_on_abort(struct http_exchange *x)
{
    struct proxy_add *a = x->owner;
    struct proxy *p = a->f.job.proxy;
    if (a->write_runs)
        p->ops->forget(p->impl, &a->write);
    proxy_job_destroy(&a->f.job);
}

static bool proxy_add_on_end(struct proxy_forward *f, int err)
{
    struct proxy_add *a = proxy_add_of(f);
    int verdict = kubo_reply_end(&a->reply, err);
    if (err != OK || f->job.x == NULL || a->reply.status != 200 || a->is_not_pinned)
        return false;
    if (verdict != OK) {
        bool is_told = http_field_value(f->trailer, f->trailer_count, "X-Stream-Error").len > 0;
        proxy_forward_end(f, is_told ? NULL : kubo_reply_text(&a->reply));
        return true;
    }
    if (!cid_is_undefined(&a->wrapper)) {
        buf_clear(&a->roots);
        buf_put_run(&a->roots, a->wrapper.bytes, a->wrapper.len);
    }
    f->job.x->on_abort = proxy_add_on_abort;
    if (a->roots.err != OK)
        proxy_add_fail(a, "too many roots; wrap them in a folder");
    else
        proxy_add_next(a);
    return true;
}

/* ---- the request ---- */

/* Of the client's query what does not go to the daemon: how it is pinned, and ipfs-cluster's names for what Kubo calls otherwise. */
static bool proxy_add_keeps(const struct proxy_add *a, const char *name)
{
    static const char *const ours[] = { "pin", "pin-name", "no-pin", "layout", "format", "silent" };
    size_t count = a->reply.command == KUBO_ADD ? sizeof(ours) / sizeof(ours[0]) : 2;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, ours[i]) == 0)
            return true;
    }
    return false;
}

/* The client's query without that, and pin=false. */
static int proxy_add_put_target(struct proxy_add *a, const char *command,
                                const struct http_request *r)
{
    struct buf name = { 0 };
    struct buf value = { 0 };
    struct buf *target = &a->f.target;
    int err = OK;
    buf_printf(target, "/api/v0/%s?", command);
    for (const char *rest = r->query; err != ERR_NOT_FOUND && err != ERR_NOMEM;) {
        const char *pair = rest;
        err = http_query_next(&rest, &name, &value);
        if (err == OK && strcmp(buf_text(&name), "pin-name") == 0)
            buf_append(&a->pin_name, value.data, value.len);
        if (err == ERR_NOT_FOUND || proxy_add_keeps(a, buf_text(&name)))
            continue;
        buf_append(target, pair + (*pair == '&'), (size_t)(rest - pair) - (*pair == '&'));
        buf_put_u8(target, '&');
    }
    buf_append_text(target, "pin=false");
    buf_deinit(&name);
    buf_deinit(&value);
    if (err == ERR_NOMEM)
        return err;
    return target->err != OK ? target->err : a->pin_name.err;
}

/* ipfs-cluster's names: `layout`, `format`. */
static int proxy_add_read_layout(struct proxy_add *a, const struct http_request *r, struct buf *why)
{
    struct buf value = { 0 };
    int err = OK;
    bool is_given = http_request_param(r, "layout", 0, &value) == OK && value.len > 0;
    if (is_given && strcmp(buf_text(&value), "trickle") == 0) {
        buf_append_text(&a->f.target, "&trickle=true");
    } else if (is_given && strcmp(buf_text(&value), "balanced") != 0) {
        buf_append_text(why, "layout parameter is invalid");
        err = ERR_INVALID;
    }
    is_given = http_request_param(r, "format", 0, &value) == OK && value.len > 0;
    if (err == OK && is_given && strcmp(buf_text(&value), "unixfs") != 0) {
        buf_append_text(why, strcmp(buf_text(&value), "car") == 0
                                 ? "a CAR goes to /api/v0/dag/import, or to /add of the REST API"
                                 : "format parameter is invalid");
        err = ERR_INVALID;
    }
    buf_deinit(&value);
    return err;
}

static int proxy_add_read(struct proxy_add *a, const char *command, const struct http_request *r,
                          struct buf *why)
{
    static const struct cid none;
    struct proxy *p = a->f.job.proxy;
    int err = proxy_add_put_target(a, command, r);
    a->asked.pin = pin_of(&none);
    a->asked.pin.replication_min = 0;
    a->asked.pin.replication_max = 0;
    if (err == OK && a->reply.command == KUBO_ADD)
        err = proxy_add_read_layout(a, r, why);
    if (err == OK && a->reply.command == KUBO_ADD)
        err = p->ops->pin_options(p->impl, r, &a->arena, &a->asked, why);
    if (a->pin_name.len > 0)
        a->asked.pin.name = buf_bytes(&a->pin_name);
    a->asked.pin.max_depth = PIN_DEPTH_RECURSIVE;
    a->asked.pin.update_of = none;
    return err;
}

static void proxy_add_refuse(struct proxy_add *a, int err, struct buf *why)
{
    struct buf message = { 0 };
    if (why->len > 0)
        buf_printf(&message, "error parsing options:%s", buf_text(why));
    proxy_reply_error(a->f.job.proxy, a->f.job.x, why->len > 0 ? 500 : 503,
                      why->len > 0 ? buf_text(&message) : err_text(err));
    buf_deinit(&message);
    proxy_job_destroy(&a->f.job);
}

static void proxy_add_start(struct proxy *p, struct http_exchange *x, const char *command,
                            enum kubo_command reply, bool is_pinned)
{
    struct proxy_add *a = proxy_job_create(p, x, sizeof(*a), proxy_add_free_job);
    if (a == NULL)
        return;
    struct buf why = { 0 };
    kubo_reply_init(&a->reply, reply, proxy_add_on_row, a);
    a->roots.limit = PROXY_ROOTS_BYTES_MAX;
    a->is_not_pinned = !is_pinned;
    a->is_silent = reply == KUBO_ADD && proxy_flag(&x->request, "silent", false);
    a->f.call.method = "POST";
    a->f.on_head = proxy_add_on_head;
    a->f.on_body = proxy_add_on_body;
    a->f.on_trailer = proxy_add_on_trailer;
    a->f.on_end = proxy_add_on_end;
    int err = proxy_add_read(a, command, &x->request, &why);
    if (err == OK)
        proxy_forward_start(&a->f);
    else
        proxy_add_refuse(a, err, &why);
    buf_deinit(&why);
}

/* Does it say anything in ipfs-cluster's words that the daemon would not understand? */
static bool proxy_add_is_kubos(const struct http_request *r)
{
    static const char *const theirs[] = { "layout", "format", "no-pin" };
    struct buf value = { 0 };
    bool is_kubos = true;
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        is_kubos = is_kubos && http_request_param(r, theirs[i], 0, &value) != OK;
    buf_deinit(&value);
    return is_kubos;
}

void proxy_add(struct proxy *p, struct http_exchange *x)
{
    const struct http_request *r = &x->request;
    bool is_pinned = proxy_flag(r, "pin", true) && !proxy_flag(r, "no-pin", false);
    if (proxy_flag(r, "only-hash", false) || (!is_pinned && proxy_add_is_kubos(r)))
        proxy_pass(p, x); /* nothing that the cluster should keep */
    else
        proxy_add_start(p, x, "add", KUBO_ADD, is_pinned);
}

void proxy_block_put(struct proxy *p, struct http_exchange *x)
{
    if (proxy_flag(&x->request, "pin", false))
        proxy_add_start(p, x, "block/put", KUBO_BLOCK_PUT, true);
    else
        proxy_pass(p, x);
}

void proxy_dag_put(struct proxy *p, struct http_exchange *x)
{
    if (proxy_flag(&x->request, "pin", false))
        proxy_add_start(p, x, "dag/put", KUBO_DAG_PUT, true);
    else
        proxy_pass(p, x);
}
