/* nearest.h -- "did you mean ...?": the one of several names that a mistyped word is most like.
 *
 * Shape    Begin with the wrong word, offer every name, read `best`. The first of equals wins. A name that begins with
 *          the wrong word, of three bytes or more, is always alike.
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
    size_t best_len;
    size_t distance; /* of best; without one: what a name has to stay below */
};

struct nearest nearest_to(struct bytes wrong);
/* Of its end alone, so long, is it known that something is wrong: `api.restapi.foo`. */
struct nearest nearest_to_end(struct bytes wrong, size_t end_len);
/* Is it nearer than all before? */
bool nearest_offer(struct nearest *n, const char *name);
bool nearest_offer_len(struct nearest *n, const char *name, size_t len);

#endif
