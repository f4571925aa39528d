/* peer_pages.h -- what one peer tells another about itself and its pins: bytes of the calls ID, STATUS,
 * RECOVER, SYNC and MEMBER_ADD.
 *
 * Shape    STATUS asks for a page: infos of CIDs behind `after`, in CID order, that match the filter; or for one
 *          CID. RECOVER and SYNC name one CID or none (all), and are answered with a page of that one CID.
 * Owner    Decoded values borrow the payload (text) or lie in the arena. A page is read row by row: it holds as many as
 *          fit into a message, and each is looked at once.
 * Errors   ERR_CORRUPT, ERR_VERSION, ERR_NOMEM. */
#ifndef PEER_PEER_PAGES_H
#define PEER_PEER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/api/api.h"
#include "ids/cid.h"
#include "tracker/tracker_status.h"
#include "util/arena.h"
#include "util/buf.h"

enum { PAGE_INFOS_MAX = 256, PAGE_TEXT_MAX = 1024, PAGE_WORD_ROWS_MAX = 65535 };

struct page_request {
    bool is_one;     /* exactly `cid`; else everything behind it */
    struct cid cid;  /* undefined: from the start; for RECOVER and SYNC: all */
    uint32_t filter; /* tracker_filter_parse() */
    uint16_t limit;  /* at most PAGE_INFOS_MAX */
};
void page_request_encode(const struct page_request *r, struct buf *out);
int page_request_decode(struct page_request *out, struct bytes payload);

struct page {
    struct bytes name;    /* of the peer that answers */
    struct bytes ipfs_id; /* of its daemon; empty while it has not answered */
    size_t count;
    struct cid after; /* where the next page goes on */
    bool is_last;
    /* The rows: this peer's own, and what the state says of each (NULL: nothing; or nothing was asked for) ... */
    const struct tracker_info *infos;
    const struct pin *const *pins;
    /* ... or another's, as they came; then `infos` is NULL. */
    struct reader rows;
    size_t given; /* by page_next() */
};
void page_encode(const struct page *page, struct buf *out); /* of one with infos */
int page_decode(struct page *out, struct bytes payload);
/* The next row, and what the state says of it, where that is known. ERR_NOT_FOUND behind the last. */
int page_next(struct page *page, struct arena *arena, struct tracker_info *out,
              const struct pin **pin);

/* GET /id of one peer, as the API shows it; `error` does not travel. */
void page_id_encode(const struct api_id *id, struct buf *out);
int page_id_decode(struct api_id *out, struct arena *arena, struct bytes payload);

/* A word of a census (peer_census.h); `id` and `error` do not travel. */
void peer_word_encode(const struct api_word *word, struct buf *out);
int peer_word_decode(struct api_word *out, struct arena *arena, struct bytes payload);

#endif
