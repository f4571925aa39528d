/* log_file.h -- the bytes of the log room's files (docs/STORE.md has them in full).
 *
 *      segment   head (with the meta record), padded    group    group   ...   seal | end | nothing
 *      group     32 bytes of head, items, padded with zeros
 *      item      a record, the meta record, a cut, a trim
 *
 * Shape    A group is all units that shared one write and one sync: it happened whole or not at all, which its checksum
 *          says. Groups begin at multiples of LOG_SECTOR and are numbered without a gap over all segments. A seal
 *          stands where the next group will, and says that all before it is durable; an end says that, too,
 *          and that another segment follows.
 * Place    Checksums of groups begin with the segment's nonce, its number and the offset: bytes from elsewhere, from an
 *          older file or made up by a client inside a record are no group.
 * Errors   ERR_CORRUPT, ERR_VERSION. Decoders take any bytes; encoders set out->err. */
#ifndef STORE_LOG_FILE_H
#define STORE_LOG_FILE_H

#include "port/store.h"

enum {
    LOG_SECTOR = 512,
    LOG_FILE_VERSION = 1,
    LOG_GROUP_HEAD_LEN = 32,
    LOG_FILE_HEAD_LEN = 72, /* without the meta record */
    LOG_GROUP_BODY_MAX = LIMIT_LOG_UNIT_BYTES * 4,
};

/* How a segment begins: what the log was then, so that older segments may go. */
struct log_file_head {
    uint64_t number;          /* of the segment, from 1 */
    uint64_t nonce;           /* drawn for it */
    uint64_t group_first;     /* number of its first group */
    uint64_t oldest;          /* no segment before that one is needed any more */
    struct log_extent extent; /* of the records */
    struct bytes meta;
};

void log_file_head_encode(const struct log_file_head *head, struct buf *out);
/* *len: where the first group begins. out->meta points into the bytes. */
int log_file_head_decode(struct log_file_head *out, struct bytes file, size_t *len);

struct log_place {
    uint64_t nonce;
    uint64_t segment;
    uint64_t offset;
};

enum log_group_kind { LOG_GROUP = 1, LOG_SEAL = 2, LOG_END = 3 };

struct log_group_head {
    enum log_group_kind kind;
    uint64_t number; /* seal, end: that of the group that would stand here */
    size_t body_len;
    uint64_t body_checksum;
};

static inline uint64_t log_sector_up(uint64_t offset)
{
    return (offset + LOG_SECTOR - 1) / LOG_SECTOR * LOG_SECTOR;
}

/* Room for the head in an empty buf; items follow; then the rest of the bytes, for this place. */
void log_group_begin(struct buf *group);
void log_group_end(struct buf *group, const struct log_place *place, uint64_t number);
/* A seal or an end: one sector. */
void log_seal_encode(struct buf *out, const struct log_place *place, enum log_group_kind kind,
                     uint64_t number);
/* Is there a head in these bytes (at least LOG_GROUP_HEAD_LEN of them)? */
bool log_group_head_decode(struct log_group_head *out, struct bytes bytes,
                           const struct log_place *place);
bool log_group_body_fits(const struct log_group_head *head, struct bytes body,
                         const struct log_place *place);

enum log_item_kind { LOG_ITEM_RECORD = 1, LOG_ITEM_META, LOG_ITEM_CUT, LOG_ITEM_TRIM };

struct log_item {
    enum log_item_kind kind;
    uint64_t index;  /* of the record; the first one that is cut; the first one that a trim keeps */
    uint64_t oldest; /* trim: the oldest segment that is still needed */
    struct bytes bytes; /* record, meta */
};

void log_item_put(struct buf *group, const struct log_item *item);
size_t log_item_len(const struct log_item *item);
/* False at the end, or (r->err) when what follows is no whole item or its checksum does not fit. */
bool log_item_next(struct reader *r, struct log_item *out);

#endif
