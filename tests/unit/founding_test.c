/* founding_test.c -- found or join: the rules of DESIGN 8, one question at a time. */
#include <criterion/criterion.h>

#include "members/founding.h"
#include "members/join.h"
#include "util/err.h"

TestSuite(founding, .timeout = 60);

static struct peer_id peers[5];

static void peers_init(void)
{
    for (uint8_t i = 0; i < 5; i++) {
        uint8_t key[32] = { (uint8_t)(i + 1) };
        peers[i] = peer_id_of_public_key(key);
    }
}

/* Peer 0 of `count`, which are all on its list. */
static struct founding founding_of(size_t count, bool joins_only)
{
    peers_init();
    struct founding f;
    struct founding_options o = { .self = peers[0],
                                  .listed = peers,
                                  .listed_count = count,
                                  .joins_only = joins_only,
                                  .ask_pause_us = 100 };
    cr_assert_eq(founding_init(&f, &o), OK);
    return f;
}

static void answers(struct founding *f, size_t who, enum find_kind kind, uint64_t list)
{
    founding_on_answer(f, &peers[who], &(struct find_answer){ .kind = kind, .list = list });
}

Test(founding, alone_founds_at_once)
{
    struct founding f = founding_of(1, false);
    struct peer_id via;
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_FOUND);
    cr_assert_null(founding_next_ask(&f, 0));
    founding_deinit(&f);
}

Test(founding, a_majority_of_the_same_list_is_needed)
{
    struct founding f = founding_of(5, false);
    struct peer_id via;
    answers(&f, 1, FIND_EMPTY, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK, "2 of 5");
    answers(&f, 1, FIND_EMPTY, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK, "the same one again");
    answers(&f, 2, FIND_EMPTY, f.list + 1);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK, "another list");
    answers(&f, 3, FIND_FOUNDED, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_FOUND);
    founding_deinit(&f);
}

Test(founding, of_two_both_are_needed)
{
    struct founding f = founding_of(2, false);
    struct peer_id via;
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK);
    answers(&f, 1, FIND_EMPTY, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_FOUND);
    founding_deinit(&f);
}

Test(founding, a_cluster_that_is_there_is_joined)
{
    struct founding f = founding_of(3, false);
    struct peer_id via = { 0 };
    answers(&f, 1, FIND_EMPTY, f.list);
    answers(&f, 2, FIND_MEMBER, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_JOIN);
    cr_assert(peer_id_equal(&via, &peers[2]));
    founding_deinit(&f);
}

Test(founding, who_had_data_once_only_joins)
{
    struct founding f = founding_of(3, true);
    struct peer_id via;
    answers(&f, 1, FIND_EMPTY, f.list);
    answers(&f, 2, FIND_EMPTY, f.list);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK);
    founding_deinit(&f);
}

Test(founding, who_bootstraps_only_joins_and_asks_everybody)
{
    peers_init();
    struct founding f;
    struct founding_options o = { .self = peers[0],
                                  .listed = peers,
                                  .listed_count = 1,
                                  .bootstrap = &peers[3],
                                  .bootstrap_count = 1,
                                  .ask_pause_us = 100 };
    struct peer_id via;
    cr_assert_eq(founding_init(&f, &o), OK);
    cr_assert_eq(founding_decide(&f, &via), FOUNDING_ASK);
    const struct peer_id *ask = founding_next_ask(&f, 7);
    cr_assert_not_null(ask);
    cr_assert(peer_id_equal(ask, &peers[3]));
    cr_assert_null(founding_next_ask(&f, 7), "asked, and not yet due again");
    cr_assert_eq(founding_next_deadline_us(&f), 107);
    cr_assert_not_null(founding_next_ask(&f, 107));
    founding_deinit(&f);
}

Test(founding, answers_survive_the_wire)
{
    struct buf b = { 0 };
    struct find_answer in = { .kind = FIND_FOUNDED, .list = 0x1234567890 };
    struct find_answer out;
    find_answer_encode(&in, &b);
    cr_assert_eq(find_answer_decode(&out, b.data, b.len), OK);
    cr_assert_eq(out.kind, in.kind);
    cr_assert_eq(out.list, in.list);
    cr_assert_eq(find_answer_decode(&out, b.data, b.len - 1), ERR_CORRUPT);
    b.data[1] = 9;
    cr_assert_eq(find_answer_decode(&out, b.data, b.len), ERR_CORRUPT);
    b.data[0] = 2;
    b.data[1] = FIND_EMPTY;
    cr_assert_eq(find_answer_decode(&out, b.data, b.len), ERR_VERSION);
    buf_deinit(&b);
}

Test(founding, the_list_is_named_by_its_members_only)
{
    peers_init();
    cr_assert_eq(founding_list_hash(peers, 3), founding_list_hash(peers, 3));
    cr_assert_neq(founding_list_hash(peers, 3), founding_list_hash(peers, 2));
    cr_assert_neq(founding_list_hash(peers, 2), founding_list_hash(peers + 1, 2));
}

/* ---- joining ---- */

static struct join_request request_of(uint64_t ticket)
{
    peers_init();
    struct join_request r = { .id = peers[1], .ticket = ticket, .level = 3, .addrs_count = 2 };
    cr_assert_eq(multiaddr_parse(&r.addrs[0], "/ip4/10.0.0.1/tcp/9096"), OK);
    cr_assert_eq(multiaddr_parse(&r.addrs[1], "/dns4/node.example/tcp/9096"), OK);
    return r;
}

Test(founding, join_requests_survive_the_wire_whole_or_not_at_all)
{
    struct buf b = { 0 };
    struct join_request in = request_of(77);
    struct join_request out;
    join_request_encode(&in, &b);
    cr_assert_eq(join_request_decode(&out, b.data, b.len), OK);
    cr_assert(peer_id_equal(&out.id, &in.id));
    cr_assert_eq(out.ticket, 77);
    cr_assert_eq(out.level, 3);
    cr_assert_eq(out.addrs_count, 2);
    cr_assert(multiaddr_equal(&out.addrs[1], &in.addrs[1]));
    for (size_t len = 0; len < b.len; len++)
        cr_assert_neq(join_request_decode(&out, b.data, len), OK);
    buf_deinit(&b);
}

Test(founding, the_same_ticket_gets_the_same_number)
{
    static struct join_desk desk;
    struct join_request first = request_of(1);
    struct join_request other = request_of(2);
    cr_assert_eq(join_desk_number(&desk, &first), 0);
    join_desk_admit(&desk, &first, 4);
    cr_assert_eq(join_desk_number(&desk, &first), 4);
    cr_assert_eq(join_desk_number(&desk, &other), 0, "another life of that peer");
    for (uint64_t i = 0; i < JOIN_ADMITTED_MAX; i++)
        join_desk_admit(&desk, &other, 5 + i);
    cr_assert_eq(join_desk_number(&desk, &first), 0, "forgotten, which costs a number only");
}
