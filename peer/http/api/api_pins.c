/* api_pins.c -- /pins: writes through the log, and the local states of all peers. */
#include "http/api/api_int.h"
#include "state/pin_json.h"
#include "http/wire/collect.h"
#include "util/hash.h"

#include <string.h>

/* ---- POST and DELETE ---- */

struct api_write {
    struct api *api;
    struct http_exchange *x;
    struct api_call call;
    struct arena arena;
};

static void api_write_free(struct api_write *w)
{
    arena_deinit(&w->arena);
    mem_free(w);
}

/* The client left; the write goes on. */
static void api_write_gone(struct http_exchange *x)
{
    struct api_write *w = x->owner;
    w->api->ops->forget(w->api->impl, &w->call);
    api_write_free(w);
}

static void api_write_done(struct api_call *call, int err, const char *why)
{
    struct api_write *w = call->owner;
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        pin_json_write(&json, &call->pin, NULL);
        api_reply_json(w->x, 200, &document);
    } else {
        api_reply_err(w->x, err, why);
    }
    api_write_free(w);
}

static struct api_write *api_write_new(struct api *api, struct http_exchange *x,
                                       const struct cid *cid)
{
    struct api_write *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return NULL;
    }
    w->api = api;
    w->x = x;
    w->call.pin = pin_of(cid);
    w->call.done = api_write_done;
    w->call.owner = w;
    x->owner = w;
    x->on_abort = api_write_gone;
    return w;
}

enum { API_KEY_BYTES_MAX = 256 };

/* Idempotency-Key: a name that the client gives its request, to repeat it under. What it asks for is part of the name, so
 * one key for two things means two requests. False: answered. */
static bool api_write_key(struct api_write *w)
{
    struct bytes key = http_request_field(&w->x->request, "Idempotency-Key");
    if (key.data == NULL)
        return true;
    if (key.len == 0 || key.len > API_KEY_BYTES_MAX) {
        http_reply_error(w->x, 400, "an Idempotency-Key has 1 to 256 characters", NULL, 0);
        api_write_free(w);
        return false;
    }
    const struct cid *cid = &w->call.pin.cid;
    uint64_t seed =
        hash64(hash64(0, w->x->request.method, strlen(w->x->request.method)), cid->bytes, cid->len);
    struct hash128 hash = hash128(seed, key.data, key.len);
    for (unsigned i = 0; i < 8; i++) {
        w->call.key[i] = (uint8_t)(hash.high >> (56 - 8 * i));
        w->call.key[8 + i] = (uint8_t)(hash.low >> (56 - 8 * i));
    }
    w->call.has_key = true;
    return true;
}

/* At once refused: the answer is given here. */
static void api_write_start(struct api_write *w,
                            int (*start)(void *impl, struct api_call *call, struct buf *why))
{
    struct buf why = { 0 };
    int err = start(w->api->impl, &w->call, &why);
    if (err != OK) {
        api_reply_err(w->x, err, buf_text(&why));
        api_write_free(w);
    }
    buf_deinit(&why);
}

static void api_pin_cid(struct api *api, struct http_exchange *x, const struct cid *cid)
{
    struct api_write *w = api_write_new(api, x, cid);
    if (w == NULL || !api_write_key(w))
        return;
    struct buf why = { 0 };
    int err = api_parse_options(&x->request, api->ops->wall_us(api->impl), &w->arena, &w->call.pin,
                                &w->call.priority, &w->call.priority_count, &why);
    if (err == OK) {
        api_write_start(w, api->ops->pin);
    } else {
        if (err == ERR_INVALID)
            http_reply_error(x, 400, buf_text(&why), NULL, 0);
        else
            api_reply_err(x, err, NULL);
        api_write_free(w);
    }
    buf_deinit(&why);
}

static void api_unpin_cid(struct api *api, struct http_exchange *x, const struct cid *cid)
{
    struct api_write *w = api_write_new(api, x, cid);
    if (w != NULL && api_write_key(w))
        api_write_start(w, api->ops->unpin);
}

API_HANDLER(api_post_pin)
{
    struct cid cid;
    if (api_parse_cid(x, http_param(params, "cid"), &cid))
        api_pin_cid(owner, x, &cid);
}

API_HANDLER(api_delete_pin)
{
    struct cid cid;
    if (api_parse_cid(x, http_param(params, "cid"), &cid))
        api_unpin_cid(owner, x, &cid);
}

/* ---- by path: /pins/ipfs/CID/a/b, /pins/ipns/name ---- */

/* A path that the daemon has to follow first. */
struct api_path {
    struct api *api;
    struct http_exchange *x;
    struct api_resolve resolve;
    struct buf path;
    bool unpins;
};

static void api_path_free(struct api_path *p)
{
    buf_deinit(&p->path);
    mem_free(p);
}

static void api_path_gone(struct http_exchange *x)
{
    struct api_path *p = x->owner;
    p->api->ops->resolve_forget(p->api->impl, &p->resolve);
    api_path_free(p);
}

/* As V1 says what its daemon refuses. */
static void api_path_refuse(struct api_path *p, int err, const char *why)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buf text = { 0 };
    if (err == ERR_UNREACHABLE || err == ERR_NOMEM || err == ERR_CANCELED || err == ERR_BUSY) {
        api_reply_err(p->x, err, why);
        return;
    }
    buf_append_text(&text, "IPFS error (resolve?arg=");
    for (const char *at = buf_text(&p->path); *at != 0; at++) {
        if (*at == '/' || *at == '%' || *at == '&' || *at == ' ')
            buf_printf(&text, "%%%c%c", digits[*at >> 4], digits[*at & 15]);
        else
            buf_put_u8(&text, (uint8_t)*at);
    }
    buf_printf(&text, "). Code: 500. Message: %s", why);
    http_reply_error(p->x, 500, buf_text(&text), NULL, 0);
    buf_deinit(&text);
}

static void api_path_resolved(struct api_resolve *r, int err, const char *why)
{
    struct api_path *p = r->owner;
    p->x->on_abort = NULL;
    p->x->owner = NULL;
    if (err != OK)
        api_path_refuse(p, err, why);
    else if (p->unpins)
        api_unpin_cid(p->api, p->x, &r->cid);
    else
        api_pin_cid(p->api, p->x, &r->cid);
    api_path_free(p);
}

static void api_path_follow(struct api *api, struct http_exchange *x, const char *kind,
                            const char *path, bool unpins)
{
    struct api_path *p = mem_zalloc(sizeof(*p));
    int err = ERR_NOMEM;
    if (p != NULL) {
        *p = (struct api_path){ .api = api, .x = x, .unpins = unpins };
        buf_printf(&p->path, "/%s/%s", kind, path);
        p->resolve = (struct api_resolve){ .path = buf_text(&p->path),
                                           .done = api_path_resolved,
                                           .owner = p };
        err = p->path.err != OK ? p->path.err : api->ops->resolve(api->impl, &p->resolve);
    }
    if (err == OK) {
        x->owner = p;
        x->on_abort = api_path_gone;
        return;
    }
    api_reply_err(x, err, NULL);
    if (p != NULL)
        api_path_free(p);
}

/* All but /ipns begin with a CID. */
static bool api_path_is_good(struct http_exchange *x, const char *kind, const char *path,
                             struct cid *root)
{
    struct buf why = { 0 };
    size_t len = strcspn(path, "/");
    int err = strcmp(kind, "ipns") == 0 ? OK : cid_parse_len(root, path, len);
    if (err == OK)
        return true;
    buf_printf(&why, "error parsing path: invalid path \"/%s/%s\": invalid cid: %.*s%s", kind, path,
               (int)len, path, cid_parse_note(err));
    http_reply_error(x, 400, buf_text(&why), NULL, 0);
    buf_deinit(&why);
    return false;
}

static void api_by_path(struct api *api, struct http_exchange *x, const struct http_params *params,
                        bool unpins)
{
    const char *kind = http_param(params, "kind");
    const char *path = http_param(params, "path");
    struct cid root;
    if (!api_path_is_good(x, kind, path, &root))
        return;
    if (strcmp(kind, "ipns") == 0 || strchr(path, '/') != NULL)
        api_path_follow(api, x, kind, path, unpins);
    else if (unpins)
        api_unpin_cid(api, x, &root);
    else
        api_pin_cid(api, x, &root);
}

API_HANDLER(api_post_pin_path)
{
    api_by_path(owner, x, params, false);
}

API_HANDLER(api_delete_pin_path)
{
    api_by_path(owner, x, params, true);
}

/* ---- the local states: one CID, or a listing ---- */

struct api_statuses {
    struct api *api;
    struct http_exchange *x;
    struct api_listing *listing;
    struct cid *cids; /* ?cids=a,b: one listing after the other */
    size_t cids_count;
    size_t cids_at;
    bool is_local;
    struct http_stream stream;
    struct api_state_fields state;
    struct arena arena;
    struct api_memos memos;
    bool is_one;
    bool has_begun; /* as an array */
    bool has_ended;
};

static void api_statuses_free(struct api_statuses *s)
{
    if (s->listing != NULL)
        s->api->ops->close(s->listing);
    buf_deinit(&s->stream.error);
    arena_deinit(&s->arena);
    api_memos_deinit(&s->memos);
    mem_free(s->cids);
    mem_free(s);
}

static void api_statuses_done(struct http_stream *stream)
{
    api_statuses_free(stream->owner);
}

static void api_statuses_wake(void *owner);

/* The listing of the next CID of ?cids=; false when there is none. */
static bool api_statuses_next_cid(struct api_statuses *s, int *err)
{
    if (s->cids_at == s->cids_count)
        return false;
    struct api_status_request request = { .is_one = true,
                                          .cid = s->cids[s->cids_at++],
                                          .is_local = s->is_local };
    struct api_listing_hooks hooks = { .on_wake = api_statuses_wake, .owner = s };
    if (s->listing != NULL)
        s->api->ops->close(s->listing);
    s->listing = NULL;
    *err = s->api->ops->status_open(s->api->impl, &request, &hooks, &s->listing);
    return *err == OK;
}

static enum http_row api_statuses_row(struct http_stream *stream, struct buf *out)
{
    struct api_statuses *s = stream->owner;
    struct api_status status;
    arena_reset(&s->arena);
    switch (s->api->ops->status_next(s->listing, &s->arena, &status)) {
    case API_NEXT_ROW: {
        struct json_writer json = json_writer_to(out);
        api_write_status(&json, &s->memos, &status);
        return HTTP_ROW_READY;
    }
    case API_NEXT_WAIT:
        return HTTP_ROW_WAIT;
    case API_NEXT_END: {
        int err = OK;
        if (api_statuses_next_cid(s, &err))
            return api_statuses_row(stream, out);
        if (err == OK)
            return HTTP_ROW_END;
        break;
    }
    case API_NEXT_FAILED:
        break;
    }
    buf_append_text(&stream->error, "the local state could not be read");
    return HTTP_ROW_FAILED;
}

static void api_one_gone(struct http_exchange *x)
{
    api_statuses_free(x->owner);
}

/* One document, once its only row is there. */
static void api_one_try(struct api_statuses *s)
{
    struct buf row = { 0 };
    enum http_row what = api_statuses_row(&s->stream, &row);
    if (what == HTTP_ROW_WAIT) {
        buf_deinit(&row);
        return;
    }
    if (what == HTTP_ROW_READY) {
        http_reply_json(s->x, 200, &row, s->state.fields, s->state.count);
        buf_deinit(&row);
    } else {
        buf_deinit(&row);
        api_reply_err(s->x, ERR_IO, "the local state could not be read");
    }
    api_statuses_free(s);
}

static void api_statuses_wake(void *owner)
{
    struct api_statuses *s = owner;
    if (s->is_one)
        api_one_try(s);
    else
        http_stream_wake(&s->stream);
}

/* For clients of 0.0.x: all of them as one array. */
static enum http_row api_statuses_in_array(struct http_stream *stream, struct buf *out)
{
    struct api_statuses *s = stream->owner;
    size_t before = out->len;
    if (s->has_ended)
        return HTTP_ROW_END;
    buf_append_text(out, s->has_begun ? "," : "[");
    enum http_row row = api_statuses_row(stream, out);
    if (row == HTTP_ROW_READY) {
        s->has_begun = true;
        return row;
    }
    out->len = before;
    if (row != HTTP_ROW_END)
        return row;
    buf_append_text(out, s->has_begun ? "]\n" : "[]\n");
    s->has_ended = true;
    return HTTP_ROW_READY;
}

static struct api_statuses *api_statuses_new(struct api *api, struct http_exchange *x)
{
    struct api_statuses *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return NULL;
    s->api = api;
    s->x = x;
    s->stream.owner = s;
    s->stream.next_row = api_statuses_row;
    s->stream.done = api_statuses_done;
    api_state_fields(api, &s->state);
    s->stream.fields = s->state.fields;
    s->stream.fields_count = s->state.count;
    return s;
}

static void api_statuses_open(struct api *api, struct http_exchange *x,
                              const struct api_status_request *request, bool is_array)
{
    struct api_statuses *s = api_statuses_new(api, x);
    int err = ERR_NOMEM;
    if (s != NULL) {
        struct api_listing_hooks hooks = { .on_wake = api_statuses_wake, .owner = s };
        s->is_one = request->is_one;
        err = api->ops->status_open(api->impl, request, &hooks, &s->listing);
    }
    if (err != OK) {
        api_reply_err(x, err, NULL);
        if (s != NULL)
            api_statuses_free(s);
        return;
    }
    if (!s->is_one) {
        s->stream.rows_are_raw = is_array;
        s->stream.next_row = is_array ? api_statuses_in_array : api_statuses_row;
        http_stream_start(&s->stream, x);
        return;
    }
    x->owner = s;
    x->on_abort = api_one_gone;
    api_one_try(s);
}

/* ---- ?cids=a,b ---- */

enum { API_CIDS_MAX = 256 };

/* Answers itself when it returns false. */
static bool api_parse_cids(struct api_statuses *s, char *text)
{
    s->cids = mem_array(API_CIDS_MAX, sizeof(*s->cids));
    char *one;
    while (s->cids != NULL && (one = strsep(&text, ",")) != NULL) {
        if (s->cids_count == API_CIDS_MAX) {
            http_reply_error(s->x, 400, "too many cids in one request", NULL, 0);
            return false;
        }
        if (!api_parse_cid(s->x, one, &s->cids[s->cids_count]))
            return false;
        s->cids_count += 1;
    }
    if (s->cids == NULL)
        api_reply_err(s->x, ERR_NOMEM, NULL);
    return s->cids != NULL;
}

static void api_statuses_of_cids(struct api *api, struct http_exchange *x, char *text)
{
    struct api_statuses *s = api_statuses_new(api, x);
    if (s == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    int err = OK;
    s->is_local = api_param_is_true(&x->request, "local");
    if (!api_parse_cids(s, text)) {
        api_statuses_free(s);
    } else if (!api_statuses_next_cid(s, &err)) {
        api_reply_err(x, err, NULL);
        api_statuses_free(s);
    } else {
        http_stream_start(&s->stream, x);
    }
}

static bool api_parse_filter(struct http_exchange *x, uint32_t *out)
{
    struct buf text = { 0 };
    *out = TRACKER_UNDEFINED;
    bool good = http_request_param(&x->request, "filter", 0, &text) != OK ||
                tracker_filter_parse(out, buf_text(&text)) == OK;
    buf_deinit(&text);
    if (!good)
        http_reply_error(x, 400, "invalid filter value", NULL, 0);
    return good;
}

API_HANDLER(api_get_pins)
{
    (void)params;
    struct api_status_request request = { .is_local = api_param_is_true(&x->request, "local") };
    struct buf cids = { 0 };
    if (http_request_param(&x->request, "cids", 0, &cids) == OK && cids.len > 0)
        api_statuses_of_cids(owner, x, (char *)buf_text(&cids));
    else if (api_parse_filter(x, &request.filter))
        api_statuses_open(owner, x, &request, false);
    buf_deinit(&cids);
}

static void api_one(struct api *api, struct http_exchange *x, const struct http_params *params,
                    enum api_order order)
{
    struct api_status_request request = { .is_one = true,
                                          .is_local = api_param_is_true(&x->request, "local"),
                                          .order = order };
    if (api_parse_cid(x, http_param(params, "cid"), &request.cid))
        api_statuses_open(api, x, &request, false);
}

API_HANDLER(api_get_pin)
{
    api_one(owner, x, params, API_LOOK);
}

API_HANDLER(api_post_recover)
{
    api_one(owner, x, params, API_RECOVER);
}

API_HANDLER(api_post_sync)
{
    api_one(owner, x, params, API_SYNC);
}

/* All: the order is given everywhere, and what is not well is listed. */
static void api_all(struct api *api, struct http_exchange *x, enum api_order order, bool is_array)
{
    struct api_status_request request = {
        .filter = TRACKER_ERROR | TRACKER_QUEUED | TRACKER_UNEXPECTEDLY_UNPINNED,
        .is_local = api_param_is_true(&x->request, "local"),
        .order = order,
    };
    api_statuses_open(api, x, &request, is_array);
}

API_HANDLER(api_post_recover_all)
{
    (void)params;
    api_all(owner, x, API_RECOVER, false);
}

API_HANDLER(api_post_sync_all)
{
    (void)params;
    api_all(owner, x, API_SYNC, !api_param_is_true(&x->request, "stream"));
}
