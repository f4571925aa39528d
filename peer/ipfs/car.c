#include "ipfs/car.h"

#include <string.h>

#include "util/err.h"

enum {
    CAR_PRAGMA_BYTES = 11, /* of version 2: a head that says so, and nothing else */
    CAR_V2_HEAD_BYTES = 40,
    CAR_V2_BEGIN_AT = CAR_PRAGMA_BYTES + 16, /* where the inner one begins: u64, little endian */
    CBOR_UINT = 0,
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,
    CBOR_ARRAY = 4,
    CBOR_MAP = 5,
    CBOR_TAG = 6,
    CBOR_TAG_CID = 42,
};

/* ---- DAG-CBOR, as far as a head needs it ---- */

/* An item's number, which has to be of that kind. */
static uint64_t cbor_number(struct reader *r, unsigned kind)
{
    uint8_t first = reader_u8(r);
    uint64_t value = first & 31;
    if (value == 24)
        value = reader_u8(r);
    else if (value == 25)
        value = reader_u16(r);
    else if (value == 26)
        value = reader_u32(r);
    else if (value == 27)
        value = reader_u64(r);
    else if (value > 27)
        reader_fail(r);
    if (first >> 5 != kind)
        reader_fail(r);
    return value;
}

static struct bytes cbor_run(struct reader *r, unsigned kind)
{
    uint64_t len = cbor_number(r, kind);
    if (len > r->left)
        reader_fail(r);
    return reader_take(r, r->err == OK ? (size_t)len : 0);
}

/* Tag 42, and a CID behind a zero byte. */
static void car_read_root(struct car *c, struct reader *r)
{
    if (cbor_number(r, CBOR_TAG) != CBOR_TAG_CID)
        reader_fail(r);
    struct bytes cid = cbor_run(r, CBOR_BYTES);
    if (r->err != OK)
        return;
    struct cid root;
    const uint8_t *bytes = cid.data;
    if (cid.len < 2 || bytes[0] != 0 || cid_from_bytes(&root, bytes + 1, cid.len - 1) != OK)
        reader_fail(r);
    else if (c->roots_count++ == 0)
        c->root = root;
}

static void car_read_roots(struct car *c, struct reader *r)
{
    uint64_t count = cbor_number(r, CBOR_ARRAY);
    for (uint64_t i = 0; i < count && r->err == OK; i++)
        car_read_root(c, r);
}

/* {"roots": [CID, ...], "version": 1}. Version 2's has no roots. */
static int car_read_map(struct car *c, struct bytes map, uint64_t *version)
{
    struct reader r = reader_of(map.data, map.len);
    uint64_t count = cbor_number(&r, CBOR_MAP);
    *version = 0;
    for (uint64_t i = 0; i < count && r.err == OK; i++) {
        struct bytes key = cbor_run(&r, CBOR_TEXT);
        if (r.err == OK && bytes_equal(key, (struct bytes){ "version", 7 }))
            *version = cbor_number(&r, CBOR_UINT);
        else if (r.err == OK && bytes_equal(key, (struct bytes){ "roots", 5 }) &&
                 c->roots_count == 0)
            car_read_roots(c, &r);
        else
            reader_fail(&r);
    }
    return reader_finish(&r);
}

/* ---- the file ---- */

static int car_go_inside(struct car *c)
{
    if (c->head.len < CAR_PRAGMA_BYTES + CAR_V2_HEAD_BYTES)
        return ERR_MORE;
    uint64_t begin = 0;
    for (int i = 7; i >= 0; i--)
        begin = begin << 8 | c->head.data[CAR_V2_BEGIN_AT + i];
    if (begin < CAR_PRAGMA_BYTES + CAR_V2_HEAD_BYTES || begin > INT64_MAX)
        return ERR_CORRUPT;
    c->is_inner = true;
    size_t have = begin < c->head.len ? (size_t)begin : c->head.len;
    c->skip = begin - have;
    buf_consume(&c->head, have);
    return OK;
}

/* OK: the roots are known, or the inner file begins. ERR_MORE: not yet. */
static int car_look(struct car *c)
{
    struct reader r = reader_of(c->head.data, c->head.len);
    uint64_t len = reader_varint(&r);
    if (r.err != OK)
        return c->head.len < 10 ? ERR_MORE : ERR_CORRUPT;
    if (len == 0 || len > CAR_HEAD_BYTES_MAX - 10)
        return ERR_CORRUPT;
    if (r.left < len)
        return ERR_MORE;
    uint64_t version;
    int err = car_read_map(c, reader_take(&r, (size_t)len), &version);
    if (err != OK)
        return err;
    c->is_known = version == 1;
    if (version == 2 && !c->is_inner && len == CAR_PRAGMA_BYTES - 1)
        return car_go_inside(c);
    return version == 1 ? OK : ERR_UNSUPPORTED;
}

static size_t car_take(struct car *c, const uint8_t *bytes, size_t len)
{
    size_t took = c->skip < len ? (size_t)c->skip : len;
    c->skip -= took;
    if (took > 0 || len == 0)
        return took;
    size_t room = CAR_HEAD_BYTES_MAX - c->head.len;
    took = len < room ? len : room;
    buf_append(&c->head, bytes, took);
    return took;
}

int car_feed(struct car *c, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0 && c->err == OK && !c->is_known) {
        size_t took = car_take(c, at, len);
        at += took;
        len -= took;
        int err = c->head.err != OK ? c->head.err : OK;
        while (err == OK && !c->is_known && c->skip == 0 && c->head.len > 0)
            err = car_look(c);
        if (err == ERR_MORE)
            err = c->head.len < CAR_HEAD_BYTES_MAX ? OK : ERR_CORRUPT;
        c->err = err;
    }
    return c->err;
}

void car_deinit(struct car *c)
{
    buf_deinit(&c->head);
}
