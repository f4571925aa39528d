/* rows_check.h -- do these rows make up the state that their META row says they are? Asked of a snapshot before
 * it takes the place of what was there.
 *
 * Shape    Every row once, in any order; then rows_check_end() compares the sum over them (digest.h) and the
 *          count of pins with META.
 * Errors   ERR_CORRUPT: they do not fit, or there is no META row. ERR_VERSION: a newer version wrote it. */
#ifndef STATE_ROWS_CHECK_H
#define STATE_ROWS_CHECK_H

#include "state/pinset.h"

struct rows_check {
    struct hash128 sum;
    uint64_t pins_count;
    bool has_meta;
    struct pinset_facts facts; /* META's */
    struct hash128 said;       /* likewise: what the sum has to be */
};

void rows_check_begin(struct rows_check *c);
int rows_check_row(struct rows_check *c, unsigned table, struct bytes key, struct bytes value);
/* OK: `facts` may be believed. */
int rows_check_end(const struct rows_check *c);

#endif
