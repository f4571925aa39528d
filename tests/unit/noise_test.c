#include <criterion/criterion.h>
#include <string.h>

#include "ids/identity.h"
#include "p2p/noise.h"
#include "p2p/noise_payload.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(noise, .timeout = 60);

static const char yamux[] = "/yamux/1.0.0";

static struct noise_keys keys_of(const struct json_doc *doc, int side, struct identity *identity)
{
    struct noise_keys keys;
    identity_from_seed(identity, test_json_hex(doc, side, "identity_seed").data);
    keys.identity = identity;
    memcpy(keys.static_private, test_json_hex(doc, side, "static_private").data, 32);
    memcpy(keys.ephemeral_private, test_json_hex(doc, side, "ephemeral_private").data, 32);
    return keys;
}

/* One message from `from` to `to`; it must be the frame the vector has. */
static void pass_message(struct noise *from, struct noise *to, struct bytes want)
{
    struct buf out = { 0 };
    cr_assert(noise_is_our_turn(from));
    cr_assert_eq(noise_write(from, &out), OK);
    if (want.data != NULL)
        cr_assert(bytes_equal(buf_bytes(&out), want));
    struct bytes in = buf_bytes(&out), message;
    cr_assert_eq(noise_take_frame(&in, &message), OK);
    cr_assert_eq(in.len, 0);
    cr_assert_eq(noise_read(to, message), OK);
    buf_deinit(&out);
}

static void check_step(const struct json_doc *doc, int step, const struct noise *n)
{
    cr_assert_arr_eq(n->hash, test_json_hex(doc, step, "h").data, 32);
    if (noise_is_done(n))
        return; /* the rest was wiped; the transport keys are checked instead */
    cr_assert_arr_eq(n->chain, test_json_hex(doc, step, "ck").data, 32);
    if (n->has_key)
        cr_assert_arr_eq(n->cipher.key, test_json_hex(doc, step, "k").data, 32);
}

static void check_transport(const struct json_doc *doc, int rows, struct noise *initiator,
                            struct noise *responder)
{
    for (int row = json_first(doc, rows); row != JSON_NONE; row = json_next(doc, row)) {
        bool forth = json_text_is(doc, json_member(doc, row, "dir"), "initiator_to_responder");
        struct bytes plain = test_json_hex(doc, row, "plaintext");
        struct bytes frame = test_json_hex(doc, row, "frame");
        uint8_t big[NOISE_PLAINTEXT_MAX];
        if (frame.data == NULL) { /* the big one is given by its generator and its head */
            uint32_t x = 2;
            for (size_t i = 0; i < sizeof(big); i++)
                big[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
            plain = (struct bytes){ big, sizeof(big) };
            frame = test_json_hex(doc, row, "frame_head");
        }
        struct noise *from = forth ? initiator : responder;
        struct noise *to = forth ? responder : initiator;
        struct buf out = { 0 }, back = { 0 };
        cr_assert_eq(noise_seal(from, plain, &out), OK);
        cr_assert_geq(out.len, frame.len);
        cr_assert_arr_eq(out.data, frame.data, frame.len);
        struct bytes in = buf_bytes(&out), message;
        cr_assert_eq(noise_take_frame(&in, &message), OK);
        cr_assert_eq(noise_open(to, message, &back), OK);
        cr_assert(bytes_equal(buf_bytes(&back), plain));
        buf_deinit(&out);
        buf_deinit(&back);
    }
}

static void check_handshake(const struct json_doc *doc, int row, const char *muxer)
{
    int sides[2] = { json_member(doc, row, "initiator"), json_member(doc, row, "responder") };
    struct identity identities[2];
    struct noise_keys keys[2] = { keys_of(doc, sides[0], &identities[0]),
                                  keys_of(doc, sides[1], &identities[1]) };
    struct noise n[2];
    cr_assert_eq(noise_start(&n[0], true, &keys[0], muxer), OK);
    cr_assert_eq(noise_start(&n[1], false, &keys[1], muxer), OK);
    cr_assert_arr_eq(n[0].static_public, test_json_hex(doc, sides[0], "static_public").data, 32);
    cr_assert(bytes_equal(buf_bytes(&n[1].payload), test_json_hex(doc, sides[1], "payload")));

    static const char *const names[] = { "message_A", "message_B", "message_C" };
    int step = json_first(doc, json_member(doc, row, "steps"));
    check_step(doc, step, &n[0]);
    for (int i = 0; i < 3; i++) {
        cr_assert_null(noise_remote(&n[(i + 1) % 2]));
        pass_message(&n[i % 2], &n[(i + 1) % 2], test_json_hex(doc, row, names[i]));
        step = json_next(doc, step);
        check_step(doc, step, &n[0]);
        check_step(doc, step, &n[1]);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert(noise_is_done(&n[i]));
        cr_assert_eq(noise_muxer(&n[i]), muxer ? NOISE_MUXER_AGREED : NOISE_MUXER_OPEN);
        cr_assert(peer_id_equal(noise_remote(&n[i]), &identities[1 - i].id));
    }
    int split = json_member(doc, row, "keys");
    cr_assert_arr_eq(n[0].send.key, test_json_hex(doc, split, "initiator_to_responder").data, 32);
    cr_assert_arr_eq(n[1].send.key, test_json_hex(doc, split, "responder_to_initiator").data, 32);
    check_transport(doc, json_member(doc, row, "transport"), &n[0], &n[1]);
    noise_wipe(&n[0]);
    noise_wipe(&n[1]);
}

Test(noise, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/noise.json", &text, &doc);
    int row = json_first(&doc, json_member(&doc, 0, "handshakes"));
    check_handshake(&doc, row, yamux);
    check_handshake(&doc, json_next(&doc, row), NULL);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(noise, payload_vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/noise.json", &text, &doc);
    int checks = json_member(&doc, 0, "payload_checks");
    uint8_t static_public[32];
    memcpy(static_public, test_json_hex(&doc, checks, "static_public").data, 32);
    int rows = json_member(&doc, checks, "cases");
    int accepted = 0, refused = 0;
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes payload = test_json_hex(&doc, row, "payload");
        struct bytes note = test_json_text(&doc, row, "note");
        bool want = false;
        json_get_bool(&doc, json_member(&doc, row, "js_accepts"), &want);
        if (strcmp(note.data, "valid, but not the peer that was dialled") == 0)
            want = true; /* whom we dialled is the session's to know */
        struct noise_payload out;
        int err = noise_payload_decode(&out, payload, static_public, yamux);
        cr_assert_eq(err, want ? OK : ERR_AUTH, "%s", (const char *)note.data);
        accepted += want;
        refused += !want;
    }
    cr_assert_eq(accepted, 3);
    cr_assert_eq(refused, 7);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(noise, other_identity_keys_and_broken_payloads)
{
    static const uint8_t static_public[32] = { 1 };
    struct noise_payload out;
    /* A secp256k1 key: type 2, 33 bytes. */
    struct buf payload = { 0 };
    buf_append(&payload, "\x0a\x25\x08\x02\x12\x21", 6);
    for (int i = 0; i < 33; i++)
        buf_put_u8(&payload, 2);
    buf_append(&payload, "\x12\x01x", 3);
    cr_assert_eq(noise_payload_decode(&out, buf_bytes(&payload), static_public, NULL),
                 ERR_UNSUPPORTED);
    struct bytes cut = { payload.data, payload.len - 1 };
    cr_assert_eq(noise_payload_decode(&out, cut, static_public, NULL), ERR_CORRUPT);
    buf_deinit(&payload);
}

struct pair {
    struct noise initiator, responder;
    struct identity identities[2];
    struct noise_keys keys[2];
};

static void pair_init(struct pair *p, const char *initiator_muxer, const char *responder_muxer)
{
    for (int i = 0; i < 2; i++) {
        uint8_t seed[IDENTITY_SEED_BYTES];
        memset(seed, 0x41 + i, sizeof(seed));
        identity_from_seed(&p->identities[i], seed);
        p->keys[i].identity = &p->identities[i];
        memset(p->keys[i].static_private, 0x51 + i, 32);
        memset(p->keys[i].ephemeral_private, 0x61 + i, 32);
    }
    cr_assert_eq(noise_start(&p->initiator, true, &p->keys[0], initiator_muxer), OK);
    cr_assert_eq(noise_start(&p->responder, false, &p->keys[1], responder_muxer), OK);
}

static void pair_handshake(struct pair *p)
{
    struct bytes any = { NULL, 0 };
    pass_message(&p->initiator, &p->responder, any);
    pass_message(&p->responder, &p->initiator, any);
    pass_message(&p->initiator, &p->responder, any);
}

static void pair_deinit(struct pair *p)
{
    noise_wipe(&p->initiator);
    noise_wipe(&p->responder);
}

Test(noise, the_muxer_is_agreed_only_when_both_list_it)
{
    static const struct {
        const char *initiator, *responder;
        enum noise_muxer want;
    } rows[] = {
        { NULL, NULL, NOISE_MUXER_OPEN },
        { yamux, NULL, NOISE_MUXER_OPEN },
        { NULL, yamux, NOISE_MUXER_OPEN },
        { yamux, yamux, NOISE_MUXER_AGREED },
        { yamux, "/mplex/6.7.0", NOISE_MUXER_NONE },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        pair_init(&p, rows[i].initiator, rows[i].responder);
        pair_handshake(&p);
        cr_assert_eq(noise_muxer(&p.initiator), rows[i].want, "row %zu", i);
        cr_assert_eq(noise_muxer(&p.responder), rows[i].want, "row %zu", i);
        pair_deinit(&p);
    }
}

/* Flip each byte of each handshake message in turn: the message, or at the latest the next one, must
 * not be accepted. */
Test(noise, a_touched_handshake_fails)
{
    static const size_t lens[] = { 32, 32 + 48 + 104 + 16, 48 + 104 + 16 };
    for (int touched = 0; touched < 3; touched++) {
        for (size_t at = 0; at < lens[touched]; at += 7) {
            struct pair p;
            pair_init(&p, NULL, NULL);
            int err = OK;
            for (int i = 0; i < 3 && err == OK; i++) {
                struct noise *from = i % 2 == 0 ? &p.initiator : &p.responder;
                struct noise *to = i % 2 == 0 ? &p.responder : &p.initiator;
                struct buf out = { 0 };
                cr_assert_eq(noise_write(from, &out), OK);
                cr_assert_eq(out.len, lens[i] + 2);
                if (i == touched)
                    out.data[2 + at] ^= 0x10;
                err = noise_read(to, (struct bytes){ out.data + 2, out.len - 2 });
                buf_deinit(&out);
            }
            cr_assert_eq(err, ERR_CORRUPT, "message %d, byte %zu", touched, at);
            pair_deinit(&p);
        }
    }
}

Test(noise, short_long_and_weak_messages_are_refused)
{
    static const uint8_t zeroes[200];
    for (size_t len = 0; len < 40; len++) {
        struct pair p;
        pair_init(&p, NULL, NULL);
        int want = len == 32 ? OK : ERR_CORRUPT;
        cr_assert_eq(noise_read(&p.responder, (struct bytes){ zeroes, len }), want, "%zu bytes",
                     len);
        if (want == OK) { /* the all-zero point: the shared secret would be known to all */
            struct buf out = { 0 };
            cr_assert_eq(noise_write(&p.responder, &out), ERR_CORRUPT);
            buf_deinit(&out);
        }
        pair_deinit(&p);
    }
}

Test(noise, sealed_messages_cannot_be_touched_repeated_or_left_out)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    pair_handshake(&p);
    struct buf one = { 0 }, two = { 0 }, plain = { 0 };
    cr_assert_eq(noise_seal(&p.initiator, (struct bytes){ "one", 3 }, &one), OK);
    cr_assert_eq(noise_seal(&p.initiator, (struct bytes){ "two", 3 }, &two), OK);
    struct bytes first = { one.data + 2, one.len - 2 }, second = { two.data + 2, two.len - 2 };
    struct noise before = p.responder; /* a failure ends a channel; each try gets a fresh copy */
    struct noise n = before;
    cr_assert_eq(noise_open(&n, second, &plain), ERR_CORRUPT);
    n = before;
    cr_assert_eq(noise_open(&n, first, &plain), OK);
    cr_assert_eq(noise_open(&n, first, &plain), ERR_CORRUPT);
    n = before;
    one.data[3] ^= 1;
    cr_assert_eq(noise_open(&n, first, &plain), ERR_CORRUPT);
    cr_assert_eq(noise_open(&n, (struct bytes){ first.data, 15 }, &plain), ERR_CORRUPT);
    cr_assert(bytes_equal(buf_bytes(&plain), (struct bytes){ "one", 3 }));
    buf_deinit(&one);
    buf_deinit(&two);
    buf_deinit(&plain);
    pair_deinit(&p);
}

Test(noise, long_runs_are_cut_into_frames)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    pair_handshake(&p);
    struct buf run = { 0 }, sealed = { 0 }, plain = { 0 };
    for (uint32_t i = 0; i < 50000; i++)
        buf_put_u32(&run, i);
    cr_assert_eq(noise_seal(&p.responder, buf_bytes(&run), &sealed), OK);
    struct bytes in = buf_bytes(&sealed), message;
    int frames = 0;
    while (in.len > 0) {
        struct bytes cut = { in.data, in.len < 65537 ? in.len - 1 : 65536 };
        cr_assert_eq(noise_take_frame(&cut, &message), ERR_MORE);
        cr_assert_eq(noise_take_frame(&in, &message), OK);
        cr_assert_eq(noise_open(&p.initiator, message, &plain), OK);
        frames++;
    }
    cr_assert_eq(frames, 4);
    cr_assert(bytes_equal(buf_bytes(&plain), buf_bytes(&run)));
    buf_deinit(&run);
    buf_deinit(&sealed);
    buf_deinit(&plain);
    pair_deinit(&p);
}
