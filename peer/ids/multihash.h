/* multihash.h -- what CIDs and peer ids are made of: a hash function's number, a length, a digest.
 *
 * Rule     Varints of the multiformats world: minimal, nine bytes at most (63 bits). Which hash
 *          functions may stand there is the caller's business.
 * Owner    The digest points into what the reader walks.
 * Errors   The reader's err. */
#ifndef IDS_MULTIHASH_H
#define IDS_MULTIHASH_H

#include <stdint.h>

#include "util/buf.h"

enum { MULTIHASH_IDENTITY = 0x00, MULTIHASH_SHA2_256 = 0x12 };

struct multihash {
    uint64_t code;
    struct bytes digest;
};

uint64_t multihash_read_varint(struct reader *r);
struct multihash multihash_read(struct reader *r);
/* OK when the bytes are one multihash and nothing else. */
int multihash_from_bytes(struct multihash *out, struct bytes bytes);

#endif
