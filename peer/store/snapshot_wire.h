/* snapshot_wire.h -- what two peers say to one another about a snapshot, as bytes on the bulk stream.
 *
 *     sender                                   receiver
 *       OFFER {id, len, configuration}  --->     begins, or goes on
 *                                       <---   GET {id, offset, len}, a few at a time
 *       CHUNK {id, offset, bytes}       --->     asks again for what does not come
 *                                       <---   HELD {id}: I have all of it, durably
 *       GONE {id}                       --->     what you ask for is not here (any more)
 *                                       <---   WANT {index}: my state is damaged; one as of there, or later
 *
 * Shape    'S' | version u8 | type u8 | from u64 | to u64 | term u64 | index u64 | hash u64 | the type's fields,
 *          big endian. The id's cluster is the frame's.
 * Owner    What a decoded message points at lies in the bytes it came from.
 * Errors   decode: ERR_CORRUPT, ERR_VERSION.
 * Source   docs/WIRE.md#snapshots. */
#ifndef STORE_SNAPSHOT_WIRE_H
#define STORE_SNAPSHOT_WIRE_H

#include "store/snapshot.h"

/* Stable numbers: they are on the wire. */
enum snapshot_msg_type {
    SNAPSHOT_MSG_OFFER = 1,
    SNAPSHOT_MSG_GET = 2,
    SNAPSHOT_MSG_CHUNK = 3,
    SNAPSHOT_MSG_GONE = 4,
    SNAPSHOT_MSG_HELD = 5,
    SNAPSHOT_MSG_WANT = 6,
};

struct snapshot_msg {
    enum snapshot_msg_type type;
    uint64_t from; /* member numbers */
    uint64_t to;
    struct snapshot_id id;
    struct snapshot_offer offer; /* OFFER; its id is `id` */
    struct snapshot_get get;     /* GET; likewise */
    struct snapshot_chunk chunk; /* CHUNK; likewise */
};

void snapshot_msg_encode(const struct snapshot_msg *m, struct buf *out);
/* `cluster_id` is the frame's; it completes the ids. */
int snapshot_msg_decode(struct snapshot_msg *out, const uint8_t *cluster_id, struct bytes bytes);

#endif
