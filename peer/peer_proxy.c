/* peer_proxy.c -- what the IPFS proxy asks of the peer: its writes are those of the REST API, in the proxy's words. */
#include "peer_int.h"

#include "http/api/api.h"
#include "http/proxy/proxy.h"
#include "http/wire/json_reply.h"
#include "peer_doors.h"
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

static int peer_proxy_pin_get(void *impl, const struct cid *cid, struct arena *arena,
                              struct pin *out)
{
    return peer_read_pin(impl, cid, arena, out);
}

static int peer_proxy_pin_next(void *impl, const struct cid *after, struct arena *arena,
                               struct pin *out)
{
    static const struct cid none;
    return peer_read_next_pin(impl, after != NULL ? after : &none, arena, out);
}

static const struct proxy_ops peer_proxy_ops = {
    .pin = peer_proxy_pin,
    .unpin = peer_proxy_unpin,
    .forget = peer_proxy_forget,
    .pin_get = peer_proxy_pin_get,
    .pin_next = peer_proxy_pin_next,
};

int peer_proxy_create(struct peer *p, struct proxy **out)
{
    struct proxy_options options = { .version = p->options.version,
                                     .calls_max = PEER_PROXY_CALLS_MAX };
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
