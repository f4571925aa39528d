/* One other peer: where it is said to listen, the frames that wait for it, and the dialling.
 *
 * Dialling is a walk over addresses, and within an address over what its name resolved to. Each step is
 * asynchronous and ends in os_peer_dial_next(), which takes the next step or, at the end of the walk,
 * makes a pause. os_peer_consider() begins a walk, and only it. */
#include "os/os_transport_int.h"

#include <string.h>

#include "os/os_clock.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- frames that wait ---- */

static void os_queue_drop_front(struct os_queue *q)
{
    struct os_frame *f = list_entry(list_pop_front(&q->frames), struct os_frame, link);
    q->bytes -= sizeof(*f) + f->len;
    mem_free(f);
}

static void os_peer_drop_frames(struct os_peer *p, uint64_t queued_before_us)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct os_queue *q = &p->queues[i];
        while (!list_is_empty(&q->frames) &&
               list_entry(q->frames.next, struct os_frame, link)->queued_us < queued_before_us)
            os_queue_drop_front(q);
    }
}

static void os_peer_drop_stale_frames(struct os_peer *p)
{
    uint64_t now_us = os_clock_mono_us();
    uint64_t age_us = p->transport->options.frame_age_us;
    os_peer_drop_frames(p, now_us > age_us ? now_us - age_us : 0);
}

static bool os_peer_has_frames(const struct os_peer *p)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (!list_is_empty(&p->queues[i].frames))
            return true;
    return false;
}

int os_peer_send(struct os_peer *p, enum stream stream, const void *bytes, size_t len)
{
    struct os_queue *q = &p->queues[stream];
    size_t frame_len = FRAME_LEN_BYTES + len;
    struct os_frame *f = NULL;
    if (q->bytes + sizeof(*f) + frame_len > p->transport->options.queue_bytes_max)
        return ERR_BUSY;
    f = mem_alloc(sizeof(*f) + frame_len);
    if (f == NULL)
        return ERR_NOMEM;
    f->queued_us = os_clock_mono_us();
    f->sent = 0;
    f->len = frame_len;
    for (int i = 0; i < FRAME_LEN_BYTES; i++)
        f->bytes[i] = (uint8_t)(len >> (8 * (FRAME_LEN_BYTES - 1 - i)));
    memcpy(f->bytes + FRAME_LEN_BYTES, bytes, len);
    list_push_back(&q->frames, &f->link);
    q->bytes += sizeof(*f) + frame_len;
    if (p->up != NULL)
        os_link_pump(p->up);
    else
        os_peer_consider(p);
    return OK;
}

struct os_frame *os_peer_front(struct os_peer *p, enum stream stream)
{
    struct os_queue *q = &p->queues[stream];
    return list_is_empty(&q->frames) ? NULL : list_entry(q->frames.next, struct os_frame, link);
}

void os_peer_pop(struct os_peer *p, enum stream stream)
{
    os_queue_drop_front(&p->queues[stream]);
}

/* What a link had begun to take, another one takes from its beginning. */
static void os_peer_rewind(struct os_peer *p)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct os_frame *front = os_peer_front(p, (enum stream)i);
        if (front != NULL)
            front->sent = 0;
    }
}

/* ---- dialling ---- */

static void os_peer_dial_next(struct os_peer *p, const char *why);

static bool os_peer_is_dialling(const struct os_peer *p)
{
    return p->dial != NULL || p->lookup != NULL || p->retry.at_us != MONO_NEVER;
}

static bool os_peer_has_reason(const struct os_peer *p)
{
    return p->addresses_count > 0 && (p->is_wanted || os_peer_has_frames(p));
}

static void os_peer_stop_dialling(struct os_peer *p)
{
    os_timer_stop(&p->retry);
    if (p->lookup != NULL)
        os_lookup_cancel(p->lookup);
    p->lookup = NULL;
    if (p->dial != NULL) {
        struct os_link *dial = p->dial;
        p->dial = NULL; /* so that its end is nobody's news */
        os_link_close(dial, ERR_CANCELED, "not wanted any more");
    }
}

static void os_peer_begin_walk(struct os_peer *p)
{
    p->next_address = 0;
    p->found_count = 0;
    p->next_found = 0;
}

/* Half of the pause is certain, the other half is drawn: peers that lost each other at the same moment do not
 * come back at the same moment. */
static void os_peer_pause(struct os_peer *p)
{
    const struct os_transport_options *o = &p->transport->options;
    struct rng rng = os_rng_port(&p->transport->rng);
    uint64_t pause_us = p->pause_us == 0 ? o->pause_first_us : 2 * p->pause_us;
    p->pause_us = pause_us < o->pause_max_us ? pause_us : o->pause_max_us;
    uint64_t half_us = p->pause_us / 2;
    os_timer_set(&p->retry,
                 os_clock_mono_us() + half_us + rng_below(&rng, RNG_BACKOFF, half_us + 1));
}

/* Nobody took the call at any address: whoever waits for an answer from there need not wait on. */
static void os_peer_tell_unreachable(struct os_peer *p)
{
    const struct transport_hooks *h = &p->transport->hooks;
    if (p->up == NULL && h->on_link != NULL)
        h->on_link(h->owner, &p->id, false);
}

static void os_peer_on_retry(void *owner)
{
    struct os_peer *p = owner;
    os_peer_tell_unreachable(p);
    os_peer_drop_stale_frames(p);
    os_peer_consider(p);
    os_peer_forget_if_idle(p);
}

static void os_peer_complain(struct os_peer *p, const char *why)
{
    if (p->has_complained)
        return;
    p->has_complained = true;
    LOG_WARN(p->transport->log, "p2p", "cannot reach peer=%s: %s; trying on",
             peer_id_print(&p->id).text, why);
}

static void os_peer_on_looked_up(void *owner, int err, const char *why,
                                 const struct os_address *addresses, size_t count)
{
    struct os_peer *p = owner;
    p->lookup = NULL;
    if (err == OK) {
        memcpy(p->found, addresses, count * sizeof(addresses[0]));
        p->found_count = count;
        p->next_found = 0;
    }
    os_peer_dial_next(p, why);
}

/* Takes the next address apart: into `found` at once, or by a lookup. */
static int os_peer_take_address(struct os_peer *p, const struct multiaddr *address)
{
    struct multiaddr_endpoint endpoint;
    struct os_lookup_hooks hooks = { os_peer_on_looked_up, p };
    int err = multiaddr_endpoint(address, &endpoint);
    if (err != OK)
        return err;
    err = os_address_of_endpoint(&p->found[0], &endpoint);
    if (err == ERR_UNSUPPORTED) /* a name */
        return os_resolver_lookup(p->transport->resolver, &endpoint, &hooks, &p->lookup);
    p->found_count = err == OK ? 1 : 0;
    p->next_found = 0;
    return err;
}

/* `why` is what stopped the step before: the last one is what a person reads. */
static void os_peer_dial_next(struct os_peer *p, const char *why)
{
    if (p->up != NULL)
        return; /* it came to us meanwhile */
    for (;;) {
        while (p->next_found < p->found_count) {
            int err = os_link_dial(p, &p->found[p->next_found++]);
            if (err == OK)
                return;
            why = err_text(err);
        }
        if (p->next_address >= p->addresses_count)
            break;
        int err = os_peer_take_address(p, &p->addresses[p->next_address++]);
        if (err != OK)
            why = err_text(err);
        else if (p->lookup != NULL)
            return;
    }
    os_peer_complain(p, why);
    os_peer_pause(p);
}

void os_peer_consider(struct os_peer *p)
{
    if (p->up != NULL || os_peer_is_dialling(p) || !os_peer_has_reason(p))
        return;
    os_peer_begin_walk(p);
    os_peer_dial_next(p, "");
}

/* ---- what the links tell ---- */

void os_peer_on_dial_failed(struct os_peer *p, const char *why)
{
    os_peer_dial_next(p, why);
}

void os_peer_on_up(struct os_peer *p, struct os_link *l)
{
    p->up = l;
    os_timer_stop(&p->retry);
    os_peer_drop_stale_frames(p);
    os_peer_rewind(p);
    os_link_pump(l);
}

/* Not at once: a peer that answers the call and hangs up would be called without end. */
void os_peer_on_down(struct os_peer *p)
{
    if (!os_peer_is_dialling(p) && os_peer_has_reason(p))
        os_peer_pause(p);
}

void os_peer_on_proven(struct os_peer *p)
{
    p->pause_us = 0;
    p->has_complained = false;
}

/* ---- life ---- */

struct os_peer *os_peer_find(struct os_transport *t, const struct peer_id *id)
{
    return map_get(&t->peers_by_id, (struct bytes){ id->bytes, id->len });
}

struct os_peer *os_peer_get(struct os_transport *t, const struct peer_id *id)
{
    struct os_peer *p = os_peer_find(t, id);
    if (p != NULL)
        return p;
    p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return NULL;
    p->id = *id;
    if (map_put(&t->peers_by_id, (struct bytes){ p->id.bytes, p->id.len }, p) != OK) {
        mem_free(p);
        return NULL;
    }
    p->transport = t;
    os_timer_init(&p->retry, t->loop, os_peer_on_retry, p);
    for (int i = 0; i < STREAM_COUNT; i++)
        list_init(&p->queues[i].frames);
    list_push_back(&t->peers, &p->link);
    return p;
}

void os_peer_destroy(struct os_peer *p)
{
    ASSERT(p->links_count == 0);
    os_timer_stop(&p->retry);
    if (p->lookup != NULL)
        os_lookup_cancel(p->lookup);
    os_peer_drop_frames(p, MONO_NEVER);
    map_remove(&p->transport->peers_by_id, (struct bytes){ p->id.bytes, p->id.len });
    list_remove(&p->link);
    mem_free(p);
}

void os_peer_forget_if_idle(struct os_peer *p)
{
    if (p->links_count == 0 && p->addresses_count == 0 && !p->is_wanted)
        os_peer_destroy(p);
}

static bool os_peer_has_addresses(const struct os_peer *p, const struct multiaddr *addrs,
                                  size_t count)
{
    if (count != p->addresses_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!multiaddr_equal(&addrs[i], &p->addresses[i]))
            return false;
    return true;
}

static void os_peer_close_links(struct os_peer *p)
{
    list_for_each (at, &p->transport->links) {
        struct os_link *l = list_entry(at, struct os_link, link);
        if (l->peer == p && !l->is_closing)
            os_link_close(l, ERR_CANCELED, "not wanted any more");
    }
}

int os_peer_set_addresses(struct os_peer *p, const struct multiaddr *addrs, size_t count)
{
    if (count == 0) {
        p->addresses_count = 0;
        p->is_wanted = false;
        os_peer_stop_dialling(p);
        os_peer_drop_frames(p, MONO_NEVER);
        os_peer_close_links(p);
        os_peer_forget_if_idle(p);
        return OK;
    }
    if (os_peer_has_addresses(p, addrs, count))
        return OK;
    memcpy(p->addresses, addrs, count * sizeof(addrs[0]));
    p->addresses_count = count;
    if (p->up == NULL) { /* what is under way may be at an address that is none any more */
        os_peer_stop_dialling(p);
        os_peer_consider(p);
    }
    return OK;
}
