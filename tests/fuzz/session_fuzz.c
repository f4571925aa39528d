/* covers: peer/p2p/session.c peer/p2p/session_stream.c */
/* A session against another side that is any bytes at all, or one that did the handshake properly and
 * then says anything inside the channel. First byte: bit 0 we dial, 1 a secret, 2 raw bytes (no proper
 * handshake), 3 the other side lists a muxer, 4 we list none. The keys are those of a recorded connection, so
 * that its bytes, raw, get through to the end. */
#include <stdint.h>
#include <string.h>

#include "ids/identity.h"
#include "p2p/multistream.h"
#include "p2p/session.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { WE_DIAL = 1, HAS_SECRET = 2, IS_RAW = 4, THEY_LIST = 8, WE_LIST_NONE = 16 };

static const uint8_t recorded_secret[] = { 0xdf, 0xfb, 0x7e, 0x31, 0x35, 0x39, 0x9a, 0x8b,
                                           0x16, 0x12, 0xb2, 0xaa, 0xca, 0x1c, 0x36, 0xa3,
                                           0xa8, 0xac, 0x2c, 0xd0, 0xcc, 0xa5, 0x1c, 0xee,
                                           0xb2, 0xce, 0xd8, 0x7d, 0x30, 0x8c, 0xac, 0x6d };

/* ---- our side: a reader and writer that does a bit of everything ---- */

struct ours {
    struct session *session;
    struct session_stream *kept; /* one that we opened */
    unsigned looks;
    bool established;
};

static void ours_on_established(void *owner, const struct peer_id *remote)
{
    struct ours *o = owner;
    ASSERT(!o->established && !peer_id_is_nobody(remote));
    o->established = true;
    ASSERT(session_open(o->session, "/ours/1", NULL, &o->kept) == OK);
}

static bool ours_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    (void)owner;
    (void)t;
    return strlen(protocol) % 2 == 0;
}

static void ours_on_look(void *owner, struct session_stream *t)
{
    struct ours *o = owner;
    struct bytes in = session_stream_input(t);
    size_t part = o->looks++ % 3 == 0 ? in.len : in.len / 2;
    session_stream_write(t, in.data, part);
    session_stream_taken(t, part);
    if (session_stream_err(t) != OK)
        ASSERT(session_stream_room(t) == 0);
    else if (session_stream_is_at_end(t))
        session_stream_close(t);
    if (t != o->kept && session_stream_is_at_end(t))
        session_stream_release(t);
    else if (t != o->kept && o->looks % 16 == 0)
        session_stream_reset(t);
}

static void ours_on_pong(void *owner, uint32_t value)
{
    (void)owner;
    (void)value;
}

/* ---- their side ---- */

struct theirs {
    bool dials;
    bool has_secret;
    struct identity identity;
    struct noise noise;
    struct pnet in, out;
};

static void keys_of(bool dials, struct identity *identity, struct noise_keys *keys)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    memset(seed, dials ? 1 : 2, sizeof(seed));
    identity_from_seed(identity, seed);
    keys->identity = identity;
    memset(keys->static_private, dials ? 0x11 : 0x21, NOISE_KEY_BYTES);
    memset(keys->ephemeral_private, dials ? 0x12 : 0x22, NOISE_KEY_BYTES);
}

static void say(struct theirs *t, struct ours *o, struct buf *clear)
{
    if (t->has_secret && clear->len > 0)
        pnet_apply(&t->out, clear->data, clear->len);
    (void)session_on_bytes(o->session, buf_bytes(clear));
    buf_deinit(clear);
}

/* All that our side has to say, uncovered. */
static void hear(struct theirs *t, struct ours *o, struct buf *heard)
{
    struct bytes out = session_output(o->session);
    size_t from = heard->len;
    buf_append(heard, out.data, out.len);
    if (t->has_secret && out.len > 0)
        pnet_apply(&t->in, heard->data + from, out.len);
    session_output_taken(o->session, out.len);
}

static void their_noise(struct theirs *t, bool lists)
{
    struct noise_keys keys;
    keys_of(t->dials, &t->identity, &keys);
    ASSERT(noise_start(&t->noise, t->dials, &keys, lists ? "/yamux/1.0.0" : NULL) == OK);
}

static void their_message(struct theirs *t, struct ours *o)
{
    struct buf out = { 0 };
    ASSERT(noise_write(&t->noise, &out) == OK);
    say(t, o, &out);
}

static void their_handshake(struct theirs *t, struct ours *o, bool lists)
{
    static const uint8_t nonce[PNET_NONCE_BYTES] = { 7 };
    static const char select[] = "\x13/multistream/1.0.0\n\x07/noise\n";
    struct buf heard = { 0 }, out = { 0 };
    if (t->has_secret) {
        struct bytes first = session_output(o->session);
        pnet_init(&t->in, recorded_secret, first.data);
        session_output_taken(o->session, PNET_NONCE_BYTES);
        pnet_init(&t->out, recorded_secret, nonce);
        (void)session_on_bytes(o->session, (struct bytes){ nonce, sizeof(nonce) });
    }
    buf_append_text(&out, select);
    say(t, o, &out);
    hear(t, o, &heard);
    their_noise(t, lists);
    for (size_t at = strlen(select); !noise_is_done(&t->noise);) {
        if (noise_is_our_turn(&t->noise)) {
            their_message(t, o);
            continue;
        }
        hear(t, o, &heard);
        struct bytes in = { heard.data + at, heard.len - at }, message;
        ASSERT(noise_take_frame(&in, &message) == OK);
        ASSERT(noise_read(&t->noise, message) == OK);
        at = heard.len - in.len;
    }
    ASSERT(session_err(o->session) == OK);
    buf_deinit(&heard);
}

/* The input in pieces, each sealed on its own: a length, and so many bytes. */
static void their_talk(struct theirs *t, struct ours *o, struct reader *in)
{
    while (in->left > 0 && session_err(o->session) == OK) {
        size_t len = reader_u8(in);
        struct bytes said = reader_take(in, len < in->left ? len : in->left);
        struct buf out = { 0 }, heard = { 0 };
        ASSERT(noise_seal(&t->noise, said, &out) == OK);
        say(t, o, &out);
        hear(t, o, &heard);
        buf_deinit(&heard);
    }
}

/* ---- */

static void our_start(struct ours *o, uint8_t how, struct identity *identity,
                      const struct peer_id *expected)
{
    struct noise_keys keys;
    bool we_dial = how & WE_DIAL;
    keys_of(we_dial, identity, &keys);
    struct session_options options = { .is_dialer = we_dial,
                                       .secret = how & HAS_SECRET ? recorded_secret : NULL,
                                       .identity = identity,
                                       .expected = we_dial ? expected : NULL,
                                       .streams_max = 4,
                                       .write_bytes_max = 32 * 1024,
                                       .lists_no_muxer = how & WE_LIST_NONE };
    memcpy(options.random.static_private, keys.static_private, NOISE_KEY_BYTES);
    memcpy(options.random.ephemeral_private, keys.ephemeral_private, NOISE_KEY_BYTES);
    struct session_hooks hooks = { ours_on_established, ours_on_stream, ours_on_look, ours_on_pong,
                                   o };
    ASSERT(session_create(&o->session, &options, &hooks) == OK);
}

static void drain(struct ours *o)
{
    for (int i = 0; i < 100; i++) {
        struct bytes out = session_output(o->session);
        session_output_taken(o->session, out.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > 64 * 1024)
        return 0;
    struct ours ours = { .looks = 0 };
    struct identity identity, other;
    struct theirs theirs = { .dials = !(data[0] & WE_DIAL), .has_secret = data[0] & HAS_SECRET };
    struct noise_keys unused;
    keys_of(theirs.dials, &other, &unused);
    our_start(&ours, data[0], &identity, &other.id);
    struct reader in = reader_of(data + 1, len - 1);
    if (data[0] & IS_RAW) {
        size_t half = in.left / 2;
        (void)session_on_bytes(ours.session, reader_take(&in, half));
        (void)session_on_bytes(ours.session, reader_take(&in, in.left));
    } else {
        their_handshake(&theirs, &ours, data[0] & THEY_LIST);
        their_talk(&theirs, &ours, &in);
        noise_wipe(&theirs.noise);
    }
    if (session_is_established(ours.session))
        session_ping(ours.session, 1);
    session_close(ours.session);
    drain(&ours);
    ASSERT(session_err(ours.session) == OK || session_why(ours.session)[0] != 0);
    session_destroy(ours.session);
    return 0;
}
