/* nearest.h -- "did you mean ...?": the one of several names that a mistyped word is most like.
 *
 * Shape    Begin with the wrong word, offer every name, read `best`. The first of equals wins.
 * Units    `distance` counts characters to insert, delete or replace (Levenshtein).
 * Owner    Names are borrowed, and `best` is one of them; NULL when none is alike.
 * Limits   Words and names beyond NEAREST_NAME_MAX bytes are like nothing. */
#ifndef UTIL_NEAREST_H
#define UTIL_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

enum { NEAREST_NAME_MAX = 96 };

struct nearest {
    struct bytes wrong;
    const char *best;
    size_t distance; /* of best; without one: what a name has to stay below */
};

struct nearest nearest_to(struct bytes wrong);
/* Is it nearer than all before? */
bool nearest_offer(struct nearest *n, const char *name);

#endif
