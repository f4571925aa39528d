/* Each state takes from the input what is its own and leaves the rest to the next; session_step() is
 * called until a state lacks bytes. Below the channel the input is raw (decrypted by pnet in place);
 * from the end of the handshake on it is Noise frames, whose content goes to `plain`, and from there
 * to the selection of the muxer or to the muxer.
 *
 * Output is sealed late: session_output() fetches from Yamux only while little sealed output
 * waits for the socket. What a slow socket has not taken stays in the streams, where it can still be
 * overtaken by a more urgent stream. */
#include "p2p/session.h"

#include <string.h>

#include "p2p/multistream.h"
#include "p2p/session_int.h"
#include "p2p/yamux.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

static const char noise_protocol[] = "/noise";
static const char yamux_protocol[] = "/yamux/1.0.0";

enum {
    SESSION_HANDSHAKE_MAX = 4096,    /* a handshake message: an RSA identity would take 800 */
    SESSION_SLICE_BYTES = 64 * 1024, /* of input at a time, so that its buffer stays small */
};

/* ---- output ---- */

/* What stands in the output from `from` on has just been put there in clear: lay pnet over it. */
static void session_cover(struct session *s, size_t from)
{
    if (s->out.err != OK)
        session_fail(s, s->out.err, "out of memory");
    else if (s->has_secret)
        pnet_apply(&s->pnet_out, s->out.data + from, s->out.len - from);
}

static void session_seal(struct session *s, struct bytes plain)
{
    size_t from = s->out.len;
    if (noise_seal(&s->noise, plain, &s->out) != OK)
        session_fail(s, ERR_NOMEM, "out of memory");
    else
        session_cover(s, from);
}

/* Our side of a selection inside the channel is built in clear and then sealed. */
static void session_seal_and_free(struct session *s, struct buf *plain)
{
    if (plain->err != OK)
        session_fail(s, plain->err, "out of memory");
    else if (plain->len > 0)
        session_seal(s, buf_bytes(plain));
    buf_deinit(plain);
}

struct bytes session_output(struct session *s)
{
    while (s->yamux != NULL && s->out.len < SESSION_OUTPUT_BYTES) {
        buf_clear(&s->unsealed);
        yamux_output(s->yamux, &s->unsealed, NOISE_PLAINTEXT_MAX);
        if (s->unsealed.err != OK)
            session_fail(s, s->unsealed.err, "out of memory");
        if (s->unsealed.err != OK || s->unsealed.len == 0)
            break;
        session_seal(s, buf_bytes(&s->unsealed));
    }
    return buf_bytes(&s->out);
}

void session_output_taken(struct session *s, size_t len)
{
    buf_consume(&s->out, len);
}

/* ---- the steps ---- */

void session_fail(struct session *s, int err, const char *why)
{
    if (s->err != OK)
        return; /* the first reason is the reason */
    s->err = err;
    s->why = why;
}

static const char *session_stranger(const struct session *s)
{
    return s->has_secret ? "the other side has another cluster secret, or is no libp2p peer"
                         : "the other side is no libp2p peer, or wants a cluster secret";
}

static void session_select(struct session *s, const char *protocol, struct buf *out)
{
    if (s->is_dialer)
        multistream_dial(&s->select, protocol, out);
    else
        multistream_listen(&s->select, out);
}

/* One step of selecting `protocol`, in clear or in the channel: OK when it is agreed. */
static int session_select_step(struct session *s, const char *protocol, struct bytes *in,
                               struct buf *out)
{
    struct bytes proposal;
    int err = multistream_on_bytes(&s->select, in, &proposal);
    while (err == OK && !s->is_dialer) {
        bool yes = bytes_equal(proposal, (struct bytes){ protocol, strlen(protocol) });
        multistream_answer(&s->select, proposal, yes, out);
        if (yes)
            break;
        err = multistream_on_bytes(&s->select, in, &proposal);
    }
    return err;
}

/* What can be said before the other side has said anything. */
static void session_write_first(struct session *s, const struct session_random *random)
{
    size_t from = s->out.len;
    if (s->has_secret) {
        buf_append(&s->out, random->nonce, PNET_NONCE_BYTES);
        from = s->out.len; /* the nonce itself goes in clear */
    }
    session_select(s, noise_protocol, &s->out);
    session_cover(s, from);
}

static int session_step_nonce(struct session *s, struct bytes *in)
{
    if (in->len < PNET_NONCE_BYTES)
        return ERR_MORE;
    uint8_t secret[PNET_SECRET_BYTES];
    memcpy(secret, s->pnet_out.secret, sizeof(secret));
    pnet_init(&s->pnet_in, secret, in->data);
    mem_wipe(secret, sizeof(secret));
    *in =
        (struct bytes){ (const uint8_t *)in->data + PNET_NONCE_BYTES, in->len - PNET_NONCE_BYTES };
    pnet_apply(&s->pnet_in, s->in.data + s->in.len - in->len, in->len);
    s->state = SESSION_SELECT_NOISE;
    return OK;
}

static int session_write_handshake(struct session *s)
{
    size_t from = s->out.len;
    int err = noise_write(&s->noise, &s->out);
    if (err == OK)
        session_cover(s, from);
    else
        session_fail(s, err, "the other side sent a key that is none");
    return s->err;
}

static int session_step_select_noise(struct session *s, struct bytes *in)
{
    size_t from = s->out.len;
    int err = session_select_step(s, noise_protocol, in, &s->out);
    session_cover(s, from);
    if (err == ERR_MORE)
        return err;
    if (err == ERR_REFUSED)
        session_fail(s, ERR_UNSUPPORTED, "the other side does not speak Noise");
    else if (err != OK)
        session_fail(s, err, session_stranger(s));
    if (s->err != OK)
        return s->err;
    err = noise_start(&s->noise, s->is_dialer, &s->keys, s->lists_no_muxer ? NULL : yamux_protocol);
    mem_wipe(&s->keys, sizeof(s->keys));
    s->state = SESSION_HANDSHAKE;
    if (err != OK)
        session_fail(s, err,
                     err == ERR_UNSUPPORTED ? "OpenSSL does not allow ChaCha20-Poly1305 here"
                                            : "out of memory");
    else if (s->is_dialer)
        session_write_handshake(s);
    return s->err;
}

static int session_read_handshake(struct session *s, struct bytes message)
{
    int err = noise_read(&s->noise, message);
    switch (err) {
    case OK:
        break;
    case ERR_AUTH:
        session_fail(s, err, "the other side does not prove its identity");
        break;
    case ERR_NOMEM:
        session_fail(s, err, "out of memory");
        break;
    case ERR_UNSUPPORTED:
        session_fail(s, err,
                     "the identity of the other side is a key of a kind that we do not know");
        break;
    default:
        session_fail(s, err, "the handshake of the other side is damaged");
    }
    return s->err;
}

/* The dialer knows before it says who it is itself; the listener when all is said. */
static int session_check_remote(struct session *s)
{
    const struct peer_id *remote = noise_remote(&s->noise);
    if (remote == NULL || s->remote_is_known)
        return OK;
    s->remote = *remote;
    s->remote_is_known = true;
    if (s->has_expected && !peer_id_equal(&s->remote, &s->expected))
        session_fail(s, ERR_AUTH, "another peer answers at this address than the one expected");
    return s->err;
}

static int session_on_muxer(struct session *s)
{
    int err = session_create_yamux(s);
    if (err != OK) {
        session_fail(s, err, "out of memory");
        return s->err;
    }
    s->state = SESSION_OPEN;
    s->hooks.on_established(s->hooks.owner, &s->remote);
    return s->err;
}

static int session_on_handshake_done(struct session *s)
{
    struct buf plain = { 0 };
    switch (noise_muxer(&s->noise)) {
    case NOISE_MUXER_AGREED:
        return session_on_muxer(s);
    case NOISE_MUXER_OPEN:
        s->state = SESSION_SELECT_YAMUX;
        session_select(s, yamux_protocol, &plain);
        session_seal_and_free(s, &plain);
        break;
    case NOISE_MUXER_NONE:
        session_fail(s, ERR_UNSUPPORTED, "the other side does not speak Yamux");
        break;
    }
    return s->err;
}

static int session_step_handshake(struct session *s, struct bytes *in)
{
    const uint8_t *head = in->data;
    struct bytes message;
    if (in->len >= NOISE_HEAD_BYTES && ((size_t)head[0] << 8 | head[1]) > SESSION_HANDSHAKE_MAX) {
        session_fail(s, ERR_CORRUPT, "the handshake of the other side is too long");
        return s->err;
    }
    if (noise_take_frame(in, &message) != OK)
        return ERR_MORE;
    int err = session_read_handshake(s, message);
    if (err == OK)
        err = session_check_remote(s);
    if (err == OK && noise_is_our_turn(&s->noise))
        err = session_write_handshake(s);
    if (err == OK && noise_is_done(&s->noise))
        err = session_on_handshake_done(s);
    return err;
}

static int session_on_plain_select(struct session *s, struct bytes *plain)
{
    struct buf answer = { 0 };
    int err = session_select_step(s, yamux_protocol, plain, &answer);
    session_seal_and_free(s, &answer);
    if (err == OK && s->err == OK)
        session_on_muxer(s);
    else if (err == ERR_REFUSED)
        session_fail(s, ERR_UNSUPPORTED, "the other side does not speak Yamux");
    else if (err != ERR_MORE)
        session_fail(s, err, "the other side does not select a muxer");
    return s->err;
}

/* What the channel carried. The first bytes of Yamux may come with the last of the selection. */
static int session_on_plain(struct session *s)
{
    struct bytes plain = buf_bytes(&s->plain);
    if (s->state == SESSION_SELECT_YAMUX)
        session_on_plain_select(s, &plain);
    if (s->err == OK && s->state == SESSION_OPEN) {
        int err = yamux_on_bytes(s->yamux, plain);
        if (err != OK)
            session_fail(s, err, err == ERR_NOMEM ? "out of memory" : yamux_why(s->yamux));
        plain.len = 0;
    }
    buf_consume(&s->plain, s->plain.len - plain.len);
    return s->err;
}

static int session_step_channel(struct session *s, struct bytes *in)
{
    struct bytes message;
    if (noise_take_frame(in, &message) != OK)
        return ERR_MORE;
    int err = noise_open(&s->noise, message, &s->plain);
    if (err == OK)
        return session_on_plain(s);
    session_fail(s, err, err == ERR_NOMEM ? "out of memory" : "a message was changed on its way");
    return s->err;
}

static int session_step(struct session *s, struct bytes *in)
{
    switch (s->state) {
    case SESSION_NONCE:
        return session_step_nonce(s, in);
    case SESSION_SELECT_NOISE:
        return session_step_select_noise(s, in);
    case SESSION_HANDSHAKE:
        return session_step_handshake(s, in);
    case SESSION_SELECT_YAMUX:
    case SESSION_OPEN:
        return session_step_channel(s, in);
    }
    return ERR_CORRUPT;
}

/* pnet's keystream begins behind the nonce, which may end in the middle of a slice: so the bytes that
 * come with it are uncovered when it is known, and all later ones here. */
static int session_on_slice(struct session *s, struct bytes slice)
{
    bool was_covered = s->has_secret && s->state != SESSION_NONCE;
    size_t from = s->in.len;
    buf_append(&s->in, slice.data, slice.len);
    if (s->in.err != OK) {
        session_fail(s, s->in.err, "out of memory");
        return s->err;
    }
    if (was_covered)
        pnet_apply(&s->pnet_in, s->in.data + from, slice.len);

    struct bytes in = buf_bytes(&s->in);
    int err = OK;
    while (err == OK)
        err = session_step(s, &in);
    buf_consume(&s->in, s->in.len - in.len);
    return s->err;
}

int session_on_bytes(struct session *s, struct bytes in)
{
    const uint8_t *at = in.data;
    while (in.len > 0 && s->err == OK) {
        size_t part = in.len < SESSION_SLICE_BYTES ? in.len : SESSION_SLICE_BYTES;
        session_on_slice(s, (struct bytes){ at, part });
        at += part;
        in.len -= part;
    }
    return s->err;
}

/* ---- life ---- */

int session_create(struct session **out, const struct session_options *options,
                   const struct session_hooks *hooks)
{
    struct session *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return ERR_NOMEM;
    s->hooks = *hooks;
    s->is_dialer = options->is_dialer;
    s->lists_no_muxer = options->lists_no_muxer;
    s->streams_max = options->streams_max;
    s->write_bytes_max = options->write_bytes_max;
    s->why = "";
    list_init(&s->streams);
    s->keys.identity = options->identity;
    memcpy(s->keys.static_private, options->random.static_private, NOISE_KEY_BYTES);
    memcpy(s->keys.ephemeral_private, options->random.ephemeral_private, NOISE_KEY_BYTES);
    s->has_expected = options->expected != NULL;
    if (s->has_expected)
        s->expected = *options->expected;
    s->has_secret = options->secret != NULL;
    if (s->has_secret)
        pnet_init(&s->pnet_out, options->secret, options->random.nonce);
    s->state = s->has_secret ? SESSION_NONCE : SESSION_SELECT_NOISE;
    session_write_first(s, &options->random);
    if (s->err != OK) {
        session_destroy(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void session_destroy(struct session *s)
{
    if (s == NULL)
        return;
    session_destroy_streams(s);
    yamux_destroy(s->yamux);
    noise_wipe(&s->noise);
    buf_wipe(&s->plain);
    buf_wipe(&s->unsealed);
    buf_deinit(&s->in);
    buf_deinit(&s->out);
    mem_wipe(s, sizeof(*s));
    mem_free(s);
}

int session_err(const struct session *s)
{
    return s->err;
}

const char *session_why(const struct session *s)
{
    return s->why;
}

bool session_is_established(const struct session *s)
{
    return s->state == SESSION_OPEN && s->err == OK;
}

const struct peer_id *session_remote(const struct session *s)
{
    return s->state == SESSION_OPEN ? &s->remote : NULL;
}

void session_ping(struct session *s, uint32_t value)
{
    ASSERT(s->state == SESSION_OPEN);
    yamux_ping(s->yamux, value);
}

void session_close(struct session *s)
{
    if (session_is_established(s))
        yamux_go_away(s->yamux, YAMUX_NORMAL);
}
