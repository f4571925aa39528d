/* cid.h -- the name of content.
 *
 * Shape    bytes[0..len) is the binary CID exactly as given: v0 (34 bytes, 12 20 ...) and v1 of one
 *          multihash are different names, in Kubo too (DESIGN 24). Text: v0 base58btc, v1 base32
 *          lower case.
 * Order    Of the binary bytes, everywhere: in tables, listings and merges.
 * Limit    A digest of LIMIT_DIGEST_BYTES, which is as much as Kubo takes: identity CIDs come up to it.
 * Errors   ERR_INVALID; ERR_TOO_BIG beyond the limit.
 * Source   multiformats CID, with go-cid's choices where libraries differ; vectors cids.json. */
#ifndef IDS_CID_H
#define IDS_CID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/limits.h"

enum { CID_TEXT_SIZE = 1 + (8 * LIMIT_CID_BYTES + 4) / 5 + 1 }; /* base32, its prefix and the NUL */

struct cid {
    uint8_t len; /* 0: undefined */
    uint8_t bytes[LIMIT_CID_BYTES];
};

struct cid_text {
    char text[CID_TEXT_SIZE];
};

int cid_from_bytes(struct cid *out, const void *bytes, size_t len);
int cid_parse(struct cid *out, const char *text);
int cid_parse_len(struct cid *out, const char *text, size_t len);
/* For the end of a sentence about text that is none: "", or that it is too long. */
const char *cid_parse_note(int err);
struct cid_text cid_print(const struct cid *cid); /* "" when undefined */
/* The same; returns its length, without the NUL. */
size_t cid_print_to(char out[CID_TEXT_SIZE], const struct cid *cid);
/* Of a defined CID: what kind of data it names (dag-pb 0x70, raw 0x55, ...), and its multihash, which
 * points into it. */
uint64_t cid_codec(const struct cid *cid);
struct bytes cid_multihash(const struct cid *cid);

static inline int cid_compare(const struct cid *a, const struct cid *b)
{
    return bytes_compare((struct bytes){ a->bytes, a->len }, (struct bytes){ b->bytes, b->len });
}

static inline bool cid_equal(const struct cid *a, const struct cid *b)
{
    return bytes_equal((struct bytes){ a->bytes, a->len }, (struct bytes){ b->bytes, b->len });
}

static inline bool cid_is_undefined(const struct cid *cid)
{
    return cid->len == 0;
}

#endif
