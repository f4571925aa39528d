/* upload_wire.h -- what two peers say to one another about an upload, as bytes on the uploads stream.
 *
 *     sender: has the client                    receiver: has an IPFS daemon
 *       OPEN   how to import, boundary   --->
 *       DATA   offset, bytes             --->     within the credit
 *                                        <---   CREDIT bytes up to this offset may come
 *       END    how many it were, root    --->
 *                                        <---   ROWS   offset, what the daemon said; within the grant
 *       GRANT  rows up to this offset    --->
 *                                        <---   RESULT whether all went well
 *       CANCEL                           --->
 *
 * Shape    'U' | version u8 | type u8 | id u64 | number u64 | the type's fields, big endian. The id is the sender's; a
 *          receiver tells senders apart by who they have proven to be.
 * Versions Up to the number every version looks the same, and a type keeps its direction. So a peer can refuse at once what
 *          it does not know yet, and be understood: answers are in the version of the OPEN, refusals in version 1.
 * Owner    What a decoded message points at lies in the bytes it came from.
 * Errors   decode: ERR_CORRUPT, ERR_VERSION.
 * Source   docs/WIRE.md#uploads. */
#ifndef UPLOAD_UPLOAD_WIRE_H
#define UPLOAD_UPLOAD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/cid.h"
#include "util/buf.h"

enum {
    UPLOAD_PIECE_BYTES_MAX = 64 * 1024, /* of a DATA */
    UPLOAD_ROWS_BYTES_MAX =
        128 * 1024,              /* of a ROWS: room for the longest line of an IPFS daemon, too */
    UPLOAD_WORD_BYTES_MAX = 128, /* a chunker, a hash function, a boundary */
    UPLOAD_TEXT_BYTES_MAX = 512,
};

/* Stable numbers: they are on the wire. */
enum upload_msg_type {
    UPLOAD_OPEN = 1,
    UPLOAD_DATA = 2,
    UPLOAD_END = 3,
    UPLOAD_CANCEL = 4,
    UPLOAD_GRANT = 5,
    UPLOAD_CREDIT = 6,
    UPLOAD_ROWS = 7,
    UPLOAD_RESULT = 8,
};

/* How the IPFS daemon is to import it: everything explicit, so that no daemon's configuration makes a difference. */
struct upload_params {
    bool is_car; /* then only the boundary counts */
    bool is_trickle;
    bool has_raw_leaves;
    bool wraps;
    bool has_progress;
    uint8_t cid_version; /* 0 or 1 */
    struct bytes chunker;
    struct bytes hash;
    struct bytes boundary; /* of the multipart body */
};

struct upload_msg {
    enum upload_msg_type type;
    uint64_t id;
    uint64_t number; /* DATA, ROWS: offset; END, RESULT: total; OPEN, GRANT, CREDIT: allowed */
    struct upload_params params; /* OPEN */
    struct bytes bytes;          /* DATA, ROWS */
    struct cid root;             /* END: of a CAR */
    int err;                     /* RESULT */
    struct bytes text;           /* RESULT */
};

void upload_msg_encode(const struct upload_msg *m, struct buf *out);
int upload_msg_decode(struct upload_msg *out, struct bytes bytes);
/* Of one in any version, a newer one too: type, id and number. ERR_CORRUPT, also of a type that is new. */
int upload_msg_decode_head(struct upload_msg *out, struct bytes bytes);
/* From the daemon's peer to the client's? */
bool upload_msg_is_answer(const struct upload_msg *m);

/* A line of the IPFS daemon's. */
struct upload_row {
    struct bytes name;
    struct cid cid; /* undefined: only progress */
    uint64_t bytes; /* read so far, or (a CAR) imported */
    uint64_t size;  /* of the tree */
};

void upload_row_put(struct buf *out, const struct upload_row *row);
/* The next one of a ROWS; `in` tells by its err whether it was one. */
void upload_row_read(struct reader *in, struct upload_row *row);

#endif
