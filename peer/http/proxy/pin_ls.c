/* pin_ls.c -- pin/ls: the cluster's pins in Kubo's shapes, however many there are.
 *
 *      stream=true   {"Cid":"..","Type":"recursive"} a line
 *      else          {"Keys":{"CID":{"Type":"recursive"},...}} -- one document, written piece by piece
 *      with arg      the same for these alone; one that is not there is an error, before anything is said
 *      name=TEXT     without arg: those alone whose name has TEXT in it; and, as names=true, their names
 *      held=true     with arg: there is what as many peers as it needs have, not what is only asked for. So asks a peer
 *                    whose daemon this proxy is, before it calls a pin pinned. No option of Kubo's, which reads over it
 *
 * Both are one walk in CID order, so memory does not grow with the pinset, and what is there throughout
 * stands in the answer once. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/stream.h"
#include "ipfs/kubo_request.h"
#include "util/err.h"
#include "util/json.h"

struct proxy_ls {
    struct proxy_job job; /* first */
    struct http_stream stream;
    struct http_field fields[PROXY_FIELDS_MAX];
    struct arena arena;   /* of a pin that an argument names */
    struct pin_list pins; /* without arguments */
    bool streams;
    bool shows_names;
    struct buf name; /* the walk is for names with this in them */
    enum kubo_pin_type type;
    bool has_args;
    unsigned nth;             /* argument */
    struct proxy_watch watch; /* held=true: of the nth */
    bool is_watching;
    uint64_t rows_count;
    bool is_closed; /* the document's end is written */
};

static void proxy_ls_free_job(struct proxy_job *job)
{
    struct proxy_ls *l = (struct proxy_ls *)job;
    arena_deinit(&l->arena);
    buf_deinit(&l->name);
    pin_list_deinit(&l->pins);
}

/* ---- rows ---- */

static enum kubo_pin_type proxy_ls_type_of(const struct pin *pin)
{
    return pin->max_depth == PIN_DEPTH_DIRECT ? KUBO_PIN_DIRECT : KUBO_PIN_RECURSIVE;
}

static bool proxy_ls_wants(const struct proxy_ls *l, const struct pin *pin)
{
    return l->type == KUBO_PIN_ALL || l->type == proxy_ls_type_of(pin);
}

static void proxy_ls_write_members(const struct proxy_ls *l, struct json_writer *w,
                                   const struct pin *pin)
{
    json_key_string(w, "Type", kubo_pin_type_name(proxy_ls_type_of(pin)));
    if (l->shows_names && (pin->name.len > 0 || !l->streams)) {
        json_key(w, "Name");
        json_string_len(w, pin->name.data, pin->name.len);
    }
}

static void proxy_ls_write(struct proxy_ls *l, const struct pin *pin, struct buf *out)
{
    struct cid_text cid = cid_print(&pin->cid);
    if (!l->streams)
        buf_printf(out, "%s\"%s\":", l->rows_count == 0 ? "{\"Keys\":{" : ",", cid.text);
    struct json_writer w = json_writer_to(out);
    json_object_begin(&w);
    if (l->streams)
        json_key_string(&w, "Cid", cid.text);
    proxy_ls_write_members(l, &w, pin);
    json_object_end(&w);
    l->rows_count += 1;
}

/* ---- the walk ---- */

static bool proxy_ls_is_called(const struct proxy_ls *l, const struct pin *pin)
{
    return l->name.len == 0 || (pin->name.len >= l->name.len &&
                                memmem(pin->name.data, pin->name.len, l->name.data, l->name.len));
}

/* The next one of the type and name that are asked for. ERR_NOT_FOUND at the end. */
static int proxy_ls_walk(struct proxy_ls *l, const struct pin **out)
{
    struct proxy *p = l->job.proxy;
    if (l->type == KUBO_PIN_INDIRECT)
        return ERR_NOT_FOUND; /* the cluster knows roots only */
    int err;
    do
        err = pin_list_next(&l->pins, p->ops->pins_after, p->impl, out);
    while (err == OK && !(proxy_ls_wants(l, *out) && proxy_ls_is_called(l, *out)));
    return err;
}

/* The pin that the nth argument names, if it is there, with this type. */
static int proxy_ls_get(struct proxy_ls *l, unsigned nth, struct buf *arg, struct pin *out)
{
    struct proxy *p = l->job.proxy;
    struct cid cid;
    int err = proxy_arg(&l->job.x->request, "pin/ls", nth, arg);
    if (err != OK)
        return err;
    const char *text = buf_text(arg);
    if (cid_parse(&cid, strncmp(text, "/ipfs/", 6) == 0 ? text + 6 : text) != OK)
        return ERR_INVALID;
    arena_reset(&l->arena);
    err = p->ops->pin_get(p->impl, &cid, &l->arena, out);
    return err == ERR_NOT_FOUND || (err == OK && !proxy_ls_wants(l, out)) ? ERR_REFUSED : err;
}

static int proxy_ls_next(struct proxy_ls *l, struct pin *named, const struct pin **out)
{
    if (!l->has_args)
        return proxy_ls_walk(l, out);
    struct buf arg = { 0 };
    int err = proxy_ls_get(l, l->nth++, &arg, named);
    buf_deinit(&arg);
    *out = named;
    return err;
}

/* One row; or the document's end, as one more. */
static enum http_row proxy_ls_end(struct proxy_ls *l, struct buf *out)
{
    if (l->streams || l->is_closed)
        return HTTP_ROW_END;
    buf_append_text(out, l->rows_count == 0 ? "{\"Keys\":{}}" : "}}");
    l->is_closed = true;
    return HTTP_ROW_READY;
}

static enum http_row proxy_ls_row(struct http_stream *s, struct buf *out)
{
    struct proxy_ls *l = s->owner;
    struct pin named;
    const struct pin *pin;
    int err = l->is_closed ? ERR_NOT_FOUND : proxy_ls_next(l, &named, &pin);
    if (err == ERR_NOT_FOUND)
        return proxy_ls_end(l, out);
    if (err != OK) {
        buf_append_text(&s->error, err_text(err));
        return HTTP_ROW_FAILED;
    }
    proxy_ls_write(l, pin, out);
    return HTTP_ROW_READY;
}

/* ---- the request ---- */

static void proxy_ls_refuse(struct http_stream *s, const char *error)
{
    struct proxy_ls *l = s->owner;
    proxy_reply_error(l->job.proxy, s->x, 500, error);
}

static void proxy_ls_done(struct http_stream *s)
{
    struct proxy_ls *l = s->owner;
    proxy_job_destroy(&l->job);
}

static bool proxy_ls_read_type(struct proxy_ls *l, const struct http_request *r, struct buf *why)
{
    static const enum kubo_pin_type types[] = { KUBO_PIN_ALL, KUBO_PIN_RECURSIVE, KUBO_PIN_DIRECT,
                                                KUBO_PIN_INDIRECT };
    struct buf name = { 0 };
    bool is_known = proxy_option(r, "type", "t", &name) == ERR_NOT_FOUND;
    l->type = KUBO_PIN_ALL;
    for (size_t i = 0; !is_known && i < sizeof(types) / sizeof(types[0]); i++) {
        is_known = strcmp(buf_text(&name), kubo_pin_type_name(types[i])) == 0;
        if (is_known)
            l->type = types[i];
    }
    if (!is_known)
        buf_printf(why, "invalid type '%s', must be one of {direct, indirect, recursive, all}",
                   buf_text(&name));
    buf_deinit(&name);
    return is_known;
}

/* All arguments are looked at before the first word: an error is then still an error. */
static bool proxy_ls_check_args(struct proxy_ls *l, struct buf *why)
{
    struct buf arg = { 0 };
    struct pin pin;
    int err = OK;
    for (unsigned nth = 0; err == OK; nth++) {
        err = proxy_ls_get(l, nth, &arg, &pin);
        if (err == OK)
            l->has_args = true;
        else if (err == ERR_REFUSED)
            buf_printf(why, "path '%s' is not pinned", buf_text(&arg));
        else if (err == ERR_INVALID)
            buf_printf(why, "invalid cid: %s", buf_text(&arg));
        else if (err != ERR_NOT_FOUND)
            buf_append_text(why, err_text(err));
    }
    buf_deinit(&arg);
    return err == ERR_NOT_FOUND;
}

static void proxy_ls_begin(struct proxy_ls *l)
{
    size_t count = proxy_fields(l->job.proxy, l->streams, l->fields);
    l->stream = (struct http_stream){ .next_row = proxy_ls_row,
                                      .done = proxy_ls_done,
                                      .owner = l,
                                      .fields = l->fields,
                                      .fields_count = count,
                                      .is_kubo_like = true,
                                      .rows_are_raw = !l->streams,
                                      .refuse = proxy_ls_refuse };
    http_stream_start(&l->stream, l->job.x);
}

/* ---- held=true ---- */

static void proxy_ls_fail(struct proxy_ls *l, const char *why)
{
    proxy_reply_error(l->job.proxy, l->job.x, 500, why);
    proxy_job_destroy(&l->job);
}

static void proxy_ls_end_watch(struct proxy_ls *l)
{
    struct proxy *p = l->job.proxy;
    if (l->is_watching)
        p->ops->watch_end(p->impl, &l->watch);
    l->is_watching = false;
}

static void proxy_ls_on_abort(struct http_exchange *x)
{
    struct proxy_ls *l = x->owner;
    proxy_ls_end_watch(l);
    proxy_job_destroy(&l->job);
}

static void proxy_ls_look(struct proxy_ls *l);

static void proxy_ls_on_look(struct proxy_watch *watch, const struct proxy_look *look)
{
    struct proxy_ls *l = watch->owner;
    struct buf why = { 0 };
    proxy_ls_end_watch(l);
    if (!look->is_gone && look->pinned >= look->needed) {
        l->nth += 1;
        proxy_ls_look(l);
        return;
    }
    buf_printf(&why, "path '%s' is not pinned", cid_print(&watch->cid).text);
    proxy_ls_fail(l, buf_text(&why));
    buf_deinit(&why);
}

/* One argument after the other; behind the last the listing begins. */
static void proxy_ls_look(struct proxy_ls *l)
{
    struct proxy *p = l->job.proxy;
    struct pin pin;
    struct buf arg = { 0 };
    int err = proxy_ls_get(l, l->nth, &arg, &pin);
    buf_deinit(&arg);
    if (err == ERR_NOT_FOUND) {
        l->nth = 0;
        proxy_ls_begin(l);
        return;
    }
    if (err == OK) {
        l->watch = (struct proxy_watch){ .cid = pin.cid, .on_look = proxy_ls_on_look, .owner = l };
        err = p->ops->watch(p->impl, &l->watch);
        l->is_watching = err == OK;
    }
    if (err != OK)
        proxy_ls_fail(l, err_text(err));
}

void proxy_pin_ls(struct proxy *p, struct http_exchange *x)
{
    struct proxy_ls *l = proxy_job_create(p, x, sizeof(*l), proxy_ls_free_job);
    if (l == NULL)
        return;
    struct buf why = { 0 };
    l->streams = proxy_flag(&x->request, "stream", false) || proxy_flag(&x->request, "s", false);
    int err = proxy_option(&x->request, "name", "n", &l->name);
    l->shows_names = l->name.len > 0 || proxy_flag(&x->request, "names", false);
    x->on_abort = proxy_ls_on_abort;
    if (err != OK && err != ERR_NOT_FOUND)
        proxy_ls_fail(l, "invalid name: it is no text");
    else if (!proxy_ls_read_type(l, &x->request, &why) || !proxy_ls_check_args(l, &why))
        proxy_ls_fail(l, buf_text(&why));
    else if (l->has_args && proxy_flag(&x->request, "held", false))
        proxy_ls_look(l);
    else
        proxy_ls_begin(l);
    buf_deinit(&why);
}
