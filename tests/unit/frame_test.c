#include <criterion/criterion.h>

#include "net/frame.h"
#include "util/err.h"

TestSuite(frame, .timeout = 60);

Test(frame, two_known_clusters_conflict_unless_they_are_one)
{
    struct cluster_id none = { { 0 } }, one = { { 1 } }, two = { { 2 } };
    cr_assert(cluster_id_conflicts(&one, &two));
    cr_assert_not(cluster_id_conflicts(&one, &one));
    cr_assert_not(cluster_id_conflicts(&none, &two), "who does not know its cluster yet");
    cr_assert_not(cluster_id_conflicts(&one, &none));
}

Test(frame, a_head_is_read_as_it_was_put)
{
    struct buf bytes = { 0 };
    struct cluster_id cluster = { { 7, 8, 9 } };
    struct frame frame;
    frame_head_put(&bytes, FRAME_RAFT, &cluster);
    buf_append(&bytes, "body", 4);
    cr_assert_eq(frame_decode(&frame, bytes.data, bytes.len), OK);
    cr_assert(frame.kind == FRAME_RAFT && cluster_id_equal(&frame.cluster, &cluster));
    cr_assert_eq(frame.body.len, 4);
    for (size_t len = 0; len < FRAME_HEAD_BYTES; len++)
        cr_assert_eq(frame_decode(&frame, bytes.data, len), ERR_CORRUPT);
    bytes.data[1] = FRAME_VERSION + 1;
    cr_assert_eq(frame_decode(&frame, bytes.data, bytes.len), ERR_VERSION);
    bytes.data[0] = 200;
    cr_assert_neq(frame_decode(&frame, bytes.data, bytes.len), OK);
    buf_deinit(&bytes);
}
