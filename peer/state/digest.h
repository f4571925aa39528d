/* digest.h -- one number for the whole state: a sum over its rows, so that a row can leave and another
 * come without looking at the rest.
 *
 * Shape    Each row is hashed with its table and key (util/hash.h); the hashes are added modulo 2^128.
 *          Addition does not mind the order, so two peers that reached the same rows by different
 *          batches, or by a snapshot, have the same sum. META is left out: it holds the sum.
 * Against  Damage and divergence, not attackers. */
#ifndef STATE_DIGEST_H
#define STATE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "port/view.h"
#include "util/buf.h"
#include "util/hash.h"

struct hash128 digest_row(unsigned table, struct bytes key, struct bytes value);
void digest_add(struct hash128 *sum, struct hash128 row);
void digest_subtract(struct hash128 *sum, struct hash128 row);
bool digest_equal(struct hash128 a, struct hash128 b);

/* The slow way, to compare with: walks every row, in slices. */
struct digest_scrub {
    struct hash128 sum;
    uint64_t rows_count;
    unsigned table;
    struct buf after; /* the last key seen in `table`; empty: none */
};
void digest_scrub_init(struct digest_scrub *s);
void digest_scrub_deinit(struct digest_scrub *s);
/* Takes in about `steps` more rows of this view. OK: that was all, `sum` stands; ERR_MORE: call again, with
 * a view that shows the same rows (if the applied index moved meanwhile, start anew). ERR_CORRUPT, ERR_IO,
 * ERR_NOMEM. */
int digest_scrub_step(struct digest_scrub *s, struct view *view, unsigned steps);

#endif
