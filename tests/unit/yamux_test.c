#include <criterion/criterion.h>
#include <string.h>

#include "p2p/yamux.h"
#include "tests/lib/test_file.h"
#include "util/err.h"
#include "util/hex.h"

TestSuite(yamux, .timeout = 60);

enum { WRITE_MAX = 64 * 1024, STREAMS_MAX = 4 };

/* One end, with what its hooks saw. */
struct end {
    struct yamux *yamux;
    struct yamux_stream *opened; /* by the other side, the newest */
    bool refuses;
    int opens, looks;
    uint32_t pong;
};

static bool end_on_open(void *owner, struct yamux_stream *s)
{
    struct end *e = owner;
    e->opens++;
    if (e->refuses)
        return false;
    e->opened = s;
    return true;
}

static void end_on_stream(void *owner, struct yamux_stream *s)
{
    struct end *e = owner;
    (void)s;
    e->looks++;
}

static void end_on_pong(void *owner, uint32_t value)
{
    struct end *e = owner;
    e->pong = value;
}

static void end_init(struct end *e, bool is_dialer)
{
    memset(e, 0, sizeof(*e));
    struct yamux_options options = { is_dialer, STREAMS_MAX, WRITE_MAX };
    struct yamux_hooks hooks = { end_on_open, end_on_stream, end_on_pong, e };
    cr_assert_eq(yamux_create(&e->yamux, &options, &hooks), OK);
}

/* Everything that `from` has to say, in pieces of `piece` bytes. */
static int carry(struct end *from, struct end *to, size_t piece)
{
    struct buf out = { 0 };
    yamux_output(from->yamux, &out, SIZE_MAX);
    cr_assert_eq(out.err, OK);
    int err = OK;
    for (size_t at = 0; at < out.len && err == OK; at += piece) {
        size_t len = out.len - at < piece ? out.len - at : piece;
        err = yamux_on_bytes(to->yamux, (struct bytes){ out.data + at, len });
    }
    buf_deinit(&out);
    return err;
}

static int feed_hex(struct end *e, const char *hex)
{
    uint8_t bytes[64];
    size_t len;
    cr_assert_eq(hex_decode(bytes, sizeof(bytes), &len, (struct bytes){ hex, strlen(hex) }), OK);
    return yamux_on_bytes(e->yamux, (struct bytes){ bytes, len });
}

struct pair {
    struct end dialer, listener;
    struct yamux_stream *ours, *theirs; /* one stream that the dialer opened, from both sides */
};

static void pair_init(struct pair *p)
{
    end_init(&p->dialer, true);
    end_init(&p->listener, false);
    cr_assert_eq(yamux_open(p->dialer.yamux, &p->ours), OK);
    cr_assert_eq(carry(&p->dialer, &p->listener, 5), OK);
    cr_assert_eq(carry(&p->listener, &p->dialer, 5), OK);
    p->theirs = p->listener.opened;
    cr_assert_not_null(p->theirs);
}

static void pair_deinit(struct pair *p)
{
    yamux_destroy(p->dialer.yamux);
    yamux_destroy(p->listener.yamux);
}

static const struct {
    const char *name;
    uint16_t flags;
} flag_names[] = {
    { "none", 0 },        { "SYN", YAMUX_SYN }, { "ACK", YAMUX_ACK },
    { "FIN", YAMUX_FIN }, { "RST", YAMUX_RST }, { "SYN|FIN", YAMUX_SYN | YAMUX_FIN }
};
static const char *const type_names[] = { "Data", "WindowUpdate", "Ping", "GoAway" };

Test(yamux, frame_vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/yamux.json", &text, &doc);
    int rows = json_member(&doc, 0, "frames");
    int checked = 0;
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct yamux_frame want = { 0 }, got;
        for (int i = 0; i < YAMUX_TYPE_COUNT; i++)
            if (json_text_is(&doc, json_member(&doc, row, "type"), type_names[i]))
                want.type = (enum yamux_type)i;
        for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
            if (json_text_is(&doc, json_member(&doc, row, "flags"), flag_names[i].name))
                want.flags = flag_names[i].flags;
        uint64_t number = 0;
        json_get_u64(&doc, json_member(&doc, row, "stream_id"), &number);
        want.stream = (uint32_t)number;
        json_get_u64(&doc, json_member(&doc, row, "length"), &number);
        want.length = (uint32_t)number;

        struct bytes wire = test_json_hex(&doc, row, "bytes");
        struct buf out = { 0 };
        yamux_frame_put(&out, &want);
        cr_assert_arr_eq(out.data, wire.data, YAMUX_HEAD_BYTES, "row %d", checked);
        cr_assert_eq(yamux_frame_decode(&got, wire.data), OK);
        cr_assert(got.type == want.type && got.flags == want.flags && got.stream == want.stream &&
                  got.length == want.length);
        buf_deinit(&out);
        checked++;
    }
    cr_assert_eq(checked, 20);

    rows = json_member(&doc, 0, "must_fail_the_session");
    for (int row = json_first(&doc, rows); row != JSON_NONE; row = json_next(&doc, row)) {
        struct end e;
        end_init(&e, true);
        cr_assert_eq(yamux_on_bytes(e.yamux, test_json_hex(&doc, row, "bytes")), ERR_CORRUPT);
        cr_assert_gt(strlen(yamux_why(e.yamux)), 0);
        yamux_destroy(e.yamux);
        checked++;
    }
    cr_assert_eq(checked, 25);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(yamux, bytes_arrive_in_both_directions_however_they_are_cut)
{
    for (size_t piece = 1; piece < 40; piece += 3) {
        struct pair p;
        pair_init(&p);
        cr_assert_eq(yamux_write(p.ours, "question", 8), 8);
        cr_assert_eq(carry(&p.dialer, &p.listener, piece), OK);
        cr_assert(bytes_equal(yamux_input(p.theirs), (struct bytes){ "question", 8 }));
        yamux_taken(p.theirs, 8);
        yamux_write(p.theirs, "answer", 6);
        cr_assert_eq(carry(&p.listener, &p.dialer, piece), OK);
        cr_assert(bytes_equal(yamux_input(p.ours), (struct bytes){ "answer", 6 }));
        pair_deinit(&p);
    }
}

/* FIN has a frame of its own: js-libp2p drops the data of a frame that has both. */
Test(yamux, open_write_and_close_at_once_take_two_frames)
{
    struct end e;
    struct yamux_stream *s;
    struct buf out = { 0 };
    end_init(&e, true);
    cr_assert_eq(yamux_open(e.yamux, &s), OK);
    yamux_write(s, "hi", 2);
    yamux_close(s);
    cr_assert_eq(yamux_write(s, "late", 4), 0);
    cr_assert_not(yamux_has_closed(s));
    yamux_output(e.yamux, &out, SIZE_MAX);
    cr_assert(yamux_has_closed(s));
    cr_assert_eq(out.len, 26);
    cr_assert_arr_eq(out.data, "\0\0\0\1\0\0\0\1\0\0\0\2hi\0\1\0\4\0\0\0\1\0\0\0\0", 26);
    buf_deinit(&out);
    yamux_destroy(e.yamux);
}

/* The reader takes nothing: the writer gets rid of one window, and then as much as it may hold. */
Test(yamux, a_reader_that_does_not_read_stops_its_writer)
{
    static uint8_t chunk[10000];
    struct pair p;
    pair_init(&p);
    size_t sent = 0, taken = 0;
    for (int i = 0; i < 100; i++) {
        sent += yamux_write(p.ours, chunk, sizeof(chunk));
        cr_assert_eq(carry(&p.dialer, &p.listener, 4096), OK);
    }
    cr_assert_eq(sent, YAMUX_WINDOW_BYTES + WRITE_MAX);
    cr_assert_eq(yamux_room(p.ours), 0);
    cr_assert_eq(yamux_input(p.theirs).len, YAMUX_WINDOW_BYTES);

    while (taken < sent) { /* and it goes on when it reads again */
        size_t len = yamux_input(p.theirs).len;
        cr_assert_gt(len, 0);
        taken += len;
        yamux_taken(p.theirs, len);
        cr_assert_eq(carry(&p.listener, &p.dialer, 4096), OK);
        cr_assert_eq(carry(&p.dialer, &p.listener, 4096), OK);
    }
    cr_assert_eq(taken, sent);
    pair_deinit(&p);
}

Test(yamux, megabytes_pass_through_the_window_in_order)
{
    struct pair p;
    pair_init(&p);
    uint32_t next_out = 0, next_in = 0;
    while (next_in < 1000000) {
        while (next_out < 1000000 && yamux_room(p.ours) >= 4) {
            cr_assert_eq(yamux_write(p.ours, &next_out, 4), 4);
            next_out++;
        }
        if (next_out == 1000000)
            yamux_close(p.ours);
        cr_assert_eq(carry(&p.dialer, &p.listener, 9999), OK);
        struct bytes in = yamux_input(p.theirs);
        for (size_t at = 0; at + 4 <= in.len; at += 4, next_in++)
            cr_assert_eq(memcmp((const uint8_t *)in.data + at, &next_in, 4), 0);
        yamux_taken(p.theirs, in.len / 4 * 4);
        cr_assert_eq(carry(&p.listener, &p.dialer, 9999), OK);
    }
    cr_assert(yamux_is_at_end(p.theirs));
    pair_deinit(&p);
}

Test(yamux, a_half_closed_stream_still_carries_the_other_half)
{
    struct pair p;
    pair_init(&p);
    yamux_write(p.ours, "all", 3);
    yamux_close(p.ours);
    cr_assert_eq(carry(&p.dialer, &p.listener, 3), OK);
    cr_assert_not(yamux_is_at_end(p.theirs)); /* "all" is still to be read */
    yamux_taken(p.theirs, 3);
    cr_assert(yamux_is_at_end(p.theirs));
    cr_assert_eq(yamux_write(p.theirs, "reply", 5), 5);
    yamux_close(p.theirs);
    yamux_release(p.theirs);
    cr_assert_eq(carry(&p.listener, &p.dialer, 3), OK);
    cr_assert(bytes_equal(yamux_input(p.ours), (struct bytes){ "reply", 5 }));
    yamux_taken(p.ours, 5);
    cr_assert(yamux_is_at_end(p.ours));
    cr_assert_not(yamux_is_reset(p.ours));
    yamux_release(p.ours);
    pair_deinit(&p);
}

Test(yamux, a_reset_ends_both_halves_and_late_frames_are_dropped)
{
    struct pair p;
    pair_init(&p);
    yamux_write(p.theirs, "lost", 4);
    yamux_reset(p.ours);
    cr_assert(yamux_is_at_end(p.ours));
    cr_assert_eq(yamux_write(p.ours, "x", 1), 0);
    yamux_release(p.ours);
    cr_assert_eq(carry(&p.listener, &p.dialer, 3), OK);
    cr_assert_eq(p.dialer.looks, 0);
    cr_assert_eq(carry(&p.dialer, &p.listener, 3), OK);
    cr_assert(yamux_is_reset(p.theirs));
    cr_assert_eq(p.listener.looks, 1);
    yamux_release(p.theirs);
    pair_deinit(&p);
}

Test(yamux, released_without_a_close_means_reset)
{
    struct pair p;
    pair_init(&p);
    yamux_release(p.ours);
    cr_assert_eq(carry(&p.dialer, &p.listener, 3), OK);
    cr_assert(yamux_is_reset(p.theirs));
    pair_deinit(&p);
}

Test(yamux, a_released_stream_drops_what_still_arrives_and_frees_its_place)
{
    static uint8_t chunk[50000];
    struct pair p;
    pair_init(&p);
    for (int i = 0; i < STREAMS_MAX - 1; i++) {
        struct yamux_stream *s;
        cr_assert_eq(yamux_open(p.dialer.yamux, &s), OK);
    }
    cr_assert_eq(carry(&p.dialer, &p.listener, 100), OK);
    cr_assert_eq(p.listener.opens, STREAMS_MAX);
    yamux_close(p.theirs);
    yamux_release(p.theirs);
    yamux_write(p.ours, chunk, sizeof(chunk));
    cr_assert_eq(carry(&p.dialer, &p.listener, 100), OK);
    cr_assert_eq(p.listener.looks, 0);
    yamux_close(p.ours);
    struct yamux_stream *another;
    cr_assert_eq(yamux_open(p.dialer.yamux, &another), OK);
    cr_assert_eq(carry(&p.dialer, &p.listener, 100), OK);
    cr_assert_eq(p.listener.opens, STREAMS_MAX); /* its frames came before the place was free */
    cr_assert_eq(carry(&p.listener, &p.dialer, 100), OK);
    cr_assert(yamux_is_reset(another));
    yamux_release(another);
    cr_assert_eq(yamux_open(p.dialer.yamux, &another), OK);
    cr_assert_eq(carry(&p.dialer, &p.listener, 100), OK);
    cr_assert_eq(p.listener.opens, STREAMS_MAX + 1);
    pair_deinit(&p);
}

Test(yamux, refused_streams_are_reset)
{
    struct pair p;
    pair_init(&p);
    p.listener.refuses = true;
    struct yamux_stream *s;
    cr_assert_eq(yamux_open(p.dialer.yamux, &s), OK);
    yamux_write(s, "data that comes with it", 23);
    cr_assert_eq(carry(&p.dialer, &p.listener, 7), OK);
    cr_assert_eq(carry(&p.listener, &p.dialer, 7), OK);
    cr_assert(yamux_is_reset(s));
    cr_assert_not(yamux_is_reset(p.ours));
    pair_deinit(&p);
}

Test(yamux, both_sides_open_streams_with_numbers_of_their_own)
{
    struct pair p;
    pair_init(&p);
    struct yamux_stream *back;
    cr_assert_eq(yamux_open(p.listener.yamux, &back), OK);
    yamux_write(back, "hello", 5);
    cr_assert_eq(carry(&p.listener, &p.dialer, 4), OK);
    cr_assert_eq(p.dialer.opens, 1);
    cr_assert(bytes_equal(yamux_input(p.dialer.opened), (struct bytes){ "hello", 5 }));
    cr_assert_eq(yamux_input(p.ours).len, 0);
    pair_deinit(&p);
}

/* One stream has a lot to send; the word of another one does not wait for it. */
Test(yamux, no_stream_starves_another)
{
    static uint8_t bulk[WRITE_MAX];
    struct pair p;
    pair_init(&p);
    struct yamux_stream *urgent;
    cr_assert_eq(yamux_open(p.dialer.yamux, &urgent), OK);
    yamux_write(p.ours, bulk, sizeof(bulk));
    yamux_write(urgent, "vote", 4);
    struct buf out = { 0 };
    yamux_output(p.dialer.yamux, &out, 24 * 1024);
    cr_assert_eq(yamux_unsent(urgent), 0);
    cr_assert_gt(yamux_unsent(p.ours), 0);
    cr_assert_leq(out.len, 24 * 1024);
    buf_deinit(&out);
    pair_deinit(&p);
}

Test(yamux, pings_are_answered)
{
    struct pair p;
    pair_init(&p);
    yamux_ping(p.dialer.yamux, 0xdeadbeef);
    cr_assert_eq(carry(&p.dialer, &p.listener, 3), OK);
    cr_assert_eq(carry(&p.listener, &p.dialer, 3), OK);
    cr_assert_eq(p.dialer.pong, 0xdeadbeef);
    pair_deinit(&p);
}

Test(yamux, going_away_ends_it_with_a_reason)
{
    struct pair p;
    pair_init(&p);
    yamux_go_away(p.dialer.yamux, YAMUX_NORMAL);
    cr_assert_eq(carry(&p.dialer, &p.listener, 3), ERR_CLOSED);
    cr_assert_str_eq(yamux_why(p.listener.yamux), "the other side closed the connection");
    pair_deinit(&p);
}

Test(yamux, what_breaks_the_protocol)
{
    static const struct {
        const char *hex;
        int want;
    } rows[] = {
        { "000000000000000100000000", OK },          /* no data */
        { "000100000000000100010000", OK },          /* a window */
        { "0001000000000001ffffffff", ERR_CORRUPT }, /* beyond 32 bits */
        { "000000000000000100040001", ERR_CORRUPT }, /* data: one more than the window */
        { "000000000000000100040000", OK },          /* just the window */
        { "000100010000000100000000", ERR_CORRUPT }, /* SYN for a stream that is open */
        { "000100010000000200000000", ERR_CORRUPT }, /* SYN with one of our numbers */
        { "000100010000000300000000", OK },          /* a second stream */
        { "000000000000006300000001ff", OK },        /* data for a stream that nobody opened */
        { "000100000000006300000001", OK },          /* a window for it */
        { "000000040000000100000001ff00000000000000010000000101",
          ERR_CORRUPT },                                              /* data after FIN */
        { "000000040000000100000001ff000000040000000100000000", OK }, /* FIN twice */
        { "000100080000000100000000000000000000000100000001ff", OK }, /* data after RST */
        { "000200020000000000000007", OK }, /* a pong that nobody asked for */
        { "000300000000000000000002", ERR_CLOSED },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        pair_init(&p);
        cr_assert_eq(feed_hex(&p.listener, rows[i].hex), rows[i].want, "row %zu", i);
        if (rows[i].want == ERR_CORRUPT) {
            struct buf out = { 0 };
            yamux_output(p.listener.yamux, &out, SIZE_MAX);
            cr_assert_arr_eq(out.data + out.len - 12, "\0\3\0\0\0\0\0\0\0\0\0\1", 12);
            buf_deinit(&out);
        }
        pair_deinit(&p);
    }
}

Test(yamux, who_asks_without_reading_is_cut_off)
{
    struct pair p;
    pair_init(&p);
    int err = OK, asked = 0;
    while (err == OK && asked < 100000) {
        err = feed_hex(&p.listener, "000200010000000000000001");
        asked++;
    }
    cr_assert_eq(err, ERR_BUSY);
    cr_assert_leq(asked, YAMUX_ANSWERS_BYTES / YAMUX_HEAD_BYTES + 1);
    pair_deinit(&p);
}

Test(yamux, opens_that_nobody_acknowledges_are_limited)
{
    struct end e;
    end_init(&e, true);
    struct yamux_stream *s;
    for (int i = 0; i < YAMUX_OPENS_MAX; i++)
        cr_assert_eq(yamux_open(e.yamux, &s), OK);
    cr_assert_eq(yamux_open(e.yamux, &s), ERR_BUSY);
    cr_assert_eq(feed_hex(&e, "000100020000000100000000"), OK); /* ACK of stream 1 */
    cr_assert_eq(yamux_open(e.yamux, &s), OK);
    yamux_destroy(e.yamux);
}

/* A hook that resets or releases its stream under the bytes that are arriving on it. */
static void on_stream_release(void *owner, struct yamux_stream *s)
{
    struct end *e = owner;
    e->looks++;
    yamux_release(s);
}

Test(yamux, a_hook_may_release_the_stream_it_is_called_for)
{
    struct end e = { 0 }, dialer;
    struct yamux_options options = { false, STREAMS_MAX, WRITE_MAX };
    struct yamux_hooks hooks = { end_on_open, on_stream_release, end_on_pong, &e };
    cr_assert_eq(yamux_create(&e.yamux, &options, &hooks), OK);
    end_init(&dialer, true);
    struct yamux_stream *s;
    cr_assert_eq(yamux_open(dialer.yamux, &s), OK);
    yamux_write(s, "12345678", 8);
    yamux_close(s);
    cr_assert_eq(carry(&dialer, &e, 13), OK); /* the head and one byte, then the rest and FIN */
    cr_assert_eq(e.looks, 1);
    cr_assert_eq(carry(&e, &dialer, 1), OK);
    cr_assert(yamux_is_reset(s));
    yamux_destroy(e.yamux);
    yamux_destroy(dialer.yamux);
}
