/* extract.c -- header fields of the daemon's that the proxy's own answers have, too, as if the daemon had made them: those of
 * extract_headers_extra, and what the daemon lets web pages see (Access-Control-Expose-Headers).
 *
 * They are taken from one answer of the daemon's, to POST extract_headers_path, and hold for extract_headers_ttl. Only a
 * request that comes before any answer waits for one; later ones go on at once with what is known, while it is asked for
 * anew. A daemon that does not answer keeps nobody: the request goes on without.
 *
 *      request --nothing known--> waits ---answer, or none---> the command
 *              --known, old-----> asks beside it, and goes on: the command */
#include "http/proxy/proxy_int.h"

#include "http/wire/reply.h"
#include "util/assert.h"
#include "util/err.h"

enum {
    EXTRACT_BYTES_MAX = 16 * 1024,         /* of fields: each answer has them all */
    EXTRACT_PATIENCE_US = 5 * 1000 * 1000, /* for the daemon's head */
    EXTRACT_PAUSE_US = 5 * 1000 * 1000,    /* after it failed */
};

struct proxy_waiting {
    struct proxy_job job; /* first */
    struct list_link link;
    void (*handle)(struct proxy *p, struct http_exchange *x);
};

void proxy_extract_init(struct proxy_extract *e)
{
    list_init(&e->waiting);
    e->fields.limit = EXTRACT_BYTES_MAX;
    e->exposed.limit = EXTRACT_BYTES_MAX;
}

void proxy_extract_deinit(struct proxy_extract *e)
{
    buf_deinit(&e->fields);
    buf_deinit(&e->exposed);
}

/* ---- what is taken ---- */

/* What an answer says of itself, and what is decided for each page (origin.c). */
static bool extract_is_ours(struct bytes name)
{
    static const char *const ours[] = {
        "Content-Type",
        "Content-Length",
        "Content-Encoding",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Trailer",
        "TE",
        "Upgrade",
        "Date",
        "Server",
        "Vary",
        "X-Chunked-Output",
        "X-Stream-Output",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers",
    };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (http_name_is(name, ours[i]))
            return true;
    }
    return false;
}

static bool extract_is_wanted(const struct proxy *p, struct bytes name)
{
    for (size_t i = 0; i < p->options.extract.names_count; i++) {
        if (http_name_is(name, p->options.extract.names[i]))
            return !extract_is_ours(name);
    }
    return false;
}

static void extract_on_head(struct http_call *call, int status, const struct http_field *fields,
                            size_t count)
{
    struct proxy *p = call->owner;
    struct proxy_extract *e = &p->extract;
    (void)status; /* the daemon has these fields on whatever it says */
    buf_clear(&e->fields);
    buf_clear(&e->exposed);
    for (size_t i = 0; i < count; i++) {
        if (extract_is_wanted(p, fields[i].name))
            http_put_field(&e->fields, fields[i].name, fields[i].value);
    }
    struct bytes exposed = http_field_value(fields, count, "Access-Control-Expose-Headers");
    buf_append(&e->exposed, exposed.data, exposed.len);
    e->is_known = e->fields.err == OK && e->exposed.err == OK;
    if (!e->is_known) { /* half of them would be none of them */
        buf_clear(&e->fields);
        buf_clear(&e->exposed);
    }
}

/* ---- asking ---- */

static void extract_release(struct proxy *p)
{
    struct list_link *link;
    while ((link = list_pop_front(&p->extract.waiting)) != NULL) {
        struct proxy_waiting *w = list_entry(link, struct proxy_waiting, link);
        struct http_exchange *x = w->job.x;
        void (*handle)(struct proxy * p, struct http_exchange * x) = w->handle;
        proxy_job_destroy(&w->job);
        x->owner = NULL;
        x->on_abort = NULL;
        handle(p, x);
    }
}

static void extract_done(struct http_call *call, int err)
{
    struct proxy *p = call->owner;
    struct proxy_extract *e = &p->extract;
    e->is_running = false;
    e->has_failed = err != OK;
    e->asked_us = p->ops->now_us(p->impl);
    p->calls_count -= 1;
    extract_release(p);
}

static bool extract_is_due(const struct proxy *p)
{
    const struct proxy_extract *e = &p->extract;
    uint64_t age_us = p->ops->now_us(p->impl) - e->asked_us;
    if (e->is_running)
        return false;
    if (e->has_failed)
        return age_us >= EXTRACT_PAUSE_US;
    return !e->is_known || (p->options.extract.ttl_us > 0 && age_us >= p->options.extract.ttl_us);
}

static void extract_ask(struct proxy *p)
{
    struct proxy_extract *e = &p->extract;
    e->call = (struct http_call){ .method = "POST",
                                  .target = p->options.extract.path,
                                  .head_timeout_us = EXTRACT_PATIENCE_US,
                                  .on_head = extract_on_head,
                                  .done = extract_done,
                                  .owner = p };
    if (p->calls_count >= p->options.calls_max || http_client_start(p->client, &e->call) != OK)
        return;
    e->is_running = true;
    p->calls_count += 1;
}

/* ---- the request ---- */

static void extract_free_job(struct proxy_job *job)
{
    (void)job;
}

static void extract_on_abort(struct http_exchange *x)
{
    struct proxy_waiting *w = x->owner;
    list_remove(&w->link);
    proxy_job_destroy(&w->job);
}

static void extract_wait(struct proxy *p, struct http_exchange *x,
                         void (*handle)(struct proxy *p, struct http_exchange *x))
{
    struct proxy_waiting *w = proxy_job_create(p, x, sizeof(*w), extract_free_job);
    if (w == NULL)
        return;
    w->handle = handle;
    x->on_abort = extract_on_abort;
    list_push_back(&p->extract.waiting, &w->link);
}

void proxy_extract_before(struct proxy *p, struct http_exchange *x,
                          void (*handle)(struct proxy *p, struct http_exchange *x))
{
    struct proxy_extract *e = &p->extract;
    bool has_page = http_request_field(&x->request, "Origin").len > 0;
    bool is_wanted =
        p->options.extract.path != NULL && (has_page || p->options.extract.names_count > 0);
    if (is_wanted && extract_is_due(p))
        extract_ask(p);
    if (is_wanted && e->is_running && !e->is_known)
        extract_wait(p, x, handle);
    else
        handle(p, x);
}
