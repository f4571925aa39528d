#include "health/metric.h"

#include "util/err.h"

enum { METRIC_VERSION = 1, METRIC_IS_PARTITIONABLE = 1 << 0, METRIC_IS_VALID = 1 << 1 };

bool metric_is_sound(const struct metric *m)
{
    return m->name.len > 0 && m->name.len <= LIMIT_METRIC_NAME_BYTES &&
           m->value.len <= LIMIT_METRIC_VALUE_BYTES && m->ttl_us > 0 &&
           m->ttl_us <= LIMIT_METRIC_TTL_US;
}

void metric_encode(const struct metric *m, struct buf *out)
{
    unsigned flags = m->is_partitionable ? METRIC_IS_PARTITIONABLE : 0;
    flags |= m->is_valid ? METRIC_IS_VALID : 0;
    buf_put_u8(out, METRIC_VERSION);
    buf_put_u8(out, (uint8_t)flags);
    buf_put_u64(out, (uint64_t)m->weight);
    buf_put_u64(out, m->ttl_us);
    buf_put_run(out, m->name.data, m->name.len);
    buf_put_run(out, m->value.data, m->value.len);
}

int metric_decode(struct metric *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > METRIC_VERSION)
        return ERR_VERSION;
    struct metric m = { 0 };
    uint8_t flags = reader_u8(&r);
    m.is_partitionable = (flags & METRIC_IS_PARTITIONABLE) != 0;
    m.is_valid = (flags & METRIC_IS_VALID) != 0;
    m.weight = (int64_t)reader_u64(&r);
    m.ttl_us = reader_u64(&r);
    m.name = reader_run(&r, LIMIT_METRIC_NAME_BYTES);
    m.value = reader_run(&r, LIMIT_METRIC_VALUE_BYTES);
    if (reader_finish(&r) != OK || version == 0 || !metric_is_sound(&m))
        return ERR_CORRUPT;
    *out = m;
    return OK;
}
