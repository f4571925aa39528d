/* origin.c -- may that web page? A browser names the page's origin (Origin, or at least Referer), and the daemon answers only
 * origins that it was told to trust (API.HTTPHeaders.Access-Control-Allow-Origin). What is answered here must not be a way
 * around that: so the daemon is asked first, as a browser would (OPTIONS), and its word holds for the answer: 403 as the
 * daemon's, or its own fields. As with the daemon, a request that has both fields needs its word for both.
 *
 *      page --POST pin/rm, Origin--> proxy --OPTIONS, Origin--> daemon --Allow-Origin--> the command
 *                                                                \--none--> 403
 *
 * A page may hide where it is. Its request is refused at once, if the browser says that it is another site's
 * (Sec-Fetch-Site), or if it is clearly a browser's; as nobody who is no browser says such things of himself, programs are
 * never refused. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/reply.h"
#include "util/err.h"

enum { ORIGIN_PAGES_MAX = 2 }; /* by Origin and by Referer */

struct proxy_origin {
    struct proxy_job job; /* first */
    void (*handle)(struct proxy *p, struct http_exchange *x);
    struct http_call call;
    struct http_field fields[2];
    struct buf target;
    struct buf method;
    struct proxy_trust pages[ORIGIN_PAGES_MAX];
    size_t pages_count;
    size_t nth; /* the one that is asked about */
};

static void origin_free_job(struct proxy_job *job)
{
    struct proxy_origin *o = (struct proxy_origin *)job;
    buf_deinit(&o->target);
    buf_deinit(&o->method);
}

/* ---- where a request comes from ---- */

static bool origin_keep(char out[PROXY_ORIGIN_SIZE], struct bytes text)
{
    if (text.len == 0 || text.len >= PROXY_ORIGIN_SIZE)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool origin_is(struct bytes value, const char *text)
{
    return bytes_equal(value, (struct bytes){ text, strlen(text) });
}

/* "scheme://host:port" of "scheme://user@host:port/path"; empty when it is nothing like that. */
static struct bytes origin_of_referer(struct bytes referer, struct buf *room)
{
    const char *at = referer.data, *end = at + referer.len;
    const char *colon = memchr(at, ':', referer.len);
    if (colon == NULL || colon == at || end - colon < 4 || memcmp(colon, "://", 3) != 0)
        return (struct bytes){ NULL, 0 };
    const char *host = colon + 3, *stop = host;
    while (stop < end && *stop != '/' && *stop != '?' && *stop != '#') {
        if (*stop == '@')
            host = stop + 1;
        stop += 1;
    }
    buf_append(room, at, (size_t)(colon + 3 - at));
    buf_append(room, host, (size_t)(stop - host));
    return host < stop ? buf_bytes(room) : (struct bytes){ NULL, 0 };
}

static bool origin_is_named(const struct http_request *r)
{
    return http_request_field(r, "Origin").len > 0 || http_request_field(r, "Referer").len > 0;
}

/* By the name that browsers give themselves. What Electron fetches names no page, and the daemon lets it. */
static bool origin_is_of_browser(const struct http_request *r)
{
    static const char electron[] = "Electron";
    struct bytes agent = http_request_field(r, "User-Agent");
    return agent.len >= 7 && memcmp(agent.data, "Mozilla", 7) == 0 &&
           memmem(agent.data, agent.len, electron, sizeof(electron) - 1) == NULL;
}

bool proxy_page_is_hidden(const struct http_request *r)
{
    struct bytes site = http_request_field(r, "Sec-Fetch-Site");
    return !origin_is_named(r) && (origin_is(site, "cross-site") || origin_is(site, "same-site"));
}

void proxy_refuse_page(struct http_exchange *x)
{
    static const char text[] = "403 - Forbidden\n";
    struct http_field fields[] = { HTTP_FIELD("Content-Type", "text/plain; charset=utf-8"),
                                   HTTP_FIELD("X-Content-Type-Options", "nosniff") };
    http_reply_begin(x, 403, fields, 2, sizeof(text) - 1);
    http_reply_write(x, text, sizeof(text) - 1);
    http_reply_end(x, NULL, 0);
}

/* ---- the daemon's word ---- */

static void origin_on_head(struct http_call *call, int status, const struct http_field *fields,
                           size_t count)
{
    struct proxy_origin *o = call->owner;
    struct bytes allow = http_field_value(fields, count, "Access-Control-Allow-Origin");
    struct bytes credentials = http_field_value(fields, count, "Access-Control-Allow-Credentials");
    struct proxy_trust *page = &o->pages[o->nth];
    if (status >= 300 || !origin_keep(page->allow, allow))
        return;
    page->with_credentials = origin_is(credentials, "true");
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

static int origin_ask(struct proxy_origin *o);

/* Of the last page. */
static void origin_settle(struct proxy_origin *o, int err, bool is_trusted)
{
    struct proxy *p = o->job.proxy;
    struct http_exchange *x = o->job.x;
    void (*handle)(struct proxy * p, struct http_exchange * x) = o->handle;
    proxy_job_destroy(&o->job);
    if (x == NULL)
        return;
    x->owner = NULL;
    x->on_abort = NULL;
    if (err == ERR_BUSY || err == ERR_NOMEM)
        proxy_reply_error(p, x, 503, err_text(err));
    else if (err != OK)
        proxy_reply_error(p, x, 502, "the IPFS daemon cannot be asked whether this page may");
    else if (!is_trusted)
        proxy_refuse_page(x);
    else
        handle(p, x);
}

static void origin_done(struct http_call *call, int err)
{
    struct proxy_origin *o = call->owner;
    struct proxy *p = o->job.proxy;
    const struct proxy_trust *page = &o->pages[o->nth];
    bool is_trusted = err == OK && page->allow[0] != '\0';
    p->calls_count -= 1;
    if (is_trusted)
        origin_remember(p, page);
    o->nth += 1;
    if (is_trusted && o->job.x != NULL && o->nth < o->pages_count) {
        err = origin_ask(o);
        if (err == OK)
            return;
    }
    origin_settle(o, err, is_trusted);
}

static void origin_on_abort(struct http_exchange *x)
{
    struct proxy_origin *o = x->owner;
    o->job.x = NULL;
    http_client_cancel(o->job.proxy->client, &o->call); /* its done() frees */
}

static int origin_ask(struct proxy_origin *o)
{
    struct proxy *p = o->job.proxy;
    const char *origin = o->pages[o->nth].origin;
    o->fields[0] = (struct http_field){ { "Origin", 6 }, { origin, strlen(origin) } };
    o->fields[1] =
        (struct http_field){ { "Access-Control-Request-Method", 29 }, buf_bytes(&o->method) };
    o->call = (struct http_call){ .method = "OPTIONS",
                                  .target = buf_text(&o->target),
                                  .fields = o->fields,
                                  .fields_count = 2,
                                  .on_head = origin_on_head,
                                  .done = origin_done,
                                  .owner = o };
    int err = p->calls_count < p->options.calls_max ? OK : ERR_BUSY;
    if (err == OK)
        err = http_client_start(p->client, &o->call);
    p->calls_count += err == OK;
    return err;
}

/* ---- the request ---- */

/* ERR_INVALID: what it says names no page. */
static int origin_read(struct proxy_origin *o, const struct http_request *r)
{
    struct buf room = { 0 };
    struct bytes referer = http_request_field(r, "Referer");
    struct bytes named[ORIGIN_PAGES_MAX] = { http_request_field(r, "Origin") };
    size_t count = named[0].len > 0;
    int err = OK;
    if (referer.len > 0) {
        struct bytes page = origin_of_referer(referer, &room);
        err = room.err != OK ? room.err : page.len > 0 ? OK : ERR_INVALID;
        if (!bytes_equal(page, named[0]))
            named[count++] = page;
    }
    for (size_t i = 0; i < count && err == OK; i++)
        err = origin_keep(o->pages[i].origin, named[i]) ? OK : ERR_INVALID;
    o->pages_count = count;
    buf_deinit(&room);
    buf_append_text(&o->target, r->path);
    buf_append_text(&o->method, r->method);
    return err != OK ? err : o->target.err != OK ? o->target.err : o->method.err;
}

void proxy_ask_origin(struct proxy *p, struct http_exchange *x,
                      void (*handle)(struct proxy *p, struct http_exchange *x))
{
    if (!origin_is_named(&x->request)) {
        if (origin_is_of_browser(&x->request))
            proxy_refuse_page(x);
        else
            handle(p, x);
        return;
    }
    struct proxy_origin *o = proxy_job_create(p, x, sizeof(*o), origin_free_job);
    if (o == NULL)
        return;
    o->handle = handle;
    int err = origin_read(o, &x->request);
    if (err == OK)
        err = origin_ask(o);
    if (err == OK)
        x->on_abort = origin_on_abort;
    else
        origin_settle(o, err == ERR_INVALID ? OK : err, false);
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
