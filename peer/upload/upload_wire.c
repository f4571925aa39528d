#include "upload/upload_wire.h"

#include "util/err.h"

enum { MSG_KIND = 'U', MSG_VERSION = 1 };

/* Flags of an OPEN. */
enum {
    FLAG_CAR = 1,
    FLAG_TRICKLE = 2,
    FLAG_RAW_LEAVES = 4,
    FLAG_WRAP = 8,
    FLAG_PROGRESS = 16,
    FLAGS_ALL = 31,
};

static uint8_t upload_flags(const struct upload_params *p)
{
    return (uint8_t)((p->is_car ? FLAG_CAR : 0) | (p->is_trickle ? FLAG_TRICKLE : 0) |
                     (p->has_raw_leaves ? FLAG_RAW_LEAVES : 0) | (p->wraps ? FLAG_WRAP : 0) |
                     (p->has_progress ? FLAG_PROGRESS : 0));
}

static void upload_put_params(const struct upload_params *p, struct buf *out)
{
    buf_put_u8(out, upload_flags(p));
    buf_put_u8(out, p->cid_version);
    buf_put_run(out, p->chunker.data, p->chunker.len);
    buf_put_run(out, p->hash.data, p->hash.len);
    buf_put_run(out, p->boundary.data, p->boundary.len);
}

static void upload_read_params(struct upload_params *p, struct reader *in)
{
    uint8_t flags = reader_u8(in);
    if ((flags & ~FLAGS_ALL) != 0)
        reader_fail(in);
    p->is_car = (flags & FLAG_CAR) != 0;
    p->is_trickle = (flags & FLAG_TRICKLE) != 0;
    p->has_raw_leaves = (flags & FLAG_RAW_LEAVES) != 0;
    p->wraps = (flags & FLAG_WRAP) != 0;
    p->has_progress = (flags & FLAG_PROGRESS) != 0;
    p->cid_version = reader_u8(in);
    p->chunker = reader_run(in, UPLOAD_WORD_BYTES_MAX);
    p->hash = reader_run(in, UPLOAD_WORD_BYTES_MAX);
    p->boundary = reader_run(in, UPLOAD_WORD_BYTES_MAX);
    if (p->cid_version > 1 || p->boundary.len == 0)
        reader_fail(in);
}

static void upload_read_cid(struct cid *cid, struct reader *in)
{
    struct bytes run = reader_run(in, LIMIT_CID_BYTES);
    if (run.len > 0 && cid_from_bytes(cid, run.data, run.len) != OK)
        reader_fail(in);
}

static void upload_put_fields(const struct upload_msg *m, struct buf *out)
{
    switch (m->type) {
    case UPLOAD_OPEN:
        upload_put_params(&m->params, out);
        break;
    case UPLOAD_DATA:
    case UPLOAD_ROWS:
        buf_put_run(out, m->bytes.data, m->bytes.len);
        break;
    case UPLOAD_END:
        buf_put_run(out, m->root.bytes, m->root.len);
        break;
    case UPLOAD_RESULT:
        buf_put_u16(out, (uint16_t)-m->err);
        buf_put_run(out, m->text.data, m->text.len);
        break;
    case UPLOAD_CANCEL:
    case UPLOAD_GRANT:
    case UPLOAD_CREDIT:
        break;
    }
}

void upload_msg_encode(const struct upload_msg *m, struct buf *out)
{
    buf_put_u8(out, MSG_KIND);
    buf_put_u8(out, MSG_VERSION);
    buf_put_u8(out, (uint8_t)m->type);
    buf_put_u64(out, m->id);
    buf_put_u64(out, m->number);
    upload_put_fields(m, out);
}

static void upload_read_fields(struct upload_msg *m, struct reader *in)
{
    switch (m->type) {
    case UPLOAD_OPEN:
        upload_read_params(&m->params, in);
        break;
    case UPLOAD_DATA:
        m->bytes = reader_run(in, UPLOAD_PIECE_BYTES_MAX);
        break;
    case UPLOAD_ROWS:
        m->bytes = reader_run(in, UPLOAD_ROWS_BYTES_MAX);
        break;
    case UPLOAD_END:
        upload_read_cid(&m->root, in);
        break;
    case UPLOAD_RESULT:
        m->err = -(int)reader_u16(in);
        m->text = reader_run(in, UPLOAD_TEXT_BYTES_MAX);
        break;
    case UPLOAD_CANCEL:
    case UPLOAD_GRANT:
    case UPLOAD_CREDIT:
        break;
    }
}

/* The version; 0: it is no such message. */
static uint8_t upload_read_head(struct upload_msg *m, struct reader *in)
{
    uint8_t kind = reader_u8(in);
    uint8_t version = reader_u8(in);
    uint8_t type = reader_u8(in);
    m->type = (enum upload_msg_type)type;
    m->id = reader_u64(in);
    m->number = reader_u64(in);
    bool is_known = kind == MSG_KIND && type >= UPLOAD_OPEN && type <= UPLOAD_RESULT;
    return in->err == OK && is_known && m->number <= INT64_MAX ? version : 0;
}

int upload_msg_decode(struct upload_msg *out, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    struct upload_msg m = { 0 };
    uint8_t version = upload_read_head(&m, &in);
    if (version == 0)
        return ERR_CORRUPT;
    if (version > MSG_VERSION)
        return ERR_VERSION;
    upload_read_fields(&m, &in);
    if (reader_finish(&in) != OK)
        return ERR_CORRUPT;
    *out = m;
    return OK;
}

int upload_msg_decode_head(struct upload_msg *out, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    struct upload_msg m = { 0 };
    if (upload_read_head(&m, &in) == 0)
        return ERR_CORRUPT;
    *out = m;
    return OK;
}

bool upload_msg_is_answer(const struct upload_msg *m)
{
    return m->type == UPLOAD_CREDIT || m->type == UPLOAD_ROWS || m->type == UPLOAD_RESULT;
}

/* ---- rows ---- */

void upload_row_put(struct buf *out, const struct upload_row *row)
{
    buf_put_run(out, row->name.data, row->name.len);
    buf_put_run(out, row->cid.bytes, row->cid.len);
    buf_put_varint(out, row->bytes);
    buf_put_varint(out, row->size);
}

void upload_row_read(struct reader *in, struct upload_row *row)
{
    *row = (struct upload_row){ .name = reader_run(in, UPLOAD_ROWS_BYTES_MAX) };
    upload_read_cid(&row->cid, in);
    row->bytes = reader_varint(in);
    row->size = reader_varint(in);
}
