#include "store/snapshot_wire.h"

#include <string.h>

#include "util/err.h"

enum { MSG_KIND = 'S', MSG_VERSION = 1 };

#define POSITION_MAX ((uint64_t)1 << 63) /* as in raft's messages */

static void snapshot_msg_put_fields(const struct snapshot_msg *m, struct buf *out)
{
    switch (m->type) {
    case SNAPSHOT_MSG_OFFER:
        buf_put_u64(out, m->offer.len);
        buf_put_u64(out, m->offer.config_index);
        buf_put_run(out, m->offer.config.data, m->offer.config.len);
        break;
    case SNAPSHOT_MSG_GET:
        buf_put_u64(out, m->get.offset);
        buf_put_u32(out, m->get.len);
        break;
    case SNAPSHOT_MSG_CHUNK:
        buf_put_u64(out, m->chunk.offset);
        buf_put_u64(out, m->chunk.checksum);
        buf_put_run(out, m->chunk.bytes.data, m->chunk.bytes.len);
        break;
    case SNAPSHOT_MSG_GONE:
    case SNAPSHOT_MSG_HELD:
    case SNAPSHOT_MSG_WANT:
        break;
    }
}

void snapshot_msg_encode(const struct snapshot_msg *m, struct buf *out)
{
    buf_put_u8(out, MSG_KIND);
    buf_put_u8(out, MSG_VERSION);
    buf_put_u8(out, (uint8_t)m->type);
    buf_put_u64(out, m->from);
    buf_put_u64(out, m->to);
    buf_put_u64(out, m->id.pos.term);
    buf_put_u64(out, m->id.pos.index);
    buf_put_u64(out, m->id.hash);
    snapshot_msg_put_fields(m, out);
}

static void snapshot_msg_read_fields(struct snapshot_msg *m, struct reader *in)
{
    switch (m->type) {
    case SNAPSHOT_MSG_OFFER:
        m->offer.id = m->id;
        m->offer.len = reader_u64(in);
        m->offer.config_index = reader_u64(in);
        m->offer.config = reader_run(in, LIMIT_ENTRY_BYTES);
        break;
    case SNAPSHOT_MSG_GET:
        m->get.id = m->id;
        m->get.offset = reader_u64(in);
        m->get.len = reader_u32(in);
        break;
    case SNAPSHOT_MSG_CHUNK:
        m->chunk.id = m->id;
        m->chunk.offset = reader_u64(in);
        m->chunk.checksum = reader_u64(in);
        m->chunk.bytes = reader_run(in, SNAPSHOT_CHUNK_BYTES);
        break;
    case SNAPSHOT_MSG_GONE:
    case SNAPSHOT_MSG_HELD:
    case SNAPSHOT_MSG_WANT:
        break;
    }
}

/* Numbers that no correct peer could say. */
static bool snapshot_msg_is_odd(const struct snapshot_msg *m)
{
    bool is_odd = m->from == RAFT_NOBODY || m->to == RAFT_NOBODY || m->id.pos.index == 0 ||
                  m->id.pos.term >= POSITION_MAX || m->id.pos.index >= POSITION_MAX;
    if (m->type == SNAPSHOT_MSG_OFFER)
        is_odd = is_odd || m->offer.config_index > m->id.pos.index;
    return is_odd;
}

int snapshot_msg_decode(struct snapshot_msg *out, const uint8_t *cluster_id, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    struct snapshot_msg m = { 0 };
    uint8_t kind = reader_u8(&in);
    uint8_t version = reader_u8(&in);
    uint8_t type = reader_u8(&in);
    if (in.err == OK && kind == MSG_KIND && version > MSG_VERSION)
        return ERR_VERSION;
    if (in.err != OK || kind != MSG_KIND || version == 0 || type < SNAPSHOT_MSG_OFFER ||
        type > SNAPSHOT_MSG_WANT)
        return ERR_CORRUPT;
    m.type = (enum snapshot_msg_type)type;
    m.from = reader_u64(&in);
    m.to = reader_u64(&in);
    memcpy(m.id.cluster_id, cluster_id, sizeof(m.id.cluster_id));
    m.id.pos.term = reader_u64(&in);
    m.id.pos.index = reader_u64(&in);
    m.id.hash = reader_u64(&in);
    snapshot_msg_read_fields(&m, &in);
    if (reader_finish(&in) != OK || snapshot_msg_is_odd(&m))
        return ERR_CORRUPT;
    *out = m;
    return OK;
}
