/* origin.c -- may that web page? A browser names the page's origin, and the daemon answers only origins that it was told to
 * trust (API.HTTPHeaders.Access-Control-Allow-Origin). What is answered here must not be a way around that: so the daemon is
 * asked first, as a browser would (OPTIONS), and its word holds for the answer: 403 as the daemon's, or its own fields.
 *
 *      page --POST pin/rm, Origin--> proxy --OPTIONS, Origin--> daemon --Allow-Origin--> the command
 *                                                                \--none--> 403 */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/reply.h"
#include "util/err.h"

struct proxy_origin {
    struct proxy_job job; /* first */
    void (*handle)(struct proxy *p, struct http_exchange *x);
    struct http_call call;
    struct http_field fields[2];
    struct buf target;
    struct buf asked; /* the page's origin, and behind it the method */
    struct proxy_trust trust;
};

static void origin_free_job(struct proxy_job *job)
{
    struct proxy_origin *o = (struct proxy_origin *)job;
    buf_deinit(&o->target);
    buf_deinit(&o->asked);
}

static bool origin_keep(char out[PROXY_ORIGIN_SIZE], struct bytes text)
{
    if (text.len == 0 || text.len >= PROXY_ORIGIN_SIZE)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static void origin_on_head(struct http_call *call, int status, const struct http_field *fields,
                           size_t count)
{
    struct proxy_origin *o = call->owner;
    struct bytes allow = http_field_value(fields, count, "Access-Control-Allow-Origin");
    struct bytes credentials = http_field_value(fields, count, "Access-Control-Allow-Credentials");
    if (status >= 300 || !origin_keep(o->trust.allow, allow))
        return;
    o->trust.with_credentials = bytes_equal(credentials, (struct bytes){ "true", 4 });
}

static void origin_refuse(struct http_exchange *x)
{
    static const char text[] = "403 - Forbidden\n";
    struct http_field fields[] = { HTTP_FIELD("Content-Type", "text/plain; charset=utf-8"),
                                   HTTP_FIELD("X-Content-Type-Options", "nosniff") };
    http_reply_begin(x, 403, fields, 2, sizeof(text) - 1);
    http_reply_write(x, text, sizeof(text) - 1);
    http_reply_end(x, NULL, 0);
}

/* The newest word about each origin, for the answers that follow: proxy_put_fields(). */
static void origin_remember(struct proxy *p, const struct proxy_trust *trust)
{
    struct proxy_trust *slot = &p->trusted[p->trusted_next];
    for (size_t i = 0; i < PROXY_TRUSTED_MAX; i++) {
        if (strcmp(p->trusted[i].origin, trust->origin) == 0)
            slot = &p->trusted[i];
    }
    if (slot == &p->trusted[p->trusted_next])
        p->trusted_next = (p->trusted_next + 1) % PROXY_TRUSTED_MAX;
    *slot = *trust;
}

static void origin_done(struct http_call *call, int err)
{
    struct proxy_origin *o = call->owner;
    struct proxy *p = o->job.proxy;
    struct http_exchange *x = o->job.x;
    void (*handle)(struct proxy * p, struct http_exchange * x) = o->handle;
    struct proxy_trust trust = o->trust;
    p->calls_count -= 1;
    proxy_job_destroy(&o->job);
    if (x == NULL)
        return;
    x->owner = NULL;
    x->on_abort = NULL;
    if (err != OK) {
        proxy_reply_error(p, x, 502, "the IPFS daemon cannot be asked whether this page may");
    } else if (trust.allow[0] == '\0') {
        origin_refuse(x);
    } else {
        origin_remember(p, &trust);
        handle(p, x);
    }
}

static void origin_on_abort(struct http_exchange *x)
{
    struct proxy_origin *o = x->owner;
    o->job.x = NULL;
    http_client_cancel(o->job.proxy->client, &o->call); /* its done() frees */
}

static int origin_prepare(struct proxy_origin *o, const struct http_request *r, struct bytes origin)
{
    if (!origin_keep(o->trust.origin, origin))
        return ERR_TOO_BIG;
    buf_append_text(&o->target, r->path);
    buf_append(&o->asked, origin.data, origin.len);
    buf_append_text(&o->asked, r->method);
    if (o->target.err != OK || o->asked.err != OK)
        return ERR_NOMEM;
    const char *text = (const char *)o->asked.data;
    o->fields[0] = (struct http_field){ { "Origin", 6 }, { text, origin.len } };
    o->fields[1] = (struct http_field){ { "Access-Control-Request-Method", 29 },
                                        { text + origin.len, o->asked.len - origin.len } };
    o->call = (struct http_call){ .method = "OPTIONS",
                                  .target = buf_text(&o->target),
                                  .fields = o->fields,
                                  .fields_count = 2,
                                  .on_head = origin_on_head,
                                  .done = origin_done,
                                  .owner = o };
    return OK;
}

void proxy_ask_origin(struct proxy *p, struct http_exchange *x,
                      void (*handle)(struct proxy *p, struct http_exchange *x))
{
    struct bytes origin = http_request_field(&x->request, "Origin");
    struct proxy_origin *o = proxy_job_create(p, x, sizeof(*o), origin_free_job);
    if (o == NULL)
        return;
    o->handle = handle;
    int err = origin_prepare(o, &x->request, origin);
    if (err == OK)
        err = p->calls_count < p->options.calls_max ? OK : ERR_BUSY;
    if (err == OK)
        err = http_client_start(p->client, &o->call);
    if (err != OK) {
        proxy_reply_error(p, x, err == ERR_TOO_BIG ? 400 : 503, err_text(err));
        proxy_job_destroy(&o->job);
        return;
    }
    p->calls_count += 1;
    x->on_abort = origin_on_abort;
}

/* ---- the answers ---- */

void proxy_put_fields(void *owner, const struct http_exchange *x, int status, struct buf *out)
{
    const struct proxy *p = owner;
    struct bytes origin = http_request_field(&x->request, "Origin");
    static const char exposed[] = "X-Stream-Output, X-Chunked-Output, X-Content-Length";
    const struct bytes usual = { exposed, sizeof(exposed) - 1 };
    (void)status;
    if (!proxy_is_answered_here(&x->request))
        return; /* the daemon says it itself */
    http_put_field_text(out, "Vary", "Origin");
    buf_append(out, p->extract.fields.data, p->extract.fields.len);
    for (size_t i = 0; i < PROXY_TRUSTED_MAX && origin.len > 0; i++) {
        const struct proxy_trust *t = &p->trusted[i];
        if (!bytes_equal(origin, (struct bytes){ t->origin, strlen(t->origin) }))
            continue;
        http_put_field_text(out, "Access-Control-Allow-Origin", t->allow);
        http_put_field(out, (struct bytes){ "Access-Control-Expose-Headers", 29 },
                       p->extract.exposed.len > 0 ? buf_bytes(&p->extract.exposed) : usual);
        if (t->with_credentials)
            http_put_field_text(out, "Access-Control-Allow-Credentials", "true");
        return;
    }
}
