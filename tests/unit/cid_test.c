#include <criterion/criterion.h>
#include <string.h>

#include "ids/cid.h"
#include "tests/lib/test_file.h"
#include "util/base.h"
#include "util/err.h"

TestSuite(cid, .timeout = 60);

/* What must come of a text that Go takes. Beyond our limit the answer is that, and nothing else. */
static void check_taken(struct bytes in, struct bytes bytes, size_t digest_len, const char *want)
{
    struct cid cid, again;
    int err = cid_parse_len(&cid, in.data, in.len);
    if (digest_len > LIMIT_DIGEST_BYTES) {
        cr_assert_eq(err, ERR_TOO_BIG, "%s", want);
        cr_assert_eq(cid_from_bytes(&cid, bytes.data, bytes.len), ERR_TOO_BIG);
        return;
    }
    cr_assert_eq(err, OK, "%s", (const char *)in.data);
    cr_assert(bytes_equal((struct bytes){ cid.bytes, cid.len }, bytes), "%s", want);
    cr_assert_str_eq(cid_print(&cid).text, want);
    char text[CID_TEXT_SIZE];
    cr_assert_eq(cid_print_to(text, &cid), strlen(want));
    cr_assert_eq(cid_from_bytes(&again, bytes.data, bytes.len), OK);
    cr_assert(cid_equal(&again, &cid));
    cr_assert_eq(cid_parse(&again, want), OK);
    cr_assert(cid_equal(&again, &cid));
    cr_assert_eq(cid_from_bytes(&again, bytes.data, bytes.len - 1), ERR_INVALID);
}

static unsigned check_rows(const struct json_doc *doc, const char *name, const char *out)
{
    unsigned checked = 0;
    int rows = json_member(doc, 0, name);
    for (int row = json_first(doc, rows); row != JSON_NONE; row = json_next(doc, row)) {
        struct bytes in = test_json_text(doc, row, "in");
        struct bytes want = test_json_text(doc, row, out);
        struct cid cid;
        if (want.data == NULL)
            cr_assert_neq(cid_parse_len(&cid, in.data, in.len), OK, "%s", (const char *)in.data);
        else
            check_taken(in, test_json_hex(doc, row, "bytes_hex"),
                        test_json_hex(doc, row, "digest_hex").len, want.data);
        checked += 1;
    }
    return checked;
}

Test(cid, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/cids.json", &text, &doc);
    cr_assert_eq(check_rows(&doc, "valid", "out"), 203);
    cr_assert_eq(check_rows(&doc, "invalid", "out"), 125);
    cr_assert_eq(check_rows(&doc, "differ", "go"), 42);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(cid, says_what_it_is_made_of)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/cids.json", &text, &doc);
    int rows = json_member(&doc, 0, "valid");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes in = test_json_text(&doc, row, "in");
        struct bytes digest = test_json_hex(&doc, row, "digest_hex");
        struct cid cid;
        uint64_t codec;
        if (cid_parse_len(&cid, in.data, in.len) != OK)
            continue; /* beyond our limit */
        cr_assert_eq(json_get_u64(&doc, json_member(&doc, row, "codec"), &codec), OK);
        cr_assert_eq(cid_codec(&cid), codec);
        struct bytes hash = cid_multihash(&cid);
        cr_assert_geq(hash.len, digest.len + 2);
        const uint8_t *end = (const uint8_t *)hash.data + hash.len;
        cr_assert(bytes_equal((struct bytes){ end - digest.len, digest.len }, digest));
        cr_assert_eq(end, cid.bytes + cid.len);
    }
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(cid, v0_and_v1_of_one_hash_are_two_names)
{
    struct cid v0, v1;
    cr_assert_eq(cid_parse(&v0, "QmbyV4BASLJCFiCfKz37eNwFX8y6hefQ7LGpzvEwJQzNft"), OK);
    cr_assert_eq(cid_parse(&v1, "bafybeigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm"), OK);
    cr_assert_not(cid_equal(&v0, &v1));
    cr_assert_gt(cid_compare(&v0, &v1), 0, "order of the bytes: 12 after 01");
    cr_assert(bytes_equal(cid_multihash(&v0), cid_multihash(&v1)));
}

/* Identity CIDs of `digest_len` bytes, in every base. */
static void check_identity(size_t digest_len, int want)
{
    static const enum base bases[] = { BASE2, BASE16, BASE32, BASE36, BASE58_BTC, BASE64_URL };
    struct buf bytes = { 0 };
    buf_append(&bytes, (uint8_t[]){ 1, 0x55, 0 }, 3);
    buf_put_varint(&bytes, digest_len);
    for (size_t i = 0; i < digest_len; i++)
        buf_put_u8(&bytes, (uint8_t)i);
    struct cid cid, again;
    cr_assert_eq(cid_from_bytes(&cid, bytes.data, bytes.len), want);
    if (want == OK) {
        cr_assert_eq(cid_parse(&again, cid_print(&cid).text), OK);
        cr_assert(cid_equal(&cid, &again));
    }
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        char text[8 * LIMIT_CID_BYTES + 64];
        cr_assert_eq(multibase_encode(bases[i], text, sizeof(text), buf_bytes(&bytes)), OK);
        cr_assert_eq(cid_parse(&cid, text), want);
    }
    buf_deinit(&bytes);
}

Test(cid, identities_are_as_long_as_kubo_takes_them)
{
    check_identity(0, OK);
    check_identity(127, OK);
    check_identity(128, OK);
    check_identity(129, ERR_TOO_BIG);
    check_identity(140, ERR_TOO_BIG);
    cr_assert_not_null(strstr(cid_parse_note(ERR_TOO_BIG), "128"));
    cr_assert_str_eq(cid_parse_note(ERR_INVALID), "");
}

/* Nine bytes each for codec and function, two for the length. */
Test(cid, limit_and_nothing)
{
    uint8_t bytes[LIMIT_CID_BYTES + 1] = { 1 };
    memset(bytes + 1, 0x81, 8), bytes[9] = 1;
    memset(bytes + 10, 0x81, 8), bytes[18] = 1;
    bytes[19] = 0x80, bytes[20] = 1;
    struct cid cid = { .len = 9 }, none = { 0 };
    cr_assert_eq(cid_from_bytes(&cid, bytes, sizeof(bytes)), ERR_TOO_BIG);
    cr_assert_eq(cid_from_bytes(&cid, NULL, 0), ERR_INVALID);
    cr_assert_eq(cid.len, 9, "untouched on error");
    cr_assert_eq(cid_from_bytes(&cid, bytes, LIMIT_CID_BYTES), OK);
    struct cid again;
    cr_assert_eq(cid_parse(&again, cid_print(&cid).text), OK);
    cr_assert(cid_equal(&cid, &again));
    cr_assert(cid_is_undefined(&none));
    cr_assert_str_eq(cid_print(&none).text, "");
    char text[CID_TEXT_SIZE];
    cr_assert_eq(cid_print_to(text, &none), 0);
}
