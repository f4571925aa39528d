#include "store/raft_meta.h"

#include <string.h>

#include "util/err.h"

enum { META_KIND = 'M', META_VERSION = 1, CONFIG_BYTES_MAX = LIMIT_ENTRY_BYTES };

static void raft_meta_put_config(const struct raft_config *config, struct buf *out)
{
    struct buf bytes = { 0 };
    raft_config_encode(config, &bytes);
    buf_put_u64(out, config->index);
    buf_put_run(out, bytes.data, bytes.len);
    if (bytes.err != OK)
        out->err = bytes.err;
    buf_deinit(&bytes);
}

void raft_meta_encode(const struct raft_meta *meta, const struct raft_config *config,
                      const struct raft_config *config_previous, struct buf *out)
{
    ASSERT(config != NULL || config_previous == NULL);
    buf_put_u8(out, META_KIND);
    buf_put_u8(out, META_VERSION);
    buf_append(out, meta->identity.cluster_id, sizeof(meta->identity.cluster_id));
    buf_put_u64(out, meta->identity.number);
    buf_put_u64(out, meta->identity.generation);
    buf_put_u64(out, meta->identity.boots);
    buf_put_u64(out, meta->hard.term);
    buf_put_u64(out, meta->hard.voted_for);
    buf_put_u64(out, meta->hard.committed);
    buf_put_u64(out, meta->base.term);
    buf_put_u64(out, meta->base.index);
    buf_put_u64(out, meta->last);
    buf_put_u8(out, (uint8_t)((config != NULL) + (config_previous != NULL)));
    if (config != NULL)
        raft_meta_put_config(config, out);
    if (config_previous != NULL)
        raft_meta_put_config(config_previous, out);
}

static int raft_meta_read_config(struct reader *in, struct raft_config *config)
{
    uint64_t index = reader_u64(in);
    struct bytes bytes = reader_run(in, CONFIG_BYTES_MAX);
    if (in->err != OK)
        return ERR_CORRUPT;
    int err = raft_config_decode(config, bytes.data, bytes.len);
    if (err == OK)
        config->index = index;
    return err;
}

static int raft_meta_read_configs(struct reader *in, struct raft_meta *meta)
{
    uint8_t count = reader_u8(in);
    int err = in->err == OK && count <= 2 ? OK : ERR_CORRUPT;
    if (err == OK && count > 0) {
        err = raft_meta_read_config(in, &meta->config);
        meta->has_config = err == OK;
    }
    if (err == OK && count > 1) {
        err = raft_meta_read_config(in, &meta->config_previous);
        meta->has_previous = err == OK;
    }
    return err == OK ? reader_finish(in) : err;
}

int raft_meta_decode(struct raft_meta *out, const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    uint8_t kind = reader_u8(&in);
    uint8_t version = reader_u8(&in);
    if (in.err != OK || kind != META_KIND || version == 0)
        return ERR_CORRUPT;
    if (version > META_VERSION)
        return ERR_VERSION;
    struct raft_meta meta = { 0 };
    struct bytes cluster_id = reader_take(&in, sizeof(meta.identity.cluster_id));
    meta.identity.number = reader_u64(&in);
    meta.identity.generation = reader_u64(&in);
    meta.identity.boots = reader_u64(&in);
    meta.hard.term = reader_u64(&in);
    meta.hard.voted_for = reader_u64(&in);
    meta.hard.committed = reader_u64(&in);
    meta.base.term = reader_u64(&in);
    meta.base.index = reader_u64(&in);
    meta.last = reader_u64(&in);
    int err = raft_meta_read_configs(&in, &meta);
    if (err != OK) {
        raft_meta_deinit(&meta);
        return err;
    }
    memcpy(meta.identity.cluster_id, cluster_id.data, cluster_id.len);
    *out = meta;
    return OK;
}

void raft_meta_deinit(struct raft_meta *meta)
{
    raft_config_deinit(&meta->config);
    raft_config_deinit(&meta->config_previous);
    meta->has_config = meta->has_previous = false;
}
