/* audit.h -- are two peers' states equal where they have applied the same? (DESIGN 6)
 *
 * Shape    A peer keeps the state's hash at the last few indexes that are multiples of AUDIT_STEP. A follower tells the
 *          leader its newest one; the leader looks for its own at that index.
 * Against  A defect, here or there, that made something else of the same entries: checksums of rows cannot see it.
 * Errors   decode: ERR_CORRUPT, ERR_VERSION. */
#ifndef MEMBERS_AUDIT_H
#define MEMBERS_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/hash.h"

enum { AUDIT_STEP = 64, AUDIT_KEPT = 256 };

struct audit_mark {
    uint64_t index; /* 0: none */
    struct hash128 hash;
};

struct audit {
    struct audit_mark marks[AUDIT_KEPT]; /* by index / AUDIT_STEP modulo their number */
    uint64_t newest;                     /* index; 0: none */
};

static inline bool audit_is_due(uint64_t index)
{
    return index % AUDIT_STEP == 0;
}

void audit_note(struct audit *a, uint64_t index, struct hash128 hash);
bool audit_newest(const struct audit *a, struct audit_mark *out);

/* Stable numbers: they are on the wire. */
enum audit_verdict { AUDIT_UNKNOWN = 0, AUDIT_EQUAL = 1, AUDIT_OTHER = 2 };
/* Of what another peer says. Not kept any more, or not applied yet: unknown. */
enum audit_verdict audit_judge(const struct audit *a, const struct audit_mark *theirs);

void audit_mark_encode(const struct audit_mark *m, struct buf *out);
int audit_mark_decode(struct audit_mark *out, struct bytes bytes);

#endif
