/* Identities of old files: RSA keys, whose peers are called "Qm...". The vector is OpenSSL's own work. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "ids/identity.h"
#include "p2p/noise.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

static struct buf vector_text;
static struct json_doc vector;

static void identity_rsa_begin(void)
{
    cr_assert_geq(sodium_init(), 0);
    test_file_json("tests/vectors/rsa.json", &vector_text, &vector);
}

static void identity_rsa_end(void)
{
    json_doc_deinit(&vector);
    buf_deinit(&vector_text);
}

TestSuite(identity_rsa, .timeout = 60, .init = identity_rsa_begin, .fini = identity_rsa_end);

static struct identity identity_of_vector(void)
{
    struct identity identity;
    struct bytes text = test_json_text(&vector, 0, "private_base64");
    cr_assert_eq(identity_parse(&identity, text.data, text.len), OK);
    return identity;
}

Test(identity_rsa, has_the_name_that_libp2p_gives_it)
{
    struct identity identity = identity_of_vector();
    struct buf shown = { 0 };
    cr_assert_str_eq(peer_id_print(&identity.id).text, test_json_text(&vector, 0, "peer_id").data);
    cr_assert_eq(identity_show(&identity, &shown), OK);
    cr_assert(bytes_equal(buf_bytes(&shown), test_json_hex(&vector, 0, "public_protobuf")));
    buf_deinit(&shown);
}

/* Another library's key, from the vectors of all kinds. */
Test(identity_rsa, other_keys_have_their_names)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/keys.json", &text, &doc);
    int rows = json_member(&doc, 0, "other_key_types");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct peer_id who = { 0 };
        bool is_rsa = json_text_is(&doc, json_member(&doc, row, "type"), "RSA 2048");
        int err = identity_check_proof(&who, test_json_hex(&doc, row, "public_protobuf"), "x", 1,
                                       (struct bytes){ "no signature", 12 });
        cr_assert_eq(err, is_rsa ? ERR_AUTH : ERR_UNSUPPORTED);
        if (is_rsa)
            cr_assert_str_eq(peer_id_print(&who).text, test_json_text(&doc, row, "peer_id").data);
    }
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(identity_rsa, proofs)
{
    struct identity identity = identity_of_vector();
    struct bytes message = test_json_hex(&vector, 0, "message");
    struct bytes want = test_json_hex(&vector, 0, "signature");
    struct bytes key = test_json_hex(&vector, 0, "public_protobuf");
    struct peer_id who;
    uint8_t proof[IDENTITY_PROOF_BYTES_MAX];
    size_t len;
    cr_assert_eq(identity_prove(&identity, message.data, message.len, proof, &len), OK);
    cr_assert(bytes_equal((struct bytes){ proof, len }, want));
    cr_assert_eq(identity_check_proof(&who, key, message.data, message.len, want), OK);
    cr_assert(peer_id_equal(&who, &identity.id));
    proof[len - 1] ^= 1;
    cr_assert_eq(
        identity_check_proof(&who, key, message.data, message.len, (struct bytes){ proof, len }),
        ERR_AUTH);
    cr_assert_eq(identity_check_proof(&who, key, message.data, message.len - 1, want), ERR_AUTH);
    cr_assert_eq(identity_check_proof(&who, key, message.data, message.len,
                                      (struct bytes){ want.data, want.len - 1 }),
                 ERR_AUTH);
    key.len -= 1;
    cr_assert_eq(identity_check_proof(&who, key, message.data, message.len, want), ERR_INVALID);
}

Test(identity_rsa, what_is_written_is_read)
{
    struct identity identity = identity_of_vector(), again;
    struct buf json = { 0 };
    identity_json_write(&identity, &json);
    cr_assert_eq(json.err, OK);
    cr_assert_eq(identity_json_read(&again, (const char *)json.data, json.len), OK);
    cr_assert_arr_eq(&again, &identity, sizeof identity);
    cr_assert_not_null(
        strstr(buf_text(&json), (const char *)test_json_text(&vector, 0, "private_base64").data));
    buf_wipe(&json);
}

Test(identity_rsa, short_and_broken_keys_are_refused)
{
    struct identity identity = { .id.len = 3 };
    struct bytes small = test_json_text(&vector, 0, "small_private_base64");
    cr_assert_eq(identity_parse(&identity, small.data, small.len), ERR_INVALID, "1024 bits");
    struct bytes text = test_json_text(&vector, 0, "private_base64");
    cr_assert_eq(identity_parse(&identity, text.data, text.len - 4), ERR_INVALID);
    static const uint8_t nonsense[] = { 0x08, 0x00, 0x12, 2, 0x30, 0 };
    cr_assert_eq(identity_unmarshal(&identity, nonsense, sizeof nonsense), ERR_INVALID);
    cr_assert_eq(identity.id.len, 3, "untouched on error");
}

static void pass(struct noise *from, struct noise *to)
{
    struct buf out = { 0 };
    cr_assert_eq(noise_write(from, &out), OK);
    struct bytes in = buf_bytes(&out), message;
    cr_assert_eq(noise_take_frame(&in, &message), OK);
    cr_assert_eq(noise_read(to, message), OK);
    buf_deinit(&out);
}

/* An old peer and a new one shake hands, whoever begins. */
Test(identity_rsa, handshake)
{
    struct identity identities[2] = { identity_of_vector() };
    identity_from_seed(&identities[1], (const uint8_t[32]){ 7 });
    for (int first = 0; first < 2; first++) {
        struct noise n[2];
        struct noise_keys keys[2] = { { .identity = &identities[first] },
                                      { .identity = &identities[1 - first] } };
        for (int i = 0; i < 2; i++) {
            memset(keys[i].static_private, 0x51 + i, 32);
            memset(keys[i].ephemeral_private, 0x61 + i, 32);
            cr_assert_eq(noise_start(&n[i], i == 0, &keys[i], NULL), OK);
        }
        pass(&n[0], &n[1]);
        pass(&n[1], &n[0]);
        pass(&n[0], &n[1]);
        cr_assert(noise_is_done(&n[0]) && noise_is_done(&n[1]));
        cr_assert(peer_id_equal(noise_remote(&n[0]), &identities[1 - first].id));
        cr_assert(peer_id_equal(noise_remote(&n[1]), &identities[first].id));
        noise_wipe(&n[0]);
        noise_wipe(&n[1]);
    }
}
