#include "sim/world/net_int.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum {
    NET_PORT = 9096,
    NET_BYTES_PER_US_LOG2 = 7 /* 128 bytes a microsecond: a gigabit a second */
};

void net_options_default(struct net_options *o)
{
    *o = (struct net_options){
        .delay_us = 200,
        .jitter_us = 300,
        .dial_us = 1500,
        .redial_us = 200 * 1000,
        .redial_max_us = 5 * 1000 * 1000,
        .silence_us = 15 * 1000 * 1000,
        .frame_age_us = 10 * 1000 * 1000,
        .queue_bytes_max = 4 * 1024 * 1024,
        .queue_frames_max = 1024,
    };
}

/* ---- frames ---- */

static void net_frame_end(struct net_frame *frame)
{
    struct net_path *path = frame->path;
    list_remove(&frame->link);
    ASSERT(path->streams[frame->stream].frames > 0);
    path->streams[frame->stream].frames -= 1;
    path->streams[frame->stream].bytes -= frame->len;
    parcel_give(&path->net->parcels, frame);
}

static void net_frame_lose(struct net_frame *frame)
{
    sim_cancel(frame->path->net->sim, &frame->arrival);
    frame->path->net->counts.lost += 1;
    net_frame_end(frame);
}

static void net_hear(struct net_path *path, enum stream stream, const void *bytes, size_t len)
{
    struct net *n = path->net;
    struct net_end *to = &n->ends[path->to];
    trace_line(&n->sim->trace, n->sim->now_us, path->to, "frame from %u, stream %d, %zu bytes",
               path->from, (int)stream, len);
    to->hooks.on_frame(to->hooks.owner, &n->ends[path->from].id, stream, bytes, len);
}

/* ---- frames whose bytes are looked at ---- */

static void net_draw_damage(struct net_path *path, struct wire_damage *d)
{
    struct net *n = path->net;
    struct choose *c = &n->sim->choose;
    *d = (struct wire_damage){ WIRE_SOUND, 0 };
    if (!choose_chance(c, CHOICE_NET_FAULT, path->from, n->options.mangle_per_million))
        return;
    n->counts.mangled += 1;
    d->kind = choose(c, CHOICE_NET_FAULT, path->from, 2) == 0 ? WIRE_CUT : WIRE_TURNED;
    d->place = choose(c, CHOICE_NET_FAULT, path->from, 1 << 20);
}

/* Hooks may end the connection, and the wire with it: what came out is copied before it is told. */
static void net_hear_wire(struct net_path *path, struct wire *wire, uint64_t life)
{
    struct net *n = path->net;
    struct buf out = { 0 };
    struct wire_frame frame;
    while (wire_take(wire, &frame)) {
        buf_put_u8(&out, (uint8_t)frame.stream);
        buf_put_u32(&out, (uint32_t)frame.bytes.len);
        buf_append(&out, frame.bytes.data, frame.bytes.len);
    }
    ASSERT(out.err == OK);
    struct reader r = reader_of(out.data, out.len);
    while (r.left > 0) {
        enum stream stream = (enum stream)reader_u8(&r);
        struct bytes bytes = reader_take(&r, reader_u32(&r));
        if (n->ends[path->to].is_attached && n->ends[path->to].life == life)
            net_hear(path, stream, bytes.data, bytes.len);
    }
    buf_deinit(&out);
}

static void net_frame_pass_wire(struct net_frame *frame, struct net_link *link)
{
    struct net_path *path = frame->path;
    struct net *n = path->net;
    struct wire_damage damage;
    if (link->wire == NULL)
        link->wire = wire_create(++link->wires_count << 16 | link->a << 8 | link->b);
    net_draw_damage(path, &damage);
    unsigned side = path->from == link->b;
    int err = wire_carry(link->wire, side, frame->stream, frame->bytes, frame->len, &damage);
    if (wire_has_lied(link->wire) && n->on_lie != NULL)
        n->on_lie(n->on_lie_owner, "a frame came out of a connection that nobody had sent");
    uint64_t life = frame->life;
    if (err != OK)
        trace_line(&n->sim->trace, n->sim->now_us, path->to, "the connection to %u ends: %s",
                   path->from, wire_why(link->wire));
    net_hear_wire(path, link->wire, life);
    if (err != OK)
        net_break(n, path->from, path->to);
}

/* A wire costs many times what a frame does: every fourth connection has one, while anything is mangled. */
static bool net_is_wired(struct net_link *link)
{
    struct net *n = link->net;
    if (n->options.mangle_per_million == 0 || link->state != NET_LINK_UP)
        return false;
    if (link->wiring == NET_LINK_UNDECIDED)
        link->wiring = choose(&n->sim->choose, CHOICE_NET_FAULT, link->a, 4) == 3 ? NET_LINK_WIRED
                                                                                  : NET_LINK_PLAIN;
    return link->wiring == NET_LINK_WIRED;
}

static void net_frame_arrive(void *arg)
{
    struct net_frame *frame = arg;
    struct net_path *path = frame->path;
    struct net *n = path->net;
    struct net_end *to = &n->ends[path->to];
    if (to->is_attached && to->life == frame->life) {
        struct net_link *link = net_link_of(n, path->from, path->to);
        n->counts.delivered += 1;
        list_remove(&frame->link); /* the hook may crash, cut or break whatever it likes */
        if (net_is_wired(link))
            net_frame_pass_wire(frame, link);
        else
            net_hear(path, frame->stream, frame->bytes, frame->len);
    } else {
        n->counts.lost += 1;
    }
    net_frame_end(frame);
}

static uint64_t net_delay(struct net *n, unsigned from, size_t len)
{
    const struct net_options *o = &n->options;
    struct choose *c = &n->sim->choose;
    uint64_t delay = o->delay_us + (len >> NET_BYTES_PER_US_LOG2);
    delay += choose(c, CHOICE_NET_DELAY, from, o->jitter_us + 1);
    if (choose_chance(c, CHOICE_NET_FAULT, from, o->tail_per_million))
        delay +=
            choose_scale(c, CHOICE_NET_DELAY, from, 1000, o->tail_us < 1000 ? 1000 : o->tail_us);
    return delay;
}

static void net_frame_fly(struct net_frame *frame)
{
    struct net_path *path = frame->path;
    struct net *n = path->net;
    uint64_t at_us = n->sim->now_us + net_delay(n, path->from, frame->len);
    uint64_t *last_at_us = &path->streams[frame->stream].last_at_us;
    bool overtakes = frame->stream == STREAM_CONTROL &&
                     choose_chance(&n->sim->choose, CHOICE_NET_FAULT, path->from,
                                   n->options.reorder_per_million);
    if (!overtakes) {
        at_us = at_us > *last_at_us ? at_us : *last_at_us;
        *last_at_us = at_us;
    }
    list_push_back(&path->in_flight, &frame->link);
    frame->life = n->ends[path->to].life;
    frame->arrival = sim_at(n->sim, at_us - n->sim->now_us, SIM_FRAME, path->to, frame->hash,
                            net_frame_arrive, frame);
}

static struct net_frame *net_frame_make(struct net_path *path, enum stream stream,
                                        const void *bytes, size_t len)
{
    struct net_frame *frame = parcel_take(&path->net->parcels, sizeof(*frame) + len);
    *frame = (struct net_frame){ .path = path, .stream = stream, .len = len };
    frame->said_at_us = path->net->sim->now_us;
    list_init(&frame->link);
    memcpy(frame->bytes, bytes, len);
    frame->hash = hash64((uint64_t)path->from << 8 | stream, bytes, len);
    path->streams[stream].frames += 1;
    path->streams[stream].bytes += len;
    return frame;
}

/* ---- paths ---- */

void net_path_release(struct net_path *path)
{
    struct list_link held = path->held;
    if (list_is_empty(&path->held))
        return;
    held.prev->next = held.next->prev = &held;
    list_init(&path->held);
    for (struct list_link *link; (link = list_pop_front(&held)) != NULL;)
        net_frame_fly(list_entry(link, struct net_frame, link));
}

void net_path_drop(struct net_path *path)
{
    list_for_each_safe (link, after, &path->held)
        net_frame_lose(list_entry(link, struct net_frame, link));
}

void net_path_drop_old(struct net_path *path)
{
    struct net *n = path->net;
    list_for_each_safe (link, after, &path->held) {
        struct net_frame *frame = list_entry(link, struct net_frame, link);
        if (n->sim->now_us - frame->said_at_us >= n->options.frame_age_us)
            net_frame_lose(frame);
    }
}

void net_path_scatter(struct net_path *path)
{
    struct net *n = path->net;
    net_path_drop(path);
    list_for_each_safe (link, after, &path->in_flight) {
        struct net_frame *frame = list_entry(link, struct net_frame, link);
        /* 0: it had arrived before the connection broke. */
        switch (choose(&n->sim->choose, CHOICE_LINK, path->from, 3)) {
        case 0:
            break;
        case 1:
            net_frame_lose(frame);
            break;
        default:
            sim_at_again(n->sim, &frame->arrival,
                         n->sim->now_us + choose_scale(&n->sim->choose, CHOICE_LINK, path->from, 1,
                                                       n->options.tail_us + 10000),
                         SIM_FRAME, path->to, net_frame_arrive, frame);
        }
    }
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
        path->streams[stream].last_at_us = 0;
}

/* ---- the port ---- */

static void net_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    struct net_end *end = impl;
    end->hooks = *hooks;
}

static uint16_t net_find(const struct net *n, const struct peer_id *id)
{
    for (unsigned who = 1; who <= n->machines_count; who++)
        if (peer_id_equal(&n->ends[who].id, id))
            return (uint16_t)who;
    return 0;
}

struct net_known *net_known(struct net_end *end, const struct peer_id *id)
{
    for (size_t i = 0; i < end->known_count; i++)
        if (peer_id_equal(&end->known[i].id, id))
            return &end->known[i];
    return NULL;
}

static int net_send(void *impl, const struct peer_id *to_id, enum stream stream, const void *bytes,
                    size_t len)
{
    struct net_end *end = impl;
    struct net *n = end->net;
    if (!end->is_attached)
        return ERR_NOT_FOUND; /* the last words of a process that is gone */
    if (len > LIMIT_FRAME_BYTES)
        return ERR_TOO_BIG;
    uint16_t to = net_find(n, to_id);
    if (to == 0 || to == end->who)
        return net_known(end, to_id) != NULL ? OK : ERR_NOT_FOUND; /* an address where nobody is */

    struct net_link *link = net_link_of(n, end->who, to);
    bool sees_up = link->sides[end->who == link->b].sees_up;
    const struct net_known *known = net_known(end, to_id);
    if (link->state != NET_LINK_UP && !sees_up && known == NULL)
        return ERR_NOT_FOUND;

    struct net_path *path = &n->paths[end->who][to];
    if (path->streams[stream].frames >= n->options.queue_frames_max ||
        path->streams[stream].bytes + len > n->options.queue_bytes_max) {
        n->counts.refused += 1;
        return ERR_BUSY;
    }
    n->counts.sent += 1;
    if (link->state != NET_LINK_UP && sees_up) {
        n->counts.lost +=
            1; /* half open: the other side is gone and this one has not heard of it */
        return OK;
    }
    struct net_frame *frame = net_frame_make(path, stream, bytes, len);
    n->counts.clogged += path->is_clogged;
    if (link->state != NET_LINK_UP || path->is_cut || path->is_clogged ||
        !list_is_empty(&path->held)) {
        list_push_back(&path->held, &frame->link);
        if (link->state != NET_LINK_UP)
            net_link_dial(n, end->who, to);
        return OK;
    }
    net_frame_fly(frame);
    if (choose_chance(&n->sim->choose, CHOICE_LINK, end->who, n->options.break_per_million))
        net_break(n, end->who, to);
    return OK;
}

static int net_set_addresses(void *impl, const struct peer_id *peer, const struct multiaddr *addrs,
                             size_t count)
{
    struct net_end *end = impl;
    struct net_known *known = net_known(end, peer);
    uint16_t who = net_find(end->net, peer);
    if (count == 0) {
        if (known != NULL)
            *known = end->known[--end->known_count];
        if (who != 0 && who != end->who)
            net_break(end->net, end->who, who);
        return OK;
    }
    if (known == NULL) {
        if (end->known_count > NET_MACHINES_MAX)
            return ERR_BUSY;
        known = &end->known[end->known_count++];
        *known = (struct net_known){ .id = *peer, .who = who };
    }
    known->addrs_count = count;
    memcpy(known->addrs, addrs, count * sizeof(*addrs));
    return OK;
}

static void net_connect(void *impl, const struct peer_id *peer)
{
    struct net_end *end = impl;
    struct net_known *known = net_known(end, peer);
    if (known == NULL)
        return;
    known->wants_link = true;
    if (known->who != 0 && known->who != end->who)
        net_link_dial(end->net, end->who, known->who);
}

static size_t net_listen_addresses(void *impl, struct multiaddr *out, size_t max)
{
    const struct net_end *end = impl;
    if (max == 0)
        return 0;
    out[0] = net_address_now(end->net, end->who);
    return 1;
}

/* ---- life ---- */

struct net *net_create(struct sim *sim, unsigned machines_count, const struct net_options *options)
{
    ASSERT(machines_count <= NET_MACHINES_MAX);
    struct net *n = mem_zalloc(sizeof(*n));
    ASSERT(n != NULL);
    n->sim = sim;
    n->machines_count = machines_count;
    n->options = *options;
    parcels_init(&n->parcels);
    for (unsigned a = 1; a <= machines_count; a++) {
        n->ends[a].net = n;
        n->ends[a].who = (uint16_t)a;
        n->ends[a].known = mem_alloc((NET_MACHINES_MAX + 1) * sizeof(struct net_known));
        ASSERT(n->ends[a].known != NULL);
        for (unsigned b = 1; b <= machines_count; b++) {
            struct net_path *path = &n->paths[a][b];
            *path = (struct net_path){ .net = n, .from = (uint16_t)a, .to = (uint16_t)b };
            list_init(&path->in_flight);
            list_init(&path->held);
            net_link_init(&n->links[a][b], n, a, b);
        }
    }
    return n;
}

void net_destroy(struct net *n)
{
    for (unsigned a = 1; a <= n->machines_count; a++)
        for (unsigned b = 1; b <= n->machines_count; b++) {
            struct net_path *path = &n->paths[a][b];
            net_path_drop(path);
            list_for_each_safe (link, after, &path->in_flight)
                net_frame_lose(list_entry(link, struct net_frame, link));
            net_link_deinit(&n->links[a][b]);
        }
    for (unsigned a = 1; a <= n->machines_count; a++)
        mem_free(n->ends[a].known);
    parcels_deinit(&n->parcels);
    mem_free(n);
}

struct net_options *net_options(struct net *n)
{
    return &n->options;
}

void net_on_lie(struct net *n, void (*on_lie)(void *owner, const char *text), void *owner)
{
    n->on_lie = on_lie;
    n->on_lie_owner = owner;
}

struct net_counts net_counts(const struct net *n)
{
    return n->counts;
}

void net_name(struct net *n, unsigned who, const struct peer_id *id)
{
    ASSERT(who >= 1 && who <= n->machines_count);
    n->ends[who].id = *id;
}

static struct multiaddr net_address_of(unsigned moves, unsigned who)
{
    struct buf ip = { 0 };
    buf_printf(&ip, "10.0.%u.%u", moves, who);
    struct multiaddr addr = { 0 };
    int err = multiaddr_of_ip_port(&addr, buf_text(&ip), NET_PORT);
    ASSERT(err == OK);
    buf_deinit(&ip);
    return addr;
}

struct multiaddr net_address(unsigned who)
{
    return net_address_of(0, who);
}

struct multiaddr net_address_now(const struct net *n, unsigned who)
{
    return net_address_of(n->ends[who].moves, who);
}

void net_move(struct net *n, unsigned who)
{
    ASSERT(!n->ends[who].is_attached && n->ends[who].moves < 255);
    n->ends[who].moves += 1;
}

struct transport net_attach(struct net *n, unsigned who)
{
    static const struct transport_ops ops = {
        .set_hooks = net_set_hooks,
        .send = net_send,
        .set_addresses = net_set_addresses,
        .connect = net_connect,
        .listen_addresses = net_listen_addresses,
    };
    struct net_end *end = &n->ends[who];
    ASSERT(!end->is_attached);
    end->is_attached = true;
    end->life += 1;
    end->known_count = 0;
    return (struct transport){ &ops, end };
}

void net_detach(struct net *n, unsigned who, bool silently)
{
    struct net_end *end = &n->ends[who];
    if (!end->is_attached)
        return;
    end->is_attached = false;
    end->known_count = 0;
    net_link_on_detach(n, who, silently);
}

void net_cut(struct net *n, unsigned from, unsigned to)
{
    n->paths[from][to].is_cut = true;
    net_link_on_silence(net_link_of(n, from, to));
}

void net_clog(struct net *n, unsigned from, unsigned to)
{
    n->paths[from][to].is_clogged = true;
}

void net_heal(struct net *n, unsigned from, unsigned to)
{
    struct net_path *path = &n->paths[from][to];
    struct net_link *link = net_link_of(n, from, to);
    path->is_cut = path->is_clogged = false;
    net_link_on_sound(link);
    if (link->state == NET_LINK_UP)
        net_path_release(path);
}

bool net_is_stopped(const struct net *n, unsigned from, unsigned to)
{
    return n->paths[from][to].is_cut || n->paths[from][to].is_clogged;
}

size_t net_waiting(const struct net *n, unsigned from, unsigned to)
{
    size_t frames = 0;
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
        frames += n->paths[from][to].streams[stream].frames;
    return frames;
}
