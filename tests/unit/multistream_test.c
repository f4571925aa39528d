#include <criterion/criterion.h>
#include <string.h>

#include "p2p/multistream.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(multistream, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

Test(multistream, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/multistream.json", &text, &doc);
    int rows = json_member(&doc, 0, "messages");
    int checked = 0;
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct bytes want = test_json_text(&doc, row, "text");
        struct bytes wire = test_json_hex(&doc, row, "bytes");
        want.len -= 1; /* the newline is multistream_put()'s */
        struct buf out = { 0 };
        multistream_put(&out, want);
        cr_assert(bytes_equal(buf_bytes(&out), wire), "%s", (const char *)want.data);
        for (size_t cut = 0; cut < wire.len; cut++) {
            struct bytes part = { wire.data, cut };
            struct bytes got;
            cr_assert_eq(multistream_take(&part, &got), ERR_MORE);
        }
        struct bytes got;
        cr_assert_eq(multistream_take(&wire, &got), OK);
        cr_assert(bytes_equal(got, want));
        cr_assert_eq(wire.len, 0);
        buf_deinit(&out);
        checked++;
    }
    cr_assert_eq(checked, 12);

    struct multistream dialer, listener;
    struct buf out = { 0 };
    multistream_dial(&dialer, "/noise", &out);
    struct bytes first = test_json_hex(&doc, 0, "dialer_first_write");
    cr_assert(bytes_equal(buf_bytes(&out), first));
    buf_clear(&out);
    multistream_listen(&listener, &out);
    struct bytes proposal;
    cr_assert_eq(multistream_on_bytes(&listener, &first, &proposal), OK);
    multistream_answer(&listener, proposal, true, &out);
    struct bytes answer = test_json_hex(&doc, 0, "listener_answer");
    cr_assert(bytes_equal(buf_bytes(&out), answer));
    struct bytes in = answer;
    cr_assert_eq(multistream_on_bytes(&dialer, &in, NULL), OK);

    struct bytes refusal = test_json_hex(&doc, 0, "listener_refuses");
    buf_clear(&out);
    multistream_dial(&dialer, "/noise", &out);
    cr_assert_eq(multistream_on_bytes(&dialer, &refusal, NULL), ERR_REFUSED);
    buf_deinit(&out);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

/* Both sides, byte by byte; what follows the agreement is left alone. */
Test(multistream, second_proposal_is_taken_and_the_rest_is_not_touched)
{
    struct buf to_listener = { 0 }, to_dialer = { 0 };
    struct multistream listener;
    multistream_listen(&listener, &to_dialer);
    multistream_put(&to_listener, text_of("/multistream/1.0.0"));
    multistream_put(&to_listener, text_of("/unknown"));
    multistream_put(&to_listener, text_of("/known/1"));
    buf_append_text(&to_listener, "payload");

    int answers = 0;
    struct bytes in = { to_listener.data, 0 };
    while (answers < 2) {
        struct bytes proposal;
        int err = multistream_on_bytes(&listener, &in, &proposal);
        if (err == ERR_MORE) {
            in.len++;
            continue;
        }
        cr_assert_eq(err, OK);
        bool is_known = bytes_equal(proposal, text_of("/known/1"));
        cr_assert_eq(is_known, answers == 1);
        multistream_answer(&listener, proposal, is_known, &to_dialer);
        answers++;
    }
    cr_assert_eq(in.len, 0);
    in.len = buf_bytes(&to_listener).len - (size_t)((const uint8_t *)in.data - to_listener.data);
    cr_assert(bytes_equal(in, text_of("payload")));
    cr_assert(bytes_equal(buf_bytes(&to_dialer),
                          text_of("\x13/multistream/1.0.0\n\x03na\n\x09/known/1\n")));
    buf_deinit(&to_listener);
    buf_deinit(&to_dialer);
}

Test(multistream, strangers_are_known_by_their_first_wrong_byte)
{
    static const struct {
        const char *bytes;
        size_t len;
        int want;
    } rows[] = {
        { "", 0, ERR_MORE },
        { "\x13", 1, ERR_MORE },
        { "\x13/multi", 7, ERR_MORE },
        { "\x13/multistream/1.0.0\n", 20, ERR_MORE }, /* and then the proposal */
        { "GET / HTTP/1.1\r\n", 16, ERR_CORRUPT },
        { "\xff", 1, ERR_CORRUPT },
        { "\x13/mUlti", 7, ERR_CORRUPT },
        { "\x13/multistream/1.0.1\n", 20, ERR_CORRUPT },
        { "\x13/multistream/1.0.0\n\x00", 21, ERR_CORRUPT },     /* length 0 */
        { "\x13/multistream/1.0.0\n\x80\x00", 22, ERR_CORRUPT }, /* padded length */
        { "\x13/multistream/1.0.0\n\x81\x08", 22, ERR_CORRUPT }, /* 1025 */
        { "\x13/multistream/1.0.0\n\x80\x08", 22, ERR_MORE },    /* 1024 */
        { "\x13/multistream/1.0.0\n\x80\x80\x01", 23, ERR_CORRUPT },
        { "\x13/multistream/1.0.0\n\x03/ab", 24, ERR_CORRUPT }, /* no newline */
        { "\x13/multistream/1.0.0\n\x03/a\n", 24, OK },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        struct multistream m;
        struct bytes in = { rows[i].bytes, rows[i].len }, proposal;
        multistream_listen(&m, &out);
        cr_assert_eq(multistream_on_bytes(&m, &in, &proposal), rows[i].want, "row %zu", i);
        buf_deinit(&out);
    }
}

Test(multistream, a_dialer_takes_its_own_protocol_or_na_and_nothing_else)
{
    struct buf out = { 0 };
    struct multistream m;
    multistream_dial(&m, "/noise", &out);
    struct bytes in = text_of("\x13/multistream/1.0.0\n\x08/noise2\n");
    cr_assert_eq(multistream_on_bytes(&m, &in, NULL), ERR_CORRUPT);
    buf_deinit(&out);
}

Test(multistream, a_listener_is_not_asked_for_ever)
{
    struct buf out = { 0 };
    struct multistream m;
    multistream_listen(&m, &out);
    struct bytes in = text_of("\x13/multistream/1.0.0\n"), proposal;
    cr_assert_eq(multistream_on_bytes(&m, &in, &proposal), ERR_MORE);
    for (int i = 0; i < MULTISTREAM_PROPOSALS_MAX; i++) {
        in = text_of("\x03/a\n");
        cr_assert_eq(multistream_on_bytes(&m, &in, &proposal), OK);
    }
    in = text_of("\x03/a\n");
    cr_assert_eq(multistream_on_bytes(&m, &in, &proposal), ERR_REFUSED);
    buf_deinit(&out);
}
