#include <criterion/criterion.h>
#include <string.h>

#include "p2p/pnet.h"
#include "tests/lib/test_file.h"

TestSuite(pnet, .timeout = 60);

Test(pnet, vectors_in_the_chunks_they_were_written_in)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/pnet.json", &text, &doc);
    int cases = json_member(&doc, 0, "cases");
    int checked = 0;
    for (int row = json_first(&doc, cases); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes secret = test_json_hex(&doc, row, "psk");
        struct bytes nonce = test_json_hex(&doc, row, "nonce");
        struct bytes plain = test_json_hex(&doc, row, "plaintext");
        struct bytes cipher = test_json_hex(&doc, row, "ciphertext");
        cr_assert_eq(plain.len, cipher.len);

        uint8_t bytes[1024];
        struct pnet p;
        memcpy(bytes, plain.data, plain.len);
        pnet_init(&p, secret.data, nonce.data);
        size_t at = 0;
        int chunks = json_member(&doc, row, "written_in_chunks_of");
        for (int c = json_first(&doc, chunks); c != JSON_NONE; c = json_next(&doc, c)) {
            uint64_t len;
            json_get_u64(&doc, c, &len);
            pnet_apply(&p, bytes + at, len);
            at += len;
        }
        cr_assert_eq(at, plain.len);
        cr_assert_arr_eq(bytes, cipher.data, cipher.len);
        checked++;
    }
    cr_assert_eq(checked, 3);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(pnet, cuts_mean_nothing)
{
    uint8_t secret[PNET_SECRET_BYTES], nonce[PNET_NONCE_BYTES];
    memset(secret, 7, sizeof(secret));
    memset(nonce, 9, sizeof(nonce));
    uint8_t whole[300] = { 0 };
    struct pnet p;
    pnet_init(&p, secret, nonce);
    pnet_apply(&p, whole, sizeof(whole));
    for (size_t step = 1; step < 140; step++) {
        uint8_t cut[sizeof(whole)] = { 0 };
        pnet_init(&p, secret, nonce);
        for (size_t at = 0; at < sizeof(cut); at += step)
            pnet_apply(&p, cut + at, at + step < sizeof(cut) ? step : sizeof(cut) - at);
        cr_assert_arr_eq(cut, whole, sizeof(whole), "pieces of %zu", step);
    }
}
