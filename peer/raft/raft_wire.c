/* The bytes of Raft's messages and entries: what another member, or our own disk, may hand us (docs/WIRE.md).
 * Strict: one encoding for each value, nothing left over, so that what is decoded and encoded again is equal. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"

enum {
    RAFT_MSG_KIND = 'R',
    RAFT_MSG_VERSION = 1,
    RAFT_ENTRY_BYTES_KIND = 'E',
    RAFT_ENTRY_BYTES_VERSION = 1,
};

enum { RAFT_FLAG_PRE_VOTE = 1, RAFT_FLAG_TRANSFER = 2, RAFT_FLAG_GRANTED = 4 };

/* ---- numbers ---- */

/* Terms, indexes and rounds count from 0: half of the range is never reached by counting, and refusing it keeps sums
 * from wrapping round. */
static uint64_t raft_read_count(struct reader *in)
{
    uint64_t count = reader_u64(in);
    if (count > UINT64_MAX / 2)
        in->err = ERR_CORRUPT;
    return count;
}

static struct raft_pos raft_read_pos(struct reader *in)
{
    uint64_t term = raft_read_count(in);
    uint64_t index = raft_read_count(in);
    return (struct raft_pos){ .term = term, .index = index };
}

/* ---- entries ---- */

void raft_entry_encode(const struct raft_entry *e, struct buf *out)
{
    buf_put_u8(out, RAFT_ENTRY_BYTES_KIND);
    buf_put_u8(out, RAFT_ENTRY_BYTES_VERSION);
    buf_put_u8(out, (uint8_t)e->kind);
    buf_put_u64(out, e->pos.term);
    buf_put_u64(out, e->pos.index);
    buf_put_run(out, e->payload.data, e->payload.len);
}

static bool raft_entry_kind_is_known(uint8_t kind)
{
    return kind == RAFT_ENTRY_NOOP || kind == RAFT_ENTRY_CONFIG || kind == RAFT_ENTRY_DATA;
}

int raft_entry_decode(struct raft_entry *out, const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    uint8_t kind = reader_u8(&in);
    uint8_t version = reader_u8(&in);
    if (in.err != OK || kind != RAFT_ENTRY_BYTES_KIND || version == 0)
        return ERR_CORRUPT;
    if (version > RAFT_ENTRY_BYTES_VERSION)
        return ERR_VERSION;
    uint8_t entry_kind = reader_u8(&in);
    struct raft_entry e = { .kind = entry_kind };
    e.pos = raft_read_pos(&in);
    e.payload = reader_run(&in, LIMIT_ENTRY_BYTES);
    if (reader_finish(&in) != OK || e.pos.term == 0 || e.pos.index == 0)
        return ERR_CORRUPT;
    if (!raft_entry_kind_is_known(entry_kind))
        return ERR_CORRUPT;
    *out = e;
    return OK;
}

/* ---- messages ---- */

/* Which flags mean something for a type of message; the others must be 0. */
static unsigned raft_msg_flags_allowed(enum raft_msg_type type)
{
    switch (type) {
    case RAFT_MSG_VOTE:
        return RAFT_FLAG_PRE_VOTE | RAFT_FLAG_TRANSFER;
    case RAFT_MSG_VOTE_REPLY:
        return RAFT_FLAG_PRE_VOTE | RAFT_FLAG_GRANTED;
    case RAFT_MSG_APPEND_REPLY:
        return RAFT_FLAG_GRANTED;
    case RAFT_MSG_APPEND:
    case RAFT_MSG_TIMEOUT_NOW:
        return 0;
    }
    return 0;
}

static unsigned raft_msg_flags(const struct raft_msg *m)
{
    return (m->is_pre_vote ? RAFT_FLAG_PRE_VOTE : 0u) | (m->is_transfer ? RAFT_FLAG_TRANSFER : 0u) |
           (m->granted ? RAFT_FLAG_GRANTED : 0u);
}

/* Their indexes follow from `last`: a message with a gap cannot be written down. */
static void raft_put_entries(const struct raft_msg *m, struct buf *out)
{
    buf_put_varint(out, m->entries_count);
    for (size_t i = 0; i < m->entries_count; i++) {
        const struct raft_entry *e = &m->entries[i];
        ASSERT(e->pos.index == m->last.index + 1 + i);
        buf_put_u8(out, (uint8_t)e->kind);
        buf_put_u64(out, e->pos.term);
        buf_put_run(out, e->payload.data, e->payload.len);
    }
}

static void raft_put_pos(struct raft_pos pos, struct buf *out)
{
    buf_put_u64(out, pos.term);
    buf_put_u64(out, pos.index);
}

void raft_msg_encode(const struct raft_msg *m, struct buf *out)
{
    ASSERT((raft_msg_flags(m) & ~raft_msg_flags_allowed(m->type)) == 0);
    buf_put_u8(out, RAFT_MSG_KIND);
    buf_put_u8(out, RAFT_MSG_VERSION);
    buf_put_u8(out, (uint8_t)m->type);
    buf_put_u8(out, (uint8_t)raft_msg_flags(m));
    buf_put_u64(out, m->from);
    buf_put_u64(out, m->to);
    buf_put_u64(out, m->term);
    switch (m->type) {
    case RAFT_MSG_VOTE:
        raft_put_pos(m->last, out);
        break;
    case RAFT_MSG_APPEND:
        raft_put_pos(m->last, out);
        buf_put_u64(out, m->committed);
        buf_put_u64(out, m->round);
        raft_put_entries(m, out);
        break;
    case RAFT_MSG_APPEND_REPLY:
        raft_put_pos(m->last, out);
        buf_put_u64(out, m->round);
        buf_put_u64(out, m->match);
        buf_put_u64(out, m->conflict_term);
        break;
    case RAFT_MSG_VOTE_REPLY:
    case RAFT_MSG_TIMEOUT_NOW:
        break;
    }
}

/* Terms never fall within a log, and none is above the sender's: what breaks that is not from a leader. */
static int raft_read_entries(struct raft_msg *m, struct raft_entry *room, size_t room_count,
                             struct reader *in)
{
    uint64_t count = reader_varint(in);
    if (in->err != OK || count > in->left)
        return ERR_CORRUPT;
    if (count > room_count)
        return ERR_TOO_BIG;
    uint64_t term_before = m->last.term;
    for (size_t i = 0; i < count; i++) {
        uint8_t kind = reader_u8(in);
        struct raft_entry *e = &room[i];
        *e = (struct raft_entry){ .kind = (enum raft_entry_kind)kind };
        e->pos.term = reader_u64(in);
        e->pos.index = m->last.index + 1 + i;
        e->payload = reader_run(in, LIMIT_ENTRY_BYTES);
        if (in->err != OK || !raft_entry_kind_is_known(kind))
            return ERR_CORRUPT;
        if (e->pos.term == 0 || e->pos.term < term_before || e->pos.term > m->term)
            return ERR_CORRUPT;
        term_before = e->pos.term;
    }
    m->entries = count > 0 ? room : NULL;
    m->entries_count = (size_t)count;
    return OK;
}

static int raft_msg_read_rest(struct raft_msg *m, struct raft_entry *room, size_t room_count,
                              struct reader *in)
{
    switch (m->type) {
    case RAFT_MSG_VOTE:
        m->last = raft_read_pos(in);
        return OK;
    case RAFT_MSG_APPEND:
        m->last = raft_read_pos(in);
        m->committed = raft_read_count(in);
        m->round = raft_read_count(in);
        return raft_read_entries(m, room, room_count, in);
    case RAFT_MSG_APPEND_REPLY:
        m->last = raft_read_pos(in);
        m->round = raft_read_count(in);
        m->match = raft_read_count(in);
        m->conflict_term = raft_read_count(in);
        return OK;
    case RAFT_MSG_VOTE_REPLY:
    case RAFT_MSG_TIMEOUT_NOW:
        return OK;
    }
    return ERR_CORRUPT;
}

int raft_msg_decode(struct raft_msg *out, struct raft_entry *room, size_t room_count,
                    const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    uint8_t kind = reader_u8(&in);
    uint8_t version = reader_u8(&in);
    if (in.err != OK || kind != RAFT_MSG_KIND || version == 0)
        return ERR_CORRUPT;
    if (version > RAFT_MSG_VERSION)
        return ERR_VERSION;
    struct raft_msg m = { .type = (enum raft_msg_type)reader_u8(&in) };
    uint8_t flags = reader_u8(&in);
    m.from = reader_u64(&in);
    m.to = reader_u64(&in);
    m.term = raft_read_count(&in);
    if (in.err != OK || (flags & ~raft_msg_flags_allowed(m.type)) != 0)
        return ERR_CORRUPT;
    m.is_pre_vote = (flags & RAFT_FLAG_PRE_VOTE) != 0;
    m.is_transfer = (flags & RAFT_FLAG_TRANSFER) != 0;
    m.granted = (flags & RAFT_FLAG_GRANTED) != 0;
    int err = raft_msg_read_rest(&m, room, room_count, &in);
    if (err == OK)
        err = reader_finish(&in);
    if (err == OK)
        *out = m;
    return err;
}
