/* One connection: eight streams (four that we opened and write, four that they opened and we read),
 * frames in both directions, and the decision which of two connections to one peer stays.
 *
 * A link that lost the decision is retired: we close our halves behind what they have taken, and read the
 * other side's to their end. Then we say goodbye, which tells the other side that we have read all; and
 * who hears it closes the socket. (Closing it earlier might make the kernel throw away what the other
 * side has not read yet.) Both sides decide alike, so this ends by itself; a timer ends it when the other
 * side is silent. */
#include "os/os_transport_int.h"

#include <string.h>

#include "os/os_clock.h"
#include "util/err.h"
#include "util/mem.h"

static const char *const stream_protocols[STREAM_COUNT] = {
    [STREAM_CONTROL] = "/holdfast/control/1",
    [STREAM_CALLS] = "/holdfast/calls/1",
    [STREAM_BULK] = "/holdfast/bulk/1",
    [STREAM_UPLOADS] = "/holdfast/uploads/1",
};

enum {
    LINK_STREAMS_MAX = 8,         /* theirs: four, and a few that are being refused */
    LINK_WRITE_BYTES = 64 * 1024, /* of one stream, in the session's hands */
};

/* ---- life ---- */

static struct os_link *os_link_create(struct os_transport *t, bool is_inbound)
{
    struct os_link *l = mem_zalloc(sizeof(*l));
    if (l == NULL)
        return NULL;
    l->transport = t;
    l->is_inbound = is_inbound;
    list_push_back(&t->links, &l->link);
    t->links_count++;
    return l;
}

static void os_link_free(struct os_link *l)
{
    struct os_peer *p = l->peer;
    if (l->is_retired)
        os_timer_stop(&l->retire);
    for (int i = 0; i < STREAM_COUNT; i++)
        frame_reader_deinit(&l->readers[i]);
    list_remove(&l->link);
    l->transport->links_count--;
    mem_free(l);
    if (p != NULL)
        p->links_count--;
}

void os_link_destroy(struct os_link *l)
{
    os_conn_destroy(l->conn);
    os_link_free(l);
}

void os_link_close(struct os_link *l, int err, const char *why)
{
    l->is_closing = true;
    os_conn_close(l->conn, err, why);
}

void os_link_pump(struct os_link *l)
{
    os_conn_kick(l->conn);
}

/* ---- sending ---- */

static void os_link_feed(struct os_link *l, enum stream stream)
{
    struct os_frame *f;
    while ((f = os_peer_front(l->peer, stream)) != NULL) {
        f->sent += session_stream_write(l->out[stream], f->bytes + f->sent, f->len - f->sent);
        if (f->sent < f->len)
            break;
        os_peer_pop(l->peer, stream);
    }
}

/* For a retired link. */
static void os_link_say_goodbye_if_done(struct os_link *l)
{
    bool is_done = !l->has_said_goodbye;
    for (int i = 0; i < STREAM_COUNT; i++)
        is_done = is_done && l->in_ended[i] && session_stream_has_closed(l->out[i]);
    if (!is_done)
        return;
    l->has_said_goodbye = true;
    session_close(os_conn_session(l->conn));
}

static void os_link_on_pump(void *owner)
{
    struct os_link *l = owner;
    if (l->is_closing || !l->is_up)
        return;
    if (l->is_retired) {
        os_link_say_goodbye_if_done(l);
        return;
    }
    for (int i = 0; i < STREAM_COUNT; i++)
        os_link_feed(l, (enum stream)i);
}

/* ---- receiving ---- */

/* True: a frame was read and told, and perhaps there is another. */
static bool os_link_read_frame(struct os_link *l, enum stream stream)
{
    const struct transport_hooks *h = &l->transport->hooks;
    struct frame_reader *reader = &l->readers[stream];
    struct bytes frame = { 0 };
    if (l->is_closing)
        return false;
    int err = frame_reader_next(reader, l->in[stream], &frame);
    if (err != OK)
        os_link_close(
            l, err, err == ERR_NOMEM ? "out of memory" : "it sent a frame of an impossible length");
    if (frame.len == 0)
        return false;
    if (h->on_frame != NULL)
        h->on_frame(h->owner, &l->peer->id, stream, frame.data, frame.len);
    frame_reader_drop(reader, l->in[stream]);
    return true;
}

static void os_link_read(struct os_link *l, enum stream stream)
{
    while (os_link_read_frame(l, stream))
        ;
    if (l->is_closing || !session_stream_is_at_end(l->in[stream]))
        return;
    /* A whole frame more will not come. The other side has found another connection, and perhaps we
     * do not know of it yet; what we still write here, it still reads. */
    l->in_ended[stream] = true;
    if (session_stream_err(l->in[stream]) != OK)
        os_link_close(l, ERR_CLOSED, "the other side broke a stream off");
}

static void os_link_on_look(void *owner, struct session_stream *t)
{
    struct os_link *l = owner;
    if (l->is_closing)
        return;
    for (int i = 0; i < STREAM_COUNT; i++)
        if (l->in[i] == t)
            os_link_read(l, (enum stream)i);
    if (t == l->out[STREAM_CONTROL] && session_stream_is_agreed(t))
        os_peer_on_proven(l->peer);
    for (int i = 0; i < STREAM_COUNT; i++)
        if (l->out[i] == t && session_stream_err(t) == ERR_REFUSED)
            os_link_close(l, ERR_UNSUPPORTED, "it is a libp2p peer, but no peer of a cluster");
        else if (l->out[i] == t && session_stream_err(t) != OK)
            os_link_close(l, ERR_CLOSED, "the other side broke a stream off");
}

static bool os_link_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct os_link *l = owner;
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (l->in[i] != NULL || strcmp(protocol, stream_protocols[i]) != 0)
            continue;
        l->in[i] = t;
        return true;
    }
    return false;
}

/* ---- which of two ---- */

static void os_link_on_retire_timer(void *owner)
{
    os_link_close(owner, ERR_CANCELED, "another connection to this peer is in use");
}

static void os_link_retire(struct os_link *l)
{
    l->is_retired = true;
    for (int i = 0; i < STREAM_COUNT; i++)
        session_stream_close(l->out[i]);
    os_timer_init(&l->retire, l->transport->loop, os_link_on_retire_timer, l);
    os_timer_set(&l->retire, os_clock_mono_us() + l->transport->options.retire_us);
    os_conn_kick(l->conn);
}

static void os_link_tell_down(struct os_link *l, const char *why)
{
    const struct transport_hooks *h = &l->transport->hooks;
    LOG_INFO(l->transport->log, "p2p", "lost peer=%s: %s", peer_id_print(&l->peer->id).text, why);
    if (h->on_link != NULL)
        h->on_link(h->owner, &l->peer->id, false);
}

static void os_link_tell_up(struct os_link *l)
{
    const struct transport_hooks *h = &l->transport->hooks;
    LOG_INFO(l->transport->log, "p2p", "connected peer=%s address=%s dialled_by=%s",
             peer_id_print(&l->peer->id).text, os_address_print(os_conn_address(l->conn)).text,
             l->is_inbound ? "it" : "us");
    if (h->on_link != NULL)
        h->on_link(h->owner, &l->peer->id, true);
}

/* Both sides know who dialled which, and both ids: so both decide alike, without a word. */
static bool os_link_wins_over(const struct os_link *l, const struct os_link *other)
{
    const struct os_peer *p = l->peer;
    if (l->is_inbound == other->is_inbound)
        return true; /* a peer dials again when its old connection is dead to it */
    bool we_are_smaller = peer_id_compare(&p->transport->options.identity->id, &p->id) < 0;
    return l->is_inbound != we_are_smaller;
}

/* The streams are open: join the peer. */
static void os_link_take_place(struct os_link *l)
{
    struct os_peer *p = l->peer;
    struct os_link *before = p->up;
    if (before != NULL && !os_link_wins_over(l, before)) {
        os_link_retire(l);
        return;
    }
    if (before != NULL && before->is_inbound == l->is_inbound) {
        os_link_close(before, ERR_CLOSED, "it has connected anew");
        p->up = NULL;
        os_link_tell_down(before, "it has connected anew");
        before = NULL;
    } else if (before != NULL) {
        os_link_retire(before);
    }
    if (l->is_closing)
        return; /* the hook wanted none of it */
    os_peer_on_up(p, l);
    if (before == NULL)
        os_link_tell_up(l);
}

/* ---- up and down ---- */

static int os_link_open_streams(struct os_link *l)
{
    struct session *s = os_conn_session(l->conn);
    int err = OK;
    for (int i = 0; i < STREAM_COUNT && err == OK; i++)
        err = session_open(s, stream_protocols[i], NULL, &l->out[i]);
    return err;
}

static struct os_peer *os_link_find_peer(struct os_link *l, const struct peer_id *remote)
{
    struct os_transport *t = l->transport;
    if (peer_id_equal(remote, &t->options.identity->id)) {
        os_link_close(l, ERR_INVALID, "it is ourselves");
        return NULL;
    }
    struct os_peer *p = os_peer_get(t, remote);
    if (p == NULL)
        os_link_close(l, ERR_NOMEM, "out of memory");
    return p;
}

static void os_link_on_up(void *owner, const struct peer_id *remote)
{
    struct os_link *l = owner;
    if (l->peer == NULL) {
        l->peer = os_link_find_peer(l, remote);
        if (l->peer == NULL)
            return;
        l->peer->links_count++;
    }
    if (os_link_open_streams(l) != OK) {
        os_link_close(l, ERR_NOMEM, "out of memory");
        return;
    }
    l->is_up = true;
    if (l->peer->dial == l)
        l->peer->dial = NULL;
    os_link_take_place(l);
}

static void os_link_on_closed(void *owner, int err, const char *why)
{
    struct os_link *l = owner;
    struct os_transport *t = l->transport;
    struct os_peer *p = l->peer;
    (void)err;
    if (p != NULL && p->up == l) {
        p->up = NULL;
        os_link_tell_down(l, why);
        os_peer_on_down(p);
    } else if (p != NULL && p->dial == l) {
        p->dial = NULL;
        os_peer_on_dial_failed(p, why);
    } else if (l->is_inbound && !l->is_up) {
        os_transport_refused(t, os_conn_address(l->conn), why);
    }
    os_link_free(l);
    if (p != NULL)
        os_peer_forget_if_idle(p);
}

/* ---- making one ---- */

static struct os_conn_hooks os_link_hooks(struct os_link *l)
{
    return (struct os_conn_hooks){ os_link_on_up,   os_link_on_stream, os_link_on_look,
                                   os_link_on_pump, os_link_on_closed, l };
}

static struct os_conn_options os_link_options(struct os_transport *t)
{
    const struct os_transport_options *o = &t->options;
    return (struct os_conn_options){ .loop = t->loop,
                                     .rng = &t->rng,
                                     .identity = o->identity,
                                     .secret = o->secret,
                                     .streams_max = LINK_STREAMS_MAX,
                                     .write_bytes_max = LINK_WRITE_BYTES,
                                     .handshake_timeout_us = o->handshake_timeout_us,
                                     .ping_us = o->ping_us,
                                     .silence_us = o->silence_us };
}

int os_link_accept(struct os_transport *t, int fd, const struct os_address *from)
{
    struct os_link *l = os_link_create(t, true);
    if (l == NULL)
        return ERR_NOMEM;
    struct os_conn_options options = os_link_options(t);
    struct os_conn_hooks hooks = os_link_hooks(l);
    int err = os_conn_accept(&l->conn, &options, &hooks, fd, from);
    if (err != OK)
        os_link_free(l);
    return err;
}

int os_link_dial(struct os_peer *p, const struct os_address *to)
{
    struct os_link *l = os_link_create(p->transport, false);
    if (l == NULL)
        return ERR_NOMEM;
    struct os_conn_options options = os_link_options(p->transport);
    struct os_conn_hooks hooks = os_link_hooks(l);
    options.expected = &p->id;
    int err = os_conn_dial(&l->conn, &options, &hooks, to);
    if (err != OK) {
        os_link_free(l);
        return err;
    }
    l->peer = p;
    p->links_count++;
    p->dial = l;
    return OK;
}
