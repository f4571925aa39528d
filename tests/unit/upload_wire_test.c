/* What peers say about an upload comes back as it was said, and nothing else is taken for it. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/test_ids.h"
#include "upload/upload_wire.h"
#include "util/err.h"

TestSuite(upload_wire, .timeout = 60);

#define TEXT(text) ((struct bytes){ text, sizeof(text) - 1 })

static const struct upload_msg messages[] = {
    { .type = UPLOAD_OPEN,
      .id = 7,
      .number = 262144,
      .params = { .is_trickle = true,
                  .has_raw_leaves = true,
                  .wraps = true,
                  .has_progress = true,
                  .cid_version = 1,
                  .chunker = TEXT("size-1000"),
                  .hash = TEXT("sha2-512"),
                  .boundary = TEXT("xx") } },
    { .type = UPLOAD_OPEN, .id = UINT64_MAX, .params = { .is_car = true, .boundary = TEXT("y") } },
    { .type = UPLOAD_DATA, .id = 7, .number = 65536, .bytes = TEXT("bytes") },
    { .type = UPLOAD_END, .id = 7, .number = 65541 },
    { .type = UPLOAD_CANCEL, .id = 7 },
    { .type = UPLOAD_GRANT, .id = 7, .number = 1 },
    { .type = UPLOAD_CREDIT, .id = 7, .number = INT64_MAX },
    { .type = UPLOAD_ROWS, .id = 7, .number = 1, .bytes = TEXT("rows") },
    { .type = UPLOAD_RESULT, .id = 7, .number = 99, .err = ERR_REFUSED, .text = TEXT("no room") },
    { .type = UPLOAD_RESULT, .id = 7 },
};

Test(upload_wire, what_is_said_is_heard)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct buf out = { 0 };
        struct buf again = { 0 };
        struct upload_msg m;
        upload_msg_encode(&messages[i], &out);
        cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), OK, "message %zu", i);
        cr_assert_eq(m.type, messages[i].type);
        cr_assert_eq(m.id, messages[i].id);
        cr_assert_eq(m.number, messages[i].number);
        cr_assert_eq(m.err, messages[i].err);
        cr_assert(bytes_equal(m.bytes, messages[i].bytes));
        cr_assert(bytes_equal(m.text, messages[i].text));
        cr_assert(bytes_equal(m.params.chunker, messages[i].params.chunker));
        upload_msg_encode(&m, &again);
        cr_assert(bytes_equal(buf_bytes(&again), buf_bytes(&out)), "message %zu", i);
        for (size_t len = 0; len < out.len; len++)
            cr_assert_neq(upload_msg_decode(&m, (struct bytes){ out.data, len }), OK);
        buf_put_u8(&out, 0);
        cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_CORRUPT);
        buf_deinit(&out);
        buf_deinit(&again);
    }
}

Test(upload_wire, a_newer_version_is_told_from_damage)
{
    struct buf out = { 0 };
    struct upload_msg m;
    upload_msg_encode(&messages[4], &out);
    out.data[1] = 2;
    cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_VERSION);
    out.data[1] = 0;
    cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_CORRUPT);
    out.data[1] = 1;
    out.data[2] = 9;
    cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_CORRUPT);
    buf_deinit(&out);
}

/* Up to the number it is the same in every version: enough to answer. What follows is the newer one's affair. */
Test(upload_wire, of_a_newer_version_the_head_is_read)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct buf out = { 0 };
        struct upload_msg m = { 0 };
        upload_msg_encode(&messages[i], &out);
        out.data[1] = 2;
        buf_append_text(&out, "a new field");
        cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_VERSION);
        cr_assert_eq(upload_msg_decode_head(&m, buf_bytes(&out)), OK);
        cr_assert(m.type == messages[i].type && m.id == messages[i].id);
        cr_assert_eq(m.number, messages[i].number);
        for (size_t len = 0; len < 19; len++)
            cr_assert_eq(upload_msg_decode_head(&m, (struct bytes){ out.data, len }), ERR_CORRUPT);
        out.data[2] = 9;
        cr_assert_eq(upload_msg_decode_head(&m, buf_bytes(&out)), ERR_CORRUPT);
        cr_assert_eq(upload_msg_decode(&m, buf_bytes(&out)), ERR_CORRUPT);
        buf_deinit(&out);
    }
}

Test(upload_wire, rows)
{
    struct buf out = { 0 };
    struct upload_row rows[] = { { .name = TEXT("a/b"), .cid = test_cid(1), .size = 1000 },
                                 { .name = TEXT(""), .bytes = 5 } };
    for (size_t i = 0; i < 2; i++)
        upload_row_put(&out, &rows[i]);
    struct reader in = reader_of(out.data, out.len);
    for (size_t i = 0; i < 2; i++) {
        struct upload_row row;
        upload_row_read(&in, &row);
        cr_assert(bytes_equal(row.name, rows[i].name));
        cr_assert(row.bytes == rows[i].bytes && row.size == rows[i].size);
        cr_assert(cid_equal(&row.cid, &rows[i].cid));
    }
    cr_assert_eq(reader_finish(&in), OK);
    buf_deinit(&out);
}
