#include <criterion/criterion.h>

#include <string.h>

#include "raft/raft.h"
#include "util/err.h"

TestSuite(raft_wire, .timeout = 60);

static const struct raft_entry entries[] = {
    { .pos = { 4, 8 }, .kind = RAFT_ENTRY_NOOP },
    { .pos = { 5, 9 }, .kind = RAFT_ENTRY_DATA, .payload = { "hello", 5 } },
    { .pos = { 5, 10 }, .kind = RAFT_ENTRY_CONFIG, .payload = { "cfg", 3 } },
};

static const struct raft_msg samples[] = {
    { .type = RAFT_MSG_VOTE, .from = 1, .to = 2, .term = 7, .last = { 6, 40 } },
    { .type = RAFT_MSG_VOTE,
      .from = 1,
      .to = 2,
      .term = 7,
      .last = { 6, 40 },
      .is_pre_vote = true },
    { .type = RAFT_MSG_VOTE,
      .from = 1,
      .to = 2,
      .term = 7,
      .last = { 6, 40 },
      .is_transfer = true },
    { .type = RAFT_MSG_VOTE_REPLY, .from = 2, .to = 1, .term = 7, .granted = true },
    { .type = RAFT_MSG_VOTE_REPLY, .from = 2, .to = 1, .term = 0, .is_pre_vote = true },
    { .type = RAFT_MSG_APPEND,
      .from = 3,
      .to = UINT64_MAX,
      .term = 9,
      .last = { 4, 7 },
      .committed = 6,
      .round = 12,
      .entries = entries,
      .entries_count = 3 },
    { .type = RAFT_MSG_APPEND, .from = 3, .to = 4, .term = 9, .last = { 4, 7 }, .committed = 6 },
    { .type = RAFT_MSG_APPEND_REPLY,
      .from = 4,
      .to = 3,
      .term = 9,
      .last = { 4, 7 },
      .granted = true,
      .round = 12,
      .match = 10 },
    { .type = RAFT_MSG_APPEND_REPLY,
      .from = 4,
      .to = 3,
      .term = 9,
      .last = { 4, 7 },
      .round = 12,
      .match = 5,
      .conflict_term = 3 },
    { .type = RAFT_MSG_TIMEOUT_NOW, .from = 3, .to = 4, .term = 9 },
};
enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void expect_equal(const struct raft_msg *a, const struct raft_msg *b)
{
    cr_assert_eq(a->type, b->type);
    cr_assert(a->from == b->from && a->to == b->to && a->term == b->term);
    cr_assert(a->last.term == b->last.term && a->last.index == b->last.index);
    cr_assert(a->is_pre_vote == b->is_pre_vote && a->is_transfer == b->is_transfer);
    cr_assert(a->granted == b->granted && a->committed == b->committed && a->round == b->round);
    cr_assert(a->match == b->match && a->conflict_term == b->conflict_term);
    cr_assert_eq(a->entries_count, b->entries_count);
    for (size_t i = 0; i < a->entries_count; i++) {
        const struct raft_entry *x = &a->entries[i];
        const struct raft_entry *y = &b->entries[i];
        cr_assert(x->kind == y->kind && x->pos.term == y->pos.term && x->pos.index == y->pos.index);
        cr_assert(bytes_equal(x->payload, y->payload));
    }
}

Test(raft_wire, what_is_written_is_read_back)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct buf bytes = { 0 };
        raft_msg_encode(&samples[i], &bytes);
        struct raft_entry room[3];
        struct raft_msg m;
        cr_assert_eq(raft_msg_decode(&m, room, 3, bytes.data, bytes.len), OK, "sample %zu", i);
        expect_equal(&m, &samples[i]);
        buf_deinit(&bytes);
    }
}

Test(raft_wire, nothing_shorter_or_longer_is_a_message)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct buf bytes = { 0 };
        raft_msg_encode(&samples[i], &bytes);
        buf_put_u8(&bytes, 0);
        struct raft_entry room[3];
        struct raft_msg m;
        for (size_t len = 0; len <= bytes.len; len++) {
            if (len != bytes.len - 1)
                cr_assert_neq(raft_msg_decode(&m, room, 3, bytes.data, len), OK, "%zu at %zu", i,
                              len);
        }
        buf_deinit(&bytes);
    }
}

static int decode_with(const struct raft_msg *sample, size_t at, uint8_t value)
{
    struct buf bytes = { 0 };
    raft_msg_encode(sample, &bytes);
    cr_assert_lt(at, bytes.len);
    bytes.data[at] = value;
    struct raft_entry room[3];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, 3, bytes.data, bytes.len);
    buf_deinit(&bytes);
    return err;
}

Test(raft_wire, kind_version_type_and_flags_are_checked)
{
    cr_assert_eq(decode_with(&samples[0], 0, 'X'), ERR_CORRUPT);
    cr_assert_eq(decode_with(&samples[0], 1, 2), ERR_VERSION);
    cr_assert_eq(decode_with(&samples[0], 1, 0), ERR_CORRUPT);
    cr_assert_eq(decode_with(&samples[0], 2, 0), ERR_CORRUPT);
    cr_assert_eq(decode_with(&samples[0], 2, 6), ERR_CORRUPT);
    cr_assert_eq(decode_with(&samples[0], 3, 4), ERR_CORRUPT, "a request is not granted");
    cr_assert_eq(decode_with(&samples[0], 3, 8), ERR_CORRUPT);
    cr_assert_eq(decode_with(&samples[5], 3, 1), ERR_CORRUPT);
}

Test(raft_wire, terms_within_a_message_cannot_fall_or_pass_the_senders)
{
    struct raft_entry bad[3];
    struct raft_msg m = samples[5];
    m.entries = bad;
    const uint64_t terms[][3] = { { 3, 5, 5 }, { 5, 4, 5 }, { 4, 5, 10 }, { 0, 5, 5 } };
    for (size_t i = 0; i < 4; i++) {
        memcpy(bad, entries, sizeof(bad));
        for (size_t k = 0; k < 3; k++)
            bad[k].pos.term = terms[i][k];
        struct buf bytes = { 0 };
        raft_msg_encode(&m, &bytes);
        struct raft_entry room[3];
        struct raft_msg out;
        cr_assert_eq(raft_msg_decode(&out, room, 3, bytes.data, bytes.len), ERR_CORRUPT);
        buf_deinit(&bytes);
    }
}

Test(raft_wire, too_many_entries_for_the_room_are_refused)
{
    struct buf bytes = { 0 };
    raft_msg_encode(&samples[5], &bytes);
    struct raft_entry room[2];
    struct raft_msg m;
    cr_assert_eq(raft_msg_decode(&m, room, 2, bytes.data, bytes.len), ERR_TOO_BIG);
    buf_deinit(&bytes);
}

Test(raft_wire, entries_for_the_disk)
{
    for (size_t i = 0; i < 3; i++) {
        struct buf bytes = { 0 };
        raft_entry_encode(&entries[i], &bytes);
        struct raft_entry e;
        cr_assert_eq(raft_entry_decode(&e, bytes.data, bytes.len), OK);
        cr_assert(e.kind == entries[i].kind && e.pos.index == entries[i].pos.index);
        cr_assert(e.pos.term == entries[i].pos.term && bytes_equal(e.payload, entries[i].payload));
        for (size_t len = 0; len < bytes.len; len++)
            cr_assert_neq(raft_entry_decode(&e, bytes.data, len), OK);
        bytes.data[1] = 9;
        cr_assert_eq(raft_entry_decode(&e, bytes.data, bytes.len), ERR_VERSION);
        bytes.data[1] = 1;
        bytes.data[2] = 77;
        cr_assert_eq(raft_entry_decode(&e, bytes.data, bytes.len), ERR_CORRUPT);
        buf_deinit(&bytes);
    }
}
