#include "http/api/api.h"

#include "http/api/api_int.h"
#include "http/wire/parse.h"
#include "util/assert.h"

/* Literals stand above the parameter that would swallow them. */
static const struct http_route api_routes[] = {
    { "POST", "/token", api_post_token },
    { "GET", "/id", api_get_id },
    { "GET", "/version", api_get_version },
    { "GET", "/health", api_get_health },
    { "GET", "/peers", api_get_peers },
    { "POST", "/peers", api_post_peers },
    { "DELETE", "/peers/{peer}", api_delete_peer },
    { "POST", "/peers/{peer}/stay", api_post_stay },
    { "POST", "/peers/{peer}/drain", api_post_drain },
    { "DELETE", "/peers/{peer}/drain", api_delete_drain },
    { "GET", "/health/alerts", api_get_alerts },
    { "GET", "/metrics", api_get_prometheus },
    { "GET", "/health/graph", api_get_graph },
    { "GET", "/health/bandwidth", api_get_bandwidth },
    { "POST", "/ipfs/gc", api_post_gc },
    { "GET", "/pinlist", api_get_pinlist },
    { "GET", "/repair/plan", api_get_repair_plan },
    { "GET", "/monitor/metrics", api_get_metric_names },
    { "GET", "/monitor/metrics/{name}", api_get_metrics },
    { "POST", "/add", api_post_add },
    { "GET", "/allocations", api_get_allocations },
    { "GET", "/allocations/{cid}", api_get_allocation },
    { "GET", "/allocations/{cid}/decision", api_get_decision },
    { "GET", "/state/export", api_get_state_export },
    { "POST", "/state/import", api_post_state_import },
    { "GET", "/pins", api_get_pins },
    { "POST", "/pins/recover", api_post_recover_all },
    { "POST", "/pins/sync", api_post_sync_all },
    { "GET", "/pins/summary", api_get_summary },
    { "GET", "/pins/{cid}", api_get_pin },
    { "POST", "/pins/{cid}", api_post_pin },
    { "DELETE", "/pins/{cid}", api_delete_pin },
    { "POST", "/pins/{cid}/recover", api_post_recover },
    { "POST", "/pins/{cid}/sync", api_post_sync },
    { "POST", "/pins/{kind=ipfs|ipns|ipld}/{path...}", api_post_pin_path },
    { "DELETE", "/pins/{kind=ipfs|ipns|ipld}/{path...}", api_delete_pin_path },
};

size_t api_route_count(void)
{
    return sizeof(api_routes) / sizeof(api_routes[0]);
}

const struct http_route *api_route_at(size_t index)
{
    ASSERT(index < api_route_count());
    return &api_routes[index];
}

int api_create(struct api **out, const struct api_ops *ops, void *impl)
{
    struct api *api = mem_zalloc(sizeof(*api));
    if (api == NULL)
        return ERR_NOMEM;
    *api = (struct api){ .ops = ops, .impl = impl };
    *out = api;
    return OK;
}

void api_set_gate(struct api *api, const struct gate_options *gate)
{
    api->gate = gate;
}

void api_destroy(struct api *api)
{
    mem_free(api);
}

void api_route(struct api *api, struct http_exchange *x)
{
    http_route_dispatch(api_routes, api_route_count(), api, x, NULL, 0);
}

/* An option that cannot be read would be as good as not given, and another request answered than was made. */
static bool api_query_is_readable(const struct http_request *r)
{
    struct buf name = { 0 }, value = { 0 };
    const char *rest = r->query;
    int err = OK;
    while (err == OK)
        err = http_query_next(&rest, &name, &value);
    buf_deinit(&name);
    buf_deinit(&value);
    return err == ERR_NOT_FOUND;
}

void api_on_request(void *owner, struct http_exchange *x)
{
    struct api *api = owner;
    if (api->gate != NULL && !gate_admits(api->gate, x, api->ops->wall_us(api->impl)))
        return;
    if (!api_query_is_readable(&x->request))
        http_reply_error(x, 400, "malformed query", NULL, 0);
    else if (api_wants_consistency(&x->request))
        api_route_consistently(owner, x);
    else
        api_route(owner, x);
}

API_HANDLER(api_post_token)
{
    (void)params;
    struct api *api = owner;
    struct buf token = { 0 };
    int err = ERR_AUTH;
    if (api->gate != NULL)
        err = gate_issue_token(api->gate, &x->request, api->ops->wall_us(api->impl), &token);
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer w = json_writer_to(&document);
        json_object_begin(&w);
        json_key_string(&w, "token", buf_text(&token));
        json_object_end(&w);
        http_reply_json(x, 200, &document, NULL, 0);
        buf_wipe(&document);
    } else {
        api_reply_err(x, err, err == ERR_AUTH ? "unauthorized" : NULL);
    }
    buf_wipe(&token);
}

/* ---- what all handlers share ---- */

void api_reply_err(struct http_exchange *x, int err, const char *why)
{
    http_reply_err(x, err, why != NULL && why[0] != '\0' ? why : NULL, NULL, 0);
}

void api_reply_json(struct http_exchange *x, int status, struct buf *document)
{
    http_reply_json(x, status, document, NULL, 0);
    buf_deinit(document);
}

bool api_param_is_true(const struct http_request *r, const char *name)
{
    struct buf value = { 0 };
    bool is_true = http_request_param(r, name, 0, &value) == OK && value.len == 4 &&
                   bytes_equal(buf_bytes(&value), (struct bytes){ "true", 4 });
    buf_deinit(&value);
    return is_true;
}

bool api_parse_cid(struct http_exchange *x, const char *text, struct cid *out)
{
    int err = cid_parse(out, text);
    if (err == OK)
        return true;
    struct buf why = { 0 };
    buf_printf(&why, "error decoding Cid: invalid cid: %s%s", text, cid_parse_note(err));
    http_reply_error(x, 400, buf_text(&why), NULL, 0);
    buf_deinit(&why);
    return false;
}
