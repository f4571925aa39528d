/* depart.h -- what is said about a member on its way out (peer_depart.c; docs/WIRE.md).
 *
 * Shape    KEEPS, the leader's question, and its answer; DISMISS's answer. Each a version and a few numbers.
 * Errors   *_decode: ERR_CORRUPT, ERR_VERSION; then `out` is untouched. */
#ifndef MEMBERS_DEPART_H
#define MEMBERS_DEPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct depart_question {
    uint64_t
        index; /* of the configuration that has the mark: who has not applied that much does not know */
    bool gives_all_up; /* also what the state still gives it: no other peer is there to take that */
};
void depart_question_encode(const struct depart_question *q, struct buf *out);
int depart_question_decode(struct depart_question *out, const void *bytes, size_t len);

/* How many pins it holds that others do not have yet. */
void depart_kept_encode(uint64_t count, struct buf *out);
int depart_kept_decode(uint64_t *out, const void *bytes, size_t len);

/* Is it out at once, or marked, and its pins move first? */
void depart_dismissed_encode(bool is_gone, struct buf *out);
int depart_dismissed_decode(bool *out, const void *bytes, size_t len);

#endif
