#include "sim/world/wire.h"

#include <string.h>

#include "ids/identity.h"
#include "p2p/frame_reader.h"
#include "p2p/session.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { WIRE_STREAMS_MAX = 8, WIRE_WRITE_BYTES = 64 * 1024, WIRE_OUT_HEAD_BYTES = 5 };

static const char *const wire_protocols[STREAM_COUNT] = {
    [STREAM_CONTROL] = "/sim/control/1",
    [STREAM_CALLS] = "/sim/calls/1",
    [STREAM_BULK] = "/sim/bulk/1",
    [STREAM_UPLOADS] = "/sim/uploads/1",
};

struct wire_end {
    struct wire *wire;
    struct session *session;
    struct identity identity;
    struct session_stream *out[STREAM_COUNT];
    struct session_stream *in[STREAM_COUNT];
    struct frame_reader readers[STREAM_COUNT];
    struct buf
        owed[STREAM_COUNT]; /* hashes of the frames that this end has still to hear, u64 each */
};

struct wire {
    struct wire_end ends[2];
    uint8_t secret[PNET_SECRET_BYTES];
    struct buf heard; /* stream (1), length (4), bytes: of frames that came out */
    size_t taken;
    const struct wire_damage *damage; /* of the frame under way; NULL: done */
    unsigned damaged_from;
    int err;
    const char *why;
    bool has_lied;
};

/* ---- what an end hears ---- */

static bool wire_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct wire_end *end = owner;
    for (int i = 0; i < STREAM_COUNT; i++)
        if (strcmp(protocol, wire_protocols[i]) == 0 && end->in[i] == NULL) {
            end->in[i] = t;
            return true;
        }
    return false;
}

static uint64_t wire_frame_hash(struct bytes frame)
{
    return hash64(1, frame.data, frame.len);
}

static void wire_hear(struct wire_end *end, enum stream stream, struct bytes frame)
{
    struct wire *w = end->wire;
    struct reader owed = reader_of(end->owed[stream].data, end->owed[stream].len);
    if (reader_u64(&owed) != wire_frame_hash(frame) || owed.err != OK)
        w->has_lied = true;
    else
        buf_consume(&end->owed[stream], sizeof(uint64_t));
    buf_put_u8(&w->heard, (uint8_t)stream);
    buf_put_u32(&w->heard, (uint32_t)frame.len);
    buf_append(&w->heard, frame.data, frame.len);
}

static void wire_end_fail(struct wire *w, int err, const char *why)
{
    if (w->err != OK)
        return;
    w->err = err;
    w->why = why;
}

static void wire_on_look(void *owner, struct session_stream *t)
{
    struct wire_end *end = owner;
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct bytes frame = { 0 };
        if (end->in[i] != t)
            continue;
        int err;
        while ((err = frame_reader_next(&end->readers[i], t, &frame)) == OK && frame.len > 0) {
            wire_hear(end, (enum stream)i, frame);
            frame_reader_drop(&end->readers[i], t);
        }
        if (err != OK)
            wire_end_fail(end->wire, err, "a frame of an impossible length");
    }
}

static void wire_on_established(void *owner, const struct peer_id *remote)
{
    struct wire_end *end = owner;
    (void)remote;
    for (int i = 0; i < STREAM_COUNT; i++) {
        int err = session_open(end->session, wire_protocols[i], end, &end->out[i]);
        ASSERT(err == OK);
    }
}

static void wire_on_pong(void *owner, uint32_t value)
{
    (void)owner;
    (void)value;
}

/* ---- bytes ---- */

static void wire_feed(struct wire *w, struct wire_end *to, const void *bytes, size_t len)
{
    int err = len > 0 ? session_on_bytes(to->session, (struct bytes){ bytes, len }) : OK;
    if (err != OK)
        wire_end_fail(w, err, session_why(to->session));
}

static void wire_feed_damaged(struct wire *w, struct wire_end *to, struct bytes out)
{
    uint64_t bit = w->damage->place % (8 * (uint64_t)out.len);
    size_t at = (size_t)(bit / 8);
    if (w->damage->kind == WIRE_CUT) {
        wire_feed(w, to, out.data, at);
        wire_end_fail(w, ERR_CLOSED, "the connection was cut off");
        return;
    }
    struct buf copy = { 0 };
    buf_append(&copy, out.data, out.len);
    ASSERT(copy.err == OK);
    copy.data[at] ^= (uint8_t)(1u << bit % 8);
    wire_feed(w, to, copy.data, copy.len);
    buf_deinit(&copy);
}

/* Moves what one end has to send; false: nothing. */
static bool wire_move(struct wire *w, unsigned from)
{
    struct session *s = w->ends[from].session;
    struct wire_end *to = &w->ends[1 - from];
    struct bytes out = session_output(s);
    if (out.len == 0 || w->err != OK)
        return false;
    if (w->damage != NULL && w->damage->kind != WIRE_SOUND && w->damaged_from == from) {
        wire_feed_damaged(w, to, out);
        w->damage = NULL;
    } else {
        wire_feed(w, to, out.data, out.len);
    }
    session_output_taken(s, out.len);
    return true;
}

static void wire_settle(struct wire *w)
{
    bool forth = true, back = true;
    while (forth || back) {
        forth = wire_move(w, 0);
        back = wire_move(w, 1);
    }
}

static void wire_write(struct wire *w, struct session_stream *t, struct bytes bytes)
{
    size_t sent = 0;
    unsigned in_vain = 0;
    while (sent < bytes.len && w->err == OK) {
        size_t took = session_stream_write(t, (const uint8_t *)bytes.data + sent, bytes.len - sent);
        sent += took;
        in_vain = took == 0 ? in_vain + 1 : 0;
        wire_settle(w);
        if (in_vain == 2) /* the other side waits for bytes that a turned bit has promised it */
            wire_end_fail(w, ERR_TIMEOUT, "nothing is taken any more");
    }
}

int wire_carry(struct wire *w, unsigned from, enum stream stream, const void *bytes, size_t len,
               const struct wire_damage *damage)
{
    struct wire_end *me = &w->ends[from];
    struct bytes frame = { bytes, len };
    struct buf head = { 0 };
    if (w->taken == w->heard.len) {
        buf_clear(&w->heard);
        w->taken = 0;
    }
    w->damage = damage;
    w->damaged_from = from;
    buf_put_u64(&w->ends[1 - from].owed[stream], wire_frame_hash(frame));
    buf_put_u32(&head, (uint32_t)len);
    buf_append(&head, bytes, len);
    ASSERT(head.err == OK);
    wire_write(w, me->out[stream], buf_bytes(&head));
    buf_deinit(&head);
    w->damage = NULL;
    return w->err;
}

const char *wire_why(const struct wire *w)
{
    return w->why;
}

bool wire_take(struct wire *w, struct wire_frame *out)
{
    if (w->taken == w->heard.len)
        return false;
    struct reader r = reader_of(w->heard.data + w->taken, w->heard.len - w->taken);
    out->stream = (enum stream)reader_u8(&r);
    out->bytes.len = reader_u32(&r);
    out->bytes.data = w->heard.data + w->taken + WIRE_OUT_HEAD_BYTES;
    w->taken += WIRE_OUT_HEAD_BYTES + out->bytes.len;
    return true;
}

bool wire_has_lied(const struct wire *w)
{
    return w->has_lied;
}

/* ---- life ---- */

static void wire_fill(uint8_t *out, size_t len, uint64_t number, uint64_t what)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t words[] = { what, i };
        out[i] = (uint8_t)hash64(number, words, sizeof(words));
    }
}

static void wire_end_init(struct wire *w, unsigned side, uint64_t number)
{
    struct wire_end *end = &w->ends[side];
    uint8_t seed[IDENTITY_SEED_BYTES];
    end->wire = w;
    memset(seed, (int)side + 1, sizeof(seed));
    identity_from_seed(&end->identity, seed);
    struct session_options o = { .is_dialer = side == 0,
                                 .secret = w->secret,
                                 .identity = &end->identity,
                                 .streams_max = WIRE_STREAMS_MAX,
                                 .write_bytes_max = WIRE_WRITE_BYTES };
    wire_fill(o.random.nonce, sizeof(o.random.nonce), number, 4 * side + 1);
    wire_fill(o.random.static_private, sizeof(o.random.static_private), number, 4 * side + 2);
    wire_fill(o.random.ephemeral_private, sizeof(o.random.ephemeral_private), number, 4 * side + 3);
    struct session_hooks hooks = { wire_on_established, wire_on_stream, wire_on_look, wire_on_pong,
                                   end };
    int err = session_create(&end->session, &o, &hooks);
    ASSERT(err == OK);
}

struct wire *wire_create(uint64_t number)
{
    struct wire *w = mem_zalloc(sizeof(*w));
    ASSERT(w != NULL);
    memset(w->secret, 0x5e, sizeof(w->secret));
    wire_end_init(w, 0, number);
    wire_end_init(w, 1, number);
    wire_settle(w);
    ASSERT(w->err == OK && session_is_established(w->ends[0].session));
    return w;
}

void wire_destroy(struct wire *w)
{
    if (w == NULL)
        return;
    for (unsigned side = 0; side < 2; side++) {
        struct wire_end *end = &w->ends[side];
        session_destroy(end->session);
        for (int i = 0; i < STREAM_COUNT; i++) {
            frame_reader_deinit(&end->readers[i]);
            buf_deinit(&end->owed[i]);
        }
    }
    buf_deinit(&w->heard);
    mem_free(w);
}
