/* Keys and rows of the state, and the ways to walk them. */
#include "state/pinset_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

/* ---- keys ---- */

static void pinset_key_append(struct pinset_key *k, const void *bytes, size_t len)
{
    ASSERT(len <= sizeof(k->bytes) - k->len);
    if (len > 0)
        memcpy(k->bytes + k->len, bytes, len);
    k->len += len;
}

static void pinset_key_append_u64(struct pinset_key *k, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    pinset_key_append(k, bytes, sizeof(bytes));
}

struct pinset_key pinset_key_of_cid(const struct cid *cid)
{
    struct pinset_key k = { 0 };
    pinset_key_append(&k, cid->bytes, cid->len);
    return k;
}

struct pinset_key pinset_key_held(const struct peer_id *holder, const struct cid *cid)
{
    struct pinset_key k = { 0 };
    pinset_key_append(&k, &holder->len, 1);
    pinset_key_append(&k, holder->bytes, holder->len);
    pinset_key_append(&k, cid->bytes, cid->len);
    return k;
}

struct pinset_key pinset_key_expiry(int64_t expire_s, const struct cid *cid)
{
    struct pinset_key k = { 0 };
    pinset_key_append_u64(&k, (uint64_t)expire_s);
    pinset_key_append(&k, cid->bytes, cid->len);
    return k;
}

struct pinset_key pinset_key_of_peer(const struct peer_id *peer)
{
    struct pinset_key k = { 0 };
    pinset_key_append(&k, peer->bytes, peer->len);
    return k;
}

struct pinset_key pinset_key_of_number(uint64_t number)
{
    struct pinset_key k = { 0 };
    pinset_key_append_u64(&k, number);
    return k;
}

/* ---- pins ---- */

static int pinset_decode_row(struct bytes key, struct bytes value, struct arena *arena,
                             struct pin *out)
{
    int err = pin_decode(out, arena, value.data, value.len);
    bool is_anothers =
        err == OK && !bytes_equal(key, (struct bytes){ out->cid.bytes, out->cid.len });
    return is_anothers ? ERR_CORRUPT : err;
}

int pinset_get(struct view *view, const struct cid *cid, struct arena *arena, struct pin *out)
{
    struct pinset_key key = pinset_key_of_cid(cid);
    struct bytes value;
    int err = view_get(view, STATE_TABLE_PINS, pinset_key_bytes(&key), &value);
    if (err != OK)
        return err;
    return pinset_decode_row(pinset_key_bytes(&key), value, arena, out);
}

/* The first row behind `key`. */
static int pinset_seek_behind(struct view *view, unsigned table, const struct pinset_key *key,
                              struct view_row *row)
{
    int err = view_seek(view, table, pinset_key_bytes(key), row);
    if (err == OK && bytes_equal(row->key, pinset_key_bytes(key)))
        err = view_next(view, table, row);
    return err;
}

static int pinset_decode_hold(struct bytes key, struct bytes value, const struct peer_id *peer,
                              struct pin_hold *out)
{
    int err = pin_decode_hold(out, peer, value.data, value.len);
    bool is_anothers =
        err == OK && !bytes_equal(key, (struct bytes){ out->cid.bytes, out->cid.len });
    return is_anothers ? ERR_CORRUPT : err;
}

int pinset_get_hold(struct view *view, const struct cid *cid, const struct peer_id *peer,
                    struct pin_hold *out)
{
    struct pinset_key key = pinset_key_of_cid(cid);
    struct bytes value;
    int err = view_get(view, STATE_TABLE_PINS, pinset_key_bytes(&key), &value);
    return err == OK ? pinset_decode_hold(pinset_key_bytes(&key), value, peer, out) : err;
}

struct pinset_cursor pinset_cursor_after(struct view *view, const struct cid *after)
{
    return (struct pinset_cursor){ .view = view, .after = *after };
}

static int pinset_cursor_move(struct pinset_cursor *c, struct view_row *row)
{
    if (c->is_placed)
        return view_next(c->view, STATE_TABLE_PINS, row);
    struct pinset_key key = pinset_key_of_cid(&c->after);
    int err = pinset_seek_behind(c->view, STATE_TABLE_PINS, &key, row);
    c->is_placed = err == OK;
    return err;
}

int pinset_next(struct pinset_cursor *c, struct arena *arena, struct pin *out)
{
    struct view_row row;
    int err = pinset_cursor_move(c, &row);
    return err == OK ? pinset_decode_row(row.key, row.value, arena, out) : err;
}

int pinset_next_hold(struct pinset_cursor *c, const struct peer_id *peer, struct pin_hold *out)
{
    struct view_row row;
    int err = pinset_cursor_move(c, &row);
    return err == OK ? pinset_decode_hold(row.key, row.value, peer, out) : err;
}

/* ---- by holder ---- */

struct pinset_held_cursor pinset_held_after(struct view *view, const struct peer_id *holder,
                                            const struct cid *after)
{
    return (struct pinset_held_cursor){ .view = view, .holder = *holder, .after = *after };
}

/* Splits a key of the index; ERR_CORRUPT when it is none. */
static int pinset_split_held(struct bytes key, struct peer_id *holder, struct cid *cid)
{
    struct reader r = reader_of(key.data, key.len);
    uint8_t len = reader_u8(&r);
    struct bytes id = reader_take(&r, len);
    *holder = (struct peer_id){ 0 };
    if (r.err != OK || (len > 0 && peer_id_from_bytes(holder, id.data, id.len) != OK))
        return ERR_CORRUPT;
    return cid_from_bytes(cid, r.at, r.left) == OK ? OK : ERR_CORRUPT;
}

static int pinset_held_move(struct pinset_held_cursor *c, struct view_row *row)
{
    if (c->is_placed)
        return view_next(c->view, STATE_TABLE_BY_HOLDER, row);
    struct pinset_key key = pinset_key_held(&c->holder, &c->after);
    int err = pinset_seek_behind(c->view, STATE_TABLE_BY_HOLDER, &key, row);
    c->is_placed = err == OK;
    return err;
}

int pinset_next_held(struct pinset_held_cursor *c, struct cid *out)
{
    struct view_row row;
    int err = pinset_held_move(c, &row);
    struct peer_id holder = { 0 };
    struct cid cid;
    if (err == OK)
        err = pinset_split_held(row.key, &holder, &cid);
    if (err != OK)
        return err;
    if (!peer_id_equal(&holder, &c->holder))
        return ERR_NOT_FOUND;
    err = pinset_held_check(row.value);
    if (err == OK)
        *out = cid;
    return err;
}

int pinset_next_holder(struct view *view, const struct peer_id *after, struct peer_id *out)
{
    /* No CID begins with ff: such a key stands behind all of this holder's and before the next one's. */
    const struct cid last = { .len = 1, .bytes = { 0xff } };
    const struct peer_id nobody = { 0 };
    struct pinset_key key = pinset_key_held(after != NULL ? after : &nobody, &last);
    struct view_row row;
    struct cid cid;
    int err = view_seek(view, STATE_TABLE_BY_HOLDER, pinset_key_bytes(&key), &row);
    if (err != OK)
        return err;
    struct peer_id holder;
    err = pinset_split_held(row.key, &holder, &cid);
    if (err == OK)
        *out = holder;
    return err;
}

enum { HELD_VERSION = 1 };

size_t pinset_held_encode(uint8_t out[PINSET_HELD_BYTES], enum pin_type type, int32_t max_depth)
{
    uint32_t depth = (uint32_t)max_depth;
    out[0] = HELD_VERSION;
    out[1] = (uint8_t)type;
    for (size_t i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(depth >> (24 - 8 * i));
    return PINSET_HELD_BYTES;
}

int pinset_held_check(struct bytes value)
{
    struct reader r = reader_of(value.data, value.len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > HELD_VERSION)
        return ERR_VERSION;
    (void)reader_take(&r, PINSET_HELD_BYTES - 1);
    return reader_finish(&r) != OK || version == 0 ? ERR_CORRUPT : OK;
}

/* ---- by expiry ---- */

int pinset_next_expiry(struct view *view, const struct pinset_expiry *after, int64_t until_s,
                       struct pinset_expiry *out)
{
    struct pinset_key key = pinset_key_expiry(after->expire_s, &after->cid);
    struct view_row row;
    int err = pinset_seek_behind(view, STATE_TABLE_BY_EXPIRY, &key, &row);
    if (err != OK)
        return err;
    struct reader r = reader_of(row.key.data, row.key.len);
    struct pinset_expiry found = { .expire_s = (int64_t)reader_u64(&r) };
    if (r.err != OK || cid_from_bytes(&found.cid, r.at, r.left) != OK)
        return ERR_CORRUPT;
    if (found.expire_s > until_s)
        return ERR_NOT_FOUND;
    *out = found;
    return OK;
}
