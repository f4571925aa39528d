/* api_decision.c -- GET /allocations/{cid}/decision: an array of what the leader remembers, the newest first. */
#include "http/api/api_int.h"

struct api_deciding {
    struct http_exchange *x;
    struct api *api;
    struct api_decision question;
};

static void api_deciding_end(struct api_deciding *d)
{
    d->x->owner = NULL;
    d->x->on_abort = NULL;
    mem_free(d);
}

static void api_deciding_gone(struct http_exchange *x)
{
    struct api_deciding *d = x->owner;
    d->api->ops->decision_forget(d->api->impl, &d->question);
    api_deciding_end(d);
}

static void api_decided(struct api_decision *q, int err, struct bytes json, const char *why)
{
    struct api_deciding *d = q->owner;
    struct http_exchange *x = d->x;
    api_deciding_end(d);
    if (err != OK) {
        api_reply_err(x, err, why);
        return;
    }
    struct buf document = { 0 };
    buf_append(&document, json.data, json.len);
    api_reply_json(x, 200, &document);
}

API_HANDLER(api_get_decision)
{
    struct api *api = owner;
    struct cid cid;
    if (!api_parse_cid(x, http_param(params, "cid"), &cid))
        return;
    struct api_deciding *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    *d = (struct api_deciding){ .api = api, .x = x };
    d->question = (struct api_decision){ .cid = cid, .done = api_decided, .owner = d };
    x->owner = d;
    x->on_abort = api_deciding_gone;
    int err = api->ops->decision_ask(api->impl, &d->question);
    if (err == OK)
        return; /* it may be over, and d gone */
    api_deciding_end(d);
    api_reply_err(x, err, NULL);
}
