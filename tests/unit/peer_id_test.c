#include <criterion/criterion.h>
#include <string.h>

#include "ids/peer_id.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(peer_id, .timeout = 60);

static void check_same(const struct peer_id *id, struct bytes bytes, const char *text)
{
    struct peer_id again;
    cr_assert(bytes_equal((struct bytes){ id->bytes, id->len }, bytes), "%s", text);
    cr_assert_str_eq(peer_id_print(id).text, text);
    cr_assert_eq(peer_id_from_bytes(&again, bytes.data, bytes.len), OK, "%s", text);
    cr_assert(peer_id_equal(&again, id));
}

Test(peer_id, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    struct peer_id id;
    test_file_json("tests/vectors/keys.json", &text, &doc);
    unsigned checked = 0;
    int rows = json_member(&doc, 0, "peer_id_text");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes in = test_json_text(&doc, row, "in");
        cr_assert_eq(peer_id_parse(&id, in.data), OK, "%s", (const char *)in.data);
        check_same(&id, test_json_hex(&doc, row, "bytes"), test_json_text(&doc, row, "out").data);
        checked += 1;
    }
    rows = json_member(&doc, 0, "ed25519");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes bytes = test_json_hex(&doc, row, "peer_id_bytes");
        struct bytes public_key = test_json_hex(&doc, row, "public");
        const char *want = test_json_text(&doc, row, "peer_id").data;
        static const char *const forms[] = { "peer_id", "peer_id_cid_base32",
                                             "peer_id_cid_base36" };
        for (size_t i = 0; i < 3; i++) {
            cr_assert_eq(peer_id_parse(&id, test_json_text(&doc, row, forms[i]).data), OK);
            check_same(&id, bytes, want);
        }
        id = peer_id_of_public_key(public_key.data);
        check_same(&id, bytes, want);
        uint8_t key[32];
        cr_assert_eq(peer_id_public_key(&id, key), OK);
        cr_assert_arr_eq(key, public_key.data, 32);
        checked += 1;
    }
    rows = json_member(&doc, 0, "other_key_types");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        uint8_t key[32];
        const char *want = test_json_text(&doc, row, "peer_id").data;
        cr_assert_eq(peer_id_parse(&id, want), OK);
        check_same(&id, test_json_hex(&doc, row, "peer_id_bytes"), want);
        cr_assert_eq(peer_id_public_key(&id, key), ERR_UNSUPPORTED, "%s", want);
        checked += 1;
    }
    cr_assert_eq(checked, 6 + 8 + 3);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(peer_id, refused)
{
    static const char *const bad[] = {
        "",
        "1",
        "Q",
        "Qm",
        "x",
        "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5m",
        "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mVa",
        "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV ",
        " 12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV",
        "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNK",
        "bafybeigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm", /* dag-pb, not a key */
        "zQmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",             /* a v0 CID is no key */
        "11111111111111111111111111111111111111111111111111111111111111",
    };
    struct peer_id id = { .len = 7 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(peer_id_parse(&id, bad[i]), ERR_INVALID, "%s", bad[i]);
    cr_assert_eq(peer_id_from_bytes(&id, "\x00\x00", 2), ERR_INVALID, "a key of no bytes");
    cr_assert_eq(peer_id_from_bytes(&id, "\x11\x01x", 3), ERR_INVALID, "sha1");
    cr_assert_eq(peer_id_from_bytes(&id, "\x12\x01x", 3), ERR_INVALID, "a short sha2-256");
    uint8_t big[LIMIT_PEER_ID_BYTES + 1] = { 0, LIMIT_PEER_ID_BYTES - 1 };
    cr_assert_eq(peer_id_from_bytes(&id, big, sizeof(big)), ERR_INVALID);
    cr_assert_eq(id.len, 7, "untouched on error");
    big[1] -= 1;
    cr_assert_eq(peer_id_from_bytes(&id, big, sizeof(big) - 1), OK);
}

Test(peer_id, nobody)
{
    struct peer_id nobody = { 0 }, somebody = peer_id_of_public_key((const uint8_t[32]){ 1 });
    cr_assert(peer_id_is_nobody(&nobody));
    cr_assert_not(peer_id_is_nobody(&somebody));
    cr_assert_str_eq(peer_id_print(&nobody).text, "");
    cr_assert_lt(peer_id_compare(&nobody, &somebody), 0);
    cr_assert_gt(peer_id_compare(&somebody, &nobody), 0);
}
