/* api_peers.c -- /id, /version, /health, /peers, /monitor: the members and what is known of them. */
#include "http/api/api_int.h"
#include "http/wire/collect.h"

#include <string.h>

API_HANDLER(api_get_id)
{
    (void)params;
    struct api *api = owner;
    struct arena arena = { 0 };
    struct api_id id;
    int err = api->ops->describe(api->impl, &arena, &id);
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        api_write_id(&json, &id);
        api_reply_json(x, 200, &document);
    } else {
        api_reply_err(x, err, NULL);
    }
    arena_deinit(&arena);
}

API_HANDLER(api_get_version)
{
    (void)params;
    struct api *api = owner;
    struct arena arena = { 0 };
    struct api_id id;
    int err = api->ops->describe(api->impl, &arena, &id);
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        json_object_begin(&json);
        json_key(&json, "version");
        json_string_len(&json, id.version.data, id.version.len);
        json_object_end(&json);
        api_reply_json(x, 200, &document);
    } else {
        api_reply_err(x, err, NULL);
    }
    arena_deinit(&arena);
}

API_HANDLER(api_get_health)
{
    (void)owner;
    (void)params;
    http_reply_empty(x, 204, NULL, 0);
}

/* ---- GET /peers ---- */

static enum api_next api_ids_next(struct api_rows *rows, struct json_writer *json)
{
    struct api_id id;
    enum api_next next = rows->api->ops->ids_next(rows->listing, &rows->arena, &id);
    if (next == API_NEXT_ROW)
        api_write_id(json, &id);
    return next;
}

static void api_ids_close(struct api_rows *rows)
{
    rows->api->ops->close(rows->listing);
}

API_HANDLER(api_get_peers)
{
    static const struct api_rows_kind kind = { api_ids_next, api_ids_close,
                                               "the peers could not be asked" };
    (void)params;
    struct api *api = owner;
    if (!api_hears(api, x, true))
        return;
    struct api_rows *rows = api_rows_create(api, &kind);
    struct api_listing_hooks hooks = { .on_wake = api_rows_wake, .owner = rows };
    struct api_listing *listing = NULL;
    int err = rows == NULL ? ERR_NOMEM : api->ops->ids_open(api->impl, &hooks, &listing);
    if (err == OK)
        rows->listing = listing;
    api_rows_answer(rows, x, err, NULL);
}

/* ---- POST and DELETE /peers ---- */

struct api_member {
    struct api *api;
    struct http_exchange *x;
    struct http_collect collect;
    struct api_call call;
    bool is_add;
    bool must_be_in; /* a peer that is no member is an error */
};

static void api_member_gone(struct http_exchange *x)
{
    struct api_member *m = x->owner;
    m->api->ops->forget(m->api->impl, &m->call);
    mem_free(m);
}

/* Accepted: its pins move first. V1 answers 204 and knows no such thing; its clients do not look into a 202. */
static void api_reply_leaving(struct http_exchange *x, const struct peer_id *peer)
{
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    json_object_begin(&json);
    json_key_string(&json, "id", peer_id_print(peer).text);
    json_key_string(&json, "role", "leaving");
    json_object_end(&json);
    api_reply_json(x, 202, &document);
}

static void api_member_done(struct api_call *call, int err, const char *why)
{
    struct api_member *m = call->owner;
    if (err == ERR_NOT_FOUND && !m->is_add && !m->must_be_in)
        err = OK; /* it is no member: that is what was asked for */
    if (err != OK) {
        api_reply_err(m->x, err, why);
    } else if (m->is_add) {
        /* The peer has been told and joins now; what is known of it is its id. */
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        struct api_id id = { .id = call->peer,
                             .addrs = &call->addr,
                             .addrs_count = call->addr.len > 0 };
        api_write_id(&json, &id);
        api_reply_json(m->x, 200, &document);
    } else if (call->is_under_way) {
        api_reply_leaving(m->x, &call->peer);
    } else {
        http_reply_empty(m->x, 204, NULL, 0);
    }
    mem_free(m);
}

static struct api_member *api_member_new(struct api *api, struct http_exchange *x)
{
    struct api_member *m = mem_zalloc(sizeof(*m));
    if (m == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return NULL;
    }
    m->api = api;
    m->x = x;
    m->call.done = api_member_done;
    m->call.owner = m;
    return m;
}

static void api_member_start(struct api_member *m,
                             int (*start)(void *impl, struct api_call *call, struct buf *why))
{
    m->x->owner = m;
    m->x->on_abort = api_member_gone;
    struct buf why = { 0 };
    int err = start(m->api->impl, &m->call, &why);
    bool is_in = m->is_add && err == ERR_EXISTS; /* that is what was asked for, as in V1 */
    if (is_in)
        m->call.addr.len = 0;
    if (err != OK)
        api_member_done(&m->call, is_in ? OK : err, buf_text(&why));
    buf_deinit(&why);
}

/* About the peer in the route; NULL: answered already. */
static struct api_member *api_member_named(void *owner, struct http_exchange *x,
                                           const struct http_params *params)
{
    struct peer_id id;
    if (peer_id_parse(&id, http_param(params, "peer")) != OK) {
        http_reply_error(x, 400, "error decoding Peer ID: that is no peer id", NULL, 0);
        return NULL;
    }
    struct api_member *m = api_member_new(owner, x);
    if (m != NULL)
        m->call.peer = id;
    return m;
}

API_HANDLER(api_delete_peer)
{
    struct api_member *m = api_member_named(owner, x, params);
    if (m == NULL)
        return;
    m->call.is_forced = api_param_is_true(&x->request, "force");
    api_member_start(m, m->api->ops->peer_remove);
}

API_HANDLER(api_post_stay)
{
    struct api_member *m = api_member_named(owner, x, params);
    if (m == NULL)
        return;
    m->must_be_in = true;
    m->call.is_undone = true;
    api_member_start(m, m->api->ops->peer_remove);
}

API_HANDLER(api_post_drain)
{
    struct api_member *m = api_member_named(owner, x, params);
    if (m == NULL)
        return;
    m->must_be_in = true;
    api_member_start(m, m->api->ops->peer_drain);
}

API_HANDLER(api_delete_drain)
{
    struct api_member *m = api_member_named(owner, x, params);
    if (m == NULL)
        return;
    m->must_be_in = true;
    m->call.is_undone = true;
    api_member_start(m, m->api->ops->peer_drain);
}

/* {"peer_id":"..."} (V1) or {"peer_multiaddress":"/ip4/.../p2p/..."} (V0). */
static const char *api_member_parse(struct api_member *m, struct bytes body)
{
    struct json_doc doc;
    if (json_parse(&doc, body.data, body.len) != OK)
        return "error decoding request body";
    const char *wrong = NULL;
    struct buf text = { 0 };
    int addr = json_member(&doc, 0, "peer_multiaddress");
    if (addr != JSON_NONE) {
        if (json_text(&doc, addr, &text) != OK ||
            multiaddr_parse(&m->call.addr, buf_text(&text)) != OK ||
            multiaddr_peer(&m->call.addr, &m->call.peer) != OK)
            wrong = "error decoding peer_multiaddress";
        else
            multiaddr_strip_peer(&m->call.addr);
    } else if (json_text(&doc, json_member(&doc, 0, "peer_id"), &text) != OK ||
               peer_id_parse(&m->call.peer, buf_text(&text)) != OK) {
        wrong = "error decoding peer_id";
    }
    buf_deinit(&text);
    json_doc_deinit(&doc);
    return wrong;
}

static void api_member_whole(struct http_collect *c, struct http_exchange *x, struct bytes body)
{
    struct api_member *m = c->owner;
    const char *wrong = api_member_parse(m, body);
    if (wrong != NULL) {
        http_reply_error(x, 400, wrong, NULL, 0);
        mem_free(m);
        return;
    }
    api_member_start(m, m->api->ops->peer_add);
}

static void api_member_lost(struct http_collect *c)
{
    mem_free(c->owner);
}

API_HANDLER(api_post_peers)
{
    (void)params;
    struct api_member *m = api_member_new(owner, x);
    if (m == NULL)
        return;
    m->is_add = true;
    m->collect.on_whole = api_member_whole;
    m->collect.on_gone = api_member_lost;
    m->collect.owner = m;
    http_collect_start(&m->collect, x, LIMIT_HTTP_JSON_BODY_BYTES);
}

/* ---- /monitor ---- */

enum { API_METRIC_NAMES_MAX = 64 };

API_HANDLER(api_get_metric_names)
{
    (void)params;
    struct api *api = owner;
    if (!api_hears(api, x, false))
        return;
    struct bytes names[API_METRIC_NAMES_MAX];
    size_t count = api->ops->metric_names(api->impl, names, API_METRIC_NAMES_MAX);
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++)
        json_string_len(&json, names[i].data, names[i].len);
    json_array_end(&json);
    api_reply_json(x, 200, &document);
}

API_HANDLER(api_get_metrics)
{
    struct api *api = owner;
    if (!api_hears(api, x, false))
        return;
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    struct api_metric m;
    const struct peer_id *after = NULL;
    struct peer_id last;
    json_array_begin(&json);
    while (api->ops->metric_next(api->impl, http_param(params, "name"), after, &m) == OK) {
        last = m.peer;
        after = &last;
        api_write_metric(&json, &m);
    }
    json_array_end(&json);
    api_reply_json(x, 200, &document);
}
