#include <criterion/criterion.h>

#include <string.h>

#include "raft/raft.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"
#include "util/limits.h"

TestSuite(raft_config, .timeout = 60);

Test(raft_config, numbers_come_from_a_counter_and_are_never_used_again)
{
    struct raft_config c;
    raft_one_config(&c, 2, 1);
    cr_assert_eq(c.next_number, 4);
    cr_assert_eq(raft_config_remove(&c, 3), OK);
    struct raft_member newcomer = raft_one_member(0, RAFT_LEARNER);
    cr_assert_eq(raft_config_add(&c, &newcomer), OK);
    cr_assert_not_null(raft_config_member(&c, 4));
    cr_assert_eq(c.next_number, 5);
    cr_assert_eq(raft_config_remove(&c, 3), ERR_NOT_FOUND);
    raft_config_deinit(&c);
}

Test(raft_config, members_are_sorted_and_found)
{
    struct raft_config c = { 0 };
    const uint64_t order[] = { 7, 3, 5 };
    for (size_t i = 0; i < 3; i++) {
        struct raft_member m = raft_one_member(order[i], RAFT_VOTER);
        cr_assert_eq(raft_config_add(&c, &m), OK);
        cr_assert_eq(raft_config_add(&c, &m), ERR_EXISTS);
    }
    cr_assert(c.members[0].number == 3 && c.members[1].number == 5 && c.members[2].number == 7);
    cr_assert_eq(raft_config_member(&c, 5)->number, 5);
    cr_assert_null(raft_config_member(&c, 4));
    struct raft_member five = raft_one_member(5, RAFT_VOTER);
    cr_assert_eq(raft_config_member_by_id(&c, &five.id)->number, 5);
    raft_config_deinit(&c);
}

Test(raft_config, a_peer_that_came_back_is_meant_by_its_newest_number)
{
    struct raft_config c;
    raft_one_config(&c, 3, 0);
    struct raft_member again = raft_one_member(2, RAFT_LEARNER);
    again.number = 0;
    cr_assert_eq(raft_config_add(&c, &again), OK);
    cr_assert_eq(raft_config_member_by_id(&c, &again.id)->number, 4);
    raft_config_deinit(&c);
}

Test(raft_config, roles_and_addresses_change)
{
    struct raft_config c;
    raft_one_config(&c, 3, 1);
    cr_assert_eq(raft_config_voters_count(&c), 3);
    cr_assert_eq(raft_config_set_role(&c, 4, RAFT_VOTER), OK);
    cr_assert_eq(raft_config_voters_count(&c), 4);
    cr_assert_eq(raft_config_set_role(&c, 5, RAFT_VOTER), ERR_NOT_FOUND);
    struct multiaddr addrs[RAFT_MEMBER_ADDRS_MAX + 1];
    memset(addrs, 0, sizeof(addrs));
    addrs[0].len = 3;
    cr_assert_eq(raft_config_set_addrs(&c, 4, addrs, 1), OK);
    cr_assert_eq(raft_config_member(&c, 4)->addrs[0].len, 3);
    cr_assert_eq(raft_config_set_addrs(&c, 4, addrs, RAFT_MEMBER_ADDRS_MAX + 1), ERR_TOO_BIG);
    raft_config_deinit(&c);
}

Test(raft_config, there_is_a_limit)
{
    struct raft_config c = { 0 };
    struct raft_member m = raft_one_member(0, RAFT_LEARNER);
    for (size_t i = 0; i < LIMIT_MEMBERS_COUNT; i++)
        cr_assert_eq(raft_config_add(&c, &m), OK);
    cr_assert_eq(raft_config_add(&c, &m), ERR_TOO_BIG);
    raft_config_deinit(&c);
}

static void encode(const struct raft_config *c, struct buf *out)
{
    buf_clear(out);
    raft_config_encode(c, out);
    cr_assert_eq(out->err, OK);
}

Test(raft_config, bytes_and_back)
{
    struct raft_config c;
    raft_one_config(&c, 3, 2);
    struct buf bytes = { 0 };
    encode(&c, &bytes);
    struct raft_config d;
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), OK);
    cr_assert(d.count == 5 && d.next_number == 6 && d.index == 0);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(d.members[i].number, c.members[i].number);
        cr_assert_eq(d.members[i].role, c.members[i].role);
        cr_assert_eq(memcmp(&d.members[i].id.bytes, &c.members[i].id.bytes, 8), 0);
        cr_assert_eq(d.members[i].addrs_count, 1);
        cr_assert_eq(memcmp(d.members[i].addrs[0].bytes, c.members[i].addrs[0].bytes, 8), 0);
    }
    raft_config_deinit(&d);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(raft_config_decode(&d, bytes.data, len), ERR_CORRUPT);
    buf_put_u8(&bytes, 0);
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_CORRUPT);
    buf_deinit(&bytes);
    raft_config_deinit(&c);
}

Test(raft_config, bytes_that_make_no_sense)
{
    struct raft_config c;
    raft_one_config(&c, 2, 0);
    struct buf bytes = { 0 };
    struct raft_config d;
    encode(&c, &bytes);
    bytes.data[1] = 2;
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_VERSION);
    c.next_number = 2;
    encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_CORRUPT,
                 "2 is not given out yet");
    c.next_number = 3;
    c.members[1].number = 1;
    encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_CORRUPT, "1 twice");
    c.members[1].number = 2;
    c.members[0].role = RAFT_LEARNER;
    c.members[1].role = RAFT_LEARNER;
    encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_CORRUPT, "nobody votes");
    c.members[1].role = (enum raft_role_in_config)7;
    encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&d, bytes.data, bytes.len), ERR_CORRUPT);
    buf_deinit(&bytes);
    raft_config_deinit(&c);
}

static void check_going(enum raft_role_in_config role)
{
    struct raft_config c;
    struct raft_config back;
    struct buf bytes = { 0 };
    raft_one_config(&c, 2, 1);
    cr_assert_eq(raft_config_set_role(&c, 2, role), OK);
    cr_assert_eq(raft_config_voters_count(&c), 1);
    raft_config_encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&back, bytes.data, bytes.len), OK);
    cr_assert_eq(raft_config_member(&back, 2)->role, role);
    cr_assert(raft_member_goes(raft_config_member(&back, 2)));
    cr_assert_eq(raft_config_member(&back, 3)->role, RAFT_LEARNER);
    cr_assert_not(raft_member_goes(raft_config_member(&back, 3)));
    raft_config_deinit(&c);
    raft_config_deinit(&back);
    buf_deinit(&bytes);
}

Test(raft_config, a_member_on_its_way_out_follows_and_does_not_vote)
{
    check_going(RAFT_LEAVING);
    check_going(RAFT_DISMISSED);
}

Test(raft_config, an_unknown_role_is_refused)
{
    struct raft_config c;
    struct raft_config back;
    struct buf bytes = { 0 };
    raft_one_config(&c, 2, 1);
    c.members[1].role = (enum raft_role_in_config)(RAFT_DISMISSED + 1);
    raft_config_encode(&c, &bytes);
    cr_assert_eq(raft_config_decode(&back, bytes.data, bytes.len), ERR_CORRUPT);
    raft_config_deinit(&c);
    buf_deinit(&bytes);
}
