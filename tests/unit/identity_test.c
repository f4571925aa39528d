#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "ids/identity.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

static void identity_test_begin(void)
{
    cr_assert_geq(sodium_init(), 0);
}

TestSuite(identity, .timeout = 60, .init = identity_test_begin);

static void check_row(const struct json_doc *doc, int row)
{
    struct identity identity, again;
    identity_from_seed(&identity, test_json_hex(doc, row, "seed").data);
    cr_assert_arr_eq(identity_public_key(&identity), test_json_hex(doc, row, "public").data, 32);
    cr_assert_str_eq(peer_id_print(&identity.id).text, test_json_text(doc, row, "peer_id").data);

    uint8_t bytes[IDENTITY_PRIVATE_PROTOBUF_BYTES];
    struct bytes want = test_json_hex(doc, row, "private_protobuf");
    identity_marshal(&identity, bytes);
    cr_assert(bytes_equal((struct bytes){ bytes, sizeof(bytes) }, want));
    cr_assert_eq(identity_unmarshal(&again, bytes, sizeof(bytes)), OK);
    cr_assert_arr_eq(&again, &identity, sizeof(identity));

    struct bytes text = test_json_text(doc, row, "private_base64");
    cr_assert_str_eq(identity_print(&identity).text, text.data);
    memset(&again, 0, sizeof(again));
    cr_assert_eq(identity_parse(&again, text.data, text.len), OK);
    cr_assert_arr_eq(&again, &identity, sizeof(identity));

    uint8_t public_key[32];
    uint8_t public_bytes[IDENTITY_PUBLIC_PROTOBUF_BYTES];
    want = test_json_hex(doc, row, "public_protobuf");
    identity_public_marshal(identity_public_key(&identity), public_bytes);
    cr_assert(bytes_equal((struct bytes){ public_bytes, sizeof(public_bytes) }, want));
    cr_assert_eq(identity_public_unmarshal(public_key, want.data, want.len), OK);
    cr_assert_arr_eq(public_key, identity_public_key(&identity), 32);

    uint8_t signature[IDENTITY_SIGNATURE_BYTES];
    struct bytes message = test_json_hex(doc, row, "message");
    identity_sign(&identity, message.data, message.len, signature);
    want = test_json_hex(doc, row, "signature");
    cr_assert(bytes_equal((struct bytes){ signature, sizeof(signature) }, want));
    cr_assert_eq(identity_verify(public_key, message.data, message.len, signature), OK);
    signature[0] ^= 1;
    cr_assert_eq(identity_verify(public_key, message.data, message.len, signature), ERR_AUTH);
    cr_assert_eq(identity_verify(public_key, message.data, message.len - 1, want.data), ERR_AUTH);
}

Test(identity, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/keys.json", &text, &doc);
    int rows = json_member(&doc, 0, "ed25519");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row))
        check_row(&doc, row);
    cr_assert_eq(json_count(&doc, rows), 8);

    rows = json_member(&doc, 0, "parse");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes bytes = test_json_hex(&doc, row, "bytes");
        struct identity identity;
        uint8_t public_key[32];
        int err = json_text_is(&doc, json_member(&doc, row, "kind"), "private")
                      ? identity_unmarshal(&identity, bytes.data, bytes.len)
                      : identity_public_unmarshal(public_key, bytes.data, bytes.len);
        bool accept = json_text_is(&doc, json_member(&doc, row, "must"), "accept");
        cr_assert_eq(err == OK, accept, "%s", (const char *)test_json_text(&doc, row, "note").data);
    }
    cr_assert_eq(json_count(&doc, rows), 12);

    rows = json_member(&doc, 0, "other_key_types");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        uint8_t public_key[32];
        struct bytes bytes = test_json_hex(&doc, row, "public_protobuf");
        cr_assert_eq(identity_public_unmarshal(public_key, bytes.data, bytes.len), ERR_UNSUPPORTED);
    }
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(identity, parts_that_do_not_belong_together)
{
    struct identity identity, out = { .id.len = 3 };
    uint8_t bytes[IDENTITY_PRIVATE_PROTOBUF_BYTES];
    identity_from_seed(&identity, (const uint8_t[32]){ 7 });
    identity_marshal(&identity, bytes);
    bytes[4] ^= 1; /* another seed, the same public key */
    cr_assert_eq(identity_unmarshal(&out, bytes, sizeof(bytes)), ERR_CORRUPT);
    cr_assert_eq(out.id.len, 3, "untouched on error");
    cr_assert_eq(identity_unmarshal(&out, bytes, sizeof(bytes) - 1), ERR_INVALID);
    cr_assert_eq(identity_unmarshal(&out, NULL, 0), ERR_INVALID);
}

Test(identity, json)
{
    struct identity identity, again;
    struct buf json = { 0 };
    identity_from_seed(&identity, (const uint8_t[32]){ 1 });
    identity_json_write(&identity, &json);
    struct buf want = { 0 };
    buf_printf(&want, "{\n    \"id\": \"%s\",\n    \"private_key\": \"%s\"\n}",
               peer_id_print(&identity.id).text, identity_print(&identity).text);
    cr_assert_str_eq(buf_text(&json), buf_text(&want));
    cr_assert_eq(identity_json_read(&again, (const char *)json.data, json.len), OK);
    cr_assert_arr_eq(&again, &identity, sizeof(identity));

    struct identity other;
    identity_from_seed(&other, (const uint8_t[32]){ 2 });
    struct identity_text key = identity_print(&identity);
    static const char *const shapes[] = {
        "{\"id\":\"%s\",\"private_key\":\"x%s\"}",
        "{\"id\":\"x%s\",\"private_key\":\"%s\"}",
        "{\"id\":\"%s\",\"private\":\"%s\"}",
        "{\"ID\":\"%s\",\"private_key\":\"%s\"}",
        "[\"%s\",\"%s\"]",
        "{\"id\":\"%s\",\"private_key\":\"%s\"",
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        buf_clear(&json);
        buf_printf(&json, shapes[i], peer_id_print(&identity.id).text, key.text);
        cr_assert_eq(identity_json_read(&again, (const char *)json.data, json.len), ERR_INVALID,
                     "%s", shapes[i]);
    }
    buf_clear(&json);
    buf_printf(&json, "{\"id\":\"%s\",\"private_key\":\"%s\"}", peer_id_print(&other.id).text,
               key.text);
    cr_assert_eq(identity_json_read(&again, (const char *)json.data, json.len), ERR_CORRUPT);

    /* As long as an RSA key, of its type, and none (identity_rsa_test.c has a real one). */
    buf_clear(&json);
    buf_printf(&json, "{\"id\":\"%s\",\"private_key\":\"CAAS", peer_id_print(&other.id).text);
    for (int i = 0; i < 400; i++)
        buf_append_text(&json, "AAAA");
    buf_append_text(&json, "\"}");
    cr_assert_eq(identity_json_read(&again, (const char *)json.data, json.len), ERR_INVALID);
    buf_deinit(&json);
    buf_deinit(&want);
}

Test(identity, wiped)
{
    struct identity identity, zeros;
    memset(&zeros, 0, sizeof(zeros));
    identity_from_seed(&identity, (const uint8_t[32]){ 1 });
    identity_wipe(&identity);
    cr_assert_arr_eq(&identity, &zeros, sizeof(zeros));
}
