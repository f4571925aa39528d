/* Messages about snapshots: what is written is read again, and nothing else is. */
#include <criterion/criterion.h>

#include <string.h>

#include "store/snapshot_wire.h"
#include "util/err.h"

static const uint8_t cluster[SNAPSHOT_CLUSTER_ID_BYTES] = { 1, 2, 3 };

static struct snapshot_msg message(enum snapshot_msg_type type)
{
    struct snapshot_msg m = { .type = type, .from = 3, .to = 1ull << 40 };
    m.id = (struct snapshot_id){ .pos = { 7, 1000 }, .hash = 0x1122334455667788 };
    memcpy(m.id.cluster_id, cluster, sizeof(cluster));
    return m;
}

static struct snapshot_msg back_and_forth(const struct snapshot_msg *m, struct buf *bytes)
{
    struct snapshot_msg out;
    snapshot_msg_encode(m, bytes);
    cr_assert_eq(bytes->err, OK);
    cr_assert_eq(snapshot_msg_decode(&out, cluster, buf_bytes(bytes)), OK);
    cr_assert_eq(out.type, m->type);
    cr_assert_eq(out.from, m->from);
    cr_assert_eq(out.to, m->to);
    cr_assert(snapshot_id_equal(&out.id, &m->id));
    return out;
}

Test(snapshot_wire, an_offer_comes_back)
{
    struct buf bytes = { 0 };
    struct snapshot_msg m = message(SNAPSHOT_MSG_OFFER);
    m.offer = (struct snapshot_offer){ m.id, 1ull << 33, 999, { "config", 6 } };
    struct snapshot_msg out = back_and_forth(&m, &bytes);
    cr_assert(snapshot_id_equal(&out.offer.id, &m.id));
    cr_assert_eq(out.offer.len, 1ull << 33);
    cr_assert_eq(out.offer.config_index, 999);
    cr_assert(bytes_equal(out.offer.config, m.offer.config));
    buf_deinit(&bytes);
}

Test(snapshot_wire, gets_and_chunks_come_back)
{
    struct buf bytes = { 0 };
    struct snapshot_msg m = message(SNAPSHOT_MSG_GET);
    m.get = (struct snapshot_get){ m.id, 1ull << 32, SNAPSHOT_CHUNK_BYTES };
    struct snapshot_msg out = back_and_forth(&m, &bytes);
    cr_assert_eq(out.get.offset, 1ull << 32);
    cr_assert_eq(out.get.len, SNAPSHOT_CHUNK_BYTES);
    buf_clear(&bytes);
    m = message(SNAPSHOT_MSG_CHUNK);
    m.chunk = (struct snapshot_chunk){ m.id, 5, 6, { "some bytes", 10 } };
    out = back_and_forth(&m, &bytes);
    cr_assert(snapshot_id_equal(&out.chunk.id, &m.id));
    cr_assert_eq(out.chunk.offset, 5);
    cr_assert_eq(out.chunk.checksum, 6);
    cr_assert(bytes_equal(out.chunk.bytes, m.chunk.bytes));
    buf_deinit(&bytes);
}

Test(snapshot_wire, the_short_ones_come_back)
{
    for (int type = SNAPSHOT_MSG_GONE; type <= SNAPSHOT_MSG_WANT; type++) {
        struct buf bytes = { 0 };
        struct snapshot_msg m = message((enum snapshot_msg_type)type);
        back_and_forth(&m, &bytes);
        buf_deinit(&bytes);
    }
}

Test(snapshot_wire, what_is_cut_short_or_too_long_is_refused)
{
    struct buf bytes = { 0 };
    struct snapshot_msg m = message(SNAPSHOT_MSG_CHUNK), out;
    m.chunk = (struct snapshot_chunk){ m.id, 5, 6, { "some bytes", 10 } };
    snapshot_msg_encode(&m, &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(snapshot_msg_decode(&out, cluster, (struct bytes){ bytes.data, len }),
                     ERR_CORRUPT);
    buf_put_u8(&bytes, 0);
    cr_assert_eq(snapshot_msg_decode(&out, cluster, buf_bytes(&bytes)), ERR_CORRUPT);
    buf_deinit(&bytes);
}

Test(snapshot_wire, numbers_that_nobody_could_mean_are_refused)
{
    struct buf bytes = { 0 };
    struct snapshot_msg m = message(SNAPSHOT_MSG_OFFER), out;
    m.offer = (struct snapshot_offer){ m.id, 100, 1001, { "", 0 } }; /* a later configuration */
    snapshot_msg_encode(&m, &bytes);
    cr_assert_eq(snapshot_msg_decode(&out, cluster, buf_bytes(&bytes)), ERR_CORRUPT);
    buf_clear(&bytes);
    m = message(SNAPSHOT_MSG_HELD);
    m.id.pos.index = 1ull << 63;
    snapshot_msg_encode(&m, &bytes);
    cr_assert_eq(snapshot_msg_decode(&out, cluster, buf_bytes(&bytes)), ERR_CORRUPT);
    bytes.data[1] = 2;
    cr_assert_eq(snapshot_msg_decode(&out, cluster, buf_bytes(&bytes)), ERR_VERSION);
    buf_deinit(&bytes);
}
