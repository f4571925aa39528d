/* covers: peer/upload/upload_wire.c */
/* What a member says about an upload: read or refused, and what is read is written as it was. */
#include <stdint.h>

#include "upload/upload_wire.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(struct bytes rows)
{
    struct reader in = reader_of(rows.data, rows.len);
    struct buf again = { 0 };
    while (in.left > 0 && in.err == OK) {
        struct upload_row row;
        upload_row_read(&in, &row);
        if (in.err == OK)
            upload_row_put(&again, &row);
    }
    if (in.err == OK)
        ASSERT(bytes_equal(buf_bytes(&again), rows));
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct upload_msg m;
    struct upload_msg head = { 0 };
    int head_err = upload_msg_decode_head(&head, (struct bytes){ data, size });
    int err = upload_msg_decode(&m, (struct bytes){ data, size });
    ASSERT(head_err == OK || err == ERR_CORRUPT); /* a newer one has a head, too */
    if (err != OK)
        return 0;
    ASSERT(head.type == m.type && head.id == m.id && head.number == m.number);
    ASSERT(m.params.cid_version <= 1 && m.number <= INT64_MAX);
    if (m.type == UPLOAD_ROWS)
        check_rows(m.bytes);
    struct buf again = { 0 };
    upload_msg_encode(&m, &again);
    ASSERT(bytes_equal(buf_bytes(&again), (struct bytes){ data, size }));
    buf_deinit(&again);
    return 0;
}
