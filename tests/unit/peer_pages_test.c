/* peer_pages_test.c -- what peers tell one another about themselves comes back as it was. */
#include <criterion/criterion.h>
#include <string.h>

#include "peer_pages.h"
#include "util/err.h"

TestSuite(peer_pages, .timeout = 60);

static struct bytes text(const char *t)
{
    return (struct bytes){ t, strlen(t) };
}

Test(peer_pages, a_page_comes_back)
{
    static struct tracker_info infos[2];
    struct arena arena = { 0 };
    struct buf b = { 0 };
    struct page out;
    cr_assert_eq(cid_parse(&infos[0].cid, "QmPZ9gcCEpqKTo6aq61g2nXGUhM4iCL3ewB6LDXZCtioEB"), OK);
    infos[0].status = TRACKER_PINNED;
    infos[1] = infos[0];
    infos[1].status = TRACKER_PIN_ERROR;
    infos[1].attempt_count = 3;
    infos[0].error = "";
    infos[1].error = "context canceled";
    struct page in = { .name = text("node-a"),
                       .ipfs_id = text("12D3KooW"),
                       .infos = infos,
                       .count = 2,
                       .after = infos[0].cid,
                       .is_last = true };
    page_encode(&in, &b);
    cr_assert_eq(page_decode(&out, buf_bytes(&b)), OK);
    cr_assert(bytes_equal(out.name, in.name));
    cr_assert(bytes_equal(out.ipfs_id, in.ipfs_id));
    cr_assert_eq(out.count, 2);
    struct tracker_info info;
    const struct pin *pin;
    cr_assert_eq(page_next(&out, &arena, &info, &pin), OK);
    cr_assert_eq(info.status, TRACKER_PINNED);
    cr_assert_eq(page_next(&out, &arena, &info, &pin), OK);
    cr_assert_eq(info.status, TRACKER_PIN_ERROR);
    cr_assert_eq(info.attempt_count, 3);
    cr_assert_str_eq(info.error, "context canceled");
    cr_assert_null(pin);
    cr_assert_eq(page_next(&out, &arena, &info, &pin), ERR_NOT_FOUND);
    cr_assert(cid_equal(&out.after, &in.after));
    cr_assert(out.is_last);
    for (size_t len = 0; len < b.len; len++)
        cr_assert_neq(page_decode(&out, (struct bytes){ b.data, len }), OK);
    arena_deinit(&arena);
    buf_deinit(&b);
}

Test(peer_pages, an_id_comes_back)
{
    uint8_t key[32] = { 1 };
    struct peer_id id = peer_id_of_public_key(key);
    struct api_member_addr row = { .id = id };
    cr_assert_eq(multiaddr_parse(&row.addr, "/ip4/10.0.0.1/tcp/9096"), OK);
    struct bytes ipfs_addr = text("/ip4/127.0.0.1/tcp/4001");
    struct api_id in = { .id = id,
                         .name = text("node-a"),
                         .version = text("0.1.0"),
                         .addrs = &row.addr,
                         .addrs_count = 1,
                         .members = &id,
                         .members_count = 1,
                         .member_addrs = &row,
                         .member_addrs_count = 1,
                         .role = API_ROLE_LEARNER,
                         .ipfs_addrs = &ipfs_addr,
                         .ipfs_addrs_count = 1,
                         .ipfs_error = text("not reachable") };
    struct arena arena = { 0 };
    struct buf b = { 0 };
    struct api_id out;
    page_id_encode(&in, &b);
    cr_assert_eq(page_id_decode(&out, &arena, buf_bytes(&b)), OK);
    cr_assert(peer_id_equal(&out.id, &id));
    cr_assert(bytes_equal(out.name, in.name));
    cr_assert(multiaddr_equal(&out.member_addrs[0].addr, &row.addr));
    cr_assert(bytes_equal(out.ipfs_addrs[0], ipfs_addr));
    cr_assert(bytes_equal(out.ipfs_error, in.ipfs_error));
    cr_assert_eq(out.role, API_ROLE_LEARNER);
    cr_assert_eq(out.ipfs_id.len, 0);
    arena_deinit(&arena);
    buf_deinit(&b);
}

Test(peer_pages, a_request_for_one_names_one)
{
    struct page_request in = { .is_one = true, .limit = 1 };
    struct page_request out;
    struct buf b = { 0 };
    page_request_encode(&in, &b);
    cr_assert_eq(page_request_decode(&out, buf_bytes(&b)), ERR_CORRUPT);
    buf_deinit(&b);
}
