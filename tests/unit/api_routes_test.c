/* Every route of the REST API, for what it refuses, and in which words. The product's own table is walked over: a route that
 * has no row here fails.
 *
 * `asks` has one good request a route, and what becomes of it when the peer refuses whatever it is asked; from it come the
 * refusals that all routes have. `refusals` has what each one refuses of its own; there the peer is not asked for anything. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "util/err.h"

TestSuite(api_routes, .timeout = 60);

#define CID  "bafkqaaa"
#define PEER "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
#define FORM "Content-Type: multipart/form-data; boundary=b\r\n"
#define JSON "Content-Type: application/json\r\n"

/* ---- a peer that is asked, and refuses ---- */

struct world {
    struct http_talk talk;
    struct api *api;
    unsigned asked;
};

static int refuse_describe(void *impl, struct arena *arena, struct api_id *out)
{
    (void)arena, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int64_t wall_us(void *impl)
{
    (void)impl;
    return (int64_t)1700000000 * 1000 * 1000;
}

static struct api_freshness freshness(void *impl)
{
    (void)impl;
    return (struct api_freshness){ 0 };
}

static int refuse_call(void *impl, struct api_call *call, struct buf *why)
{
    (void)call, (void)why;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_pins(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                       size_t count_max, size_t *count)
{
    (void)after, (void)arena, (void)out, (void)count_max;
    *count = 0;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_pin(void *impl, const struct cid *cid, struct arena *arena, struct pin *out)
{
    (void)cid, (void)arena, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_add(void *impl, struct api_add *add, struct buf *why)
{
    (void)add, (void)why;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_ids(void *impl, const struct api_listing_hooks *hooks, struct api_listing **out)
{
    (void)hooks, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_status(void *impl, const struct api_status_request *request,
                         const struct api_listing_hooks *hooks, struct api_listing **out)
{
    (void)request;
    return refuse_ids(impl, hooks, out);
}

static int refuse_census(void *impl, enum api_question question, bool is_local,
                         const struct api_listing_hooks *hooks, struct api_census **out)
{
    (void)question, (void)is_local, (void)hooks, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_resolve(void *impl, struct api_resolve *r)
{
    (void)r;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_decision(void *impl, struct api_decision *q)
{
    (void)q;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_export(void *impl, const struct api_listing_hooks *hooks, struct api_export **out)
{
    (void)hooks, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_metric(void *impl, const char *name, const struct peer_id *after,
                         struct api_metric *out)
{
    (void)name, (void)after, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_NOT_FOUND;
}

static size_t no_names(void *impl, struct bytes *out, size_t max)
{
    (void)out, (void)max;
    ((struct world *)impl)->asked += 1;
    return 0;
}

static bool no_bandwidth(void *impl, size_t nth, struct api_bandwidth *out)
{
    (void)nth, (void)out;
    ((struct world *)impl)->asked += 1;
    return false;
}

static int refuse_measures(void *impl, struct arena *arena, const struct api_measure **out,
                           size_t *count)
{
    (void)arena, (void)out, (void)count;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_alerts(void *impl, struct arena *arena, const struct api_alert **out,
                         size_t *count)
{
    (void)arena, (void)out, (void)count;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static int refuse_plan(void *impl, struct api_plan **out)
{
    (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static bool is_informed(void *impl)
{
    (void)impl;
    return true;
}

static int refuse_counts(void *impl, const struct peer_id *after, struct arena *arena,
                         struct api_counts *out)
{
    (void)after, (void)arena, (void)out;
    ((struct world *)impl)->asked += 1;
    return ERR_BUSY;
}

static const struct api_ops refusing = {
    .hears = is_informed,
    .counts_next = refuse_counts,
    .describe = refuse_describe,
    .wall_us = wall_us,
    .freshness = freshness,
    .catch_up = refuse_call,
    .pin_get = refuse_pin,
    .pins_after = refuse_pins,
    .pin = refuse_call,
    .unpin = refuse_call,
    .peer_add = refuse_call,
    .peer_remove = refuse_call,
    .peer_drain = refuse_call,
    .add_open = refuse_add,
    .ids_open = refuse_ids,
    .status_open = refuse_status,
    .census_open = refuse_census,
    .resolve = refuse_resolve,
    .decision_ask = refuse_decision,
    .export_open = refuse_export,
    .metric_next = refuse_metric,
    .metric_names = no_names,
    .bandwidth = no_bandwidth,
    .measures = refuse_measures,
    .alerts = refuse_alerts,
    .plan_open = refuse_plan,
};

/* ---- asking ---- */

static void world_request(void *owner, struct http_exchange *x)
{
    api_on_request(((struct world *)owner)->api, x);
}

/* One request on a connection of its own: what it was answered. `gate` may be NULL. */
static const char *ask_peer(struct world *w, const struct api_ops *ops,
                            const struct gate_options *gate, const char *method, const char *target,
                            const char *fields, const char *body)
{
    static char answer[8192];
    struct buf request = { 0 };
    *w = (struct world){ .talk = { .on_request = world_request, .owner = w } };
    cr_assert_eq(api_create(&w->api, ops, w), OK);
    api_set_gate(w->api, gate);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, target, fields);
    if (body[0] != '\0')
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_printf(&request, "\r\n%s", body);
    http_talk_open(&w->talk, 65536);
    snprintf(answer, sizeof(answer), "%s", http_talk_ask(&w->talk, buf_text(&request)));
    http_talk_close(&w->talk);
    api_destroy(w->api);
    buf_deinit(&request);
    return answer;
}

static const char *ask(struct world *w, const struct gate_options *gate, const char *method,
                       const char *target, const char *fields, const char *body)
{
    return ask_peer(w, &refusing, gate, method, target, fields, body);
}

static int status_of(const char *answer)
{
    int status = 0;
    cr_assert_eq(sscanf(answer, "HTTP/1.1 %d ", &status), 1, "%s", answer);
    return status;
}

/* The whole document is {"code":STATUS,"message":"WORDS..."}: WORDS are how the message begins. */
static void check_refusal(const char *line, const char *answer, int status, const char *words)
{
    char begin[256];
    const char *body = strstr(answer, "\r\n\r\n");
    snprintf(begin, sizeof(begin), "{\"code\":%d,\"message\":\"%s", status, words);
    cr_assert_eq(status_of(answer), status, "%s: %s", line, answer);
    cr_assert(body != NULL && strncmp(body + 4, begin, strlen(begin)) == 0, "%s: not '%s': %s",
              line, words, answer);
    cr_assert_not_null(strstr(answer, "Content-Type: application/json\r\n"), "%s", line);
}

/* ---- a good request of each route ---- */

struct ask {
    const char *method;
    const char *pattern;
    const char *target;
    const char *fields;
    const char *body;
    int refused; /* the status when the peer refuses with ERR_BUSY */
};

static const struct ask asks[] = {
    { "POST", "/token", "/token", "", "", 401 },
    { "GET", "/id", "/id", "", "", 503 },
    { "GET", "/version", "/version", "", "", 503 },
    { "GET", "/health", "/health", "", "", 204 },
    { "GET", "/peers", "/peers", "", "", 503 },
    { "POST", "/peers", "/peers", JSON, "{\"peer_id\":\"" PEER "\"}", 503 },
    { "DELETE", "/peers/{peer}", "/peers/" PEER, "", "", 503 },
    { "POST", "/peers/{peer}/stay", "/peers/" PEER "/stay", "", "", 503 },
    { "POST", "/peers/{peer}/drain", "/peers/" PEER "/drain", "", "", 503 },
    { "DELETE", "/peers/{peer}/drain", "/peers/" PEER "/drain", "", "", 503 },
    { "GET", "/health/alerts", "/health/alerts", "", "", 503 },
    { "GET", "/metrics", "/metrics", "", "", 503 },
    { "GET", "/health/graph", "/health/graph", "", "", 503 },
    { "GET", "/health/bandwidth", "/health/bandwidth", "", "", 200 },
    { "POST", "/ipfs/gc", "/ipfs/gc?local=true", "", "", 503 },
    { "GET", "/pinlist", "/pinlist", "", "", 500 },
    { "GET", "/repair/plan", "/repair/plan", "", "", 503 },
    { "GET", "/monitor/metrics", "/monitor/metrics", "", "", 200 },
    { "GET", "/monitor/metrics/{name}", "/monitor/metrics/ping", "", "", 200 },
    { "POST", "/add", "/add", FORM, "--b--\r\n", 503 },
    { "GET", "/allocations", "/allocations?filter=pin", "", "", 500 },
    { "GET", "/allocations/{cid}", "/allocations/" CID, "", "", 503 },
    { "GET", "/allocations/{cid}/decision", "/allocations/" CID "/decision", "", "", 503 },
    { "GET", "/state/export", "/state/export", "", "", 503 },
    { "POST", "/state/import", "/state/import", "", "{\"cid\":\"" CID "\"}\n", 503 },
    { "GET", "/pins", "/pins?filter=pinned", "", "", 503 },
    { "POST", "/pins/recover", "/pins/recover", "", "", 503 },
    { "POST", "/pins/sync", "/pins/sync", "", "", 503 },
    { "GET", "/pins/summary", "/pins/summary", "", "", 503 },
    { "GET", "/pins/{cid}", "/pins/" CID, "", "", 503 },
    { "POST", "/pins/{cid}", "/pins/" CID "?replication=2&name=a", "", "", 503 },
    { "DELETE", "/pins/{cid}", "/pins/" CID, "", "", 503 },
    { "POST", "/pins/{cid}/recover", "/pins/" CID "/recover", "", "", 503 },
    { "POST", "/pins/{cid}/sync", "/pins/" CID "/sync", "", "", 503 },
    { "POST", "/pins/{kind=ipfs|ipns|ipld}/{path...}", "/pins/ipfs/" CID "/a/b", "", "", 503 },
    { "DELETE", "/pins/{kind=ipfs|ipns|ipld}/{path...}", "/pins/ipns/example.org", "", "", 503 },
};
enum { ASKS_COUNT = sizeof(asks) / sizeof(asks[0]) };

/* ---- what each one refuses of its own ---- */

static const struct {
    const char *method;
    const char *target;
    const char *fields;
    const char *body;
    int status;
    const char *words;
} refusals[] = {
    { "POST", "/token", "", "", 401, "unauthorized" },
    { "POST", "/peers", JSON, "{", 400, "error decoding request body" },
    { "POST", "/peers", JSON, "[]", 400, "error decoding peer_id" },
    { "POST", "/peers", JSON, "{\"peer_id\":\"x\"}", 400, "error decoding peer_id" },
    { "POST", "/peers", JSON, "{\"peer_id\":7}", 400, "error decoding peer_id" },
    { "POST", "/peers", JSON, "{\"peer_multiaddress\":\"/ip4/1.2.3.4/tcp/1\"}", 400,
      "error decoding peer_multiaddress" },
    { "DELETE", "/peers/x", "", "", 400, "error decoding Peer ID: " },
    { "POST", "/peers/x/stay", "", "", 400, "error decoding Peer ID: " },
    { "POST", "/peers/x/drain", "", "", 400, "error decoding Peer ID: " },
    { "DELETE", "/peers/x/drain", "", "", 400, "error decoding Peer ID: " },
    { "POST", "/add", "", "x", 400, "request Content-Type isn't multipart/form-data" },
    { "POST", "/add", JSON, "{}", 400, "request Content-Type isn't multipart/form-data" },
    { "POST", "/add", "Content-Type: multipart/form-data\r\n", "x", 400,
      "request Content-Type isn't multipart/form-data" },
    { "POST", "/add?layout=flat", FORM, "x", 400, "layout parameter is invalid" },
    { "POST", "/add?format=zip", FORM, "x", 400, "format parameter is invalid" },
    { "POST", "/add?cid-version=2", FORM, "x", 400, "parameter cid-version invalid" },
    { "POST", "/add?cid-version=-1", FORM, "x", 400, "parameter cid-version invalid" },
    { "POST", "/add?cid-version=x", FORM, "x", 400, "parameter cid-version invalid" },
    { "POST", "/add?raw-leaves=2", FORM, "x", 400, "parameter raw-leaves invalid" },
    { "POST", "/add?wrap-with-directory=yes", FORM, "x", 400,
      "parameter wrap-with-directory invalid" },
    { "POST", "/add?progress=x", FORM, "x", 400, "parameter progress invalid" },
    { "POST", "/add?local=x", FORM, "x", 400, "parameter local invalid" },
    { "POST", "/add?no-pin=x", FORM, "x", 400, "parameter no-pin invalid" },
    { "POST", "/add?stream-channels=x", FORM, "x", 400, "parameter stream-channels invalid" },
    { "POST", "/add?hidden=x", FORM, "x", 400, "parameter hidden invalid" },
    { "POST", "/add?recursive=x", FORM, "x", 400, "parameter recursive invalid" },
    { "POST", "/add?shard=x", FORM, "x", 400, "parameter shard invalid" },
    { "POST", "/add?nocopy=x", FORM, "x", 400, "parameter nocopy invalid" },
    { "POST", "/add?shard=true", FORM, "x", 400, "shard=true: " },
    { "POST", "/add?nocopy=true", FORM, "x", 400, "nocopy=true: " },
    { "POST", "/add?format=car&wrap-with-directory=true", FORM, "x", 400,
      "cannot wrap a CAR file upload" },
    { "POST", "/add?replication-min=x", FORM, "x", 400, "parameter replication-min invalid" },
    { "POST", "/add?pin-update=x", FORM, "x", 400, "error decoding update option parameter: x" },
    { "POST", "/add?expire-in=1x", FORM, "x", 400, "expire-in cannot be parsed: 1x" },
    { "GET", "/allocations?filter=x", "", "", 400, "invalid filter value" },
    { "GET", "/allocations?filter=x,y", "", "", 400, "invalid filter value" },
    { "GET", "/allocations/x", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "GET", "/allocations/x/decision", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "POST", "/state/import", "", "x", 400, "line 1: a pin, as a JSON object, should begin here" },
    { "POST", "/state/import", "", "{\"cid\":\"x\"}", 400, "line 1: " },
    { "POST", "/state/import", "", "{\"cid\":", 400, "line 1: the text breaks off" },
    { "GET", "/pins?filter=x", "", "", 400, "invalid filter value" },
    { "GET", "/pins?filter=x,y", "", "", 400, "invalid filter value" },
    { "GET", "/pins?cids=x", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "GET", "/pins?cids=" CID ",", "", "", 400, "error decoding Cid: invalid cid: " },
    { "GET", "/pins/x", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "GET", "/pins/recover", "", "", 400, "error decoding Cid: invalid cid: recover" },
    { "POST", "/pins/x", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "POST", "/pins/" CID "?replication-min=x", "", "", 400, "parameter replication-min invalid" },
    { "POST", "/pins/" CID "?replication-max=1.5", "", "", 400,
      "parameter replication-max invalid" },
    { "POST", "/pins/" CID "?replication=9999999999", "", "", 400,
      "parameter replication invalid" },
    { "POST", "/pins/" CID "?shard-size=-1", "", "", 400, "parameter shard_size is invalid" },
    { "POST", "/pins/" CID "?expire-at=tomorrow", "", "", 400,
      "expire-at cannot be parsed: tomorrow" },
    { "POST", "/pins/" CID "?expire-in=soon", "", "", 400, "expire-in cannot be parsed: soon" },
    { "POST", "/pins/" CID "?expire-in=10ms", "", "", 400, "expire-in duration too short" },
    { "POST", "/pins/" CID "?expire-in=-1h", "", "", 400, "expire-in duration too short" },
    { "POST", "/pins/" CID "?pin-update=x", "", "", 400,
      "error decoding update option parameter: x" },
    { "POST", "/pins/" CID "?origins=x", "", "", 400, "error decoding multiaddress: x" },
    { "POST", "/pins/" CID "?origins=/ip4/1.2.3.4/tcp/1", "", "", 400,
      "multiaddress does not contain peer ID: /ip4/1.2.3.4/tcp/1" },
    { "POST", "/pins/" CID, "Idempotency-Key:\r\n", "", 400, "an Idempotency-Key has 1 to 256" },
    { "DELETE", "/pins/x", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "DELETE", "/pins/" CID, "Idempotency-Key:\r\n", "", 400, "an Idempotency-Key has 1 to 256" },
    { "POST", "/pins/x/recover", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "POST", "/pins/x/sync", "", "", 400, "error decoding Cid: invalid cid: x" },
    { "POST", "/pins/ipfs/x/a", "", "", 400,
      "error parsing path: invalid path \\\"/ipfs/x/a\\\": invalid cid: x" },
    { "POST", "/pins/ipld/x", "", "", 400, "error parsing path: invalid path " },
    { "POST", "/pins/ipfs/" CID "?replication=x", "", "", 400, "parameter replication invalid" },
    { "DELETE", "/pins/ipfs/x/a", "", "", 400, "error parsing path: invalid path " },
};
enum { REFUSALS_COUNT = sizeof(refusals) / sizeof(refusals[0]) };

/* These have neither parameter, option nor body: there is nothing of theirs to refuse. A metric may have any name. */
static const char *const take_anything[] = {
    "GET /id",
    "GET /version",
    "GET /health",
    "GET /peers",
    "GET /health/alerts",
    "GET /metrics",
    "GET /health/graph",
    "GET /health/bandwidth",
    "POST /ipfs/gc",
    "GET /pinlist",
    "GET /repair/plan",
    "GET /pins/summary",
    "GET /monitor/metrics",
    "GET /monitor/metrics/{name}",
    "GET /state/export",
    "POST /pins/recover",
    "POST /pins/sync",
};

/* The route that such a request reaches. */
static const struct http_route *reached(const char *method, const char *target)
{
    char path[512];
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(target, "?"), target);
    struct http_request r = { .method = (char *)method, .path = path };
    struct http_params params = { 0 };
    const struct http_route *route = NULL;
    cr_assert_eq(http_route_find(api_route_at(0), api_route_count(), &r, &route, &params), OK,
                 "%s %s", method, target);
    http_params_deinit(&params);
    return route;
}

static bool takes_anything(const struct http_route *route)
{
    char line[128];
    snprintf(line, sizeof(line), "%s %s", route->method, route->pattern);
    for (size_t i = 0; i < sizeof(take_anything) / sizeof(take_anything[0]); i++) {
        if (strcmp(take_anything[i], line) == 0)
            return true;
    }
    return false;
}

static const struct ask *ask_of(const struct http_route *route)
{
    for (size_t i = 0; i < ASKS_COUNT; i++) {
        if (strcmp(asks[i].method, route->method) == 0 &&
            strcmp(asks[i].pattern, route->pattern) == 0)
            return &asks[i];
    }
    cr_assert_fail("%s %s is not tried in this file", route->method, route->pattern);
    return NULL;
}

/* ---- the tests ---- */

Test(api_routes, each_route_is_tried_here_for_what_it_refuses)
{
    for (size_t i = 0; i < api_route_count(); i++) {
        const struct http_route *route = api_route_at(i);
        const struct ask *a = ask_of(route);
        cr_assert_eq(reached(a->method, a->target), route, "%s", a->target);
        size_t refused = 0;
        for (size_t k = 0; k < REFUSALS_COUNT; k++)
            refused += reached(refusals[k].method, refusals[k].target) == route;
        cr_assert_eq(refused == 0, takes_anything(route), "%s %s: what does it refuse?",
                     route->method, route->pattern);
    }
    cr_assert_eq(api_route_count(), ASKS_COUNT, "a row here is of no route");
}

Test(api_routes, what_each_one_refuses_the_peer_never_hears_of)
{
    for (size_t i = 0; i < REFUSALS_COUNT; i++) {
        struct world w;
        char line[512];
        const char *answer = ask(&w, NULL, refusals[i].method, refusals[i].target,
                                 refusals[i].fields, refusals[i].body);
        snprintf(line, sizeof(line), "%s %s", refusals[i].method, refusals[i].target);
        check_refusal(line, answer, refusals[i].status, refusals[i].words);
        cr_assert_eq(w.asked, 0, "%s", line);
    }
}

static int knows_it(void *impl, struct api_call *call, struct buf *why)
{
    (void)impl, (void)call, (void)why;
    return ERR_EXISTS;
}

/* As in V1, so that a script may say it twice; what it says of the address is not repeated as if it were true. */
Test(api_routes, a_member_may_be_added_again)
{
    static const char *const bodies[] = {
        "{\"peer_id\":\"" PEER "\"}",
        "{\"peer_multiaddress\":\"/ip4/1.2.3.4/tcp/1/p2p/" PEER "\"}",
    };
    struct api_ops ops = refusing;
    ops.peer_add = knows_it;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct world w;
        const char *answer = ask_peer(&w, &ops, NULL, "POST", "/peers", JSON, bodies[i]);
        cr_assert_eq(status_of(answer), 200, "%s", answer);
        cr_assert_not_null(strstr(answer, "{\"id\":\"" PEER "\",\"addresses\":[],"), "%s", answer);
    }
}

Test(api_routes, what_the_peer_refuses_has_a_status_of_its_own)
{
    for (size_t i = 0; i < ASKS_COUNT; i++) {
        struct world w;
        const struct ask *a = &asks[i];
        const char *answer = ask(&w, NULL, a->method, a->target, a->fields, a->body);
        cr_assert_eq(status_of(answer), a->refused, "%s %s: %s", a->method, a->target, answer);
        if (a->refused >= 400)
            check_refusal(a->target, answer, a->refused, "");
        bool asks_nobody = a->refused == 204 || a->refused == 401;
        cr_assert_eq(w.asked == 0, asks_nobody, "%s %s", a->method, a->target);
    }
}

/* The methods that some route has for that path. */
static bool has_method(const char *method, const char *target)
{
    char path[512];
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(target, "?"), target);
    struct http_request r = { .method = (char *)method, .path = path };
    struct http_params params = { 0 };
    const struct http_route *route = NULL;
    int err = http_route_find(api_route_at(0), api_route_count(), &r, &route, &params);
    http_params_deinit(&params);
    return err == OK;
}

Test(api_routes, other_methods_are_refused_and_the_right_ones_named)
{
    static const char *const methods[] = { "GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS" };
    for (size_t i = 0; i < ASKS_COUNT; i++) {
        for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
            struct world w;
            if (has_method(methods[k], asks[i].target))
                continue;
            const char *answer = ask(&w, NULL, methods[k], asks[i].target, "", "");
            cr_assert_eq(status_of(answer), 405, "%s %s", methods[k], asks[i].target);
            const char *allow = strstr(answer, "\r\nAllow: ");
            cr_assert(allow != NULL && strstr(allow, asks[i].method) != NULL, "%s", answer);
            cr_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n", "a 405 has no body");
            cr_assert_eq(w.asked, 0);
        }
    }
}

Test(api_routes, a_path_that_nobody_knows_is_not_there_for_any_method)
{
    static const char *const methods[] = { "GET", "POST", "DELETE", "PUT" };
    static const char *const targets[] = { "/pins/" CID "/x", "/pins/what/" CID, "/id/x",
                                           "/nothing" };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
            struct world w;
            const char *answer = ask(&w, NULL, methods[k], targets[i], "", "");
            check_refusal(targets[i], answer, 404, "not found");
            cr_assert_eq(w.asked, 0);
        }
    }
}

Test(api_routes, what_cannot_be_decoded_is_refused_whatever_is_asked_for)
{
    for (size_t i = 0; i < ASKS_COUNT; i++) {
        struct world w;
        char target[512];
        const struct ask *a = &asks[i];
        bool has_query = strchr(a->target, '?') != NULL;
        snprintf(target, sizeof(target), "%s%cx=%%zz", a->target, has_query ? '&' : '?');
        const char *answer = ask(&w, NULL, a->method, target, a->fields, a->body);
        check_refusal(target, answer, 400, "malformed query");
        cr_assert_eq(w.asked, 0);

        const char *brace = strchr(a->pattern, '{');
        if (brace == NULL)
            continue;
        snprintf(target, sizeof(target), "%.*s%%zz%s", (int)(brace - a->pattern), a->pattern,
                 strchr(brace, '}') + 1);
        answer = ask(&w, NULL, a->method, target, a->fields, a->body);
        check_refusal(target, answer, 400, "malformed path");
        cr_assert_eq(w.asked, 0);
    }
}

Test(api_routes, nobody_comes_in_without_a_password_but_to_ask_for_health)
{
    static const struct gate_pair users[] = { { "ann", "pass1" } };
    static const struct gate_options gate = { .users = users, .users_count = 1 };
    for (size_t i = 0; i < ASKS_COUNT; i++) {
        struct world w;
        const struct ask *a = &asks[i];
        const char *answer = ask(&w, &gate, a->method, a->target, a->fields, a->body);
        if (strcmp(a->pattern, "/health") == 0) {
            cr_assert_eq(status_of(answer), 204);
            continue;
        }
        check_refusal(a->target, answer, 401, "unauthorized: no auth provided");
        cr_assert_eq(w.asked, 0);
    }
}
