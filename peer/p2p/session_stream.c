/* The streams of a session: a Yamux stream each, with a selection of its protocol in front. */
#include <string.h>

#include "p2p/session_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct session_stream {
    struct session *session;
    struct list_link link; /* in session->streams */
    struct yamux_stream *yamux;
    struct multistream select;
    bool is_agreed;
    bool is_theirs;
    bool closes; /* our half, as soon as it is agreed */
    int err;
    void *owner;
};

/* ---- life ---- */

static struct session_stream *session_stream_create(struct session *s, struct yamux_stream *yamux)
{
    struct session_stream *t = mem_zalloc(sizeof(*t));
    if (t == NULL)
        return NULL;
    t->session = s;
    t->yamux = yamux;
    list_push_back(&s->streams, &t->link);
    yamux_set_owner(yamux, t);
    return t;
}

static void session_stream_free(struct session_stream *t)
{
    list_remove(&t->link);
    mem_free(t);
}

void session_destroy_streams(struct session *s)
{
    list_for_each_safe (at, after, &s->streams)
        session_stream_free(list_entry(at, struct session_stream, link));
}

/* All of it or the stream is of no use: a selection is far smaller than write_bytes_max. */
static void session_stream_put(struct session_stream *t, struct buf *bytes)
{
    size_t len = bytes->err == OK ? yamux_write(t->yamux, bytes->data, bytes->len) : 0;
    if (bytes->err != OK || len < bytes->len)
        yamux_reset(t->yamux);
    buf_deinit(bytes);
}

/* ---- selecting the protocol ---- */

/* The name as a C string; one with a NUL inside is nobody's protocol. */
static bool session_stream_name(char out[MULTISTREAM_TEXT_MAX], struct bytes proposal)
{
    if (memchr(proposal.data, 0, proposal.len) != NULL)
        return false;
    memcpy(out, proposal.data, proposal.len);
    out[proposal.len] = 0;
    return true;
}

static void session_stream_on_proposal(struct session_stream *t, struct bytes proposal)
{
    char name[MULTISTREAM_TEXT_MAX];
    struct session *s = t->session;
    struct buf answer = { 0 };
    t->is_agreed =
        session_stream_name(name, proposal) && s->hooks.on_stream(s->hooks.owner, t, name);
    multistream_answer(&t->select, proposal, t->is_agreed, &answer);
    session_stream_put(t, &answer);
}

/* One message of the selection. ERR_MORE: wait. OK: there may be another, or it is agreed. */
static int session_stream_select_step(struct session_stream *t)
{
    struct bytes before = yamux_input(t->yamux), in = before, proposal;
    int err = multistream_on_bytes(&t->select, &in, &proposal);
    if (err == OK && t->is_theirs)
        session_stream_on_proposal(t, proposal); /* which stands in the input: so take it after */
    else if (err == OK)
        t->is_agreed = true;
    if (t->is_agreed && t->closes)
        yamux_close(t->yamux);
    if (!yamux_is_reset(t->yamux))
        yamux_taken(t->yamux, before.len - in.len);
    if (err == ERR_MORE && yamux_is_at_end(t->yamux))
        return ERR_CLOSED;
    return err;
}

/* A stream that came to nothing: ours is shown to its owner, theirs has no owner yet. */
static void session_stream_give_up(struct session_stream *t, int err)
{
    struct session *s = t->session;
    t->err = err;
    yamux_reset(t->yamux);
    if (t->is_theirs)
        session_stream_release(t);
    else
        s->hooks.on_look(s->hooks.owner, t);
}

static void session_on_yamux_stream(void *owner, struct yamux_stream *yamux)
{
    struct session *s = owner;
    struct session_stream *t = yamux_owner(yamux);
    int err = OK;
    while (err == OK && !t->is_agreed)
        err = session_stream_select_step(t);
    if (t->is_agreed)
        s->hooks.on_look(s->hooks.owner, t);
    else if (err != ERR_MORE)
        session_stream_give_up(t, err);
}

static bool session_on_yamux_open(void *owner, struct yamux_stream *yamux)
{
    struct session_stream *t = session_stream_create(owner, yamux);
    if (t == NULL)
        return false;
    struct buf header = { 0 };
    t->is_theirs = true;
    multistream_listen(&t->select, &header);
    session_stream_put(t, &header);
    return true;
}

static void session_on_yamux_pong(void *owner, uint32_t value)
{
    struct session *s = owner;
    s->hooks.on_pong(s->hooks.owner, value);
}

int session_create_yamux(struct session *s)
{
    struct yamux_options options = { s->is_dialer, s->streams_max, s->write_bytes_max };
    struct yamux_hooks hooks = { session_on_yamux_open, session_on_yamux_stream,
                                 session_on_yamux_pong, s };
    return yamux_create(&s->yamux, &options, &hooks);
}

/* ---- from our side ---- */

int session_open(struct session *s, const char *protocol, void *owner, struct session_stream **out)
{
    ASSERT(s->state == SESSION_OPEN);
    struct yamux_stream *yamux;
    int err = yamux_open(s->yamux, &yamux);
    if (err != OK)
        return err;
    struct session_stream *t = session_stream_create(s, yamux);
    if (t == NULL) {
        yamux_release(yamux);
        return ERR_NOMEM;
    }
    struct buf proposal = { 0 };
    multistream_dial(&t->select, protocol, &proposal);
    session_stream_put(t, &proposal);
    t->owner = owner;
    *out = t;
    return OK;
}

void session_stream_set_owner(struct session_stream *t, void *owner)
{
    t->owner = owner;
}

void *session_stream_owner(const struct session_stream *t)
{
    return t->owner;
}

bool session_stream_is_agreed(const struct session_stream *t)
{
    return t->is_agreed;
}

int session_stream_err(const struct session_stream *t)
{
    return t->err == OK && yamux_is_reset(t->yamux) ? ERR_CLOSED : t->err;
}

size_t session_stream_room(const struct session_stream *t)
{
    return t->closes ? 0 : yamux_room(t->yamux);
}

size_t session_stream_write(struct session_stream *t, const void *bytes, size_t len)
{
    return t->closes ? 0 : yamux_write(t->yamux, bytes, len);
}

/* Before the agreement the input is the selection's, not the reader's. */
struct bytes session_stream_input(const struct session_stream *t)
{
    return t->is_agreed ? yamux_input(t->yamux) : (struct bytes){ NULL, 0 };
}

void session_stream_taken(struct session_stream *t, size_t len)
{
    yamux_taken(t->yamux, len);
}

bool session_stream_is_at_end(const struct session_stream *t)
{
    return yamux_is_at_end(t->yamux);
}

/* Data may run ahead of the agreement, the end of it not: js-libp2p loses what came before its handler
 * when the end is there, too. */
void session_stream_close(struct session_stream *t)
{
    t->closes = true;
    if (t->is_agreed)
        yamux_close(t->yamux);
}

bool session_stream_has_closed(const struct session_stream *t)
{
    return yamux_has_closed(t->yamux);
}

void session_stream_reset(struct session_stream *t)
{
    yamux_reset(t->yamux);
}

void session_stream_release(struct session_stream *t)
{
    if (t->closes)
        yamux_close(t->yamux); /* nobody will be here to see the agreement */
    yamux_release(t->yamux);
    session_stream_free(t);
}
