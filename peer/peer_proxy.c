/* peer_proxy.c -- what the IPFS proxy asks of the peer: its writes are those of the REST API, in the proxy's words. */
#include "peer_int.h"

#include <stdlib.h>

#include "http/api/api.h"
#include "http/proxy/proxy.h"
#include "http/wire/json_reply.h"
#include "peer_census.h"
#include "peer_doors.h"
#include "peer_watch.h"
#include "util/err.h"
#include "util/mem.h"

enum { PEER_PROXY_CALLS_MAX = 512 };

/* A write of the proxy's, on its way as one of the API's. */
struct peer_proxied {
    struct api_call call;
    struct peer *peer;
    struct proxy_write *write;
};

static void peer_proxied_done(struct api_call *call, int err, const char *why)
{
    struct peer_proxied *p = call->owner;
    struct proxy_write *write = p->write;
    write->pin = call->pin;
    write->done(write, err, why);
    mem_free(p);
}

static int peer_proxied_start(struct peer *peer, struct proxy_write *write, struct buf *why,
                              int (*start)(struct peer *, struct api_call *, struct buf *))
{
    struct peer_proxied *p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_NOMEM;
    p->peer = peer;
    p->write = write;
    p->call.pin = write->pin;
    p->call.priority = write->priority;
    p->call.priority_count = write->priority_count;
    p->call.done = peer_proxied_done;
    p->call.owner = p;
    if (p->call.pin.created_s == 0)
        p->call.pin.created_s = peer->wall_us / 1000000;
    peer_enter(peer);
    int err = start(peer, &p->call, why);
    peer_leave(peer);
    if (err == OK)
        write->pending = p;
    else
        mem_free(p);
    return err;
}

static uint64_t peer_proxy_now_us(void *impl)
{
    return clock_mono(&((struct peer *)impl)->ports.clock).us;
}

static int peer_proxy_pin(void *impl, struct proxy_write *write, struct buf *why)
{
    return peer_proxied_start(impl, write, why, peer_write_pin);
}

static int peer_proxy_unpin(void *impl, struct proxy_write *write, struct buf *why)
{
    return peer_proxied_start(impl, write, why, peer_write_unpin);
}

static void peer_proxy_forget(void *impl, struct proxy_write *write)
{
    struct peer_proxied *p = write->pending;
    peer_write_forget(impl, &p->call);
    mem_free(p);
}

static int peer_proxy_pin_options(void *impl, const struct http_request *r, struct arena *arena,
                                  struct proxy_write *write, struct buf *why)
{
    struct peer *p = impl;
    int err = api_parse_options(r, clock_wall(&p->ports.clock).us, arena, &write->pin,
                                &write->priority, &write->priority_count, why);
    return err == OK ? peer_check_options(p, &write->pin, why) : err;
}

/* ---- repositories ---- */

/* The sum of a metric over the peers that said it lately. */
static uint64_t peer_proxy_sum(struct peer *p, const char *name)
{
    struct monitor_metric m;
    const struct peer_id *after = NULL;
    struct peer_id last;
    uint64_t sum = 0;
    while (monitor_next(p->monitor, p->now_us, name, after, &m) == OK) {
        char text[24];
        struct buf value = buf_over(text, sizeof(text) - 1);
        buf_append(&value, m.metric.value.data, m.metric.value.len);
        if (!m.is_expired && m.metric.is_valid && value.err == OK)
            sum += strtoull(buf_text(&value), NULL, 10);
        last = m.peer;
        after = &last;
    }
    return sum;
}

static void peer_proxy_repo_stat(void *impl, struct proxy_repo *out)
{
    struct peer *p = impl;
    peer_enter(p);
    out->size = peer_proxy_sum(p, METRIC_REPOSIZE);
    out->storage_max = out->size + peer_proxy_sum(p, METRIC_FREESPACE);
    peer_leave(p);
}

/* A census, row by row. */
struct peer_gc {
    struct api_census *census;
    struct arena arena;
    struct api_word word; /* the one being told */
    size_t at;            /* in its keys */
    bool has_word;
    struct buf text;
};

static void peer_gc_close(void *collecting)
{
    struct peer_gc *g = collecting;
    peer_census_close(g->census);
    arena_deinit(&g->arena);
    buf_deinit(&g->text);
    mem_free(g);
}

static int peer_gc_open(void *impl, const struct proxy_gc_hooks *hooks, void **out)
{
    struct api_listing_hooks census_hooks = { .on_wake = hooks->on_wake, .owner = hooks->owner };
    struct peer_gc *g = mem_zalloc(sizeof(*g));
    if (g == NULL)
        return ERR_NOMEM;
    int err = peer_census_open(impl, API_ASK_GARBAGE, false, &census_hooks, &g->census);
    if (err == OK)
        *out = g;
    else
        mem_free(g);
    return err;
}

/* What a peer has to say beside its keys: "peer-2: its words". False: nothing. */
static bool peer_gc_complaint(struct peer_gc *g, struct proxy_collected *out)
{
    const struct api_word *w = &g->word;
    struct bytes error = w->error.len > 0 ? w->error : w->ipfs_error;
    if (error.len == 0)
        return false;
    buf_clear(&g->text);
    buf_append(&g->text, w->name.data, w->name.len);
    buf_printf(&g->text, "%s%.*s", w->name.len > 0 ? ": " : "", (int)error.len,
               (const char *)error.data);
    *out = (struct proxy_collected){ .error = buf_bytes(&g->text) };
    return true;
}

static int peer_gc_next(void *collecting, struct proxy_collected *out)
{
    struct peer_gc *g = collecting;
    for (;;) {
        if (g->has_word && g->at < g->word.keys_count) {
            const struct api_collected *key = &g->word.keys[g->at++];
            *out = (struct proxy_collected){ key->cid, key->error };
            return OK;
        }
        if (g->has_word) {
            g->has_word = false;
            if (peer_gc_complaint(g, out))
                return OK;
        }
        arena_reset(&g->arena);
        switch (peer_census_next(g->census, &g->arena, &g->word)) {
        case API_NEXT_ROW:
            g->has_word = true;
            g->at = 0;
            break;
        case API_NEXT_WAIT:
            return ERR_MORE;
        case API_NEXT_END:
        case API_NEXT_FAILED:
            return ERR_NOT_FOUND;
        }
    }
}

static const struct proxy_ops peer_proxy_ops = {
    .now_us = peer_proxy_now_us,
    .watch = peer_watch_open,
    .watch_end = peer_watch_close,
    .repo_stat = peer_proxy_repo_stat,
    .gc_open = peer_gc_open,
    .gc_next = peer_gc_next,
    .gc_close = peer_gc_close,
    .pin = peer_proxy_pin,
    .unpin = peer_proxy_unpin,
    .forget = peer_proxy_forget,
    .pin_options = peer_proxy_pin_options,
    .pin_get = peer_pin_get,
    .pins_after = peer_pins_after,
};

int peer_proxy_create(struct peer *p, struct proxy **out)
{
    struct proxy_options options = {
        .version = p->options.version,
        .calls_max = PEER_PROXY_CALLS_MAX,
        .extract = { .path = p->options.proxy_extract_path,
                     .names = p->options.proxy_extract_names,
                     .names_count = p->options.proxy_extract_names_count,
                     .ttl_us = p->options.proxy_extract_ttl_us },
    };
    return proxy_create(out, &peer_proxy_ops, p, &p->ports.http_client, &options);
}

void peer_proxy_request(void *owner, struct http_exchange *x)
{
    struct peer *p = owner;
    if (p->life == PEER_STOPPED) {
        http_reply_error(x, 503, "this peer is stopping", NULL, 0);
        return;
    }
    peer_enter(p);
    proxy_on_request(p->doors->proxy, x);
    peer_leave(p);
}
