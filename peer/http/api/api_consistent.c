/* api_consistent.c -- ?consistent=true, and what every read of the shared state says of its age (DESIGN 14).
 *
 * A read is answered from this peer's state, which may be a little behind. Each answer says how far it is
 * (X-State-Index) and how long ago this peer heard from the leader (X-State-Age-Ms). Who needs more asks with
 * ?consistent=true: then the request is put aside until the state has everything that was acknowledged before
 * it came, and handled then as any other; 503 if that cannot be had. */
#include "http/api/api_int.h"

#include <string.h>

struct api_wait {
    struct api *api;
    struct http_exchange *x;
    struct api_call call;
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
    if (err == OK)
        api_route(api, x);
    else
        api_reply_err(x, err, why);
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

void api_route_consistently(struct api *api, struct http_exchange *x)
{
    struct api_wait *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    *w = (struct api_wait){ .api = api, .x = x, .call = { .done = api_wait_done, .owner = w } };
    x->owner = w;
    x->on_abort = api_wait_gone;
    struct buf why = { 0 };
    int err = api->ops->catch_up(api->impl, &w->call, &why);
    if (err != OK) {
        x->owner = NULL;
        x->on_abort = NULL;
        api_reply_err(x, err, buf_text(&why));
        mem_free(w);
    }
    buf_deinit(&why);
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
