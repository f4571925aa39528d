#include <criterion/criterion.h>

#include "state/pin.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(pin, .timeout = 60);

#define TEXT(s) ((struct bytes){ s, sizeof(s) - 1 })

/* Everything that a pin can say, said. */
static struct pin full_pin(struct arena *arena)
{
    struct cid cid = test_cid(1);
    struct pin pin = pin_of(&cid);
    pin.type = PIN_TYPE_SHARD;
    pin.replication_min = 2;
    pin.replication_max = 3;
    pin.max_depth = 1;
    pin.shard_size = 1u << 30;
    pin.created_s = 1767366245;
    pin.expire_s = 1767366246;
    pin.reference = test_cid(2);
    pin.update_of = test_cid(3);
    pin.name = TEXT("backup");
    struct pin_metadata *metadata = arena_array(arena, 2, sizeof(*metadata));
    metadata[0] = (struct pin_metadata){ TEXT("a"), TEXT("") };
    metadata[1] = (struct pin_metadata){ TEXT("b"), TEXT("text") };
    pin.metadata = metadata;
    pin.metadata_count = 2;
    struct multiaddr *origins = arena_array(arena, 1, sizeof(*origins));
    cr_assert_eq(multiaddr_parse(&origins[0], "/ip4/127.0.0.1/tcp/4001"), OK);
    pin.origins = origins;
    pin.origins_count = 1;
    struct peer_id *allocations = arena_array(arena, 2, sizeof(*allocations));
    allocations[0] = test_peer(9);
    allocations[1] = test_peer(4);
    pin.allocations = allocations;
    pin.allocations_count = 2;
    pin.modified_index = 77;
    return pin;
}

Test(pin, what_is_encoded_is_decoded)
{
    struct arena arena = { 0 };
    struct pin pin = full_pin(&arena), back;
    struct buf bytes = { 0 };
    pin_encode(&pin, &bytes);
    cr_assert_eq(pin_decode(&back, &arena, bytes.data, bytes.len), OK);
    cr_assert(pin_equal(&pin, &back));
    cr_assert_eq(back.modified_index, 77);
    buf_deinit(&bytes);
    arena_deinit(&arena);
}

/* K39: fields that one pin does not have must not come from the one decoded before. */
Test(pin, nothing_of_an_earlier_pin_shines_through)
{
    struct arena arena = { 0 };
    struct pin full = full_pin(&arena), back;
    struct buf bytes = { 0 };
    pin_encode(&full, &bytes);
    cr_assert_eq(pin_decode(&back, &arena, bytes.data, bytes.len), OK);
    struct cid cid = test_cid(8);
    struct pin plain = pin_of(&cid);
    buf_clear(&bytes);
    pin_encode(&plain, &bytes);
    cr_assert_eq(pin_decode(&back, &arena, bytes.data, bytes.len), OK);
    cr_assert(pin_equal(&plain, &back));
    cr_assert_eq(back.name.len, 0);
    cr_assert_eq(back.expire_s, 0);
    cr_assert_eq(back.metadata_count, 0);
    buf_deinit(&bytes);
    arena_deinit(&arena);
}

Test(pin, every_cut_is_noticed_and_gives_no_pin)
{
    struct arena arena = { 0 };
    struct pin pin = full_pin(&arena);
    struct buf bytes = { 0 };
    pin_encode(&pin, &bytes);
    struct pin out = pin;
    for (size_t len = 0; len < bytes.len; len++) {
        cr_assert_eq(pin_decode(&out, &arena, bytes.data, len), ERR_CORRUPT, "at %zu", len);
        cr_assert(cid_is_undefined(&out.cid) && out.modified_index == 0, "at %zu", len);
    }
    buf_put_u8(&bytes, 0);
    cr_assert_eq(pin_decode(&out, &arena, bytes.data, bytes.len), ERR_CORRUPT);
    cr_assert(cid_is_undefined(&out.cid));
    bytes.data[0] = 200;
    cr_assert_eq(pin_decode(&out, &arena, bytes.data, bytes.len), ERR_VERSION);
    cr_assert(cid_is_undefined(&out.cid));
    buf_deinit(&bytes);
    arena_deinit(&arena);
}

static const char *factors(int32_t min, int32_t max, int32_t config_min, int32_t config_max)
{
    struct cid cid = test_cid(1);
    struct pin pin = pin_of(&cid);
    pin.replication_min = min;
    pin.replication_max = max;
    const char *why = "ok";
    int err = pin_resolve_factors(&pin, config_min, config_max, &why);
    cr_assert_eq(err == OK, strcmp(why, "ok") == 0);
    return why;
}

Test(pin, factors_follow_v1s_rules_in_v1s_order)
{
    const char *larger = "cluster.replication_factor_min is larger than max";
    const char *together = "cluster.replication_factor_min and max must be -1 when one of them is";
    cr_assert_str_eq(factors(0, 0, -1, -1), "ok");
    cr_assert_str_eq(factors(2, 3, -1, -1), "ok");
    cr_assert_str_eq(factors(0, 3, 2, 5), "ok");
    cr_assert_str_eq(factors(2, 0, -1, -1), larger);
    cr_assert_str_eq(factors(0, 2, -1, -1), together);
    cr_assert_str_eq(factors(-2, -2, -1, -1), "cluster.replication_factor_min is wrong");
    cr_assert_str_eq(factors(-1, -2, -1, -1), larger);
    cr_assert_str_eq(factors(0, 0, 0, 3), "cluster.replication_factor_min and max must be set");
}

Test(pin, check_refuses_what_could_not_be_applied)
{
    struct arena arena = { 0 };
    const char *why = NULL;
    struct pin good = full_pin(&arena);
    cr_assert_eq(pin_check(&good, &why), OK);

    struct pin bad = good;
    bad.allocations_count = 0;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID); /* it would mean everywhere */
    bad = good;
    bad.replication_min = bad.replication_max = 1;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    bad.replication_min = bad.replication_max = -1;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    struct peer_id twice[] = { test_peer(1), test_peer(1) };
    bad.allocations = twice;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    struct pin_metadata unsorted[] = { { TEXT("b"), TEXT("") }, { TEXT("a"), TEXT("") } };
    bad.metadata = unsorted;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    bad.cid = (struct cid){ 0 };
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    bad.max_depth = -2;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    bad = good;
    bad.type = (enum pin_type)3;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    static char long_text[LIMIT_PIN_BYTES];
    bad = good;
    bad.name = (struct bytes){ long_text, LIMIT_PIN_NAME_BYTES + 1 };
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    struct pin_metadata big[] = { { TEXT("a"), { long_text, sizeof(long_text) } } };
    bad = good;
    bad.metadata = big;
    bad.metadata_count = 1;
    cr_assert_eq(pin_check(&bad, &why), ERR_INVALID);
    arena_deinit(&arena);
}

/* Whatever check() lets pass fits the row that it becomes. */
Test(pin, the_biggest_pin_fits)
{
    static char text[LIMIT_PIN_BYTES];
    struct peer_id allocations[LIMIT_MEMBERS_COUNT];
    for (uint32_t i = 0; i < LIMIT_MEMBERS_COUNT; i++)
        allocations[i] = test_peer(i);
    struct cid cid = test_cid(1);
    struct pin pin = pin_of(&cid);
    pin.replication_min = pin.replication_max = LIMIT_MEMBERS_COUNT;
    pin.allocations = allocations;
    pin.allocations_count = LIMIT_MEMBERS_COUNT;
    struct pin_metadata metadata = { TEXT("k"), { text, sizeof(text) } };
    pin.metadata = &metadata;
    pin.metadata_count = 1;
    const char *why;
    while (pin_check(&pin, &why) != OK) {
        cr_assert_gt(metadata.value.len, 0);
        metadata.value.len -= 1;
    }
    struct buf bytes = { .limit = LIMIT_PIN_BYTES };
    pin_encode(&pin, &bytes);
    cr_assert_eq(bytes.err, OK);
    buf_deinit(&bytes);
}

Test(pin, replacing_and_unpinning_say_v1s_words)
{
    struct cid cid = test_cid(1);
    struct pin was = pin_of(&cid), now = pin_of(&cid);
    struct buf why = { 0 };
    cr_assert_eq(pin_check_replaces(&was, &now, &why), OK);
    now.max_depth = PIN_DEPTH_DIRECT;
    cr_assert_eq(pin_check_replaces(&was, &now, &why), ERR_INVALID);
    cr_assert_str_eq(
        buf_text(&why),
        "cannot repin a CID which is already pinned in recursive mode (new pin is pinned as "
        "direct). Unpin it first.");
    cr_assert_eq(pin_check_replaces(&now, &was, &why), OK);
    now.type = PIN_TYPE_META;
    buf_clear(&why);
    cr_assert_eq(pin_check_replaces(&was, &now, &why), ERR_INVALID);
    cr_assert_str_eq(
        buf_text(&why),
        "cannot repin CID with different tracking method, clear state with pin rm to proceed. "
        "New: meta-pin. Was: pin");
    buf_deinit(&why);
    const char *words;
    cr_assert_eq(pin_check_unpin(&was, &words), OK);
    was.type = PIN_TYPE_SHARD;
    cr_assert_eq(pin_check_unpin(&was, &words), ERR_INVALID);
    was.expire_s = 100;
    cr_assert_eq(pin_check_expiry(&was, 99, &words), OK);
    cr_assert_eq(pin_check_expiry(&was, 100, &words), ERR_INVALID);
    cr_assert_str_eq(words, "pin.ExpireAt set before current time");
}

Test(pin, no_allocations_means_everywhere)
{
    struct cid cid = test_cid(1);
    struct pin pin = pin_of(&cid);
    struct peer_id a = test_peer(1), b = test_peer(2);
    cr_assert(pin_is_everywhere(&pin) && pin_is_held_by(&pin, &a));
    pin.allocations = &a;
    pin.allocations_count = 1;
    cr_assert(pin_is_held_by(&pin, &a) && !pin_is_held_by(&pin, &b));
    cr_assert_str_eq(pin_mode_name(&pin), "recursive");
}
