/* api_consistent.c -- requests that are put aside until they can be answered: ?consistent=true, and questions about how
 * the others are. And what every read of the shared state says of its age (DESIGN 14).
 *
 * A read is answered from this peer's state, which may be a little behind. Each answer says how far it is
 * (X-State-Index) and how long ago this peer heard from the leader (X-State-Age-Ms). Who needs more asks with
 * ?consistent=true: then the request is put aside until the state has everything that was acknowledged before
 * it came, and handled then as any other; 503 if that cannot be had. A peer that is not told how the others are asks the
 * leader before it answers (DESIGN 12). */
#include "http/api/api_int.h"

#include <string.h>

struct api_wait {
    struct api *api;
    struct http_exchange *x;
    struct api_call call;
    bool is_hearing;  /* of the others; else of the shared state */
    bool is_optional; /* handled all the same when it cannot be had */
};

static void api_wait_gone(struct http_exchange *x)
{
    struct api_wait *w = x->owner;
    w->api->ops->forget(w->api->impl, &w->call);
    mem_free(w);
}

static void api_wait_done(struct api_call *call, int err, const char *why)
{
    struct api_wait *w = call->owner;
    struct api *api = w->api;
    struct http_exchange *x = w->x;
    x->owner = NULL;
    x->on_abort = NULL;
    if (err == OK || w->is_optional) {
        api->has_asked = w->is_hearing;
        api_route(api, x);
        api->has_asked = false;
    } else {
        api_reply_err(x, err, why);
    }
    mem_free(w);
}

bool api_wants_consistency(const struct http_request *r)
{
    /* When memory is out it may have been asked for: then it is, and costs a round. */
    struct buf value = { 0 };
    int err = http_request_param(r, "consistent", 0, &value);
    bool is_true = err == ERR_NOMEM ||
                   (err == OK && bytes_equal(buf_bytes(&value), (struct bytes){ "true", 4 }));
    buf_deinit(&value);
    return is_true && strcmp(r->method, "GET") == 0;
}

static void api_put_aside(struct api *api, struct http_exchange *x, bool is_hearing,
                          bool is_optional)
{
    struct api_wait *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    *w = (struct api_wait){ .api = api,
                            .x = x,
                            .call = { .done = api_wait_done, .owner = w },
                            .is_hearing = is_hearing,
                            .is_optional = is_optional };
    x->owner = w;
    x->on_abort = api_wait_gone;
    struct buf why = { 0 };
    int err = (is_hearing ? api->ops->hear : api->ops->catch_up)(api->impl, &w->call, &why);
    if (err != OK)
        api_wait_done(&w->call, err, buf_text(&why));
    buf_deinit(&why);
}

void api_route_consistently(struct api *api, struct http_exchange *x)
{
    api_put_aside(api, x, false, false);
}

bool api_hears(struct api *api, struct http_exchange *x, bool is_optional)
{
    if (api->has_asked || api->ops->hears(api->impl))
        return true;
    api_put_aside(api, x, true, is_optional);
    return false;
}

static void api_state_field(struct api_state_fields *s, const char *name, uint64_t value)
{
    char *end = s->texts[s->count] + sizeof(s->texts[0]);
    char *digits = end;
    do {
        *--digits = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    s->fields[s->count] = (struct http_field){ .name = { name, strlen(name) },
                                               .value = { digits, (size_t)(end - digits) } };
    s->count += 1;
}

void api_state_fields(struct api *api, struct api_state_fields *out)
{
    struct api_freshness f = api->ops->freshness(api->impl);
    out->count = 0;
    api_state_field(out, "X-State-Index", f.applied);
    if (f.has_contact)
        api_state_field(out, "X-State-Age-Ms", f.age_us / 1000);
}
