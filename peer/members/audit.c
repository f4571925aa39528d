#include "members/audit.h"

#include "util/assert.h"
#include "util/err.h"

enum { AUDIT_VERSION = 1 };

void audit_note(struct audit *a, uint64_t index, struct hash128 hash)
{
    ASSERT(audit_is_due(index));
    a->marks[index / AUDIT_STEP % AUDIT_KEPT] = (struct audit_mark){ index, hash };
    a->newest = index;
}

static const struct audit_mark *audit_find(const struct audit *a, uint64_t index)
{
    const struct audit_mark *m = &a->marks[index / AUDIT_STEP % AUDIT_KEPT];
    return index > 0 && m->index == index ? m : NULL;
}

bool audit_newest(const struct audit *a, struct audit_mark *out)
{
    const struct audit_mark *m = audit_find(a, a->newest);
    if (m != NULL)
        *out = *m;
    return m != NULL;
}

enum audit_verdict audit_judge(const struct audit *a, const struct audit_mark *theirs)
{
    const struct audit_mark *ours = audit_find(a, theirs->index);
    if (ours == NULL)
        return AUDIT_UNKNOWN;
    bool is_equal = ours->hash.high == theirs->hash.high && ours->hash.low == theirs->hash.low;
    return is_equal ? AUDIT_EQUAL : AUDIT_OTHER;
}

void audit_mark_encode(const struct audit_mark *m, struct buf *out)
{
    buf_put_u8(out, AUDIT_VERSION);
    buf_put_u64(out, m->index);
    buf_put_u64(out, m->hash.high);
    buf_put_u64(out, m->hash.low);
}

int audit_mark_decode(struct audit_mark *out, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    uint8_t version = reader_u8(&in);
    if (in.err == OK && version > AUDIT_VERSION)
        return ERR_VERSION;
    struct audit_mark m = { .index = reader_u64(&in) };
    m.hash.high = reader_u64(&in);
    m.hash.low = reader_u64(&in);
    if (reader_finish(&in) != OK || version == 0)
        return ERR_CORRUPT;
    *out = m;
    return OK;
}
