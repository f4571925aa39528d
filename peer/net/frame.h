/* frame.h -- the first bytes of everything that peers say to one another.
 *
 * Shape    kind (1) | version (1) | cluster id (16; zeroes while the sender has none) | body.
 *          RAFT on the control stream, REQUEST and REPLY on the calls stream, SNAPSHOT on the bulk stream,
 *          UPLOAD on the uploads stream.
 * Errors   ERR_CORRUPT: too short or no known kind. ERR_VERSION: a newer version than ours.
 * Source   DESIGN 7, 10; docs/WIRE.md. */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum { FRAME_VERSION = 1, CLUSTER_ID_BYTES = 16, FRAME_HEAD_BYTES = 2 + CLUSTER_ID_BYTES };

enum frame_kind {
    FRAME_RAFT = 1,    /* body: raft_msg_encode() */
    FRAME_REQUEST = 2, /* body: rpc.c */
    FRAME_REPLY = 3,
    FRAME_SNAPSHOT = 4, /* body: snapshot_msg_encode() */
    FRAME_UPLOAD = 5,   /* body: upload_msg_encode() */
};

struct cluster_id {
    uint8_t bytes[CLUSTER_ID_BYTES];
};

struct frame {
    enum frame_kind kind;
    struct cluster_id cluster;
    struct bytes body; /* borrowed */
};

bool cluster_id_is_none(const struct cluster_id *id);
bool cluster_id_equal(const struct cluster_id *a, const struct cluster_id *b);
/* Both known and different: the sender belongs to another cluster. */
bool cluster_id_conflicts(const struct cluster_id *a, const struct cluster_id *b);

void frame_head_put(struct buf *out, enum frame_kind kind, const struct cluster_id *cluster);
int frame_decode(struct frame *out, const void *bytes, size_t len);

#endif
