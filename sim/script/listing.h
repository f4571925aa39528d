/* listing.h -- the shared state as a peer tells it: the lines of GET /allocations, read.
 *
 * Shape    Rows in the order of their CIDs.
 * Owner    The listing owns its rows.
 * Errors   ERR_CORRUPT: not what the route promises. */
#ifndef SIM_SCRIPT_LISTING_H
#define SIM_SCRIPT_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "ids/cid.h"
#include "ids/peer_id.h"
#include "util/buf.h"

enum { LISTING_HOLDERS_MAX = 32 };

struct listing_row {
    struct cid cid;
    int factor_min;
    int factor_max;
    size_t holders_count; /* 0: everywhere */
    struct peer_id holders[LISTING_HOLDERS_MAX];
};

struct listing {
    struct listing_row *rows;
    size_t count;
    size_t size;
};

int listing_parse(struct listing *out, struct bytes body);
void listing_deinit(struct listing *l);
const struct listing_row *listing_find(const struct listing *l, const struct cid *cid);
bool listing_row_is_held_by(const struct listing_row *row, const struct peer_id *id);

#endif
