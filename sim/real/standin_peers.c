#include "sim/real/standin_peers.h"

#include <string.h>

#include "ipfs/kubo_reply.h"
#include "os/os_clock.h"
#include "os/os_http_client.h"
#include "sim/kubo/content.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

#define PEERS_TICK_US    (50u * 1000)
#define PEERS_PING_US    (1000u * 1000)
#define PEERS_TIMEOUT_US (5u * 1000 * 1000)

enum { PEERS_FETCHES_MAX = 8 /* at one peer at once */, PEERS_BLOCK_BYTES_MAX = 16 * 1024 * 1024 };

/* Another daemon. It lives as long as calls to it run, and while it is linked, dialled or kept. */
struct remote {
    struct list_link link;
    struct standin_peers *peers;
    struct multiaddr addr; /* without a peer id */
    struct peer_id id;
    struct os_http_client *client;
    bool is_linked;
    bool is_kept;  /* dial again whenever it is not linked */
    bool is_asked; /* a dial or ping is under way */
    uint64_t next_ask_us;
    struct list_link fetches; /* of struct talk */
    unsigned fetches_count;
};

enum talk_kind { TALK_DIAL, TALK_LINK, TALK_PING, TALK_BLOCK };

/* One call to a remote. */
struct talk {
    struct list_link link; /* BLOCK: in the remote's fetches */
    struct http_call call;
    struct remote *remote;
    enum talk_kind kind;
    uint64_t dial_number;    /* 0: nobody waits for the outcome */
    struct cid key;          /* BLOCK */
    struct kubo_reply reply; /* DIAL */
    struct peer_id found;    /* DIAL: who answered */
    struct buf target;
    struct buf body; /* BLOCK */
    int status;
};

struct wanted {
    struct list_link link;
    struct cid key;
};

struct standin_peers {
    struct os_loop *loop;
    struct standin *s;
    struct multiaddr addr; /* ours, with our peer id */
    struct list_link remotes;
    struct list_link wants;
    struct os_timer timer;
    bool is_ending;
};

static void *peers_alloc(size_t size)
{
    void *memory = mem_zalloc(size);
    if (memory == NULL)
        fatal("the stand-in IPFS daemon is out of memory");
    return memory;
}

/* ---- remotes ---- */

static struct remote *remote_find(struct standin_peers *p, const struct multiaddr *addr)
{
    list_for_each (at, &p->remotes) {
        struct remote *r = list_entry(at, struct remote, link);
        if (multiaddr_equal(&r->addr, addr))
            return r;
    }
    return NULL;
}

/* The one at that address, made if need be; NULL when the address is none that we can dial. */
static struct remote *remote_at(struct standin_peers *p, const struct multiaddr *addr)
{
    struct multiaddr bare = *addr;
    struct os_http_client_options options = os_http_client_options_default();
    multiaddr_strip_peer(&bare);
    struct remote *r = remote_find(p, &bare);
    if (r != NULL)
        return r;
    r = peers_alloc(sizeof *r);
    r->peers = p;
    r->addr = bare;
    options.connect_timeout_us = PEERS_TIMEOUT_US;
    if (os_http_client_create(&r->client, p->loop, &bare, &options, NULL) != OK) {
        mem_free(r);
        return NULL;
    }
    list_init(&r->fetches);
    list_push_back(&p->remotes, &r->link);
    return r;
}

static void remote_linked(struct remote *r, const struct peer_id *id)
{
    r->id = *id;
    r->is_linked = true;
    r->next_ask_us = os_clock_mono_us() + PEERS_PING_US;
    standin_on_connected(r->peers->s, &r->id, &r->addr);
}

static void remote_lost(struct remote *r)
{
    if (!r->is_linked)
        return;
    r->is_linked = false;
    standin_on_disconnected(r->peers->s, &r->id);
}

/* ---- calls ---- */

static void talk_on_head(struct http_call *call, int status, const struct http_field *fields,
                         size_t count)
{
    struct talk *t = call->owner;
    (void)fields;
    (void)count;
    t->status = status;
    kubo_reply_on_head(&t->reply, status);
}

static void talk_on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct talk *t = call->owner;
    if (t->kind == TALK_DIAL)
        kubo_reply_on_body(&t->reply, bytes, len);
    else if (t->kind == TALK_BLOCK && t->body.len + len <= PEERS_BLOCK_BYTES_MAX)
        buf_append(&t->body, bytes, len);
}

static void talk_on_row(void *owner, const struct kubo_row *row)
{
    ((struct talk *)owner)->found = row->id.peer;
}

static void talk_done(struct http_call *call, int err);

/* Sends what stands in t->target. */
static void talk_start(struct talk *t)
{
    t->call.method = "POST";
    t->call.target = buf_text(&t->target);
    t->call.head_timeout_us = PEERS_TIMEOUT_US;
    t->call.on_head = talk_on_head;
    t->call.on_body = talk_on_body;
    t->call.done = talk_done;
    t->call.owner = t;
    struct http_client client = os_http_client_port(t->remote->client);
    int err = http_client_start(&client, &t->call);
    if (err != OK)
        talk_done(&t->call, err);
}

static struct talk *talk_create(struct remote *r, enum talk_kind kind)
{
    struct talk *t = peers_alloc(sizeof *t);
    t->remote = r;
    t->kind = kind;
    kubo_reply_init(&t->reply, KUBO_ID, talk_on_row, t);
    list_init(&t->link);
    if (kind != TALK_BLOCK) {
        r->is_asked = true;
        return t;
    }
    r->fetches_count += 1;
    list_push_back(&r->fetches, &t->link);
    return t;
}

static void talk_free(struct talk *t)
{
    kubo_reply_deinit(&t->reply);
    buf_deinit(&t->target);
    buf_deinit(&t->body);
    mem_free(t);
}

static void remote_dial(struct remote *r, uint64_t number)
{
    struct talk *t = talk_create(r, TALK_DIAL);
    t->dial_number = number;
    kubo_request_id(&t->target);
    talk_start(t);
}

/* "We are here too": the other side of the link. */
static void remote_tell_link(struct remote *r)
{
    struct talk *t = talk_create(r, TALK_LINK);
    buf_append_text(&t->target, "/standin/v0/link?arg=");
    multiaddr_print(&r->peers->addr, &t->target);
    talk_start(t);
}

static void remote_ping(struct remote *r)
{
    struct talk *t = talk_create(r, TALK_PING);
    buf_append_text(&t->target, "/standin/v0/ping");
    talk_start(t);
}

static void remote_fetch(struct remote *r, const struct cid *key)
{
    struct talk *t = talk_create(r, TALK_BLOCK);
    t->key = *key;
    buf_printf(&t->target, "/standin/v0/block?arg=%s", cid_print(key).text);
    talk_start(t);
}

/* ---- how they end ---- */

/* Kubo's words for a dial that failed. */
static void dial_failed(struct remote *r, uint64_t number, const char *peer, const char *why)
{
    struct buf text = { 0 }, addr = { 0 };
    multiaddr_print(&r->addr, &addr);
    buf_printf(&text, "failed to dial: failed to dial %s: all dials failed\n  * [%s] %s", peer,
               buf_text(&addr), why);
    if (number != 0)
        standin_on_dialed(r->peers->s, number, ERR_UNREACHABLE, buf_text(&text));
    buf_deinit(&text);
    buf_deinit(&addr);
}

static void dial_refused(struct remote *r, uint64_t number, const char *peer)
{
    struct buf why = { 0 };
    struct multiaddr_endpoint end = { .host = "?" };
    multiaddr_endpoint(&r->addr, &end);
    buf_printf(&why, "dial tcp4 %s:%u: connect: connection refused", end.host, (unsigned)end.port);
    dial_failed(r, number, peer, buf_text(&why));
    buf_deinit(&why);
}

static void talk_dialed(struct talk *t, int err)
{
    struct remote *r = t->remote;
    struct peer_id_text wanted = peer_id_print(&r->id), found = peer_id_print(&t->found);
    if (kubo_reply_end(&t->reply, err) != OK) {
        dial_refused(r, t->dial_number, wanted.text);
    } else if (!peer_id_equal(&r->id, &t->found)) {
        struct buf why = { 0 };
        buf_printf(&why,
                   "failed to negotiate security protocol: peer id mismatch: expected %s, but "
                   "remote key matches %s",
                   wanted.text, found.text);
        dial_failed(r, t->dial_number, wanted.text, buf_text(&why));
        buf_deinit(&why);
    } else {
        remote_linked(r, &t->found);
        remote_tell_link(r);
        if (t->dial_number != 0)
            standin_on_dialed(r->peers->s, t->dial_number, OK, NULL);
    }
}

static void talk_brought(struct talk *t, int err)
{
    struct bytes data = t->body.len > 0 ? buf_bytes(&t->body) : (struct bytes){ "", 0 };
    if (err == OK && t->status == 200 && t->body.err == OK)
        standin_on_block(t->remote->peers->s, &(struct standin_block){ t->key, data, 1, data.len });
}

static void talk_done(struct http_call *call, int err)
{
    struct talk *t = call->owner;
    struct remote *r = t->remote;
    bool is_gone = err == ERR_UNREACHABLE || err == ERR_CLOSED || err == ERR_TIMEOUT;
    if (t->kind == TALK_BLOCK)
        r->fetches_count -= 1;
    else
        r->is_asked = false;
    list_remove(&t->link);
    if (!r->peers->is_ending) {
        if (is_gone)
            remote_lost(r);
        if (t->kind == TALK_DIAL)
            talk_dialed(t, err);
        else if (t->kind == TALK_BLOCK)
            talk_brought(t, err);
    }
    talk_free(t);
}

/* ---- the hooks of the stand-in ---- */

/* May it be asked for this block now? */
static bool remote_may_fetch(const struct remote *r, const struct cid *key)
{
    if (!r->is_linked || r->fetches_count == PEERS_FETCHES_MAX)
        return false;
    list_for_each (at, &r->fetches) {
        if (cid_equal(&list_entry(at, struct talk, link)->key, key))
            return false;
    }
    return true;
}

static struct wanted *peers_find_want(struct standin_peers *p, const struct cid *key)
{
    list_for_each (at, &p->wants) {
        struct wanted *wanted = list_entry(at, struct wanted, link);
        if (cid_equal(&wanted->key, key))
            return wanted;
    }
    return NULL;
}

/* Everyone who can is asked, some keys a tick, those that waited longest first. */
static void peers_fetch(struct standin_peers *p)
{
    list_for_each (at, &p->remotes) {
        struct remote *r = list_entry(at, struct remote, link);
        list_for_each (want, &p->wants) {
            const struct cid *key = &list_entry(want, struct wanted, link)->key;
            if (remote_may_fetch(r, key))
                remote_fetch(r, key);
        }
    }
    struct list_link *first = list_pop_front(&p->wants);
    if (first != NULL)
        list_push_back(&p->wants, first);
}

static void peers_on_want(void *impl, const struct cid *key)
{
    struct standin_peers *p = impl;
    if (peers_find_want(p, key) == NULL) {
        struct wanted *wanted = peers_alloc(sizeof *wanted);
        wanted->key = *key;
        list_push_front(&p->wants, &wanted->link);
    }
    os_timer_set(&p->timer, os_clock_mono_us()); /* ask soon */
}

static void peers_on_unwant(void *impl, const struct cid *key)
{
    struct wanted *wanted = peers_find_want(impl, key);
    if (wanted == NULL)
        return;
    list_remove(&wanted->link);
    mem_free(wanted);
}

static void peers_on_have(void *impl, const struct cid *key)
{
    (void)impl; /* the others ask */
    (void)key;
}

static void peers_on_dial(void *impl, uint64_t number, const struct multiaddr *addr)
{
    struct standin_peers *p = impl;
    struct peer_id id = { 0 };
    struct remote *r = remote_at(p, addr);
    multiaddr_peer(addr, &id);
    if (r == NULL) {
        standin_on_dialed(p->s, number, ERR_UNSUPPORTED, "failed to dial: no good addresses");
        return;
    }
    if (!r->is_linked)
        r->id = id;
    if (!peer_id_equal(&r->id, &id)) {
        dial_failed(r, number, peer_id_print(&id).text,
                    "failed to negotiate security protocol: peer id mismatch");
        return;
    }
    remote_dial(r, number);
}

static void peers_on_hang_up(void *impl, const struct peer_id *peer)
{
    struct standin_peers *p = impl;
    list_for_each (at, &p->remotes) {
        struct remote *r = list_entry(at, struct remote, link);
        if (peer_id_equal(&r->id, peer))
            r->is_linked = false; /* the other side sees it at its next ping */
    }
}

static const struct standin_net_ops peers_ops = { peers_on_want, peers_on_unwant, peers_on_have,
                                                  peers_on_dial, peers_on_hang_up };

struct standin_net standin_peers_net(struct standin_peers *p)
{
    return (struct standin_net){ &peers_ops, p };
}

/* ---- time ---- */

static void peers_on_tick(void *owner)
{
    struct standin_peers *p = owner;
    uint64_t now_us = os_clock_mono_us();
    list_for_each (at, &p->remotes) {
        struct remote *r = list_entry(at, struct remote, link);
        if (r->is_asked || now_us < r->next_ask_us)
            continue;
        r->next_ask_us = now_us + PEERS_PING_US;
        if (r->is_linked)
            remote_ping(r);
        else if (r->is_kept)
            remote_dial(r, 0);
    }
    peers_fetch(p);
    os_timer_set(&p->timer, now_us + PEERS_TICK_US);
}

/* ---- life ---- */

struct standin_peers *standin_peers_create(struct os_loop *loop)
{
    struct standin_peers *p = peers_alloc(sizeof *p);
    p->loop = loop;
    list_init(&p->remotes);
    list_init(&p->wants);
    os_timer_init(&p->timer, loop, peers_on_tick, p);
    return p;
}

void standin_peers_destroy(struct standin_peers *p)
{
    p->is_ending = true;
    os_timer_stop(&p->timer);
    while (!list_is_empty(&p->remotes)) {
        struct remote *r = list_entry(list_pop_front(&p->remotes), struct remote, link);
        os_http_client_destroy(r->client);
        mem_free(r);
    }
    while (!list_is_empty(&p->wants))
        mem_free(list_entry(list_pop_front(&p->wants), struct wanted, link));
    mem_free(p);
}

void standin_peers_join(struct standin_peers *p, struct standin *s, const struct multiaddr *addr)
{
    p->s = s;
    p->addr = *addr;
    os_timer_set(&p->timer, os_clock_mono_us());
}

void standin_peers_keep(struct standin_peers *p, const struct multiaddr *addr)
{
    struct remote *r = remote_at(p, addr);
    if (r == NULL || multiaddr_peer(addr, &r->id) != OK)
        return;
    r->is_kept = true;
}

/* ---- what the others ask ---- */

static void peers_answer(struct http_exchange *x, int status, struct bytes body)
{
    http_reply_begin(x, status, NULL, 0, (int64_t)body.len);
    http_reply_write(x, body.data, body.len);
    http_reply_end(x, NULL, 0);
}

static void peers_answer_link(struct standin_peers *p, struct http_exchange *x, struct buf *arg)
{
    struct multiaddr addr;
    struct peer_id id;
    struct remote *r = NULL;
    if (multiaddr_parse(&addr, buf_text(arg)) == OK && multiaddr_peer(&addr, &id) == OK)
        r = remote_at(p, &addr);
    if (r != NULL)
        remote_linked(r, &id);
    peers_answer(x, r != NULL ? 200 : 400, (struct bytes){ "", 0 });
}

/* Only what we hold: nobody is asked on behalf of others. */
static void peers_answer_block(struct standin_peers *p, struct http_exchange *x, struct buf *arg)
{
    struct cid cid, key;
    const struct standin_block *block = NULL;
    if (cid_parse(&cid, buf_text(arg)) == OK) {
        key = content_key(&cid);
        block = standin_find(p->s, &key);
    }
    bool is_here = block != NULL && block->data.data != NULL;
    peers_answer(x, is_here ? 200 : 404, is_here ? block->data : (struct bytes){ "", 0 });
}

bool standin_peers_on_request(struct standin_peers *p, struct http_exchange *x)
{
    struct buf arg = { 0 };
    const char *path = x->request.path;
    bool is_link = strcmp(path, "/standin/v0/link") == 0;
    bool is_block = strcmp(path, "/standin/v0/block") == 0;
    bool is_ping = strcmp(path, "/standin/v0/ping") == 0;
    http_request_param(&x->request, "arg", 0, &arg);
    if (is_link)
        peers_answer_link(p, x, &arg);
    else if (is_block)
        peers_answer_block(p, x, &arg);
    else if (is_ping)
        peers_answer(x, 200, (struct bytes){ "", 0 });
    buf_deinit(&arg);
    return is_link || is_block || is_ping;
}
