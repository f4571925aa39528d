#include <criterion/criterion.h>

#include "state/pin_entry.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(pin_entry, .timeout = 60);

static struct buf encoded(const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    pin_entry_encode(e, &bytes);
    cr_assert_eq(bytes.err, OK);
    return bytes;
}

static void check_cuts(const struct buf *bytes)
{
    struct arena arena = { 0 };
    struct pin_entry out;
    for (size_t len = 0; len < bytes->len; len++)
        cr_assert_eq(pin_entry_decode(&out, &arena, bytes->data, len), ERR_CORRUPT, "at %zu", len);
    arena_deinit(&arena);
}

Test(pin_entry, each_kind_comes_back)
{
    struct arena arena = { 0 };
    struct cid cid = test_cid(5);
    struct pin_origin origin = { 3, PIN_SEQUENCE(2) + 9, PIN_SEQUENCE(2) + 4 };
    struct pin_entry kinds[] = {
        { .kind = PIN_ENTRY_PIN, .origin = origin, .expected = 44, .pin = pin_of(&cid) },
        { .kind = PIN_ENTRY_UNPIN, .origin = origin, .expected = PIN_EXPECT_ANY, .cid = cid },
        { .kind = PIN_ENTRY_CLUSTER_ID, .cluster_id = { 1, 2, 3 } },
        { .kind = PIN_ENTRY_LEVEL, .level = 1 },
        { .kind = PIN_ENTRY_SUCCESSOR, .predecessor = { 4, 5 }, .cluster_id = { 6 } },
        { .kind = PIN_ENTRY_DRAIN, .origin = origin, .peer = test_peer(3), .is_drained = true },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct buf bytes = encoded(&kinds[i]);
        struct pin_entry out;
        cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), OK);
        cr_assert_eq(out.kind, kinds[i].kind);
        cr_assert_eq(out.origin.number, kinds[i].origin.number);
        cr_assert_eq(out.origin.sequence, kinds[i].origin.sequence);
        cr_assert_eq(out.origin.floor, kinds[i].origin.floor);
        cr_assert_eq(out.expected, kinds[i].expected);
        cr_assert(pin_equal(&out.pin, &kinds[i].pin));
        cr_assert(cid_equal(&out.cid, &kinds[i].cid));
        cr_assert_arr_eq(out.cluster_id, kinds[i].cluster_id, STATE_CLUSTER_ID_BYTES);
        cr_assert_arr_eq(out.predecessor, kinds[i].predecessor, STATE_CLUSTER_ID_BYTES);
        cr_assert_eq(out.level, kinds[i].level);
        cr_assert(peer_id_equal(&out.peer, &kinds[i].peer));
        cr_assert_eq(out.is_drained, kinds[i].is_drained);
        check_cuts(&bytes);
        buf_deinit(&bytes);
    }
    arena_deinit(&arena);
}

Test(pin_entry, a_clients_key_stands_behind_the_origin)
{
    struct arena arena = { 0 };
    struct pin_entry e = { .kind = PIN_ENTRY_LEVEL,
                           .level = 1,
                           .has_key = true,
                           .key = { 1, 2, 3 } },
                     out;
    struct buf bytes = encoded(&e);
    cr_assert_eq(bytes.data[1], 2, "only then: all other entries are as before");
    cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), OK);
    cr_assert(out.has_key && memcmp(out.key, e.key, PIN_KEY_BYTES) == 0 && out.level == 1);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, len), ERR_CORRUPT);
    buf_deinit(&bytes);
    arena_deinit(&arena);
}

Test(pin_entry, kinds_and_versions_from_the_future_are_not_damage)
{
    struct arena arena = { 0 };
    struct pin_entry e = { .kind = PIN_ENTRY_LEVEL, .level = 1 }, out;
    struct buf bytes = encoded(&e);
    bytes.data[0] = 99;
    cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), ERR_VERSION);
    bytes.data[0] = PIN_ENTRY_LEVEL;
    bytes.data[1] = 3;
    cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), ERR_VERSION);
    bytes.data[0] = 0;
    bytes.data[1] = 1;
    cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), ERR_CORRUPT);
    buf_deinit(&bytes);
    arena_deinit(&arena);
}

Test(pin_entry, a_floor_above_the_sequence_is_no_origin)
{
    struct arena arena = { 0 };
    struct pin_entry e = { .kind = PIN_ENTRY_LEVEL, .origin = { 1, 5, 5 }, .level = 1 }, out;
    struct buf bytes = encoded(&e);
    bytes.data[2 + 16 + 7] = 6; /* the floor's last byte */
    cr_assert_eq(pin_entry_decode(&out, &arena, bytes.data, bytes.len), ERR_CORRUPT);
    buf_deinit(&bytes);
    arena_deinit(&arena);
}
