#include <criterion/criterion.h>
#include <string.h>

#include "ids/cid.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(cid, .timeout = 60);

/* What must come of a text that Go takes. Beyond our limit the answer is that, and nothing else. */
static void check_taken(struct bytes in, struct bytes bytes, const char *want)
{
    struct cid cid, again;
    int err = cid_parse_len(&cid, in.data, in.len);
    if (bytes.len > LIMIT_CID_BYTES) {
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
            check_taken(in, test_json_hex(doc, row, "bytes_hex"), want.data);
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

Test(cid, limit_and_nothing)
{
    uint8_t bytes[LIMIT_CID_BYTES + 1] = { 1, 0x55, 0, LIMIT_CID_BYTES - 4 };
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
