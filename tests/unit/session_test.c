#include <criterion/criterion.h>
#include <string.h>

#include "ids/identity.h"
#include "p2p/noise.h"
#include "p2p/session.h"
#include "p2p/yamux.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(session, .timeout = 60);

enum { WRITE_MAX = 64 * 1024, STREAMS_MAX = 8, SEEN_MAX = 8 };

/* One stream as its side sees it; it reads everything into `got` unless told to wait. */
struct seen {
    struct session_stream *stream;
    char protocol[64];
    struct buf got;
    int looks;
};

struct side {
    struct session *session;
    struct identity identity;
    struct session_options options;
    uint8_t secret[PNET_SECRET_BYTES];
    struct peer_id expected;
    bool established;
    struct peer_id remote;
    struct seen seen[SEEN_MAX];
    size_t seen_count;
    const char *speaks; /* the one protocol it accepts; NULL: all */
    bool reads_nothing;
    uint32_t pong;
};

static void side_on_established(void *owner, const struct peer_id *remote)
{
    struct side *s = owner;
    s->established = true;
    s->remote = *remote;
}

static struct seen *side_add(struct side *s, struct session_stream *t, const char *protocol)
{
    cr_assert_lt(s->seen_count, SEEN_MAX);
    struct seen *seen = &s->seen[s->seen_count++];
    seen->stream = t;
    strcpy(seen->protocol, protocol);
    session_stream_set_owner(t, seen);
    return seen;
}

static bool side_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct side *s = owner;
    if (s->speaks != NULL && strcmp(s->speaks, protocol) != 0)
        return false;
    side_add(s, t, protocol);
    return true;
}

static void side_on_look(void *owner, struct session_stream *t)
{
    struct side *s = owner;
    struct seen *seen = session_stream_owner(t);
    seen->looks++;
    if (s->reads_nothing)
        return;
    struct bytes in = session_stream_input(t);
    buf_append(&seen->got, in.data, in.len);
    session_stream_taken(t, in.len);
}

static void side_on_pong(void *owner, uint32_t value)
{
    struct side *s = owner;
    s->pong = value;
}

static void side_init(struct side *s, bool is_dialer)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    int who = is_dialer ? 1 : 2;
    memset(s, 0, sizeof(*s));
    memset(seed, who, sizeof(seed));
    identity_from_seed(&s->identity, seed);
    memset(s->secret, 0x5e, sizeof(s->secret));
    s->options = (struct session_options){ .is_dialer = is_dialer,
                                           .secret = s->secret,
                                           .identity = &s->identity,
                                           .streams_max = STREAMS_MAX,
                                           .write_bytes_max = WRITE_MAX };
    memset(s->options.random.nonce, 0x10 + who, PNET_NONCE_BYTES);
    memset(s->options.random.static_private, 0x20 + who, NOISE_KEY_BYTES);
    memset(s->options.random.ephemeral_private, 0x30 + who, NOISE_KEY_BYTES);
}

static void side_start(struct side *s)
{
    struct session_hooks hooks = { side_on_established, side_on_stream, side_on_look, side_on_pong,
                                   s };
    cr_assert_eq(session_create(&s->session, &s->options, &hooks), OK);
}

static void side_deinit(struct side *s)
{
    session_destroy(s->session);
    for (size_t i = 0; i < s->seen_count; i++)
        buf_deinit(&s->seen[i].got);
}

struct pair {
    struct side dialer, listener;
};

static void pair_init(struct pair *p)
{
    side_init(&p->dialer, true);
    side_init(&p->listener, false);
}

static bool carry(struct side *from, struct side *to, size_t piece)
{
    struct bytes out = session_output(from->session);
    size_t len = out.len < piece ? out.len : piece;
    if (len > 0)
        session_on_bytes(to->session, (struct bytes){ out.data, len });
    session_output_taken(from->session, len);
    return len > 0;
}

/* Until nobody has anything to say; a side that failed hears nothing more. */
static void talk(struct pair *p, size_t piece)
{
    bool forth = true, back = true;
    while (forth || back) {
        forth = carry(&p->dialer, &p->listener, piece);
        back = carry(&p->listener, &p->dialer, piece);
    }
}

static void pair_start(struct pair *p, size_t piece)
{
    side_start(&p->dialer);
    side_start(&p->listener);
    talk(p, piece);
}

static void pair_deinit(struct pair *p)
{
    side_deinit(&p->dialer);
    side_deinit(&p->listener);
}

static struct session_stream *pair_open(struct pair *p, const char *protocol)
{
    struct session_stream *t;
    cr_assert_eq(session_open(p->dialer.session, protocol, NULL, &t), OK);
    side_add(&p->dialer, t, protocol);
    return t;
}

Test(session, two_sides_prove_who_they_are_however_the_bytes_are_cut)
{
    static const size_t pieces[] = { 1, 7, 24, 25, 100, 65536 };
    for (unsigned variant = 0; variant < 8; variant++) {
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
            struct pair p;
            pair_init(&p);
            if (variant & 1)
                p.dialer.options.secret = p.listener.options.secret = NULL;
            p.dialer.options.lists_no_muxer = variant & 2;
            p.listener.options.lists_no_muxer = variant & 4;
            p.dialer.options.expected = &p.listener.identity.id;
            pair_start(&p, pieces[i]);
            cr_assert(p.dialer.established && p.listener.established, "variant %u", variant);
            cr_assert(peer_id_equal(&p.dialer.remote, &p.listener.identity.id));
            cr_assert(peer_id_equal(&p.listener.remote, &p.dialer.identity.id));

            struct session_stream *t = pair_open(&p, "/echo/1");
            session_stream_write(t, "hello", 5);
            session_stream_close(t);
            talk(&p, pieces[i]);
            cr_assert_eq(p.listener.seen_count, 1);
            cr_assert_str_eq(p.listener.seen[0].protocol, "/echo/1");
            cr_assert(
                bytes_equal(buf_bytes(&p.listener.seen[0].got), (struct bytes){ "hello", 5 }));
            cr_assert(session_stream_is_at_end(p.listener.seen[0].stream));
            cr_assert(session_stream_is_agreed(t));
            pair_deinit(&p);
        }
    }
}

/* js-libp2p loses the data when their end arrives before its handler is there. */
Test(session, the_end_of_a_stream_waits_for_the_agreement)
{
    struct pair p;
    pair_init(&p);
    pair_start(&p, 100000);
    struct session_stream *t = pair_open(&p, "/x/1");
    session_stream_write(t, "all", 3);
    session_stream_close(t);
    cr_assert_eq(session_stream_room(t), 0);
    cr_assert_eq(session_stream_write(t, "more", 4), 0);
    cr_assert(carry(&p.dialer, &p.listener, 100000));
    cr_assert_not(session_stream_has_closed(t));
    cr_assert_eq(p.listener.seen[0].got.len, 3);
    cr_assert_not(session_stream_is_at_end(p.listener.seen[0].stream));
    talk(&p, 100000);
    cr_assert(session_stream_has_closed(t));
    cr_assert(session_stream_is_at_end(p.listener.seen[0].stream));
    pair_deinit(&p);
}

Test(session, strangers_get_nowhere)
{
    struct pair p;
    pair_init(&p); /* another secret */
    p.listener.secret[31] ^= 1;
    pair_start(&p, 10000);
    cr_assert_eq(session_err(p.listener.session), ERR_CORRUPT);
    cr_assert_eq(session_err(p.dialer.session), ERR_CORRUPT);
    cr_assert_str_eq(session_why(p.listener.session),
                     "the other side has another cluster secret, or is no libp2p peer");
    cr_assert_not(p.listener.established || p.dialer.established);
    cr_assert_null(session_remote(p.dialer.session));
    pair_deinit(&p);

    pair_init(&p); /* none */
    p.dialer.options.secret = NULL;
    pair_start(&p, 10000);
    cr_assert_eq(session_err(p.dialer.session), ERR_CORRUPT);
    cr_assert_str_eq(session_why(p.dialer.session),
                     "the other side is no libp2p peer, or wants a cluster secret");
    cr_assert_not(p.listener.established || p.dialer.established);
    pair_deinit(&p);

    pair_init(&p); /* somebody else at the address: told before we say who we are */
    p.dialer.options.expected = &p.dialer.identity.id;
    pair_start(&p, 10000);
    cr_assert_eq(session_err(p.dialer.session), ERR_AUTH);
    cr_assert_not(p.listener.established || p.dialer.established);
    pair_deinit(&p);
}

/* Every bit of a handshake, flipped once: nobody is ever established with an altered talk, except
 * where the bit is in the nonce of pnet's other direction... which alters everything behind it. */
Test(session, an_altered_handshake_establishes_nobody_on_the_altered_side)
{
    for (size_t at = 0; at < 600; at += 5) {
        struct pair p;
        pair_init(&p);
        side_start(&p.dialer);
        side_start(&p.listener);
        size_t sent = 0;
        bool forth = true, back = true, altered = false;
        while (forth || back) {
            forth = carry(&p.dialer, &p.listener, 10000);
            struct bytes out = session_output(p.listener.session);
            struct buf copy = { 0 };
            buf_append(&copy, out.data, out.len);
            back = out.len > 0;
            if (back && at >= sent && at < sent + out.len) {
                copy.data[at - sent] ^= 0x20;
                altered = true;
            }
            sent += out.len;
            session_output_taken(p.listener.session, out.len);
            session_on_bytes(p.dialer.session, buf_bytes(&copy));
            buf_deinit(&copy);
        }
        cr_assert_not(altered && p.dialer.established, "byte %zu", at);
        pair_deinit(&p);
    }
}

Test(session, a_protocol_that_is_not_spoken_is_refused_and_others_go_on)
{
    struct pair p;
    pair_init(&p);
    p.listener.speaks = "/known/1";
    pair_start(&p, 1000);
    struct session_stream *unknown = pair_open(&p, "/unknown/1");
    struct session_stream *known = pair_open(&p, "/known/1");
    session_stream_write(known, "x", 1);
    talk(&p, 1000);
    cr_assert_eq(session_stream_err(unknown), ERR_REFUSED);
    cr_assert(session_stream_is_at_end(unknown));
    cr_assert_eq(session_stream_write(unknown, "y", 1), 0);
    cr_assert_eq(p.dialer.seen[0].looks, 1);
    cr_assert_eq(session_stream_err(known), OK);
    cr_assert_eq(p.listener.seen_count, 1);
    session_stream_release(unknown);
    session_stream_release(known);
    talk(&p, 1000);
    cr_assert_eq(session_stream_err(p.listener.seen[0].stream), ERR_CLOSED);
    pair_deinit(&p);
}

Test(session, megabytes_both_ways_and_a_reader_that_pauses)
{
    static uint8_t chunk[32 * 1024];
    struct pair p;
    pair_init(&p);
    pair_start(&p, 100000);
    struct session_stream *t = pair_open(&p, "/bulk/1");
    talk(&p, 100000);
    struct session_stream *back = p.listener.seen[0].stream;
    p.listener.reads_nothing = true;
    size_t forth_bytes = 0, back_bytes = 0;
    for (int i = 0; i < 200; i++) {
        forth_bytes += session_stream_write(t, chunk, sizeof(chunk));
        back_bytes += session_stream_write(back, chunk, sizeof(chunk));
        talk(&p, 100000);
    }
    size_t selection = strlen("\x13/multistream/1.0.0\n\x08/bulk/1\n"); /* counts, too */
    cr_assert_eq(forth_bytes, YAMUX_WINDOW_BYTES - selection + WRITE_MAX);
    cr_assert_eq(back_bytes, 200 * sizeof(chunk));
    cr_assert_eq(p.dialer.seen[0].got.len, back_bytes);

    p.listener.reads_nothing = false;
    side_on_look(&p.listener, back); /* looks again, takes what waits, and it flows on */
    talk(&p, 100000);
    for (int i = 0; i < 200; i++) {
        forth_bytes += session_stream_write(t, chunk, sizeof(chunk));
        talk(&p, 100000);
    }
    session_stream_close(t);
    talk(&p, 100000);
    cr_assert_eq(p.listener.seen[0].got.len, forth_bytes);
    cr_assert_gt(forth_bytes, 200 * sizeof(chunk));
    cr_assert(session_stream_is_at_end(back));
    pair_deinit(&p);
}

Test(session, output_waits_in_the_streams_while_the_socket_takes_nothing)
{
    static uint8_t chunk[WRITE_MAX];
    struct pair p;
    pair_init(&p);
    pair_start(&p, 100000);
    for (int i = 0; i < 4; i++) {
        struct session_stream *t = pair_open(&p, "/bulk/1");
        session_stream_write(t, chunk, sizeof(chunk));
    }
    struct bytes first = session_output(p.dialer.session);
    cr_assert_geq(first.len, SESSION_OUTPUT_BYTES / 2);
    for (int i = 0; i < 100; i++)
        cr_assert_lt(session_output(p.dialer.session).len, 3 * SESSION_OUTPUT_BYTES);
    pair_deinit(&p);
}

Test(session, ping_and_goodbye)
{
    struct pair p;
    pair_init(&p);
    pair_start(&p, 100);
    session_ping(p.listener.session, 77);
    talk(&p, 100);
    cr_assert_eq(p.listener.pong, 77);
    session_close(p.dialer.session);
    talk(&p, 100);
    cr_assert_eq(session_err(p.listener.session), ERR_CLOSED);
    cr_assert_not(session_is_established(p.listener.session));
    pair_deinit(&p);
}

Test(session, streams_beyond_the_limit_are_reset)
{
    struct pair p;
    pair_init(&p);
    pair_start(&p, 100);
    struct session_stream *t[STREAMS_MAX + 1];
    p.dialer.reads_nothing = true;
    for (int i = 0; i <= STREAMS_MAX; i++) {
        cr_assert_eq(session_open(p.dialer.session, "/x", &p.dialer.seen[0], &t[i]), OK);
    }
    talk(&p, 100);
    cr_assert_eq(p.listener.seen_count, STREAMS_MAX);
    cr_assert_eq(session_stream_err(t[STREAMS_MAX]), ERR_CLOSED);
    cr_assert_eq(session_stream_err(t[0]), OK);
    pair_deinit(&p);
}

Test(session, refused_streams_give_their_place_back)
{
    struct pair p;
    pair_init(&p);
    p.listener.speaks = "/known/1";
    pair_start(&p, 1000);
    for (int i = 0; i < 2 * STREAMS_MAX; i++) {
        struct session_stream *t = pair_open(&p, "/unknown/1");
        talk(&p, 1000);
        cr_assert_eq(session_stream_err(t), ERR_REFUSED, "stream %d", i);
        session_stream_release(t);
        p.dialer.seen_count = 0;
        talk(&p, 1000);
    }
    struct session_stream *t = pair_open(&p, "/known/1");
    talk(&p, 1000);
    cr_assert(session_stream_is_agreed(t));
    pair_deinit(&p);
}

/* A dialer made by hand, whose every sealed message carries one byte, or none: legal, and nothing that a
 * listener may notice. */
Test(session, frame_borders_of_the_channel_mean_nothing)
{
    static const char selection[] = "\x13/multistream/1.0.0\n\x0d/yamux/1.0.0\n"
                                    "\0\1\0\1\0\0\0\1\0\0\0\0"; /* and the SYN of stream 1 */
    struct side listener, hand;
    side_init(&listener, false);
    side_init(&hand, true); /* for its keys */
    listener.options.secret = NULL;
    side_start(&listener);
    struct noise_keys keys = { .identity = &hand.identity };
    memset(keys.static_private, 3, NOISE_KEY_BYTES);
    memset(keys.ephemeral_private, 4, NOISE_KEY_BYTES);
    struct noise n;
    struct buf out = { 0 };
    cr_assert_eq(noise_start(&n, true, &keys, NULL), OK);
    buf_append_text(&out, "\x13/multistream/1.0.0\n\x07/noise\n");
    cr_assert_eq(noise_write(&n, &out), OK); /* without waiting for the answer */
    cr_assert_eq(session_on_bytes(listener.session, buf_bytes(&out)), OK);
    struct bytes in = session_output(listener.session), message;
    in = (struct bytes){ (const uint8_t *)in.data + 28, in.len - 28 };
    cr_assert_eq(noise_take_frame(&in, &message), OK);
    cr_assert_eq(noise_read(&n, message), OK);
    buf_clear(&out);
    cr_assert_eq(noise_write(&n, &out), OK);
    for (size_t i = 0; i < sizeof(selection) - 1; i++) {
        cr_assert_eq(noise_seal(&n, (struct bytes){ selection + i, 1 }, &out), OK);
        cr_assert_eq(noise_seal(&n, (struct bytes){ NULL, 0 }, &out), OK);
    }
    cr_assert_eq(session_on_bytes(listener.session, buf_bytes(&out)), OK);
    cr_assert(listener.established);
    cr_assert(peer_id_equal(&listener.remote, &hand.identity.id));
    buf_deinit(&out);
    noise_wipe(&n);
    side_deinit(&listener);
}

/* ---- a recorded connection of two js-libp2p nodes, replayed against each of our sides ---- */

struct recording {
    struct buf text;
    struct json_doc doc;
    struct bytes dialer, listener; /* what each sent */
};

static void recording_load(struct recording *r)
{
    *r = (struct recording){ .text = { 0 } };
    test_file_json("tests/vectors/connection.json", &r->text, &r->doc);
    r->dialer = test_json_hex(&r->doc, json_member(&r->doc, 0, "dialer"), "tcp_bytes");
    r->listener = test_json_hex(&r->doc, json_member(&r->doc, 0, "listener"), "tcp_bytes");
    cr_assert_eq(r->dialer.len, 858);
    cr_assert_eq(r->listener.len, 1116);
}

static void recording_deinit(struct recording *r)
{
    json_doc_deinit(&r->doc);
    buf_deinit(&r->text);
}

/* The keys that the recording names. */
static void side_init_recorded(struct side *s, bool is_dialer, const struct recording *r)
{
    side_init(s, is_dialer); /* the seeds of the identities are 01.. and 02.. as in the recording */
    memcpy(s->secret, test_json_hex(&r->doc, 0, "psk").data, PNET_SECRET_BYTES);
    memcpy(s->options.random.nonce, is_dialer ? r->dialer.data : r->listener.data,
           PNET_NONCE_BYTES);
    memset(s->options.random.static_private, is_dialer ? 0x11 : 0x21, NOISE_KEY_BYTES);
    memset(s->options.random.ephemeral_private, is_dialer ? 0x12 : 0x22, NOISE_KEY_BYTES);
    side_start(s);
}

Test(session, as_listener_we_say_what_js_said_and_understand_the_dialer)
{
    struct recording r;
    struct side s;
    recording_load(&r);
    side_init_recorded(&s, false, &r);
    int err = OK;
    for (size_t i = 0; i < r.dialer.len; i++)
        err = session_on_bytes(s.session, (struct bytes){ (const uint8_t *)r.dialer.data + i, 1 });
    cr_assert_eq(err, ERR_CLOSED);
    cr_assert_str_eq(session_why(s.session), "the other side closed the connection");
    /* Nonce, header and "/noise", message B: byte for byte. */
    cr_assert_arr_eq(session_output(s.session).data, r.listener.data, 24 + 28 + 218);
    cr_assert_eq(s.seen_count, 2);
    cr_assert_str_eq(s.seen[0].protocol, "/ipfs/id/1.0.0");
    cr_assert_eq(s.seen[0].got.len, 0);
    cr_assert(session_stream_is_at_end(s.seen[0].stream));
    cr_assert_str_eq(s.seen[1].protocol, "/ipfs/ping/1.0.0");
    cr_assert_eq(s.seen[1].got.len, 32);
    cr_assert(session_stream_is_at_end(s.seen[1].stream));
    side_deinit(&s);
    recording_deinit(&r);
}

Test(session, as_dialer_we_say_what_js_said_and_understand_the_listener)
{
    struct recording r;
    struct side s;
    recording_load(&r);
    side_init_recorded(&s, true, &r);
    size_t at = 0;
    for (; !s.established; at++)
        session_on_bytes(s.session, (struct bytes){ (const uint8_t *)r.listener.data + at, 1 });
    cr_assert_eq(at, 24 + 28 + 218);
    cr_assert_arr_eq(session_output(s.session).data, r.dialer.data, 24 + 28 + 34 + 186);
    struct session_stream *t;
    cr_assert_eq(session_open(s.session, "/ipfs/id/1.0.0", NULL, &t), OK);
    side_add(&s, t, "/ipfs/id/1.0.0");
    cr_assert_eq(session_open(s.session, "/ipfs/ping/1.0.0", NULL, &t), OK);
    side_add(&s, t, "/ipfs/ping/1.0.0");
    struct bytes rest = { (const uint8_t *)r.listener.data + at, r.listener.len - at };
    cr_assert_eq(session_on_bytes(s.session, rest), OK);
    cr_assert_eq(s.seen[0].got.len, 350); /* the identify message */
    cr_assert(session_stream_is_at_end(s.seen[0].stream));
    cr_assert_eq(s.seen[1].got.len, 32); /* our ping, echoed */
    cr_assert_not(session_stream_is_at_end(s.seen[1].stream) && s.seen[1].looks == 0);
    side_deinit(&s);
    recording_deinit(&r);
}
