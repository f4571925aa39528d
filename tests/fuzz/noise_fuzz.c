/* covers: peer/p2p/noise.c peer/p2p/noise_channel.c peer/p2p/noise_payload.c */
/* A whole handshake and a channel between two sides that follow the rules, except where the input says
 * otherwise: one message altered, or a payload that its sender made up (and sealed properly, so that it
 * is really read). Altered bytes must never be accepted. */
#include <stdint.h>
#include <string.h>

#include "ids/identity.h"
#include "p2p/noise.h"
#include "p2p/noise_payload.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char muxer[] = "/yamux/1.0.0";

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t input_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void start(struct noise *n, bool is_initiator, struct identity *identity, bool lists)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    struct noise_keys keys = { .identity = identity };
    memset(seed, is_initiator ? 1 : 2, sizeof(seed));
    identity_from_seed(identity, seed);
    memset(keys.static_private, is_initiator ? 3 : 4, NOISE_KEY_BYTES);
    memset(keys.ephemeral_private, is_initiator ? 5 : 6, NOISE_KEY_BYTES);
    ASSERT(noise_start(n, is_initiator, &keys, lists ? muxer : NULL) == OK);
}

/* XORs the rest of the input over the message; tells whether that changed it. */
static bool alter(struct buf *message, struct input *in)
{
    bool is_altered = false;
    for (size_t i = input_byte(in); i < message->len && in->left > 0; i++) {
        uint8_t change = input_byte(in);
        message->data[i] ^= change;
        is_altered = is_altered || change != 0;
    }
    return is_altered;
}

/* Passes one message on; ERR_MORE: its length was altered and it is not whole. */
static int pass(struct noise *from, struct noise *to, struct input *in, bool alters, bool *altered)
{
    struct buf out = { 0 };
    int err = noise_write(from, &out);
    if (err == OK && alters)
        *altered = alter(&out, in);
    struct bytes wire = buf_bytes(&out), message;
    if (err == OK)
        err = noise_take_frame(&wire, &message);
    if (err == OK)
        err = noise_read(to, message);
    buf_deinit(&out);
    return err;
}

/* A sealed run, cut and altered as the input says. */
static void talk(struct noise *from, struct noise *to, struct input *in)
{
    struct buf sealed = { 0 }, plain = { 0 };
    size_t len = in->left < 100 ? in->left : 100;
    struct bytes said = { in->at, len };
    ASSERT(noise_seal(from, said, &sealed) == OK);
    in->at += len;
    in->left -= len;
    bool altered = alter(&sealed, in);
    struct bytes wire = buf_bytes(&sealed), message;
    int err = noise_take_frame(&wire, &message);
    if (err == OK)
        err = noise_open(to, message, &plain);
    ASSERT(altered == (err != OK));
    ASSERT(err != OK || bytes_equal(buf_bytes(&plain), said));
    buf_deinit(&sealed);
    buf_deinit(&plain);
}

static void check_handshake(uint8_t how, struct input *in)
{
    struct noise n[2];
    struct identity identities[2];
    unsigned touched = how >> 4 & 3; /* 3: none */
    bool makes_payload = how & 4, altered = false;
    start(&n[0], true, &identities[0], how & 1);
    start(&n[1], false, &identities[1], how & 2);
    int err = OK;
    for (unsigned i = 0; i < 3 && err == OK; i++) {
        if (makes_payload && i == touched && i > 0) {
            buf_clear(&n[i % 2].payload);
            buf_append(&n[i % 2].payload, in->at, in->left);
        }
        err = pass(&n[i % 2], &n[(i + 1) % 2], in, i == touched && !makes_payload, &altered);
    }
    ASSERT(!altered || err != OK);
    if (err == OK) {
        ASSERT(noise_is_done(&n[0]) && noise_is_done(&n[1]));
        ASSERT(peer_id_equal(noise_remote(&n[0]), &identities[1].id));
        ASSERT(noise_muxer(&n[0]) == noise_muxer(&n[1]) || makes_payload);
        talk(&n[0], &n[1], in);
        talk(&n[1], &n[0], in);
    }
    noise_wipe(&n[0]);
    noise_wipe(&n[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t static_public[32] = { 9 };
    struct noise_payload payload;
    if (len == 0 || len > 4096)
        return 0;
    struct input in = { data + 1, len - 1 };
    if (data[0] & 0x80)
        (void)noise_payload_decode(&payload, (struct bytes){ in.at, in.left }, static_public,
                                   muxer);
    else
        check_handshake(data[0], &in);
    return 0;
}
