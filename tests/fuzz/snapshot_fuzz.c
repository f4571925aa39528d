/* covers: peer/store/snapshot_wire.c peer/state/rows_check.c */
/* What a member says about a snapshot: read or refused, and what is read is written as it was. The bytes of a chunk are
 * then shown to the check of rows, as a file that somebody made up. */
#include <stdint.h>

#include "state/rows_check.h"
#include "store/snapshot_wire.h"
#include "util/err.h"
#include "util/row_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(struct bytes file)
{
    struct row_file_reader reader;
    struct row_file_row row;
    struct rows_check check;
    row_file_reader_init(&reader);
    rows_check_begin(&check);
    row_file_push(&reader, file.data, file.len);
    int err = OK;
    while (err == OK && row_file_next(&reader, &row) == OK)
        err = rows_check_row(&check, row.table, row.key, row.value);
    if (err == OK && rows_check_end(&check) == OK)
        ASSERT(check.has_meta);
    row_file_reader_deinit(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cluster[SNAPSHOT_CLUSTER_ID_BYTES] = { 7 };
    struct snapshot_msg m;
    if (snapshot_msg_decode(&m, cluster, (struct bytes){ data, size }) != OK)
        return 0;
    ASSERT(m.id.cluster_id[0] == 7 && m.from != RAFT_NOBODY && m.to != RAFT_NOBODY);
    if (m.type == SNAPSHOT_MSG_CHUNK)
        check_rows(m.chunk.bytes);
    struct buf again = { 0 };
    snapshot_msg_encode(&m, &again);
    ASSERT(bytes_equal(buf_bytes(&again), (struct bytes){ data, size }));
    buf_deinit(&again);
    return 0;
}
