#include "net/frame.h"

#include <string.h>

#include "util/err.h"

bool cluster_id_is_none(const struct cluster_id *id)
{
    static const struct cluster_id none;
    return cluster_id_equal(id, &none);
}

bool cluster_id_equal(const struct cluster_id *a, const struct cluster_id *b)
{
    return memcmp(a->bytes, b->bytes, CLUSTER_ID_BYTES) == 0;
}

bool cluster_id_conflicts(const struct cluster_id *a, const struct cluster_id *b)
{
    return !cluster_id_is_none(a) && !cluster_id_is_none(b) && !cluster_id_equal(a, b);
}

void frame_head_put(struct buf *out, enum frame_kind kind, const struct cluster_id *cluster)
{
    buf_put_u8(out, (uint8_t)kind);
    buf_put_u8(out, FRAME_VERSION);
    buf_append(out, cluster->bytes, CLUSTER_ID_BYTES);
}

int frame_decode(struct frame *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t kind = reader_u8(&r);
    uint8_t version = reader_u8(&r);
    struct bytes cluster = reader_take(&r, CLUSTER_ID_BYTES);
    if (r.err != OK)
        return ERR_CORRUPT;
    if (version > FRAME_VERSION)
        return ERR_VERSION;
    if (version == 0 || kind < FRAME_RAFT || kind > FRAME_UPLOAD)
        return ERR_CORRUPT;
    out->kind = (enum frame_kind)kind;
    memcpy(out->cluster.bytes, cluster.data, CLUSTER_ID_BYTES);
    out->body = (struct bytes){ r.at, r.left };
    return OK;
}
