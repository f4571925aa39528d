#include "state/pin_entry_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

/* Version 2 has a client's key behind the origin. */
enum { PIN_ENTRY_VERSION = 1, PIN_ENTRY_VERSION_KEY = 2 };

void pin_entry_encode(const struct pin_entry *e, struct buf *out)
{
    ASSERT(e->origin.floor <= e->origin.sequence);
    buf_put_u8(out, (uint8_t)e->kind);
    buf_put_u8(out, e->has_key ? PIN_ENTRY_VERSION_KEY : PIN_ENTRY_VERSION);
    buf_put_u64(out, e->origin.number);
    buf_put_u64(out, e->origin.sequence);
    buf_put_u64(out, e->origin.floor);
    if (e->has_key)
        buf_append(out, e->key, PIN_KEY_BYTES);
    switch (e->kind) {
    case PIN_ENTRY_PIN:
        buf_put_u64(out, e->expected);
        pin_encode(&e->pin, out);
        return;
    case PIN_ENTRY_UNPIN:
        buf_put_u64(out, e->expected);
        buf_put_run(out, e->cid.bytes, e->cid.len);
        return;
    case PIN_ENTRY_CLUSTER_ID:
        buf_append(out, e->cluster_id, sizeof(e->cluster_id));
        return;
    case PIN_ENTRY_LEVEL:
        buf_put_u32(out, e->level);
        return;
    case PIN_ENTRY_SUCCESSOR:
        buf_append(out, e->predecessor, sizeof(e->predecessor));
        buf_append(out, e->cluster_id, sizeof(e->cluster_id));
        return;
    case PIN_ENTRY_DRAIN:
        buf_put_run(out, e->peer.bytes, e->peer.len);
        buf_put_u8(out, e->is_drained);
        return;
    }
    ASSERT(e->kind == PIN_ENTRY_PIN) /* a kind of the enum */;
}

int pin_entry_decode_head(struct pin_entry *out, struct reader *r)
{
    uint8_t kind = reader_u8(r);
    uint8_t version = reader_u8(r);
    if (r->err != OK)
        return ERR_CORRUPT;
    if (kind > PIN_ENTRY_DRAIN || version > PIN_ENTRY_VERSION_KEY)
        return ERR_VERSION;
    struct pin_origin origin = { 0 };
    origin.number = reader_u64(r);
    origin.sequence = reader_u64(r);
    origin.floor = reader_u64(r);
    if (r->err != OK || kind == 0 || version == 0 || origin.floor > origin.sequence)
        return ERR_CORRUPT;
    struct pin_entry e = { .kind = (enum pin_entry_kind)kind, .origin = origin };
    e.has_key = version == PIN_ENTRY_VERSION_KEY;
    if (e.has_key) {
        struct bytes key = reader_take(r, PIN_KEY_BYTES);
        if (r->err != OK)
            return ERR_CORRUPT;
        memcpy(e.key, key.data, PIN_KEY_BYTES);
    }
    *out = e;
    return OK;
}

static void pin_entry_read_id(uint8_t out[STATE_CLUSTER_ID_BYTES], struct reader *r)
{
    struct bytes raw = reader_take(r, STATE_CLUSTER_ID_BYTES);
    if (r->err == OK)
        memcpy(out, raw.data, raw.len);
}

static int pin_entry_read_cid(struct pin_entry *out, struct reader *r)
{
    struct bytes raw = reader_run(r, LIMIT_CID_BYTES);
    if (r->err != OK || cid_from_bytes(&out->cid, raw.data, raw.len) != OK)
        return ERR_CORRUPT;
    return reader_finish(r);
}

static int pin_entry_read_drain(struct pin_entry *out, struct reader *r)
{
    struct bytes raw = reader_run(r, LIMIT_PEER_ID_BYTES);
    if (r->err != OK || peer_id_from_bytes(&out->peer, raw.data, raw.len) != OK)
        return ERR_CORRUPT;
    uint8_t is_drained = reader_u8(r);
    out->is_drained = is_drained == 1;
    return is_drained > 1 ? ERR_CORRUPT : reader_finish(r);
}

int pin_entry_decode_body(struct pin_entry *out, struct arena *arena, struct reader *r)
{
    switch (out->kind) {
    case PIN_ENTRY_PIN:
        out->expected = reader_u64(r);
        return pin_decode(&out->pin, arena, r->at, r->left);
    case PIN_ENTRY_UNPIN:
        out->expected = reader_u64(r);
        return pin_entry_read_cid(out, r);
    case PIN_ENTRY_CLUSTER_ID:
        pin_entry_read_id(out->cluster_id, r);
        return reader_finish(r);
    case PIN_ENTRY_LEVEL:
        out->level = reader_u32(r);
        return reader_finish(r);
    case PIN_ENTRY_SUCCESSOR:
        pin_entry_read_id(out->predecessor, r);
        pin_entry_read_id(out->cluster_id, r);
        return reader_finish(r);
    case PIN_ENTRY_DRAIN:
        return pin_entry_read_drain(out, r);
    }
    return ERR_CORRUPT;
}

int pin_entry_decode(struct pin_entry *out, struct arena *arena, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    struct pin_entry entry;
    int err = pin_entry_decode_head(&entry, &r);
    if (err == OK)
        err = pin_entry_decode_body(&entry, arena, &r);
    if (err == OK)
        *out = entry;
    return err;
}
