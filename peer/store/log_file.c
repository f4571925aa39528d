#include "store/log_file.h"

#include <string.h>

enum { FILE_MARK = 0x4c4f473a /* "LOG:" */, GROUP_MARK = 0xa7 };
enum { TABLE_META = 1, TABLE_RECORDS = 2 };
enum { CHECKSUM_LEN = 8, INDEX_LEN = 8 };

static void put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void pad(struct buf *b)
{
    size_t more = log_sector_up(b->len) - b->len;
    uint8_t *to = more > 0 ? buf_reserve(b, more) : NULL;
    if (to != NULL) {
        memset(to, 0, more);
        b->len += more;
    }
}

/* ---- the segment's head ---- */

void log_file_head_encode(const struct log_file_head *head, struct buf *out)
{
    size_t begin = out->len;
    buf_put_u32(out, FILE_MARK);
    buf_put_u8(out, LOG_FILE_VERSION);
    buf_put_u8(out, ROOM_LOG);
    buf_put_u16(out, 0);
    buf_put_u64(out, head->number);
    buf_put_u64(out, head->nonce);
    buf_put_u64(out, head->group_first);
    buf_put_u64(out, head->oldest);
    buf_put_u64(out, head->extent.first);
    buf_put_u64(out, head->extent.last);
    buf_put_u64(out, head->meta.len);
    buf_append(out, head->meta.data, head->meta.len);
    buf_put_u64(out, out->err == OK ? hash64(ROOM_LOG, out->data + begin, out->len - begin) : 0);
    pad(out);
}

static int head_read(struct log_file_head *head, struct reader *r)
{
    uint32_t mark = reader_u32(r);
    uint8_t version = reader_u8(r);
    uint8_t room = reader_u8(r);
    (void)reader_u16(r);
    if (mark != FILE_MARK || room != ROOM_LOG || version == 0)
        return ERR_CORRUPT;
    if (version > LOG_FILE_VERSION)
        return ERR_VERSION;
    head->number = reader_u64(r);
    head->nonce = reader_u64(r);
    head->group_first = reader_u64(r);
    head->oldest = reader_u64(r);
    head->extent.first = reader_u64(r);
    head->extent.last = reader_u64(r);
    uint64_t meta_len = reader_u64(r);
    if (meta_len > LIMIT_LOG_UNIT_BYTES)
        return ERR_CORRUPT;
    head->meta = reader_take(r, meta_len);
    return r->err;
}

int log_file_head_decode(struct log_file_head *out, struct bytes file, size_t *len)
{
    struct reader r = reader_of(file.data, file.len);
    struct log_file_head head = { 0 };
    int err = head_read(&head, &r);
    if (err != OK)
        return err;
    size_t covered = LOG_FILE_HEAD_LEN - CHECKSUM_LEN + head.meta.len;
    uint64_t checksum = reader_u64(&r);
    if (r.err != OK || checksum != hash64(ROOM_LOG, file.data, covered))
        return ERR_CORRUPT;
    bool is_empty = head.extent.first == 0 && head.extent.last == 0;
    bool is_range = head.extent.first > 0 && head.extent.first <= head.extent.last;
    if (head.number == 0 || head.oldest == 0 || head.oldest > head.number ||
        !(is_empty || is_range))
        return ERR_CORRUPT;
    *out = head;
    *len = log_sector_up(covered + CHECKSUM_LEN);
    return OK;
}

/* ---- groups ---- */

static uint64_t place_seed(const struct log_place *place)
{
    uint8_t raw[16];
    put_u64(raw, place->segment);
    put_u64(raw + 8, place->offset);
    return hash64(place->nonce, raw, sizeof(raw));
}

static void group_head_write(uint8_t to[LOG_GROUP_HEAD_LEN], const struct log_place *place,
                             const struct log_group_head *head)
{
    memset(to, 0, LOG_GROUP_HEAD_LEN);
    to[0] = GROUP_MARK;
    to[1] = (uint8_t)head->kind;
    for (int i = 0; i < 4; i++)
        to[4 + i] = (uint8_t)(head->body_len >> (24 - 8 * i));
    put_u64(to + 8, head->number);
    put_u64(to + 16, head->body_checksum);
    put_u64(to + 24, hash64(place_seed(place), to, LOG_GROUP_HEAD_LEN - CHECKSUM_LEN));
}

void log_group_begin(struct buf *group)
{
    ASSERT(group->len == 0);
    if (buf_reserve(group, LOG_GROUP_HEAD_LEN) != NULL)
        group->len = LOG_GROUP_HEAD_LEN;
}

void log_group_end(struct buf *group, const struct log_place *place, uint64_t number)
{
    size_t body_len = group->len - LOG_GROUP_HEAD_LEN;
    pad(group);
    if (group->err != OK)
        return;
    struct log_group_head head = { LOG_GROUP, number, body_len, 0 };
    head.body_checksum = hash64(place_seed(place), group->data + LOG_GROUP_HEAD_LEN, body_len);
    group_head_write(group->data, place, &head);
}

void log_seal_encode(struct buf *out, const struct log_place *place, enum log_group_kind kind,
                     uint64_t number)
{
    uint8_t *to = buf_reserve(out, LOG_SECTOR);
    if (to == NULL)
        return;
    memset(to, 0, LOG_SECTOR);
    struct log_group_head head = { kind, number, 0, hash64(place_seed(place), NULL, 0) };
    group_head_write(to, place, &head);
    out->len += LOG_SECTOR;
}

bool log_group_head_decode(struct log_group_head *out, struct bytes bytes,
                           const struct log_place *place)
{
    const uint8_t *raw = bytes.data;
    if (bytes.len < LOG_GROUP_HEAD_LEN || raw[0] != GROUP_MARK)
        return false;
    struct reader r = reader_of(raw + 1, LOG_GROUP_HEAD_LEN - 1);
    unsigned kind = reader_u8(&r);
    uint16_t zero = reader_u16(&r);
    uint32_t body_len = reader_u32(&r);
    struct log_group_head head = { .body_len = body_len };
    head.number = reader_u64(&r);
    head.body_checksum = reader_u64(&r);
    if (reader_u64(&r) != hash64(place_seed(place), raw, LOG_GROUP_HEAD_LEN - CHECKSUM_LEN) ||
        kind < LOG_GROUP || kind > LOG_END || zero != 0 || body_len > LOG_GROUP_BODY_MAX)
        return false;
    head.kind = (enum log_group_kind)kind;
    *out = head;
    return true;
}

bool log_group_body_fits(const struct log_group_head *head, struct bytes body,
                         const struct log_place *place)
{
    return body.len == head->body_len &&
           hash64(place_seed(place), body.data, body.len) == head->body_checksum;
}

/* ---- items ---- */

static uint64_t item_checksum(const struct log_item *item)
{
    uint8_t key[INDEX_LEN];
    put_u64(key, item->index);
    if (item->kind == LOG_ITEM_RECORD)
        return store_checksum(ROOM_LOG, TABLE_RECORDS, (struct bytes){ key, INDEX_LEN },
                              item->bytes);
    return store_checksum(ROOM_LOG, TABLE_META, (struct bytes){ NULL, 0 }, item->bytes);
}

size_t log_item_len(const struct log_item *item)
{
    switch (item->kind) {
    case LOG_ITEM_RECORD:
        return 1 + INDEX_LEN + 4 + CHECKSUM_LEN + item->bytes.len;
    case LOG_ITEM_META:
        return 1 + 4 + CHECKSUM_LEN + item->bytes.len;
    case LOG_ITEM_CUT:
        return 1 + INDEX_LEN;
    case LOG_ITEM_TRIM:
        return 1 + INDEX_LEN + 8;
    }
    return 0;
}

void log_item_put(struct buf *group, const struct log_item *item)
{
    buf_put_u8(group, (uint8_t)item->kind);
    if (item->kind != LOG_ITEM_META)
        buf_put_u64(group, item->index);
    if (item->kind == LOG_ITEM_TRIM)
        buf_put_u64(group, item->oldest);
    if (item->kind == LOG_ITEM_CUT || item->kind == LOG_ITEM_TRIM)
        return;
    buf_put_u32(group, (uint32_t)item->bytes.len);
    buf_put_u64(group, item_checksum(item));
    buf_append(group, item->bytes.data, item->bytes.len);
}

bool log_item_next(struct reader *r, struct log_item *out)
{
    if (r->err != OK || r->left == 0)
        return false;
    unsigned kind = reader_u8(r);
    struct log_item item = { 0 };
    if (kind < LOG_ITEM_RECORD || kind > LOG_ITEM_TRIM) {
        reader_fail(r);
        return false;
    }
    item.kind = (enum log_item_kind)kind;
    if (item.kind != LOG_ITEM_META)
        item.index = reader_u64(r);
    if (item.kind == LOG_ITEM_TRIM)
        item.oldest = reader_u64(r);
    if (item.kind == LOG_ITEM_RECORD || item.kind == LOG_ITEM_META) {
        uint32_t len = reader_u32(r);
        uint64_t checksum = reader_u64(r);
        item.bytes = reader_take(r, len);
        if (r->err == OK && checksum != item_checksum(&item))
            reader_fail(r);
    }
    if (r->err != OK)
        return false;
    *out = item;
    return true;
}
